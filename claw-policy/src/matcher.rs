//! What a rule asks of one fact, and the three answers: yes, no and unknown.

use std::collections::BTreeSet;
use std::fmt;

use crate::fact::{Action, Reading};
use crate::name::Name;
use crate::pattern::Pattern;
use crate::schema::DomainRef;
use crate::value::Value;

/// The domain of every call's first action. A rule can ask for its facts together with those of any other
/// action.
pub const EXEC: &str = "exec";

/// The name, in every domain, of the condition that something could not be read.
pub const OPAQUE: &str = "opaque";

/// Whether something holds. `and` is the smaller of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    /// It does not.
    No,
    /// A fact it depends on is opaque, and the others do not settle it.
    Unknown,
    /// It does.
    Yes,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// What is asked of the value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Matcher {
    /// It is this.
    Bool(bool),
    /// It is one of these.
    IntIn(Vec<i64>),
    /// It is greater than `above` and less than `below`, if they are given.
    IntBetween {
        /// The greatest number that does not match.
        above: Option<i64>,
        /// The least number that does not match.
        below: Option<i64>,
    },
    /// It is a name, or a set of names, of which all of this holds.
    Names(Names),
}

/// Demands on a name or a set of names. An empty list demands nothing.
///
/// A single name is treated as the set of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// At least one of the names matches one of these.
    pub(crate) any: Vec<Pattern>,
    /// Each of these is matched by one of the names.
    pub(crate) all: Vec<Pattern>,
    /// There is a name, and every one matches one of these. The empty set does not satisfy this, so a rule
    /// with `only` never permits an action that names nothing.
    pub(crate) only: Vec<Pattern>,
    /// No name matches any of these. The empty set satisfies this.
    pub(crate) none: Vec<Pattern>,
}

impl Names {
    fn accept<'a>(&self, names: &(impl Iterator<Item = &'a str> + Clone)) -> bool {
        let one_of =
            |patterns: &[Pattern], name: &str| patterns.iter().any(|pattern| pattern.matches(name));
        (self.any.is_empty() || names.clone().any(|name| one_of(&self.any, name)))
            && self.all.iter().all(|pattern| names.clone().any(|name| pattern.matches(name)))
            && (self.only.is_empty()
                || (names.clone().next().is_some()
                    && names.clone().all(|name| one_of(&self.only, name))))
            && !names.clone().any(|name| one_of(&self.none, name))
    }
}

impl Matcher {
    /// Whether `value` satisfies the demand. A value of another type does not.
    #[must_use]
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Bool(want), Value::Bool(have)) => want == have,
            (Self::IntIn(wanted), Value::Int(have)) => wanted.contains(have),
            (Self::IntBetween { above, below }, Value::Int(have)) => {
                above.is_none_or(|above| *have > above) && below.is_none_or(|below| *have < below)
            }
            (Self::Names(names), Value::Str(have)) => names.accept(&std::iter::once(have.as_str())),
            (Self::Names(names), Value::Set(have)) => {
                names.accept(&have.iter().map(String::as_str))
            }
            (Self::Bool(_) | Self::IntIn(_) | Self::IntBetween { .. } | Self::Names(_), _) => false,
        }
    }
}

/// What a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The fact of this name.
    Fact(Name),
    /// Whether the action, or any fact of it, could not be read.
    Opaque,
}

/// One fact and what is asked of it.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) domain: DomainRef,
    pub(crate) subject: Subject,
    pub(crate) matcher: Matcher,
}

impl Condition {
    /// Whether it holds of `action`, in a call whose first action is `first`.
    pub(crate) fn holds(&self, first: &Action, action: &Action) -> Truth {
        let Some(action) = self.action(first, action) else { return Truth::No };
        match &self.subject {
            Subject::Opaque => {
                self.matcher.accepts(&Value::Bool(action.opaque_reason().is_some())).into()
            }
            Subject::Fact(name) => match action.fact(name) {
                Some(Reading::Known(value)) => self.matcher.accepts(value).into(),
                Some(Reading::Opaque(_)) => Truth::Unknown,
                None => Truth::No,
            },
        }
    }

    /// Why it is unknown whether the condition holds; `None` if it is known.
    pub(crate) fn unknown<'a>(&self, first: &'a Action, action: &'a Action) -> Option<&'a str> {
        let Subject::Fact(name) = &self.subject else { return None };
        match self.action(first, action)?.fact(name)? {
            Reading::Opaque(reason) => Some(reason),
            Reading::Known(_) => None,
        }
    }

