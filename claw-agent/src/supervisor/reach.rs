//! The walk of one held call that acts on another process: find the target, check whether it is one of claw's
//! own processes, answer the call, and record it if it was.
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
        // TOCTOU: the target is in a register, which no other thread can change. A number that belonged to
        // another process a moment ago cannot belong to a thread of claw's now, because the kernel reuses a
        // number only after all the others.
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
