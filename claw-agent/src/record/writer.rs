//! The writer: a bounded queue, one thread, one chain a session, numbered parts.
//!
//! A full queue makes the caller wait: a decision that is not recorded is not carried out. A disk that
//! takes no more does the same.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Record, chain};

/// How many records may wait to be written.
const QUEUE: usize = 4096;
/// How often the writer looks for records while there are any, and how often in vain before it sleeps.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS: u32 = 40;
/// How many bytes are written at once while records keep coming.
const PENDING: usize = 64 << 10;

/// Where and how records are written.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The folder; made with mode 0700 if it is not there.
    pub(crate) folder: PathBuf,
    /// A part is closed once it has this many bytes.
    pub(crate) part_bytes: u64,
    /// The name of the session.
    pub(crate) session: String,
    /// The session's labels, which every record carries.
    pub(crate) labels: Vec<(String, String)>,
}

/// The queue's entry; shared by every thread that decides.
#[derive(Debug)]
pub(crate) struct Audit {
    queue: SyncSender<Job>,
    next: AtomicU64,
}

#[derive(Debug)]
enum Job {
    Write(Entry),
    /// Write everything out and say so.
    Flush(SyncSender<()>),
}

#[derive(Debug)]
struct Entry {
    seq: u64,
    time: Timestamp,
    record: Box<Record>,
}

impl Audit {
    /// Opens the first part and starts the writing thread, which ends once the `Audit` is dropped and
    /// everything is written.
    ///
    /// # Errors
    /// What open(2) says about the folder or the file.
    pub(crate) fn start(settings: Settings) -> io::Result<Self> {
        let mut part = Part::open(&settings, 1)?;
        let (queue, jobs) = sync_channel(QUEUE);
        std::thread::Builder::new().name("record".into()).spawn(move || {
            let mut prev = chain::FIRST.to_owned();
            while let Some(job) = next(&jobs, &mut part) {
                let entry = match job {
                    Job::Write(entry) => entry,
                    Job::Flush(done) => {
                        part.flush();
                        part.sync();
                        // Who asked may have stopped waiting.
                        let _ = done.send(());
                        continue;
                    }
                };
                let (mut line, hash) = chain::seal(&object(&settings, &entry), &prev);
                line.push('\n');
                prev = hash;
                part.take(&settings, line.as_bytes());
            }
            part.flush();
            part.sync();
        })?;
        Ok(Self { queue, next: AtomicU64::new(1) })
    }

    /// Queues a record. Waits while the queue is full.
    pub(crate) fn record(&self, record: Record) {
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Entry { seq, time: Timestamp::now(), record: Box::new(record) };
        if self.queue.send(Job::Write(entry)).is_err() {
            // The thread ends only after this end is dropped, or by a panic: then nothing can be
            // recorded any more and nothing may be let through.
            tracing::error!("the audit thread is gone; ending the session");
            std::process::abort();
        }
    }

    /// Waits until everything recorded so far is on the disk.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.send(Job::Flush(done)).is_ok() {
            // An end without an answer is the thread's panic, which `record` reports.
            let _ = wait.recv();
        }
    }
}

/// The next job. While records keep coming it looks for them now and then instead of sleeping, so
/// that who decides need not wake anybody; before it does sleep, what is buffered is written.
fn next(jobs: &Receiver<Job>, part: &mut Part) -> Option<Job> {
    for _ in 0..LOOKS {
        match jobs.try_recv() {
            Ok(job) => return Some(job),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => std::thread::sleep(LOOK),
        }
        part.flush();
    }
    jobs.recv().ok()
}

/// A record with who and when.
fn object(settings: &Settings, entry: &Entry) -> String {
    #[derive(Serialize)]
    struct Whole<'a> {
        id: String,
        seq: u64,
        time: String,
        session: &'a str,
        #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
        labels: std::collections::BTreeMap<&'a str, &'a str>,
        #[serde(flatten)]
        record: &'a Record,
    }
    let whole = Whole {
        id: format!("{}-{}", settings.session, entry.seq),
        seq: entry.seq,
        time: entry.time.to_string(),
        session: &settings.session,
        labels: settings.labels.iter().map(|(key, value)| (&**key, &**value)).collect(),
        record: &entry.record,
    };
    serde_json::to_string(&whole).unwrap_or_else(|error| {
        // Maps with other keys than strings are the only thing that fails, and there are none.
        format!("{{\"id\":\"{}\",\"error\":\"{error}\"}}", whole.id)
    })
}

