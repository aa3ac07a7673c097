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
    let names = [argv[0]];
    let facts = Tools::BUILT_IN
        .classify(&Call { argv: &argv, names: &names, stdin, ..Call::default() }, &NoFiles);
    clients_line(&facts.actions[1..])
}

#[test]
fn calls() {
    for (argv, expected) in [
        (
            &["mysql", "-h", "db", "-u", "app", "app", "-e", "SELECT * FROM t LIMIT 1"][..],
            "sql:read",
        ),
        (&["mysql", "-hdb", "-uapp", "-psecret", "app", "-Bse", "SELECT 1"], "sql:read"),
        (&["mysql", "--execute=SHOW PROCESSLIST"], "sql:read"),
        (&["mariadb", "--exe", "SHOW TABLES", "app"], "sql:read"),
        (&["mysql", "--host=db", "--user", "u", "--password=x", "-e", "SELECT 1"], "sql:read"),
        (&["mysql", "-t", "-N", "--skip-column-names", "-e", "DESC t"], "sql:read"),
        (
            &["mysql", "--ssl-mode=REQUIRED", "-P", "3307", "-e", "SELECT 1;SELECT 2"],
            "sql:read sql:read",
        ),
        (&["mysql", "-e", "SELECT 1\\G"], "sql:read"),
        (&["mysql", "-e", "SELECT 1", "-e", "SELECT 2"], "sql:?"),
        (&["mysql", "-e", "SELECT 1 -- x", "-e", "+ ' \n; DROP TABLE t; -- '"], "sql:read sql:ddl"),
        (&["mysql", "-e", "status DROP TABLE t"], "sql:?"),
        (&["mysql", "-e", "/**/ status"], "sql:?"),
        (&["mysql", "--binary-mode", "-e", "system id"], "client:program sql:?"),
        (&["mysql", "--binary-mode", "-e", "SELECT 1\\G"], "sql:?"),
        (&["mysql", "--print-defaults", "-e", "DROP TABLE t"], "client:inform"),
        (&["mysql", "-e", "SET sql_mode='ANSI_QUOTES'; SELECT \"a\""], "sql:session sql:?"),
        (&["mysql", "-e", "SET @@session.sql_mode='ANSI_QUOTES'; SELECT 1"], "sql:session sql:?"),
        (&["mysql", "-e", "SET NAMES utf8mb4; SELECT 1"], "sql:session sql:read"),
        (&["mysql", "-e", "SET NAMES gbk; SELECT 1"], "sql:session sql:?"),
        (&["mysql", "--init-command=SET NAMES gbk", "-e", "SELECT 1"], "sql:session sql:?"),
        (&["mysql", "--default-character-set=gbk", "-e", "SELECT 'é'"], "client:variable sql:?"),
        (
            &["mysql", "--default-character-set=utf8mb4", "-e", "SELECT 'é'"],
            "client:variable sql:read",
        ),
        (&["mysql", "-e", "SELECT 1;", "-e", "SELECT 2"], "sql:read sql:read"),
        (&["mysql", "--version"], "client:inform"),
        (&["mysql", "-e", "DROP TABLE t"], "sql:ddl"),
        (&["mysql", "--in=DROP TABLE t", "-e", "SELECT 1"], "sql:? client:?"),
        (&["mysql", "--init-command=DROP TABLE t", "-e", "SELECT 1"], "sql:ddl sql:read"),
        (&["mysql", "--init_command", "DROP TABLE t", "-e", "SELECT 1"], "sql:ddl sql:read"),
        (&["mysql", "-e", "system id"], "client:program"),
        (&["mysql", "-e", "\\! id"], "client:program sql:?"),
        (&["mysql", "-e", "SELECT 1; system id"], "client:program sql:?"),
        (&["mysql", "-e", "SELECT 1\\! id"], "client:program sql:?"),
        (&["mysql", "-e", "source x.sql"], "client:script"),
        (&["mysql", "-e", "\\. x.sql"], "client:script sql:?"),
        (&["mysql", "-e", "tee /tmp/x"], "client:file_write"),
        (&["mysql", "-e", "delimiter //\nDROP TABLE t//"], "client:script sql:?"),
        (&["mysql", "-e", "SELECT '\\! id'"], "sql:read"),
        (&["mysql", "--pager=sh -c id", "-e", "SELECT 1"], "client:program sql:read"),
        (&["mysql", "--pag=sh", "-e", "SELECT 1"], "client:program sql:read"),
        (&["mysql", "--skip-pager", "-e", "SELECT 1"], "sql:read"),
        (&["mysql", "--tee=x", "-e", "SELECT 1"], "client:file_write sql:read"),
        (&["mysql", "--local-infile", "-e", "SELECT 1"], "client:file_read sql:read"),
        (&["mysql", "--defaults-file=x", "-e", "SELECT 1"], "client:script sql:read"),
        (&["mysql", "--plugin-dir=/tmp", "-e", "SELECT 1"], "client:program sql:read"),
        (&["mysql", "--delimiter=//", "-e", "SELECT 1"], "client:script sql:read"),
        (&["mysql", "--frob", "-e", "SELECT 1"], "sql:? client:?"),
        (&["mysql", "a", "b", "-e", "SELECT 1"], "sql:?"),
        (&["mysql", "app"], "sql:?"),
        (&["mysqladmin", "-h", "db", "ping"], "client:inform"),
        (&["mysqladmin", "status", "variables"], "client:inform client:inform"),
        (&["mysqladmin", "-h", "db", "shutdown"], "client:admin"),
        (&["mysqladmin", "ping", "drop", "app"], "client:inform client:admin client:admin"),
        (&["mysqldump", "app", "t"], "client:export"),
        (&["mysqldump", "--version"], "client:inform"),
        (&["mysqlslap", "--query=DROP TABLE t"], "client:admin"),
        (&["mysqlimport", "app", "t.txt"], "client:admin"),
        (&["mysqlshow", "app"], "client:catalog"),
    ] {
        assert_eq!(shown(argv, Stdin::Unknown), expected, "{argv:?}");
    }
}

