//! The languages that calls carry: SQL, the shell's, YAML, and addresses.

pub(crate) mod shell;
pub(crate) mod sql;
pub(crate) mod url;
pub(crate) mod yaml;
