//! A variable is swapped.

use crate::race::{Operand, Race};

#[test]
fn a_sibling_thread_never_swaps_a_variable() {
    Race::new("a sibling thread, in the environment", "race_env", Operand::Psql).hold();
}
