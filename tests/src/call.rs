//! One command that a test runs twice: bare as the control, and guarded.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::claw::Guard;
use crate::record::Record;
use crate::running::Running;

/// After this long a run counts as hanging. It only bounds a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A command with its environment, working directory and stdin.
#[derive(Debug, Clone)]
pub struct Call {
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    cwd: Option<PathBuf>,
    stdin: Vec<u8>,
    patience: Duration,
}

/// How a run ended and what it left.
#[derive(Debug)]
pub struct Ran {
    /// What was run, for messages.
    pub command: String,
    /// The exit status as the parent sees it.
    pub status: ExitStatus,
    /// All of stdout.
    pub stdout: Vec<u8>,
    /// All of stderr.
    pub stderr: Vec<u8>,
    /// The audit records of a guarded run, oldest first; none for a bare one.
    pub records: Vec<Record>,
}

impl Call {
    /// A call of `argv`, whose first element is found on `PATH` unless it has a slash.
    pub fn new<S: AsRef<OsStr>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self {
            argv: argv.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            env: Vec::new(),
            cwd: None,
            stdin: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// The words of the call.
    #[must_use]
    pub fn argv(&self) -> &[OsString] {
        &self.argv
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Adds several environment variables.
    #[must_use]
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        for (name, value) in pairs {
            self = self.env(name, value);
        }
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, directory: impl AsRef<Path>) -> Self {
        self.cwd = Some(directory.as_ref().to_owned());
        self
    }

    /// Sets what is written to stdin; nothing unless set.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Sets after how long the call counts as hanging.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs the call without claw: the control.
    #[must_use]
    pub fn bare(&self) -> Ran {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]);
        self.run(command)
    }

    /// Runs the call under claw and reads its records back.
    #[must_use]
    pub fn guarded(&self, guard: &Guard) -> Ran {
        let before = guard.records().len();
        let mut ran = self.run(guard.command(&self.argv));
        ran.records = guard.records().split_off(before);
        ran
    }

    /// Starts the call under claw and leaves it running.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_guarded(&self, guard: &Guard) -> Running {
        Running::start(self.dressed(guard.command(&self.argv)))
    }

    /// Gives `command` the call's environment and working directory.
    fn dressed(&self, mut command: Command) -> Command {
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.cwd {
            command.current_dir(directory);
        }
        command
    }

    fn run(&self, command: Command) -> Ran {
        let mut running = Running::start(self.dressed(command));
        running.feed(self.stdin.clone());
        running.finish(self.patience)
    }
}

impl Ran {
    /// Stdout as text, without the last newline.
    #[must_use]
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Stderr as text, without the last newline.
    #[must_use]
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim_end().to_owned()
    }

    /// The exit code, or nothing after a signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it, or nothing.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Itself, when the exit code is `code`.
    ///
    /// # Panics
    /// With everything the run said, when it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(
            self.code() == Some(code),
            "expected exit {code}, got {}\n{}",
            self.status,
            self.story()
        );
        self
    }

    /// The records whose argv contains `word` inside one of its arguments.
    #[must_use]
    pub fn about(&self, word: &str) -> Vec<&Record> {
        self.records.iter().filter(|record| record.mentions(word)).collect()
    }

    /// The records about programs.
    #[must_use]
    pub fn execs(&self) -> Vec<&Record> {
        self.records.iter().filter(|record| record.kind() == "exec").collect()
    }

    /// The records about connections to `to`. A v4-mapped address is the IPv4 address in it: for some calls
    /// the kernel unwraps it before any rule is asked.
    #[must_use]
    pub fn connects(&self, to: SocketAddr) -> Vec<&Record> {
        let canonical = |to: SocketAddr| (to.ip().to_canonical(), to.port());
        let connects = self.records.iter().filter(|record| record.kind() == "connect");
        let parsed = |record: &&Record| record.to().parse::<SocketAddr>().map(canonical);
        connects.filter(|record| parsed(record) == Ok(canonical(to))).collect()
    }

    /// The one record with the verdict `verdict`.
    ///
    /// # Panics
    /// When there is none or more than one.
    #[must_use]
    #[track_caller]
    pub fn only(&self, verdict: &str) -> &Record {
        let all: Vec<_> =
            self.records.iter().filter(|record| record.verdict() == verdict).collect();
        assert!(all.len() == 1, "expected one `{verdict}`, got {}\n{}", all.len(), self.story());
        all[0]
    }

    /// Everything there is to say about the run, for a failure.
    #[must_use]
    pub fn story(&self) -> String {
        let mut text = format!(
            "command: {}\nstatus: {}\nstdout: {}\nstderr: {}\n",
            self.command,
            self.status,
            shortened(&self.out()),
            shortened(&self.err()),
        );
        for record in &self.records {
            let _ = writeln!(text, "record: {}", shortened(&record.to_string()));
        }
        text
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 2000;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} … ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

pub(crate) fn abbreviated(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    shortened(&words.map(|word| shortened(&word.to_string_lossy())).collect::<Vec<_>>().join(" "))
}
