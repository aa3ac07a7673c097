//! A policy that has been read and checked, and how its rules are matched against actions.

mod injection;

use std::net::IpAddr;

use crate::connect::{self, ConnectRule, Protocol};
use crate::decide::{Change, Decision, Outcome, Rewrite, Verdict};
use crate::diagnostic::Diagnostic;
use crate::door::Door;
use crate::fact::{Action, Facts, Reading, Schema, Value};
use crate::grammar::Grammar;
use crate::matcher::{Condition, EXEC, Truth, opaque_reason};
use crate::parse;
use crate::pattern::Pattern;
use crate::unix::{self, Names, UnixRule};
pub use injection::InjectedEnv;

/// Whether verdicts are carried out. [`crate::decide`] does not look at it: its caller does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Enforce,
    /// They are only recorded.
    Observe,
}

/// The verdicts where no rule matches: each [`Verdict::Allow`] or [`Verdict::Deny`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// A program that no tool governs.
    pub exec: Verdict,
    /// What a governed tool does, and what could not be read.
    pub governed: Verdict,
    /// A connection.
    pub connect: Verdict,
    /// A Unix socket.
    pub unix: Verdict,
    /// A governed tool that the environment has something loaded into.
    pub injected_env: InjectedEnv,
}

/// How a denied call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// As the tool's own error: on its stderr, with its exit status and the rule's id and reason.
    Tool,
    /// The system call fails, and nothing is said.
    Errno(Errno),
}

/// The errors a denied call may fail with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errno {
    /// Permission denied.
    Eacces,
    /// Operation not permitted.
    Eperm,
    /// No such file or directory.
    Enoent,
}

impl Errno {
    /// As a policy spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eacces => "EACCES",
            Self::Eperm => "EPERM",
            Self::Enoent => "ENOENT",
        }
    }
}

/// Which actions of a call a rule is matched against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// The first, which is the call itself.
    Call,
    /// Those of this domain.
    Domain(&'static str),
    /// Every one.
    Every,
    /// Every one but the first.
    Others,
}

/// A rule about what a call does.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, unique in the policy.
    pub id: String,
    /// The line it starts at, from 1.
    pub line: usize,
    /// `FILE:LINE`.
    pub at: String,
    /// What happens to an action that matches.
    pub verdict: Verdict,
    /// Why, for the people and programs that meet the verdict.
    pub reason: String,
    /// What a rewrite rule changes.
    pub changes: Vec<Change>,
    pub(crate) tools: Vec<&'static str>,
    pub(crate) about: About,
    pub(crate) matches: Vec<Condition>,
    pub(crate) unless: Vec<Condition>,
}

/// A rule that matched one action.
struct Hit<'a> {
    rule: &'a Rule,
    /// The rule's verdict, or deny where a rewrite cannot be applied to what is opaque.
    verdict: Verdict,
    /// Whether every fact it depends on was read.
    certain: bool,
}

impl Rule {
    /// Whether it matches the action at `index`, and with what verdict.
    fn hit(&self, facts: &Facts, index: usize, first: &Action, action: &Action) -> Option<Hit<'_>> {
        let about = match self.about {
            About::Call => index == 0,
            About::Domain(name) => action.domain.name == name,
            About::Every => true,
            About::Others => index > 0,
        };
        let tool = self.tools.is_empty() || facts.tools().any(|tool| self.tools.contains(&tool));
        if !about || !tool {
            return None;
        }
        let all = |conditions: &[Condition]| {
            let holds = conditions.iter().map(|condition| condition.holds(first, action));
            holds.min().unwrap_or(Truth::Yes)
        };
        let matches = all(&self.matches);
        let excused = if self.unless.is_empty() { Truth::No } else { all(&self.unless) };
        // What cannot be told counts as the stricter of the two.
        let verdict = match (self.verdict, matches, excused) {
            (_, Truth::No, _) | (_, _, Truth::Yes) => return None,
            (Verdict::Allow, Truth::Yes, Truth::No) => Verdict::Allow,
            (Verdict::Allow, _, _) => return None,
            (Verdict::Rewrite, Truth::Yes, Truth::No) => Verdict::Rewrite,
            // Of a rewrite, which permits, and no match, which may not, neither is always stricter.
            (Verdict::Rewrite | Verdict::Deny, _, _) => Verdict::Deny,
        };
        let certain = (matches, excused) == (Truth::Yes, Truth::No);
        Some(Hit { rule: self, verdict, certain })
    }
}

