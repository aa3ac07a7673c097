//! Job control and the settings of the terminal.

use std::process::Command;

use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::terminal::Terminal;

use crate::{eventually, open, typed};

/// An interactive bash on a terminal, bare, in which claw is typed as a person would.
fn outer_shell() -> Terminal {
    let mut bash = Command::new("/bin/bash");
    bash.args(["--norc", "--noprofile", "-i"]);
    let mut terminal = Terminal::start(&bash, 24, 200);
    terminal.types("PS1='outer'\\$' '\n");
    terminal.shows("outer$ ");
    terminal
}

/// Whether a process of the terminal has become the program `name`, called with the words `line`.
fn runs(terminal: &Terminal, line: &str, name: &str) -> bool {
    terminal.processes(line).iter().any(|pid| {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    })
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
    // The shell names the job before it gives it the terminal.
    eventually("it has the keys", || Terminal::has_keys(pid));
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
    terminal.types(&format!("{with} sleep 1003\n"));
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

/// Ctrl-Z at a command that catches it: it goes on, and so does whoever waits for it.
fn ctrl_z_is_caught(with: &str) {
    let mut terminal = outer_shell();
    terminal.types(&format!(
        "{with} bash -c 'trap \"echo cau\"\"ght\" TSTP; echo rea\"\"dy; while read line; do echo \"<$line>\"; done'; echo status=$?\n"
    ));
    terminal.shows("ready");
    terminal.types("one\n");
    terminal.shows("<one>");
    terminal.types("\x1a");
    terminal.types("two\n");
    terminal.shows("caught");
    terminal.shows("<two>");
    terminal.types("\x04");
    terminal.shows("status=0");
    terminal.types("exit\n");
    terminal.ends();
}

#[test]
fn ctrl_z_stops_nobody_where_the_command_catches_it() {
    let scenario = Scenario::new("Ctrl-Z at a command that catches it");
    scenario.control("without claw");
    ctrl_z_is_caught("");
    scenario.then("under claw");
    ctrl_z_is_caught(&typed(&open()));
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
