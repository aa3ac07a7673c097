//! Carries out verdicts, and makes sure that what runs is what was judged.
//!
//! - an allowed exec gets a ticket and continues, and the kernel proof compares the new image with it
//!   ([`ticket`]). Without a kernel side the supervisor compares it at the exec stop ([`keep`]);
//! - a rewritten or substituted one gets a ticket too and is changed at its exec stop ([`stop`]);
//! - a connection is made on behalf where no kernel side decides it ([`on_behalf`]);
//! - a bare errno is final by itself: the call does not run.

pub(crate) mod error;
pub(crate) mod keep;
pub(crate) mod on_behalf;
mod stack;
pub(crate) mod stop;
pub(crate) mod ticket;
pub(crate) mod untouched;
