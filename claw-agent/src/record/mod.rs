//! One audit record a decision, written off the hot path.
//!
//! Records are JSON Lines. Each line carries the hash of the line before it and its own, so that
//! `claw log verify` finds a changed or a missing line ([`chain`]). Known gap: who can write the files
//! can write a whole new chain; keep a copy of the last hash elsewhere, or the files themselves.

mod chain;
mod part;
mod proof;
mod reader;
mod writer;

use std::collections::BTreeMap;
use std::fmt;

use claw_policy::{Facts, Verdict};
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};

pub(crate) use proof::Proof;
pub(crate) use reader::{Line, parts, read, verify};
pub(crate) use writer::{Audit, Place, Settings};

use crate::decode::Strings;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A session began.
    Start,
    /// A program was about to run.
    Exec,
    /// A connection was about to be made.
    Connect,
    /// A program was killed by the kernel proof: it was not what was judged.
    Killed,
    /// A program was refused by the third lock, its caller still there: it was not what was judged.
    Refused,
    /// A guarded process reached for the guard itself.
    Tamper,
    /// What happened while nothing could be recorded, counted.
    Lost,
    /// A session ended.
    End,
}

/// How sure the answer is that the guard gives, least sure first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
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

/// One line of the audit, without its place in the chain.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    /// What it is about.
    pub(crate) kind: Kind,
    /// The verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<Verdict>,
    /// The id of the rule that decided, or nothing where a default did.
    pub(crate) rule: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// Where the rule stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<String>,
    /// The facts that made the rule match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) because: Vec<String>,
    /// The level of assurance.
    pub(crate) level: Level,
    /// What makes sure that the verdict holds.
    pub(crate) proof: Proof,
    /// The process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<i32>,
    /// The user it runs as, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    /// The file that was called.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "text")]
    pub(crate) path: Vec<u8>,
    /// The arguments that run.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "strings")]
    pub(crate) argv: Option<Strings>,
    /// The arguments that were asked for, where others run.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "strings")]
    pub(crate) asked: Option<Strings>,
    /// The variables that run with another value than was asked for, or with none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) env: BTreeMap<String, Option<String>>,
    /// The address and port of a connection, or the path or @abstract name of a Unix socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// `tcp`, `udp`, `unix` or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<String>,
    /// What came of it where that is not what the verdict says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<String>,
    /// How many there were, where one record stands for several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// The facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) facts: Option<Facts>,
    /// Nanoseconds from the notification to the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) took_ns: Option<u64>,
}

impl Record {
    /// A record with nothing but its kind, level, proof and reason.
    pub(crate) fn new(kind: Kind, level: Level, proof: Proof, reason: impl Into<String>) -> Self {
        Self {
            kind,
            verdict: None,
            rule: None,
            reason: reason.into(),
            at: None,
            because: Vec::new(),
            level,
            proof,
            pid: None,
            uid: None,
            path: Vec::new(),
            argv: None,
            asked: None,
            env: BTreeMap::new(),
            to: None,
            protocol: None,
            outcome: None,
            count: None,
            facts: None,
            took_ns: None,
        }
    }
}

/// Bytes that are not UTF-8 are spelled `\xNN`.
fn text<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match str::from_utf8(bytes) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => serializer.collect_str(&bytes.escape_ascii()),
    }
}

fn strings<S: Serializer>(list: &Option<Strings>, serializer: S) -> Result<S::Ok, S::Error> {
    struct Text<'a>(&'a [u8]);
    impl Serialize for Text<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            text(self.0, serializer)
        }
    }
    let mut seq = serializer.serialize_seq(list.as_ref().map(Strings::len))?;
    for string in list.iter().flat_map(Strings::iter) {
        seq.serialize_element(&Text(string))?;
    }
    seq.end()
}
