//! One command that a test runs twice: bare as the control, and guarded.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::claw::{self, Guard};
use crate::record::Record;

/// After this long a run counts as hanging. Generous: it bounds a hang and measures nothing.
const PATIENCE: Duration = Duration::from_secs(120);

/// The environment variable that marks every process of one run.
const MARK: &str = "CLAW_TEST_MARK";

/// A command with its environment, working directory and stdin.
#[derive(Debug, Clone)]
pub struct Call {
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    cwd: Option<PathBuf>,
    stdin: Vec<u8>,
    patience: Duration,
}

/// How a run ended and what it left.
#[derive(Debug)]
pub struct Ran {
    /// What was run, for messages.
    pub command: String,
    /// The exit status as the parent sees it.
    pub status: ExitStatus,
    /// All of stdout.
    pub stdout: Vec<u8>,
    /// All of stderr.
    pub stderr: Vec<u8>,
    /// The audit records of a guarded run, oldest first; none for a bare one.
    pub records: Vec<Record>,
}

impl Call {
    /// A call of `argv`, whose first element is found on `PATH` unless it has a slash.
    pub fn new<S: AsRef<OsStr>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self {
            argv: argv.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            env: Vec::new(),
            cwd: None,
            stdin: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// The words of the call.
    #[must_use]
    pub fn argv(&self) -> &[OsString] {
        &self.argv
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Adds several environment variables.
    #[must_use]
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        for (name, value) in pairs {
            self = self.env(name, value);
        }
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, directory: impl AsRef<Path>) -> Self {
        self.cwd = Some(directory.as_ref().to_owned());
        self
    }

    /// Sets what is written to stdin; nothing unless set.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Sets after how long the call counts as hanging.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs the call without claw: the control.
    #[must_use]
    pub fn bare(&self) -> Ran {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]);
        self.run(command)
    }

    /// Runs the call under claw and reads its records back.
    #[must_use]
    pub fn guarded(&self, guard: &Guard) -> Ran {
        let before = guard.records().len();
        let mut ran = self.run(guard.command(&self.argv));
        ran.records = guard.records().split_off(before);
        ran
    }

    /// Starts the call under claw and leaves it running.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_guarded(&self, guard: &Guard) -> Running {
        Running::start(self.dressed(guard.command(&self.argv)))
    }

    /// Gives `command` the call's environment and working directory.
    fn dressed(&self, mut command: Command) -> Command {
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.cwd {
            command.current_dir(directory);
        }
        command
    }

    fn run(&self, command: Command) -> Ran {
        let mut running = Running::start(self.dressed(command));
        running.feed(self.stdin.clone());
        running.finish(self.patience)
    }
}

/// A run that has started.
#[derive(Debug)]
pub struct Running {
    command: String,
    mark: String,
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
        let mark = new_mark();
        let text = abbreviated(&command);
        let mut child = command
            .env(MARK, &mark)
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
                    end_marked(&self.mark);
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

    /// The processes of this run that are alive, with their command lines.
    #[must_use]
    pub fn processes(&self) -> Vec<(i32, String)> {
        let zombie = |pid: &i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
        };
        marked(&self.mark).into_iter().filter(|(pid, _)| !zombie(pid)).collect()
    }

    /// The processes of this run that are claw itself.
    #[must_use]
    pub fn supervisors(&self) -> Vec<i32> {
        let is_claw = |pid: &i32| {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|path| path == claw::binary())
        };
        self.processes().into_iter().map(|(pid, _)| pid).filter(is_claw).collect()
    }

    /// How many descriptors claw has open, over all of its processes.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        let open = |pid: i32| fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        self.supervisors().into_iter().map(open).sum()
    }

    /// Ends every process of this run.
    pub fn end(&mut self) {
        end_marked(&self.mark);
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
            let tree = marked(&self.mark);
            end_marked(&self.mark);
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
            end_marked(&self.mark);
            drop(self.child.wait());
        }
    }
}

impl Ran {
    /// Stdout as text, without the last newline.
    #[must_use]
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Stderr as text, without the last newline.
    #[must_use]
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim_end().to_owned()
    }

    /// The exit code, or nothing after a signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it, or nothing.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Itself, when the exit code is `code`.
    ///
    /// # Panics
    /// With everything the run said, when it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(
            self.code() == Some(code),
            "expected exit {code}, got {}\n{}",
            self.status,
            self.story()
        );
        self
    }

    /// The records whose argv contains `word` inside one of its arguments.
    #[must_use]
    pub fn about(&self, word: &str) -> Vec<&Record> {
        self.records.iter().filter(|record| record.mentions(word)).collect()
    }

    /// The records about programs.
    #[must_use]
    pub fn execs(&self) -> Vec<&Record> {
        self.records.iter().filter(|record| record.kind() == "exec").collect()
    }

    /// The records about connections to `to`, an address and a port.
    #[must_use]
    pub fn connects(&self, to: &str) -> Vec<&Record> {
        let connects = self.records.iter().filter(|record| record.kind() == "connect");
        connects.filter(|record| record.to() == to).collect()
    }

    /// The one record with the verdict `verdict`.
    ///
    /// # Panics
    /// When there is none or more than one.
    #[must_use]
    #[track_caller]
    pub fn only(&self, verdict: &str) -> &Record {
        let all: Vec<_> =
            self.records.iter().filter(|record| record.verdict() == verdict).collect();
        assert!(all.len() == 1, "expected one `{verdict}`, got {}\n{}", all.len(), self.story());
        all[0]
    }

    /// Everything there is to say about the run, for a failure.
    #[must_use]
    pub fn story(&self) -> String {
        let mut text = format!(
            "command: {}\nstatus: {}\nstdout: {}\nstderr: {}\n",
            self.command,
            self.status,
            shortened(&self.out()),
            shortened(&self.err()),
        );
        for record in &self.records {
            let _ = writeln!(text, "record: {}", shortened(&record.to_string()));
        }
        text
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 2000;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} … ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

fn abbreviated(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    shortened(&words.map(|word| shortened(&word.to_string_lossy())).collect::<Vec<_>>().join(" "))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len().max(1)).any(|window| window == needle)
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

/// A mark that no other run has.
#[must_use]
pub fn new_mark() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Adds `mark` to the environment of `command`.
pub fn mark(command: &mut Command, mark: &str) {
    command.env(MARK, mark);
}

/// The processes that carry `mark`, with their command lines.
#[must_use]
pub fn marked(mark: &str) -> Vec<(i32, String)> {
    let needle = format!("{MARK}={mark}\0");
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let environ = fs::read(entry.path().join("environ")).ok()?;
            let cmdline = fs::read(entry.path().join("cmdline")).ok()?;
            let text = OsStr::from_bytes(&cmdline).to_string_lossy().replace('\0', " ");
            contains(&environ, needle.as_bytes()).then_some((pid, shortened(&text)))
        })
        .collect()
}

/// Kills every process that carries `mark`, until there is none.
pub fn end_marked(mark: &str) {
    for _ in 0..100 {
        let left = marked(mark);
        if left.is_empty() {
            return;
        }
        for (pid, _) in left {
            if let Some(pid) = Pid::from_raw(pid) {
                // It may have ended since it was listed: ESRCH is what is wanted.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
}
