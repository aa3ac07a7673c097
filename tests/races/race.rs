//! One race: run by a supervisor without a proof until it is won, and by claw at both levels, where it never is.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use claw_tests::call::{Call, Ran};
use claw_tests::record::Record;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};
use serde_json::json;

use crate::arena::{Arena, LEVELS, Tally, guard_at, turn};
use crate::results::{announce, leave};

/// How often to rerun the control while it has not won, and both levels while no try has run as judged. In a
/// small number of tries, all may end the same way.
pub(crate) const ROUNDS: usize = 20;

/// The exit status of an attacker who is refused what the attack needs, as in `race.h`.
const SHUT_OUT: i32 = 77;

/// How many times each attacker tries.
pub(crate) fn tries() -> usize {
    const USUAL: usize = 200;
    env::var("CLAW_RACE_TRIES").map_or(USUAL, |text| {
        text.parse().unwrap_or_else(|_| panic!("`CLAW_RACE_TRIES` is a number, not `{text}`"))
    })
}

/// What the attacker is given to work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    /// The path of the target as `psql`.
    Psql,
    /// The arena.
    Directory,
}

/// A race.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Race {
    /// For the table of results: who swaps what.
    pub(crate) name: &'static str,
    /// The C program.
    pub(crate) attacker: &'static str,
    /// The attacker's way, if it has several.
    pub(crate) way: Option<&'static str>,
    /// What it works on.
    pub(crate) operand: Operand,
    /// Whether closed doors stop it. Such a race is tried with the doors closed, and then with them open.
    pub(crate) needs_doors: bool,
    /// The C program that everything runs under, which is given the arena: a file system's server.
    pub(crate) under: Option<&'static str>,
}

/// The result of a race at one level, over all rounds.
#[derive(Debug, Default)]
struct Under {
    tries: usize,
    good: usize,
    killed: usize,
}

impl Race {
    /// A race of `attacker`, which needs nothing else.
    pub(crate) const fn new(name: &'static str, attacker: &'static str, operand: Operand) -> Self {
        Self { name, attacker, way: None, operand, needs_doors: false, under: None }
    }

    /// One of the attacker's ways.
    pub(crate) const fn by(self, way: &'static str) -> Self {
        Self { way: Some(way), ..self }
    }

    /// It needs a door open.
    pub(crate) const fn through_doors(self) -> Self {
        Self { needs_doors: true, ..self }
    }

    /// It runs under another C program.
    pub(crate) const fn under(self, program: &'static str) -> Self {
        Self { under: Some(program), ..self }
    }

    /// Runs it: the swap wins without a proof and never under claw.
    ///
    /// # Panics
    /// When it wins under claw, or cannot be won at all.
    pub(crate) fn hold(self) {
        let _turn = turn();
        let tries = tries();
        let scenario = Scenario::new(format!("{}, {tries} tries", self.name));
        scenario.given("a forbidden call, and an attacker who swaps it in after the verdict");
        let (tried, won) = self.control(&scenario, tries);
        if self.needs_doors {
            self.is_shut_out(&scenario);
        }
        let mut levels = BTreeMap::from(LEVELS.map(|level| (level, Under::default())));
        for _ in 0..ROUNDS {
            for (level, under) in &mut levels {
                self.guarded(&scenario, level, tries, under);
            }
            if levels.values().any(|under| under.good > 0) {
                break;
            }
        }
        scenario.then("some run as judged");
        assert!(levels.values().any(|under| under.good > 0), "nothing ran at all");
        let told =
            |under: &Under| json!({ "tries": under.tries, "wins": 0, "killed": under.killed });
        let levels: BTreeMap<_, _> =
            levels.iter().map(|(level, under)| (level, told(under))).collect();
        let control = json!({ "tries": tried, "wins": won });
        leave(self.name, &json!({ "race": self.name, "control": control, "levels": levels }));
    }

    /// Under claw: none wins.
    fn guarded(self, scenario: &Scenario, level: &str, tries: usize, under: &mut Under) {
        let policy = if self.needs_doors { "races-open" } else { "races" };
        let arena = Arena::new();
        let guard = guard_at(level, policy, self.prefix(&arena));
        let (ended, ran) = arena.run(self.call(&arena, tries, Vec::new()), Some(&guard));
        scenario.when(format!("under claw, {level}: {ended:?}"));
        let (race, won) = (self.name, ended.evil);
        announce(&format!("{race}: {won} wins in {tries} tries, {level}, {ended:?}"));
        scenario.then("none wins, and every try is accounted for");
        is_sound(level, tries, ended, &ran);
        under.tries += tries;
        under.good += ended.good;
        under.killed += ended.killed;
    }

    /// Says that this machine lacks what the race needs.
    pub(crate) fn leave_out(self, why: &str) {
        announce(&format!("NOT TRIED: {}: {why}", self.name));
        leave(self.name, &json!({ "race": self.name, "untried": why }));
    }

    /// Without a proof: how many tries it took, and how many won.
    fn control(self, scenario: &Scenario, tries: usize) -> (usize, usize) {
        let (mut tried, mut won) = (0, 0);
        for _ in 0..ROUNDS {
            let arena = Arena::new();
            let mut before = self.prefix(&arena);
            before.push(program("naive_supervisor", Linkage::Static).into());
            let (naive, _) = arena.run(self.call(&arena, tries, before), None);
            scenario.control(format!("without a proof: {naive:?}"));
            tried += tries;
            won += naive.evil;
            if won > 0 {
                break;
            }
        }
        announce(&format!("{}: {won} wins in {tried} tries without a proof", self.name));
        assert!(won > 0, "the race cannot be won at all, so it shows nothing");
        (tried, won)
    }

    /// With the doors closed the attacker does not get to try.
    fn is_shut_out(self, scenario: &Scenario) {
        let arena = Arena::new();
        for level in LEVELS {
            let guard = guard_at(level, "races", self.prefix(&arena));
            let ran = self.call(&arena, 1, Vec::new()).guarded(&guard);
            scenario.then(format!("{level}: a closed door shuts the attacker out"));
            assert_eq!(ran.code(), Some(SHUT_OUT), "{}", ran.story());
        }
    }

    fn prefix(self, arena: &Arena) -> Vec<OsString> {
        let server = self.under.map(|name| program(name, Linkage::Static));
        server.map_or_else(Vec::new, |path| vec![path.into(), arena.path().into()])
    }

    fn call(self, arena: &Arena, tries: usize, before: Vec<OsString>) -> Call {
        let mut argv = before;
        argv.push(program(self.attacker, Linkage::Static).into());
        argv.push(tries.to_string().into());
        argv.extend(self.way.map(OsString::from));
        let on: PathBuf = match self.operand {
            Operand::Psql => arena.psql(),
            Operand::Directory => arena.path().to_owned(),
        };
        argv.push(on.into());
        Call::new(argv)
    }
}

/// Nothing forbidden ran, and tries, verdicts and kills agree.
fn is_sound(level: &str, tries: usize, ended: Tally, ran: &Ran) {
    assert_eq!(ran.records[0].level(), level, "{}", ran.err());
    assert_eq!(ended.evil, 0, "{ended:?}");
    assert_eq!(ended.good + ended.killed + ended.failed + ended.denied, tries, "{ended:?}");
    let is_try = |record: &&&Record| record.asked().iter().any(|word| word == "-c" || word == "-f");
    let judged = ran.execs().iter().filter(is_try).count();
    assert_eq!(judged, tries, "{ended:?}");
    let caught = ran.records.iter().filter(|record| record.kind() == "killed").count();
    assert_eq!(caught, ended.killed, "each kill has its record: {ended:?}");
}