    /// The fact it looks at, for people: `sql.effect = ddl`.
    pub(crate) fn reading(&self, first: &Action, action: &Action) -> String {
        let domain = self.domain.name();
        let Some(action) = self.action(first, action) else {
            return format!("{domain}: not part of the call");
        };
        match &self.subject {
            Subject::Opaque => match action.opaque_reason() {
                Some(reason) => format!("{domain} is opaque: {reason}"),
                None => format!("{domain} is not opaque"),
            },
            Subject::Fact(name) => match action.fact(name) {
                Some(Reading::Known(value)) => format!("{domain}.{name} = {}", Shown(value)),
                Some(Reading::Opaque(reason)) => format!("{domain}.{name} is opaque: {reason}"),
                None => format!("{domain}.{name} is absent"),
            },
        }
    }

    /// The action whose facts it looks at.
    fn action<'a>(&self, first: &'a Action, action: &'a Action) -> Option<&'a Action> {
        [action, first].into_iter().find(|action| action.domain.name() == self.domain.name())
    }
}

/// A value as a policy would spell it, but without quotes.
struct Shown<'a>(&'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Bool(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Str(value) => f.write_str(value),
            Value::Set(names) => show_set(names, f),
        }
    }
}

/// How many names of a set are shown; a call can name thousands.
const SHOWN_NAMES: usize = 20;

fn show_set(names: &BTreeSet<String>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("[")?;
    for (index, name) in names.iter().take(SHOWN_NAMES).enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        f.write_str(name)?;
    }
    if names.len() > SHOWN_NAMES {
        write!(f, ", and {} more", names.len() - SHOWN_NAMES)?;
    }
    f.write_str("]")
}

#[cfg(test)]
mod tests {
    use super::{Matcher, Names};
    use crate::pattern::Pattern;
    use crate::value::Value;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::new(text)).collect()
    }

    fn set(names: &[&str]) -> Value {
        names.iter().copied().collect()
    }

    #[test]
    fn any_needs_one_name() {
        let any = Matcher::Names(Names { any: patterns(&["a", "b*"]), ..Names::default() });
        assert!(any.accepts(&set(&["x", "bee"])));
        assert!(!any.accepts(&set(&["x"])));
        assert!(!any.accepts(&set(&[])));
        assert!(any.accepts(&Value::from("a")));
    }

    #[test]
    fn all_needs_a_name_for_each_pattern() {
        let all = Matcher::Names(Names { all: patterns(&["a", "b*"]), ..Names::default() });
        assert!(all.accepts(&set(&["a", "bee", "x"])));
        assert!(!all.accepts(&set(&["a"])));
        assert!(!all.accepts(&set(&[])));
    }

    #[test]
    fn only_needs_every_name_and_at_least_one() {
        let only = Matcher::Names(Names { only: patterns(&["scratch.*"]), ..Names::default() });
        assert!(only.accepts(&set(&["scratch.a", "scratch.b"])));
        assert!(!only.accepts(&set(&["scratch.a", "public.b"])));
        assert!(!only.accepts(&set(&[])));
    }

    #[test]
    fn none_needs_no_name_and_the_empty_set_will_do() {
        let none = Matcher::Names(Names { none: patterns(&["secret*"]), ..Names::default() });
        assert!(none.accepts(&set(&["pods"])));
        assert!(none.accepts(&set(&[])));
        assert!(!none.accepts(&set(&["pods", "secrets"])));
        assert!(!none.accepts(&Value::from("secret")));
    }

    #[test]
    fn demands_add_up() {
        let both = Matcher::Names(Names {
            any: patterns(&["a"]),
            none: patterns(&["b"]),
            ..Names::default()
        });
        assert!(both.accepts(&set(&["a"])));
        assert!(!both.accepts(&set(&["a", "b"])));
    }

    #[test]
    fn numbers_match_by_list_and_by_open_bounds() {
        assert!(Matcher::IntIn(vec![1, 3]).accepts(&Value::Int(3)));
        assert!(!Matcher::IntIn(vec![1, 3]).accepts(&Value::Int(2)));
        let between = Matcher::IntBetween { above: Some(1), below: Some(3) };
        assert!(between.accepts(&Value::Int(2)));
        assert!(!between.accepts(&Value::Int(1)));
        assert!(!between.accepts(&Value::Int(3)));
        assert!(Matcher::IntBetween { above: Some(1), below: None }.accepts(&Value::Int(i64::MAX)));
    }

    #[test]
    fn another_type_does_not_match() {
        assert!(!Matcher::Bool(true).accepts(&Value::Int(1)));
        assert!(!Matcher::IntIn(vec![1]).accepts(&Value::from("1")));
        assert!(
            !Matcher::Names(Names { none: patterns(&["a"]), ..Names::default() })
                .accepts(&Value::Bool(true))
        );
    }
}
