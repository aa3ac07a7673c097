//! Places in the order of records, and jobs in the order of their places.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

use jiff::Timestamp;

use super::Job;
use crate::record::Entry;

/// A place in the order of records. It is taken, or given up when dropped: nobody behind it waits for ever.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    time: Timestamp,
    queue: SyncSender<(u64, Job)>,
    taken: bool,
}

impl Place {
    pub(super) fn new(number: u64, queue: SyncSender<(u64, Job)>) -> Self {
        Self { number, time: Timestamp::now(), queue, taken: false }
    }

    /// Queues the entry that stands here. Waits while the queue is full.
    pub(super) fn take(mut self, entry: Entry) {
        self.taken = true;
        let job = Job::Write(self.time, Box::new(entry));
        if self.queue.send((self.number, job)).is_err() {
            // The thread ends only after this end is dropped: nothing can be recorded any more, and nothing
            // may be let through.
            tracing::error!("the audit thread is gone; ending the session");
            std::process::abort();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.taken {
            // Without the thread nothing waits for it.
            let _ = self.queue.send((self.number, Job::Pass));
        }
    }
}

/// The queue's other end: gives each job when those at all places before it were given.
pub(super) struct InOrder {
    queue: Receiver<(u64, Job)>,
    /// What came before its turn.
    early: BTreeMap<u64, Job>,
    /// The place whose turn it is.
    turn: u64,
}

impl InOrder {
    pub(super) fn of(queue: Receiver<(u64, Job)>) -> Self {
        Self { queue, early: BTreeMap::new(), turn: 0 }
    }

    /// The next job, if it is there.
    ///
    /// # Errors
    /// As [`Receiver::try_recv`].
    pub(super) fn try_next(&mut self) -> Result<Job, TryRecvError> {
        loop {
            if let Some(job) = self.due() {
                return Ok(job);
            }
            let (number, job) = self.queue.try_recv()?;
            self.early.insert(number, job);
        }
    }

    /// Waits for the next job; nothing once there will be none.
    pub(super) fn next(&mut self) -> Option<Job> {
        loop {
            if let Some(job) = self.due() {
                return Some(job);
            }
            let (number, job) = self.queue.recv().ok()?;
            self.early.insert(number, job);
        }
    }

    fn due(&mut self) -> Option<Job> {
        let job = self.early.remove(&self.turn)?;
        self.turn += 1;
        Some(job)
    }
}
