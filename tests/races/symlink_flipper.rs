//! Another process swaps what the path leads to.

use crate::arena::{Arena, race};

#[test]
fn a_symlink_flipper_never_swaps_the_file() {
    let arena = Arena::new();
    race(&arena, "race_symlink", arena.path());
}
