//! Threads for what has to wait: an exec stop, a connection that takes its time.
//!
//! A receiver hands over what would keep it from receiving. A thread that is done waits for the next
//! piece of work, so that the usual exec does not pay for a new one; what waits for a slow disk or a far
//! host never makes another call wait.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// How many threads wait for work at most; others end when they are done.
const IDLE: usize = 16;

type Job = Box<dyn FnOnce() + Send>;

/// The threads that are idle.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    idle: Mutex<Vec<Sender<Job>>>,
}

impl Crew {
    /// Has `work` done with `item` on another thread.
    ///
    /// # Errors
    /// The item back, and why there is no thread to be had.
    pub(crate) fn hand_over<T: Send + 'static>(
        self: &Arc<Self>,
        item: T,
        work: impl FnOnce(T) + Send + 'static,
    ) -> Result<(), (T, io::Error)> {
        // The item must come back if there is no thread.
        let slot = Arc::new(Mutex::new(Some(item)));
        let take =
            |slot: &Mutex<Option<T>>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let theirs = Arc::clone(&slot);
        let mut job: Job = Box::new(move || {
            if let Some(item) = take(&theirs) {
                work(item);
            }
        });
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(idle) = idle else { break };
            match idle.send(job) {
                Ok(()) => return Ok(()),
                // That thread ended with a panic.
                Err(unsent) => job = unsent.0,
            }
        }
        let (crew, (more, jobs)) = (Arc::clone(self), channel());
        let thread = std::thread::Builder::new().name("wait".into());
        match thread.spawn(move || crew.serve(job, &more, &jobs)) {
            Ok(_) => Ok(()),
            Err(error) => match take(&slot) {
                Some(item) => Err((item, error)),
                None => Ok(()),
            },
        }
    }

    /// What one thread does.
    fn serve(&self, first: Job, more: &Sender<Job>, jobs: &Receiver<Job>) {
        let mut job = first;
        loop {
            job();
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() >= IDLE {
                return;
            }
            idle.push(more.clone());
            drop(idle);
            job = match jobs.recv() {
                Ok(next) => next,
                Err(_) => return,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn what_waits_makes_nobody_else_wait() {
        let crew = Arc::new(Crew::default());
        // More at once than may be idle: none of them can end before all have begun.
        let all = Arc::new(Barrier::new(2 * IDLE + 1));
        for round in 0..3 {
            for _ in 0..2 * IDLE {
                let given = crew.hand_over(Arc::clone(&all), |all| {
                    all.wait();
                });
                assert!(given.is_ok(), "round {round}");
            }
            all.wait();
        }
    }
}
