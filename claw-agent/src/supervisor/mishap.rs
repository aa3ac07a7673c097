//! Calls that cannot be judged, for no fault of theirs: the supervisor lacks descriptors, memory or a
//! thread, or has a mistake in it. Each is refused and recorded, and the next one is served.

use std::panic::{AssertUnwindSafe, catch_unwind};

use claw_policy::Verdict;
use rustix::io::Errno;

use crate::apply::Proof;
use crate::decode;
use crate::intercept::{Asked, Notification};
use crate::record::{Connect, Entry, What};
use crate::session::Guard;
use crate::sys::seccomp::Answer;

/// What a caller is told of a shortage: not its own, and over in a moment.
const LATER: i32 = libc::EAGAIN;

/// Answers a call that could not be looked at. Where that is a shortage of the supervisor's it is recorded;
/// any other errno is what the kernel would have said.
pub(crate) fn fail(guard: &Guard, notification: &Notification, errno: Errno) {
    if decode::is_shortage(errno) {
        put_off(guard, notification, &format!("descriptors or memory ({errno})"));
    } else {
        notification.answer(Answer::Errno(errno.raw_os_error()));
    }
}

/// Refuses a call for want of `what`, and records it.
pub(crate) fn put_off(guard: &Guard, notification: &Notification, what: &str) {
    record(guard, notification, format!("claw itself lacks {what} for it"));
    notification.answer(Answer::Errno(LATER));
}

/// Refuses a call that could not be recorded. It is counted instead.
pub(crate) fn turn_away(guard: &Guard, notification: &Notification) {
    notification.answer(Answer::Errno(LATER));
    guard.audit.refuse();
}

/// Does `work` for a held call. Should that panic, the call fails and nobody else's waits for it.
pub(crate) fn contain(guard: &Guard, notification: &Notification, work: impl FnOnce()) {
    // What the work shares with others is behind locks that outlive a panic, or is never half changed.
    let Err(panic) = catch_unwind(AssertUnwindSafe(work)) else { return };
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(said, "claw panicked over a call");
    record(guard, notification, format!("claw failed over it: {said}"));
    // It may have been answered before the panic; an exec at its stop was ended by then.
    notification.answer(Answer::Errno(libc::EPERM));
}

/// Records a refusal, before it is answered: what the caller does next stands behind it.
fn record(guard: &Guard, notification: &Notification, reason: String) {
    let what = match notification.asked {
        Asked::Exec(_) => What::Exec(Box::default()),
        Asked::Socket(_) => What::Connect(Connect::default()),
        Asked::Reach(_) => What::Tamper,
    };
    guard.audit.record_refusal(Entry {
        verdict: Some(Verdict::Deny),
        pid: Some(decode::process(notification.tid).as_raw_nonzero().get()),
        uid: decode::uid(notification.tid),
        ..Entry::new(what, guard.level, Proof::Answered, reason)
    });
}
