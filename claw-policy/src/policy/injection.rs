//! What happens to variables that load code into a governed tool.

use super::Policy;
use crate::decide::{Change, Outcome, Rewrite, Verdict};
use crate::fact::{Facts, Reading, Value};

/// What becomes of a governed tool's call whose environment has something loaded into the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectedEnv {
    /// It runs without those variables.
    Strip,
    /// It does not run.
    Deny,
    /// It runs as it is: rules that ask for `exec.injected_env` decide.
    Keep,
}

/// What stands in the place of a rule's id in the changes; no rule can be called so.
const DEFAULT: &str = "defaults.injected_env";

impl Policy {
    /// Applies `defaults.injected_env` to the outcome of the call itself; nothing for a program that no
    /// tool governs, which may have loaded what it likes.
    pub(super) fn look_at_injected_env(
        &self,
        facts: &Facts,
        outcomes: &mut [Outcome],
    ) -> Vec<Rewrite> {
        let wanted = self.defaults.injected_env;
        let (Some(call), Some(outcome)) = (facts.actions.first(), outcomes.first_mut()) else {
            return Vec::new();
        };
        let Some(Reading::Known(Value::Set(names))) = call.fact("injected_env") else {
            return Vec::new();
        };
        if names.is_empty() || wanted == InjectedEnv::Keep || !facts.governed() {
            return Vec::new();
        }
        let listed: Vec<&str> = names.iter().map(String::as_str).collect();
        let (verdict, says) = match wanted {
            InjectedEnv::Deny => (Verdict::Deny, "deny"),
            InjectedEnv::Strip | InjectedEnv::Keep => (Verdict::Rewrite, "strip"),
        };
        if outcome.verdict < verdict {
            outcome.verdict = verdict;
            outcome.rule = None;
            outcome.at = None;
            outcome.reason = format!(
                "the environment has something loaded into the tool (`{DEFAULT}` is `{says}`)"
            );
            outcome.because = vec![format!("exec.injected_env = [{}]", listed.join(", "))];
        }
        if wanted == InjectedEnv::Deny {
            return Vec::new();
        }
        let strip = |name: &String| Rewrite {
            action: 0,
            change: Change::UnsetEnv(name.clone()),
            rule: DEFAULT.to_owned(),
        };
        names.iter().map(strip).collect()
    }
}
