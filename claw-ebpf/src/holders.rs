//! Finds the holders of a process's memory at its exec stop. No event calls these programs: the supervisor
//! runs them itself (`BPF_PROG_TEST_RUN`), one look at a time.
//!
//! A descriptor of `/proc/PID/mem` that was opened before the supervisor sealed the process holds a
//! reference, and so does a process that is writing at this moment. The kernel's own references are known,
//! except those of processors that switched to a kernel thread and have only borrowed the memory, so each
//! processor is asked.

use aya_ebpf::{
    helpers::bpf_get_current_task,
    macros::{map, raw_tracepoint},
    maps::Array,
    programs::RawTracePointContext,
};
use claw_common::holders::{BORROWED, COUNT, KNOWN, MEMORY, USERS, WORDS};

use crate::layout::{
    MM_COUNT, MM_FLAGS, MM_USERS, TASK_ACTIVE_MM, TASK_MM, TASK_PID, TASK_PTRACE_ENTRY,
    TASK_PTRACED, field,
};

/// The programs' answer.
#[map]
static HOLDERS: Array<[u64; WORDS]> = Array::with_max_entries(1, 0);

/// `MMF_VM_MERGEABLE` and `MMF_VM_HUGEPAGE`, include/linux/mm_types.h: ksmd and khugepaged know the memory, and hold it.
const KNOWN_TO_THE_KERNEL: [u64; 2] = [1 << 16, 1 << 17];

/// Looks at the memory of the process that the calling thread traces, whose thread number is the argument.
#[raw_tracepoint]
fn look_at_memory(ctx: RawTracePointContext) -> i32 {
    let Some(seen) = tracee(ctx.arg::<u64>(0) as u32).and_then(memory) else { return 0 };
    let Some(place) = HOLDERS.get_ptr_mut(0) else { return 0 };
    // SAFETY: the map has this entry for as long as the program; the supervisor runs one look at a time.
    unsafe { *place = seen };
    0
}

/// Counts this processor if it has borrowed that memory for a kernel thread.
#[raw_tracepoint]
fn borrows_memory(_: RawTracePointContext) -> i32 {
    let Some(seen) = HOLDERS.get_ptr_mut(0) else { return 0 };
    // SAFETY: the helper has no preconditions.
    let task = unsafe { bpf_get_current_task() };
    let (Some(own), Some(active)) =
        (field::<u64>(task, &TASK_MM), field::<u64>(task, &TASK_ACTIVE_MM))
    else {
        return 0;
    };
    // SAFETY: as above.
    let seen = unsafe { &mut *seen };
    if own == 0 && active == seen[MEMORY] {
        seen[BORROWED] += 1;
    }
    0
}

/// The only process that the calling thread traces, if it is the one with this thread number.
#[inline(always)]
fn tracee(tid: u32) -> Option<u64> {
    // SAFETY: the helper has no preconditions.
    let tracer = unsafe { bpf_get_current_task() };
    // The first entry of the list head, which is embedded in the tracee.
    let entry = field::<u64>(tracer, &TASK_PTRACED)?;
    let task = entry.wrapping_sub(TASK_PTRACE_ENTRY.load());
    (field::<u32>(task, &TASK_PID)? == tid).then_some(task)
}

#[inline(always)]
fn memory(task: u64) -> Option<[u64; WORDS]> {
    let mm = field::<u64>(task, &TASK_MM)?;
    let flags = field::<u64>(mm, &MM_FLAGS)?;
    let mut seen = [0; WORDS];
    seen[MEMORY] = mm;
    seen[USERS] = u64::from(field::<u32>(mm, &MM_USERS)?);
    seen[COUNT] = u64::from(field::<u32>(mm, &MM_COUNT)?);
    // All users together hold one reference.
    seen[KNOWN] = 1;
    if flags & KNOWN_TO_THE_KERNEL[0] != 0 {
        seen[KNOWN] += 1;
    }
    if flags & KNOWN_TO_THE_KERNEL[1] != 0 {
        seen[KNOWN] += 1;
    }
    Some(seen)
}
