//! Handles of facts: how the code of a tool names a fact that it sets.
//!
//! [`domain!`](crate::domain) writes a domain's table and one [`Fact`] for each of its rows. A handle carries the type
//! of its fact and its place in the table, both settled at build time. A name that is mistyped, a fact that the domain
//! does not have and a value of another type therefore do not build.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use crate::schema::{Domain, Kind};
use crate::value::Value;

/// One fact of one of claw's own domains, whose values are of the type `T`.
pub struct Fact<T> {
    domain: &'static Domain,
    place: usize,
    values: PhantomData<fn(T)>,
}

/// The types a fact can have.
pub trait FactType: Into<Value> {
    /// The type, as the schema has it.
    const KIND: Kind;
}

/// Several words or names, in no order: [`Value::Set`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set(pub BTreeSet<String>);

impl FactType for bool {
    const KIND: Kind = Kind::Bool;
}
impl FactType for i64 {
    const KIND: Kind = Kind::Int;
}
impl FactType for String {
    const KIND: Kind = Kind::Str;
}
impl FactType for Set {
    const KIND: Kind = Kind::Set;
}

impl From<Set> for Value {
    fn from(Set(names): Set) -> Self {
        Self::Set(names)
    }
}
impl From<BTreeSet<String>> for Set {
    fn from(names: BTreeSet<String>) -> Self {
        Self(names)
    }
}
impl<S: Into<String>> FromIterator<S> for Set {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl<T: FactType> Fact<T> {
    /// The fact `name` of `domain`.
    ///
    /// # Panics
    /// When `domain` has no such fact, two of them, or one of another type. In a constant that is an error of the
    /// build.
    #[must_use]
    pub const fn new(domain: &'static Domain, name: &str) -> Self {
        let mut found = None;
        let mut place = 0;
        while place < domain.facts.len() {
            let def = &domain.facts[place];
            if same(def.name, name) {
                assert!(found.is_none(), "the domain has two facts of this name");
                assert!(
                    def.kind as u8 == T::KIND as u8,
                    "the domain has this fact with another type"
                );
                found = Some(place);
            }
            place += 1;
        }
        match found {
            Some(place) => Self { domain, place, values: PhantomData },
            None => panic!("the domain has no such fact"),
        }
    }
}

impl<T> Fact<T> {
    /// The name inside its domain.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.domain.facts[self.place].name
    }

    pub(crate) fn domain(self) -> &'static Domain {
        self.domain
    }

    pub(crate) fn place(self) -> usize {
        self.place
    }
}

impl<T> Clone for Fact<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Fact<T> {}

impl<T> fmt::Debug for Fact<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.domain.name, self.name())
    }
}

/// Whether two names are spelled alike; `==` is not for constants.
const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The text of a doc comment, whose lines each begin with a space.
#[doc(hidden)]
#[must_use]
pub const fn doc(lines: &'static str) -> &'static str {
    match lines.as_bytes() {
        [b' ', ..] => lines.split_at(1).1,
        _ => lines,
    }
}

/// A domain: its table, and a handle for each fact.
///
/// The comment of a fact is its meaning in the generated documentation. `of` lists the values there are; without it
/// any value is possible.
///
/// ```
/// use claw_policy::{Action, Set, domain};
///
/// domain! {
///     /// What a call asks of a cluster.
///     pub static DOMAIN: K8s = "k8s", governed: true, sealed: true;
///
///     /// The command.
///     VERB: String = "verb";
///     /// What it does.
///     EFFECT: String = "effect" of &["read", "write"];
///     /// The objects.
///     NAMES: Set = "names";
/// }
///
/// let mut action = Action::new(&DOMAIN, "get pods");
/// action.set(K8s::VERB, "get");
/// action.set(K8s::NAMES, ["a", "b"].into_iter().collect::<Set>());
/// ```
///
/// A value of another type does not build, and neither does a fact that the domain does not have:
///
/// ```compile_fail,E0277
/// # use claw_policy::{Action, domain};
/// # domain! {
/// #     /// A cluster.
/// #     pub static DOMAIN: K8s = "k8s", governed: true, sealed: true;
/// #     /// The command.
/// #     VERB: String = "verb";
/// # }
/// Action::new(&DOMAIN, "get pods").set(K8s::VERB, true);
/// ```
///
/// ```compile_fail,E0599
/// # use claw_policy::{Action, domain};
/// # domain! {
/// #     /// A cluster.
/// #     pub static DOMAIN: K8s = "k8s", governed: true, sealed: true;
/// #     /// The command.
/// #     VERB: String = "verb";
/// # }
/// Action::new(&DOMAIN, "get pods").set(K8s::VERBS, "get");
/// ```
#[macro_export]
macro_rules! domain {
    (
        $(#[doc = $about:literal])*
        $vis:vis static $domain:ident: $facts:ident = $name:literal, governed: $governed:literal, sealed: $sealed:literal;
        $(
            $(#[doc = $doc:literal])*
            $fact:ident: $type:ty = $fact_name:literal $(of $values:expr)?;
        )*
    ) => {
        $(#[doc = $about])*
        $vis static $domain: $crate::Domain = $crate::Domain {
            name: $name,
            governed: $governed,
            sealed: $sealed,
            doc: const { $crate::doc(concat!($($about),*)) },
            facts: &[$($crate::FactDef {
                name: $fact_name,
                kind: <$type as $crate::FactType>::KIND,
                values: $crate::domain!(@values $($values)?),
                doc: const { $crate::doc(concat!($($doc),*)) },
            }),*],
        };

        $(#[doc = $about])*
        #[derive(Debug)]
        $vis enum $facts {}

        impl $facts {
            $(
                $(#[doc = $doc])*
                $vis const $fact: $crate::Fact<$type> = $crate::Fact::new(&$domain, $fact_name);
            )*
        }
    };
    (@values) => {
        &[]
    };
    (@values $values:expr) => {
        $values
    };
}
