//! Readers of command lines.

pub(crate) mod cobra;
pub(crate) mod getopt;
pub(crate) mod options;
pub(crate) mod subcommands;
pub(crate) mod table;
