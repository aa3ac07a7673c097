//! Places in the order of records, and jobs in the order of their places.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

use jiff::Timestamp;

use super::Job;
use crate::record::Entry;

/// A place in the order of records. Dropping it gives it up, so that later records do not wait for ever.
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

    /// Queues the entry of this place. Waits while the queue is full.
    pub(super) fn take(mut self, entry: Entry) {
        self.taken = true;
        let job = Job::Write(self.time, Box::new(entry));
        if self.queue.send((self.number, job)).is_err() {
            // The writer ends only after this end is dropped, so it has crashed. Nothing can be recorded, so
            // nothing may be let through.
            tracing::error!("the audit thread is gone; ending the session");
            std::process::abort();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.taken {
            // If the writer is gone, no record waits for this place.
            let _ = self.queue.send((self.number, Job::Pass));
        }
    }
}

/// The receiving end of the queue: returns the jobs in the order of their places.
pub(super) struct InOrder {
    queue: Receiver<(u64, Job)>,
    /// Jobs that arrived before their turn.
    early: BTreeMap<u64, Job>,
    /// The place whose turn it is.
    turn: u64,
}

impl InOrder {
    pub(super) fn of(queue: Receiver<(u64, Job)>) -> Self {
        Self { queue, early: BTreeMap::new(), turn: 0 }
    }

    /// The next job in order, if it has arrived.
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

    /// Waits for the next job in order; `None` once there will be no more.
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
