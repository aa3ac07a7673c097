//! A pseudo-terminal with a command on it, as a person at a keyboard would have it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::mark::Mark;
use crate::scenario;

/// After this long a silent terminal counts as hanging. Generous: it measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command on a terminal of its own, as the leader of a new session.
#[derive(Debug)]
pub struct Terminal {
    /// Nothing once the terminal has gone away.
    keyboard: Option<File>,
    gone: Arc<AtomicBool>,
    screen: Receiver<Vec<u8>>,
    seen: String,
    /// How much of `seen` earlier waits have used up.
    used: usize,
    child: Child,
    mark: Mark,
}

impl Terminal {
    /// Starts `command` on a new terminal of `rows` by `columns`.
    ///
    /// # Panics
    /// When there is no pseudo-terminal or the command cannot be started.
    #[must_use]
    pub fn start(command: &Command, rows: u16, columns: u16) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a pseudo-terminal can be opened");
        grantpt(&keyboard).expect("the pseudo-terminal is ours");
        unlockpt(&keyboard).expect("the pseudo-terminal is ours");
        let name = ptsname(&keyboard, Vec::new()).expect("a pseudo-terminal has a name");
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&keyboard, size).expect("a terminal has a size");
        let line = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(rustix::fs::OFlags::NOCTTY.bits().cast_signed())
            .open(std::ffi::OsStr::from_bytes(name.as_bytes()))
            .expect("the line side can be opened");

        // `setsid --ctty` makes stdin the controlling terminal, then becomes the command.
        let mut setsid = Command::new(scenario::tool(&["/usr/bin/setsid"]));
        setsid.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (variable, value) in command.get_envs() {
            match value {
                Some(value) => setsid.env(variable, value),
                None => setsid.env_remove(variable),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            setsid.current_dir(directory);
        }
        let mark = Mark::put_on(&mut setsid);
        setsid
            .env("TERM", "dumb")
            .env("PS1", "$ ")
            .env_remove("PROMPT_COMMAND")
            .env_remove("LD_LIBRARY_PATH");
        let child = setsid
            .stdin(Stdio::from(line.try_clone().expect("a descriptor can be copied")))
            .stdout(Stdio::from(line.try_clone().expect("a descriptor can be copied")))
            .stderr(Stdio::from(line))
            .spawn()
            .expect("`setsid` starts");

        let keyboard = File::from(keyboard);
        let gone = Arc::new(AtomicBool::new(false));
        let screen = keyboard.try_clone().expect("a descriptor can be copied");
        let screen = watch(screen, Arc::clone(&gone));
        let keyboard = Some(keyboard);
        Self { keyboard, gone, screen, seen: String::new(), used: 0, child, mark }
    }

    /// Types `text`; `\x03` is Ctrl-C and `\x1a` is Ctrl-Z.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn types(&mut self, text: &str) {
        self.keyboard().write_all(text.as_bytes()).expect("the terminal takes input");
    }

    /// Changes the size, which sends SIGWINCH to the foreground.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(self.keyboard(), size).expect("a terminal has a size");
    }

    /// Takes the terminal away, as a closed window does.
    pub fn hang_up(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        drop(self.keyboard.take());
        // The screen's reader holds the terminal too: its end of the channel goes when it lets go.
        while self.screen.recv().is_ok() {}
    }

    fn keyboard(&self) -> &File {
        self.keyboard.as_ref().expect("the terminal has not gone away")
    }

    /// Waits until the screen shows `text` after what earlier waits have used.
    ///
    /// # Panics
    /// With everything the screen showed, when that takes too long.
    #[track_caller]
    pub fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen[self.used..].find(text) {
                self.used += at + text.len();
                return;
            }
            match self.screen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(why) => panic!(
                    "the terminal never showed {text:?} ({why}); it showed:\n{}\nprocesses: {:#?}",
                    self.seen,
                    self.mark.processes(),
                ),
            }
        }
    }

    /// Waits for the session leader's end.
    ///
    /// # Panics
    /// When that takes too long.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the session does not end; the terminal showed:\n{}\nprocesses: {:#?}",
                self.seen,
                self.mark.processes(),
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything shown so far.
    #[must_use]
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// The processes of this session whose command line contains `word`.
    #[must_use]
    pub fn processes(&self, word: &str) -> Vec<i32> {
        let all = self.mark.processes().into_iter();
        all.filter(|process| process.line.contains(word)).map(|process| process.pid).collect()
    }

    /// The state letter of process `pid`: `T` is stopped, `S` sleeps. See proc_pid_stat(5).
    #[must_use]
    pub fn state(pid: i32) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }

    /// Whether the terminal's keys go to the job of process `pid`: its process group is the terminal's.
    /// See proc_pid_stat(5).
    #[must_use]
    pub fn has_keys(pid: i32) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> =
            stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
        matches!(fields[..], [_, _, group, _, _, foreground, ..] if group == foreground)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.mark.end();
            drop(self.child.wait());
        }
        self.mark.end();
    }
}

/// Reads the screen side on a thread of its own, to its end or until `gone`.
fn watch(mut screen: File, gone: Arc<AtomicBool>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        let moment = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        while !gone.load(Ordering::Relaxed) {
            let ready = poll(&mut [PollFd::new(&screen, PollFlags::IN)], Some(&moment));
            if ready == Ok(0) {
                continue;
            }
            // EIO says that the last holder of the line side is gone.
            match screen.read(&mut buffer) {
                Ok(length) if length > 0 && sender.send(buffer[..length].to_vec()).is_ok() => {}
                _ => break,
            }
        }
    });
    receiver
}
