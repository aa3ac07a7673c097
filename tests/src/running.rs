//! A run that has started: its input, its output so far, the processes it is made of, its end.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::call::{PATIENCE, Ran, abbreviated};
use crate::claw;
use crate::mark::{Mark, Marked};

/// A run that has started.
#[derive(Debug)]
pub struct Running {
    command: String,
    mark: Mark,
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Running {
    /// Starts `command` with all of its standard streams piped, marked so that it can be ended.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let mark = Mark::put_on(&mut command);
        let text = abbreviated(&command);
        // Cargo sets it for its own sake, and it would count as injected into a governed tool.
        let mut child = command
            .env_remove("LD_LIBRARY_PATH")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{text}` cannot be started: {error}"));
        let stdout = drain(child.stdout.take().expect("stdout is piped"));
        let stderr = drain(child.stderr.take().expect("stderr is piped"));
        Self { command: text, mark, child, stdout, stderr, seen: Vec::new() }
    }

    /// The process id of what was started: claw's own for a guarded run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes `bytes` to stdin and closes it.
    pub fn feed(&mut self, bytes: Vec<u8>) {
        let mut stdin = self.child.stdin.take().expect("stdin is fed once");
        // A command that does not read its stdin may be gone already: EPIPE is no failure.
        thread::spawn(move || drop(stdin.write_all(&bytes)));
    }

    /// Writes `text` to stdin and keeps it open.
    ///
    /// # Panics
    /// When stdin has been fed already, or is closed.
    pub fn say(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is not fed yet");
        stdin.write_all(text.as_bytes()).expect("the command reads its stdin");
    }

    /// Waits until stdout has contained `text`.
    ///
    /// # Panics
    /// When the run ends or takes too long before it does.
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !contains(&self.seen, text.as_bytes()) {
            match self.stdout.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(why) => {
                    self.mark.end();
                    panic!(
                        "`{}` did not say {text:?} ({why}); stdout: {}; stderr: {}",
                        self.command,
                        String::from_utf8_lossy(&self.seen),
                        String::from_utf8_lossy(&collect(&self.stderr, Instant::now()).0),
                    );
                }
            }
        }
    }

    /// What stdout has brought so far, as far as it was waited for.
    #[must_use]
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// The supervisor of a guarded run, which is its front's only child; waits for it to be born. What starts claw
    /// has one child at a time.
    ///
    /// # Panics
    /// When the run ends or takes too long before that.
    #[must_use]
    pub fn supervisor(&self) -> Pid {
        let runs_claw = |pid: u32| {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|path| path.ends_with("claw"))
        };
        let mut at = self.pid();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let children = fs::read_to_string(format!("/proc/{at}/task/{at}/children"));
            let child = children.expect("it lives").trim().parse::<u32>();
            match child.ok().and_then(|child| Some((child, Pid::from_raw(child.cast_signed())?))) {
                Some((_, supervisor)) if runs_claw(at) => return supervisor,
                Some((child, _)) => at = child,
                None => {}
            }
            assert!(Instant::now() < deadline, "claw starts no supervisor");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The processes of this run that are alive.
    #[must_use]
    pub fn processes(&self) -> Vec<Marked> {
        self.mark.processes()
    }

    /// The processes of this run that are claw itself.
    #[must_use]
    pub fn supervisors(&self) -> Vec<i32> {
        let is_claw = |pid: &i32| {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|path| path == claw::binary())
        };
        self.processes().into_iter().map(|process| process.pid).filter(is_claw).collect()
    }

    /// How many descriptors claw has open, over all of its processes.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        let open = |pid: i32| fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        self.supervisors().into_iter().map(open).sum()
    }

    /// Ends every process of this run.
    pub fn end(&mut self) {
        self.mark.end();
    }

    /// Waits for the run's end and for the end of its output.
    ///
    /// # Panics
    /// When that takes longer than `patience`; everything the run started is ended first.
    #[must_use]
    pub fn finish(mut self, patience: Duration) -> Ran {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + patience;
        let (rest, stdout_closed) = collect(&self.stdout, deadline);
        let (stderr, stderr_closed) = collect(&self.stderr, deadline);
        let mut stdout = std::mem::take(&mut self.seen);
        stdout.extend(rest);
        let status = loop {
            match self.child.try_wait().expect("the child is ours to wait for") {
                Some(status) if stdout_closed && stderr_closed => break status,
                Some(_) => {}
                None if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(2));
                    continue;
                }
                None => {}
            }
            let tree = self.mark.processes();
            self.mark.end();
            panic!(
                "`{}` hangs after {patience:?}: stdout {}, stderr {}, processes {tree:?}\nstdout: {}\nstderr: {}",
                self.command,
                if stdout_closed { "closed" } else { "still open" },
                if stderr_closed { "closed" } else { "still open" },
                String::from_utf8_lossy(&stdout),
                String::from_utf8_lossy(&stderr),
            );
        };
        Ran { command: self.command.clone(), status, stdout, stderr, records: Vec::new() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.mark.end();
            let _ = self.child.wait();
        }
    }
}

/// Reads `stream` to its end on a thread of its own.
fn drain(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(length) = stream.read(&mut buffer) {
            if length == 0 || sender.send(buffer[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What `stream` brings until `deadline`, and whether it has come to its end.
fn collect(stream: &Receiver<Vec<u8>>, deadline: Instant) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match stream.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(more) => bytes.extend(more),
            Err(RecvTimeoutError::Timeout) => return (bytes, false),
            Err(RecvTimeoutError::Disconnected) => return (bytes, true),
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len().max(1)).any(|window| window == needle)
}
