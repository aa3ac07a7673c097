//! Ways to delete rows that do not look like one, each against a live server, with the table counted over another
//! connection.

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::postgres::{self, Database, ROWS};
use claw_tests::scenario::Scenario;

/// Ways, as shell: `$PSQL` is the real psql with plain output, `$URI` names the database.
const WAYS: &[(&str, &str)] = &[
    ("a here-document", "$PSQL -X <<END\nDELETE FROM users;\nEND"),
    ("a pipe", "echo 'DELETE FROM users' | $PSQL -X"),
    ("a file", "echo 'DELETE FROM users' > a.sql; $PSQL -X -f a.sql"),
    (
        "a file that includes another",
        "echo 'DELETE FROM users' > a.sql; echo '\\i a.sql' | $PSQL -X",
    ),
    (
        "a statement that a statement returns",
        "echo \"SELECT 'DELETE FROM users' \\gexec\" | $PSQL -X",
    ),
    ("a URI", "$PSQL -X \"$URI\" -c 'DELETE FROM users'"),
    (
        "server options under which the text splits otherwise",
        "PGOPTIONS='-c standard_conforming_strings=off' $PSQL -X -c \"SELECT '\\' AS a, '; DELETE FROM users; --'\"",
    ),
    (
        "a URI with such options",
        "$PSQL -X \"$URI?options=-c%20standard_conforming_strings%3Doff\" -c \"SELECT '\\' AS a, '; DELETE FROM users; --'\"",
    ),
    ("a start-up file", "echo 'DELETE FROM users;' > rc; PSQLRC=$PWD/rc $PSQL -c 'SELECT 1'"),
    (
        "a start-up file at home",
        "echo 'DELETE FROM users;' > .psqlrc; HOME=$PWD $PSQL -c 'SELECT 1'",
    ),
    ("EXPLAIN ANALYZE", "$PSQL -X -c 'EXPLAIN ANALYZE DELETE FROM users'"),
    (
        "EXPLAIN with ANALYZE among its options",
        "$PSQL -X -c 'EXPLAIN (COSTS off, ANALYZE 1) DELETE FROM users'",
    ),
    ("DO", "$PSQL -X -c 'DO $$ BEGIN DELETE FROM users; END $$'"),
    ("WITH", "$PSQL -X -c 'WITH d AS (DELETE FROM users RETURNING 1) SELECT count(*) FROM d'"),
    ("COPY", "$PSQL -X -c 'COPY (DELETE FROM users RETURNING 1) TO STDOUT'"),
    ("PREPARE", "$PSQL -X -c 'PREPARE p AS DELETE FROM users; EXECUTE p'"),
    ("a variable", "echo ':q' | $PSQL -X -v q='DELETE FROM users;'"),
    (
        "a variable made of variables",
        "printf '%s\\n' '\\set a DELETE' \"\\set b :a ' FROM '\" ':b users;' | $PSQL -X",
    ),
    (
        "a variable that ends a statement",
        "printf '%s\\n' 'SELECT :a' | $PSQL -X -v a='1;DELETE FROM users'",
    ),
    (
        "a branch",
        "printf '%s\\n' '\\if :{?none}' '\\else' 'DELETE FROM users;' '\\endif' | $PSQL -X",
    ),
    ("a separator that psql does not see", "echo 'SELECT 1 \\; DELETE FROM users;' | $PSQL -X"),
    ("lines that are statements", "printf '%s\\n' 'SELECT 1' 'DELETE FROM users' | $PSQL -X -S"),
    (
        "the statement before",
        "printf '%s\\n' 'SELECT 1' '\\r' 'DELETE FROM users' '\\g' | $PSQL -X",
    ),
    ("psql's own repetition", "echo 'DELETE FROM users \\watch 1' | timeout 3 $PSQL -X; true"),
];

fn call(way: &str, database: &Database, folder: &std::path::Path) -> Call {
    let env = database.env();
    let uri = format!("postgresql://claw@127.0.0.1:{}/{}", database.port(), env[3].1);
    let psql = format!("{} -A -t", postgres::real_psql().display());
    Call::new(["/bin/bash", "-c", way]).cwd(folder).envs(env).env("PSQL", psql).env("URI", uri)
}

fn rows(database: &Database) -> String {
    database.ask("SELECT count(*) FROM users")
}

#[test]
fn no_way_to_delete_gets_through() {
    for (name, way) in WAYS {
        let scenario = Scenario::new(format!("DELETE by {name}"));
        let (control, guarded) = (postgres::database(), postgres::database());
        let folder = tempfile::tempdir().expect("a temporary directory");
        scenario.control("without claw the table is empty");
        let bare = call(way, &control, folder.path()).bare();
        assert_eq!(rows(&control), "0", "{}", bare.story());
        scenario.then("under claw every row is there");
        let ran = call(way, &guarded, folder.path()).guarded(&Guard::with_policy("judging"));
        assert_eq!(rows(&guarded), ROWS.to_string(), "{}", ran.story());
        let denied = ran.records.iter().any(|record| record.verdict() == "deny");
        assert!(denied, "{}", ran.story());
    }
}
