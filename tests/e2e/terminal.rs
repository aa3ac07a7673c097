//! A guarded command is at home on its terminal: exit status, pipes, signals, job control, size, directory.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use claw_tests::call::{self, Call};
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::terminal::Terminal;
use claw_tests::tracee::{Linkage, program};

const PATIENCE: Duration = Duration::from_secs(60);

fn sh(script: &str) -> Call {
    Call::new(["/bin/sh", "-c", script])
}

fn open() -> Guard {
    Guard::with_policy("open")
}

/// An interactive bash on a terminal, bare, in which claw is typed as a person would.
fn outer_shell() -> Terminal {
    let mut bash = Command::new("/bin/bash");
    bash.args(["--norc", "--noprofile", "-i"]);
    let mut terminal = Terminal::start(&bash, 24, 200);
    terminal.types("PS1='outer'\\$' '\n");
    terminal.shows("outer$ ");
    terminal
}

/// `claw run … --` as typed into a shell.
fn typed(guard: &Guard) -> String {
    let command = guard.command::<&str>(&[]);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| format!("'{}'", word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

/// Whether a process of the terminal has become the program `name`, called with the words `line`.
fn runs(terminal: &Terminal, line: &str, name: &str) -> bool {
    terminal.processes(line).iter().any(|pid| {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    })
}

/// Waits until `happens`.
#[track_caller]
fn eventually(what: &str, mut happens: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happens() {
        assert!(Instant::now() < deadline, "it never happens: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

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
    let line = format!("{} yes | head -1; echo ${{PIPESTATUS[0]}}", typed(&open()));
    scenario.control("yes(1) ends by SIGPIPE without claw");
    let bare = Call::new(["/bin/bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}"]).bare();
    assert_eq!(bare.out(), "y\n141", "{}", bare.story());
    scenario.then("and under claw");
    let ran = Call::new(["/bin/bash", "-c", &line]).bare().exits(0);
    assert_eq!(ran.out(), "y\n141", "{}", ran.story());
}

#[test]
fn closed_standard_streams_stay_closed() {
    let scenario = Scenario::new("a command started without standard streams");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let out = folder.path().join("out");
    let script = format!("ls /proc/self/fd >'{}'", out.display());
    let count = || std::fs::read_to_string(&out).expect("the list").lines().count();
    let bare =
        Call::new(["/bin/bash", "-c", "exec <&- 2>&-; \"$@\"", "sh", "/bin/sh", "-c", &script]);
    let _ = bare.bare().exits(0);
    let expected = count();
    let guard = open();
    let line = format!("exec <&- 2>&-; {} /bin/sh -c \"$1\"", typed(&guard));
    let ran = Call::new(["/bin/bash", "-c", &line, "sh", &script]).bare().exits(0);
    scenario.then("it has as many descriptors under claw as without");
    assert_eq!(count(), expected, "{}", ran.story());
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
    std::fs::copy(witness, at("forbidden")).expect("the witness is compiled");
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
fn interactive_bash_feels_like_bash() {
    let scenario = Scenario::new("`claw run -- bash -i` on a terminal");
    let guard = open();
    let mut terminal =
        Terminal::start(&guard.command(&["/bin/bash", "--norc", "--noprofile", "-i"]), 24, 200);
    terminal.types("PS1='inner'\\$' '\n");
    terminal.shows("inner$ ");
    assert!(!terminal.seen().contains("no job control"), "{}", terminal.seen());

    scenario.then("Ctrl-C ends what runs in it, and only that");
    terminal.types("sleep 1001\n");
    eventually("sleep runs", || runs(&terminal, "sleep 1001", "sleep"));
    terminal.types("\x03");
    terminal.shows("inner$ ");
    terminal.types("echo status=$?\n");
    terminal.shows("status=130");
    terminal.shows("inner$ ");

    scenario.then("Ctrl-Z stops it, bg and fg continue it");
    terminal.types("sleep 1002\n");
    eventually("sleep runs", || runs(&terminal, "sleep 1002", "sleep"));
    terminal.types("\x1a");
    terminal.shows("Stopped");
    terminal.shows("inner$ ");
    let pid = terminal.processes("sleep 1002")[0];
    assert_eq!(Terminal::state(pid), Some('T'));
    terminal.types("bg\n");
    eventually("it continues", || Terminal::state(pid) == Some('S'));
    terminal.shows("inner$ ");
    terminal.types("fg\n");
    terminal.shows("sleep 1002");
    terminal.types("\x03");
    terminal.shows("inner$ ");

    scenario.then("its exit status is claw's");
    terminal.types("exit 7\n");
    assert_eq!(terminal.ends().code(), Some(7), "{}", terminal.seen());
}

/// What a shell sees of a job, bare and guarded: `with` is put before the command.
fn ctrl_c_reaches_the_command(with: &str) {
    let mut terminal = outer_shell();
    terminal.types(&format!(
        "{with} sh -c 'trap \"echo cau\"\"ght; exit 9\" INT; echo rea\"\"dy; while :; do sleep 0.05; done'; echo status=$?\n"
    ));
    terminal.shows("ready");
    terminal.types("\x03");
    terminal.shows("caught");
    terminal.shows("status=9");
    terminal.shows("outer$ ");
    terminal.types("exit\n");
    terminal.ends();
}

#[test]
fn ctrl_c_goes_to_the_command() {
    let scenario = Scenario::new("Ctrl-C at a command that catches it");
    scenario.control("without claw");
    ctrl_c_reaches_the_command("");
    scenario.then("under claw the command decides, and claw lives on to report its status");
    ctrl_c_reaches_the_command(&typed(&open()));
}

fn ctrl_c_ends_the_command(with: &str) {
    let mut terminal = outer_shell();
    terminal.types(&format!("{with} sleep 1003; echo status=$?\n"));
    eventually("sleep runs", || runs(&terminal, "sleep 1003", "sleep"));
    terminal.types("\x03");
    terminal.shows("outer$ ");
    eventually("sleep is gone", || terminal.processes("sleep 1003").is_empty());
    terminal.types("echo status=$?\n");
    terminal.shows("status=130");
    terminal.types("exit\n");
    terminal.ends();
}

#[test]
fn ctrl_c_ends_a_command_that_does_not_catch_it() {
    let scenario = Scenario::new("Ctrl-C at sleep(1)");
    scenario.control("without claw");
    ctrl_c_ends_the_command("");
    scenario.then("under claw");
    ctrl_c_ends_the_command(&typed(&open()));
}

fn ctrl_z_and_fg(with: &str) {
    let mut terminal = outer_shell();
    terminal.types(&format!("{with} cat -u -\n"));
    eventually("cat runs", || runs(&terminal, "cat -u -", "cat"));
    terminal.types("first line\n");
    terminal.shows("first line\r\nfirst line");
    terminal.types("\x1a");
    terminal.shows("Stopped");
    terminal.shows("outer$ ");
    terminal.types("jobs\n");
    terminal.shows("Stopped");
    terminal.shows("outer$ ");
    terminal.types("fg\n");
    terminal.shows("cat");
    terminal.types("second line\n");
    terminal.shows("second line\r\nsecond line");
    terminal.types("\x04");
    terminal.shows("outer$ ");
    terminal.types("echo status=$?\n");
    terminal.shows("status=0");
    terminal.types("exit\n");
    terminal.ends();
}

#[test]
fn ctrl_z_stops_the_job_and_fg_continues_it() {
    let scenario = Scenario::new("Ctrl-Z at a command that reads the terminal");
    scenario.control("without claw");
    ctrl_z_and_fg("");
    scenario.then("under claw");
    ctrl_z_and_fg(&typed(&open()));
}

fn size(with: &Guard, guarded: bool) {
    let script = "trap 'stty size; exit 0' WINCH; stty size; while :; do sleep 0.05; done";
    let command = if guarded {
        with.command(&["/bin/bash", "-c", script])
    } else {
        let mut bash = Command::new("/bin/bash");
        bash.args(["-c", script]);
        bash
    };
    let mut terminal = Terminal::start(&command, 33, 121);
    terminal.shows("33 121");
    terminal.resize(44, 99);
    terminal.shows("44 99");
    assert_eq!(terminal.ends().code(), Some(0), "{}", terminal.seen());
}

#[test]
fn the_size_of_the_terminal_is_known_and_its_change_is_told() {
    let scenario = Scenario::new("the size of the terminal");
    scenario.control("without claw");
    size(&open(), false);
    scenario.then("under claw");
    size(&open(), true);
}

#[test]
fn a_full_screen_program_can_set_the_terminal() {
    let scenario = Scenario::new("raw mode, as editors use it");
    let script = "stty raw -echo; printf 'rea''dy'; dd bs=1 count=1 2>/dev/null | od -An -tx1; stty sane; test -t 0 && tty";
    let run = |command: &Command| {
        let mut terminal = Terminal::start(command, 24, 80);
        terminal.shows("ready");
        terminal.types("\x03");
        terminal.shows("03");
        terminal.shows("/dev/pts/");
        assert_eq!(terminal.ends().code(), Some(0), "{}", terminal.seen());
    };
    let mut bare = Command::new("/bin/sh");
    bare.args(["-c", script]);
    scenario.control("Ctrl-C is a key without claw");
    run(&bare);
    scenario.then("and under claw");
    run(&open().command(&["/bin/sh", "-c", script]));
}

#[test]
fn a_hang_up_reaches_the_command() {
    let scenario = Scenario::new("the terminal goes away");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let note = folder.path().join("note");
    let script = format!(
        "trap 'echo hung up >\"{}\"; exit 0' HUP; echo rea''dy; while :; do sleep 0.05; done",
        note.display()
    );
    let guard = open();
    let mut bare = Command::new("/bin/bash");
    bare.args(["-c", &script]);
    for command in [bare, guard.command(&["/bin/bash", "-c", &script])] {
        let mut terminal = Terminal::start(&command, 24, 80);
        terminal.shows("ready");
        terminal.hang_up();
        scenario.then("the command is told, and ends as it wants");
        eventually("the command notes it", || note.exists());
        terminal.ends();
        std::fs::remove_file(&note).expect("the note");
    }
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
    std::fs::copy(witness, at("forbidden")).expect("the witness is compiled");
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

#[test]
fn claw_holds_no_descriptor_of_the_command() {
    let scenario = Scenario::new("a pipe whose last writer is the command");
    let guard = open();
    let mut command =
        guard.command(&["/bin/sh", "-c", "echo ready; exec >/dev/null 2>&1; read line"]);
    let mark = call::new_mark();
    call::mark(&mut command, &mark);
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
    call::end_marked(&mark);
    assert_eq!(text.as_deref(), Ok("ready\n"));
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}
