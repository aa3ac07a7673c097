//! The escape suite: attempts to run what a policy forbids, to reach what it closes, or to change a call after its
//! verdict.
//!
//! Each theme is a file with a table of attempts. An attempt is a shell text, which may use a small C program, and runs
//! three times: without claw, where it must work (the control); under claw with what the policy allows (the honest
//! run, which must work too unless the attempt says that the whole way is shut); and under claw with what it
//! forbids. What happened is asked of whoever would have been reached (the database, the server behind the
//! address, the program that ran), never of claw.
//!
//! An attempt that is known to get through says so with the row of SECURITY.md that owns up to it, and fails once it
//! is stopped: the list cannot grow stale. Nothing adversarial touches the machine: see [`cell`].
//!
//! `cargo xtask escapes` runs it and writes docs/SECURITY-RESULTS.md.

mod attempt;
mod cell;
mod gap;
mod services;
mod theme;
mod trial;

mod connect;
mod files;
mod gtfobins;
mod interpreters;
mod processes;
mod shells;
mod sockets;
