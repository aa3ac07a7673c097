//! What was read of one statement, whichever parser read it.

use std::collections::BTreeSet;
use std::ops::Range;

use claw_policy::{Action, Set};

use super::functions;
use super::{DOMAIN, Sql};
use crate::call::excerpt;

/// What a statement does, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Reads, and changes nothing anybody could notice.
    Read,
    /// Begins or ends a transaction.
    Transaction,
    /// Changes the session only: settings, cursors, prepared statements, advisory locks.
    Session,
    /// Changes rows, sequences or large objects, or locks rows.
    Write,
    /// Changes what tables and other objects there are.
    Ddl,
    /// Changes the server, its roles and privileges, or reaches outside the database.
    Admin,
}

impl Effect {
    pub(super) const NAMES: &[&str] = &["read", "transaction", "session", "write", "ddl", "admin"];

    pub(super) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) kind: &'static str,
    pub(super) kinds: BTreeSet<&'static str>,
    pub(super) effect: Effect,
    /// Why the effect is unknown, if it is.
    pub(super) opaque: Option<String>,
    pub(super) tables_read: BTreeSet<String>,
    pub(super) tables_written: BTreeSet<String>,
    /// The functions that would run.
    pub(super) functions: BTreeSet<String>,
    /// Those of `functions` that are a cast to a user's own type, by the type's name.
    pub(super) types: BTreeSet<String>,
    /// Whether it reads the server's own passwords or connection strings.
    pub(super) secrets: bool,
    /// The functions that are only planned, in an EXPLAIN without ANALYZE.
    pub(super) functions_planned: BTreeSet<String>,
    pub(super) has_where: Option<bool>,
    pub(super) unfiltered: bool,
    pub(super) limited: Option<bool>,
    pub(super) limit: Option<i64>,
    pub(super) returning: bool,
    pub(super) locks: bool,
    pub(super) setting: Option<String>,
    pub(super) setting_value: Option<String>,
    pub(super) transaction_modes: BTreeSet<&'static str>,
    pub(super) copy: Option<&'static str>,
    /// Whether what it creates goes with the session; none if it creates nothing, or nobody can tell.
    pub(super) temporary: Option<bool>,
    /// Whether a second parser read the same.
    pub(super) confirmed: bool,
    /// Its place in the text, in bytes; none for the whole text.
    pub(super) span: Option<Range<usize>>,
}

impl Statement {
    pub(super) fn new(kind: &'static str, effect: Effect) -> Self {
        Self {
            kind,
            kinds: BTreeSet::from([kind]),
            effect,
            opaque: None,
            tables_read: BTreeSet::new(),
            tables_written: BTreeSet::new(),
            functions: BTreeSet::new(),
            types: BTreeSet::new(),
            secrets: false,
            functions_planned: BTreeSet::new(),
            has_where: None,
            unfiltered: false,
            limited: None,
            limit: None,
            returning: false,
            locks: false,
            setting: None,
            setting_value: None,
            transaction_modes: BTreeSet::new(),
            copy: None,
            temporary: None,
            confirmed: false,
            span: None,
        }
    }

    /// Raises the effect to at least `effect`.
    pub(super) fn raise(&mut self, effect: Effect) {
        self.effect = self.effect.max(effect);
    }

    /// The statement's own words.
    pub(super) fn text<'a>(&self, source: &'a str) -> &'a str {
        let own = self.span.clone().and_then(|span| source.get(span));
        own.unwrap_or(source).trim()
    }

    /// The facts.
    pub(super) fn action(&self, text: &str) -> Action {
        let mut action = Action::new(&DOMAIN, excerpt(text));
        let mut called = functions::Called::of(&self.functions, &self.types);
        if self.secrets {
            called.classes.insert("secret");
        }
        let effect = self.effect.max(called.effect);
        action.set(Sql::KIND, self.kind);
        action.set(Sql::KINDS, self.kinds.iter().copied().collect::<Set>());
        match &self.opaque {
            Some(reason) => action.set_opaque(Sql::EFFECT, reason.clone()),
            None => action.set(Sql::EFFECT, effect.name()),
        }
        let both: BTreeSet<String> =
            self.tables_read.union(&self.tables_written).cloned().collect();
        action.set(Sql::TABLES, both);
        action.set(Sql::TABLES_READ, self.tables_read.clone());
        action.set(Sql::TABLES_WRITTEN, self.tables_written.clone());
        let functions: BTreeSet<String> =
            self.functions.union(&self.functions_planned).cloned().collect();
        action.set(Sql::FUNCTIONS, functions);
        action.set(Sql::FUNCTIONS_UNKNOWN, called.unknown.into_iter().collect::<Set>());
        action.set(Sql::FUNCTION_EFFECTS, called.classes.into_iter().collect::<Set>());
        if let Some(has_where) = self.has_where {
            action.set(Sql::HAS_WHERE, has_where);
        }
        action.set(Sql::UNFILTERED, self.unfiltered);
        if let Some(limited) = self.limited {
            action.set(Sql::LIMITED, limited);
        }
        if let Some(limit) = self.limit {
            action.set(Sql::LIMIT, limit);
        }
        if let Some(temporary) = self.temporary {
            action.set(Sql::TEMPORARY, temporary);
        }
        action.set(Sql::RETURNING, self.returning);
        action.set(Sql::LOCKS, self.locks);
        if let Some(setting) = &self.setting {
            action.set(Sql::SETTING, setting.as_str());
        }
        if let Some(value) = &self.setting_value {
            action.set(Sql::SETTING_VALUE, value.as_str());
        }
        if !self.transaction_modes.is_empty() {
            action.set(
                Sql::TRANSACTION_MODES,
                self.transaction_modes.iter().copied().collect::<Set>(),
            );
        }
        action.set(Sql::PARSER, if self.confirmed { "both" } else { "libpg_query" });
        if let Some(copy) = self.copy {
            action.set(Sql::COPY, copy);
        }
        action
    }
}

/// Names joined by dots. A name that itself holds a dot or a quote is quoted, so that two different
/// lists of names never read the same.
pub(super) fn spell(parts: &[&str]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|part| match part.contains(['.', '"']) {
            true => format!("\"{}\"", part.replace('"', "\"\"")),
            false => (*part).to_owned(),
        })
        .collect();
    parts.join(".")
}
