//! A policy that has been read and checked: data, and the questions it alone can answer.
//!
//! Deciding is above it: [`crate::decide`], [`crate::connect::decide`] and [`crate::unix::decide`] are functions over
//! a policy, as is [`crate::parse`], which makes one.

use std::sync::Arc;

use crate::door::Door;
use crate::fact::Facts;
use crate::grammar::Grammar;
use crate::name::Name;
use crate::pattern::Pattern;
use crate::rule::{About, ConnectRule, Rule, UnixRule};
use crate::verdict::Verdict;

/// Whether verdicts are carried out. The caller of [`crate::decide`] looks at this; `decide` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Enforce,
    /// They are only recorded.
    Observe,
}

/// The verdicts if no rule matches: each [`Verdict::Allow`] or [`Verdict::Deny`].
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// A program that no tool governs.
    pub exec: Verdict,
    /// The actions of a governed tool, and calls that could not be read.
    pub governed: Verdict,
    /// A connection.
    pub connect: Verdict,
    /// A Unix socket.
    pub unix: Verdict,
    /// A governed tool whose environment loads code into it.
    pub injected_env: InjectedEnv,
}

/// How a denied call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// As the tool's own error: on its stderr, with its exit status and the rule's id and reason.
    Tool,
    /// The system call fails, without a message.
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

/// What to do with a call whose environment loads code into a governed tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InjectedEnv {
    /// It runs without those variables.
    Strip,
    /// It does not run.
    Deny,
    /// It runs as it is: rules that ask for `exec.injected_env` decide.
    Keep,
}

/// A policy.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) file: String,
    pub(crate) mode: Mode,
    pub(crate) defaults: Defaults,
    pub(crate) denial: Denial,
    pub(crate) open: Vec<Door>,
    pub(crate) pins: Vec<(Name, Vec<[u8; 32]>)>,
    pub(crate) declared: Vec<Arc<Grammar>>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) connect: Vec<ConnectRule>,
    pub(crate) unix: Vec<UnixRule>,
}

impl Policy {
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

    /// The verdicts if no rule matches.
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

    /// Whether the policy can deny a Unix socket, or has a rule that allows one. If not, nothing need be
    /// looked up.
    #[must_use]
    pub fn speaks_of_unix(&self) -> bool {
        !self.unix.is_empty() || !self.defaults.unix.runs()
    }

    /// The paths without wildcards that deny rules about Unix sockets name: the caller resolves them, so that
    /// a rule finds the socket's file under any name.
    pub fn denied_unix_paths(&self) -> impl Iterator<Item = String> {
        let deny = self.unix.iter().filter(|rule| !rule.verdict.runs());
        let literal = deny.flat_map(|rule| &rule.unix).filter_map(Pattern::literal);
        literal.filter(|name| name.starts_with('/'))
    }

    /// Makes rules about Unix sockets also hold for the real paths of the folders they name (`/run` for
    /// `/var/run`), which `real` returns. Call this before any guarded process could change those folders.
    pub fn resolve_unix_folders(&mut self, mut real: impl FnMut(&str) -> Option<String>) {
        for rule in &mut self.unix {
            for at in 0..rule.unix.len() {
                let folder = rule.unix[at].folder();
                let real = folder.and_then(|folder| real(&folder).filter(|real| *real != folder));
                rule.unix.extend(real.and_then(|real| rule.unix[at].in_folder(&real)));
            }
        }
    }

    /// Whether the verdict on a call with these facts can depend on more than its program, such as its
    /// environment: it is governed, or some rule names its tool or a domain of its actions.
    #[must_use]
    pub fn speaks_of(&self, facts: &Facts) -> bool {
        let does = |name: &str| facts.actions.iter().any(|action| action.domain.name() == name);
        let about = |rule: &Rule| match &rule.about {
            About::Domain(name) => does(name),
            About::Call | About::Every | About::Others => {
                facts.tools().any(|tool| rule.tools.contains(tool))
            }
        };
        facts.governed() || self.rules.iter().any(about)
    }

    /// The SHA-256 digests that a tool's file may have, or `None` if any trusted file will do.
    #[must_use]
    pub fn pins(&self, tool: &str) -> Option<&[[u8; 32]]> {
        let found = self.pins.iter().find(|(name, _)| *name == tool);
        found.map(|(_, digests)| digests.as_slice())
    }

    /// The tools that it declares, in the order of their names.
    #[must_use]
    pub fn declared(&self) -> &[Arc<Grammar>] {
        &self.declared
    }
}
