//! The walk of one held call that reaches for another process: whom it means, whether that is claw
//! itself, the answer, and a record where it was.
//!
//! No policy decides here: no guarded process may signal, limit, reprioritise or open claw's own
//! processes ([`crate::guard::own`]).

use claw_policy::Verdict;

use crate::decode;
use crate::guard::own::Ruling;
use crate::guard::{Held, Received, Refusal};
use crate::intercept::Reach;
use crate::record::{Entry, Proof, What};
use crate::sys::seccomp::Answer;

/// Judges a held call that reaches for another process, and answers it.
pub(super) fn walk(held: Held<Received>, reach: Reach) {
    let reached = match held.session.host.own_processes.rule(&held.notification, reach.target) {
        // TOCTOU: whom the call means is in a register. A number that was somebody else's a moment ago
        // cannot be one of claw's threads now: numbers come round only after all the others.
        Ruling::Run => return held.answer(Answer::Continue),
        Ruling::Answer(answer) => return held.answer(answer),
        Ruling::Refuse(whom) => whom,
    };
    let tid = held.notification.tid;
    let reason = format!("`{}` would have reached {reached}", reach.name);
    let entry = Entry {
        verdict: Some(Verdict::Deny),
        pid: Some(tid.as_raw_nonzero().get()),
        uid: decode::uid(tid),
        ..Entry::new(What::Tamper, held.session.level, Proof::Answered, reason)
    };
    held.refuse(Refusal::Judged { errno: libc::EPERM, entry: Box::new(entry) });
}
