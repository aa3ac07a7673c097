//! The walk of one held call that reaches for another process: whom it means, whether that is claw
//! itself, the answer, and a record where it was.
//!
//! No policy decides here: no guarded process may signal, limit, reprioritise or open claw's own
//! processes ([`crate::guard::own`]).

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::guard::Session;
use crate::guard::own::Ruling;
use crate::intercept::{Notification, Reach};
use crate::record::{Kind, Proof, Record};
use crate::sys::seccomp::Answer;

/// Judges a held call that reaches for another process, and answers it.
pub(super) fn walk(session: &Session, notification: &Notification, reach: Reach) {
    let in_flight = session.in_flight();
    let refused = match session.host.own.rule(notification, reach.target) {
        // TOCTOU: whom the call means is in a register. A number that was somebody else's a moment ago
        // cannot be one of the guard's threads now: numbers come round only after all the others.
        Ruling::Run => {
            notification.answer(Answer::Continue);
            return;
        }
        Ruling::Answer(answer) => {
            notification.answer(answer);
            return;
        }
        Ruling::Refuse(whom) => whom,
    };
    let pid = notification.tid.as_raw_nonzero().get();
    let uid = fs::metadata(format!("/proc/{pid}")).ok().map(|directory| directory.uid());
    // Recorded first: what the caller does next stands behind it.
    session.audit.record_refusal(Record {
        verdict: Some(claw_policy::Verdict::Deny),
        pid: Some(pid),
        uid,
        ..Record::new(
            Kind::Tamper,
            session.level,
            Proof::Answered,
            format!("`{}` would have reached {refused}", reach.name),
        )
    });
    notification.answer(Answer::Errno(libc::EPERM));
    drop(in_flight);
}
