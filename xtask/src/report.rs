//! Progress messages for the person at the terminal.
//!
//! It goes to standard error, so that `cargo xtask run -- CMD` leaves standard output to CMD.

use std::io::{self, IsTerminal, Write};

/// Announces a step: `setup: installing …`.
pub(crate) fn step(topic: &str, text: &str) {
    write(&format!("{} {text}\n", strong(&format!("{topic}:"))));
}

/// One line of a list below a step.
pub(crate) fn item(text: &str) {
    write(&format!("  - {text}\n"));
}

/// Bold on a terminal, as it is elsewhere.
pub(crate) fn strong(text: &str) -> String {
    if io::stderr().is_terminal() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// Ignores a terminal that went away, so that the build continues.
fn write(text: &str) {
    drop(io::stderr().write_all(text.as_bytes()));
}
