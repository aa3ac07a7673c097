//! Who is guarded: membership passes from parent to child at fork and ends with the last thread, so
//! that leaving the cgroup, the session or the namespace does not leave the guard.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    helpers::bpf_send_signal,
    macros::{btf_tracepoint, map},
    maps::HashMap,
    programs::BtfTracePointContext,
};
use claw_common::event::kind;

use crate::{
    events::{self, NOW},
    exec,
    layout::{SIGNAL_LIVE, TASK_PID, TASK_SIGNAL, TASK_TGID, field},
    lsm,
};

/// Guarded processes by thread group id in the initial pid namespace. The loader sets the size to
/// the kernel's `pid_max`, so that the map cannot be full.
#[map]
static GUARDED: HashMap<u32, u32> = HashMap::with_max_entries(1, BPF_F_NO_PREALLOC);

const SIGKILL: u32 = 9;

/// Whether the process `tgid` is guarded.
#[inline(always)]
pub(crate) fn guarded(tgid: u32) -> bool {
    // SAFETY: only whether there is an entry is looked at, never the value it points to.
    unsafe { GUARDED.get(tgid) }.is_some()
}

/// Ends the calling process. It runs no further instruction in user mode.
#[inline(always)]
pub(crate) fn kill_current() {
    // SAFETY: the helper acts on the current task, which every caller runs in.
    unsafe { bpf_send_signal(SIGKILL) };
}

/// `TP_PROTO(struct task_struct *parent, struct task_struct *child)`, include/trace/events/sched.h.
#[btf_tracepoint(function = "sched_process_fork")]
fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    let (parent, child): (u64, u64) = (ctx.arg(0), ctx.arg(1));
    let Some(from) = field::<u32>(parent, &TASK_TGID) else { return 0 };
    if !guarded(from) {
        return 0;
    }
    let to = field::<u32>(child, &TASK_TGID);
    if to == Some(from) {
        return 0;
    }
    if to.is_none_or(|to| GUARDED.insert(to, 0, 0).is_err()) {
        // Out of memory. The child is not running yet and its parent is the current task: neither
        // may go on with an unguarded child, and the child's own exec is still held by seccomp.
        kill_current();
        events::report(&events::event(kind::LINEAGE_LOST), NOW);
    }
    0
}

/// `TP_PROTO(struct task_struct *p, …)`. A process is gone when its last thread is: the leader may
/// end first and leave threads behind.
#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    let task: u64 = ctx.arg(0);
    let Some(tgid) = field::<u32>(task, &TASK_TGID) else { return 0 };
    if !guarded(tgid) {
        return 0;
    }
    if let Some(tid) = field::<u32>(task, &TASK_PID) {
        exec::forget(tid);
    }
    let live =
        field::<u64>(task, &TASK_SIGNAL).and_then(|signal| field::<u32>(signal, &SIGNAL_LIVE));
    if live == Some(0) {
        // It may be gone already: both sides remove.
        let _ = GUARDED.remove(tgid);
        lsm::unseal(tgid);
    }
    0
}