struct Part {
    file: File,
    number: u32,
    bytes: u64,
    /// What is not written yet.
    pending: Vec<u8>,
}

impl Part {
    fn open(settings: &Settings, number: u32) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&settings.folder)?;
        let path = settings.folder.join(format!("{}.{number:04}.jsonl", settings.session));
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { file, number, bytes: 0, pending: Vec::new() })
    }

    /// Takes a line; opens the next part first where this one is full.
    fn take(&mut self, settings: &Settings, line: &[u8]) {
        if self.bytes > 0 && self.bytes + line.len() as u64 > settings.part_bytes {
            self.flush();
            let next = insist(|| Self::open(settings, self.number + 1));
            self.sync();
            *self = next;
        }
        self.pending.extend_from_slice(line);
        self.bytes += line.len() as u64;
        if self.pending.len() >= PENDING {
            self.flush();
        }
    }

    /// Writes what is pending, however long the disk takes to have room for it.
    fn flush(&mut self) {
        while !self.pending.is_empty() {
            let written = insist(|| self.file.write(&self.pending));
            self.pending.drain(..written);
        }
    }

    fn sync(&self) {
        if let Err(error) = self.file.sync_data() {
            tracing::error!(%error, "cannot sync the audit file");
        }
    }
}

/// Tries until it works: while the audit cannot be written, nothing goes on.
fn insist<T>(mut attempt: impl FnMut() -> io::Result<T>) -> T {
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) => {
                tracing::error!(%error, "cannot write the audit; every held call waits until it can");
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reader::Problem;
    use super::super::{Kind, Level, read, verify};
    use super::*;
    use crate::apply::Proof;

    fn settings(folder: &std::path::Path, part_bytes: u64) -> Settings {
        Settings { folder: folder.into(), part_bytes, session: "abc".into(), labels: vec![] }
    }

    fn write(settings: &Settings, records: usize) {
        let audit = Audit::start(settings.clone()).expect("starts");
        for number in 0..records {
            let kind = if number + 1 == records { Kind::End } else { Kind::Exec };
            audit.record(Record::new(kind, Level::Proven, Proof::Ticket, number.to_string()));
        }
        audit.flush();
    }

    #[test]
    fn records_come_back_in_order_and_the_chain_holds_over_parts() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = dir.path().join("audit");
        write(&settings(&folder, 2000), 100);
        let lines = read(&folder).expect("readable");
        let reasons: Vec<_> = lines.iter().map(|line| line.value["reason"].clone()).collect();
        assert_eq!(reasons, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(std::fs::read_dir(&folder).expect("folder").count() > 5);
        assert_eq!(verify(&folder).expect("readable"), vec![]);
    }

    #[test]
    fn files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = dir.path().join("audit");
        write(&settings(&folder, 1 << 20), 1);
        let mode = |path: &std::path::Path| {
            std::fs::metadata(path).expect("there").permissions().mode() & 0o777
        };
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("abc.0001.jsonl")), 0o600);
    }

    #[test]
    fn a_changed_a_missing_and_a_moved_line_are_found() {
        for spoil in [
            |lines: &mut Vec<String>| lines[5] = lines[5].replace("\"5\"", "\"6\""),
            |lines: &mut Vec<String>| drop(lines.remove(5)),
            |lines: &mut Vec<String>| lines.swap(5, 6),
            |lines: &mut Vec<String>| drop(lines.remove(0)),
            |lines: &mut Vec<String>| drop(lines.pop()),
        ] {
            let dir = tempfile::tempdir().expect("temporary folder");
            write(&settings(dir.path(), 1 << 20), 10);
            let path = dir.path().join("abc.0001.jsonl");
            let text = std::fs::read_to_string(&path).expect("readable");
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            spoil(&mut lines);
            std::fs::write(&path, lines.join("\n") + "\n").expect("writable");
            let problems: Vec<Problem> = verify(dir.path()).expect("readable");
            assert!(!problems.is_empty(), "{lines:#?}");
        }
    }
}