impl Hit<'_> {
    /// The greatest decides. Of several as strict, a rule that matches says more than one that is
    /// only not ruled out, and a denial more than a change that cannot be made.
    fn weight(&self) -> (Verdict, bool, bool) {
        (self.verdict, self.certain, self.verdict == self.rule.verdict)
    }

    fn outcome(self, index: usize, first: &Action, action: &Action) -> Outcome {
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
        let reason = match conditions().find_map(|condition| condition.unknown(first, action)) {
            Some(why) if !self.certain && self.verdict == self.rule.verdict => {
                format!("{reason} (not ruled out: {why})")
            }
            Some(why) if !self.certain => format!("cannot be changed as the rule asks: {why}"),
            _ => reason.clone(),
        };
        Outcome {
            action: index,
            verdict: self.verdict,
            rule: Some(id.clone()),
            at: Some(at.clone()),
            reason,
            because,
        }
    }
}

/// A policy.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) file: String,
    pub(crate) mode: Mode,
    pub(crate) defaults: Defaults,
    pub(crate) denial: Denial,
    pub(crate) open: Vec<Door>,
    pub(crate) pins: Vec<(&'static str, Vec<[u8; 32]>)>,
    pub(crate) declared: Vec<&'static Grammar>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) connect: Vec<ConnectRule>,
    pub(crate) unix: Vec<UnixRule>,
}

impl Policy {
    /// Reads a policy. `file` is what it is called in [`Outcome::at`]; `schema` says what it may speak
    /// of. The language is described at the top of this crate.
    ///
    /// # Errors
    /// Every mistake in the text, in the order of the text.
    pub fn parse(text: &str, file: &str, schema: &Schema) -> Result<Self, Vec<Diagnostic>> {
        parse::policy(text, file, schema)
    }

    /// The name it was read under.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether verdicts are carried out.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The verdicts where no rule matches.
    #[must_use]
    pub fn defaults(&self) -> Defaults {
        self.defaults
    }

    /// How a denied call ends.
    #[must_use]
    pub fn denial(&self) -> Denial {
        self.denial
    }

    /// The side doors that are closed: all that the policy does not open.
    pub fn closed_doors(&self) -> impl Iterator<Item = Door> {
        Door::ALL.into_iter().filter(|door| !self.open.contains(door))
    }

    /// The rules about calls, in file order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules about connections, in file order.
    #[must_use]
    pub fn connect(&self) -> &[ConnectRule] {
        &self.connect
    }

    /// The rules about Unix sockets, in file order.
    #[must_use]
    pub fn unix(&self) -> &[UnixRule] {
        &self.unix
    }

    /// Whether any Unix socket may be denied, or a rule wants to see one allowed: else nobody need look.
    #[must_use]
    pub fn speaks_of_unix(&self) -> bool {
        !self.unix.is_empty() || self.defaults.unix == Verdict::Deny
    }

    /// The paths without wildcards that deny rules about Unix sockets name: what is the same file is the
    /// same socket.
    pub fn denied_unix_paths(&self) -> impl Iterator<Item = String> {
        let deny = self.unix.iter().filter(|rule| rule.verdict == Verdict::Deny);
        let literal = deny.flat_map(|rule| &rule.unix).filter_map(Pattern::literal);
        literal.filter(|name| name.starts_with('/'))
    }

    /// Lets rules about Unix sockets hold for the real paths of the folders they name, `/run` for
    /// `/var/run`, as `real` tells them. Ask before anybody who may not choose them could have changed them.
    pub fn resolve_unix_folders(&mut self, mut real: impl FnMut(&str) -> Option<String>) {
        for rule in &mut self.unix {
            for at in 0..rule.unix.len() {
                let folder = rule.unix[at].folder();
                let real = folder.and_then(|folder| real(&folder).filter(|real| *real != folder));
                rule.unix.extend(real.and_then(|real| rule.unix[at].in_folder(&real)));
            }
        }
    }

