//! What functions do: the server's own catalogue and what is known beyond it.
//!
//! A name alone or under `pg_catalog` is looked up; under any other schema it is unknown, whatever it
//! is called. A user's function that hides a built-in one by its argument types cannot be told from
//! the text.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::statement::Effect;

/// The classes, as `sql.function_effects` documents them.
pub(super) const CLASSES: &[&str] = &[
    "admin", "dynamic", "file", "lock", "network", "read", "session", "state", "unknown", "wait",
    "write", "xid",
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

/// What the parser itself knows: not in pg_proc, and not a function that a user could replace.
const SYNTAX: &[&str] = &[
    "coalesce",
    "greatest",
    "grouping",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_value",
    "least",
    "merge_action",
    "normalize",
    "nullif",
    "row",
    "treat",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "user",
];

fn rows(table: &'static str) -> impl Iterator<Item = std::str::Split<'static, char>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t'))
}

/// The name inside `pg_catalog`, or nothing for another schema's function.
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
        None if SYNTAX.contains(&own) => "read",
        None => "unknown",
    }
}

/// Whether a function is known to return one row only.
pub(super) fn returns_one_row(name: &str) -> bool {
    let Some(own) = own_name(name) else { return false };
    match CATALOGUE.get(own) {
        Some((_, set)) => !set,
        None => SYNTAX.contains(&own),
    }
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
    pub(super) fn of(functions: &BTreeSet<String>) -> Self {
        let mut called = Self {
            classes: BTreeSet::from(["read"]),
            unknown: BTreeSet::new(),
            effect: Effect::Read,
        };
        for name in functions {
            let class = class(name);
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
            ("coalesce", "read"),
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
