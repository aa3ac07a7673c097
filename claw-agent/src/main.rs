//! The `claw` command line.
fn main() {}
