//! The one way in which a held call is refused, and its one order: first what is owed to the audit, then the
//! answer. So what the caller does next is recorded behind it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use claw_policy::Verdict;
use rustix::io::Errno;

use super::Session;
use crate::decode;
use crate::intercept::{Notification, Request};
use crate::record::{Connect, Entry, Proof, What};
use crate::sys::seccomp::Answer;

/// What a caller is told of a shortage: not its own, and over in a moment.
const LATER: i32 = libc::EAGAIN;

/// Why a held call is refused.
pub(crate) enum Refusal {
    /// The kernel itself would have said this. Nothing would have run, and nothing is recorded.
    AsKernel(Errno),
    /// It was judged; the record says what came of it.
    Judged {
        /// What the caller is told.
        errno: i32,
        /// What is recorded.
        entry: Box<Entry>,
    },
    /// claw itself lacks this for it: descriptors, memory, a thread.
    Shortage(String),
    /// The audit has no room for its record. It is counted instead.
    Unrecorded,
    /// claw has a mistake in it, and panicked with this message.
    Panicked(String),
}

impl From<Errno> for Refusal {
    /// An errno that says nothing of the call and something of the supervisor is a shortage.
    fn from(errno: Errno) -> Self {
        if decode::is_shortage(errno) {
            Self::Shortage(format!("descriptors or memory ({errno})"))
        } else {
            Self::AsKernel(errno)
        }
    }
}

impl Session {
    /// Refuses a held call.
    pub(crate) fn refuse(&self, notification: &Notification, refusal: Refusal) {
        let errno = self.account_for(notification, refusal);
        // The caller may be gone.
        notification.answer(Answer::Errno(errno));
    }

    /// Gives the audit what a refusal owes it, and the errno that the caller is told then.
    pub(crate) fn account_for(&self, notification: &Notification, refusal: Refusal) -> i32 {
        let unjudged = |reason: String| self.unjudged(notification, reason);
        let (entry, errno) = match refusal {
            Refusal::AsKernel(errno) => return errno.raw_os_error(),
            Refusal::Unrecorded => {
                self.audit.refuse();
                return LATER;
            }
            Refusal::Judged { errno, entry } => (*entry, errno),
            Refusal::Shortage(what) => {
                (unjudged(format!("claw itself lacks {what} for it")), LATER)
            }
            Refusal::Panicked(said) => {
                (unjudged(format!("claw failed over it: {said}")), libc::EPERM)
            }
        };
        self.audit.record_refusal(entry);
        errno
    }

    /// Does `work` for a held call. Should that panic, the call fails and nobody else's waits for it.
    pub(crate) fn contain(&self, notification: &Notification, work: impl FnOnce()) {
        // What the work shares with others is behind locks that outlive a panic, or is never half changed.
        let Err(panic) = catch_unwind(AssertUnwindSafe(work)) else { return };
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        tracing::error!(said, "claw panicked over a call");
        // It may have been answered before the panic; an exec at its stop was ended by then.
        self.refuse(notification, Refusal::Panicked(said.to_owned()));
    }

    /// What is recorded of a call that could not be judged, for no fault of its caller's.
    fn unjudged(&self, notification: &Notification, reason: String) -> Entry {
        let what = match notification.request {
            Request::Exec(_) => What::Exec(Box::default()),
            Request::Socket(_) => What::Connect(Connect::default()),
            Request::Reach(_) => What::Tamper,
        };
        Entry {
            verdict: Some(Verdict::Deny),
            pid: Some(decode::process(notification.tid).as_raw_nonzero().get()),
            uid: decode::uid(notification.tid),
            ..Entry::new(what, self.level, Proof::Answered, reason)
        }
    }
}
