//! SQL texts to facts: one action for each statement and each server setting.
//!
//! Input: a text as one simple query sends it, and what is known of the session. Output: actions of
//! the domain `sql` in the order of the statements. The whole text is parsed at once; nothing here
//! looks for semicolons.
//!
//! A text is one opaque action if it cannot be read, if a session setting would make the server
//! split it differently, or if it nests too deeply.

mod agreement;
pub(crate) mod dialect;
mod functions;
mod limit;
mod postgres;
mod session;
mod standard;
mod statement;
mod texts;

use claw_policy::{Action, Change, ChangeDef, ChangeTakes, Set, domain};

use crate::call::excerpt;

pub(crate) use limit::limits;
pub(crate) use session::{Connection, Session};
pub(crate) use statement::Effect;
use statement::Statement;
pub use texts::Texts;

/// The change that puts a row limit into a statement.
pub static LIMIT_ROWS: ChangeDef = ChangeDef {
    name: "limit_rows",
    takes: ChangeTakes::Limit,
    of_call: false,
    reason: "no more than {} rows",
    doc: "A statement that returns rows and says no limit itself returns no more than this many.",
};

/// The changes of a client that can do nothing but that.
pub(crate) static ROWS: &[&ChangeDef] = &[&LIMIT_ROWS];

/// The rows that a change asks for, where it is that one.
pub(crate) fn rows(change: &Change) -> Option<u64> {
    match change {
        Change::Limit(def, rows) if **def == LIMIT_ROWS => Some(*rows),
        Change::Limit(..) | Change::Switch(_) | Change::SetEnv(..) | Change::UnsetEnv(_) => None,
    }
}

domain! {
    /// One SQL statement, or one setting that the client gives the server when it connects.
    pub(crate) static DOMAIN: Sql = "sql", governed: true, sealed: true;

    /// The statement: `select`, `values`, `table`, `insert`, `update`, `delete`, `merge`, `copy`, `explain`,
    /// `show`, `set`, `reset`, `begin`, `commit`, `rollback`, `savepoint`, `release`, `create`, `alter`, `drop`,
    /// `truncate`, and so on.
    KIND: String = "kind";
    /// The statement and every statement inside it that would run: the parts of a WITH clause, what EXPLAIN ANALYZE
    /// runs.
    KINDS: Set = "kinds";
    /// The strongest effect of the statement and of what runs inside it, known functions included. A statement that
    /// only calls functions outside the catalogue can be `read`: see `functions_unknown`.
    EFFECT: String = "effect" of Effect::NAMES;
    /// All tables and views named, as written: with the schema if it is given, in lower case if not quoted, without
    /// the names of the statement's own WITH clauses.
    TABLES: Set = "tables";
    /// Those of `tables` that are read or only planned.
    TABLES_READ: Set = "tables_read";
    /// Those of `tables` that are changed, locked, created or dropped.
    TABLES_WRITTEN: Set = "tables_written";
    /// The functions called, as tables are written.
    FUNCTIONS: Set = "functions";
    /// Those of `functions` that would run and are not in the server's catalogue: extensions' and users' own. A cast
    /// to a user's own type stands here by the type's name.
    FUNCTIONS_UNKNOWN: Set = "functions_unknown";
    /// What the functions that would run do. `read` is always there, so that `only` can be asked.
    /// `secret`: the statement reads the server's own table of passwords or connection strings.
    FUNCTION_EFFECTS: Set = "function_effects" of functions::CLASSES;
    /// Whether an UPDATE, DELETE or SELECT has a WHERE clause.
    HAS_WHERE: bool = "has_where";
    /// Whether an UPDATE or DELETE that would run, the statement itself or one inside it, has no WHERE clause.
    UNFILTERED: bool = "unfiltered";
    /// Whether the statement returns no more rows than its text says: a literal LIMIT or FETCH FIRST, or one row by
    /// construction. Absent where a row limit makes no sense.
    LIMITED: bool = "limited";
    /// The literal row limit, in rows.
    LIMIT: i64 = "limit";
    /// Whether a table, view or sequence that is created is a temporary one, which goes with the session. Known for
    /// PostgreSQL.
    TEMPORARY: bool = "temporary";
    /// Whether a statement that writes returns rows.
    RETURNING: bool = "returning";
    /// Whether it takes locks by its own words: FOR UPDATE and similar clauses, LOCK.
    LOCKS: bool = "locks";
    /// The server setting that is set or reset, in lower case; `all` for all of them.
    SETTING: String = "setting";
    /// The new value, in lower case, where it is one literal.
    SETTING_VALUE: String = "setting_value";
    /// The transaction modes asked for.
    TRANSACTION_MODES: Set = "transaction_modes" of &[
        "read_only", "read_write", "isolation", "deferrable", "snapshot",
    ];
    /// Where COPY moves rows.
    COPY: String = "copy" of &["to_client", "from_client", "to_file", "from_file", "program"];
    /// Which parsers read it. `both`: the server's own grammar and sqlparser, which agree. `libpg_query`: the
    /// server's own grammar alone. `sqlparser`: the SQL of another database.
    PARSER: String = "parser" of &["both", "libpg_query", "sqlparser"];
    /// The server's host, where the call says it.
    HOST: String = "host";
    /// The server's port, where the call says it.
    PORT: String = "port";
    /// The database, where the call says it.
    DATABASE: String = "database";
    /// The database user, where the call says it.
    USER: String = "user";
}

