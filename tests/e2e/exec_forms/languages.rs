//! How Python, node and the shells start programs: their own spawn code, with their own descriptors.

use claw_tests::call::Call;
use claw_tests::scenario::{Scenario, tool};
use claw_tests::sighting::Sighting;
use claw_tests::tracee::Linkage;

use crate::stage::{Stage, assert_allowed, assert_denied, assert_rewritten, guard};

/// Programs that run their own arguments, as a person would write them in that language.
fn starters() -> Vec<(&'static str, Vec<String>)> {
    let python = tool(&["/usr/bin/python3"]).display().to_string();
    let node = tool(&["/usr/bin/node", "/usr/local/bin/node"]).display().to_string();
    let perl = tool(&["/usr/bin/perl"]).display().to_string();
    let run = |program: &str, option: &str, text: &str| {
        vec![program.to_owned(), option.to_owned(), text.to_owned()]
    };
    vec![
        (
            "python subprocess",
            run(
                &python,
                "-c",
                "import subprocess as s, sys; sys.exit(s.run(sys.argv[1:]).returncode)",
            ),
        ),
        (
            // pass_fds forces _posixsubprocess.fork_exec, which uses vfork where it can.
            "python with a descriptor passed on",
            run(
                &python,
                "-c",
                "import os, subprocess as s, sys; f = os.open('/dev/null', os.O_RDONLY); \
                 sys.exit(s.run(sys.argv[1:], close_fds=True, pass_fds=[f]).returncode)",
            ),
        ),
        (
            "python posix_spawn",
            run(
                &python,
                "-c",
                "import os, sys; p = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ); \
                 sys.exit(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]))",
            ),
        ),
        (
            "node spawnSync",
            run(
                &node,
                "-e",
                "process.exit(require('child_process').spawnSync(process.argv[1], process.argv.slice(2), {stdio: 'inherit'}).status)",
            ),
        ),
        (
            "node spawn",
            run(
                &node,
                "-e",
                "require('child_process').spawn(process.argv[1], process.argv.slice(2), {stdio: 'inherit'}).on('exit', code => process.exit(code))",
            ),
        ),
        (
            "node in a worker thread",
            run(
                &node,
                "-e",
                "const {Worker} = require('worker_threads'); \
                 new Worker(`const {spawnSync} = require('child_process'); const a = ${JSON.stringify(process.argv.slice(1))}; \
                 process.exitCode = spawnSync(a[0], a.slice(1), {stdio: 'inherit'}).status`, {eval: true}).on('exit', code => process.exit(code))",
            ),
        ),
        ("perl exec", run(&perl, "-e", "exec { $ARGV[0] } @ARGV")),
        ("bash exec", vec!["/bin/bash".into(), "-c".into(), "exec \"$@\"".into(), "bash".into()]),
        ("dash", vec!["/bin/sh".into(), "-c".into(), "\"$@\"; exit $?".into(), "sh".into()]),
        (
            "find",
            vec![
                "/usr/bin/find".into(),
                "/".into(),
                "-maxdepth".into(),
                "0".into(),
                "-exec".into(),
            ],
        ),
        ("timeout", vec!["/usr/bin/timeout".into(), "100".into()]),
        ("nice", vec!["/usr/bin/nice".into()]),
    ]
}

fn start(stage: &Stage, starter: &(&str, Vec<String>), name: &str, arguments: &[&str]) -> Call {
    let path = stage.path(name).display().to_string();
    let mut argv = starter.1.clone();
    argv.push(path);
    argv.extend(arguments.iter().map(|&word| word.to_owned()));
    if starter.0 == "find" {
        argv.push(";".to_owned());
    }
    Call::new(argv).cwd(stage.folder())
}

#[test]
fn every_language_starts_programs_as_without_claw() {
    let stage = Stage::new(Linkage::Dynamic);
    for starter in &starters() {
        let scenario = Scenario::new(starter.0);
        let call = start(&stage, starter, "witness", &["a", "last word"]);
        scenario.control("what the program sees of itself without claw");
        let bare = Sighting::of(&call.bare().exits(0));
        scenario.then("it sees the same under claw, and is proven");
        let ran = call.guarded(&guard()).exits(0);
        assert_eq!(Sighting::of(&ran).surroundings(), bare.surroundings(), "{}", ran.story());
        assert_allowed(&ran, "last word");
    }
}

#[test]
fn every_language_starts_rewritten_programs() {
    let stage = Stage::new(Linkage::Dynamic);
    for starter in &starters() {
        let scenario = Scenario::new(format!("{}, rewritten", starter.0));
        let call = start(&stage, starter, "psql", &["-X", "-c", "SELECT * FROM users"]);
        let bare = Sighting::of(&call.bare().exits(0));
        scenario.control("without claw the statement is as it was");
        assert_eq!(bare.argv.last().map(String::as_str), Some("SELECT * FROM users"));
        scenario.then("under claw it has a limit, and all else is as it was");
        assert_rewritten(&call.guarded(&guard()).exits(0), &bare);
    }
}

#[test]
fn no_language_starts_forbidden_programs() {
    let stage = Stage::new(Linkage::Dynamic);
    for starter in &starters() {
        let scenario = Scenario::new(format!("{}, denied", starter.0));
        let call = start(&stage, starter, "forbidden", &[]);
        scenario.control("without claw it runs");
        stage.assert_runs(&call);
        scenario.then("under claw it does not");
        let ran = stage.assert_does_not_run(&call, &guard());
        if starter.0 == "find" {
            // find(1) exits with 0 whatever the command of `-exec … ;` does.
            assert_eq!(ran.only("deny").rule(), "no-forbidden", "{}", ran.story());
        } else {
            assert_denied(&ran, "no-forbidden");
        }
    }
}
