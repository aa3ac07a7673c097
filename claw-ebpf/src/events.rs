//! The ring buffer to the supervisor.

use aya_ebpf::{
    helpers::{bpf_get_current_pid_tgid, bpf_get_current_uid_gid, bpf_ktime_get_boot_ns},
    macros::map,
    maps::RingBuf,
};
use claw_common::event::Event;

/// The loader sets the true size.
#[map]
pub(crate) static EVENTS: RingBuf = RingBuf::with_byte_size(4 << 20, 0);

/// `BPF_RB_NO_WAKEUP`: the reader looks by itself often enough.
pub(crate) const LATER: u64 = 1;

/// `BPF_RB_FORCE_WAKEUP`.
pub(crate) const NOW: u64 = 2;

/// `BPF_RB_AVAIL_DATA`.
const UNREAD: u64 = 0;

/// Unread bytes past which the reader is woken even for what can wait.
const WAKE_AT: u64 = 256 << 10;

/// The calling process.
#[inline(always)]
pub(crate) fn caller() -> u32 {
    (bpf_get_current_pid_tgid() >> 32) as u32
}

/// An event about the calling thread.
#[inline(always)]
pub(crate) fn event(kind: u32) -> Event {
    let pid_tgid = bpf_get_current_pid_tgid();
    Event {
        // SAFETY: the helper reads a clock and takes no arguments.
        time: unsafe { bpf_ktime_get_boot_ns() },
        kind,
        tgid: (pid_tgid >> 32) as u32,
        tid: pid_tgid as u32,
        uid: bpf_get_current_uid_gid() as u32,
        ..Event::default()
    }
}

/// When the reader must look at an event that can wait: now, once much is unread.
#[inline(always)]
pub(crate) fn when() -> u64 {
    if EVENTS.query(UNREAD) > WAKE_AT { NOW } else { LATER }
}

/// Reports an event. `false` if the ring is full: the caller then fails closed.
#[inline(always)]
pub(crate) fn report(event: &Event, when: u64) -> bool {
    EVENTS.output::<Event>(event, when).is_ok()
}
