//! The list of who is guarded: one byte a process number, in an array that is there from the start.
//!
//! Marking a process takes no memory and so cannot fail, and a byte is written whole, so that neighbours
//! that change at the same time do not undo each other.

/// Process numbers are below this: `PID_MAX_LIMIT` on 64-bit kernels, include/linux/threads.h.
pub const PIDS: u32 = 4 << 20;

/// How many numbers share one element of the map, so that few look-ups read the whole list.
pub const PAGE: usize = 4096;

/// Elements of the map.
pub const PAGES: u32 = PIDS / PAGE as u32;

/// One element: a byte for each number, 0 for who is not guarded, else [`GUARDED`] and what else holds.
pub type Page = [u8; PAGE];

/// The process is guarded.
pub const GUARDED: u8 = 1;

/// It runs a governed tool, or is about to, and other guarded processes are kept from its memory.
pub const SEALED: u8 = 2;

/// The element that holds the process `tgid`, and the byte in it.
#[inline(always)]
#[must_use]
pub const fn place(tgid: u32) -> (u32, usize) {
    (tgid / PAGE as u32, tgid as usize % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_byte_of_its_own() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(place(PAGE as u32 - 1), (0, PAGE - 1));
        assert_eq!(place(PAGE as u32), (1, 0));
        assert_eq!(place(PIDS - 1), (PAGES - 1, PAGE - 1));
    }
}
