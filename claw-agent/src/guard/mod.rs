//! What guards: the [`Host`], which is this process and what it has once, and the [`Session`]s, each of
//! which is one guarded tree with a policy of its own.

pub(crate) mod crew;
mod held;
mod host;
pub(crate) mod own;
mod policies;
mod refusal;
mod relays;
mod session;
pub(crate) mod waits;

pub(crate) use held::{Held, Received};
pub(crate) use host::Host;
pub(crate) use policies::Generation;
pub(crate) use refusal::Refusal;
pub(crate) use session::{InFlight, Session, Settings, Sockets};
