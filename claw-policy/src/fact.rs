//! The facts of one call, which tools write and rules read.
//!
//! A call is a list of *actions* (one SQL statement, one Kubernetes resource, one option that has an
//! effect of its own), and each action carries facts of one *domain*. Rules are matched against each
//! action by itself and the call takes the strictest result, so a second statement can never hide
//! behind a first one.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::handle::{Fact, FactType};
use crate::name::Name;
use crate::schema::{Domain, DomainRef};
use crate::value::Value;

/// What an action keeps of one fact.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Known(Value),
    Opaque(String),
}

/// One thing that a call would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// The domain its facts belong to.
    pub domain: DomainRef,
    /// The facts that were read, each at its place in the domain's table; empty until one is set. A fact that does
    /// not apply is absent and matches nothing.
    facts: Vec<Option<Found>>,
    /// Why this action cannot be read as a whole; every fact that is not in `facts` is then opaque.
    pub opaque: Option<String>,
    /// The words of the call this action comes from, for people.
    pub text: String,
}

/// A domain has no fact of this name, or has it with another type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchFact(String);

impl fmt::Display for NoSuchFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoSuchFact {}

impl From<NoSuchFact> for String {
    fn from(NoSuchFact(why): NoSuchFact) -> Self {
        why
    }
}

impl Action {
    /// An action of `domain` that comes from `text`.
    pub fn new(domain: impl Into<DomainRef>, text: impl Into<String>) -> Self {
        Self { domain: domain.into(), facts: Vec::new(), opaque: None, text: text.into() }
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
    #[must_use]
    pub fn with<T: FactType>(mut self, fact: Fact<T>, value: impl Into<T>) -> Self {
        self.set(fact, value);
        self
    }

    /// Sets a fact in place.
    ///
    /// # Panics
    /// With debug assertions, when `fact` is of another domain than the action: a mistake in the tool's own code.
    /// Without them the action becomes opaque.
    pub fn set<T: FactType>(&mut self, fact: Fact<T>, value: impl Into<T>) {
        self.put_own(fact, Found::Known(value.into().into()));
    }

    /// Marks one fact as unreadable.
    ///
    /// # Panics
    /// As [`Action::set`].
    pub fn set_opaque<T>(&mut self, fact: Fact<T>, reason: impl Into<String>) {
        self.put_own(fact, Found::Opaque(reason.into()));
    }

    /// Sets a fact by its name: one that a policy declares, which no handle stands for.
    ///
    /// # Errors
    /// The action's domain has no such fact, or has it with another type.
    pub fn set_named(&mut self, name: &str, value: impl Into<Value>) -> Result<(), NoSuchFact> {
        let value = value.into();
        let place = self.place(name)?;
        if self.domain.kind(name) != Some(value.kind()) {
            let domain = self.domain.name();
            return Err(NoSuchFact(format!("`{domain}.{name}` is declared with another type")));
        }
        self.put(place, Found::Known(value));
        Ok(())
    }

    /// Marks a fact as unreadable by its name; see [`Action::set_named`].
    ///
    /// # Errors
    /// The action's domain has no such fact.
    pub fn set_named_opaque(
        &mut self,
        name: &str,
        reason: impl Into<String>,
    ) -> Result<(), NoSuchFact> {
        let place = self.place(name)?;
        self.put(place, Found::Opaque(reason.into()));
        Ok(())
    }

    fn place(&self, name: &str) -> Result<usize, NoSuchFact> {
        let missing = || NoSuchFact(format!("`{}.{name}` is not declared", self.domain.name()));
        self.domain.place(name).ok_or_else(missing)
    }

    fn put_own<T>(&mut self, fact: Fact<T>, found: Found) {
        let known: &'static Domain = fact.domain();
        let own = self.domain == DomainRef::Known(known);
        debug_assert!(own, "`{fact:?}` in an action of `{}`", self.domain.name());
        if own {
            self.put(fact.place(), found);
        } else if self.opaque.is_none() {
            self.opaque = Some(format!("claw read a fact of `{}` here", known.name));
        }
    }

    fn put(&mut self, place: usize, found: Found) {
        if self.facts.is_empty() {
            self.facts.resize(self.domain.len(), None);
        }
        self.facts[place] = Some(found);
    }

    /// What is known of the fact `name`: a value, or why it is opaque, or `None` if it does not apply.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<Reading<'_>> {
        self.at(self.domain.place(name))
    }

