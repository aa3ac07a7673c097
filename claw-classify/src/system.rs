//! Programs of the machine itself: files, processes, packages, interpreters, and the doors out of the tree.

pub(crate) mod door;
pub(crate) mod file;
pub(crate) mod loader;
pub(crate) mod package;
pub(crate) mod places;
pub(crate) mod process;
pub(crate) mod program;
