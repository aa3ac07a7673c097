//! Calls to facts: what a program would do, read from its arguments, its environment and the
//! content it is given.
//!
//! Pure: no clock, no file, no process; every function here is a function of bytes. A part that
//! cannot be read is an opaque action or an opaque fact with a reason, never an absence.
//!
//! - [`Tools`] are the tools a call can be of: claw's own and those that a policy declares.
//! - [`Tools::read`] gives the [`Reading`] of a call: its facts, whose first action is always of the
//!   domain `exec`, what the reading depends on, and how to change the call. [`Tools::classify`]
//!   gives the facts alone.
//! - [`Reading::rewrite`] applies what a policy asked for and gives the new argument vector and
//!   environment.
//! - [`Tools::meant`] says which governed tool names mean, and [`TOOLS`] lists claw's own: one
//!   tool, one file.
//! - [`schema`] is what a policy may speak of.
//!
//! Known gaps: a view, a rule, a trigger, an operator, a cast and a user's own function do whatever
//! their owner wrote, and no text shows it. Functions outside the server's catalogue are the fact
//! `sql.functions_unknown`; the others are for the database's privileges.

#![forbid(unsafe_code)]

mod call;
mod clouds;
mod code;
mod containers;
#[cfg(test)]
mod corpus;
mod databases;
mod declared;
mod exec;
mod grammar;
mod inner;
mod language;
mod loaders;
mod network;
mod registry;
mod secret;
mod system;
mod tool;
mod unread;
pub mod work;
mod writes;

pub use call::files::{File, Files, NoFiles};
pub use call::ground::Ground;
pub use call::{Call, Stdin, Watch};
pub use language::sql::{LIMIT_ROWS, Texts};
pub use registry::reading::Reading;
pub use registry::{TOOLS, Tools, in_text, in_variable, programs, schema, secrets};
pub use secret::{HIDDEN, MASKED, Secret, Secrets, Span, masked};
pub use tool::{
    Abilities, CannotRewrite, Denial, Family, Governed, Input, Meant, Rewritten, Start,
    StartupFile, Tool,
};
