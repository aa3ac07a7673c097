//! Tickets: what the supervisor judged, by the thread that calls exec.

use aya_ebpf::{macros::map, maps::HashMap};
use claw_common::ticket::{TICKET_WORDS, TICKETS_AT_ONCE, Ticket, WorkingDirectory};

/// Tickets by the thread that calls exec, in the initial pid namespace. The map is preallocated, so that an
/// exec never fails for lack of kernel memory.
#[map]
static TICKETS: HashMap<u32, [u64; TICKET_WORDS]> = HashMap::with_max_entries(TICKETS_AT_ONCE, 0);

/// Takes the ticket of the thread `tid` out of the map: it is good for one exec.
#[inline(always)]
pub(crate) fn take(tid: u32) -> Option<Ticket> {
    let ticket = look_at(tid)?;
    forget(tid);
    Some(ticket)
}

/// The ticket of the thread `tid`, without taking it.
#[inline(always)]
pub(crate) fn look_at(tid: u32) -> Option<Ticket> {
    // SAFETY: the value is copied at once. Only the supervisor writes it, and only while the thread it
    // belongs to is held.
    unsafe { TICKETS.get(tid) }.map(Ticket::from_words)
}

/// The working directory in the ticket of the thread `tid`, if the ticket asks for one.
#[inline(always)]
pub(crate) fn directory(tid: u32) -> Option<WorkingDirectory> {
    // SAFETY: as above.
    let words = unsafe { TICKETS.get(tid) }?;
    if Ticket::from_words(words).with_directory {
        Some(WorkingDirectory::from_words(words))
    } else {
        None
    }
}

/// Drops the ticket of the thread `tid`, if it has one.
#[inline(always)]
pub(crate) fn forget(tid: u32) {
    // There is usually none.
    let _ = TICKETS.remove(tid);
}
