//! Statements of MySQL and SQLite, what they do and how they are limited.

use claw_policy::{Reading, Value};
use proptest::prelude::*;

use super::*;

/// `KIND EFFECT`, with the functions that are not known; `?` for what is opaque.
fn shown(dialect: Dialect, text: &str) -> String {
    let word = |action: &Action, name| match action.fact(name) {
        Some(Reading::Known(Value::Str(word))) => word.clone(),
        Some(Reading::Known(Value::Set(words))) => {
            words.iter().cloned().collect::<Vec<_>>().join(",")
        }
        Some(Reading::Known(other)) => panic!("{other:?}"),
        Some(Reading::Opaque(_)) => "?".to_owned(),
        None => String::new(),
    };
    let actions = actions(dialect, text);
    let shown = actions.iter().map(|action| {
        if action.opaque.is_some() {
            return "?".to_owned();
        }
        let words = ["kind", "effect", "functions_unknown"].map(|name| word(action, name));
        words.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" ")
    });
    shown.collect::<Vec<_>>().join("; ")
}

#[test]
fn mysql() {
    for (text, expected) in [
        ("SELECT * FROM users LIMIT 10", "select read"),
        ("SELECT `drop` FROM `delete` LIMIT 1", "select read"),
        ("SELECT \"DELETE FROM users\" AS s", "select read"),
        ("SELECT 'a\\'; DROP TABLE t; -- ' AS s", "select read"),
        ("SELECT 'it''s', \"a\"\"b\"", "select read"),
        ("SELECT 1; SELECT 2;", "select read; select read"),
        ("SELECT 1\\G", "select read"),
        ("SELECT count(*), max(id) FROM t WHERE a IN (1, 2) GROUP BY b", "select read"),
        ("SELECT CAST(a AS DECIMAL(10, 2)) FROM t", "select read"),
        ("WITH x (a) AS (SELECT 1) SELECT * FROM x", "select read"),
        ("(SELECT 1) UNION (SELECT 2)", "select read"),
        ("SELECT 1 # DROP TABLE t", "select read"),
        ("SELECT 1 -- DROP TABLE t", "select read"),
        ("SELECT 1 /* DROP TABLE t */", "select read"),
        ("SHOW PROCESSLIST", "show read"),
        ("SHOW CREATE TABLE t", "show read"),
        ("SHOW FULL COLUMNS FROM t LIKE 'a%'", "show read"),
        ("DESCRIBE users", "describe read"),
        ("desc app.users name", "describe read"),
        ("EXPLAIN SELECT * FROM users", "explain read"),
        ("EXPLAIN FORMAT=JSON SELECT 1", "explain read"),
        ("EXPLAIN DELETE FROM users", "explain read"),
        ("EXPLAIN ANALYZE SELECT 1", "explain read"),
        ("START TRANSACTION", "begin transaction"),
        ("COMMIT", "commit transaction"),
        ("", "empty read"),
        (" ;; ", "empty read"),
        ("SELECT load_file('/etc/passwd')", "select admin"),
        ("SELECT sleep(10)", "select read"),
        ("SELECT frob(1)", "select read frob"),
        ("SELECT app.lower(1)", "select read .lower"),
        ("SELECT `frob`(1)", "select read frob"),
        ("SELECT get_lock('a', 1)", "select session"),
        ("SHOW TABLES WHERE frob(1)", "show read frob"),
        ("SELECT * FROM t FOR UPDATE", "select write"),
        ("DELETE FROM users", "delete write"),
        ("UPDATE t SET a = 1", "update write"),
        ("INSERT INTO t VALUES (1)", "insert write"),
        ("REPLACE INTO t VALUES (1)", "insert write"),
        ("DROP TABLE users", "drop ddl"),
        ("CREATE TABLE t (a INT)", "create ddl"),
        ("TRUNCATE TABLE t", "truncate write"),
        ("SET GLOBAL read_only=0", "set session"),
        ("GRANT ALL ON *.* TO a", "grant admin"),
        ("SELECT 1; DROP TABLE t", "select read; drop ddl"),
        ("SELECT * FROM users INTO OUTFILE \"/tmp/x\"", "?"),
        ("SELECT 1 /*!50000 ; DROP TABLE users */", "?"),
        ("/*!50003 DELETE FROM users */", "?"),
        ("/*M! DELETE FROM users */", "?"),
        ("SELECT 1 --1; DELETE FROM users", "?"),
        ("SELECT 'a", "?"),
        ("SELECT /* a", "?"),
        ("PREPARE s FROM \"DELETE FROM users\"; EXECUTE s", "?; execute ?"),
    ] {
        assert_eq!(shown(Dialect::MySql, text), expected, "{text}");
    }
    for text in [
        "KILL 1",
        "CALL purge()",
        "DO sleep(1)",
        "HANDLER t OPEN",
        "USE app",
        "LOAD DATA INFILE 'x' INTO TABLE t",
        "LOCK TABLES t READ",
        "FLUSH TABLES",
    ] {
        let shown = shown(Dialect::MySql, text);
        assert!(shown.contains('?') || shown.contains("admin"), "{text}: {shown}");
    }
}

