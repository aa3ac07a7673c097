//! Worker threads for work that waits: an exec stop, a slow connection.
//!
//! A receiver hands over work that would keep it from receiving. A worker that is done waits for more, so
//! that an exec seldom pays for a new thread. There is no upper limit, so a call that waits for a slow disk
//! or a distant host never delays another.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// How many idle workers are kept; others end when they are done.
const IDLE: usize = 16;

type Job = Box<dyn FnOnce() + Send>;

/// The threads that are idle.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    idle: Mutex<Vec<Sender<Job>>>,
}

impl Crew {
    /// Runs `work` on `item` on a worker thread.
    ///
    /// # Errors
    /// Returns the item, and why no thread could be started.
    pub(crate) fn hand_over<T: Send + 'static>(
        self: &Arc<Self>,
        item: T,
        work: impl FnOnce(T) + Send + 'static,
    ) -> Result<(), (T, io::Error)> {
        // The item must come back if no thread can be started.
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

    /// The loop of one worker.
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
