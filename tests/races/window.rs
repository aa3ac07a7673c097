//! The memory of a governed tool in the moment between its exec and its exec stop, where claw makes it unreadable.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, copy_program, program};

use crate::arena::{Arena, count, turn};
use crate::race::{ROUNDS, tries};
use crate::results::announce;

/// More tries show nothing new: without the third lock, every one succeeds.
const MOST: usize = 30;
/// A user with nothing of its own.
const USER: &str = "nobody";

/// An arena that every user can look into.
fn arena() -> Arena {
    let arena = Arena::new();
    let mode = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(arena.path(), mode(0o755)).expect("ours");
    let attacker = arena.path().join("race_window");
    copy_program(program("race_window", Linkage::Static), &attacker);
    fs::set_permissions(attacker, mode(0o755)).expect("ours");
    arena
}

/// The peer's call, which does `what` with what it opens, by way of the words `before`. A second word in `what` is a
/// file that the tool reads.
fn peer(arena: &Arena, what: &str, before: &[&str]) -> Call {
    let words = before.iter().map(|word| (*word).to_owned());
    let attacker = arena.path().join("race_window").display().to_string();
    let psql = arena.psql().display().to_string();
    let tries = tries().min(MOST).to_string();
    let what = what.split(' ').map(str::to_owned);
    Call::new(words.chain([attacker, tries, psql]).chain(what))
        .cwd(arena.path())
        .env("TARGET_LOG", "/dev/null")
}

/// Words that make a call as [`USER`].
fn as_user() -> [String; 4] {
    let number = |what: &str| {
        let output = Command::new("id").args([what, USER]).output().expect("id(1) starts");
        String::from_utf8(output.stdout).expect("a number").trim().to_owned()
    };
    let (user, group) = (format!("--reuid={}", number("-u")), format!("--regid={}", number("-g")));
    ["/usr/bin/setpriv".to_owned(), user, group, "--clear-groups".to_owned()]
}

/// Without claw the peer can open the tool's memory.
fn control(scenario: &Scenario, arena: &Arena, what: &str, before: &[&str]) {
    scenario.control("without claw the peer gets at it");
    // Without claw nothing delays the tool, and it may end before the peer's turn.
    let reaches = |_| count(&peer(arena, what, before).bare().exits(0), "reached") > 0;
    assert!((0..ROUNDS).any(reaches), "nobody can get at it at all, so this shows nothing");
}

#[test]
fn a_tool_s_memory_is_closed_from_the_first_where_the_third_lock_is() {
    let _turn = turn();
    let scenario = Scenario::new("a peer opens a tool's memory as soon as there is any");
    let arena = arena();
    control(&scenario, &arena, "hold", &[]);
    let guard = Guard::with_policy("races").option("--require").option("proven");
    let ran = peer(&arena, "hold", &[]).guarded(&guard).exits(0);
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
    control(&scenario, &arena, "hold", &as_user().each_ref().map(String::as_str));
    fs::set_permissions(arena.psql(), fs::Permissions::from_mode(0o711)).expect("ours");
    scenario.then("under claw it does not, whatever the kernel");
    let guard = Guard::with_policy("races").option("--user").option(USER);
    let guard = guard.option("--require").option("proven");
    let ran = peer(&arena, "hold", &[]).guarded(&guard).exits(0);
    assert_eq!(count(&ran, "reached"), 0, "{}", ran.story());
}

#[test]
fn a_tool_whose_memory_somebody_got_at_never_runs() {
    let _turn = turn();
    for what in ["hold", "write", "hold script.sql", "write script.sql"] {
        let scenario =
            Scenario::new(format!("a peer of the same user, which may read the tool: {what}"));
        let arena = arena();
        let script = arena.path().join("script.sql");
        fs::write(&script, "SELECT 1;\n").expect("a new file");
        fs::set_permissions(script, fs::Permissions::from_mode(0o644)).expect("ours");
        control(&scenario, &arena, what, &as_user().each_ref().map(String::as_str));
        scenario.then("under claw no tool that it got at runs, whatever the kernel");
        let guard = Guard::with_policy("races").option("--user").option(USER);
        let guard = guard.option("--require").option("proven");
        let ran = peer(&arena, what, &[]).guarded(&guard).exits(0);
        let (reached, killed) = (count(&ran, "reached"), count(&ran, "killed"));
        let tries = tries().min(MOST);
        announce(&format!("a tool's memory, {what}: {reached} of {tries} reached, {killed} ended"));
        assert_eq!(reached, 0, "{}", ran.story());
        scenario.then("and each that was ended has a record that says why");
        let whys: Vec<_> = ran
            .records
            .iter()
            .filter(|record| record.kind() == "killed")
            .map(|record| record.reason().to_owned())
            .collect();
        assert_eq!(whys.len(), killed, "{}", ran.story());
        assert!(whys.iter().all(|why| why.contains("another process has")), "{whys:?}");
    }
}
