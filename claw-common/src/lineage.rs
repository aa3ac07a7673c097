//! The list of guarded processes and their sessions: one word per process number, in an array that is
//! allocated at the start.
//!
//! Marking a process needs no memory, so it cannot fail. Each word is written whole, so that concurrent
//! changes of neighbouring words do not undo each other.

/// Process numbers are below this: `PID_MAX_LIMIT` on 64-bit kernels, include/linux/threads.h.
pub const PIDS: u32 = 4 << 20;

/// How many numbers share one element of the map, so that few look-ups read the whole list.
pub const PAGE: usize = 4096;

/// Elements of the map.
pub const PAGES: u32 = PIDS / PAGE as u32;

/// One element: a word for each number, 0 for a process that is not guarded, else its [`Mark`].
pub type Page = [u32; PAGE];

/// For each element, whether any process in it was ever marked: the others need not be read.
pub type Touched = [u8; PAGES as usize];

/// Other guarded processes may not open the memory of this one: it runs a governed tool, or is about to.
const SEALED: u32 = 1;

/// Nothing is held or denied, only reported.
const OBSERVED: u32 = 1 << 1;

/// The process may not name a Unix socket itself: the supervisor makes such calls. The program of
/// `claw-agent/src/kernel/unix.rs` tests this bit.
pub const NAMES_NO_UNIX: u32 = 1 << 2;

/// Bits of flags, below the session's number.
const FLAGS: u32 = 3;

/// The highest number that a session can have.
pub const MAX_SESSION: u32 = u32::MAX >> FLAGS;

/// The entry of a guarded process: its session, and how it is guarded. A child inherits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(u32);

impl Mark {
    /// The mark of a session's first process. `None` for a number that no session can have, such as 0.
    #[must_use]
    pub const fn new(session: u32, observed: bool, names_no_unix: bool) -> Option<Self> {
        if session == 0 || session > MAX_SESSION {
            return None;
        }
        let observed = if observed { OBSERVED } else { 0 };
        let unix = if names_no_unix { NAMES_NO_UNIX } else { 0 };
        Some(Self(session << FLAGS | observed | unix))
    }

    /// From the map's form; `None` for a process that is not guarded.
    #[inline(always)]
    #[must_use]
    pub const fn from_word(word: u32) -> Option<Self> {
        if word == 0 { None } else { Some(Self(word)) }
    }

    /// The map's form.
    #[inline(always)]
    #[must_use]
    pub const fn to_word(self) -> u32 {
        self.0
    }

    /// The number of the process's session.
    #[inline(always)]
    #[must_use]
    pub const fn session(self) -> u32 {
        self.0 >> FLAGS
    }

    /// Whether the process is only observed.
    #[inline(always)]
    #[must_use]
    pub const fn is_observed(self) -> bool {
        self.0 & OBSERVED != 0
    }

    /// Whether the process's memory is closed to other guarded processes.
    #[inline(always)]
    #[must_use]
    pub const fn is_sealed(self) -> bool {
        self.0 & SEALED != 0
    }

    /// The same mark, with the process's memory closed to other guarded processes or open to them.
    #[inline(always)]
    #[must_use]
    pub const fn sealed(self, sealed: bool) -> Self {
        if sealed { Self(self.0 | SEALED) } else { Self(self.0 & !SEALED) }
    }
}

/// The element that holds the process `tgid`, and the word in it.
#[inline(always)]
#[must_use]
pub const fn place(tgid: u32) -> (u32, usize) {
    (tgid / PAGE as u32, tgid as usize % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_word_of_its_own() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(place(PAGE as u32 - 1), (0, PAGE - 1));
        assert_eq!(place(PAGE as u32), (1, 0));
        assert_eq!(place(PIDS - 1), (PAGES - 1, PAGE - 1));
    }

    #[test]
    fn a_mark_keeps_its_session_and_its_flags() {
        for session in [1, 2, 4095, MAX_SESSION] {
            for (observed, unix) in [(false, false), (false, true), (true, false), (true, true)] {
                let mark = Mark::new(session, observed, unix).expect("a session's number");
                assert_eq!((mark.session(), mark.is_observed()), (session, observed));
                assert_eq!(mark.to_word() & NAMES_NO_UNIX != 0, unix);
                assert!(!mark.is_sealed() && mark.sealed(true).is_sealed());
                assert_eq!(mark.sealed(true).session(), session);
                assert_eq!(mark.sealed(true).sealed(false), mark);
                assert_eq!(Mark::from_word(mark.to_word()), Some(mark));
            }
        }
    }

    #[test]
    fn a_number_that_is_no_sessions_has_no_mark() {
        assert_eq!(Mark::new(0, false, false), None);
        assert_eq!(Mark::new(MAX_SESSION + 1, false, false), None);
        assert_eq!(Mark::from_word(0), None);
    }
}
