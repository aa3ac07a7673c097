//! Facts and a policy to a decision. The only evaluator there is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fact::Facts;
use crate::policy::Policy;

/// What happens to a call, mildest first: the strictest matching rule wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It runs as it is.
    Allow,
    /// It runs changed.
    Rewrite,
    /// It does not run.
    Deny,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Rewrite => "rewrite",
            Self::Deny => "deny",
        })
    }
}

/// One change that a rewrite rule asks for. The tool that classified the call applies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// No more than this many rows from a statement that returns rows and says no limit itself.
    LimitRows(u64),
    /// Sets an environment variable.
    SetEnv(String, String),
    /// Removes an environment variable.
    UnsetEnv(String),
    /// psql reads no start-up file of its own: `-X`.
    NoPsqlrc,
    /// psql stops a script at its first error: `-v ON_ERROR_STOP=1`.
    OnErrorStop,
    /// psql's session begins read-only: `default_transaction_read_only`, through `PGOPTIONS`.
    ReadOnly,
}

impl Change {
    /// Whether it is made to the call as a whole, and so permits nothing of what the call does.
    pub(crate) fn is_of_call(&self) -> bool {
        !matches!(self, Self::LimitRows(_))
    }
}

/// A change, the action that asked for it and the rule it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rewrite {
    /// The index of the action in [`Facts::actions`].
    pub action: usize,
    /// What to change.
    pub change: Change,
    /// The id of the rule.
    pub rule: String,
}

/// What was decided for one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The index of the action in [`Facts::actions`].
    pub action: usize,
    /// Its verdict.
    pub verdict: Verdict,
    /// The id of the rule that gave it, or nothing where a default did.
    pub rule: Option<String>,
    /// Where the rule stands, `FILE:LINE`, or nothing where a default decided.
    pub at: Option<String>,
    /// The rule's reason, or what default applied and why.
    pub reason: String,
    /// The facts that made the rule match, `sql.effect = ddl`, or why they could not be read.
    pub because: Vec<String>,
}

/// The verdict on a call, with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The strictest verdict of all actions.
    pub verdict: Verdict,
    /// The outcome that gave the verdict. Of several as strict: the first that a rule gave, or else
    /// the first of what the call does, or else that of the call itself.
    pub deciding: Outcome,
    /// The outcome of each action, in their order.
    pub outcomes: Vec<Outcome>,
    /// The changes to apply, in the order of the rules in the file; empty unless the verdict is
    /// [`Verdict::Rewrite`].
    pub rewrites: Vec<Rewrite>,
}

/// Decides one call.
#[must_use]
pub fn decide(policy: &Policy, facts: &Facts) -> Decision {
    policy.judge(facts)
}
