//! classify, decide and rewrite, in the one order that every caller shares: a held call, an observed
//! call, `claw check` and `claw test`.
//!
//! Input: a policy and a call. Output: a [`Judgement`]. Pure but for [`policy_file`], which reads the
//! policy from disk before anything is judged.

pub(crate) mod call;
pub(crate) mod content;
pub(crate) mod image;
pub(crate) mod policy_file;
pub(crate) mod written;

use std::collections::{BTreeMap, BTreeSet};

use claw_classify::{Call, File, Files, Reading, Rewritten, Stdin, Texts, Tools};
use claw_policy::{Decision, Facts, Outcome, Policy, Refusal, Verdict, decide};

/// The facts of a call, the decision, and what runs instead if the call is changed.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// The facts of the call as it was made.
    pub(crate) facts: Facts,
    /// The decision. Its verdict is [`Verdict::Rewrite`] only if the rewritten call was judged too and may
    /// run.
    pub(crate) decision: Decision,
    /// The argument vector and environment to run. `None` if the call runs unchanged or not at all, and also
    /// if a rewrite had nothing to change.
    pub(crate) rewritten: Option<Rewritten>,
    /// The files whose content judging asked for.
    pub(crate) asked: Asked,
    /// Whether the facts depend on standard input.
    pub(crate) looked_at_stdin: bool,
    /// Whether the facts or the changes depend on the working directory.
    pub(crate) looked_at_cwd: bool,
}

/// Which files judging asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Asked while reading and changing the call.
    pub(crate) while_judging: BTreeSet<Vec<u8>>,
    /// Asked while reading the call as it would run.
    pub(crate) when_run: BTreeSet<Vec<u8>>,
}

/// Judges calls by one policy. Parsed text is kept from call to call, so use one judge for all the readings
/// of one exec.
#[derive(Debug)]
pub(crate) struct Judge<'p> {
    policy: &'p Policy,
    texts: Texts,
}

impl<'p> Judge<'p> {
    /// A judge that has seen no call.
    pub(crate) fn of(policy: &'p Policy) -> Self {
        Self { policy, texts: Texts::default() }
    }

    /// The policy.
    pub(crate) fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// Claw's own tools, which share what is parsed.
    pub(crate) fn own_tools(&self) -> Tools<'_> {
        Tools::BUILT_IN.sharing(&self.texts)
    }

    fn tools(&self) -> Tools<'_> {
        Tools::with(self.policy.declared()).sharing(&self.texts)
    }

    /// Reads one call, with the content that `files` vouches for, and decides on it.
    pub(crate) fn read<'a>(&'a self, call: &Call<'a>, files: &'a dyn Files) -> Opinion<'a> {
        let reading = self.tools().read(call, files);
        let decision = decide(self.policy, &reading.facts);
        Opinion { judge: self, call: *call, files, reading, decision }
    }

    /// Judges one call: reads it, decides, and makes the changes that rules ask for.
    pub(crate) fn judge(&self, call: &Call<'_>, files: &dyn Files) -> Judgement {
        self.read(call, files).settle()
    }
}

/// A decision on a call whose changes are not made yet.
#[derive(Debug)]
pub(crate) struct Opinion<'a> {
    judge: &'a Judge<'a>,
    call: Call<'a>,
    files: &'a dyn Files,
    /// The reading of the call.
    pub(crate) reading: Reading<'a>,
    /// What was decided.
    pub(crate) decision: Decision,
}

