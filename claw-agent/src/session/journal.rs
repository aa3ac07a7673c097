//! The supervisor's own log: `SESSION.log` next to the audit, made with its first line. A guarded process may
//! provoke lines at will, so only a few are written each second.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use claw_classify::{HIDDEN, in_text, masked};

/// How many lines are written in one [`PERIOD`].
const LINES: u32 = 20;
const PERIOD: Duration = Duration::from_secs(1);

/// Sends this process's `tracing` events to a file.
pub(super) fn start(path: PathBuf) {
    let journal = Mutex::new(Journal { path, file: None, since: Instant::now(), lines: 0 });
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(journal);
    // A second subscriber in this process would be a bug of this crate, and changes nothing.
    let _ = subscriber.try_init();
}

struct Journal {
    path: PathBuf,
    file: Option<File>,
    since: Instant,
    lines: u32,
}

impl Write for Journal {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.since.elapsed() > PERIOD {
            (self.since, self.lines) = (Instant::now(), 0);
        }
        self.lines += 1;
        if self.lines > LINES {
            return Ok(line.len());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file =
                    OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
                none.insert(file)
            }
        };
        // A panic's message, for one, may quote the call and its secrets.
        file.write_all(&masked(line, &in_text(line), |_| HIDDEN.to_owned()))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
