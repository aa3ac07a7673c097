//! The argument's page, the script, the link or the file that psql reads comes from a file system whose server answers
//! differently each time. It was mounted before the guard, in a mount namespace of its own.

use std::fs::OpenOptions;

use crate::race::{Operand, Race};

/// Runs the way, or says aloud that this machine has no FUSE.
fn hold(name: &'static str, way: &'static str) {
    let race = Race::new(name, "race_fuse", Operand::Directory).by(way).under("fuse_flipper");
    match OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        Ok(_) => race.hold(),
        Err(error) => race.leave_out(&format!("`/dev/fuse` cannot be opened: {error}")),
    }
}

#[test]
fn a_page_of_a_file_system_never_swaps_an_argument() {
    hold("a FUSE server, the argument's page", "page");
}

#[test]
fn a_script_of_a_file_system_never_swaps_the_interpreter() {
    hold("a FUSE server, a script", "script");
}

#[test]
fn a_link_of_a_file_system_never_swaps_the_file() {
    hold("a FUSE server, a symbolic link", "link");
}

#[test]
fn a_file_of_a_file_system_never_swaps_what_a_tool_reads() {
    hold("a FUSE server, what `psql -f` reads", "content");
}
