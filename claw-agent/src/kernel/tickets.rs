//! The tickets that the kernel proof compares new images with (`claw-ebpf/src/tickets.rs`).

use std::sync::{Mutex, PoisonError};

use aya::Ebpf;
use aya::maps::{HashMap, MapData};
use claw_common::hash::Key;
use claw_common::ticket::TICKET_WORDS;
use rustix::process::Pid;

use super::object::{Refused, map};

/// The ticket map.
pub(crate) struct Tickets {
    map: Mutex<HashMap<MapData, u32, [u64; TICKET_WORDS]>>,
    /// The key that tickets are hashed with.
    pub(crate) key: Key,
}

impl Tickets {
    /// Takes the map out of a loaded object.
    ///
    /// # Errors
    /// If it lacks it.
    pub(super) fn of(ebpf: &mut Ebpf, key: Key) -> Result<Self, Refused> {
        Ok(Self { map: Mutex::new(map(ebpf, "TICKETS")?), key })
    }

    /// Writes the ticket of the thread `tid`, replacing an unused older one.
    ///
    /// # Errors
    /// E2BIG while the map is full.
    pub(crate) fn write(&self, tid: Pid, ticket: [u64; TICKET_WORDS]) -> Result<(), Refused> {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        map.insert(tid.as_raw_nonzero().get() as u32, ticket, 0)
            .map_err(|error| Refused::Map { map: "TICKETS", error })
    }

    /// Takes back the ticket of a thread that will not use it.
    pub(crate) fn withdraw(&self, tid: Pid) {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        // The kernel may have used it meanwhile.
        let _ = map.remove(&(tid.as_raw_nonzero().get() as u32));
    }
}
