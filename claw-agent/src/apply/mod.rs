//! Tells the kernel, and makes sure that what runs is what was judged.
//!
//! - an allowed exec gets a ticket and then runs; the kernel proof compares ([`ticket`]). Where there
//!   is no kernel side, it is compared at its exec stop instead ([`keep`]);
//! - a rewritten or substituted one gets a ticket too and is changed at its exec stop ([`stop`]);
//! - a connection is made on behalf where no kernel side decides it ([`on_behalf`]);
//! - a bare errno is final by itself: the call does not run.

pub(crate) mod keep;
pub(crate) mod on_behalf;
mod stack;
pub(crate) mod stop;
pub(crate) mod ticket;
pub(crate) mod untouched;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What makes sure that the verdict holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Proof {
    /// The kernel proof compares the new image with its ticket before its first instruction.
    Ticket,
    /// The ticket, and the new image was changed at its exec stop.
    TicketAndStop,
    /// The supervisor compared the new image, and changed it if need be, at its exec stop.
    Stop,
    /// The call was answered with an errno and never ran.
    Answered,
    /// The supervisor made the call itself, with the copy of the address that was judged.
    OnBehalf,
    /// The kernel decided on its own copy of the address.
    InKernel,
    /// None: it was only observed.
    None,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ticket => "ticket",
            Self::TicketAndStop => "ticket-and-stop",
            Self::Stop => "stop",
            Self::Answered => "answered",
            Self::OnBehalf => "on-behalf",
            Self::InKernel => "in-kernel",
            Self::None => "none",
        })
    }
}
