//! Facts and a policy to a decision. The only evaluator there is.
//!
//! Pure. Each action is matched against every rule by itself (`decide/hit.rs`), the strictest match decides the
//! action, and the strictest action decides the call.

mod hit;
mod injection;

use crate::decision::{Change, Decision, Outcome, Rewrite};
use crate::fact::{Action, Facts, Reading};
use crate::matcher::EXEC;
use crate::policy::{Defaults, Policy};
use crate::value::Value;
use crate::verdict::Verdict;
use hit::Hit;

/// Decides one call.
#[must_use]
pub fn decide(policy: &Policy, facts: &Facts) -> Decision {
    let Some(first) = facts.actions.first() else { return nothing_was_read() };
    let mut outcomes = Vec::with_capacity(facts.actions.len());
    // Each with its rule's position in the file, to sort by.
    let mut rewrites: Vec<(usize, Rewrite)> = Vec::new();
    for (index, action) in facts.actions.iter().enumerate() {
        let mut strictest: Option<Hit<'_>> = None;
        let rewrites_before = rewrites.len();
        for (place, rule) in policy.rules.iter().enumerate() {
            let Some(hit) = Hit::of(rule, facts, index, first, action) else { continue };
            rewrites.extend(hit.changes().iter().map(|change| {
                let rule = rule.id.clone();
                (place, Rewrite { action: index, change: change.clone(), rule })
            }));
            if strictest.as_ref().is_none_or(|other| hit.weight() > other.weight()) {
                strictest = Some(hit);
            }
        }
        keep_smallest_limit(&mut rewrites, rewrites_before);
        outcomes.push(match strictest {
            Some(hit) => hit.outcome(index, first, action),
            None => unmatched(&policy.defaults, facts, index, action),
        });
    }
    apply_exec_default_to_everyday_calls(policy.defaults.exec, facts, &mut outcomes);
    let strips =
        injection::apply_injected_env_default(policy.defaults.injected_env, facts, &mut outcomes);
    // Between equally strict outcomes, prefer a rule to a default, and an action to the call itself: the
    // reason says more.
    let weight = |outcome: &Outcome| {
        (outcome.verdict.strictness(), outcome.rule.is_some(), outcome.action > 0)
    };
    let mut deciding = &outcomes[0];
    for outcome in &outcomes[1..] {
        if weight(outcome) > weight(deciding) {
            deciding = outcome;
        }
    }
    let deciding = deciding.clone();
    let verdict = deciding.verdict;
    rewrites.sort_by_key(|(place, rewrite)| (*place, rewrite.action));
    let mut rewrites: Vec<Rewrite> = rewrites.into_iter().map(|(_, rewrite)| rewrite).collect();
    rewrites.extend(strips);
    if verdict.is_denied() {
        rewrites.clear();
    }
    Decision { verdict, deciding, outcomes, rewrites }
}

/// The outcome of an action that no rule matches.
fn unmatched(defaults: &Defaults, facts: &Facts, index: usize, action: &Action) -> Outcome {
    let Defaults { exec, governed, .. } = *defaults;
    let call = action.domain.name() == EXEC;
    let (verdict, reason) = if !action.domain.governed() {
        let reason = format!("no rule covers this `{}` action", action.domain.name());
        (Verdict::Allow, reason)
    } else if let Some(why) = &action.opaque {
        // An ungoverned program that cannot be read is still a program that may be denied.
        let verdict = if call { exec.stricter(governed) } else { governed };
        (verdict, format!("{why}, and no rule covers it (`defaults.governed` is `{verdict}`)"))
    } else if !call {
        let domain = action.domain.name();
        let reason =
            format!("no rule covers this `{domain}` action (`defaults.governed` is `{governed}`)");
        (governed, reason)
    } else if let Some(tool) = &facts.tool {
        if let Some(Reading::Known(Value::Bool(false))) = action.fact("trusted") {
            let reason = format!(
                "this file is called `{tool}` and is not trusted to be it (`defaults.exec` is `{exec}`)"
            );
            (exec, reason)
        } else if facts.actions.len() > 1 {
            (Verdict::Allow, format!("what `{tool}` does is decided action by action"))
        } else {
            let reason = format!("no rule covers `{tool}` (`defaults.governed` is `{governed}`)");
            (governed, reason)
        }
    } else {
        (exec, format!("no tool governs this program (`defaults.exec` is `{exec}`)"))
    };
    let because = action
        .opaque_reason()
        .map(|reason| format!("{} is opaque: {reason}", action.domain.name()))
        .into_iter()
        .collect();
    Outcome { action: index, verdict, rule: None, at: None, reason, because, unread: None }
}

/// Applies `defaults.exec` to a call with everyday actions, as to an ungoverned program, unless a rule
/// matches the call or such an action.
fn apply_exec_default_to_everyday_calls(exec: Verdict, facts: &Facts, outcomes: &mut [Outcome]) {
    let everyday = |outcome: &&Outcome| {
        outcome.rule.is_none() && !facts.actions[outcome.action].domain.governed()
    };
    let opaque_call = facts.actions[0].opaque.is_some();
    if outcomes[0].rule.is_some() || opaque_call {
        return;
    }
    let Some(domain) =
        outcomes[1..].iter().find(everyday).map(|found| facts.actions[found.action].domain.name())
    else {
        return;
    };
    outcomes[0].verdict = exec;
    outcomes[0].reason =
        format!("no rule covers what it does (`{domain}`), and `defaults.exec` is `{exec}`");
}

/// Denies a call without actions. That breaks the contract of [`Facts`], so nothing is known of the call.
fn nothing_was_read() -> Decision {
    let deciding = Outcome {
        action: 0,
        verdict: Verdict::Deny,
        rule: None,
        at: None,
        reason: "nothing was read of this call".to_owned(),
        because: Vec::new(),
        unread: None,
    };
    let outcomes = vec![deciding.clone()];
    Decision { verdict: Verdict::Deny, deciding, outcomes, rewrites: Vec::new() }
}

/// Keeps the smallest of each kind of limit among one action's rewrites, those from `start`: an action takes one
/// limit, and the strictest rule wins.
fn keep_smallest_limit(rewrites: &mut Vec<(usize, Rewrite)>, start: usize) {
    let limit = |(_, rewrite): &(usize, Rewrite)| match rewrite.change {
        Change::Limit(def, most) => Some((def.name, most)),
        Change::SetEnv(..) | Change::UnsetEnv(_) | Change::Switch(_) => None,
    };
    let mut at = start;
    while at < rewrites.len() {
        // Of equally small limits, the first stays.
        let stays = limit(&rewrites[at]).is_none_or(|(name, most)| {
            rewrites[start..].iter().enumerate().all(|(other, rewrite)| {
                limit(rewrite).is_none_or(|(other_name, other_most)| {
                    let other = start + other;
                    other_name != name || other_most > most || (other_most == most && other >= at)
                })
            })
        });
        if stays {
            at += 1;
        } else {
            rewrites.remove(at);
        }
    }
}

#[cfg(test)]
mod tests;
