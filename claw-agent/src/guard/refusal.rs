//! The one way to refuse a held call, in one order: first the record, then the answer. So whatever the caller
//! does next is recorded after it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use claw_policy::Verdict;
use rustix::io::Errno;

use super::Session;
use crate::decode;
use crate::intercept::{Notification, Request};
use crate::record::{Connect, Entry, Proof, What};
use crate::sys::seccomp::Answer;

/// The errno for a shortage: the caller did not cause it, and may try again.
const LATER: i32 = libc::EAGAIN;

/// Why a held call is refused.
pub(crate) enum Refusal {
    /// The kernel would have returned this errno too. Nothing would have run, and nothing is recorded.
    AsKernel(Errno),
    /// The call was judged, and this is its record.
    Judged {
        /// The errno that the caller gets.
        errno: i32,
        /// The record.
        entry: Box<Entry>,
    },
    /// claw itself lacks this resource: descriptors, memory, a thread.
    Shortage(String),
    /// The audit has no room for its record, so the call is only counted.
    Unrecorded,
    /// A bug: claw panicked with this message.
    Panicked(String),
}

impl From<Errno> for Refusal {
    /// Turns an errno that is about the supervisor, not about the call, into a shortage.
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

    /// Records or counts a refusal. Returns the errno for the caller.
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

    /// Does `work` for a held call. If it panics, this call is refused and the receiver lives on for others.
    pub(crate) fn contain(&self, notification: &Notification, work: impl FnOnce()) {
        // Shared state is behind locks whose poison is ignored, or is never left half changed.
        let Err(panic) = catch_unwind(AssertUnwindSafe(work)) else { return };
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        tracing::error!(said, "claw panicked over a call");
        // The call may have been answered before the panic. An exec at its stop was killed while unwinding.
        self.refuse(notification, Refusal::Panicked(said.to_owned()));
    }

    /// The entry for a call that claw could not judge through a fault of its own.
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
