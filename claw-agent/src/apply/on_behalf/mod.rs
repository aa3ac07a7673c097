//! What it takes to make a call on a socket for somebody else: where it leads ([`destination`]), who
//! it is made as ([`subject`]), and what goes with a message ([`control`]). The walk is
//! `supervisor/socket.rs`.

pub(crate) mod control;
pub(crate) mod destination;
pub(crate) mod subject;