    /// Decides what becomes of a call to the Unix socket of these names.
    #[must_use]
    pub fn decide_unix(&self, names: &Names) -> Outcome {
        unix::decide(self, names)
    }

    /// Whether the verdict on a call of these facts can depend on more than which program it is: it is
    /// governed, or some rule speaks of its tool or of what it does. The environment is part of that.
    #[must_use]
    pub fn speaks_of(&self, facts: &Facts) -> bool {
        let does = |name: &str| facts.actions.iter().any(|action| action.domain.name == name);
        let about = |rule: &Rule| match rule.about {
            About::Domain(name) => does(name),
            About::Call | About::Every | About::Others => {
                facts.tools().any(|tool| rule.tools.contains(&tool))
            }
        };
        facts.governed() || self.rules.iter().any(about)
    }

    /// The SHA-256 digests of which a tool's file must have one, or nothing where any trusted file will
    /// do.
    #[must_use]
    pub fn pins(&self, tool: &str) -> Option<&[[u8; 32]]> {
        let found = self.pins.iter().find(|(name, _)| *name == tool);
        found.map(|(_, digests)| digests.as_slice())
    }

    /// The tools that it declares, in the order of their names.
    #[must_use]
    pub fn declared(&self) -> &[&'static Grammar] {
        &self.declared
    }

    /// Decides one connection, straight from the rules; the kernel's maps are compiled from the same
    /// rules by [`connect::compile`].
    #[must_use]
    pub fn decide_connect(&self, to: IpAddr, port: u16, protocol: Protocol) -> Outcome {
        connect::decide(self, to, port, protocol)
    }

    /// See [`crate::decide`].
    pub(crate) fn judge(&self, facts: &Facts) -> Decision {
        let Some(first) = facts.actions.first() else { return self.judge_nothing() };
        let mut outcomes = Vec::with_capacity(facts.actions.len());
        // With the rule's place in the file, to sort by.
        let mut rewrites: Vec<(usize, Rewrite)> = Vec::new();
        for (index, action) in facts.actions.iter().enumerate() {
            let mut strictest: Option<Hit<'_>> = None;
            let rewrites_before = rewrites.len();
            for (place, rule) in self.rules.iter().enumerate() {
                let Some(hit) = rule.hit(facts, index, first, action) else { continue };
                if hit.verdict == Verdict::Rewrite {
                    rewrites.extend(rule.changes.iter().map(|change| {
                        let rule = rule.id.clone();
                        (place, Rewrite { action: index, change: change.clone(), rule })
                    }));
                }
                if strictest.as_ref().is_none_or(|other| hit.weight() > other.weight()) {
                    strictest = Some(hit);
                }
            }
            keep_smallest_limit(&mut rewrites, rewrites_before);
            outcomes.push(match strictest {
                Some(hit) => hit.outcome(index, first, action),
                None => self.unmatched(facts, index, action),
            });
        }
        self.let_everyday_calls_decide(facts, &mut outcomes);
        let strips = self.look_at_injected_env(facts, &mut outcomes);
        // Of several as strict, a rule says more than a default, and what a call does says more
        // than that it was made.
        let weight =
            |outcome: &Outcome| (outcome.verdict, outcome.rule.is_some(), outcome.action > 0);
        let mut deciding = &outcomes[0];
        for outcome in &outcomes[1..] {
            if weight(outcome) > weight(deciding) {
                deciding = outcome;
            }
        }
        let deciding = deciding.clone();
        let verdict = deciding.verdict;
        if verdict != Verdict::Rewrite {
            rewrites.clear();
        }
        rewrites.sort_by_key(|(place, rewrite)| (*place, rewrite.action));
        let mut rewrites: Vec<Rewrite> = rewrites.into_iter().map(|(_, rewrite)| rewrite).collect();
        if verdict == Verdict::Rewrite {
            rewrites.extend(strips);
        }
        Decision { verdict, deciding, outcomes, rewrites }
    }

