//! A folder with the witness under several names, and assertions about a run of each.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::record::Record;
use claw_tests::sighting::Sighting;
use claw_tests::tracee::{Linkage, copy_program, program};
use tempfile::TempDir;

/// A folder that holds `witness`, `psql` and `forbidden`, which are all the witness.
pub(crate) struct Stage {
    folder: TempDir,
}

/// Guards with the policy of this suite.
pub(crate) fn guard() -> Guard {
    Guard::with_policy("forms")
}

impl Stage {
    pub(crate) fn new(linkage: Linkage) -> Self {
        let folder = TempDir::with_prefix("claw-stage-").expect("a temporary directory");
        let stage = Self { folder };
        for name in ["witness", "psql", "forbidden"] {
            stage.place(name, linkage);
        }
        stage
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Puts the witness at `name`, in a folder below the stage where `name` has a slash.
    pub(crate) fn place(&self, name: &str, linkage: Linkage) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("below the stage")).expect("the stage is ours");
        copy_program(program("witness", linkage), &path);
        self.executable(name, true);
    }

    /// Writes an executable file.
    pub(crate) fn script(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("the stage is ours");
        self.executable(name, true);
    }

    pub(crate) fn executable(&self, name: &str, executable: bool) {
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("ours");
    }

    /// How many witnesses have run since the last time, from a log that each writes first of all.
    fn witnesses(&self) -> usize {
        let log = self.path("log");
        let lines = fs::read_to_string(&log).map_or(0, |text| text.lines().count());
        fs::write(&log, "").expect("the stage is ours");
        lines
    }

    /// The control: bare, exactly one witness runs.
    #[track_caller]
    pub(crate) fn assert_runs(&self, call: &Call) {
        self.witnesses();
        let log = self.logged(call);
        let bare = log.bare().exits(0);
        assert_eq!(self.witnesses(), 1, "{}", bare.story());
    }

    /// Guarded, no witness runs at all.
    #[track_caller]
    pub(crate) fn assert_does_not_run(&self, call: &Call, guard: &Guard) -> Ran {
        self.witnesses();
        let ran = self.logged(call).guarded(guard);
        assert_eq!(self.witnesses(), 0, "{}", ran.story());
        ran
    }

    /// In a chroot at the stage the same file has the name `/log`.
    fn logged(&self, call: &Call) -> Call {
        let chroot = call.argv().iter().any(|word| word == "chroot");
        call.clone().env("WITNESS_LOG", if chroot { "/log".into() } else { self.path("log") })
    }
}

/// The one record that mentions `word` and is about the process that `seen` is the account of.
#[track_caller]
fn record_of<'a>(ran: &'a Ran, seen: &Sighting, word: &str) -> &'a Record {
    // Before its exec, the process that starts the program may have had the same words in its arguments.
    let mut records = ran.records.iter();
    let last = records.rfind(|record| record.pid() == seen.pid && record.mentions(word));
    last.unwrap_or_else(|| {
        panic!("no record of process {} and {word:?}\n{}", seen.pid, ran.story())
    })
}

/// The witness ran as it was called, and its record says so and is proven.
#[track_caller]
pub(crate) fn assert_allowed(ran: &Ran, word: &str) {
    let seen = Sighting::of(ran);
    let record = record_of(ran, &seen, word);
    assert_eq!(record.verdict(), "allow", "{}", ran.story());
    assert!(record.is_proven(), "{}", ran.story());
}

/// The witness ran with a row limit, and otherwise exactly as `bare`.
#[track_caller]
pub(crate) fn assert_rewritten(ran: &Ran, bare: &Sighting) {
    let seen = Sighting::of(ran);
    let last = seen.argv.last().expect("a statement");
    assert_eq!(last, "SELECT * FROM users LIMIT 1000", "{}", ran.story());
    assert_eq!(seen.argv[..seen.argv.len() - 1], bare.argv[..bare.argv.len() - 1]);
    assert_eq!((&seen.cwd, &seen.tty), (&bare.cwd, &bare.tty), "{}", ran.story());
    assert_eq!(seen.descriptors, bare.descriptors, "{}", ran.story());
    let started = ran.out().lines().find_map(|line| {
        line.strip_prefix("spawned ").or(line.strip_prefix("becomes "))?.parse::<i64>().ok()
    });
    if let Some(started) = started {
        assert_eq!(started, seen.pid, "the process stays the same\n{}", ran.story());
    }
    let record = record_of(ran, &seen, "SELECT");
    assert_eq!((record.verdict(), record.rule()), ("rewrite", "sql-row-limit"), "{}", ran.story());
    assert!(record.is_proven(), "{}", ran.story());
}

/// One record says `deny` with `rule`, and the caller got the denial.
#[track_caller]
pub(crate) fn assert_denied(ran: &Ran, rule: &str) {
    assert_eq!(ran.only("deny").rule(), rule, "{}", ran.story());
    assert!(ran.err().contains(&format!("(claw rule {rule}: ")), "{}", ran.story());
    assert!(ran.code().is_some_and(|code| code != 0), "{}", ran.story());
}
