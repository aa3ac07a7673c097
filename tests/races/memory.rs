//! The argument is swapped in memory: by a process that shares it, writes into it, or supplies its page when
//! it is read.

use crate::race::{Operand, Race};

#[test]
fn a_sibling_thread_never_swaps_an_argument() {
    Race::new("a sibling thread", "race_thread", Operand::Psql).hold();
}

#[test]
fn a_process_with_the_same_memory_never_swaps_an_argument() {
    Race::new("a process of the same memory (`CLONE_VM`)", "race_vm", Operand::Psql).hold();
}

#[test]
fn a_process_that_shares_a_mapping_never_swaps_an_argument() {
    Race::new("a process that shares a mapping (`MAP_SHARED`)", "race_peer", Operand::Psql).hold();
}

#[test]
fn process_vm_writev_never_swaps_an_argument() {
    Race::new("a peer by `process_vm_writev`, its door open", "race_reach", Operand::Psql)
        .by("writev")
        .through_doors()
        .hold();
}

#[test]
fn proc_pid_mem_never_swaps_an_argument_of_a_held_caller() {
    Race::new("a peer by `/proc/PID/mem` of the caller", "race_reach", Operand::Psql)
        .by("mem")
        .hold();
}

#[test]
fn a_handler_of_page_faults_never_swaps_an_argument() {
    Race::new(
        "a handler of page faults (`userfaultfd`), its door open",
        "race_fault",
        Operand::Psql,
    )
    .through_doors()
    .hold();
}
