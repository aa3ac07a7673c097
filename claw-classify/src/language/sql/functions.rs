//! What functions do: the server's own catalogue and what is known beyond it.
//!
//! A name alone or under `pg_catalog` is looked up. Under any other schema it is unknown, whatever
//! the name. The text does not show a user's function that hides a built-in one by its argument
//! types.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use super::statement::Effect;

/// The classes, as `sql.function_effects` documents them.
pub(super) const CLASSES: &[&str] = &[
    "admin", "dynamic", "file", "lock", "network", "read", "secret", "session", "state", "unknown",
    "wait", "write", "xid",
];

/// Looked at in order; `name*` fits any ending.
static CURATED: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    rows(include_str!("functions/curated.tsv"))
        .filter_map(|mut row| Some((row.next()?, row.next()?)))
        .collect()
});

/// Name to (volatility, whether it returns a set).
static CATALOGUE: LazyLock<HashMap<&str, (&str, bool)>> = LazyLock::new(|| {
    rows(include_str!("functions/pg_proc.tsv"))
        .filter_map(|mut row| Some((row.next()?, (row.next()?, row.next()? == "set"))))
        .collect()
});

/// The names of the server's own operators.
static OPERATORS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    // An operator can begin as a comment does, but holds no blank.
    include_str!("functions/operators.txt").lines().filter(|line| !line.contains(' ')).collect()
});

/// The functions that each of the server's own views calls.
static VIEWS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    rows(include_str!("functions/views.tsv"))
        .filter_map(|mut row| Some((row.next()?, row.next()?)))
        .collect()
});

/// The server's own types: schema and name, with a tab between them.
static TYPES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("functions/types.tsv").lines().filter(|line| !line.starts_with('#')).collect()
});

/// The server's own tables of passwords and connection strings, and the views that show them: schema and name.
static SECRETS: LazyLock<HashSet<(&str, &str)>> = LazyLock::new(|| {
    rows(include_str!("functions/secrets.tsv"))
        .filter_map(|mut row| Some((row.next()?, row.next()?)))
        .collect()
});

/// Schemas whose views are the server's own.
const OWN_SCHEMAS: [&str; 2] = ["information_schema", "pg_catalog"];

fn rows(table: &'static str) -> impl Iterator<Item = std::str::Split<'static, char>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t'))
}

/// The name inside `pg_catalog`, or none for another schema's function.
fn own_name(name: &str) -> Option<&str> {
    match name.split_once('.') {
        None => Some(name),
        Some(("pg_catalog", own)) if !own.contains('.') => Some(own),
        Some(_) => None,
    }
}

/// The class of a function, by its name as facts spell it.
pub(super) fn class(name: &str) -> &'static str {
    let Some(own) = own_name(name) else { return "unknown" };
    let curated = CURATED.iter().find(|(known, _)| match known.strip_suffix('*') {
        Some(beginning) => own.starts_with(beginning),
        None => *known == own,
    });
    if let Some((_, class)) = curated {
        return class;
    }
    match CATALOGUE.get(own) {
        Some(("volatile", _)) => "state",
        Some(_) => "read",
        None => "unknown",
    }
}

/// Whether the server itself has an operator of this name. Which function it calls is decided by the types of its
/// operands, and may be a user's all the same.
pub(super) fn has_operator(name: &str) -> bool {
    OPERATORS.contains(name)
}

/// Whether a type is the server's own: only built-in functions run when a value becomes one of it.
pub(super) fn has_type(schema: &str, name: &str) -> bool {
    TYPES.contains(format!("{schema}\t{name}").as_str())
}

/// Whether a relation, whose schema is empty where none is written, shows passwords or connection strings.
pub(super) fn shows_secrets(schema: &str, name: &str) -> bool {
    let schema = if schema.is_empty() { "pg_catalog" } else { schema };
    SECRETS.contains(&(schema, name))
}

/// The functions that a relation calls where it is one of the server's own views; none for any other.
pub(super) fn of_view(schema: &str, name: &str) -> impl Iterator<Item = &'static str> {
    let own = schema.is_empty() || OWN_SCHEMAS.contains(&schema);
    let called = VIEWS.get(name).filter(|_| own).copied().unwrap_or_default();
    // What only shows the server's own state does so by a view of it too, and whoever reads the view knows what it is.
    called.split(',').filter(|name| !name.is_empty() && !matches!(class(name), "read" | "state"))
}

