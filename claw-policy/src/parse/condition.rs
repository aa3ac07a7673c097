//! `match` and `unless`: facts by domain and name, and what is asked of each.

use std::ops::Range;

use toml::de::DeValue;

use super::reader::{Node, Reader, describe};
use crate::diagnostic::{alternatives, nearest};
use crate::matcher::{Condition, Matcher, Names, OPAQUE, Subject};
use crate::pattern::Pattern;
use crate::schema::{DomainRef, FactRef, Kind};

impl Reader<'_> {
    /// Reads the table under `key`, which is `match` or `unless`.
    pub(super) fn conditions(&mut self, value: &Node<'_>, key: &str) -> Vec<Condition> {
        let mut conditions = Vec::new();
        let Some(domains) = self.table(value, &format!("`{key}`")) else { return conditions };
        if domains.is_empty() {
            self.error(value.span(), format!("`{key}` asks for nothing"), "empty");
        }
        for (name, facts) in domains {
            let Some(domain) = self.domain(name.get_ref(), name.span()) else { continue };
            let Some(facts) = self.table(facts, &format!("`{key}.{}`", domain.name())) else {
                continue;
            };
            if facts.is_empty() {
                let message = format!("`{key}.{}` asks for nothing", domain.name());
                self.error(name.span(), message, "empty");
            }
            for (name, value) in facts {
                conditions.extend(self.condition(&domain, name.get_ref(), name.span(), value));
            }
        }
        conditions
    }

    fn domain(&mut self, name: &str, span: Range<usize>) -> Option<DomainRef> {
        let domain = self.domains.iter().find(|domain| domain.name() == name).cloned();
        if domain.is_none() {
            let domains = self.domains.clone();
            let known = domains.iter().map(DomainRef::name);
            let message = format!("there are no facts of a domain `{name}`");
            self.unknown(span, message, name, known);
        }
        domain
    }

    fn condition(
        &mut self,
        domain: &DomainRef,
        name: &str,
        span: Range<usize>,
        value: &Node<'_>,
    ) -> Option<Condition> {
        let what = format!("`{}.{name}`", domain.name());
        if let Some(def) = domain.fact(name) {
            let matcher = self.matcher(def, value, &what)?;
            return Some(Condition {
                domain: domain.clone(),
                subject: Subject::Fact(def.to_name()),
                matcher,
            });
        }
        if name == OPAQUE {
            let matcher = Matcher::Bool(self.bool(value, &what)?);
            return Some(Condition { domain: domain.clone(), subject: Subject::Opaque, matcher });
        }
        let known = domain.facts();
        let known = known.iter().map(|def| def.name()).chain([OPAQUE]);
        self.unknown(span, format!("there is no fact {what}"), name, known);
        None
    }

    fn matcher(&mut self, def: FactRef<'_>, value: &Node<'_>, what: &str) -> Option<Matcher> {
        match (def.kind(), value.get_ref()) {
            (Kind::Bool, _) => Some(Matcher::Bool(self.bool(value, what)?)),
            (Kind::Int, DeValue::Table(_)) => self.bounds(value, what),
            (Kind::Int, _) => {
                let values = self.list(value, what);
                let ints = values.into_iter().filter_map(|value| self.int(value, what)).collect();
                Some(Matcher::IntIn(ints))
            }
            (Kind::Str, DeValue::Table(_)) => self.names(def, value, what, &["any", "none"]),
            (Kind::Set, DeValue::Table(_)) => {
                self.names(def, value, what, &["any", "all", "only", "none"])
            }
            (Kind::Str | Kind::Set, _) => {
                let any = self.patterns(def, value, what);
                Some(Matcher::Names(Names { any, ..Names::default() }))
            }
        }
    }

    /// `{ above = N, below = N }`.
    fn bounds(&mut self, value: &Node<'_>, what: &str) -> Option<Matcher> {
        let table = self.table(value, what)?;
        self.keys(table, &format!("what is asked of {what}"), &["above", "below"]);
        let above = table.get("above").and_then(|value| self.int(value, "`above`"));
        let below = table.get("below").and_then(|value| self.int(value, "`below`"));
        if table.is_empty() {
            self.error(value.span(), format!("nothing is asked of {what}"), "empty");
        }
        if let (Some(above), Some(below)) = (above, below)
            && above.checked_add(1).is_none_or(|least| least >= below)
        {
            let message =
                format!("this can never match: no number is above {above} and below {below}");
            self.error(value.span(), message, "no number");
        }
        Some(Matcher::IntBetween { above, below })
    }

    /// `{ any = […], all = […], only = […], none = […] }`; `known` lists the fact's possible values.
    fn names(
        &mut self,
        def: FactRef<'_>,
        value: &Node<'_>,
        what: &str,
        known: &[&str],
    ) -> Option<Matcher> {
        let table = self.table(value, what)?;
        self.keys(table, &format!("what is asked of {what}"), known);
        if table.is_empty() {
            self.error(value.span(), format!("nothing is asked of {what}"), "empty");
        }
        let mut list = |key: &str| {
            if !known.contains(&key) {
                return Vec::new();
            }
            let value = table.get(key);
            value.map(|value| self.patterns(def, value, what)).unwrap_or_default()
        };
        let names =
            Names { any: list("any"), all: list("all"), only: list("only"), none: list("none") };
        if let Some(why) = contradiction(&names) {
            self.error(value.span(), format!("this can never match: {why}"), "contradiction");
        }
        Some(Matcher::Names(names))
    }

    fn patterns(&mut self, def: FactRef<'_>, value: &Node<'_>, what: &str) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for value in self.list(value, what) {
            let Some(text) = value.get_ref().as_str() else {
                let have = describe(value.get_ref());
                self.error(
                    value.span(),
                    format!("{what} is matched by strings, not {have}"),
                    "expected a string",
                );
                continue;
            };
            let pattern = Pattern::new(text);
            let known = def.values();
            if !known.is_empty() && !known.iter().any(|value| pattern.matches(value)) {
                let message = format!("{what} is never `{text}`");
                let help = match nearest(text, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it is {}", alternatives(known.iter().copied())),
                };
                self.error(value.span(), message, "not one of its values").help(help);
            }
            patterns.push(pattern);
        }
        patterns
    }
}

/// Why no set can satisfy `names`, as far as names without wildcards show it.
fn contradiction(names: &Names) -> Option<String> {
    let excluded = |name: &str| names.none.iter().any(|pattern| pattern.matches(name));
    let outside = |name: &str| {
        !names.only.is_empty() && !names.only.iter().any(|pattern| pattern.matches(name))
    };
    let impossible = |pattern: &Pattern| {
        let name = pattern.literal()?;
        if excluded(&name) {
            Some(format!("`none` excludes `{name}`"))
        } else if outside(&name) {
            Some(format!("`only` excludes `{name}`"))
        } else {
            None
        }
    };
    let every = |patterns: &[Pattern]| {
        let reasons: Option<Vec<String>> = patterns.iter().map(impossible).collect();
        reasons?.into_iter().next()
    };
    names.all.iter().find_map(impossible).or_else(|| every(&names.any)).or_else(|| {
        // `only` demands at least one name too.
        let name = names.only.iter().map(Pattern::literal).collect::<Option<Vec<_>>>()?;
        let first = name.first()?.clone();
        name.iter().all(|name| excluded(name)).then(|| format!("`none` excludes `{first}`"))
    })
}
