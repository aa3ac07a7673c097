//! What to record, as the thread that decided knows it.
//!
//! Every value is the real one, so an entry is neither serialised nor printed. Only the writer turns it into
//! a [`Record`](super::Record).

use std::collections::BTreeMap;
use std::fmt;

use claw_policy::{Facts, Verdict};

use super::Level;
use super::Proof;
use crate::decode::Strings;

/// What happened, and what was decided.
pub(crate) struct Entry {
    /// What happened.
    pub(crate) what: What,
    /// The verdict.
    pub(crate) verdict: Option<Verdict>,
    /// The id of the rule that decided, or nothing where a default did.
    pub(crate) rule: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// Where the rule stands.
    pub(crate) at: Option<String>,
    /// The facts that made the rule match.
    pub(crate) because: Vec<String>,
    /// The level of assurance.
    pub(crate) level: Level,
    /// What makes sure that the verdict holds.
    pub(crate) proof: Proof,
    /// The process.
    pub(crate) pid: Option<i32>,
    /// The user it runs as, where that is known.
    pub(crate) uid: Option<u32>,
    /// The outcome, if it is not what the verdict says.
    pub(crate) outcome: Option<String>,
}

impl Entry {
    /// An entry with nothing but what happened, level, proof and reason.
    pub(crate) fn new(what: What, level: Level, proof: Proof, reason: impl Into<String>) -> Self {
        Self {
            what,
            verdict: None,
            rule: None,
            reason: reason.into(),
            at: None,
            because: Vec::new(),
            level,
            proof,
            pid: None,
            uid: None,
            outcome: None,
        }
    }
}

impl fmt::Debug for Entry {
    /// The name of what happened alone: the rest may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.what.name())
    }
}

/// What an entry is about; the variants are those of [`Kind`](super::Kind), which documents them.
pub(crate) enum What {
    Start {
        /// The command of the session.
        argv: Strings,
    },
    Exec(Box<Exec>),
    Connect(Connect),
    Killed,
    Refused,
    Tamper,
    Lost {
        /// How many calls one entry stands for.
        count: u64,
    },
    End,
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Exec(_) => "exec",
            Self::Connect(_) => "connect",
            Self::Killed => "killed",
            Self::Refused => "refused",
            Self::Tamper => "tamper",
            Self::Lost { .. } => "lost",
            Self::End => "end",
        }
    }
}

/// A program that was about to run. All fields are empty if claw could not read the call.
#[derive(Default)]
pub(crate) struct Exec {
    /// The file that was called.
    pub(crate) path: Vec<u8>,
    /// The arguments that run.
    pub(crate) argv: Option<Strings>,
    /// The arguments that were asked for, if a rewrite changed them.
    pub(crate) asked: Option<Strings>,
    /// The variables that a rewrite changed, with their new value, or `None` if it removed them.
    pub(crate) env: BTreeMap<String, Option<String>>,
    /// The facts.
    pub(crate) facts: Option<Facts>,
    /// Nanoseconds from the notification to the verdict.
    pub(crate) took_ns: Option<u64>,
}

/// A connection that was about to be made. All fields are empty if claw could not read the call.
#[derive(Default)]
pub(crate) struct Connect {
    /// Its address and port, or the path or @abstract name of a Unix socket.
    pub(crate) to: Option<String>,
    /// `tcp`, `udp`, `unix` or a number.
    pub(crate) protocol: Option<String>,
    /// Nanoseconds from the notification to the verdict.
    pub(crate) took_ns: Option<u64>,
}
