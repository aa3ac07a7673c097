//! What a policy may speak of: domains and their facts, tools and their groups, and the changes a tool can make.
//!
//! The tables are the caller's ([`Schema`]); a policy adds the domains and tools that it declares. Nothing here knows a
//! tool by name.

use std::sync::Arc;

use crate::name::Name;

/// The group of every governed tool, those included that a policy declares.
pub const GOVERNED: &str = "governed";

/// The type of a fact, fixed by its definition and checked when a policy is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Bool`](crate::Value::Bool).
    Bool,
    /// [`Value::Int`](crate::Value::Int).
    Int,
    /// [`Value::Str`](crate::Value::Str).
    Str,
    /// [`Value::Set`](crate::Value::Set).
    Set,
}

/// The definition of one fact.
#[derive(Debug)]
pub struct FactDef {
    /// The name inside its domain, `effect` in `sql.effect`.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The values there are, or nothing where any value is possible.
    pub values: &'static [&'static str],
    /// What it means, for the generated documentation.
    pub doc: &'static str,
}

/// A group of facts that one kind of action carries together.
#[derive(Debug)]
pub struct Domain {
    /// The name, `sql` in `sql.effect`.
    pub name: &'static str,
    /// Whether an action that no rule matches takes `defaults.governed`. False for what everyday programs
    /// do (shells, `rm`, package managers): rules may speak of it, and where none does the call is
    /// decided like that of a program no tool governs.
    pub governed: bool,
    /// Whether a program that does this holds something that other processes of its user must not reach: its memory
    /// is then closed to them. False for what only starts other programs, and for everyday programs.
    pub sealed: bool,
    /// What an action of this domain is.
    pub doc: &'static str,
    /// Its facts.
    pub facts: &'static [FactDef],
}

impl Domain {
    /// The definition of the fact `name`.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&'static FactDef> {
        self.facts.iter().find(|def| def.name == name)
    }
}

/// The domain of a tool that a policy declares. Its actions are governed.
#[derive(Debug)]
pub struct DeclaredDomain {
    pub(crate) name: Arc<str>,
    pub(crate) facts: Vec<DeclaredFact>,
}

/// A fact of a tool that a policy declares.
#[derive(Debug)]
pub(crate) struct DeclaredFact {
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) values: Vec<String>,
}

/// The domain of an action, by whoever defines it.
#[derive(Debug, Clone)]
pub enum DomainRef {
    /// One of claw's own.
    Known(&'static Domain),
    /// That of a tool which the policy declares.
    Declared(Arc<DeclaredDomain>),
}

/// The definition of a fact, by whoever gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FactRef<'a> {
    /// One of claw's own.
    Known(&'static FactDef),
    /// One that the policy declares.
    Declared(&'a DeclaredFact),
}

impl From<&'static Domain> for DomainRef {
    fn from(domain: &'static Domain) -> Self {
        Self::Known(domain)
    }
}

impl From<&Arc<DeclaredDomain>> for DomainRef {
    fn from(domain: &Arc<DeclaredDomain>) -> Self {
        Self::Declared(Arc::clone(domain))
    }
}

impl PartialEq for DomainRef {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(one), Self::Known(other)) => std::ptr::eq(*one, *other),
            (Self::Declared(one), Self::Declared(other)) => Arc::ptr_eq(one, other),
            (Self::Known(_), Self::Declared(_)) | (Self::Declared(_), Self::Known(_)) => false,
        }
    }
}

