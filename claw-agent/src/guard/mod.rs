//! What guards: the [`Host`], which is this process and what it has once, and the [`Session`]s, each of
//! which is one guarded tree with a policy of its own.

pub(crate) mod crew;
mod host;
pub(crate) mod mishap;
pub(crate) mod own;
mod policies;
mod session;
pub(crate) mod waits;

pub(crate) use host::Host;
pub(crate) use policies::Generation;
pub(crate) use session::{InFlight, Session, Settings, Sockets};
