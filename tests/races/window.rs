//! The memory of a governed tool in the moment between its exec and its exec stop, where claw makes it unreadable.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

use crate::arena::{Arena, count, turn};
use crate::race::{ROUNDS, tries};
use crate::results::announce;

/// More show no more: without a lock, every one succeeds.
const MOST: usize = 30;
/// A user with nothing of its own.
const USER: &str = "nobody";

/// An arena that every user can look into.
fn arena() -> Arena {
    let arena = Arena::new();
    let mode = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(arena.path(), mode(0o755)).expect("ours");
    let attacker = arena.path().join("race_window");
    fs::copy(program("race_window", Linkage::Static), &attacker).expect("a new file");
    fs::set_permissions(attacker, mode(0o755)).expect("ours");
    arena
}

/// The peer's call, by way of the words `before`.
fn peer(arena: &Arena, before: &[&str]) -> Call {
    let words = before.iter().map(|word| (*word).to_owned());
    let attacker = arena.path().join("race_window").display().to_string();
    let psql = arena.psql().display().to_string();
    let tries = tries().min(MOST).to_string();
    Call::new(words.chain([attacker, tries, psql])).env("TARGET_LOG", "/dev/null")
}

/// How often the peer got at the tool's memory without claw, as root and as another user.
fn control(scenario: &Scenario, arena: &Arena, before: &[&str]) {
    scenario.control("without claw the peer gets at it");
    // A tool that is not held up may be over before the peer has its turn.
    let reaches = |_| count(&peer(arena, before).bare().exits(0), "reached") > 0;
    assert!((0..ROUNDS).any(reaches), "nobody can get at it at all, so this shows nothing");
}

#[test]
fn a_tool_s_memory_is_closed_from_the_first_where_the_third_lock_is() {
    let _turn = turn();
    let scenario = Scenario::new("a peer opens a tool's memory as soon as there is any");
    let arena = arena();
    control(&scenario, &arena, &[]);
    let guard = Guard::with_policy("races").option("--require").option("proven");
    let ran = peer(&arena, &[]).guarded(&guard).exits(0);
    let reached = count(&ran, "reached");
    let records = guard.records();
    let start = records.iter().find(|record| record.kind() == "start").expect("a start record");
    let lock = start.field("outcome").as_str().unwrap_or_default().starts_with("third lock");
    let with = if lock { "with" } else { "without" };
    let tries = tries().min(MOST);
    announce(&format!("a tool's memory, {with} the third lock: {reached} of {tries} reached"));
    scenario.then("it does not, where the kernel takes the third lock");
    let demanded = std::env::var_os("CLAW_THIRD_LOCK").is_some();
    assert!(lock || !demanded, "this kernel is to have it: {start}");
    assert!(!lock || reached == 0, "{}", ran.story());
}

#[test]
fn a_tool_that_its_user_cannot_read_is_closed_from_the_first() {
    let _turn = turn();
    let scenario = Scenario::new("the same, by a user who may run the tool and not read its file");
    let arena = arena();
    let user = |what: &str| {
        let output = Command::new("id").args([what, USER]).output().expect("id(1) starts");
        String::from_utf8(output.stdout).expect("a number").trim().to_owned()
    };
    let (user, group) = (format!("--reuid={}", user("-u")), format!("--regid={}", user("-g")));
    control(&scenario, &arena, &["/usr/bin/setpriv", &user, &group, "--clear-groups"]);
    fs::set_permissions(arena.psql(), fs::Permissions::from_mode(0o711)).expect("ours");
    scenario.then("under claw it does not, whatever the kernel");
    let guard = Guard::with_policy("races").option("--user").option(USER);
    let ran = peer(&arena, &[]).guarded(&guard.option("--require").option("proven")).exits(0);
    assert_eq!(count(&ran, "reached"), 0, "{}", ran.story());
}
