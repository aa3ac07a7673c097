//! SQL of MySQL, SQLite and ClickHouse, to the same facts as PostgreSQL's.
//!
//! Input: a text and its dialect. Output: one action of the domain `sql` for each statement. A
//! lexer of our own splits the text where the program does (`dialect/words.rs`). sqlparser reads
//! each piece, and must find exactly one statement in it. Statements that only show something
//! (SHOW, DESCRIBE, PRAGMA) are read from their words.
//!
//! Known gaps: names that a WITH clause defines count as tables. The tables of a statement that
//! writes all count as written. Functions outside a list of harmless ones are unknown
//! (`dialect/functions.rs`).

mod clickhouse;
mod functions;
mod limit;
mod settings;
mod words;

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};

use claw_policy::{Action, Set};
use sqlparser::ast::{
    Expr, Fetch, LimitClause, ObjectName, Query, SetExpr, Setting, Statement as Tree,
    Value as Literal, Visit, Visitor,
};
use sqlparser::dialect::{ClickHouseDialect, Dialect as Grammar, MySqlDialect, SQLiteDialect};

use super::statement::{Effect, Statement};
use super::{DOMAIN, Sql, standard};
use crate::call::excerpt;
pub(crate) use clickhouse::BOUNDS;
pub(crate) use limit::limit_rows;
pub(crate) use settings::is_plain;
pub(crate) use words::{Kind, Word, words};

/// Which program's SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// MySQL's and MariaDB's.
    MySql,
    /// SQLite's.
    Sqlite,
    /// ClickHouse's.
    ClickHouse,
}

/// The most words in one text.
const WORDS: usize = 20_000;

impl Dialect {
    fn grammar(self) -> &'static dyn Grammar {
        match self {
            Self::MySql => &MySqlDialect {},
            Self::Sqlite => &SQLiteDialect {},
            Self::ClickHouse => &ClickHouseDialect {},
        }
    }
}

/// The statements of one text; one opaque action if it cannot be split.
pub(crate) fn actions(dialect: Dialect, text: &str) -> Vec<Action> {
    let words = match words(dialect, text) {
        Ok(words) if words.len() > WORDS => return vec![unread(text, "it has too many words")],
        Ok(words) => words,
        Err(reason) => return vec![unread(text, &reason)],
    };
    let mut actions = Vec::new();
    let mut settled = true;
    for piece in pieces(&words) {
        let piece = &words[piece];
        if !settled {
            actions.push(unread(&text[span(piece).start..], UNSETTLED));
            break;
        }
        settled = dialect != Dialect::MySql || !settings::unsettles(text, piece);
        actions.push(statement(dialect, text, piece));
    }
    if actions.is_empty() {
        return vec![Statement::new("empty", Effect::Read).action("an empty text")];
    }
    actions
}

/// Why what follows some statements is not read.
pub(crate) const UNSETTLED: &str = "a statement before it may have changed how it is cut";

/// Whether texts that follow this one in its session may be split differently.
pub(crate) fn unsettles(dialect: Dialect, text: &str) -> bool {
    let Ok(words) = words(dialect, text) else { return true };
    dialect == Dialect::MySql
        && pieces(&words).any(|piece| settings::unsettles(text, &words[piece]))
}

/// An action for a text that is not read.
pub(crate) fn unread(text: &str, reason: &str) -> Action {
    Action::opaque(&DOMAIN, excerpt(text), reason)
}

