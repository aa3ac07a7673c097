use super::*;
use crate::Tools;
use crate::call::files::NoFiles;
use crate::corpus::clients_line;
use crate::tool::{CannotRewrite, Changed, Context};
use claw_policy::Change;
use claw_policy::Rewrite;
use proptest::prelude::*;

fn classify(context: &Context<'_>) -> Vec<Action> {
    TOOL.read(context).actions
}

fn rewrite(context: &Context<'_>, rewrites: &[Rewrite]) -> Result<Changed, CannotRewrite> {
    TOOL.read(context).change.make(context, rewrites)
}

fn shown(argv: &[&str], stdin: Stdin<'_>) -> String {
    let argv: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
    let actions = classify(
        &Tools::BUILT_IN.context(&Call { argv: &argv, stdin, ..Call::default() }, &NoFiles),
    );
    clients_line(&actions)
}

#[test]
fn calls() {
    for (argv, expected) in [
        (&["sqlite3", "a.db", "SELECT 1"][..], "sql:read"),
        (&["sqlite3", "-header", "-csv", "a.db", "select id from t limit 1;"], "sql:read"),
        (&["sqlite3", "--readonly", "a.db", "SELECT 1; SELECT 2"], "sql:read sql:read"),
        (&["sqlite3", "a.db", "-json", "SELECT 1"], "sql:read"),
        (&["sqlite3", "-separator", ",", "a.db", "SELECT 1"], "sql:read"),
        (&["sqlite3", "a.db", ".schema users"], "client:catalog"),
        (&["sqlite3", "a.db", ".tables"], "client:catalog"),
        (&["sqlite3", "a.db", ".ta"], "client:catalog"),
        (&["sqlite3", "a.db", ".mode csv", "SELECT 1"], "client:inform sql:read"),
        (&["sqlite3", "a.db", ".output stdout"], "client:inform"),
        (&["sqlite3", "-cmd", ".headers on", "a.db", "SELECT 1"], "client:inform sql:read"),
        (&["sqlite3", "a.db", "PRAGMA table_info(t)"], "sql:read"),
        (&["sqlite3", "-version"], "client:inform"),
        (&["sqlite3", "-cmd", "DELETE FROM t", "a.db", "-version"], "sql:write client:inform"),
        (&["sqlite3", "-memtrace", "-version", "a.db", "DELETE FROM t"], "sql:?"),
        (&["sqlite3", "a.db", "DELETE FROM t"], "sql:write"),
        (&["sqlite3", "a.db", ".shell id"], "client:program"),
        (&["sqlite3", "a.db", ".sh id"], "client:program"),
        (&["sqlite3", "a.db", ".s id"], "client:program"),
        (&["sqlite3", "a.db", ".system id"], "client:program"),
        (&["sqlite3", "a.db", ".sys id"], "client:program"),
        (&["sqlite3", "a.db", ".once |sh", "SELECT 'id'"], "client:program sql:read"),
        (&["sqlite3", "a.db", ".output '|sh'"], "client:program"),
        (&["sqlite3", "a.db", ".o |sh"], "client:?"),
        (&["sqlite3", "a.db", ".output x"], "client:file_write"),
        (&["sqlite3", "a.db", ".output stdout"], "client:inform"),
        (&["sqlite3", "a.db", ".once on"], "client:file_write"),
        (&["sqlite3", "a.db", ".log no"], "client:file_write"),
        (&["sqlite3", "a.db", ".once -e"], "client:program"),
        (&["sqlite3", "a.db", ".import f t"], "client:admin"),
        (&["sqlite3", "a.db", ".import '|id' t"], "client:program"),
        (&["sqlite3", "a.db", ".load x"], "client:program"),
        (&["sqlite3", "a.db", ".open b.db"], "client:connect"),
        (&["sqlite3", "a.db", ".dump"], "client:export"),
        (&["sqlite3", "a.db", ".read x.sql"], "client:script sql:?"),
        (&["sqlite3", "-init", "x.sql", "a.db", "SELECT 1"], "client:script sql:? sql:read"),
        (&["sqlite3", "-cmd", ".shell id", "a.db", "SELECT 1"], "client:program sql:read"),
        (&["sqlite3", "-A", "-cf", "x.tar", "/etc/passwd"], "client:file_write"),
        (&["sqlite3", "-Acf", "x.tar"], "client:file_write"),
        (&["sqlite3", "a.db", "SELECT 1;\n.shell id"], "sql:read client:program"),
        (&["sqlite3", "-frob", "a.db"], "sql:?"),
        (&["sqlite3", "file:a.db?vfs=x", "SELECT 1"], "sql:read client:connect"),
        (&["sqlite3", "file:a.db?mode=ro", "SELECT 1"], "sql:read"),
        (&["sqlite3", "a.db"], "sql:?"),
        (&["sqlite3", "a.db", ".frob"], "client:?"),
    ] {
        assert_eq!(shown(argv, Stdin::Unknown), expected, "{argv:?}");
    }
}

