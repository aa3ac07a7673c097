//! Callers that die while they are held, by themselves and by a sibling thread, and a supervisor that dies while many
//! call.

use std::fs;
use std::path::Path;
use std::time::Duration;

use claw_tests::call::Call;
use claw_tests::prompt::Prompt;
use claw_tests::record::Record;
use claw_tests::scenario::Scenario;
use rustix::process::{Signal, kill_process};

use crate::{forms, go_on, levels, stop, tool, verify, witnessed};

/// How a caller dies, and how the program counts that.
const WAYS: [(&str, &str); 3] = [("timer", "killed"), ("exit", "ended"), ("kill", "killed")];

/// `deaths COUNT HOW DELAY PROGRAM`, which waits for the line `go` in the named pipe.
fn deaths(folder: &Path, count: usize, how: &str, delay: u32) -> String {
    let (pipe, program) = (folder.join("pipe"), folder.join("harmless"));
    let program = program.display();
    format!(
        "'{}' {count} {how} {delay} '{program}' <'{}'",
        tool("deaths").display(),
        pipe.display()
    )
}

fn make_pipe(folder: &Path) {
    let made = Call::new(["/usr/bin/mkfifo".as_ref(), folder.join("pipe").as_os_str()]).bare();
    let _ = made.exits(0);
}

fn go(folder: &Path) {
    fs::write(folder.join("pipe"), "\n").expect("somebody reads it");
}

/// The records of callers of the program that say that it ran.
fn ran(records: &[Record]) -> Vec<&Record> {
    let about =
        records.iter().filter(|record| record.asked().first().is_some_and(|word| word == "deaths"));
    about.filter(|record| record.field("outcome").is_null()).collect()
}

#[test]
fn the_call_of_who_died_before_it_was_answered_has_not_run() {
    const COUNT: usize = 40;
    for (level, guard) in levels("forms") {
        for (how, counted) in WAYS {
            let scenario =
                Scenario::new(format!("{level}: callers die, by {how}, while nobody answers"));
            let folder = forms();
            make_pipe(folder.path());
            let log = folder.path().join("log");
            let env = [("WITNESS_LOG", log.display().to_string())];
            let line = deaths(folder.path(), COUNT, how, 20);
            let mut shell = Prompt::start(&guard, &env);
            let supervisor = shell.supervisor();
            // The program is running by then.
            shell.tell(&format!("exec 3<>'{}'; {line}", folder.path().join("pipe").display()));
            shell.wait_for("ready");
            let before = guard.records().len();
            stop(supervisor);
            go(folder.path());
            let (said, _) = shell.answer();
            go_on(supervisor);
            scenario.then(format!("all die and none runs: {said}"));
            assert!(said.contains(&format!("{counted} {COUNT}")), "{said}");
            assert_eq!(witnessed(&log), [""; 0]);
            scenario.then("the next calls are served");
            assert_eq!(shell.says(&format!("'{}'", folder.path().join("harmless").display())).1, 0);
            assert_eq!(witnessed(&log).len(), 1);
            let _ = shell.close();
            scenario.then("no record says that one of theirs ran");
            let records = guard.records().split_off(before);
            assert_eq!(ran(&records).len(), 0, "{records:#?}");
            verify(&guard);
            scenario.control("without claw and without their deaths, all of them run");
            fs::remove_file(&log).expect("the log");
            let line = format!(
                "exec 3<>'{0}'; echo >&3; {1}",
                folder.path().join("pipe").display(),
                deaths(folder.path(), COUNT, how, 0)
            );
            let bare = Call::new(["/bin/sh", "-c", &line]).env("WITNESS_LOG", &log).bare().exits(0);
            assert!(bare.out().contains(&format!("ran {COUNT}")), "{}", bare.story());
            assert_eq!(witnessed(&log).len(), COUNT);
        }
    }
}

#[test]
fn what_ran_under_a_storm_of_deaths_was_judged() {
    const COUNT: usize = 400;
    for (level, guard) in levels("forms") {
        let folder = forms();
        make_pipe(folder.path());
        let log = folder.path().join("log");
        let mut shell = Prompt::start(&guard, &[("WITNESS_LOG", log.display().to_string())]);
        for (how, _) in WAYS {
            let scenario =
                Scenario::new(format!("{level}: {COUNT} callers die, by {how}, at any moment"));
            let pipe = folder.path().join("pipe");
            let line = deaths(folder.path(), COUNT, how, 30);
            let (said, status) =
                shell.says(&format!("exec 3<>'{}'; echo >&3; {line}", pipe.display()));
            scenario.then(format!("it comes to an end: {said}"));
            assert_eq!(status, 0, "{said}");
            scenario.then("what is forbidden does not run afterwards, and what is not does");
            let runs = |name: &str| format!("'{}' {how}", folder.path().join(name).display());
            assert!(shell.says(&runs("forbidden")).0.contains("(claw rule no-forbidden: "));
            assert_eq!(shell.says(&runs("harmless")).1, 0);
        }
        let _ = shell.close();
        let records = guard.records();
        let judged = ran(&records);
        for line in witnessed(&log) {
            let pid: i64 =
                line.split(' ').next().and_then(|pid| pid.parse().ok()).expect("a number");
            let by_shell = WAYS.iter().any(|(how, _)| line.ends_with(how));
            assert!(by_shell || judged.iter().any(|record| record.pid() == pid), "{line}");
        }
        assert!(records.iter().all(|record| record.kind() != "killed"), "{records:#?}");
        verify(&guard);
    }
}

#[test]
fn nothing_runs_unjudged_once_the_supervisor_is_gone() {
    const CALLERS: usize = 16;
    for (level, guard) in levels("forms") {
        let scenario = Scenario::new(format!(
            "{level}: SIGKILL for the supervisor while {CALLERS} processes exec"
        ));
        let folder = forms();
        let at = |name: &str| folder.path().join(name).display().to_string();
        // What runs appends to one log, and what must not to another.
        let one = format!(
            "while :; do {{ WITNESS_LOG='{}' '{}'; WITNESS_LOG='{}' '{}'; }} >/dev/null 2>&1; done",
            at("harmless.log"),
            at("harmless"),
            at("forbidden.log"),
            at("forbidden"),
        );
        let script = format!("for i in $(seq {CALLERS}); do ({one}) & done; echo ready; wait");
        let mut running = Call::new(["/bin/sh", "-c", &script]).start_guarded(&guard);
        running.wait_for("ready");
        let harmless = folder.path().join("harmless.log");
        while witnessed(&harmless).len() < 10 * CALLERS {
            std::thread::sleep(Duration::from_millis(10));
        }
        scenario.control("they do run what is allowed, until then");
        kill_process(running.supervisor(), Signal::KILL).expect("root may");
        let ran = running.finish(Duration::from_secs(60)).exits(2);
        scenario.then("the front says so, and its output is closed: nobody is left who holds it");
        assert!(ran.err().contains("the supervisor died"), "{}", ran.story());
        scenario.then("what is forbidden never ran");
        assert_eq!(witnessed(&folder.path().join("forbidden.log")), [""; 0]);
        scenario.control("without claw it runs");
        let log = folder.path().join("forbidden.log");
        let _ = Call::new([at("forbidden")]).env("WITNESS_LOG", &log).bare().exits(0);
        assert_eq!(witnessed(&log).len(), 1);
    }
}
