//! The ring buffer to the supervisor, and the count of events that found no room in it.

use aya_ebpf::{
    helpers::{bpf_get_current_pid_tgid, bpf_get_current_uid_gid, bpf_ktime_get_boot_ns},
    macros::map,
    maps::{PerCpuArray, RingBuf},
};
use claw_common::{
    event::{Event, KINDS, Lost, RING},
    lineage::Mark,
    session::slot,
};

use crate::layout::ROOM;

/// The ring. The loader makes it larger for a session that only observes.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(RING, 0);

/// How many events found no room, by the slot of their session, counted on each processor. The loader sets
/// the true size.
#[map]
static LOST: PerCpuArray<Lost> = PerCpuArray::with_max_entries(1, 0);

/// `BPF_RB_NO_WAKEUP`: the reader polls often enough.
pub(crate) const LATER: u64 = 1;

/// `BPF_RB_FORCE_WAKEUP`.
pub(crate) const NOW: u64 = 2;

/// `BPF_RB_AVAIL_DATA`.
const UNREAD: u64 = 0;

/// The number of unread bytes past which even an event that can wait wakes the reader.
const WAKE_AT: u64 = 64 << 10;

/// The calling process.
#[inline(always)]
pub(crate) fn caller() -> u32 {
    (bpf_get_current_pid_tgid() >> 32) as u32
}

/// An event about the calling thread, which `mark` says is guarded.
#[inline(always)]
pub(crate) fn event(kind: u32, mark: Mark) -> Event {
    let pid_tgid = bpf_get_current_pid_tgid();
    Event {
        // SAFETY: the helper reads a clock and takes no arguments.
        time: unsafe { bpf_ktime_get_boot_ns() },
        kind,
        tgid: (pid_tgid >> 32) as u32,
        tid: pid_tgid as u32,
        uid: bpf_get_current_uid_gid() as u32,
        session: mark.session(),
        ..Event::default()
    }
}

/// When the reader must look at an event that can wait: [`NOW`] if much is unread, else [`LATER`].
#[inline(always)]
pub(crate) fn when() -> u64 {
    if EVENTS.query(UNREAD) > WAKE_AT { NOW } else { LATER }
}

/// Reports an event. `false` if the ring is full: the caller then fails closed, and the loss is counted.
#[inline(always)]
pub(crate) fn report(event: &Event, when: u64) -> bool {
    EVENTS.output::<Event>(event, when).is_ok() || lose(event)
}

/// Reports an event that may be lost without harm.
#[inline(always)]
pub(crate) fn mention(event: &Event, when: u64) {
    let _ = EVENTS.output::<Event>(event, when);
}

/// Counts an event that could not be reported, and returns `false` as [`report`] does.
#[inline(always)]
pub(crate) fn lose(event: &Event) -> bool {
    let kind = event.kind;
    let Some(lost) = LOST.get_ptr_mut(slot(event.session, ROOM.load())) else { return false };
    if (kind as usize) < KINDS {
        // SAFETY: the pointer is to a whole `Lost` and `kind` is within it. A program that interrupts this
        // one on the same processor can make the count too low by one, but never zero.
        let count = unsafe { lost.cast::<u64>().add(kind as usize) };
        // SAFETY: as above.
        unsafe { *count += 1 };
    }
    false
}