#[test]
fn standard_input() {
    for (content, expected) in [
        ("SELECT 1;\n", "sql:read"),
        (".mode csv\nSELECT 1;\n.shell id\n", "client:inform sql:read client:program"),
        ("SELECT\n.5;\n", "sql:read"),
        ("DELETE FROM t;", "sql:write"),
        ("SELECT 1\ngo\nDELETE FROM t", "sql:?"),
        ("", "sql:read"),
    ] {
        let content = Stdin::Content(content.as_bytes());
        assert_eq!(shown(&["sqlite3", "a.db"], content), expected, "{content:?}");
    }
    assert_eq!(shown(&["sqlite3", "a.db"], Stdin::Null), "client:inform");
}

#[test]
fn the_script_that_is_run_first_may_be_in_several_places() {
    for (path, env) in [
        (&b"/h/.sqliterc"[..], &b"HOME=/h"[..]),
        (b"/h/.config/sqlite3/sqliterc", b"HOME=/h"),
        (b"/x/sqlite3/sqliterc", b"XDG_CONFIG_HOME=/x"),
    ] {
        let argv: &[&[u8]] = &[b"sqlite3", b"app.db", b"SELECT 1"];
        let call = Call { argv, env: &[env], ..Call::default() };
        let found = classify(
            &Tools::BUILT_IN.context(&call, &crate::call::files::One(path, b"DROP TABLE t;\n")),
        );
        assert_eq!(clients_line(&found), "sql:ddl sql:read", "{}", text(path));
    }
}

#[test]
fn limits_land_in_their_arguments() {
    let argv: &[&[u8]] = &[b"sqlite3", b"a.db", b".mode csv", b"SELECT * FROM t;"];
    let call = Call { argv, ..Call::default() };
    let limit =
        Rewrite { action: 2, change: Change::Limit(&sql::LIMIT_ROWS, 5), rule: "r".to_owned() };
    let changed =
        rewrite(&Tools::BUILT_IN.context(&call, &NoFiles), std::slice::from_ref(&limit)).unwrap();
    assert_eq!(changed.argv[3], b"SELECT * FROM t LIMIT 5;");
    let argv: &[&[u8]] = &[b"sqlite3", b"a.db"];
    let call = Call { argv, stdin: Stdin::Content(b"TABLE t"), ..Call::default() };
    assert_eq!(
        rewrite(&Tools::BUILT_IN.context(&call, &NoFiles), &[limit]).unwrap_err().to_string(),
        "cannot apply rule `r`: the rows do not come from a statement that can be changed"
    );
    let call = Call { argv, stdin: Stdin::Content(b"SELECT * FROM t"), ..Call::default() };
    let limit =
        Rewrite { action: 1, change: Change::Limit(&sql::LIMIT_ROWS, 5), rule: "r".to_owned() };
    let changed = rewrite(&Tools::BUILT_IN.context(&call, &NoFiles), &[limit]).unwrap();
    assert_eq!(changed.stdin.as_deref(), Some(&b"SELECT * FROM t LIMIT 5"[..]));
}

proptest! {
    #[test]
    fn any_call_is_classified(
        argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
        stdin in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let call = Call { argv: &argv, stdin: Stdin::Content(&stdin), ..Call::default() };
        prop_assert!(!classify(&Tools::BUILT_IN.context(&call, &NoFiles)).is_empty());
    }
}