/// The statements of one text. The session keeps what a later text depends on.
pub(crate) fn actions(text: &[u8], session: &mut Session) -> Vec<Action> {
    let mut actions = read(text, session).unwrap_or_else(|reason| {
        vec![Action::opaque(&DOMAIN, excerpt(&crate::call::text(text)), reason)]
    });
    for action in &mut actions {
        session.describe(action);
    }
    session.learn(&actions);
    actions
}

fn read(text: &[u8], session: &Session) -> Result<Vec<Action>, String> {
    if let Some(reason) = &session.unreadable {
        return Err(reason.clone());
    }
    let text = str::from_utf8(text).map_err(|_| "the text is not UTF-8".to_owned())?;
    if stalls(text) {
        return Err("it opens too many comments inside comments".to_owned());
    }
    let parsed = session.texts.parsed(text);
    let statements = parsed.statements(text)?;
    if statements.is_empty() {
        return Ok(vec![Statement::new("empty", Effect::Read).action("an empty text")]);
    }
    Ok(statements.iter().map(|statement| statement.action(statement.text(text))).collect())
}

/// Whether the server's lexer would take time that grows with the square of the text. In a run of
/// operator characters it looks at the whole rest of the run again for each `/*` (`xcstart` in
/// `src/backend/parser/scan.l`).
fn stalls(text: &str) -> bool {
    const WORK: usize = 1_000_000;
    text.as_bytes()
        .split(|byte| !b"~!@#^&|`?+-*/%<>=".contains(byte))
        .any(|run| run.len() > 1_000 && run.len() * opens(run) > WORK)
}

fn opens(run: &[u8]) -> usize {
    run.windows(2).filter(|pair| *pair == b"/*").count()
}

/// What a program makes the server do without a text; which tables it means is opaque.
pub(crate) fn utility(kind: &'static str, effect: Effect, text: &str) -> Action {
    let mut action = Statement::new(kind, effect).action(text);
    for fact in [Sql::TABLES, Sql::TABLES_READ, Sql::TABLES_WRITTEN] {
        action.set_opaque(fact, "the program's own options say which");
    }
    action
}

/// A setting that reaches the server outside any statement.
pub(crate) fn setting(name: &str, value: Option<&str>, text: impl Into<String>) -> Action {
    let mut statement = Statement::new("set", Effect::Session);
    statement.setting = Some(name.to_lowercase());
    statement.setting_value = value.map(str::to_lowercase);
    let text: String = text.into();
    statement.action(&excerpt(&text))
}

#[cfg(test)]
mod tests;
