//! The parts of a socket call on behalf of a tracee: where it leads ([`destination`]), whose identity it uses
//! ([`subject`]), and the control messages of a message ([`control`]). The walk is `supervisor/socket.rs`.

pub(crate) mod control;
pub(crate) mod destination;
pub(crate) mod subject;
