//! Who is guarded: membership passes from parent to child at fork and ends with the last thread, so
//! that leaving the cgroup, the session or the namespace does not leave the guard.

use aya_ebpf::{
    helpers::bpf_send_signal,
    macros::{btf_tracepoint, map},
    maps::Array,
    programs::BtfTracePointContext,
};
use claw_common::{
    event::kind,
    lineage::{self, PAGES, Page, SEALED, place},
};

use crate::{
    events::{self, NOW},
    exec,
    layout::{SIGNAL_LIVE, TASK_PID, TASK_SIGNAL, TASK_TGID, field},
};

/// Guarded processes by thread group id in the initial pid namespace. It has room for every number there can
/// be, and takes none later.
#[map]
static GUARDED: Array<Page> = Array::with_max_entries(PAGES, 0);

const SIGKILL: u32 = 9;

/// Whether the process `tgid` is guarded.
#[inline(always)]
pub(crate) fn guarded(tgid: u32) -> bool {
    state(tgid) & lineage::GUARDED != 0
}

/// Whether other guarded processes are kept from the memory of the process `tgid`.
#[inline(always)]
pub(crate) fn sealed(tgid: u32) -> bool {
    state(tgid) & SEALED != 0
}

/// Keeps other guarded processes from the memory of the guarded process `tgid`, the caller, or no longer.
#[inline(always)]
pub(crate) fn seal(tgid: u32, sealed: bool) {
    mark(tgid, if sealed { lineage::GUARDED | SEALED } else { lineage::GUARDED });
}

#[inline(always)]
fn state(tgid: u32) -> u8 {
    // SAFETY: the byte is in the map, which lives as long as the program. Others write it whole.
    byte(tgid).map_or(0, |byte| unsafe { byte.read_volatile() })
}

/// Sets the byte of the process `tgid`. `false` for a number that no process can have.
#[inline(always)]
fn mark(tgid: u32, state: u8) -> bool {
    let byte = byte(tgid);
    if let Some(byte) = byte {
        // SAFETY: as in `state`.
        unsafe { byte.write_volatile(state) };
    }
    byte.is_some()
}

/// The byte of the process `tgid`.
#[inline(always)]
fn byte(tgid: u32) -> Option<*mut u8> {
    let (page, at) = place(tgid);
    // SAFETY: `at` is within the page.
    GUARDED.get_ptr_mut(page).map(|page| unsafe { page.cast::<u8>().add(at) })
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
    if !to.is_some_and(|to| mark(to, lineage::GUARDED)) {
        // No kernel does this. The child is not running yet and its parent is the current task, which may
        // not go on with an unguarded child; the child's own exec is still held by seccomp.
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
        mark(tgid, 0);
    }
    0
}
