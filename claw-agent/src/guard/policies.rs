//! The policy of a session. It is only ever replaced as a whole: each replacement is a new generation, and
//! one generation decides a call from beginning to end.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use claw_policy::Policy;

use crate::decode::Tools;

/// How many replaced generations are remembered: an event of the kernel side may name one that was replaced
/// while the event waited in the ring, a fraction of a second.
const REMEMBERED: usize = 8;

/// One policy of a session, in force or replaced.
#[derive(Debug)]
pub(crate) struct Generation {
    /// Which one it is, from 1; the kernel side's events name it.
    pub(crate) number: u32,
    /// The policy.
    pub(crate) policy: Policy,
    /// The tools that the policy names.
    pub(crate) tools: Tools,
}

/// The generations of a session's policy.
#[derive(Debug)]
pub(super) struct Policies {
    kept: RwLock<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// The generation in force.
    current: Arc<Generation>,
    /// Replaced generations, the oldest first.
    past: VecDeque<Arc<Generation>>,
}

impl Policies {
    /// A session's first policy.
    pub(super) fn new(first: Generation) -> Self {
        Self { kept: RwLock::new(Kept { current: Arc::new(first), past: VecDeque::new() }) }
    }

    /// The generation in force. A call takes it once and keeps it to its end.
    pub(super) fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.kept.read().unwrap_or_else(PoisonError::into_inner).current)
    }

    /// The generation with this number, if it is in force or was replaced recently.
    pub(super) fn at(&self, number: u32) -> Option<Arc<Generation>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = kept.past.iter().chain([&kept.current]);
        all.find(|generation| generation.number == number).cloned()
    }

    /// Puts in force what `make` returns, given the new generation's number and the generation that it
    /// replaces. The lock is held meanwhile, so a lookup of a generation that the kernel side names waits and
    /// finds it.
    ///
    /// # Errors
    /// As `make`; the old generation stays in force then.
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