#[test]
fn an_option_file_adds_and_takes_nothing_away() {
    let argv: &[&[u8]] = &[b"mysql", b"app"];
    let env: &[&[u8]] = &[b"HOME=/h"];
    let call = Call { argv, env, stdin: Stdin::Content(b"DROP TABLE t;"), ..Call::default() };
    for (content, expected) in [
        (&b"[mysql]\nexecute=SELECT 1\n"[..], "sql:read sql:ddl"),
        (b"[mysql]\nversion\n", "client:inform sql:ddl"),
        (b"[client]\ninit-command=DELETE FROM t\n", "sql:write sql:ddl"),
        (b"[mysqld]\nexecute=SELECT 1\n", "sql:ddl"),
    ] {
        let found = classify(
            &Tools::BUILT_IN.context(&call, &crate::call::files::One(b"/h/.my.cnf", content)),
        );
        assert_eq!(clients_line(&found), expected, "{}", text(content));
    }
    let argv: &[&[u8]] = &[b"mysql", b"-e", b"SELECT * FROM t"];
    let limit =
        Rewrite { action: 2, change: Change::Limit(&sql::LIMIT_ROWS, 5), rule: "r".to_owned() };
    let file = crate::call::files::One(b"/h/.my.cnf", b"[client]\ninit-command=SELECT 1\n");
    let changed =
        rewrite(&Tools::BUILT_IN.context(&Call { argv, env, ..Call::default() }, &file), &[limit])
            .unwrap();
    assert_eq!(changed.argv[2], b"SELECT * FROM t LIMIT 5");
}

#[test]
fn standard_input_is_read_and_limited() {
    for (content, expected) in [
        ("DELETE FROM users;\n", "sql:write"),
        ("SELECT 1;\nSHOW TABLES;\n", "sql:read sql:read"),
        ("use app\nSELECT 1;", "client:variable sql:?"),
        ("source x\n", "client:script"),
    ] {
        assert_eq!(shown(&["mysql", "app"], Stdin::Content(content.as_bytes())), expected);
    }
    let argv: &[&[u8]] = &[b"mysql"];
    let call = Call { argv, stdin: Stdin::Content(b"SELECT * FROM t;"), ..Call::default() };
    let limit =
        Rewrite { action: 1, change: Change::Limit(&sql::LIMIT_ROWS, 5), rule: "r".to_owned() };
    let changed =
        rewrite(&Tools::BUILT_IN.context(&call, &NoFiles), std::slice::from_ref(&limit)).unwrap();
    assert_eq!(changed.stdin.as_deref(), Some(&b"SELECT * FROM t LIMIT 5;"[..]));
    let argv: &[&[u8]] = &[b"mysql", b"-Be", b"SELECT * FROM t", b"--execute=SELECT 1"];
    assert!(
        rewrite(
            &Tools::BUILT_IN.context(&Call { argv, ..Call::default() }, &NoFiles),
            std::slice::from_ref(&limit)
        )
        .is_err()
    );
    let argv: &[&[u8]] = &[b"mysql", b"-BeSELECT * FROM t"];
    let changed =
        rewrite(&Tools::BUILT_IN.context(&Call { argv, ..Call::default() }, &NoFiles), &[limit])
            .unwrap();
    assert_eq!(changed.argv[1], b"-BeSELECT * FROM t LIMIT 5");
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
        prop_assert!(!admin(&call).is_empty());
    }
}