    /// What is known of one of claw's own facts.
    #[must_use]
    pub fn read<T>(&self, fact: Fact<T>) -> Option<Reading<'_>> {
        let own = self.domain == DomainRef::Known(fact.domain());
        self.at(own.then(|| fact.place()))
    }

    fn at(&self, place: Option<usize>) -> Option<Reading<'_>> {
        match (place.and_then(|place| self.facts.get(place)?.as_ref()), &self.opaque) {
            (Some(found), _) => Some(found.reading()),
            (None, Some(reason)) => Some(Reading::Opaque(reason)),
            (None, None) => None,
        }
    }

    /// The facts that were read, in the order of their names.
    pub fn facts(&self) -> impl Iterator<Item = (&str, Reading<'_>)> {
        let mut facts: Vec<_> = self.in_order_of_the_table().collect();
        facts.sort_unstable_by_key(|(name, _)| *name);
        facts.into_iter()
    }

    /// Why the action cannot be read, or the first of its facts by name that is opaque.
    pub(crate) fn opaque_reason(&self) -> Option<&str> {
        let of_a_fact = || {
            let opaque = self.in_order_of_the_table().filter_map(|(name, found)| match found {
                Reading::Opaque(reason) => Some((name, reason)),
                Reading::Known(_) => None,
            });
            opaque.min_by_key(|(name, _)| *name).map(|(_, reason)| reason)
        };
        self.opaque.as_deref().or_else(of_a_fact)
    }

    fn in_order_of_the_table(&self) -> impl Iterator<Item = (&str, Reading<'_>)> {
        self.facts.iter().enumerate().filter_map(|(place, found)| {
            let found = found.as_ref()?;
            Some((self.domain.name_of(place), found.reading()))
        })
    }
}

impl Found {
    fn reading(&self) -> Reading<'_> {
        match self {
            Self::Known(value) => Reading::Known(value),
            Self::Opaque(reason) => Reading::Opaque(reason),
        }
    }
}

/// What is known of one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading<'a> {
    /// It was read.
    Known(&'a Value),
    /// It could not be read, and why. A deny rule that asks for it matches; an allow rule does not.
    Opaque(&'a str),
}

/// Everything that classifying one call found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The tool, or `None` for a program that no tool reads.
    pub tool: Option<Name>,
    /// A second tool that the program could be, by its names. It is unknown which of the two runs, so the
    /// rules of both apply.
    pub disputed: Option<Name>,
    /// What the call would do. The first action is always of the call-level domain `exec`.
    pub actions: Vec<Action>,
}

impl Facts {
    /// Whether any action of the call takes `defaults.governed` if no rule matches. A call of an everyday
    /// tool is not governed merely because rules can name the tool.
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
                Reading::Known(value) => map.serialize_entry(name, value)?,
                Reading::Opaque(reason) => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::Set;
    use crate::vocabulary::{FILE, OnFiles, SQL, Sql};

    #[test]
    fn a_fact_set_by_its_handle_is_found_by_its_name_and_listed_in_the_order_of_names() {
        let mut action = Action::new(&SQL, "DROP TABLE b, a")
            .with(Sql::TABLES_WRITTEN, Set::from_iter(["b", "a"]))
            .with(Sql::EFFECT, "ddl");
        action.set_opaque(Sql::DEPTH, "too deep");
        let tables = Value::Set(["a", "b"].map(str::to_owned).into());
        let ddl = Value::from("ddl");
        assert_eq!(action.fact("effect"), Some(Reading::Known(&ddl)));
        assert_eq!(action.read(Sql::EFFECT), Some(Reading::Known(&ddl)));
        assert_eq!(action.fact("limited"), None);
        let facts: Vec<_> = action.facts().collect();
        assert_eq!(
            facts,
            [
                ("depth", Reading::Opaque("too deep")),
                ("effect", Reading::Known(&ddl)),
                ("tables_written", Reading::Known(&tables)),
            ]
        );
        assert_eq!(action.opaque_reason(), Some("too deep"));
    }

    #[test]
    fn setting_by_handle_and_by_name_is_the_same() {
        let mut by_name = Action::new(&SQL, "x");
        by_name.set_named("effect", "read").unwrap();
        by_name.set_named_opaque("limited", "why").unwrap();
        let mut by_handle = Action::new(&SQL, "x").with(Sql::EFFECT, "read");
        by_handle.set_opaque(Sql::LIMITED, "why");
        assert_eq!(by_name, by_handle);
    }

    #[test]
    fn a_name_or_a_type_that_the_domain_does_not_have_is_refused() {
        let mut action = Action::new(&SQL, "x");
        let refused = action.set_named("efect", "read").unwrap_err();
        assert_eq!(refused.to_string(), "`sql.efect` is not declared");
        let refused = action.set_named("effect", true).unwrap_err();
        assert_eq!(refused.to_string(), "`sql.effect` is declared with another type");
        let refused = action.set_named_opaque("efect", "why").unwrap_err();
        assert_eq!(refused.to_string(), "`sql.efect` is not declared");
        assert_eq!(action, Action::new(&SQL, "x"));
    }

    #[test]
    #[cfg_attr(debug_assertions, should_panic(expected = "`sql.effect` in an action of `file`"))]
    fn a_fact_of_another_domain_is_a_mistake_and_leaves_nothing_readable() {
        // Both domains have a fact of this name.
        let mut action = Action::new(&FILE, "rm").with(OnFiles::EFFECT, "delete");
        action.set(Sql::EFFECT, "ddl");
        assert_eq!(action.read(OnFiles::EFFECT), Some(Reading::Known(&Value::from("delete"))));
        assert_eq!(action.opaque.as_deref(), Some("claw read a fact of `sql` here"));
    }
}