/// Whether a function is known to return one row only.
pub(super) fn returns_one_row(name: &str) -> bool {
    let Some(own) = own_name(name) else { return false };
    CATALOGUE.get(own).is_some_and(|(_, set)| !set)
}

fn effect(class: &str) -> Effect {
    match class {
        "read" | "state" | "wait" | "unknown" => Effect::Read,
        "session" | "lock" => Effect::Session,
        "write" | "xid" => Effect::Write,
        _ => Effect::Admin,
    }
}

/// What a set of functions does.
pub(super) struct Called {
    pub(super) classes: BTreeSet<&'static str>,
    pub(super) unknown: BTreeSet<String>,
    pub(super) effect: Effect,
}

impl Called {
    /// `types` are those of `functions` that name a type of a user's own: no table of functions knows them.
    pub(super) fn of(functions: &BTreeSet<String>, types: &BTreeSet<String>) -> Self {
        let mut called = Self {
            classes: BTreeSet::from(["read"]),
            unknown: BTreeSet::new(),
            effect: Effect::Read,
        };
        for name in functions {
            let class = if types.contains(name) { "unknown" } else { class(name) };
            called.classes.insert(class);
            called.effect = called.effect.max(effect(class));
            if class == "unknown" {
                called.unknown.insert(name.clone());
            }
        }
        called
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_functions() {
        for (name, expected) in [
            ("lower", "read"),
            ("now", "read"),
            ("count", "read"),
            ("pg_catalog.lower", "read"),
            ("app.lower", "unknown"),
            ("pg_catalog.lower.x", "unknown"),
            // The parser's own forms are no calls of a function: who writes the name in quotes calls a user's.
            ("coalesce", "unknown"),
            ("json_value", "unknown"),
            ("nextval", "write"),
            ("lo_unlink", "write"),
            ("lo_get", "state"),
            ("pg_sleep_for", "wait"),
            ("pg_read_file", "file"),
            ("query_to_xml_and_xmlschema", "dynamic"),
            ("table_to_xmlschema", "dynamic"),
            ("txid_current", "xid"),
            ("txid_current_if_assigned", "read"),
            ("pg_current_xact_id_if_assigned", "read"),
            ("pg_ls_waldir", "file"),
            ("amvalidate", "state"),
            ("dblink_exec", "network"),
            ("frobnicate", "unknown"),
            ("LOWER", "unknown"),
            ("", "unknown"),
        ] {
            assert_eq!(class(name), expected, "{name}");
        }
    }

    #[test]
    fn tables_are_sound() {
        assert!(CATALOGUE.len() > 2_500, "{}", CATALOGUE.len());
        assert!(OPERATORS.len() > 60 && ["#", "#>>", "||"].iter().all(|name| has_operator(name)));
        assert!(!has_operator("<=>"));
        assert_eq!(of_view("", "pg_hba_file_rules").collect::<Vec<_>>(), ["pg_hba_file_rules"]);
        assert_eq!(of_view("app", "pg_hba_file_rules").count(), 0);
        assert!(has_type("pg_catalog", "regclass") && has_type("pg_catalog", "_int4"));
        assert!(!has_type("pg_catalog", "mood") && !has_type("public", "int4"));
        assert!(shows_secrets("", "pg_authid") && shows_secrets("pg_catalog", "pg_shadow"));
        assert!(!shows_secrets("", "pg_roles") && !shows_secrets("app", "pg_shadow"));
        assert!(returns_one_row("lower"));
        assert!(!returns_one_row("generate_series"));
        assert!(!returns_one_row("frobnicate"));
        for (name, class) in CURATED.iter() {
            assert!(CLASSES.contains(class), "{name}: {class}");
        }
    }

    #[test]
    fn every_volatile_function_was_looked_at_or_is_kept_apart() {
        let harmless = |name: &&&str| CATALOGUE[**name].0 == "volatile" && class(name) == "read";
        let mut names: Vec<&&str> = CATALOGUE.keys().filter(harmless).collect();
        names.sort();
        assert_eq!(names.len(), 27, "volatile functions taken for harmless: {names:?}");
    }
}
