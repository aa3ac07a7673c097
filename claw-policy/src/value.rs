//! The values that facts have.

use std::collections::BTreeSet;

use serde::ser::{Serialize, Serializer};

use crate::name::Name;
use crate::schema::Kind;

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
