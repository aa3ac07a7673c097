//! How the verdict of a record is enforced.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the verdict is enforced.
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
    /// Not enforced: the call was only observed.
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
