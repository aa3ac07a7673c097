//! What a record says makes sure of its verdict.

use serde::Serialize;

/// What makes sure that the verdict holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
