//! The writer: a bounded queue, one thread, one chain per session, numbered parts.
//!
//! A decision that is not recorded is not carried out: a full queue makes the caller wait. While the disk is
//! full, [`Audit::is_short`] tells the deciding threads to refuse.
//!
//! Records are in the order of their [`Place`]s. A thread claims a place before it lets a process continue.
//! So the record of what the process does next comes after, whichever thread queues its record first.

mod order;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use claw_policy::Verdict;
use jiff::Timestamp;

use super::key::Key;
use super::mask::Masker;
use super::part::{Part, RETRY, Room};
use super::{Entry, Proof, Record, What, chain};
use crate::vital;
use order::InOrder;
pub(crate) use order::Place;

/// How many records may wait to be written.
const QUEUE: usize = 4096;
/// How long the writer waits between looks while records keep coming, and how many looks may find none before
/// it sleeps.
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
    /// How many bytes of disk space to reserve for connections that the kernel side may allow before it
    /// learns that the disk is full.
    pub(crate) for_connections: u64,
}

impl Settings {
    /// Reserves space for all connection records that may be on their way to the disk: `unread` in the kernel
    /// side's ring, plus those in the queue. Each counts as long as the longest of `entries`.
    pub(crate) fn keep_room_for(&mut self, unread: usize, entries: impl Iterator<Item = Entry>) {
        // Measure with the most digits that numbers and times can have.
        let masker = Masker::new(Key::TO_MEASURE);
        let line = |entry| {
            let record = masker.record(self, u64::MAX, Timestamp::MAX, entry);
            chain::seal(&object(&record), chain::FIRST).0.len() + 1
        };
        let longest = entries.map(line).max().unwrap_or_default();
        self.for_connections = (longest * (unread + QUEUE)) as u64;
    }
}

/// The sending end of the queue, shared by every thread that decides.
#[derive(Debug)]
pub(crate) struct Audit {
    queue: SyncSender<(u64, Job)>,
    /// The number of the next place.
    next: AtomicU64,
    room: Arc<Room>,
}

#[derive(Debug)]
enum Job {
    Write(Timestamp, Box<Entry>),
    /// Write everything out and say so.
    Flush(SyncSender<()>),
    /// Write nothing: the place was given up.
    Pass,
}

impl Audit {
    /// Opens the first part and starts the writing thread, which ends once the `Audit` is dropped and
    /// everything is written.
    ///
    /// # Errors
    /// As open(2) for the folder or the file; or if the key of the digests is unusable.
    pub(crate) fn start(settings: Settings) -> io::Result<Self> {
        let room = Arc::<Room>::default();
        let mut part = Part::open(&settings, 1, Arc::clone(&room))?;
        let masker = Masker::new(Key::of(&settings.folder, &settings.session)?);
        let (queue, jobs) = sync_channel(QUEUE);
        let theirs = Arc::clone(&room);
        vital::spawn("record", move || {
            let mut prev = chain::FIRST.to_owned();
            let mut jobs = InOrder::of(jobs);
            let mut seq = 1;
            while let Some(job) = next(&mut jobs, &mut part, &theirs) {
                match job {
                    Job::Write(time, entry) => {
                        let record = masker.record(&settings, seq, time, *entry);
                        let (mut line, hash) = chain::seal(&object(&record), &prev);
                        line.push('\n');
                        (prev, seq) = (hash, seq + 1);
                        part.take(&settings, line.as_bytes());
                    }
                    Job::Flush(done) => {
                        part.settle();
                        // The caller may have stopped waiting.
                        let _ = done.send(());
                    }
                    Job::Pass => {}
                }
            }
            part.settle();
        })?;
        Ok(Self { queue, next: AtomicU64::new(0), room })
    }

    /// Whether no room is left for calls that are not decided yet. Refuse such a call, and count it with
    /// [`Audit::refuse`].
    pub(crate) fn is_short(&self) -> bool {
        self.room.is_short()
    }

    /// Why there was no room, if it ever ran out.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.room.why()
    }

    /// Counts a call that was refused because it could not be recorded. The next record with room is preceded
    /// by one with this count.
    pub(crate) fn refuse(&self) {
        self.room.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Queues the record of a call that was refused for another reason, or counts the call if there is no
    /// room.
    pub(crate) fn record_refusal(&self, entry: Entry) {
        if self.is_short() {
            self.refuse();
        } else {
            self.record(entry);
        }
    }

    /// Claims the next place in the order of records, with the current time as its record's time. All later
    /// records wait for it, so claim one just before a process continues and never before a wait.
    pub(crate) fn place(&self) -> Place {
        Place::new(self.next.fetch_add(1, Ordering::Relaxed), self.queue.clone())
    }

    /// Queues a record. Waits while the queue is full.
    pub(crate) fn record(&self, entry: Entry) {
        self.tell_refused(&entry);
        self.place().take(entry);
    }

    /// Queues a record at a place that was claimed for it. Waits while the queue is full.
    pub(crate) fn record_at(&self, place: Place, entry: Entry) {
        self.tell_refused(&entry);
        place.take(entry);
    }

    /// Queues the count of unrecorded calls, before the next record that has room.
    fn tell_refused(&self, entry: &Entry) {
        let refused = &self.room.refused;
        let tells = !self.is_short() || matches!(entry.what, What::End);
        if refused.load(Ordering::Relaxed) > 0 && tells {
            let count = refused.swap(0, Ordering::Relaxed);
            let reason = format!(
                "the audit could not be written: {count} calls failed, and are not recorded"
            );
            self.place().take(Entry {
                verdict: Some(Verdict::Deny),
                ..Entry::new(What::Lost { count }, entry.level, Proof::Answered, reason)
            });
        }
    }

    /// Writes to disk every record whose place is claimed. The returned receiver gets a message when that is
    /// done.
    pub(crate) fn flush(&self) -> Receiver<()> {
        let (done, wait) = sync_channel(1);
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        // Sending cannot fail: the thread ends only after this end is dropped.
        let _ = self.queue.send((place, Job::Flush(done)));
        wait
    }
}

