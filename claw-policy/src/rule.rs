//! The rules of a policy: about what a call does, about connections, and about Unix sockets.
//!
//! Data, and which connection or name a rule covers. `decide.rs`, `connect.rs` and `unix.rs` decide by them.

use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::decision::Change;
use crate::matcher::Condition;
use crate::name::Name;
use crate::pattern::Pattern;
use crate::verdict::Verdict;

/// Which actions of a call a rule is matched against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    /// The first, which is the call itself.
    Call,
    /// Those of this domain.
    Domain(Name),
    /// Every one.
    Every,
    /// Every one but the first.
    Others,
}

/// A rule about what a call does.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, unique in the policy.
    pub id: String,
    /// The line it starts at, from 1.
    pub line: usize,
    /// `FILE:LINE`.
    pub at: String,
    /// What happens to an action that matches.
    pub verdict: Verdict,
    /// Why, for the people and programs that meet the verdict.
    pub reason: String,
    /// What a rewrite rule changes.
    pub changes: Vec<Change>,
    pub(crate) tools: Vec<Name>,
    pub(crate) about: About,
    pub(crate) matches: Vec<Condition>,
    pub(crate) unless: Vec<Condition>,
}

/// The protocols a connect rule may name. UDP-Lite counts as UDP and MPTCP as TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP, both `connect` and the first datagram of `sendto`.
    Udp,
}

impl Protocol {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Udp];
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// Ports from `lo` to `hi`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports {
    /// The first.
    pub lo: u16,
    /// The last.
    pub hi: u16,
}

impl Ports {
    /// Every port.
    pub const ALL: Self = Self { lo: 0, hi: u16::MAX };

    pub(crate) fn contains(self, port: u16) -> bool {
        (self.lo..=self.hi).contains(&port)
    }
}

/// A rule about connections.
#[derive(Debug, Clone)]
pub struct ConnectRule {
    /// Its name, unique in the policy.
    pub id: String,
    /// The line it starts at, from 1.
    pub line: usize,
    /// `FILE:LINE`.
    pub at: String,
    /// The networks it is about; never empty. None lies in `::ffff:0:0/96`.
    pub to: Vec<IpNet>,
    /// The ports it is about; never empty.
    pub ports: Vec<Ports>,
    /// The protocol it is about, or `None` for both.
    pub protocol: Option<Protocol>,
    /// [`Verdict::Allow`] or [`Verdict::Deny`].
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

impl ConnectRule {
    pub(crate) fn covers(&self, port: u16, protocol: Protocol) -> bool {
        self.protocol.is_none_or(|own| own == protocol)
            && self.ports.iter().any(|ports| ports.contains(port))
    }
}

/// A rule about Unix sockets.
#[derive(Debug, Clone)]
pub struct UnixRule {
    /// Its name, unique in the policy.
    pub id: String,
    /// The line it starts at, from 1.
    pub line: usize,
    /// `FILE:LINE`.
    pub at: String,
    /// The names it is about; never empty.
    pub(crate) unix: Vec<Pattern>,
    /// [`Verdict::Allow`] or [`Verdict::Deny`].
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
}

impl UnixRule {
    pub(crate) fn covers(&self, name: &str) -> bool {
        self.unix.iter().any(|pattern| pattern.matches(name))
    }
}
