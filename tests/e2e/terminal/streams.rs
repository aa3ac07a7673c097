//! Exit status, standard streams, directory and environment.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::thread;

use claw_tests::call::Call;
use claw_tests::mark::Mark;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

use crate::{PATIENCE, open, sh, typed};

#[test]
fn the_exit_status_is_the_commands() {
    let scenario = Scenario::new("exit status");
    for status in [0, 1, 3, 127, 255] {
        let call = sh(&format!("exit {status}"));
        scenario.control(format!("{status} without claw"));
        let _ = call.bare().exits(status);
        let _ = call.guarded(&open()).exits(status);
    }
    for signal in [1, 2, 6, 9, 11, 15] {
        let call = sh(&format!("ulimit -c 0; kill -{signal} $$"));
        scenario.control(format!("signal {signal} without claw"));
        assert_eq!(call.bare().signal(), Some(signal));
        scenario.then(format!("status {} under claw", 128 + signal));
        let _ = call.guarded(&open()).exits(128 + signal);
    }
}

#[test]
fn a_command_that_cannot_start_is_named() {
    let scenario = Scenario::new("a command that is not there, and one that is no program");
    for (command, status) in
        [("/nowhere/program", 127), ("claw-no-such-program", 127), ("/etc/passwd", 126)]
    {
        scenario.control("env(1) says so with the same status");
        let _ = Call::new(["/usr/bin/env", command]).bare().exits(status);
        let ran = Call::new([command]).guarded(&open()).exits(status);
        scenario.then("claw names it");
        assert!(ran.err().contains(command), "{}", ran.story());
        assert_eq!(ran.out(), "");
    }
}

#[test]
fn streams_pass_through_unchanged() {
    let scenario = Scenario::new("a mebibyte of every byte through stdin and stdout");
    let bytes: Vec<u8> =
        (0..1_u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let call = Call::new(["/bin/cat"]).stdin(bytes.clone());
    scenario.control("cat(1) gives back what it gets");
    assert!(call.bare().exits(0).stdout == bytes);
    let ran = call.guarded(&open()).exits(0);
    scenario.then("so it does under claw, and claw says nothing of its own");
    assert!(ran.stdout == bytes, "{} bytes of {}", ran.stdout.len(), bytes.len());
    assert_eq!(ran.err(), "");

    scenario.given("a command that writes to stderr");
    let ran = sh("echo out; echo err >&2").guarded(&open()).exits(0);
    assert_eq!((ran.out(), ran.err()), ("out".to_owned(), "err".to_owned()));
}

#[test]
fn a_closed_pipe_ends_the_command() {
    let scenario = Scenario::new("`claw run -- yes | head -1`");
    let guard = open();
    let line = format!("{} yes | head -1; echo ${{PIPESTATUS[0]}}", typed(&guard));
    scenario.control("yes(1) ends by SIGPIPE without claw");
    let bare = Call::new(["/bin/bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}"]).bare();
    assert_eq!(bare.out(), "y\n141", "{}", bare.story());
    scenario.then("and under claw");
    let ran = Call::new(["/bin/bash", "-c", &line]).bare().exits(0);
    assert_eq!(ran.out(), "y\n141", "{}", ran.story());
}

#[test]
fn closed_standard_streams_lead_nowhere() {
    let scenario = Scenario::new("a command started without stdin and stderr");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let out = folder.path().join("out").display().to_string();
    let witness = program("witness", Linkage::Static).display().to_string();
    let list = || {
        let text = std::fs::read_to_string(&out).expect("the list");
        let descriptors = text.lines().filter(|line| line.starts_with("fd "));
        descriptors.map(str::to_owned).collect::<Vec<_>>()
    };
    let closing = |before: &str| {
        let line = format!("exec <&- 2>&- >'{out}'; {before} '{witness}'");
        Call::new(["/bin/bash", "-c", &line])
    };
    let _ = closing("").bare().exits(0);
    let bare = list();
    scenario.control(format!("without claw it has {bare:?}"));
    let _ = closing(&typed(&open())).bare().exits(0);
    scenario
        .then("under claw it has no more, or /dev/null in their place, as a safe program does it");
    for line in list() {
        let nowhere = ["fd 0 /dev/null", "fd 2 /dev/null"].contains(&line.as_str());
        assert!(nowhere || bare.contains(&line), "`{line}` is not among {bare:?}");
    }
}

#[test]
fn the_directory_and_the_environment_are_kept() {
    let scenario = Scenario::new("cwd, environment, umask, limits, nice value");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let call = sh(
        "umask 027; ulimit -n 321; nice -n 3 sh -c 'pwd; env | sort | grep -v ^_=; umask; ulimit -n; nice'",
    );
    let call = call.cwd(folder.path()).env("A", "1").env("B", "two words\nand a line");
    let bare = call.bare().exits(0);
    let strip = |text: String| {
        text.lines()
            .filter(|line| !line.starts_with("CLAW_TEST_MARK="))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(bare.out().contains(&folder.path().display().to_string()));
    scenario.then("they are under claw as without");
    let ran = call.guarded(&open()).exits(0);
    assert_eq!(strip(ran.out()), strip(bare.out()), "{}", ran.story());
}

#[test]
fn claw_holds_no_descriptor_of_the_command() {
    let scenario = Scenario::new("a pipe whose last writer is the command");
    let guard = open();
    let mut command =
        guard.command(&["/bin/sh", "-c", "echo ready; exec >/dev/null 2>&1; read line"]);
    let mark = Mark::put_on(&mut command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("claw starts");
    let mut stdout = child.stdout.take().expect("piped");
    scenario.then("the reader sees its end while the command lives, or at the latest when it ends");
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let _ = std::io::Read::read_to_string(&mut stdout, &mut text);
        drop(sender.send(text));
    });
    child.stdin.take().expect("piped").write_all(b"\n").expect("the command reads");
    let text = receiver.recv_timeout(PATIENCE);
    let status = child.wait().expect("the child is ours");
    mark.end();
    assert_eq!(text.as_deref(), Ok("ready\n"));
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}
