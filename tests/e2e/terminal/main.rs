//! A guarded command is at home: exit status, streams, signals, its terminal and its jobs.

mod daemons;
mod jobs;
mod streams;

use std::thread;
use std::time::{Duration, Instant};

use claw_tests::call::Call;
use claw_tests::claw::Guard;

const PATIENCE: Duration = Duration::from_secs(60);

fn sh(script: &str) -> Call {
    Call::new(["/bin/sh", "-c", script])
}

fn open() -> Guard {
    Guard::with_policy("open")
}

/// `claw run … --` as typed into a shell.
fn typed(guard: &Guard) -> String {
    let command = guard.command::<&str>(&[]);
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| format!("'{}'", word.to_string_lossy())).collect::<Vec<_>>().join(" ")
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