/// The words of each statement, between semicolons; none for an empty one.
fn pieces(words: &[Word]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    let ends: Vec<usize> = words
        .iter()
        .enumerate()
        .filter(|(_, word)| word.kind == Kind::Semicolon)
        .map(|(at, _)| at)
        .chain([words.len()])
        .collect();
    ends.into_iter().filter_map(move |end| {
        let piece = start..end;
        start = end + 1;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The text of a statement, from its first word to its last.
fn span(piece: &[Word]) -> Range<usize> {
    match (piece.first(), piece.last()) {
        (Some(first), Some(last)) => first.place.start..last.place.end,
        _ => 0..0,
    }
}

fn statement(dialect: Dialect, text: &str, piece: &[Word]) -> Action {
    let own = &text[span(piece)];
    let read = |kind| Ok(Statement::new(kind, Effect::Read));
    let first = piece.first().map(|word| word.bare(text)).unwrap_or_default();
    let found = match (dialect, first.as_str()) {
        (Dialect::MySql, "show") => read("show"),
        (Dialect::Sqlite, "pragma") => pragma(text, &piece[1..]),
        (Dialect::ClickHouse, "desc" | "describe" | "exists" | "show") => {
            clickhouse::shows(text, piece)
        }
        (_, "explain") | (Dialect::MySql, "describe" | "desc") => explain(dialect, text, piece),
        _ => parse(dialect, own).and_then(|tree| whole(dialect, &tree)),
    };
    let found = match found {
        Ok(found) => found,
        Err(reason) => return unread(own, &reason),
    };
    let mut action = found.action(own);
    let called = match found.kind {
        // A bracket there holds an argument.
        "pragma" => BTreeSet::new(),
        _ => functions::called(dialect, text, piece),
    };
    let mut classes = BTreeSet::from(["read"]);
    let mut unknown = BTreeSet::new();
    let mut strongest = found.effect;
    for name in &called {
        let class = functions::class(dialect, name);
        strongest = strongest.max(functions::effect(class));
        classes.insert(class);
        if class == "unknown" {
            unknown.insert(name.clone());
        }
    }
    if found.opaque.is_none() {
        action.set(Sql::EFFECT, strongest.name());
    }
    action.set(Sql::FUNCTIONS, called);
    action.set(Sql::FUNCTIONS_UNKNOWN, unknown);
    action.set(Sql::FUNCTION_EFFECTS, classes.into_iter().collect::<Set>());
    action.set(Sql::PARSER, "sqlparser");
    action
}

fn parse(dialect: Dialect, own: &str) -> Result<Tree, String> {
    let mut trees = standard::trees(dialect.grammar(), own)?;
    match (trees.pop(), trees.is_empty()) {
        (Some(tree), true) => Ok(tree),
        _ => Err("it is read as several statements".to_owned()),
    }
}

/// A statement and everything inside it.
fn whole(dialect: Dialect, tree: &Tree) -> Result<Statement, String> {
    let mut found = standard::kinds::statement(tree);
    let mut walk = Walk { clickhouse: dialect == Dialect::ClickHouse, ..Walk::default() };
    let flow = tree.visit(&mut walk);
    debug_assert!(flow.is_continue(), "the walk never breaks");
    if let Some(odd) = walk.odd {
        return Err(odd.to_owned());
    }
    for (kind, effect) in walk.inner {
        found.kinds.insert(kind);
        found.raise(effect);
    }
    found.locks = walk.locks;
    if walk.locks {
        found.raise(Effect::Write);
    }
    if found.effect == Effect::Read {
        found.tables_read = walk.tables;
    } else {
        found.tables_written = walk.tables;
    }
    if let Tree::Query(query) = tree {
        let (limited, rows) = limited(dialect, query);
        found.limited = Some(limited);
        found.limit = rows;
    }
    Ok(found)
}

/// Whether a query returns no more rows than its text says, and how many.
fn limited(dialect: Dialect, query: &Query) -> (bool, Option<i64>) {
    // ClickHouse gives the limit of a UNION to its last query.
    if dialect == Dialect::ClickHouse && !matches!(*query.body, SetExpr::Select(_)) {
        return (false, None);
    }
    let limit = match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit: Some(limit), limit_by, .. })
            if limit_by.is_empty() =>
        {
            Some(limit)
        }
        Some(LimitClause::OffsetCommaLimit { limit, .. }) => Some(limit),
        // A number of rows for each value does not limit the whole.
        Some(LimitClause::LimitOffset { .. }) | None => None,
    };
    let fetch = match &query.fetch {
        Some(Fetch { with_ties: false, percent: false, quantity }) => quantity.as_ref(),
        _ => None,
    };
    if let Some(rows) = limit.or(fetch).and_then(number) {
        return (true, Some(rows));
    }
    let one_row = match &*query.body {
        SetExpr::Select(select) => select.from.is_empty(),
        SetExpr::Values(_) => true,
        _ => false,
    };
    (one_row && limit.is_none(), None)
}

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Literal::Number(digits, _) => digits.to_string().parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// What is inside a statement.
#[derive(Default)]
struct Walk {
    clickhouse: bool,
    depth: usize,
    inner: Vec<(&'static str, Effect)>,
    tables: BTreeSet<String>,
    locks: bool,
    odd: Option<&'static str>,
}

impl Visitor for Walk {
    type Break = ();

