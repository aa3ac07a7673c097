//! The built `claw`, and runs of it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::call::{Call, Ran};
use crate::record::{self, Record};

/// The `claw` under test: `CLAW_BIN`, or the one built beside this test, or the release build.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = env::var_os("CLAW_BIN").map(PathBuf::from) {
            assert!(path.is_file(), "`CLAW_BIN` names `{}`, which is no file", path.display());
            return path;
        }
        let target = target_directory();
        let profiles = ["release", "debug"].map(|profile| target.join(profile).join("claw"));
        profiles.iter().find(|path| path.is_file()).cloned().unwrap_or_else(|| {
            panic!("no `claw` among {profiles:?}: run `cargo xtask test`, which builds it first")
        })
    })
}

/// Cargo's target directory: the test runs as `TARGET/PROFILE/deps/NAME`.
///
/// # Panics
/// When the test does not run from there.
#[must_use]
pub fn target_directory() -> PathBuf {
    let own = env::current_exe().expect("a running test has a path");
    own.ancestors().nth(3).expect("a test runs below the target directory").to_owned()
}

/// A policy of this suite, by its file name without `.toml`.
#[must_use]
pub fn policy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(format!("{name}.toml"))
}

/// How calls are guarded: a policy, options, and an audit directory of its own.
#[derive(Debug)]
pub struct Guard {
    policy: PathBuf,
    prefix: Vec<OsString>,
    options: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    audit: TempDir,
    /// A folder for files that another user must be able to reach.
    stage: Option<TempDir>,
}

/// The account without rights, and its group.
const NOBODY: u32 = 65534;

impl Guard {
    /// Guards with the policy `name` of this suite.
    #[must_use]
    pub fn with_policy(name: &str) -> Self {
        Self::with_policy_file(policy(name))
    }

    /// Guards with the policy file `path`.
    ///
    /// # Panics
    /// When no audit directory can be made.
    #[must_use]
    pub fn with_policy_file(path: impl Into<PathBuf>) -> Self {
        Self {
            policy: path.into(),
            prefix: Vec::new(),
            options: Vec::new(),
            env: Vec::new(),
            audit: TempDir::with_prefix("claw-audit-").expect("a temporary directory can be made"),
            stage: None,
        }
    }

    /// Starts claw itself through `command`, which ends by running its own arguments.
    #[must_use]
    pub fn inside<S: AsRef<OsStr>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.prefix = command.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Starts claw as root without any capability, as in a container that has none.
    #[must_use]
    pub fn without_capabilities(self) -> Self {
        self.inside(["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"])
    }

    /// Starts claw as an ordinary user, from a folder that this user can reach.
    ///
    /// # Panics
    /// When that cannot be prepared.
    #[must_use]
    pub fn as_ordinary_user(mut self) -> Self {
        let stage = TempDir::with_prefix("claw-stage-").expect("a temporary directory");
        chown(stage.path(), Some(NOBODY), Some(NOBODY)).expect("root can give a directory away");
        chown(self.audit(), Some(NOBODY), Some(NOBODY)).expect("root can give a directory away");
        self.stage = Some(stage);
        self.policy = self.staged(&self.policy);
        let user = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
        let words = ["/usr/bin/setpriv", &user[0], &user[1], "--clear-groups"];
        self.inside(words.into_iter().chain(["--bounding-set=-all", "--inh-caps=-all"]))
    }

    /// Where the ordinary user finds the file `path`.
    ///
    /// # Panics
    /// When it cannot be put there, or the guard is not [`Guard::as_ordinary_user`].
    #[must_use]
    pub fn staged(&self, path: &Path) -> PathBuf {
        let stage = self.stage.as_ref().expect("an ordinary user's guard");
        let staged = stage.path().join(path.file_name().expect("a file"));
        if !staged.exists() && fs::hard_link(path, &staged).is_err() {
            fs::copy(path, &staged).expect("the stage has room");
        }
        staged
    }

    /// The ordinary user's own folder.
    ///
    /// # Panics
    /// When the guard is not [`Guard::as_ordinary_user`].
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.stage.as_ref().expect("an ordinary user's guard").path()
    }

    /// Adds an option of `claw run`.
    #[must_use]
    pub fn option(mut self, option: impl AsRef<OsStr>) -> Self {
        self.options.push(option.as_ref().to_owned());
        self
    }

    /// Decides and records, and holds nothing.
    #[must_use]
    pub fn observing(self) -> Self {
        self.option("--observe")
    }

    /// Sets an environment variable of claw itself (and, as claw passes it on, of the command).
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The audit directory.
    #[must_use]
    pub fn audit(&self) -> &Path {
        self.audit.path()
    }

    /// All records so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        record::records(self.audit())
    }

    /// `claw run … -- argv`.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(&self, argv: &[S]) -> Command {
        let claw =
            self.stage.as_ref().map_or_else(|| binary().to_owned(), |_| self.staged(binary()));
        let words = self.prefix.iter().map(OsString::as_os_str).chain([claw.as_os_str()]);
        let mut words = words.collect::<Vec<_>>().into_iter();
        let mut command = Command::new(words.next().expect("at least claw's own path"));
        command.args(words);
        command.arg("run").arg("--policy").arg(&self.policy).arg("--audit").arg(self.audit());
        command.args(&self.options).arg("--").args(argv);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Runs `claw` with `arguments`, for the sub-commands that guard nothing.
#[must_use]
pub fn claw<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    let mut argv = vec![binary().as_os_str().to_owned()];
    argv.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
    Call::new(argv).bare()
}