    /// The outcome of an action that no rule matches.
    fn unmatched(&self, facts: &Facts, index: usize, action: &Action) -> Outcome {
        let Defaults { exec, governed, .. } = self.defaults;
        let call = action.domain.name == EXEC;
        let (verdict, reason) = if !action.domain.governed {
            let reason = format!("no rule covers this `{}` action", action.domain.name);
            (Verdict::Allow, reason)
        } else if let Some(why) = &action.opaque {
            // An ungoverned program that cannot be read is still a program that may be denied.
            let verdict = if call { exec.max(governed) } else { governed };
            (verdict, format!("{why}, and no rule covers it (`defaults.governed` is `{verdict}`)"))
        } else if !call {
            let domain = action.domain.name;
            let reason = format!(
                "no rule covers this `{domain}` action (`defaults.governed` is `{governed}`)"
            );
            (governed, reason)
        } else if let Some(tool) = facts.tool {
            if let Some(Reading::Known(Value::Bool(false))) = action.fact("trusted") {
                let reason = format!(
                    "this file is called `{tool}` and is not trusted to be it (`defaults.exec` is `{exec}`)"
                );
                (exec, reason)
            } else if facts.actions.len() > 1 {
                (Verdict::Allow, format!("what `{tool}` does is decided action by action"))
            } else {
                let reason =
                    format!("no rule covers `{tool}` (`defaults.governed` is `{governed}`)");
                (governed, reason)
            }
        } else {
            (exec, format!("no tool governs this program (`defaults.exec` is `{exec}`)"))
        };
        let because = opaque_reason(action)
            .map(|reason| format!("{} is opaque: {reason}", action.domain.name))
            .into_iter()
            .collect();
        Outcome { action: index, verdict, rule: None, at: None, reason, because }
    }

    /// A call that no rule is about and that does everyday things which no rule matches either is decided
    /// like that of a program no tool governs.
    fn let_everyday_calls_decide(&self, facts: &Facts, outcomes: &mut [Outcome]) {
        let everyday = |outcome: &&Outcome| {
            outcome.rule.is_none() && !facts.actions[outcome.action].domain.governed
        };
        let opaque_call = facts.actions[0].opaque.is_some();
        if outcomes[0].rule.is_some() || opaque_call {
            return;
        }
        let Some(domain) = outcomes[1..]
            .iter()
            .find(everyday)
            .map(|found| facts.actions[found.action].domain.name)
        else {
            return;
        };
        let exec = self.defaults.exec;
        outcomes[0].verdict = exec;
        outcomes[0].reason =
            format!("no rule covers what it does (`{domain}`), and `defaults.exec` is `{exec}`");
    }

    /// A call of no action breaks the contract of [`Facts`], so nothing is known of it.
    fn judge_nothing(&self) -> Decision {
        let deciding = Outcome {
            action: 0,
            verdict: Verdict::Deny,
            rule: None,
            at: None,
            reason: "nothing was read of this call".to_owned(),
            because: Vec::new(),
        };
        let outcomes = vec![deciding.clone()];
        Decision { verdict: Verdict::Deny, deciding, outcomes, rewrites: Vec::new() }
    }
}

/// Keeps the smallest row limit of one action's rewrites, those from `start`: a statement takes one
/// limit, and the strictest rule wins.
fn keep_smallest_limit(rewrites: &mut Vec<(usize, Rewrite)>, start: usize) {
    let limit = |rewrite: &(usize, Rewrite)| match rewrite.1.change {
        Change::LimitRows(rows) => Some(rows),
        _ => None,
    };
    let Some(smallest) = rewrites[start..].iter().filter_map(limit).min() else { return };
    let mut kept = false;
    let mut index = 0;
    rewrites.retain(|rewrite| {
        let keep = match limit(rewrite) {
            Some(rows) if index >= start => rows == smallest && !std::mem::replace(&mut kept, true),
            _ => true,
        };
        index += 1;
        keep
    });
}

#[cfg(test)]
mod tests;
