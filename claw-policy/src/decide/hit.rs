//! Whether a rule matches an action, and with what verdict.

use crate::decision::{Change, Outcome};
use crate::fact::{Action, Facts};
use crate::matcher::{Condition, Truth};
use crate::rule::{About, Rule};
use crate::verdict::{Strictness, Verdict};

/// A rule that matched one action.
pub(super) struct Hit<'a> {
    rule: &'a Rule,
    /// The rule's verdict, or deny if it is a rewrite and the action is opaque.
    verdict: Verdict,
    /// Whether every fact the rule depends on was read.
    certain: bool,
    /// Whether the verdict is the rule's own.
    own: bool,
}

impl<'a> Hit<'a> {
    /// The rule's match with the action at `index`, and its verdict; `None` if it does not match.
    pub(super) fn of(
        rule: &'a Rule,
        facts: &Facts,
        index: usize,
        first: &Action,
        action: &Action,
    ) -> Option<Self> {
        let about = match &rule.about {
            About::Call => index == 0,
            About::Domain(name) => *name == *action.domain.name(),
            About::Every => true,
            About::Others => index > 0,
        };
        let tool = rule.tools.is_empty() || facts.tools().any(|tool| rule.tools.contains(tool));
        if !about || !tool {
            return None;
        }
        let all = |conditions: &[Condition]| {
            let holds = conditions.iter().map(|condition| condition.holds(first, action));
            holds.min().unwrap_or(Truth::Yes)
        };
        let matches = all(&rule.matches);
        let excused = if rule.unless.is_empty() { Truth::No } else { all(&rule.unless) };
        if matches == Truth::No || excused == Truth::Yes {
            return None;
        }
        let certain = (matches, excused) == (Truth::Yes, Truth::No);
        let verdict = if certain { rule.verdict } else { rule.verdict.if_in_doubt()? };
        let own = verdict.strictness() == rule.verdict.strictness();
        Some(Self { rule, verdict, certain, own })
    }

    /// The changes that this match asks for; none unless the rule matches for certain.
    pub(super) fn changes(&self) -> &'a [Change] {
        if self.own { &self.rule.changes } else { &[] }
    }

    /// The greatest weight decides. Between equally strict hits, prefer a rule that matches for certain to
    /// one that only may match, and a rule's own denial to a rewrite that became one.
    pub(super) fn weight(&self) -> (Strictness, bool, bool) {
        (self.verdict.strictness(), self.certain, self.own)
    }

    /// The outcome of this match for the action at `index`.
    pub(super) fn outcome(self, index: usize, first: &Action, action: &Action) -> Outcome {
        let Rule { id, at, reason, .. } = self.rule;
        let mut because: Vec<String> =
            self.rule.matches.iter().map(|condition| condition.reading(first, action)).collect();
        because.extend(
            self.rule
                .unless
                .iter()
                .filter(|condition| condition.holds(first, action) == Truth::Unknown)
                .map(|condition| condition.reading(first, action)),
        );
        let conditions = || self.rule.matches.iter().chain(&self.rule.unless);
        let unknown = conditions().find_map(|condition| condition.unknown(first, action));
        let unknown = unknown.filter(|_| !self.certain);
        let reason = match &unknown {
            Some(why) if self.own => format!("cannot be read: {why} (not ruled out: {reason})"),
            Some(why) => format!("cannot be changed as the rule asks: {why}"),
            None => reason.clone(),
        };
        let unread = unknown.filter(|_| self.own).map(|why| why.to_string());
        Outcome {
            action: index,
            verdict: self.verdict,
            rule: Some(id.clone()),
            at: Some(at.clone()),
            reason,
            because,
            unread,
        }
    }
}
