//! The writer: a bounded queue, one thread, one chain a session, numbered parts.
//!
//! A decision that is not recorded is not carried out: a full queue makes the caller wait, and while the disk
//! takes no more, who decides finds [`Audit::is_short`] and refuses.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use claw_policy::Verdict;
use jiff::Timestamp;
use serde::Serialize;

use super::part::{Part, RETRY, Room};
use super::{Kind, Record, chain};
use crate::apply::Proof;
use crate::vital;

/// How many records may wait to be written.
const QUEUE: usize = 4096;
/// How often the writer looks for records while there are any, and how often in vain before it sleeps.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS: u32 = 40;

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
    room: Arc<Room>,
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
        let room = Arc::<Room>::default();
        let mut part = Part::open(&settings, 1, Arc::clone(&room))?;
        let (queue, jobs) = sync_channel(QUEUE);
        let theirs = Arc::clone(&room);
        vital::spawn("record", move || {
            let mut prev = chain::FIRST.to_owned();
            while let Some(job) = next(&jobs, &mut part, &theirs) {
                let entry = match job {
                    Job::Write(entry) => entry,
                    Job::Flush(done) => {
                        part.settle();
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
            part.settle();
        })?;
        Ok(Self { queue, next: AtomicU64::new(1), room })
    }

    /// Whether no room is left for what is yet to be decided: such a call is refused, and counted with
    /// [`Audit::refuse`].
    pub(crate) fn is_short(&self) -> bool {
        self.room.is_short()
    }

    /// Why there was no room, if that ever was so.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.room.why()
    }

    /// Counts a call that was refused because it could not be recorded. Once there is room, a record says how
    /// many there were.
    pub(crate) fn refuse(&self) {
        self.room.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Queues the record of a call that was refused for another reason, or counts it where there is no room.
    pub(crate) fn record_refusal(&self, record: Record) {
        if self.is_short() {
            self.refuse();
        } else {
            self.record(record);
        }
    }

    /// Queues a record. Waits while the queue is full.
    pub(crate) fn record(&self, record: Record) {
        let refused = &self.room.refused;
        let tells = !self.is_short() || record.kind == Kind::End;
        if refused.load(Ordering::Relaxed) > 0 && tells {
            let count = refused.swap(0, Ordering::Relaxed);
            let reason = format!(
                "the audit could not be written: {count} calls failed, and are not recorded"
            );
            self.queue(Record {
                verdict: Some(Verdict::Deny),
                count: Some(count),
                ..Record::new(Kind::Lost, record.level, Proof::Answered, reason)
            });
        }
        self.queue(record);
    }

    fn queue(&self, record: Record) {
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Entry { seq, time: Timestamp::now(), record: Box::new(record) };
        if self.queue.send(Job::Write(entry)).is_err() {
            // The thread ends only after this end is dropped: nothing can be recorded any more, and nothing
            // may be let through.
            tracing::error!("the audit thread is gone; ending the session");
            std::process::abort();
        }
    }

    /// Has everything that was recorded so far written to the disk, and says so through what this returns.
    pub(crate) fn flush(&self) -> Receiver<()> {
        let (done, wait) = sync_channel(1);
        // The thread ends only after this end is dropped.
        let _ = self.queue.send(Job::Flush(done));
        wait
    }
}

/// The next job. While records keep coming it looks for them now and then instead of sleeping, so
/// that who decides need not wake anybody; before it does sleep, what is buffered is written.
fn next(jobs: &Receiver<Job>, part: &mut Part, room: &Room) -> Option<Job> {
    let mut looks = 0;
    loop {
        if part.takes_more() {
            match jobs.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) if looks == LOOKS && !room.is_short() => {
                    return jobs.recv().ok();
                }
                Err(TryRecvError::Empty) => {}
            }
        }
        if room.is_short() {
            std::thread::sleep(RETRY);
        } else {
            std::thread::sleep(LOOK);
            looks += 1;
        }
        part.flush();
    }
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
        audit.flush().recv().expect("the writer answers");
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
