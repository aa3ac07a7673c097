//! The list of guarded processes in the kernel (`claw-ebpf/src/lineage.rs`).

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use aya::Ebpf;
use aya::maps::{Array, Map, MapData, MapError};
use aya::programs::{ProgramFd, RawTracePoint};
use claw_common::lineage::{Mark, PAGES, Page, Touched, place};
use rustix::process::Pid;

use super::object::{Refused, map, program};
use crate::sys::bpf;

/// The list, and the program that puts a process on it.
pub(super) struct Lineage {
    marks: Array<MapData, Page>,
    touched: Array<MapData, Touched>,
    enter: ProgramFd,
    /// Another descriptor of the list, for the programs that claw assembles itself.
    list: OwnedFd,
}

impl Lineage {
    /// Loads the program and takes the maps out of a loaded object.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) fn load(ebpf: &mut Ebpf) -> Result<Self, Refused> {
        let refused = |error| Refused::Program { program: "enter", error };
        let enter: &mut RawTracePoint = program(ebpf, "enter")?;
        enter.load().map_err(refused)?;
        let enter = enter.fd().map_err(refused)?.try_clone();
        let enter = enter.map_err(|error| refused(error.into()))?;
        let list = match ebpf.map("GUARDED") {
            Some(Map::Array(list)) => list.fd().as_fd().try_clone_to_owned()?,
            _ => return Err(Refused::Missing("GUARDED")),
        };
        Ok(Self { marks: map(ebpf, "GUARDED")?, touched: map(ebpf, "TOUCHED")?, enter, list })
    }

    /// A descriptor of the list.
    pub(super) fn list(&self) -> &OwnedFd {
        &self.list
    }

    /// Puts a session's first process under guard, before it runs anything of its own.
    ///
    /// # Errors
    /// As bpf(2); `InvalidInput` for a pid out of range.
    pub(super) fn enter(&self, process: Pid, mark: Mark) -> io::Result<()> {
        let number = process.as_raw_nonzero().get().cast_unsigned();
        let argument = u64::from(mark.to_word()) << 32 | u64::from(number);
        bpf::run(self.enter.as_fd(), argument, None)?;
        let (page, at) = place(number);
        let marks = self.marks.get(&page, 0).map_err(io::Error::other)?;
        if Mark::from_word(marks[at]) == Some(mark) {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidInput.into())
        }
    }

    /// Whether any process of the session is left.
    pub(super) fn holds_any(&self, session: u32) -> bool {
        self.look_for(session).unwrap_or(true)
    }

    /// # Errors
    /// If the list cannot be read.
    fn look_for(&self, session: u32) -> Result<bool, MapError> {
        let touched = self.touched.get(&0, 0)?;
        for (page, _) in (0..PAGES).zip(touched).filter(|(_, touched)| *touched != 0) {
            let marks = self.marks.get(&page, 0)?;
            let mut marks = marks.into_iter().filter_map(Mark::from_word);
            if marks.any(|mark| mark.session() == session) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
