//! The default for variables that load code into a governed tool.

use crate::decision::{Change, Outcome, Rewrite};
use crate::fact::{Facts, Reading};
use crate::policy::InjectedEnv;
use crate::value::Value;
use crate::verdict::Verdict;

/// Stands for a rule's id in the changes. No rule can have this id.
const DEFAULT: &str = "defaults.injected_env";

/// Applies `defaults.injected_env` to the outcome of the call itself, and returns the changes it asks for. An
/// ungoverned program may load any code, so nothing happens to it.
pub(super) fn apply_injected_env_default(
    wanted: InjectedEnv,
    facts: &Facts,
    outcomes: &mut [Outcome],
) -> Vec<Rewrite> {
    let (Some(call), Some(outcome)) = (facts.actions.first(), outcomes.first_mut()) else {
        return Vec::new();
    };
    let Some(Reading::Known(Value::Set(names))) = call.fact("injected_env") else {
        return Vec::new();
    };
    if names.is_empty() || !facts.governed() {
        return Vec::new();
    }
    let (verdict, says, strips) = match wanted {
        InjectedEnv::Keep => return Vec::new(),
        InjectedEnv::Deny => (Verdict::Deny, "deny", false),
        InjectedEnv::Strip => (Verdict::Rewrite, "strip", true),
    };
    if verdict.strictness() > outcome.verdict.strictness() {
        let listed: Vec<&str> = names.iter().map(String::as_str).collect();
        outcome.verdict = verdict;
        outcome.rule = None;
        outcome.at = None;
        outcome.reason =
            format!("the environment has something loaded into the tool (`{DEFAULT}` is `{says}`)");
        outcome.because = vec![format!("exec.injected_env = [{}]", listed.join(", "))];
    }
    let strip = |name: &String| Rewrite {
        action: 0,
        change: Change::UnsetEnv(name.clone()),
        rule: DEFAULT.to_owned(),
    };
    names.iter().filter(|_| strips).map(strip).collect()
}
