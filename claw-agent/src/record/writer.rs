//! The writer: a bounded queue, one thread, one chain a session, numbered parts.
//!
//! A decision that is not recorded is not carried out: a full queue makes the caller wait, and while the disk
//! takes no more, who decides finds [`Audit::is_short`] and refuses.
//!
//! Records stand in the order of their [`Place`]s. Who lets a process go on claims one before that, so that
//! what the process does next comes behind, whichever thread is first to queue its record.

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
    /// How many bytes on the disk are kept for connections that may be let through before anybody finds that it is
    /// full.
    pub(crate) for_connections: u64,
}

impl Settings {
    /// Keeps room for as many records like the longest of `entries` as may be on their way to the disk: `unread`
    /// that the kernel side reports, and those in the queue.
    pub(crate) fn keep_room_for(&mut self, unread: usize, entries: impl Iterator<Item = Entry>) {
        // Every number and the time have all their digits.
        let masker = Masker::new(Key::TO_MEASURE);
        let line = |entry| {
            let record = masker.record(self, u64::MAX, Timestamp::MAX, entry);
            chain::seal(&object(&record), chain::FIRST).0.len() + 1
        };
        let longest = entries.map(line).max().unwrap_or_default();
        self.for_connections = (longest * (unread + QUEUE)) as u64;
    }
}

/// The queue's entry; shared by every thread that decides.
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
    /// Nothing: the place was given up.
    Pass,
}

impl Audit {
    /// Opens the first part and starts the writing thread, which ends once the `Audit` is dropped and
    /// everything is written.
    ///
    /// # Errors
    /// What open(2) says about the folder or the file, and where the key of the digests is not fit for use.
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
                        // Who asked may have stopped waiting.
                        let _ = done.send(());
                    }
                    Job::Pass => {}
                }
            }
            part.settle();
        })?;
        Ok(Self { queue, next: AtomicU64::new(0), room })
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
    pub(crate) fn record_refusal(&self, entry: Entry) {
        if self.is_short() {
            self.refuse();
        } else {
            self.record(entry);
        }
    }

    /// Claims the next place in the order of records, and now as the time of what is recorded there. Everything
    /// behind waits for it, so claim one just before a process goes on and never before a wait.
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

    /// Before the next record that there is room for, the count of those there was none for.
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

    /// Has everything written to the disk that was recorded so far or has its place, and says so through what
    /// this returns.
    pub(crate) fn flush(&self) -> Receiver<()> {
        let (done, wait) = sync_channel(1);
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        // The thread ends only after this end is dropped.
        let _ = self.queue.send((place, Job::Flush(done)));
        wait
    }
}

/// The next job. While records keep coming it looks for them now and then instead of sleeping, so
/// that who decides need not wake anybody; before it does sleep, what is buffered is written.
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
        // Maps with other keys than strings are the only thing that fails, and there are none.
        format!("{{\"id\":\"{}\",\"error\":\"{error}\"}}", record.id)
    })
}

#[cfg(test)]
mod tests {
    use super::super::reader::Problem;
    use super::super::{Exec, Level, Proof, read, verify};
    use super::*;

    fn settings(folder: &std::path::Path, part_bytes: u64) -> Settings {
        let (session, labels) = ("abc".into(), vec![]);
        Settings { folder: folder.into(), part_bytes, session, labels, for_connections: 0 }
    }

    fn exec() -> What {
        What::Exec(Box::<Exec>::default())
    }

    /// The reasons of the records, each read back as what it is.
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
        // Without the first, which may be shorter: its number is.
        (0..10 + QUEUE).for_each(|_| audit.record(entry()));
        audit.flush().recv().expect("the writer answers");
        let written = std::fs::metadata(dir.path().join("abc.0001.jsonl")).expect("there").len();
        assert!(written <= kept, "{written} {kept}");
        // What is kept and not needed are the digits of the numbers, which are at most 20 each.
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
        assert!(flushed.try_recv().is_err(), "two places before it are open");
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
