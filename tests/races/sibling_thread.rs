//! A thread of the same process swaps the argument.

use crate::arena::{Arena, race};

#[test]
fn a_sibling_thread_never_swaps_an_argument() {
    let arena = Arena::new();
    race(&arena, "race_thread", &arena.psql());
}