    fn pre_visit_statement(&mut self, tree: &Tree) -> ControlFlow<()> {
        if self.depth > 0 {
            let inner = standard::kinds::statement(tree);
            self.inner.push((inner.kind, inner.effect));
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.locks |= !query.locks.is_empty();
        let bounds = |settings: &[Setting]| {
            settings.iter().all(|setting| BOUNDS.contains(&setting.key.value.as_str()))
        };
        let settled = query.settings.as_deref().is_none_or(|all| self.clickhouse && bounds(all));
        if !query.pipe_operators.is_empty()
            || !settled
            || (query.format_clause.is_some() && !self.clickhouse)
            || query.for_clause.is_some()
        {
            self.odd = Some("the query has clauses of another system");
        }
        let mut bodies = vec![&*query.body];
        while let Some(body) = bodies.pop() {
            match body {
                SetExpr::Select(select) => {
                    if select.into.is_some() {
                        self.inner.push(("select", Effect::Admin));
                    }
                }
                SetExpr::SetOperation { left, right, .. } => bodies.extend([&**left, &**right]),
                // Visited as a query or as a statement.
                SetExpr::Query(_) | SetExpr::Values(_) => {}
                SetExpr::Insert(_)
                | SetExpr::Update(_)
                | SetExpr::Delete(_)
                | SetExpr::Merge(_) => {}
                SetExpr::Table(table) => {
                    let parts = [&table.schema_name, &table.table_name];
                    let parts: Vec<&str> =
                        parts.into_iter().flatten().map(String::as_str).collect();
                    self.tables.insert(parts.join("."));
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let parts: Vec<String> = name
            .0
            .iter()
            .map(|part| {
                part.as_ident().map_or_else(|| part.to_string(), |ident| ident.value.clone())
            })
            .collect();
        self.tables.insert(parts.join(".").to_lowercase());
        ControlFlow::Continue(())
    }
}

/// EXPLAIN and DESCRIBE. Functions count as if they ran: an optimizer may call them.
fn explain(dialect: Dialect, text: &str, piece: &[Word]) -> Result<Statement, String> {
    let mut at = 1;
    let mut runs = false;
    while let Some(word) = piece.get(at).map(|word| word.bare(text)) {
        match (dialect, word.as_str()) {
            (Dialect::MySql, "analyze") => runs = true,
            (Dialect::MySql, "extended" | "partitions")
            | (Dialect::Sqlite, "query" | "plan")
            | (
                Dialect::ClickHouse,
                "ast" | "estimate" | "pipeline" | "plan" | "query" | "syntax" | "tree",
            ) => {}
            (Dialect::MySql, "format")
                if piece.get(at + 1).is_some_and(|word| &text[word.place.clone()] == "=") =>
            {
                at += 2;
            }
            _ => break,
        }
        at += 1;
    }
    let rest = &piece[at.min(piece.len())..];
    let first = rest.first().map(|word| word.bare(text)).unwrap_or_default();
    let mut found = Statement::new("explain", Effect::Read);
    match first.as_str() {
        "select" | "with" | "table" | "values" | "insert" | "update" | "delete" | "replace" => {
            let inner = whole(dialect, &parse(dialect, &text[span(rest)])?)?;
            if runs {
                found.kinds.extend(&inner.kinds);
                found.effect = inner.effect;
            }
            found.tables_read = inner.tables_read;
            found.tables_written = inner.tables_written;
            Ok(found)
        }
        _ if dialect == Dialect::MySql
            && !runs
            && !rest.is_empty()
            && rest
                .iter()
                .all(|word| word.kind != Kind::Sign || &text[word.place.clone()] == ".") =>
        {
            let mut found = Statement::new("describe", Effect::Read);
            found.tables_read.insert(text[span(rest)].replace('`', "").to_lowercase());
            Ok(found)
        }
        _ => Err("what it explains is not read".to_owned()),
    }
}

/// Pragmas that show something with or without an argument (sqlite.org/pragma.html).
const SHOWS: &[&str] = &[
    "collation_list",
    "compile_options",
    "database_list",
    "foreign_key_check",
    "foreign_key_list",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "pragma_list",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Pragmas that show a setting if they are given no value.
const SETTINGS: &[&str] = &[
    "application_id",
    "auto_vacuum",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "cell_size_check",
    "checkpoint_fullfsync",
    "data_version",
    "defer_foreign_keys",
    "encoding",
    "foreign_keys",
    "freelist_count",
    "fullfsync",
    "ignore_check_constraints",
    "journal_mode",
    "journal_size_limit",
    "legacy_alter_table",
    "locking_mode",
    "max_page_count",
    "mmap_size",
    "page_count",
    "page_size",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "schema_version",
    "secure_delete",
    "soft_heap_limit",
    "synchronous",
    "temp_store",
    "threads",
    "trusted_schema",
    "user_version",
    "wal_autocheckpoint",
];

fn pragma(text: &str, words: &[Word]) -> Result<Statement, String> {
    let spelled: Vec<&str> = words.iter().map(|word| &text[word.place.clone()]).collect();
    let (name, rest) = match &spelled[..] {
        [_, ".", name, rest @ ..] | [name, rest @ ..] => (name.to_lowercase(), rest),
        [] => return Err("the pragma has no name".to_owned()),
    };
    let name = name.trim_matches(['"', '`', '[', ']', '\'']).to_owned();
    let shows =
        SHOWS.contains(&name.as_str()) || (SETTINGS.contains(&name.as_str()) && rest.is_empty());
    let mut found = Statement::new("pragma", if shows { Effect::Read } else { Effect::Admin });
    found.setting = Some(name);
    Ok(found)
}

#[cfg(test)]
mod tests;
