//! What is known about one call: the vocabulary that tools write and rules read.
//!
//! A call is a list of *actions* (one SQL statement, one Kubernetes resource, one option that has an
//! effect of its own), and each action carries facts of one *domain*. Rules are matched against each
//! action by itself and the call takes the strictest result, so a second statement can never hide
//! behind a first one.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::name::Name;
use crate::schema::{DomainRef, FactRef, Kind};

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number; the unit is in the fact's definition.
    Int(i64),
    /// One word or name.
    Str(String),
    /// Several words or names, in no order.
    Set(BTreeSet<String>),
}

/// What is known of one fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// It was read.
    Known(Value),
    /// It could not be read, and why. A deny rule that asks for it matches; an allow rule does not.
    Opaque(String),
}

/// One thing that a call would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// The domain its facts belong to.
    pub domain: DomainRef,
    /// The facts that were read, by name. A fact that does not apply is absent and matches nothing.
    facts: BTreeMap<Name, Fact>,
    /// Why this action cannot be read as a whole; every fact that is not in `facts` is then opaque.
    pub opaque: Option<String>,
    /// The words of the call this action comes from, for people.
    pub text: String,
}

impl Action {
    /// An action of `domain` that comes from `text`.
    pub fn new(domain: impl Into<DomainRef>, text: impl Into<String>) -> Self {
        Self { domain: domain.into(), facts: BTreeMap::new(), opaque: None, text: text.into() }
    }

    /// An action that could not be read.
    pub fn opaque(
        domain: impl Into<DomainRef>,
        text: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self { opaque: Some(reason.into()), ..Self::new(domain, text) }
    }

    /// Sets a fact.
    ///
    /// # Panics
    /// When the domain does not define `name`, or defines it with another type: a mistake in the
    /// tool's own code, which its corpus finds.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a fact in place; see [`Action::with`].
    ///
    /// # Panics
    /// As [`Action::with`].
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        let def = self.domain.fact(name).filter(|def| def.kind() == value.kind());
        let Some(name) = def.map(FactRef::to_name) else {
            let domain = self.domain.name();
            panic!("`{domain}.{name}` is not defined with the type of {value:?}");
        };
        self.facts.insert(name, Fact::Known(value));
    }

    /// Marks one fact as unreadable.
    ///
    /// # Panics
    /// When the domain does not define `name`.
    pub fn set_opaque(&mut self, name: &str, reason: impl Into<String>) {
        let Some(name) = self.domain.fact(name).map(FactRef::to_name) else {
            panic!("`{}.{name}` is not defined", self.domain.name());
        };
        self.facts.insert(name, Fact::Opaque(reason.into()));
    }

    /// What is known of `name`: a value, that it is opaque and why, or that it does not apply.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<Reading<'_>> {
        match (self.facts.get(name), &self.opaque) {
            (Some(Fact::Known(value)), _) => Some(Reading::Known(value)),
            (Some(Fact::Opaque(reason)), _) | (None, Some(reason)) => Some(Reading::Opaque(reason)),
            (None, None) => None,
        }
    }

    /// The facts in the order of their names.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &Fact)> {
        self.facts.iter().map(|(name, fact)| (&**name, fact))
    }
}

/// A borrowed [`Fact`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading<'a> {
    /// It was read.
    Known(&'a Value),
    /// It could not be read, and why.
    Opaque(&'a str),
}

/// Everything that classifying one call found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The governed tool, or nothing for an ungoverned program.
    pub tool: Option<Name>,
    /// A second tool that the program's names speak of: which of the two runs is not known, and the
    /// rules of both apply.
    pub disputed: Option<Name>,
    /// What the call would do. The first action is always of the call-level domain `exec`.
    pub actions: Vec<Action>,
}

impl Facts {
    /// Whether anything the call does falls to `defaults.governed` where no rule matches. A call of an
    /// everyday tool, whose name rules may use, is not governed by that alone.
    #[must_use]
    pub fn governed(&self) -> bool {
        let mut does = self.actions.iter().skip(1).peekable();
        self.tool.is_some()
            && (does.peek().is_none() || does.any(|action| action.domain.governed()))
    }

    /// The tools whose rules apply: none for an ungoverned program, usually one.
    pub fn tools(&self) -> impl Iterator<Item = &Name> {
        self.tool.iter().chain(&self.disputed)
    }
}

impl Value {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Str(_) => Kind::Str,
            Self::Set(_) => Kind::Set,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}
impl From<Name> for Value {
    fn from(value: Name) -> Self {
        Self::Str(value.to_string())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Str(value)
    }
}
impl<S: Into<String>> FromIterator<S> for Value {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self::Set(names.into_iter().map(Into::into).collect())
    }
}
impl From<BTreeSet<String>> for Value {
    fn from(value: BTreeSet<String>) -> Self {
        Self::Set(value)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Str(value) => serializer.serialize_str(value),
            Self::Set(names) => serializer.collect_seq(names),
        }
    }
}

impl Serialize for Action {
    /// `{"domain": …, "text": …, "opaque"?: …, FACT: VALUE or {"opaque": …}, …}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("domain", self.domain.name())?;
        map.serialize_entry("text", &self.text)?;
        if let Some(reason) = &self.opaque {
            map.serialize_entry("opaque", reason)?;
        }
        for (name, fact) in self.facts() {
            match fact {
                Fact::Known(value) => map.serialize_entry(name, value)?,
                Fact::Opaque(reason) => {
                    map.serialize_entry(name, &BTreeMap::from([("opaque", reason)]))?;
                }
            }
        }
        map.end()
    }
}

impl Serialize for Facts {
    /// `{"tool"?: …, "disputed"?: …, "actions": […]}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(tool) = &self.tool {
            map.serialize_entry("tool", tool)?;
        }
        if let Some(other) = &self.disputed {
            map.serialize_entry("disputed", other)?;
        }
        map.serialize_entry("actions", &self.actions)?;
        map.end()
    }
}
