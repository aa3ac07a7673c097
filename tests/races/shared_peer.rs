//! Another process swaps the argument in memory that both map.

use crate::arena::{Arena, race};

#[test]
fn a_process_that_shares_memory_never_swaps_an_argument() {
    let arena = Arena::new();
    race(&arena, "race_peer", &arena.psql());
}