/// The next job. While records keep coming, the writer polls instead of sleeping, so that deciding threads
/// need not wake it. Before it sleeps, it writes everything buffered.
fn next(jobs: &mut InOrder, part: &mut Part, room: &Room) -> Option<Job> {
    let mut looks = 0;
    loop {
        if part.takes_more() {
            match jobs.try_next() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) if looks == LOOKS && !room.is_short() => {
                    return jobs.next();
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

/// The JSON object of a record.
fn object(record: &Record) -> String {
    serde_json::to_string(record).unwrap_or_else(|error| {
        // Only a map whose keys are not strings could fail, and a record has none.
        format!("{{\"id\":\"{}\",\"error\":\"{error}\"}}", record.id)
    })
}

#[cfg(test)]
mod tests {
    use super::super::reader::Problem;
    use super::super::{Exec, Level, Proof, read, verify};
    use super::*;
    use std::sync::mpsc::TryRecvError;

    fn settings(folder: &std::path::Path, part_bytes: u64) -> Settings {
        let (session, labels) = ("abc".into(), vec![]);
        Settings { folder: folder.into(), part_bytes, session, labels, for_connections: 0 }
    }

    fn exec() -> What {
        What::Exec(Box::<Exec>::default())
    }

    /// The reasons of the records, read back from the files.
    fn reasons(folder: &std::path::Path) -> Vec<String> {
        let lines = read(folder).expect("readable");
        lines.into_iter().map(|line| line.record.expect("a record").reason).collect()
    }

    fn write(settings: &Settings, records: usize) {
        let audit = Audit::start(settings.clone()).expect("starts");
        for number in 0..records {
            let what = if number + 1 == records { What::End } else { exec() };
            audit.record(Entry::new(what, Level::Proven, Proof::Ticket, number.to_string()));
        }
        audit.flush().recv().expect("the writer answers");
    }

    #[test]
    fn records_come_back_in_order_and_the_chain_holds_over_parts() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = dir.path().join("audit");
        write(&settings(&folder, 2000), 100);
        assert_eq!(reasons(&folder), (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(std::fs::read_dir(&folder).expect("folder").count() > 5);
        assert_eq!(verify(&folder).expect("readable"), vec![]);
    }

    #[test]
    fn room_is_kept_for_all_connections_that_may_be_on_their_way() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut settings = settings(dir.path(), 1 << 30);
        settings.labels = vec![("task".into(), "a \"quoted\" one".into())];
        let entry = || Entry {
            pid: Some(i32::MAX),
            ..Entry::new(exec(), Level::Proven, Proof::InKernel, "why \u{1}")
        };
        settings.keep_room_for(10, std::iter::once(entry()));
        let kept = settings.for_connections;
        let audit = Audit::start(settings).expect("starts");
        // The first record does not count: its number may be shorter.
        (0..10 + QUEUE).for_each(|_| audit.record(entry()));
        audit.flush().recv().expect("the writer answers");
        let written = std::fs::metadata(dir.path().join("abc.0001.jsonl")).expect("there").len();
        assert!(written <= kept, "{written} {kept}");
        // The reserve exceeds the need only by digits of numbers, at most 20 each.
        assert!(kept - written <= (40 * (10 + QUEUE)) as u64, "{written} {kept}");
    }

    #[test]
    fn records_stand_where_their_places_were_claimed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let settings = settings(dir.path(), 1 << 20);
        let audit = Audit::start(settings).expect("starts");
        let entry = |text: &str| Entry::new(exec(), Level::Proven, Proof::Ticket, text);
        let (first, given_up, third) = (audit.place(), audit.place(), audit.place());
        audit.record(entry("fourth"));
        audit.record_at(third, entry("third"));
        let flushed = audit.flush();
        assert_eq!(flushed.try_recv(), Err(TryRecvError::Empty), "two places before it are open");
        audit.record_at(first, entry("first"));
        drop(given_up);
        flushed.recv().expect("the writer answers");
        audit.record(Entry::new(What::End, Level::Proven, Proof::None, "end"));
        audit.flush().recv().expect("the writer answers");
        assert_eq!(reasons(dir.path()), ["first", "third", "fourth", "end"]);
        assert_eq!(verify(dir.path()).expect("readable"), vec![]);
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