impl DomainRef {
    /// The name, `sql` in `sql.effect`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(domain) => domain.name,
            Self::Declared(domain) => &domain.name,
        }
    }

    /// The name, to keep.
    pub(crate) fn to_name(&self) -> Name {
        match self {
            Self::Known(domain) => domain.name.into(),
            Self::Declared(domain) => (&domain.name).into(),
        }
    }

    /// Whether an action that no rule matches takes `defaults.governed`: [`Domain::governed`].
    #[must_use]
    pub fn governed(&self) -> bool {
        match self {
            Self::Known(domain) => domain.governed,
            Self::Declared(_) => true,
        }
    }

    /// Whether a program that does this is closed to its peers: [`Domain::sealed`].
    #[must_use]
    pub fn sealed(&self) -> bool {
        match self {
            Self::Known(domain) => domain.sealed,
            Self::Declared(_) => true,
        }
    }

    /// The type of the fact `name`, or nothing where there is no such fact.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.fact(name).map(FactRef::kind)
    }

    pub(crate) fn fact(&self, name: &str) -> Option<FactRef<'_>> {
        match self {
            Self::Known(domain) => domain.fact(name).map(FactRef::Known),
            Self::Declared(domain) => {
                domain.facts.iter().find(|def| *def.name == *name).map(FactRef::Declared)
            }
        }
    }

    /// How many facts it has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Known(domain) => domain.facts.len(),
            Self::Declared(domain) => domain.facts.len(),
        }
    }

    /// The place of the fact `name` in its table.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        match self {
            Self::Known(domain) => domain.facts.iter().position(|def| def.name == name),
            Self::Declared(domain) => domain.facts.iter().position(|def| *def.name == *name),
        }
    }

    /// The name of the fact at `place`, which is a place of its table.
    pub(crate) fn name_of(&self, place: usize) -> &str {
        match self {
            Self::Known(domain) => domain.facts[place].name,
            Self::Declared(domain) => &domain.facts[place].name,
        }
    }

    pub(crate) fn facts(&self) -> Vec<FactRef<'_>> {
        match self {
            Self::Known(domain) => domain.facts.iter().map(FactRef::Known).collect(),
            Self::Declared(domain) => domain.facts.iter().map(FactRef::Declared).collect(),
        }
    }
}

impl<'a> FactRef<'a> {
    pub(crate) fn name(self) -> &'a str {
        match self {
            Self::Known(def) => def.name,
            Self::Declared(def) => &def.name,
        }
    }

    pub(crate) fn to_name(self) -> Name {
        match self {
            Self::Known(def) => def.name.into(),
            Self::Declared(def) => (&def.name).into(),
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Known(def) => def.kind,
            Self::Declared(def) => def.kind,
        }
    }

    /// The values there are, or nothing where any value is possible.
    pub(crate) fn values(self) -> Vec<&'a str> {
        match self {
            Self::Known(def) => def.values.to_vec(),
            Self::Declared(def) => def.values.iter().map(String::as_str).collect(),
        }
    }
}

/// A change that tools can make to their own calls, under the name that `rewrite` has for it.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangeDef {
    /// The name, `limit_rows`.
    pub name: &'static str,
    /// What a policy says of it.
    pub takes: ChangeTakes,
    /// Whether it is made to the call as a whole, and so permits nothing of what the call does. Otherwise it is made
    /// to the action that a rule matches.
    pub of_call: bool,
    /// The reason of a rule that gives none; `{}` stands for the number, where there is one.
    pub reason: &'static str,
    /// What it does and where it is denied instead, for the generated documentation.
    pub doc: &'static str,
}

/// What a policy says of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeTakes {
    /// `true`: that it is wanted.
    Nothing,
    /// The greatest number that is permitted, at least 1. Of several for one action the smallest holds.
    Limit,
}

/// What a policy may say of one tool.
#[derive(Debug)]
pub struct ToolDef {
    /// The name.
    pub name: &'static str,
    /// The base names of its program files.
    pub programs: &'static [&'static str],
    /// The groups it is in; `@databases` in a policy stands for all tools of the group `databases`.
    pub groups: &'static [&'static str],
    /// Whether anything it does falls to `defaults.governed` where no rule matches: it is then in `@governed` too.
    pub governed: bool,
    /// The changes it can make.
    pub changes: &'static [&'static ChangeDef],
}

/// Every domain and every tool a policy may speak of.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The domains.
    pub domains: &'static [&'static Domain],
    /// The tools.
    pub tools: &'static [ToolDef],
}

impl Schema {
    /// The base names of all program files that are read.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &'static str> {
        self.tools.iter().flat_map(|tool| tool.programs).copied()
    }

    /// Every change that some tool can make, in the order of the tools.
    pub(crate) fn changes(&self) -> Vec<&'static ChangeDef> {
        let mut changes: Vec<&'static ChangeDef> = Vec::new();
        for change in self.tools.iter().flat_map(|tool| tool.changes) {
            if !changes.contains(change) {
                changes.push(change);
            }
        }
        changes
    }
}
