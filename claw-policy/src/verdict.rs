//! A verdict, and the questions that may be asked of it.
//!
//! Nothing outside this file compares verdicts: the type has no `==` and no order. Callers ask a question
//! with an exact name, or write a `match` that names every verdict. A verdict that is added later therefore
//! fails to compile in each question here and in each such `match`, instead of being treated as whatever `!=
//! Deny` included. `tests/verdicts.rs` keeps wildcards, `matches!` and `if let` away from verdicts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What happens to a call, mildest first: the strictest matching rule wins.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It runs as it is.
    Allow,
    /// It runs changed.
    Rewrite,
    /// It does not run.
    Deny,
}

/// How strict a verdict is. Only the order means anything: the stricter verdict is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strictness(u8);

impl Verdict {
    /// Each of them, mildest first.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Rewrite, Self::Deny];

    /// The word that policies, records and answers use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Rewrite => "rewrite",
            Self::Deny => "deny",
        }
    }

    /// Where it stands in the order of strictness.
    #[must_use]
    pub const fn strictness(self) -> Strictness {
        match self {
            Self::Allow => Strictness(0),
            Self::Rewrite => Strictness(1),
            Self::Deny => Strictness(2),
        }
    }

    /// The stricter of the two.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        if other.strictness() > self.strictness() { other } else { self }
    }

    /// Whether the call continues, changed or not, without a question to anybody.
    #[must_use]
    pub const fn runs(self) -> bool {
        match self {
            Self::Allow | Self::Rewrite => true,
            Self::Deny => false,
        }
    }

    /// Whether the call never continues, whatever else claw finds out about it.
    #[must_use]
    pub const fn is_denied(self) -> bool {
        match self {
            Self::Allow | Self::Rewrite => false,
            Self::Deny => true,
        }
    }

    /// Whether a rule with this verdict must say what it changes.
    pub(crate) const fn needs_changes(self) -> bool {
        match self {
            Self::Rewrite => true,
            Self::Allow | Self::Deny => false,
        }
    }

    /// Whether a rule with this verdict must give a reason, because it stops somebody.
    pub(crate) const fn needs_reason(self) -> bool {
        match self {
            Self::Deny => true,
            Self::Allow | Self::Rewrite => false,
        }
    }

    /// The verdict of a rule that may or may not match; `None` if it only permits. A rewrite permits the
    /// action, while no match may fall through to a deny: neither is always the stricter one, so it denies.
    pub(crate) const fn if_in_doubt(self) -> Option<Self> {
        match self {
            Self::Allow => None,
            Self::Rewrite | Self::Deny => Some(Self::Deny),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
