//! The kernel side's events, and the count of those that found no room in the ring.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;

use aya::Ebpf;
use aya::maps::{MapData, MapError, PerCpuArray, RingBuf};
use claw_common::event::{Event, KINDS, Lost};
use claw_common::session::slot;

use super::object::{Refused, map};

/// The ring buffer's reading end.
pub(crate) struct Events {
    ring: RingBuf<MapData>,
    lost: PerCpuArray<MapData, Lost>,
    /// The losses already reported, by the slot of their session.
    told: HashMap<u32, Lost>,
    /// How many sessions there is room for.
    room: u32,
}

impl Events {
    /// Takes the maps out of a loaded object.
    ///
    /// # Errors
    /// If it lacks one.
    pub(super) fn of(ebpf: &mut Ebpf, room: u32) -> Result<Self, Refused> {
        let (ring, lost) = (map(ebpf, "EVENTS")?, map(ebpf, "LOST")?);
        Ok(Self { ring, lost, told: HashMap::new(), room })
    }

    /// How many events of a session found no room since the last call, by kind.
    ///
    /// # Errors
    /// If the map cannot be read. The next call then reports these losses.
    pub(crate) fn lost(&mut self, session: u32) -> Result<Lost, MapError> {
        let slot = slot(session, self.room);
        let mut sum = [0; KINDS];
        for processor in self.lost.get(&slot, 0)?.iter() {
            sum.iter_mut().zip(processor).for_each(|(sum, count)| *sum += count);
        }
        let told = self.told.insert(slot, sum).unwrap_or([0; KINDS]);
        sum.iter_mut().zip(told).for_each(|(sum, told)| *sum = sum.saturating_sub(told));
        Ok(sum)
    }

    /// The next event and its payload, if there is one.
    pub(crate) fn next(&mut self) -> Option<(Event, Vec<u8>)> {
        let item = self.ring.next()?;
        let (event, payload) = Event::parse(&item)?;
        Some((event, payload.to_vec()))
    }

    /// A duplicated descriptor that becomes readable when an event must be read at once.
    ///
    /// # Errors
    /// As dup(2).
    pub(crate) fn descriptor(&self) -> io::Result<OwnedFd> {
        crate::sys::process::duplicate(&self.ring)
    }
}
