//! The harness of the end-to-end and race suites.
//!
//! A test states one behaviour as Given/When/Then, runs the same [`call::Call`] once bare (the control that
//! shows that the thing works without claw) and once guarded, and asks for the effect on an independent path:
//! another database connection, a file, the kernel. A missing tool fails the test and says how to get it.
//!
//! The suites run as root, need no network but loopback, and leave no process behind: everything they start
//! carries a mark in its environment by which it is found and ended when a run takes too long.

pub mod backend;
pub mod call;
pub mod cgroup;
pub mod claw;
pub mod mariadb;
pub mod mark;
pub mod postgres;
pub mod prompt;
pub mod record;
pub mod running;
pub mod scenario;
mod server;
pub mod sighting;
pub mod terminal;
pub mod tracee;
