//! The typed form of one line of the audit, which the writer and every reader share.
//!
//! A line is a JSON object: the fields of every record, then the kind, then the fields of that kind. `v` is
//! the version of this form. Lines without it are older than versions; they have the same fields, and their
//! secrets are not masked. A reader ignores fields that it does not know. It refuses a newer version, whose
//! fields could mean something else.

use std::collections::BTreeMap;
use std::fmt;

use claw_policy::Verdict;
use jiff::Timestamp;
use serde::de::{Deserializer, Error, Unexpected};
use serde::{Deserialize, Serialize};

use super::Proof;

/// The version that is written.
pub(super) const VERSION: u32 = 1;

/// One line, without its place in the chain.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The version of this form; 0 for a line without one.
    #[serde(default, deserialize_with = "known_version")]
    pub(crate) v: u32,
    /// `SESSION-SEQ`, which `claw explain` takes.
    pub(crate) id: String,
    /// The number of the record in its session, from 1.
    pub(crate) seq: u64,
    /// When the place of the record was claimed.
    pub(crate) time: Timestamp,
    /// The session.
    pub(crate) session: String,
    /// The labels that the session was started with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    /// The verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<Verdict>,
    /// The id of the rule that decided, or nothing where a default did.
    #[serde(default)]
    pub(crate) rule: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// Where the rule stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    /// The facts that made the rule match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) because: Vec<String>,
    /// The level of assurance.
    pub(crate) level: Level,
    /// What makes sure that the verdict holds.
    pub(crate) proof: Proof,
    /// The process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<i32>,
    /// The user it runs as, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    /// The outcome, if it is not what the verdict says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<String>,
    /// What it is about.
    #[serde(flatten)]
    pub(crate) kind: Kind,
}

/// What a record is about, with the fields of that kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A session began.
    Start {
        /// The command.
        #[serde(default)]
        argv: Vec<String>,
    },
    /// A program was about to run.
    Exec(Box<Exec>),
    /// A connection was about to be made.
    Connect {
        /// Its address and port, or the path or @abstract name of a Unix socket.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// `tcp`, `udp`, `unix` or a number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protocol: Option<String>,
        /// Nanoseconds from the notification to the verdict.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        took_ns: Option<u64>,
    },
    /// The kernel proof killed a program, because it was not what was judged.
    Killed,
    /// The third lock refused a program, because it was not what was judged. Its caller lives on.
    Refused,
    /// A guarded process tried to act on the guard itself.
    Tamper,
    /// A count of calls that could not be recorded.
    Lost {
        /// How many calls there were.
        count: u64,
    },
    /// A session ended.
    End,
}

/// The fields of an exec. Bytes that are not UTF-8 are spelled `\xNN`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Exec {
    /// The file that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// The arguments that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) argv: Option<Vec<String>>,
    /// The arguments that were asked for, if a rewrite changed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<Vec<String>>,
    /// The variables that a rewrite changed, with their new value, or null if it removed them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) env: BTreeMap<String, Option<String>>,
    /// The facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) facts: Option<Facts>,
    /// Nanoseconds from the notification to the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) took_ns: Option<u64>,
}

/// The facts of a call, by name: a reader need not know every domain that the writer knew.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// The governed tool, or nothing for an ungoverned program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tool: Option<String>,
    /// A second tool that the program could be, by its names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disputed: Option<String>,
    /// What the call would do.
    pub(crate) actions: Vec<Action>,
}

/// One thing that a call would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Action {
    /// The domain of its facts.
    pub(crate) domain: String,
    /// The words of the call that it comes from.
    pub(crate) text: String,
    /// Why it cannot be read as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) opaque: Option<String>,
    /// The facts.
    #[serde(flatten)]
    pub(crate) facts: BTreeMap<String, Fact>,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Fact {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// One word or name.
    Str(String),
    /// Several words or names.
    Set(Vec<String>),
    /// It could not be read.
    Opaque {
        /// Why.
        opaque: String,
    },
}

/// The level of assurance, weakest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Seen, not held
    Observed,
    /// Held by seccomp, proven at the exec stop; connections made on behalf. Needs no privilege
    Held,
    /// Held by seccomp, proven in the kernel; connections decided in the kernel. Needs root
    Proven,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Observed => "observed",
            Self::Held => "held",
            Self::Proven => "proven",
        })
    }
}

fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(deserializer)?;
    if version > VERSION {
        let expected = format!("a version up to {VERSION}; a newer claw wrote this line");
        return Err(D::Error::invalid_value(Unexpected::Unsigned(version.into()), &&*expected));
    }
    Ok(version)
}

#[cfg(test)]
mod tests;
