//! What outlives the command, or claw.

use std::process::{Command, Stdio};

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::terminal::Terminal;
use claw_tests::tracee::{Linkage, copy_program, program};

use crate::{PATIENCE, eventually, open, sh, typed};

#[test]
fn a_daemon_left_behind_holds_nobody_up() {
    let scenario = Scenario::new("`$(claw run -- cmd)` whose command leaves a daemon");
    let leave = "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!";
    let end = |pid: &str| {
        let _ = Command::new("/bin/kill").args(["-9", pid]).stderr(Stdio::null()).status();
    };
    let bare = Call::new(["/bin/bash", "-c", &format!("x=$(sh -c '{leave}'); echo \"got $x\"")]);
    scenario.control("the substitution ends while the daemon lives");
    let out = bare.bare().exits(0).out();
    end(out.trim_start_matches("got "));
    let guard = open();
    let line = format!("x=$({} sh -c '{leave}'); echo \"got $x\"", typed(&guard));
    scenario.then("it ends under claw too");
    let ran = Call::new(["/bin/bash", "-c", &line]).patience(PATIENCE).bare().exits(0);
    let pid = ran.out();
    let pid = pid.strip_prefix("got ").unwrap_or_else(|| panic!("{}", ran.story()));
    assert!(pid.parse::<i32>().is_ok(), "{}", ran.story());
    end(pid);
}

#[test]
fn a_daemon_left_behind_is_never_free() {
    let scenario = Scenario::new("a daemon that waits for the command to end");
    let witness = program("witness", Linkage::Static);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| folder.path().join(name);
    copy_program(witness, at("forbidden"));
    let script = format!(
        "cd '{}'; setsid sh -c 'until [ -e go ]; do sleep 0.05; done; WITNESS_LOG=$PWD/log ./forbidden; echo >gone' \
         </dev/null >/dev/null 2>&1 & echo $!",
        folder.path().display()
    );
    let after = |pid: &str| {
        std::fs::write(at("go"), "").expect("a new file");
        // The daemon has finished, or was ended together with the command.
        eventually("the daemon ends", || {
            at("gone").exists()
                || Terminal::state(pid.parse().expect("a pid")).is_none_or(|state| state == 'Z')
        });
        let ran = at("log").exists();
        for name in ["go", "gone", "log"] {
            let _ = std::fs::remove_file(at(name));
        }
        ran
    };
    scenario.control("without claw it then runs what the policy forbids");
    let pid = sh(&script).bare().exits(0).out();
    assert!(after(&pid));
    scenario.then("under claw it does not, though the command has ended");
    let guard = Guard::with_policy("forms");
    let pid = sh(&script).guarded(&guard).exits(0).out();
    assert!(!after(&pid), "{:#?}", guard.records());
}

#[test]
fn signals_to_claw_reach_the_command() {
    let scenario = Scenario::new("SIGTERM sent to the process that was started");
    let script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let guard = open();
    let mut running = sh(script).start_guarded(&guard);
    running.wait_for("ready");
    let pid = running.pid().to_string();
    let killed = Command::new("/bin/kill").args(["-TERM", &pid]).status().expect("kill starts");
    assert!(killed.success());
    scenario.then("the command gets it, and its status is reported");
    let ran = running.finish(PATIENCE).exits(5);
    assert!(ran.out().contains("caught"), "{}", ran.story());
}

#[test]
fn a_killed_claw_leaves_nothing_unguarded() {
    let scenario = Scenario::new("SIGKILL to claw itself");
    let witness = program("witness", Linkage::Static);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| folder.path().join(name);
    copy_program(witness, at("forbidden"));
    let script = format!(
        "cd '{}'; echo ready; until [ -e go ]; do read -t 0.05 x <>/dev/null; done; WITNESS_LOG=$PWD/log ./forbidden; echo done >gone",
        folder.path().display()
    );
    let guard = Guard::with_policy("forms");
    let mut running = Call::new(["/bin/bash", "-c", &script]).start_guarded(&guard);
    running.wait_for("ready");
    scenario.when("every process of claw is killed");
    for pid in running.supervisors() {
        let _ = Command::new("/bin/kill").args(["-KILL", &pid.to_string()]).status();
    }
    std::fs::write(at("go"), "").expect("a new file");
    scenario.then("what it guarded ends, or can start nothing any more");
    eventually("the command is through", || at("gone").exists() || running.processes().is_empty());
    assert!(!at("log").exists(), "a forbidden program ran");
    running.end();
}
