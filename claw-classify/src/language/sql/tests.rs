//! Texts and their facts, from `corpus/sql.toml` and `corpus/limits.toml`, and properties that hold
//! of any text.

use std::collections::BTreeSet;

use claw_policy::{Reading, Value};
use proptest::prelude::*;
use serde::Deserialize;

use super::limit::limit_rows;
use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    statement: Vec<Expected>,
    text: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    sql: String,
    kind: String,
    effect: Option<String>,
    tables: BTreeSet<String>,
    #[serde(default)]
    unknown: BTreeSet<String>,
    limited: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    sql: String,
    /// Empty if the text is opaque.
    kinds: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    limit: Vec<Limit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    before: String,
    after: String,
}

fn corpus() -> Corpus {
    toml::from_str(include_str!("../../../corpus/sql.toml")).unwrap()
}

fn read_text(sql: &str) -> Vec<Action> {
    actions(sql.as_bytes(), &mut Session::default())
}

fn word(action: &Action, name: &str) -> Option<String> {
    match action.fact(name) {
        Some(Reading::Known(Value::Str(word))) => Some(word.clone()),
        Some(Reading::Known(other)) => panic!("{other:?}"),
        Some(Reading::Opaque(_)) | None => None,
    }
}

fn set(action: &Action, name: &str) -> BTreeSet<String> {
    match action.fact(name) {
        Some(Reading::Known(Value::Set(names))) => names.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn statements() {
    for expected in corpus().statement {
        let found = read_text(&expected.sql);
        let sql = &expected.sql;
        assert_eq!(found.len(), 1, "{sql}");
        let action = &found[0];
        assert_eq!(action.opaque, None, "{sql}");
        assert_eq!(word(action, "kind").as_deref(), Some(&*expected.kind), "{sql}");
        assert_eq!(word(action, "effect"), expected.effect, "{sql}");
        assert_eq!(set(action, "tables"), expected.tables, "{sql}");
        assert_eq!(set(action, "functions_unknown"), expected.unknown, "{sql}");
        let limited = expected.limited.map(Value::Bool);
        assert_eq!(action.fact("limited"), limited.as_ref().map(Reading::Known), "{sql}");
    }
}

#[test]
fn texts() {
    for expected in corpus().text {
        let found = read_text(&expected.sql);
        let kinds: Vec<String> = found.iter().filter_map(|action| word(action, "kind")).collect();
        assert_eq!(kinds, expected.kinds, "{:?}", expected.sql);
        assert_eq!(
            found[0].opaque.is_some(),
            expected.kinds.is_empty(),
            "{:?}: {:?}",
            expected.sql,
            found[0].opaque
        );
    }
}

#[test]
fn limits() {
    let limits: Limits = toml::from_str(include_str!("../../../corpus/limits.toml")).unwrap();
    for Limit { before, after } in limits.limit {
        let limited = limit_rows(&before, &[(0, 7)]);
        assert_eq!(limited.as_deref(), Ok(&*after), "{before}");
        assert_eq!(limit_rows(&after, &[(0, 7)]).as_deref(), Ok(&*after), "twice: {before}");
    }
}

#[test]
fn only_the_statements_named_are_limited() {
    let text = "TABLE a; TABLE b; TABLE c";
    assert_eq!(
        limit_rows(text, &[(2, 3), (0, 1)]).as_deref(),
        Ok("TABLE a LIMIT 1; TABLE b; TABLE c LIMIT 3")
    );
}

#[test]
fn what_is_no_query_is_not_limited() {
    const NO_ROWS: &str = "the statement is no query that returns rows";
    for (text, why) in [
        ("DELETE FROM t", NO_ROWS),
        ("EXPLAIN SELECT 1", NO_ROWS),
        ("SHOW ALL", NO_ROWS),
        ("SELEC", "it does not parse: syntax error at or near \"SELEC\""),
        ("", "there is no such statement"),
        ("DECLARE c CURSOR FOR SELECT 1", NO_ROWS),
    ] {
        assert_eq!(limit_rows(text, &[(0, 7)]).unwrap_err(), why, "{text}");
    }
}

#[test]
fn where_clauses() {
    let facts = |sql: &str| {
        let action = read_text(sql).remove(0);
        let flag = |name| match action.fact(name) {
            Some(Reading::Known(Value::Bool(flag))) => Some(*flag),
            _ => None,
        };
        (flag("has_where"), flag("unfiltered"), flag("returning"))
    };
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(facts("DELETE FROM t"), (no, yes, no));
    assert_eq!(facts("DELETE FROM t WHERE a"), (yes, no, no));
    assert_eq!(facts("UPDATE t SET a = 1 RETURNING b"), (no, yes, yes));
    assert_eq!(facts("WITH x AS (DELETE FROM t WHERE a) UPDATE u SET b = 1"), (no, yes, no));
    assert_eq!(facts("WITH x AS (DELETE FROM t) UPDATE u SET b = 1 WHERE a"), (yes, yes, no));
    assert_eq!(facts("EXPLAIN ANALYZE DELETE FROM t"), (None, yes, no));
    assert_eq!(facts("EXPLAIN DELETE FROM t"), (None, no, no));
    assert_eq!(facts("SELECT 1 FROM t WHERE a"), (yes, no, no));
}

#[test]
fn settings_and_modes() {
    let read = |sql: &str| {
        let action = read_text(sql).remove(0);
        let modes = match action.fact("transaction_modes") {
            Some(Reading::Known(Value::Set(modes))) => {
                modes.iter().cloned().collect::<Vec<_>>().join(",")
            }
            _ => String::new(),
        };
        (word(&action, "setting"), word(&action, "setting_value"), modes)
    };
    let some = |text: &str| Some(text.to_owned());
    for (sql, setting, value, modes) in [
        ("SET Work_Mem TO '1MB'", some("work_mem"), some("1mb"), ""),
        ("SET search_path = a, b", some("search_path"), None, ""),
        ("SET ROLE postgres", some("role"), some("postgres"), ""),
        ("SET SESSION AUTHORIZATION x", some("session_authorization"), some("x"), ""),
        ("SET TIME ZONE 'UTC'", some("timezone"), some("utc"), ""),
        ("SET NAMES 'SJIS'", some("client_encoding"), some("sjis"), ""),
        ("SET LOCAL enable_seqscan = off", some("enable_seqscan"), some("off"), ""),
        ("RESET ALL", some("all"), None, ""),
        ("RESET role", some("role"), None, ""),
        ("SET TRANSACTION READ WRITE", None, None, "read_write"),
        (
            "SET TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE",
            None,
            None,
            "isolation,read_only",
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            some("session_characteristics"),
            None,
            "read_write",
        ),
        ("SET TRANSACTION SNAPSHOT 'x'", None, None, "snapshot"),
        ("BEGIN READ WRITE", None, None, "read_write"),
        ("START TRANSACTION READ ONLY, DEFERRABLE", None, None, "deferrable,read_only"),
    ] {
        assert_eq!(read(sql), (setting, value, modes.to_owned()), "{sql}");
    }
}

#[test]
fn the_text_of_a_statement_is_its_own() {
    let texts: Vec<String> = read_text("SELECT 1 ;\n DROP TABLE é; SELECT 2")
        .into_iter()
        .map(|action| action.text)
        .collect();
    assert_eq!(texts, ["SELECT 1", "DROP TABLE é", "SELECT 2"]);
}

#[test]
fn deep_nesting_is_opaque_and_quick() {
    for text in [
        format!("SELECT {}1{}", "(".repeat(30_000), ")".repeat(30_000)),
        format!("SELECT {}1", "- ".repeat(30_000)),
        format!("SELECT 1{}", "+1".repeat(30_000)),
        format!("SELECT {}1{}", "(SELECT ".repeat(8_000), ")".repeat(8_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(8_000)),
        format!("SELECT ARRAY{}1{}", "[".repeat(30_000), "]".repeat(30_000)),
        format!("SELECT 1 WHERE a{}", " OR a".repeat(20_000)),
        format!("SELECT {}true", "NOT ".repeat(20_000)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(5_000), " END".repeat(5_000)),
        format!("SELECT a{}", "::int".repeat(20_000)),
        format!("SELECT {}1", "- - ~ @ ".repeat(8_000)),
        format!("SELECT 1{}", "||1".repeat(20_000)),
        format!("SELECT (a){}", ".b".repeat(20_000)),
        format!("SELECT a{}", "[1]".repeat(20_000)),
        format!("SELECT a{} FROM t", " COLLATE x".repeat(10_000)),
        format!("SELECT * FROM {}a", "(a JOIN ".repeat(8_000)),
        format!("SELECT * FROM a{}", " CROSS JOIN a".repeat(8_000)),
        format!("SELECT {}1{}", "f(".repeat(20_000), ")".repeat(20_000)),
        format!("SELECT {}1{}", "ROW(".repeat(20_000), ")".repeat(20_000)),
        format!("SELECT {}1{}", "EXISTS (SELECT ".repeat(8_000), ")".repeat(8_000)),
        format!("SELECT {}1{}", "CAST(".repeat(8_000), " AS int)".repeat(8_000)),
        format!("{}SELECT 1", "EXPLAIN ".repeat(20_000)),
        format!("{}SELECT 1{}", "WITH a AS (".repeat(8_000), ") SELECT 1".repeat(8_000)),
        format!("CREATE SCHEMA a {}", "CREATE VIEW b AS SELECT 1 ".repeat(4_000)),
        format!("SELECT json_array({}1{})", "json_array(".repeat(8_000), ")".repeat(8_000)),
        format!("SELECT 1{}", " IS NULL".repeat(20_000)),
        format!("SELECT 1 FROM a ORDER BY {}1", "+ ".repeat(20_000)),
        "(".repeat(100_000),
        "/*".repeat(60_000),
        "$a$".repeat(40_001),
    ] {
        // On a thread with the stack that threads usually have.
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        let found = thread.spawn(move || read_text(&text)).unwrap().join().unwrap();
        assert!(!found.is_empty());
        let beginning: String = found[0].text.chars().take(30).collect();
        assert!(
            found[0].opaque.is_some() || found[0].fact("kind").is_some(),
            "neither read nor opaque: {beginning}"
        );
    }
}

#[test]
fn a_long_list_is_read() {
    let values = vec!["(1, 'x')"; 5_000].join(", ");
    let found = read_text(&format!("INSERT INTO t VALUES {values}"));
    assert_eq!(word(&found[0], "effect").as_deref(), Some("write"));
}

/// The classes of what a statement calls.
fn classes(sql: &str) -> BTreeSet<String> {
    read_text(sql).iter().flat_map(|action| set(action, "function_effects")).collect()
}

#[test]
fn passwords_in_the_catalogue_are_no_plain_reads() {
    for relation in ["pg_authid", "pg_catalog.pg_shadow", "pg_user_mappings", "pg_subscription"] {
        let shown = classes(&format!("SELECT 1 FROM {relation} LIMIT 1"));
        assert!(shown.contains("secret"), "{relation}: {shown:?}");
        let copied = classes(&format!("COPY {relation} TO STDOUT"));
        assert!(copied.contains("secret"), "{relation}: {copied:?}");
        let planned = classes(&format!("EXPLAIN SELECT 1 FROM {relation}"));
        assert_eq!(planned, BTreeSet::from(["read".to_owned()]), "{relation}");
    }
    let read = BTreeSet::from(["read".to_owned()]);
    for relation in ["pg_roles", "pg_user", "pg_settings", "pg_stat_activity", "app.pg_shadow"] {
        assert_eq!(classes(&format!("SELECT 1 FROM {relation} LIMIT 1")), read, "{relation}");
    }
}

#[test]
fn attribute_notation_is_as_strict_as_the_call() {
    let names =
        ["nextval", "pg_read_file", "ts_stat", "pg_sleep", "pg_advisory_lock", "frobnicate"];
    for name in names {
        let call = classes(&format!("SELECT {name}(x) FROM t"));
        let field = classes(&format!("SELECT (x).{name} FROM t"));
        assert_eq!(field, call, "{name}");
        if name != "frobnicate" {
            assert_eq!(classes(&format!("SELECT x.{name} FROM t x")), call, "{name}");
        }
    }
}

/// How strict a reading is: a text that cannot be read is the strictest.
fn strictness(sql: &str) -> usize {
    let severity = |action: &Action| match word(action, "effect") {
        Some(effect) => {
            let rank = Effect::NAMES.iter().position(|name| *name == effect);
            rank.unwrap_or(usize::MAX)
        }
        None => usize::MAX,
    };
    read_text(sql).iter().map(severity).max().unwrap_or(usize::MAX)
}

/// The words of a statement that holds no literal, comment or quoted name.
fn words(sql: &str) -> Option<Vec<&str>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " _*,()=.+".contains(c);
    sql.chars().all(plain).then(|| sql.split(' ').collect())
}

fn plain_statements() -> impl Strategy<Value = String> {
    let statements: Vec<String> = corpus()
        .statement
        .into_iter()
        .map(|expected| expected.sql)
        .filter(|sql| words(sql).is_some())
        .collect();
    prop::sample::select(statements)
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_opaque(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!actions(&bytes, &mut Session::default()).is_empty());
    }

    #[test]
    fn any_tokens_are_read_or_opaque(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "SELECT", "DELETE", "FROM", "WITH", "AS", "(", ")", ";", ",", "'", "''", "E'", "\\", "$$",
                "$a$", "--", "/*", "*/", "\n", "t", "1", "LIMIT", "UNION", "EXPLAIN", "ANALYZE", "U&\"", "\"",
                ":x", "::", "[", "]", "BEGIN", "ATOMIC", "END", "CASE", "\r", "é",
            ]),
            0..40,
        )
    ) {
        let text = tokens.join(" ");
        prop_assert!(!read_text(&text).is_empty());
        if let Ok(limited) = limit_rows(&text, &[(0, 7)]) {
            prop_assert_eq!(limit_rows(&limited, &[(0, 7)]), Ok(limited));
        }
    }

    #[test]
    fn comments_case_and_white_space_change_nothing(
        sql in plain_statements(),
        gaps in prop::collection::vec(
            prop::sample::select(vec![" ", "\n", "\t", " /* x */ ", " -- '; DROP\n", "/*/**/*/", "\r\n", "\x0c"]),
            40,
        ),
        upper in any::<bool>(),
    ) {
        let mut gap = gaps.iter().cycle();
        let text: String = words(&sql).unwrap_or_default().iter().enumerate().map(|(at, word)| {
            let word = if upper { word.to_uppercase() } else { word.to_lowercase() };
            if at == 0 { word } else { format!("{}{word}", gap.next().unwrap_or(&" ")) }
        }).collect();
        prop_assert!(strictness(&text) >= strictness(&sql), "{}", text);
    }

    #[test]
    fn company_never_makes_a_statement_milder(sql in plain_statements(), other in plain_statements()) {
        for text in [
            format!("{sql}; {other}"),
            format!("{other};{sql}"),
            format!("EXPLAIN ANALYZE {sql}"),
            format!("EXPLAIN (ANALYZE, COSTS OFF) {sql}"),
            format!("PREPARE p AS {sql}"),
            format!("WITH x AS ({sql}) SELECT * FROM x"),
            format!("WITH x AS (SELECT 1) {sql}"),
            format!("COPY ({sql}) TO STDOUT"),
            format!("CREATE TABLE zz AS {sql}"),
            format!("/* */ {sql} --"),
        ] {
            prop_assert!(strictness(&text) >= strictness(&sql), "{}", text);
        }
    }

    #[test]
    fn a_limit_changes_nothing_but_the_limit(sql in plain_statements(), rows in 0..100_000u64) {
        let asked = read_text(&sql)[0].fact("limited").is_some();
        if let (true, Ok(limited)) = (asked, limit_rows(&sql, &[(0, rows)])) {
            let facts = |sql: &str| {
                let action = read_text(sql).remove(0);
                let kept = ["kind", "effect"].map(|name| word(&action, name));
                (kept, set(&action, "tables"))
            };
            prop_assert_eq!(facts(&limited), facts(&sql));
            let again = read_text(&limited);
            prop_assert_eq!(again[0].fact("limited"), Some(Reading::Known(&Value::Bool(true))));
        }
    }
}
