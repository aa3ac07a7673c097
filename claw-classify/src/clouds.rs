//! Cloud providers, and programs that describe infrastructure and create it.

pub(crate) mod aws;
pub(crate) mod infra;
pub(crate) mod providers;
pub(crate) mod terraform;
pub(crate) mod vault;
