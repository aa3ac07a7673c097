//! Where a race is run: the target under two names, the links between them, and the count of how tries ended.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::record::Record;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};
use tempfile::TempDir;

/// A suite that takes longer than this hangs. Generous: it measures nothing.
const PATIENCE: Duration = Duration::from_secs(600);

/// Two races at once would take each other's processors and make both harder to win: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// How many times each attacker tries.
pub(crate) fn tries() -> usize {
    const USUAL: usize = 10_000;
    env::var("CLAW_RACE_TRIES").map_or(USUAL, |text| {
        text.parse().unwrap_or_else(|_| panic!("`CLAW_RACE_TRIES` is a number, not `{text}`"))
    })
}

/// A directory with the target as `psql` and as `harmless`, and the links of `race_symlink.c`.
pub(crate) struct Arena {
    directory: TempDir,
}

/// How the tries of one race ended, as the attacker and as the target saw it.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Ran as judged.
    pub(crate) good: usize,
    /// Ran with what the policy forbids: wins.
    pub(crate) evil: usize,
    /// Ended by a signal: caught by the proof.
    pub(crate) killed: usize,
    /// The system call failed.
    pub(crate) failed: usize,
    /// Told that it was denied.
    pub(crate) denied: usize,
}

impl Arena {
    pub(crate) fn new() -> Self {
        let directory = TempDir::with_prefix("claw-race-").expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        for name in ["psql", "harmless"] {
            fs::copy(program("target", Linkage::Static), at(name)).expect("the target is there");
            fs::set_permissions(at(name), fs::Permissions::from_mode(0o755)).expect("ours");
        }
        for name in ["one", "two"] {
            fs::create_dir(at(name)).expect("a new directory");
        }
        for (to, link) in [
            ("harmless", "link"),
            ("psql", "other"),
            ("one", "current"),
            ("two", "former"),
            ("../harmless", "one/tool"),
            ("../psql", "two/tool"),
        ] {
            symlink(to, at(link)).expect("a new link");
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
        let ended = |name: &str| {
            let words: Vec<_> = ran.stdout.split(u8::is_ascii_whitespace).collect();
            let at = words.iter().position(|word| *word == name.as_bytes());
            let number = at.and_then(|at| std::str::from_utf8(words[at + 1]).ok()?.parse().ok());
            number.unwrap_or_else(|| panic!("no count of `{name}`\n{}", ran.story()))
        };
        let tally = Tally {
            // What the target noted, not what the attacker saw: a program may run and be killed later.
            good: noted.lines().filter(|line| *line == "GOOD").count(),
            evil: noted.lines().filter(|line| *line == "EVIL").count(),
            killed: ended("killed"),
            failed: ended("failed"),
            denied: ended("denied"),
        };
        (tally, ran)
    }
}

/// Prints past the capture of a passing test: the counts are the suite's result, and always shown.
fn announce(text: &str) {
    writeln!(io::stderr(), "{text}").expect("stderr takes a line");
}

/// Runs `attacker` with `operand` without a proof and under claw: the swap wins there and never here.
pub(crate) fn race(arena: &Arena, attacker: &str, operand: &Path) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let tries = tries();
    let attack = |before: &[PathBuf]| {
        let attacker = program(attacker, Linkage::Static);
        let mut argv: Vec<_> = before.to_vec();
        argv.extend([attacker, tries.to_string().into(), operand.to_owned()]);
        Call::new(argv)
    };
    let scenario = Scenario::new(format!("{attacker}, {tries} tries"));
    scenario
        .given("`psql` with DROP is forbidden, and an attacker who swaps it in after the verdict");

    let (naive, _) = arena.run(attack(&[program("naive_supervisor", Linkage::Static)]), None);
    scenario.control(format!("without a proof: {naive:?}"));
    announce(&format!(
        "{attacker}: {} wins in {tries} tries without a proof, {naive:?}",
        naive.evil
    ));
    assert!(naive.evil > 0, "the race cannot be won at all, so it shows nothing: {naive:?}");

    for guard in [Guard::with_policy("races"), Guard::with_policy("races").without_capabilities()] {
        guarded(&scenario, arena, attacker, &attack(&[]), &guard);
    }
}

/// The same attacker under claw, at the level that `guard` comes to.
fn guarded(scenario: &Scenario, arena: &Arena, attacker: &str, attack: &Call, guard: &Guard) {
    let tries = tries();
    let (ended, ran) = arena.run(attack.clone(), Some(guard));
    let level = ran.records[0].level();
    scenario.when(format!("under claw, {level}: {ended:?}"));
    announce(&format!("{attacker}: {} wins in {tries} tries, {level}, {ended:?}", ended.evil));
    scenario.then("none wins, some run as judged, and every try is accounted for");
    assert_eq!(ended.evil, 0, "{ended:?}");
    assert!(ended.good > 0, "nothing ran at all: {ended:?}\n{}", ran.err());
    assert_eq!(ended.good + ended.killed + ended.failed + ended.denied, tries, "{ended:?}");
    let is_try = |record: &&&Record| record.asked().iter().any(|word| word == "-c");
    let judged = ran.execs().iter().filter(is_try).count();
    assert_eq!(judged, tries, "{ended:?}");
    let caught = ran.records.iter().filter(|record| record.kind() == "killed").count();
    assert_eq!(caught, ended.killed, "each kill has its record: {ended:?}");
}