#[test]
fn sqlite() {
    for (text, expected) in [
        ("SELECT * FROM some_table;", "select read"),
        ("select id from users limit 10;", "select read"),
        ("SELECT 'DROP TABLE x' AS s", "select read"),
        ("SELECT 'a\\'; SELECT 1", "select read; select read"),
        ("SELECT [drop], \"delete\", `insert` FROM t", "select read"),
        ("SELECT name FROM sqlite_master WHERE type = 'table'", "select read"),
        ("SELECT * FROM pragma_table_info('users')", "select read"),
        ("SELECT json_extract(a, '$.b'), strftime('%s', 'now') FROM t", "select read"),
        (
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 9) SELECT x FROM c",
            "select read",
        ),
        ("EXPLAIN QUERY PLAN SELECT * FROM t", "explain read"),
        ("EXPLAIN SELECT 1", "explain read"),
        ("PRAGMA table_info(users)", "pragma read"),
        ("PRAGMA main.table_info('users')", "pragma read"),
        ("PRAGMA user_version", "pragma read"),
        ("PRAGMA user_version=5", "pragma admin"),
        ("PRAGMA user_version(5)", "pragma admin"),
        ("PRAGMA journal_mode=DELETE", "pragma admin"),
        ("PRAGMA writable_schema=ON", "pragma admin"),
        ("PRAGMA wal_checkpoint", "pragma admin"),
        ("DELETE FROM users", "delete write"),
        ("WITH x AS (SELECT 1) DELETE FROM users", "delete write"),
        ("INSERT INTO users VALUES(3,'c') RETURNING id", "insert write"),
        ("SELECT edit('x','sh -c id')", "select admin"),
        ("SELECT \"edit\"('x','sh -c id')", "select admin"),
        ("SELECT load_extension('/tmp/x')", "select admin"),
        ("SELECT writefile('a', 'b')", "select admin"),
        ("SELECT frob(1)", "select read frob"),
        (
            "SELECT * FROM pragma_table_info(\"users\"); DELETE FROM users",
            "select read; delete write",
        ),
        ("SELECT /* a", "?"),
    ] {
        assert_eq!(shown(Dialect::Sqlite, text), expected, "{text}");
    }
    for text in
        ["ATTACH DATABASE 'x' AS y", "VACUUM INTO 'x'", "VACUUM", "REINDEX", "DETACH y", "ANALYZE"]
    {
        let shown = shown(Dialect::Sqlite, text);
        assert!(shown.contains('?') || shown.contains("admin"), "{text}: {shown}");
    }
}

#[test]
fn limits() {
    for (dialect, text, expected) in [
        (Dialect::Sqlite, "SELECT * FROM t;", "SELECT * FROM t LIMIT 9;"),
        (Dialect::Sqlite, "SELECT * FROM t -- x", "SELECT * FROM t LIMIT 9 -- x"),
        (Dialect::Sqlite, "SELECT * FROM t LIMIT -1", "SELECT * FROM t LIMIT 9"),
        (Dialect::Sqlite, "SELECT * FROM t LIMIT 1+1 OFFSET 2", "SELECT * FROM t LIMIT 9 OFFSET 2"),
        (Dialect::Sqlite, "SELECT * FROM t LIMIT 5", "SELECT * FROM t LIMIT 5"),
        (Dialect::MySql, "SELECT * FROM t LIMIT 5,10", "SELECT * FROM t LIMIT 5,10"),
        (
            Dialect::MySql,
            "SELECT * FROM (SELECT * FROM t LIMIT 5) x",
            "SELECT * FROM (SELECT * FROM t LIMIT 5) x LIMIT 9",
        ),
        (
            Dialect::MySql,
            "SELECT 1 FROM a UNION SELECT 2 FROM b",
            "SELECT 1 FROM a UNION SELECT 2 FROM b LIMIT 9",
        ),
    ] {
        let limited = limit_rows(dialect, text, &[(0, 9)]).unwrap();
        assert_eq!(limited, expected, "{text}");
        assert_eq!(limit_rows(dialect, &limited, &[(0, 9)]).unwrap(), limited, "twice: {text}");
    }
    assert_eq!(
        limit_rows(Dialect::MySql, "DELETE FROM t", &[(0, 9)]).unwrap_err(),
        "the statement is no query"
    );
    assert_eq!(
        limit_rows(Dialect::MySql, "", &[(0, 9)]).unwrap_err(),
        "there is no such statement"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_opaque(text in "\\PC{0,40}") {
        for dialect in [Dialect::MySql, Dialect::Sqlite] {
            prop_assert!(!actions(dialect, &text).is_empty());
        }
    }

    /// What follows a statement never makes it milder.
    #[test]
    fn company_changes_nothing(before in prop::sample::select(vec!["", "SELECT 1;", ";", "/* a */", "-- a\n"])) {
        for dialect in [Dialect::MySql, Dialect::Sqlite] {
            let shown = shown(dialect, &format!("{before}DELETE FROM users"));
            prop_assert!(shown.ends_with("delete write"), "{}", shown);
        }
    }
}
