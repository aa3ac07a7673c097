//! classify, decide and rewrite, in the one order that every caller shares: a held call, an observed
//! call, `claw check` and `claw test`.
//!
//! Input: a policy and a call. Output: a [`Judgement`]. Pure but for [`policy_file`], which reads the
//! policy from disk before anything is judged.

pub(crate) mod content;
pub(crate) mod image;
pub(crate) mod policy_file;
pub(crate) mod written;

use std::collections::{BTreeMap, BTreeSet};

use claw_classify::{Call, File, Files, Rewritten, Stdin, Tools};
use claw_policy::{Decision, Facts, Outcome, Policy, Verdict, decide};

/// What is known of a call, what was decided, and what runs instead where it is to be changed.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// The facts of the call as it was made.
    pub(crate) facts: Facts,
    /// The decision. Its verdict is [`Verdict::Rewrite`] only where the rewritten call was judged too
    /// and may run.
    pub(crate) decision: Decision,
    /// The argument vector and environment to run, or nothing where the call runs as it was made or
    /// not at all. A rewrite that changes nothing, because the call already is as a rule would have
    /// it, is nothing here too.
    pub(crate) rewritten: Option<Rewritten>,
}

/// Judges one call, by the content of what it names where `files` vouches for it.
pub(crate) fn judge(policy: &Policy, call: &Call<'_>, files: &dyn Files) -> Judgement {
    let facts = Tools::with(policy.declared()).classify(call, files);
    let mut decision = decide(policy, &facts);
    if decision.verdict != Verdict::Rewrite {
        return Judgement { facts, decision, rewritten: None };
    }
    match settled(policy, call, files, &facts, &decision) {
        Ok(rewritten) => {
            let rewritten = Some(rewritten).filter(|rewritten| !is_same(call, files, rewritten));
            Judgement { facts, decision, rewritten }
        }
        Err(refusal) => {
            refuse(&mut decision, refusal);
            Judgement { facts, decision, rewritten: None }
        }
    }
}

/// Why a call that rules would change cannot run.
struct Refusal {
    action: usize,
    rule: Option<String>,
    at: Option<String>,
    reason: String,
    because: Vec<String>,
}

/// Applies the rewrites of `decision` and judges the result as if it had been called: it must be
/// allowed, or be what its own rewrites would make of it. Otherwise a rewrite could turn a call into
/// one that no rule permits, or a tool's reading of its own output could differ from what was meant.
fn settled(
    policy: &Policy,
    call: &Call<'_>,
    files: &dyn Files,
    facts: &Facts,
    decision: &Decision,
) -> Result<Rewritten, Refusal> {
    let tools = Tools::with(policy.declared());
    let rewritten = tools.rewrite(call, files, facts, &decision.rewrites).map_err(|cannot| {
        let asked = decision.rewrites.iter().find(|rewrite| rewrite.rule == cannot.rule);
        Refusal {
            action: asked.map_or(decision.deciding.action, |rewrite| rewrite.action),
            reason: format!("the call cannot be changed as the rule asks: {}", cannot.reason),
            at: policy
                .rules()
                .iter()
                .find(|rule| rule.id == cannot.rule)
                .map(|rule| rule.at.clone()),
            rule: Some(cannot.rule),
            because: Vec::new(),
        }
    })?;
    let argv: Vec<&[u8]> = rewritten.argv.iter().map(Vec::as_slice).collect();
    let env: Vec<&[u8]> = rewritten.env.iter().map(Vec::as_slice).collect();
    let stdin = rewritten.stdin.as_deref().map_or(call.stdin, Stdin::Content);
    let changed = Call { argv: &argv, env: &env, stdin, ..*call };
    let files = Changed { before: files, changed: &rewritten.files };
    let facts = tools.classify(&changed, &files);
    let after = decide(policy, &facts);
    match after.verdict {
        Verdict::Allow => return Ok(rewritten),
        Verdict::Rewrite => {
            let again = tools.rewrite(&changed, &files, &facts, &after.rewrites);
            if again.is_ok_and(|again| is_same(&changed, &files, &again)) {
                return Ok(rewritten);
            }
        }
        Verdict::Deny => {
            let Outcome { rule, at, reason, because, .. } = after.deciding;
            return Err(Refusal {
                action: decision.deciding.action,
                rule,
                at,
                reason: format!("the call as rules would change it is denied: {reason}"),
                because,
            });
        }
    }
    Err(Refusal {
        action: decision.deciding.action,
        rule: decision.deciding.rule.clone(),
        at: decision.deciding.at.clone(),
        reason: "the call as rules would change it would have to be changed again".to_owned(),
        because: after.deciding.because,
    })
}

/// Files as a rewrite leaves them.
#[derive(Debug)]
struct Changed<'a> {
    before: &'a dyn Files,
    changed: &'a [(Vec<u8>, Vec<u8>)],
}

impl Files for Changed<'_> {
    fn file(&self, path: &[u8]) -> File<'_> {
        match self.changed.iter().find(|(changed, _)| changed == path) {
            Some((_, content)) => File::Content(content),
            None => self.before.file(path),
        }
    }
}

/// Turns `decision` into a denial.
fn refuse(decision: &mut Decision, refusal: Refusal) {
    let outcomes = &mut decision.outcomes;
    let outcome = Outcome {
        action: refusal.action,
        verdict: Verdict::Deny,
        rule: refusal.rule,
        at: refusal.at,
        reason: refusal.reason,
        because: refusal.because,
    };
    if let Some(of_action) = outcomes.get_mut(refusal.action) {
        of_action.clone_from(&outcome);
    }
    decision.verdict = Verdict::Deny;
    decision.deciding = outcome;
    decision.rewrites.clear();
}

/// The variables that differ, with their value after the change: nothing where they were removed.
pub(crate) fn environment_changes<'a>(
    before: impl Iterator<Item = &'a [u8]>,
    after: impl Iterator<Item = &'a [u8]>,
) -> BTreeMap<String, Option<String>> {
    let split = |entry: &[u8]| {
        let entry = String::from_utf8_lossy(entry);
        let (name, value) = entry.split_once('=').unwrap_or((&entry, ""));
        (name.to_owned(), value.to_owned())
    };
    let (before, after): (BTreeSet<&[u8]>, BTreeSet<&[u8]>) = (before.collect(), after.collect());
    let gone = before.difference(&after).map(|entry| (split(entry).0, None));
    let new = after.difference(&before).map(|entry| {
        let (name, value) = split(entry);
        (name, Some(value))
    });
    gone.chain(new).collect()
}

/// Whether `rewritten` is `call` unchanged.
fn is_same(call: &Call<'_>, files: &dyn Files, rewritten: &Rewritten) -> bool {
    let same_file =
        |(path, content): &(Vec<u8>, Vec<u8>)| files.file(path) == File::Content(content);

    call.argv.iter().copied().eq(rewritten.argv.iter().map(Vec::as_slice))
        && call.env.iter().copied().eq(rewritten.env.iter().map(Vec::as_slice))
        && rewritten.stdin.as_ref().is_none_or(|stdin| call.stdin == Stdin::Content(stdin))
        && rewritten.files.iter().all(same_file)
}

#[cfg(test)]
mod tests;
