//! Faults of claw itself: shortages, losses and full disks. claw refuses a call that it cannot judge, records
//! that, and serves the next one.
//!
//! Root causes every fault from outside, on the shipped claw: limits of a process and of a cgroup, full disks
//! and full maps, signals, and deaths at the wrong moment.

mod audit;
mod callers;
mod descriptors;
mod full;
mod limits;
mod signals;

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use claw_tests::claw::{self, Guard};
use claw_tests::postgres;
use claw_tests::tracee::{Linkage, copy_program, program};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The guards of both levels that hold anything.
fn levels(policy: &str) -> [(&'static str, Guard); 2] {
    let guard = || Guard::with_policy(policy).option("--require").option("held");
    [("proven", guard()), ("held", guard().without_capabilities())]
}

/// A statement by the real `psql`, for a shell.
fn psql(statement: &str) -> String {
    format!("'{}' -X -A -t -c '{statement}'", postgres::real_psql().display())
}

/// The chain of everything that was recorded holds, and the session's end is recorded: what lost its parent may end
/// later than the command.
fn verify(guard: &Guard) {
    // Generous: it bounds a hang and measures nothing.
    let deadline = Instant::now() + Duration::from_secs(60);
    while guard.records().iter().all(|record| record.kind() != "end") {
        assert!(Instant::now() < deadline, "{:#?}", guard.records());
        std::thread::sleep(Duration::from_millis(20));
    }
    verify_folder(guard.audit());
}

/// The chains in this folder hold.
fn verify_folder(audit: &Path) {
    let words = ["log".as_ref(), "verify".as_ref(), "--audit".as_ref(), audit.as_os_str()];
    let _ = claw::claw(words).exits(0);
}

/// A folder with the witness under names that the policy `forms` forbids and does not.
fn forms() -> TempDir {
    let folder = TempDir::new().expect("a temporary directory");
    for name in ["forbidden", "harmless"] {
        let place = folder.path().join(name);
        copy_program(program("witness", Linkage::Static), place);
    }
    folder
}

/// What the witness wrote first of all, as `PID ARG...`; nothing if it did not run.
fn witnessed(log: &Path) -> Vec<String> {
    fs::read_to_string(log).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Stops a process, and waits until none of its threads runs.
fn stop(process: Pid) {
    kill_process(process, Signal::STOP).expect("root may");
    let stopped = |thread: fs::DirEntry| {
        // One that is gone does not run either.
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
    };
    let folder = format!("/proc/{}/task", process.as_raw_nonzero());
    while !fs::read_dir(&folder).expect("it lives").flatten().all(stopped) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Lets a process go on.
fn go_on(process: Pid) {
    kill_process(process, Signal::CONT).expect("root may");
}

/// A C program, statically linked.
fn tool(name: &str) -> PathBuf {
    program(name, Linkage::Static)
}

/// A listener at a loopback address with a queue for thousands: the kernel retries a connection that finds no
/// place in the queue, and that takes seconds.
fn listener(port: u16) -> TcpListener {
    let listener = TcpListener::bind(("127.0.9.7", port)).expect("loopback");
    rustix::net::listen(&listener, 4096).expect("it listens already");
    listener.set_nonblocking(true).expect("a socket can be non-blocking");
    listener
}

/// How many callers have come since the last call.
fn callers(listener: &TcpListener) -> usize {
    let mut callers = 0;
    loop {
        match listener.accept() {
            Ok(_) => callers += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return callers,
            Err(error) => panic!("the listener fails: {error}"),
        }
    }
}
