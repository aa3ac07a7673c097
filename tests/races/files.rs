//! The file behind a path is swapped, or its content.

use crate::race::{Operand, Race};

const fn flipper(name: &'static str, way: &'static str) -> Race {
    Race::new(name, "race_path", Operand::Directory).by(way)
}

#[test]
fn a_symlink_flipper_never_swaps_the_file() {
    flipper("a flipper of symbolic links, to the file and on the way", "links").hold();
}

#[test]
fn an_exchange_of_two_names_never_swaps_the_file() {
    flipper("a flipper of names (`RENAME_EXCHANGE`)", "exchange").hold();
}

#[test]
fn a_rename_over_the_name_never_swaps_the_file() {
    flipper("a flipper of names (rename(2) over it)", "over").hold();
}

#[test]
fn an_exchange_of_directories_never_swaps_the_file() {
    flipper("a flipper of a directory on the way", "directory").hold();
}

#[test]
fn an_exchange_of_the_working_directory_never_swaps_the_file() {
    flipper("a flipper of the working directory's name", "cwd").hold();
}

#[test]
fn another_process_never_changes_the_working_directory() {
    Race::new(
        "a process with the same working directory (`CLONE_FS`)",
        "race_chdir",
        Operand::Directory,
    )
    .hold();
}

#[test]
fn an_exchange_of_scripts_never_swaps_the_interpreter() {
    flipper("a flipper of scripts", "script").hold();
}

#[test]
fn a_first_line_that_is_written_over_never_swaps_the_interpreter() {
    flipper("a script's first line, written over", "line").hold();
}

#[test]
fn an_exchange_of_files_never_swaps_what_a_tool_reads() {
    flipper("a flipper of what `psql -f` reads", "content").hold();
}

#[test]
fn a_file_that_is_written_over_never_swaps_what_a_tool_reads() {
    flipper("what `psql -f` reads, written over", "in-place").hold();
}
