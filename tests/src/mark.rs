//! Finds every process of a run again, by a variable in its environment, which its children inherit.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

const VARIABLE: &str = "CLAW_TEST_MARK";

/// The mark of one run.
#[derive(Debug)]
pub struct Mark(String);

/// A process that carries a mark.
#[derive(Debug)]
pub struct Marked {
    /// Its process id.
    pub pid: i32,
    /// Its command line, words parted by spaces.
    pub line: String,
    /// What `/proc/PID/stat` says of it behind its name, its state first; proc_pid_stat(5).
    pub stat: String,
}

impl Mark {
    /// Puts a mark that no other run has on `command`.
    #[must_use]
    pub fn put_on(command: &mut Command) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let text = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        command.env(VARIABLE, &text);
        Self(text)
    }

    /// The processes that carry the mark, those that have ended and are not waited for left out.
    #[must_use]
    pub fn processes(&self) -> Vec<Marked> {
        let needle = format!("{VARIABLE}={}", self.0);
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        let found = processes.flatten().filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            // What has ended has no environment any more.
            let environ = fs::read(entry.path().join("environ")).ok()?;
            let words = fs::read(entry.path().join("cmdline")).ok()?;
            let mut variables = environ.split(|byte| *byte == 0);
            let line = String::from_utf8_lossy(&words).replace('\0', " ");
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let stat = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned())?;
            let marked = Marked { pid, line, stat };
            variables.any(|variable| variable == needle.as_bytes()).then_some(marked)
        });
        found.collect()
    }

    /// Kills every process that carries the mark, until there is none.
    pub fn end(&self) {
        for _ in 0..100 {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            for process in left {
                if let Some(pid) = Pid::from_raw(process.pid) {
                    // It may have ended since it was listed, so ESRCH is fine.
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}