impl Opinion<'_> {
    /// The judgement before changes are made. Making them may still turn it into a denial.
    pub(crate) fn unsettled(self) -> Judgement {
        let asked = self.reading.asked();
        let asked = Asked { while_judging: asked.clone(), when_run: asked };
        self.judgement(asked, None, false)
    }

    /// Makes the changes that rules ask for, or denies the call if they cannot be made.
    pub(crate) fn settle(mut self) -> Judgement {
        if self.decision.rewrites.is_empty() {
            return self.unsettled();
        }
        let own = self.reading.asked();
        let mut asked = Asked { while_judging: own.clone(), when_run: own };
        let mut looked_at_cwd = false;
        let rewritten = self.rewritten(&mut asked, &mut looked_at_cwd).unwrap_or_else(|refusal| {
            self.decision.refuse(refusal);
            None
        });
        asked.while_judging.extend(self.reading.asked());
        self.judgement(asked, rewritten, looked_at_cwd)
    }

    /// The judgement; `looked_at_cwd` says whether judging the rewritten call looked at the working
    /// directory.
    fn judgement(
        self,
        asked: Asked,
        rewritten: Option<Rewritten>,
        looked_at_cwd: bool,
    ) -> Judgement {
        let looked_at_stdin = self.reading.looked_at_stdin();
        let looked_at_cwd = looked_at_cwd || self.reading.looked_at_cwd();
        let Self { reading, decision, .. } = self;
        let facts = reading.facts;
        Judgement { facts, decision, rewritten, asked, looked_at_stdin, looked_at_cwd }
    }

    /// Applies the rewrites of the decision and judges the result as a call of its own. It must be allowed,
    /// or its own rewrites must leave it as it is. Otherwise a rewrite could turn a call into one that no
    /// rule permits, or the tool could read its own output differently than intended.
    ///
    /// `None` if the rewrites change nothing: the call itself is already judged.
    fn rewritten(
        &self,
        asked: &mut Asked,
        looked_at_cwd: &mut bool,
    ) -> Result<Option<Rewritten>, Refusal> {
        let Self { judge, call, files, reading, decision } = self;
        let policy = judge.policy;
        let rewritten = reading.rewrite(&decision.rewrites).map_err(|cannot| {
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
        if is_same(call, *files, &rewritten) {
            return Ok(None);
        }
        let argv: Vec<&[u8]> = rewritten.argv.iter().map(Vec::as_slice).collect();
        let env: Vec<&[u8]> = rewritten.env.iter().map(Vec::as_slice).collect();
        let stdin = rewritten.stdin.as_deref().map_or(call.stdin, Stdin::Content);
        let changed = Call { argv: &argv, env: &env, stdin, ..*call };
        let files = Changed { before: *files, changed: &rewritten.files };
        let Opinion { reading, decision: after, .. } = judge.read(&changed, &files);
        let again = match after.verdict {
            Verdict::Rewrite => Some(reading.rewrite(&after.rewrites)),
            Verdict::Allow | Verdict::Deny => None,
        };
        *looked_at_cwd = reading.looked_at_cwd();
        asked.when_run = reading.asked();
        asked.while_judging.extend(reading.asked());
        match after.verdict {
            Verdict::Allow => return Ok(Some(rewritten)),
            Verdict::Rewrite => {
                let stays = |again: Rewritten| is_same(&changed, &files, &again);
                if again.is_some_and(|again| again.is_ok_and(stays)) {
                    return Ok(Some(rewritten));
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
}

/// The files after a rewrite.
#[derive(Debug)]
struct Changed<'a> {
    before: &'a dyn Files,
    changed: &'a [(Vec<u8>, Vec<u8>)],
}

impl Files for Changed<'_> {
    fn file(&self, path: &[u8]) -> File<'_> {
        match self.changed.iter().find(|(changed, _)| changed == path) {
            Some((_, content)) => File::content(content),
            None => self.before.file(path),
        }
    }
}

/// The variables that differ, each with its value after the change, or `None` if it was removed.
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
        |(path, content): &(Vec<u8>, Vec<u8>)| files.file(path) == File::content(content);

    call.argv.iter().copied().eq(rewritten.argv.iter().map(Vec::as_slice))
        && call.env.iter().copied().eq(rewritten.env.iter().map(Vec::as_slice))
        && rewritten.stdin.as_ref().is_none_or(|stdin| call.stdin == Stdin::Content(stdin))
        && rewritten.files.iter().all(same_file)
}

#[cfg(test)]
mod tests;
