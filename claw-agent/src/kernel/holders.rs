//! Whether any other process holds the memory of a process at its exec stop.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use aya::Ebpf;
use aya::maps::{Array, MapData};
use aya::programs::{ProgramFd, RawTracePoint};
use aya::util::nr_cpus;
use claw_common::holders::{BORROWED, COUNT, KNOWN, MEMORY, USERS, WORDS};
use rustix::process::Pid;

use super::object::{Refused, map, program};
use crate::sys::bpf;

/// How often to look, and how long to wait in between. A program that lists processes holds each one's memory
/// for a moment only.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(1);

/// The map that the programs answer in.
type Seen = Array<MapData, [u64; WORDS]>;

/// The programs that look, and the map with their answer.
pub(crate) struct Holders {
    look: ProgramFd,
    borrows: ProgramFd,
    seen: Mutex<Seen>,
    processors: u32,
}

impl Holders {
    /// Loads the programs.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn load(ebpf: &mut Ebpf) -> Result<Self, Refused> {
        let mut load = |name: &'static str| {
            let refused = |error| Refused::Program { program: name, error };
            let program: &mut RawTracePoint = program(ebpf, name)?;
            program.load().map_err(refused)?;
            let clone = program.fd().map_err(refused)?.try_clone();
            clone.map_err(|error| refused(error.into()))
        };
        let (look, borrows) = (load("look_at_memory")?, load("borrows_memory")?);
        let processors = nr_cpus().map_or(1, |count| u32::try_from(count).unwrap_or(u32::MAX));
        Ok(Self { look, borrows, seen: Mutex::new(map(ebpf, "HOLDERS")?), processors })
    }

    /// Whether no other process uses or holds the memory of `tracee`. The calling thread traces it, and this
    /// process has `ours` descriptors of its memory. No new holder can appear, because it is stopped and
    /// sealed.
    ///
    /// # Errors
    /// As bpf(2).
    pub(crate) fn nobody_else(&self, tracee: Pid, ours: u64) -> io::Result<bool> {
        for _ in 0..LOOKS {
            if self.is_alone(tracee, ours)? {
                return Ok(true);
            }
            sleep(PAUSE);
        }
        Ok(false)
    }

    fn is_alone(&self, tracee: Pid, ours: u64) -> io::Result<bool> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.look(&mut seen, tracee)?;
        let known = before[KNOWN] + ours;
        // No new holder can appear, so an equal count before and after means the same holders while the
        // processors were asked.
        let borrowed = if before[COUNT] > known { self.borrowed(&seen)? } else { 0 };
        Ok(before[USERS] == 1
            && before[COUNT] <= known + borrowed
            && self.look(&mut seen, tracee)? == before)
    }

    fn look(&self, seen: &mut Seen, tracee: Pid) -> io::Result<[u64; WORDS]> {
        seen.set(0, [0; WORDS], 0).map_err(io::Error::other)?;
        let tid = tracee.as_raw_nonzero().get() as u64;
        bpf::run(self.look.as_fd(), tid, None)?;
        let found = seen.get(&0, 0).map_err(io::Error::other)?;
        if found[MEMORY] == 0 {
            return Err(io::Error::other(
                "the kernel side does not find the process that this thread traces",
            ));
        }
        Ok(found)
    }

    /// How many processors have borrowed the memory that was looked at last.
    fn borrowed(&self, seen: &Seen) -> io::Result<u64> {
        for processor in 0..self.processors {
            match bpf::run(self.borrows.as_fd(), 0, Some(processor)) {
                // A processor that is not online runs nothing.
                Err(error) if error.raw_os_error() != Some(libc::ENXIO) => return Err(error),
                _ => {}
            }
        }
        Ok(seen.get(&0, 0).map_err(io::Error::other)?[BORROWED])
    }
}
