//! The audit: one line for each decision, written off the hot path.
//!
//! - A thread that decides queues an [`Entry`]: what happened, with every value as it is ([`entry`]).
//! - The writer's thread turns it into a [`Record`], the typed form of one line ([`line`]), masks its
//!   secrets on the way ([`mask`], [`key`]), and seals it into the hash chain ([`chain`]).
//! - `claw log` and `claw explain` read the same [`Record`] back ([`reader`]).
//!
//! Records are JSON Lines. Each line carries the hash of the line before it and its own, so that `claw log
//! verify` finds a changed or a missing line. Known gap: whoever can write the files can replace the whole
//! chain. Keep a copy of the files, or of the last hash, elsewhere.

mod chain;
mod entry;
mod key;
mod line;
mod mask;
mod part;
mod proof;
mod reader;
mod writer;

pub(crate) use entry::{Connect, Entry, Exec, What};
pub(crate) use line::{Kind, Level, Record};
pub(crate) use proof::Proof;
pub(crate) use reader::{Line, parts, read, verify};
pub(crate) use writer::{Audit, Place, Settings};
