//! Which processes are guarded, and in which session. A child inherits the guard at fork, and it ends with
//! the last thread, so a process that leaves the cgroup, the session or the namespace stays guarded.

use aya_ebpf::{
    helpers::bpf_send_signal,
    macros::{btf_tracepoint, map, raw_tracepoint},
    maps::Array,
    programs::{BtfTracePointContext, RawTracePointContext},
};
use claw_common::{
    event::kind,
    lineage::{Mark, PAGES, Page, Touched, place},
};

use crate::{
    events::{self, NOW},
    layout::{SIGNAL_LIVE, TASK_PID, TASK_SIGNAL, TASK_TGID, field},
    tickets,
};

/// Guarded processes by thread group id in the initial pid namespace. It has room for every possible number,
/// and allocates nothing later.
#[map]
static GUARDED: Array<Page> = Array::with_max_entries(PAGES, 0);

/// Which of those pages were ever written to.
#[map]
static TOUCHED: Array<Touched> = Array::with_max_entries(1, 0);

const SIGKILL: u32 = 9;

/// The mark of the process `tgid`, if it is guarded.
#[inline(always)]
pub(crate) fn mark(tgid: u32) -> Option<Mark> {
    // SAFETY: the word is in the map, which lives as long as the program. Others write it whole.
    Mark::from_word(unsafe { word(tgid)?.read_volatile() })
}

/// Closes the memory of the calling process `tgid` to other guarded processes, or opens it again.
#[inline(always)]
pub(crate) fn seal(tgid: u32, mark: Mark, sealed: bool) {
    set(tgid, mark.sealed(sealed).to_word());
}

/// Sets the word of the process `tgid`. `false` for a number out of range.
#[inline(always)]
fn set(tgid: u32, mark: u32) -> bool {
    let word = word(tgid);
    if let Some(word) = word {
        // SAFETY: as in `mark`.
        unsafe { word.write_volatile(mark) };
    }
    word.is_some()
}

/// Sets the word of a process that was not guarded, on a page that may not have been written to before.
#[inline(always)]
fn put(tgid: u32, mark: Mark) -> bool {
    if let Some(touched) = TOUCHED.get_ptr_mut(0) {
        // The verifier derives bounds from this mask, not from the check of the number it was computed from.
        let page = place(tgid).0 % PAGES;
        // SAFETY: `page` is within the map's only value.
        let touched = unsafe { touched.cast::<u8>().add(page as usize) };
        // SAFETY: as above. Other writers store the same value.
        unsafe { touched.write_volatile(1) };
    }
    set(tgid, mark.to_word())
}

/// The word of the process `tgid`.
#[inline(always)]
fn word(tgid: u32) -> Option<*mut u32> {
    let (page, at) = place(tgid);
    // SAFETY: `at` is within the page.
    GUARDED.get_ptr_mut(page).map(|page| unsafe { page.cast::<u32>().add(at) })
}

/// Ends the calling process. It runs no further instruction in user mode.
#[inline(always)]
pub(crate) fn kill_current() {
    // SAFETY: the helper acts on the current task, which every caller runs in.
    unsafe { bpf_send_signal(SIGKILL) };
}

/// Puts a session's first process under guard; all others descend from it. No event calls this: the
/// supervisor runs it itself (`BPF_PROG_TEST_RUN`). A map write from user space would replace the whole page,
/// and undo what the programs write to it meanwhile. The argument is the process, and its mark in the upper
/// half.
#[raw_tracepoint]
fn enter(ctx: RawTracePointContext) -> i32 {
    let argument = ctx.arg::<u64>(0);
    if let Some(mark) = Mark::from_word((argument >> 32) as u32) {
        put(argument as u32, mark);
    }
    0
}

/// `TP_PROTO(struct task_struct *parent, struct task_struct *child)`, include/trace/events/sched.h.
#[btf_tracepoint(function = "sched_process_fork")]
fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    let (parent, child): (u64, u64) = (ctx.arg(0), ctx.arg(1));
    let Some(from) = field::<u32>(parent, &TASK_TGID) else { return 0 };
    let Some(mark) = mark(from) else { return 0 };
    let to = field::<u32>(child, &TASK_TGID);
    if to == Some(from) {
        return 0;
    }
    if !to.is_some_and(|to| put(to, mark.sealed(false))) {
        // No known kernel gets here. The child is not running yet and its parent is the current task, which
        // must not continue with an unguarded child; the child's own exec is still held by seccomp.
        kill_current();
        events::report(&events::event(kind::LINEAGE_LOST, mark), NOW);
    }
    0
}

/// `TP_PROTO(struct task_struct *p, …)`. A process is gone when its last thread is: the leader may
/// end first and leave threads behind.
#[btf_tracepoint(function = "sched_process_exit")]
fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    let task: u64 = ctx.arg(0);
    let Some(tgid) = field::<u32>(task, &TASK_TGID) else { return 0 };
    if mark(tgid).is_none() {
        return 0;
    }
    if let Some(tid) = field::<u32>(task, &TASK_PID) {
        tickets::forget(tid);
    }
    let live =
        field::<u64>(task, &TASK_SIGNAL).and_then(|signal| field::<u32>(signal, &SIGNAL_LIVE));
    if live == Some(0) {
        set(tgid, 0);
    }
    0
}
