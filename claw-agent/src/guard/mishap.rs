//! Calls that cannot be judged, for no fault of theirs: the supervisor lacks descriptors, memory or a
//! thread, or has a mistake in it. Each is refused and recorded, and the next one is served.

use std::panic::{AssertUnwindSafe, catch_unwind};

use claw_policy::Verdict;
use rustix::io::Errno;

use super::Session;
use crate::decode;
use crate::intercept::{Asked, Notification};
use crate::record::{Kind, Proof, Record};
use crate::sys::seccomp::Answer;

/// What a caller is told of a shortage: not its own, and over in a moment.
const LATER: i32 = libc::EAGAIN;

/// Answers a call that could not be looked at. Where that is a shortage of the supervisor's it is recorded;
/// any other errno is what the kernel would have said.
pub(crate) fn fail(session: &Session, notification: &Notification, errno: Errno) {
    if decode::is_shortage(errno) {
        put_off(session, notification, &format!("descriptors or memory ({errno})"));
    } else {
        notification.answer(Answer::Errno(errno.raw_os_error()));
    }
}

/// Refuses a call for want of `what`, and records it.
pub(crate) fn put_off(session: &Session, notification: &Notification, what: &str) {
    record(session, notification, format!("claw itself lacks {what} for it"));
    notification.answer(Answer::Errno(LATER));
}

/// Refuses a call that could not be recorded. It is counted instead.
pub(crate) fn turn_away(session: &Session, notification: &Notification) {
    notification.answer(Answer::Errno(LATER));
    session.audit.refuse();
}

/// Does `work` for a held call. Should that panic, the call fails and nobody else's waits for it.
pub(crate) fn contain(session: &Session, notification: &Notification, work: impl FnOnce()) {
    // What the work shares with others is behind locks that outlive a panic, or is never half changed.
    let Err(panic) = catch_unwind(AssertUnwindSafe(work)) else { return };
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(said, "claw panicked over a call");
    record(session, notification, format!("claw failed over it: {said}"));
    // It may have been answered before the panic; an exec at its stop was ended by then.
    notification.answer(Answer::Errno(libc::EPERM));
}

/// Records a refusal, before it is answered: what the caller does next stands behind it.
fn record(session: &Session, notification: &Notification, reason: String) {
    let kind = match notification.asked {
        Asked::Exec(_) => Kind::Exec,
        Asked::Socket(_) => Kind::Connect,
        Asked::Reach(_) => Kind::Tamper,
    };
    session.audit.record_refusal(Record {
        verdict: Some(Verdict::Deny),
        pid: Some(decode::process(notification.tid).as_raw_nonzero().get()),
        uid: decode::uid(notification.tid),
        ..Record::new(kind, session.level, Proof::Answered, reason)
    });
}
