//! Where a race is run: the target under two names, and the count of how tries ended.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::tracee::{Linkage, copy_program, program};
use tempfile::TempDir;

/// A suite that takes longer than this hangs. Generous: it measures nothing.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A directory with a program as `psql` and as `harmless`, and with one/tool and two/tool that lead to them.
pub(crate) struct Arena {
    directory: TempDir,
}

/// How the tries of one race ended, as the attacker and as the target saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Ran as judged.
    pub(crate) good: usize,
    /// Ran with what the policy forbids: wins.
    pub(crate) evil: usize,
    /// Ended by a signal: caught by the proof.
    pub(crate) killed: usize,
    /// The system call failed.
    pub(crate) failed: usize,
    /// The target printed a denial.
    pub(crate) denied: usize,
}

impl Arena {
    /// An arena with `target.c`, which notes whether it runs as judged.
    pub(crate) fn new() -> Self {
        Self::with("target")
    }

    /// With the C program `name`.
    pub(crate) fn with(name: &str) -> Self {
        let directory = TempDir::with_prefix("claw-race-").expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        for copy in ["psql", "harmless"] {
            copy_program(program(name, Linkage::Static), at(copy));
            fs::set_permissions(at(copy), fs::Permissions::from_mode(0o755)).expect("ours");
        }
        for (folder, to) in [("one", "../harmless"), ("two", "../psql")] {
            fs::create_dir(at(folder)).expect("a new directory");
            symlink(to, at(folder).join("tool")).expect("a new link");
        }
        Self { directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn psql(&self) -> PathBuf {
        self.path().join("psql")
    }

    /// Runs `call` bare or guarded and counts what the target noted.
    pub(crate) fn run(&self, call: Call, guard: Option<&Guard>) -> (Tally, Ran) {
        let log = self.path().join("log");
        fs::write(&log, "").expect("the arena can be written");
        let call = call.env("TARGET_LOG", &log).patience(PATIENCE);
        let ran = guard.map_or_else(|| call.bare(), |guard| call.guarded(guard)).exits(0);
        let noted = fs::read_to_string(&log).expect("the target's notes");
        let tally = Tally {
            // What the target noted, not what the attacker saw: a program may run and be killed later.
            good: noted.lines().filter(|line| *line == "GOOD").count(),
            evil: noted.lines().filter(|line| *line == "EVIL").count(),
            killed: count(&ran, "killed"),
            failed: count(&ran, "failed"),
            denied: count(&ran, "denied"),
        };
        (tally, ran)
    }
}

/// The number behind `name` in what a program printed.
pub(crate) fn count(ran: &Ran, name: &str) -> usize {
    let words: Vec<_> = ran.stdout.split(u8::is_ascii_whitespace).collect();
    let at = words.iter().position(|word| *word == name.as_bytes());
    let number = at.and_then(|at| std::str::from_utf8(words[at + 1]).ok()?.parse().ok());
    number.unwrap_or_else(|| panic!("no count of `{name}`\n{}", ran.story()))
}

/// The levels at which races are run.
pub(crate) const LEVELS: [&str; 2] = ["proven", "held"];

/// A guard with `policy` at `level`; the words `before` start claw.
pub(crate) fn guard_at(level: &str, policy: &str, mut before: Vec<OsString>) -> Guard {
    if level == "held" {
        let without = ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"];
        before.extend(without.map(OsString::from));
    }
    Guard::with_policy(policy).inside(before).option("--require").option(level)
}

/// Waits for the turn of a race: two at once would compete for the processors, and both would be harder to
/// win.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
