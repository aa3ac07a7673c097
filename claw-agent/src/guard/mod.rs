//! What guards: everything the supervisor's threads share.

pub(crate) mod crew;
pub(crate) mod mishap;
pub(crate) mod own;
pub(crate) mod waits;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use claw_policy::Policy;
use rustix::process::Pid;

use crate::decode::Decoder;
use crate::kernel::{KernelSide, Tickets};
use crate::record::{Audit, Level};
use crew::Crew;
use own::Own;
use waits::Waits;

/// Everything the supervisor's threads share.
pub(crate) struct Guard {
    /// The policy.
    pub(crate) policy: Policy,
    /// The programs in the kernel and their maps; nothing at the level `held`.
    pub(crate) kernel: Option<Arc<KernelSide>>,
    /// Threads for what has to wait.
    pub(crate) crew: Arc<Crew>,
    /// Connections on behalf that take their time.
    pub(crate) waits: Arc<Waits>,
    /// What decoding remembers.
    pub(crate) decoder: Decoder,
    /// Where records go.
    pub(crate) audit: Audit,
    /// The level of this session.
    pub(crate) level: Level,
    /// Who decides where sockets lead.
    pub(crate) sockets: Sockets,
    /// Whom nobody guarded may reach for.
    pub(crate) own: Own,
    /// How many calls are between their notification and their record.
    pub(crate) calls: Arc<AtomicUsize>,
    /// The command's process.
    pub(crate) command: Pid,
    /// The command's wait status, where a thread that traced it saw it end.
    pub(crate) ended: OnceLock<i32>,
}

/// Who decides where the sockets of guarded processes lead. In observe mode nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sockets {
    /// The kernel side, and nobody for Unix sockets, of which the policy does not speak.
    InKernel,
    /// The kernel side, which refuses what names a Unix socket: the supervisor makes those calls.
    UnixOnBehalf,
    /// The supervisor, which makes every call that may name an address.
    OnBehalf,
}

impl Sockets {
    /// For this policy, with this kernel side or none.
    pub(crate) fn of(policy: &Policy, kernel: Option<&KernelSide>) -> Self {
        match kernel {
            Some(_) if !policy.speaks_of_unix() => Self::InKernel,
            Some(kernel) if kernel.refuses_unix() => Self::UnixOnBehalf,
            _ => Self::OnBehalf,
        }
    }
}

/// A call between its notification and its record: one of those that [`Guard::is_busy`] counts.
pub(crate) struct InFlight {
    calls: Arc<AtomicUsize>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.calls.fetch_sub(1, Ordering::Release);
    }
}

impl Guard {
    /// Counts a call until what this returns is dropped.
    pub(crate) fn in_flight(&self) -> InFlight {
        self.calls.fetch_add(1, Ordering::Relaxed);
        InFlight { calls: Arc::clone(&self.calls) }
    }

    /// Whether any call is not recorded yet. A process that is gone has had its last call counted
    /// before it was answered, so look for processes first.
    pub(crate) fn is_busy(&self) -> bool {
        self.calls.load(Ordering::Acquire) > 0
    }

    /// What the kernel proof compares with, where there is one.
    pub(crate) fn tickets(&self) -> Option<&Tickets> {
        self.kernel.as_ref().map(|kernel| &kernel.tickets)
    }

    /// Notes how a process ended that a thread here traced: if it is the command, the kernel tells
    /// nobody else.
    pub(crate) fn saw_end_of(&self, process: Pid, status: i32) {
        if process == self.command {
            // The first one is the only one.
            let _ = self.ended.set(status);
        }
    }
}
