//! What was decided for a call: the verdict, its reasons, and the changes that go with it.

use serde::Serialize;

use crate::schema::ChangeDef;
use crate::verdict::Verdict;

/// One change that a rewrite rule asks for. The tool that classified the call applies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets an environment variable.
    SetEnv(String, String),
    /// Removes an environment variable.
    UnsetEnv(String),
    /// A change that the tool declares, made or not made.
    Switch(&'static ChangeDef),
    /// A change that the tool declares, with an upper bound.
    Limit(&'static ChangeDef, u64),
}

impl Change {
    /// Whether the change is made to the call as a whole. Such a change does not permit any action.
    #[must_use]
    pub fn is_of_call(&self) -> bool {
        match self {
            Self::SetEnv(..) | Self::UnsetEnv(_) => true,
            Self::Switch(def) | Self::Limit(def, _) => def.of_call,
        }
    }

    /// The tool's declaration of the change; `None` for changes to the environment.
    pub(crate) fn def(&self) -> Option<&'static ChangeDef> {
        match self {
            Self::SetEnv(..) | Self::UnsetEnv(_) => None,
            Self::Switch(def) | Self::Limit(def, _) => Some(def),
        }
    }
}

/// A change, the action that asked for it and the rule it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// The index of the action in [`Facts::actions`](crate::Facts::actions).
    pub action: usize,
    /// What to change.
    pub change: Change,
    /// The id of the rule.
    pub rule: String,
}

/// What was decided for one action.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The index of the action in [`Facts::actions`](crate::Facts::actions).
    pub action: usize,
    /// Its verdict.
    pub verdict: Verdict,
    /// The id of the rule that gave it, or `None` if a default did.
    pub rule: Option<String>,
    /// Where the rule stands, `FILE:LINE`, or `None` if a default decided.
    pub at: Option<String>,
    /// The rule's reason, or what default applied and why.
    pub reason: String,
    /// The facts that made the rule match, `sql.effect = ddl`, or why they could not be read.
    pub because: Vec<String>,
    /// Why what the rule asks about could not be read, if that alone made it match.
    pub unread: Option<String>,
}

/// The verdict on a call, with its reasons.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The strictest verdict of all actions.
    pub verdict: Verdict,
    /// The outcome that gave the verdict. Of equally strict outcomes: the first from a rule, else the first
    /// of an action, else that of the call itself.
    pub deciding: Outcome,
    /// The outcome of each action, in their order.
    pub outcomes: Vec<Outcome>,
    /// The changes that the call runs with if it runs, in the order of the rules in the file. Empty if the
    /// call is denied or no rule changes it.
    pub rewrites: Vec<Rewrite>,
}

impl Decision {
    /// Turns the decision into a denial. The changes are dropped, because nothing runs.
    pub fn refuse(&mut self, refusal: Refusal) {
        let Refusal { action, rule, at, reason, because } = refusal;
        let outcome =
            Outcome { action, verdict: Verdict::Deny, rule, at, reason, because, unread: None };
        if let Some(of_action) = self.outcomes.get_mut(action) {
            of_action.clone_from(&outcome);
        }
        self.verdict = outcome.verdict;
        self.deciding = outcome;
        self.rewrites.clear();
    }
}

/// Why a call is denied after the policy had let it run, for a reason found later.
#[derive(Debug)]
pub struct Refusal {
    /// The index of the action in [`Facts::actions`](crate::Facts::actions).
    pub action: usize,
    /// The id of the rule behind it, if there is one.
    pub rule: Option<String>,
    /// Where that rule stands, `FILE:LINE`.
    pub at: Option<String>,
    /// Why.
    pub reason: String,
    /// The facts behind it.
    pub because: Vec<String>,
}
