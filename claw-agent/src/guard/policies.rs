//! The policy of a session, which is replaced whole: each is a generation of its own, and a call goes by one
//! of them from its beginning to its end.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use claw_policy::Policy;

use crate::decode::Tools;

/// How many replaced generations are remembered: an event of the kernel side's may be about one that was
/// replaced while the event lay in the ring, which is a fraction of a second.
const REMEMBERED: usize = 8;

/// One policy that a session goes by, or went by.
#[derive(Debug)]
pub(crate) struct Generation {
    /// Which one it is, from 1; the kernel side's events name it.
    pub(crate) number: u32,
    /// The policy.
    pub(crate) policy: Policy,
    /// The tools it speaks of.
    pub(crate) tools: Tools,
}

/// The generations of a session's policy.
#[derive(Debug)]
pub(super) struct Policies {
    kept: RwLock<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// The one that holds.
    current: Arc<Generation>,
    /// What held before, the oldest first.
    past: VecDeque<Arc<Generation>>,
}

impl Policies {
    /// A session's first policy.
    pub(super) fn new(first: Generation) -> Self {
        Self { kept: RwLock::new(Kept { current: Arc::new(first), past: VecDeque::new() }) }
    }

    /// The generation that holds: a call takes it once, and goes by it to its end.
    pub(super) fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.kept.read().unwrap_or_else(PoisonError::into_inner).current)
    }

    /// The generation of this number, if it holds or was replaced not long ago.
    pub(super) fn at(&self, number: u32) -> Option<Arc<Generation>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = kept.past.iter().chain([&kept.current]);
        all.find(|generation| generation.number == number).cloned()
    }

    /// Has what `make` gives hold from now on; it is told the number of the new generation and sees what it
    /// replaces. Nobody asks for a generation meanwhile, so none that the kernel side names is unknown.
    ///
    /// # Errors
    /// As `make`; what held before does so still.
    pub(super) fn replace<E>(
        &self,
        make: impl FnOnce(u32, &Generation) -> Result<Generation, E>,
    ) -> Result<(), E> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let next = Arc::new(make(kept.current.number.wrapping_add(1), &kept.current)?);
        let past = std::mem::replace(&mut kept.current, next);
        kept.past.push_back(past);
        if kept.past.len() > REMEMBERED {
            kept.past.pop_front();
        }
        Ok(())
    }
}
