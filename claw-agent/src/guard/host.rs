//! The host: what this process has once, however many sessions it guards.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aya::maps::MapError;
use claw_common::lineage::MAX_SESSION;
use claw_common::session::slot;
use rustix::io::Errno;
use thiserror::Error;

use super::crew::Crew;
use super::own::OwnProcesses;
use super::session::Session;
use super::waits::Waits;
use crate::decode::Decoder;
use crate::kernel::{KernelSide, Refused};

/// What all sessions share.
pub(crate) struct Host {
    /// The programs in the kernel and their maps, attached once; nothing at the level `held`.
    pub(crate) kernel: Option<Arc<KernelSide>>,
    /// Worker threads for work that waits.
    pub(crate) crew: Arc<Crew>,
    /// Slow connections that are being made on behalf of tracees.
    pub(crate) waits: Arc<Waits>,
    /// What decoding remembers, including the tools installed on this machine.
    pub(crate) decoder: Decoder,
    /// claw's own processes.
    pub(crate) own_processes: OwnProcesses,
    sessions: Mutex<Sessions>,
}

/// The sessions under guard.
#[derive(Default)]
struct Sessions {
    /// The number that was given last.
    last: u32,
    live: BTreeMap<u32, Arc<Session>>,
}

/// Why a session cannot be guarded, or cannot change its policy.
#[derive(Debug, Error)]
pub(crate) enum Unguarded {
    /// The kernel side has room for no more.
    #[error("the kernel side has no room for another session; it was loaded for {0}")]
    Full(u32),
    /// The tools could not be looked at.
    #[error("cannot look at the tools that are installed: {0}")]
    Tools(Errno),
    /// The kernel side refuses the policy's connect rules.
    #[error(transparent)]
    Rules(#[from] Refused),
    /// The new policy needs a different seccomp filter, and the filter of a running session cannot be
    /// changed.
    #[error("a running session cannot go by this policy: it has {0}; start a new session with it")]
    Fixed(&'static str),
}

impl Host {
    /// A host without sessions. No guarded process will be able to act on claw's `own_processes`.
    ///
    /// # Errors
    /// What this process lacks, or the kernel side.
    pub(crate) fn new(
        kernel: Option<Arc<KernelSide>>,
        own_processes: OwnProcesses,
    ) -> Result<Arc<Self>, HostError> {
        if let Some(kernel) = &kernel {
            for process in own_processes.all() {
                kernel.protect(process)?;
            }
        }
        Ok(Arc::new(Self {
            kernel,
            crew: Arc::default(),
            waits: Arc::default(),
            decoder: Decoder::new().map_err(HostError::Tools)?,
            own_processes,
            sessions: Mutex::default(),
        }))
    }

    /// Adds a session under a number that no other session has; `make` gets that number.
    ///
    /// # Errors
    /// [`Unguarded`]; no session was added then.
    pub(super) fn admit(
        &self,
        make: impl FnOnce(u32) -> Result<Session, Unguarded>,
    ) -> Result<Arc<Session>, Unguarded> {
        // Without a kernel side there are no arrays, so numbers cannot collide in them.
        let room = self.kernel.as_ref().map_or(1 << (u32::BITS - 1), |kernel| kernel.room());
        let mut sessions = self.lock();
        let live: Vec<u32> = sessions.live.keys().copied().collect();
        let number = free(sessions.last, &live, room).ok_or(Unguarded::Full(room))?;
        let session = Arc::new(make(number)?);
        sessions.last = number;
        sessions.live.insert(number, Arc::clone(&session));
        Ok(session)
    }

    /// Removes a session that has no process left.
    pub(crate) fn dismiss(&self, session: &Session) {
        self.lock().live.remove(&session.number());
        if let Some(kernel) = &self.kernel {
            kernel.forget(session.number());
        }
    }

    /// The session of this number.
    pub(crate) fn session(&self, number: u32) -> Option<Arc<Session>> {
        self.lock().live.get(&number).cloned()
    }

    /// All sessions.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        self.lock().live.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next number after `last` whose slot in the kernel's arrays of `room` entries is used by none of
/// `live`.
fn free(last: u32, live: &[u32], room: u32) -> Option<u32> {
    let after = |number: u32| Some(if number < MAX_SESSION { number + 1 } else { 1 });
    let is_taken = |number: &u32| live.iter().any(|live| slot(*live, room) == slot(*number, room));
    // Consecutive numbers have different slots. Numbering skips one number where it wraps around.
    let tried = std::iter::successors(after(last), |number| after(*number)).take(live.len() + 2);
    tried.into_iter().find(|number| !is_taken(number))
}

/// Why the host cannot be set up.
#[derive(Debug, Error)]
pub(crate) enum HostError {
    /// The tools could not be looked at.
    #[error("cannot look at the tools that are installed: {0}")]
    Tools(Errno),
    /// The kernel side does not protect claw's own processes.
    #[error("cannot protect claw's own processes: {0}")]
    Protect(#[from] MapError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_live_sessions_share_a_place_in_the_kernel() {
        assert_eq!(free(0, &[], 1), Some(1));
        assert_eq!(free(1, &[], 1), Some(2));
        assert_eq!(free(1, &[1], 1), None);
        assert_eq!(free(3, &[1, 2, 3], 4), Some(4));
        assert_eq!(free(4, &[1, 3, 4], 4), Some(6));
        assert_eq!(free(4, &[1, 2, 3, 4], 4), None);
        assert_eq!(free(MAX_SESSION, &[], 4), Some(1));
        assert_eq!(free(MAX_SESSION, &[1], 4), Some(2));
    }
}
