//! The state of a session in the kernel: whether its connections are shut, and which generation of its
//! connect rules is in force.

/// A session's state, in an array that has room for as many sessions as the host was loaded for.
pub type State = [u32; 2];

/// The word of a [`State`] that is 1 while every connection of the session is refused.
pub const SHUT: usize = 0;

/// The word of a [`State`] with the generation of connect rules in force; 0 before there are any.
pub const GENERATION: usize = 1;

/// The index of a session's state and its count of losses, in arrays of `room` entries, a power of two. Two
/// sessions with the same index are never guarded at the same time.
#[inline(always)]
#[must_use]
pub const fn slot(session: u32, room: u32) -> u32 {
    session & (room - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_follow_each_other_have_places_of_their_own() {
        assert_eq!([1, 2, 3, 4].map(|session| slot(session, 4)), [1, 2, 3, 0]);
        assert_eq!([1, 2, 3].map(|session| slot(session, 1)), [0, 0, 0]);
    }
}
