//! Calls and their actions, from `corpus/psql.toml`, and what holds of any call.

use std::collections::BTreeMap;

use claw_policy::{Change, Reading, Value};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::Tools;
use crate::call::Call;
use crate::call::files::File;
use crate::call::files::{Files, NoFiles};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    call: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    argv: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    actions: String,
}

fn classify(call: &Call<'_>, files: &dyn Files) -> Vec<Action> {
    TOOL.read(&Tools::BUILT_IN.context(call, files)).actions
}

fn rewrite(
    call: &Call<'_>,
    files: &dyn Files,
    rewrites: &[Rewrite],
) -> Result<Changed, CannotRewrite> {
    let tools = Tools::BUILT_IN;
    let context = tools.context(call, files);
    TOOL.read(&context).change.make(&context, rewrites)
}

fn shown(actions: &[Action]) -> String {
    let shown = actions.iter().map(|action| {
        let name = if action.domain.name() == "sql" { "kind" } else { "class" };
        let word = match action.fact(name) {
            Some(Reading::Known(Value::Str(word))) => word.as_str(),
            _ => "?",
        };
        format!("{}:{word}", action.domain.name())
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn calls() {
    let corpus: Corpus = toml::from_str(include_str!("../../../corpus/psql.toml")).unwrap();
    for Expected { argv, env, actions } in corpus.call {
        let env: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let words: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let env: Vec<&[u8]> = env.iter().map(|entry| entry.as_bytes()).collect();
        let call = Call { argv: &words, env: &env, ..Call::default() };
        assert_eq!(shown(&classify(&call, &NoFiles)), actions, "{argv:?}");
    }
}

#[test]
fn where_a_statement_runs_is_known() {
    let fact = |argv: &[&[u8]], name: &str| {
        let found = classify(
            &Call { argv, env: &[b"PGHOST=env", b"PGUSER=me"], ..Call::default() },
            &NoFiles,
        );
        match found.last().and_then(|action| action.fact(name)) {
            Some(Reading::Known(Value::Str(word))) => word.clone(),
            _ => String::new(),
        }
    };
    let direct: &[&[u8]] = &[b"psql", b"-h", b"h", b"-p5", b"db", b"-c", b"SELECT 1"];
    assert_eq!(
        ["host", "port", "database", "user"].map(|name| fact(direct, name)),
        ["h", "5", "db", "me"]
    );
    let uri: &[&[u8]] = &[b"psql", b"-c", b"SELECT 1", b"postgres://u@h2:6/db2"];
    assert_eq!(
        ["host", "port", "database", "user"].map(|name| fact(uri, name)),
        ["h2", "6", "db2", "u"]
    );
    assert_eq!(fact(&[b"psql", b"-c", b"SELECT 1"], "host"), "env");
}

#[test]
fn limits_land_in_their_arguments() {
    let argv: &[&[u8]] = &[b"psql", b"-cTABLE a; TABLE b", b"--comm=TABLE c", b"db"];
    let call = Call { argv, ..Call::default() };
    let limit = |action, rows| Rewrite {
        action,
        change: Change::Limit(&sql::LIMIT_ROWS, rows),
        rule: "r".to_owned(),
    };
    // Actions are counted with the call-level one.
    let rewritten = rewrite(&call, &NoFiles, &[limit(1, 1), limit(3, 3)]).unwrap();
    let words: Vec<&str> =
        rewritten.argv.iter().map(|word| str::from_utf8(word).unwrap()).collect();
    assert_eq!(words, ["psql", "-cTABLE a LIMIT 1; TABLE b", "--comm=TABLE c LIMIT 3", "db"]);
    assert_eq!(
        rewrite(&call, &NoFiles, &[limit(0, 1)]).unwrap_err().to_string(),
        "cannot apply rule `r`: the rows do not come from a statement that can be changed"
    );
    assert_eq!(
        rewrite(&call, &NoFiles, &[limit(9, 1)]).unwrap_err().to_string(),
        "cannot apply rule `r`: the rows do not come from a statement that can be changed"
    );
    let set = Change::SetEnv("A".to_owned(), "b".to_owned());
    assert!(
        rewrite(&call, &NoFiles, &[Rewrite { action: 1, change: set, rule: "r".to_owned() }])
            .is_err()
    );
}

#[test]
fn standard_input_is_read_and_limited() {
    let argv: &[&[u8]] = &[b"psql", b"db"];
    let content = b"\\x\nTABLE a; -- one\nTABLE b \\g\nSELECT 1;\nTABLE c";
    let call = Call { argv, stdin: Stdin::Content(content), ..Call::default() };
    assert_eq!(
        shown(&classify(&call, &NoFiles)),
        "psql:script psql:inform sql:select sql:select psql:query sql:select sql:select"
    );
    let limit = |action| Rewrite {
        action,
        change: Change::Limit(&sql::LIMIT_ROWS, 5),
        rule: "r".to_owned(),
    };
    let changed = rewrite(&call, &NoFiles, &[limit(3), limit(4), limit(7)]).unwrap();
    let stdin = String::from_utf8(changed.stdin.unwrap()).unwrap();
    assert_eq!(
        stdin,
        "\\x\nTABLE a LIMIT 5; -- one\nTABLE b LIMIT 5 \\g\nSELECT 1;\nTABLE c LIMIT 5"
    );
    assert_eq!(changed.argv, [b"psql".to_vec(), b"db".to_vec()]);
    let again = Call { argv, stdin: Stdin::Content(stdin.as_bytes()), ..Call::default() };
    let twice = rewrite(&again, &NoFiles, &[limit(3), limit(4), limit(7)]).unwrap();
    assert_eq!(twice.stdin, None);
}

#[test]
fn what_a_script_hides_is_opaque() {
    for (script, expected) in [
        ("COPY t FROM STDIN;\n1\n\\.\nDROP TABLE t;", "psql:script sql:copy sql:?"),
        ("SELECT 1 \\gexec\n", "psql:script sql:select psql:dynamic sql:?"),
        ("SELECT 'x' \\g |sh\n", "psql:script sql:select psql:program sql:?"),
        ("\\set q `id`\n:q;", "psql:script psql:program sql:?"),
        (":q;", "psql:script sql:?"),
        ("\\set q 'DROP TABLE t'\n:q;", "psql:script psql:variable sql:drop"),
        ("UPDATE t SET a = 1 \\watch 1\n", "psql:script sql:update psql:repeat"),
        ("", "psql:script"),
    ] {
        let argv: &[&[u8]] = &[b"psql"];
        let stdin = Stdin::Content(script.as_bytes());
        assert_eq!(
            shown(&classify(&Call { argv, stdin, ..Call::default() }, &NoFiles)),
            expected,
            "{script}"
        );
        let argv: &[&[u8]] = &[b"psql", b"-f", b"-"];
        assert_eq!(
            shown(&classify(&Call { argv, stdin, ..Call::default() }, &NoFiles)),
            expected,
            "{script}"
        );
    }
    let lines: &[&[u8]] = &[b"psql", b"-S"];
    let stdin = Stdin::Content(b"SELECT 1");
    assert_eq!(
        shown(&classify(&Call { argv: lines, stdin, ..Call::default() }, &NoFiles)),
        "psql:script sql:select"
    );
}

#[test]
fn limits_stand_where_the_script_has_room_for_them() {
    let argv: &[&[u8]] = &[b"psql", b"-v", b"t=users", b"-v", b"q=TABLE users"];
    let limited = |script: &str, actions: &[usize]| {
        let call = Call { argv, stdin: Stdin::Content(script.as_bytes()), ..Call::default() };
        let limits: Vec<Rewrite> = actions
            .iter()
            .map(|action| {
                let change = Change::Limit(&sql::LIMIT_ROWS, 5);
                Rewrite { action: *action, change, rule: "r".to_owned() }
            })
            .collect();
        let changed = rewrite(&call, &NoFiles, &limits).map_err(|cannot| cannot.reason)?;
        Ok::<_, String>(String::from_utf8(changed.stdin.unwrap()).unwrap())
    };
    assert_eq!(
        limited("TABLE a \\; TABLE :t;\nTABLE :\"t\"\n", &[4, 5, 6]).unwrap(),
        "TABLE a LIMIT 5 \\; TABLE :t LIMIT 5;\nTABLE :\"t\" LIMIT 5\n"
    );
    assert_eq!(limited(":q;", &[4]).unwrap(), ":q LIMIT 5;");
    assert_eq!(limited("TABLE a;\n\\g\n", &[4, 5]).unwrap(), "TABLE a LIMIT 5;\n\\g\n");
    assert!(limited("\\set q 'TABLE a;'\n:q\n", &[5]).unwrap_err().contains("variable"));
}

/// Files by their paths.
#[derive(Debug)]
struct Given(&'static [(&'static str, &'static str)]);

impl Files for Given {
    fn file(&self, path: &[u8]) -> File<'_> {
        let found = self.0.iter().find(|(known, _)| known.as_bytes() == path);
        found.map_or(File::NOT_LOOKED_AT, |(_, content)| File::content(content.as_bytes()))
    }
}

#[test]
fn files_are_read_where_they_are_given() {
    let files = Given(&[
        ("a.sql", "SELECT 1;\n\\ir b.sql\nSELECT 3;"),
        ("b.sql", "TABLE b;\n"),
        ("d/a.sql", "\\ir b.sql\n\\i b.sql\n"),
        ("d/b.sql", "DROP TABLE d;\n"),
        ("loop.sql", "\\i loop.sql\n"),
        ("gone.sql", "\\i nowhere.sql\nSELECT 1;"),
        ("quoted.sql", "\\i 'b.sql'\n"),
        ("rc", "\\! id\n"),
        ("/home/u/.psqlrc", "\\x\nDELETE FROM t;\n"),
    ]);
    let read = |argv: &[&[u8]], env: &[&[u8]]| {
        shown(&classify(&Call { argv, env, ..Call::default() }, &files))
    };
    for (file, expected) in [
        ("a.sql", "psql:script sql:select psql:script psql:script sql:select sql:select"),
        (
            "d/a.sql",
            "psql:script psql:script psql:script sql:drop psql:script psql:script sql:select",
        ),
        ("gone.sql", "psql:script psql:script psql:script sql:?"),
        ("quoted.sql", "psql:script psql:script psql:script sql:select"),
        ("nowhere.sql", "psql:script sql:?"),
    ] {
        assert_eq!(read(&[b"psql", b"-X", b"-f", file.as_bytes()], &[]), expected, "{file}");
    }
    assert!(read(&[b"psql", b"-Xf", b"loop.sql"], &[]).ends_with("sql:?"));
    assert_eq!(
        read(&[b"psql", b"-f", b"b.sql"], &[b"PSQLRC=rc", b"HOME=/home/u"]),
        "psql:script psql:program sql:? psql:script sql:?"
    );
    assert_eq!(
        read(&[b"psql", b"-f", b"b.sql"], &[b"HOME=/home/u"]),
        "psql:script psql:inform sql:delete psql:script sql:select"
    );
    assert_eq!(read(&[b"psql", b"-Xf", b"b.sql"], &[b"HOME=/home/u"]), "psql:script sql:select");
}

#[test]
fn files_are_limited() {
    let files = Given(&[("a.sql", "TABLE a;\n\\i b.sql\nTABLE c"), ("b.sql", "TABLE b;\n")]);
    let argv: &[&[u8]] = &[b"psql", b"-Xf", b"a.sql"];
    let call = Call { argv, ..Call::default() };
    let actions = classify(&call, &files);
    assert_eq!(
        shown(&actions),
        "psql:script sql:select psql:script psql:script sql:select sql:select"
    );
    let limit = |action| Rewrite {
        action,
        change: Change::Limit(&sql::LIMIT_ROWS, 5),
        rule: "r".to_owned(),
    };
    let changed = rewrite(&call, &files, &[limit(2), limit(5), limit(6)]).unwrap();
    let content = |path: &str| {
        let found = changed.files.iter().find(|(known, _)| known == path.as_bytes());
        found.map(|(_, content)| str::from_utf8(content).unwrap())
    };
    assert_eq!(content("a.sql"), Some("TABLE a LIMIT 5;\n\\i b.sql\nTABLE c LIMIT 5"));
    assert_eq!(content("b.sql"), Some("TABLE b LIMIT 5;\n"));
    assert_eq!(changed.stdin, None);
}

#[test]
fn long_and_many_arguments_are_classified() {
    let long = vec![b'x'; 128 << 10];
    let argv: &[&[u8]] = &[b"psql", b"-c", &long];
    assert_eq!(shown(&classify(&Call { argv, ..Call::default() }, &NoFiles)), "sql:?");
    let many: Vec<&[u8]> = std::iter::once(&b"psql"[..])
        .chain(std::iter::repeat_n(&b"-q"[..], 100_000))
        .chain([&b"-c"[..], b"SELECT 1"])
        .collect();
    assert_eq!(shown(&classify(&Call { argv: &many, ..Call::default() }, &NoFiles)), "sql:select");
}

proptest! {
    #[test]
    fn any_call_is_classified(
        argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
        env in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..4),
    ) {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let env: Vec<&[u8]> = env.iter().map(Vec::as_slice).collect();
        let call = Call { argv: &argv, env: &env, ..Call::default() };
        prop_assert!(!classify(&call, &NoFiles).is_empty());
    }

    #[test]
    fn any_script_is_classified(script in ".{0,60}") {
        let call = Call { argv: &[b"psql"], stdin: Stdin::Content(script.as_bytes()), ..Call::default() };
        prop_assert!(!classify(&call, &NoFiles).is_empty());
    }

    #[test]
    fn any_words_are_classified(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "-c", "-f", "-d", "-o", "--", "-", "--command", "--co", "--set=a=b", "-v", "\\d", "\\g |sh",
                "SELECT 1", "postgres://h/d?options=-c%20a", "host=h options='", "-Xc", "--=", "-1Xqf",
            ]),
            0..8,
        )
    ) {
        let argv: Vec<&[u8]> = std::iter::once("psql").chain(words).map(str::as_bytes).collect();
        let call = Call { argv: &argv, ..Call::default() };
        prop_assert!(!classify(&call, &NoFiles).is_empty());
    }
}

#[test]
fn what_reads_the_catalogue_says_where_and_of_what() {
    for (words, expected) in [
        (
            &["psql", "-h", "DB.Internal.", "-d", "app", "-c", "\\d+ users_pii"][..],
            "db.internal app users_pii",
        ),
        (&["psql", "host=DB.INTERNAL dbname=app", "-c", "\\dt users*"], "db.internal app users*"),
        (&["psql", "postgres://u@DB.internal/app", "-c", "\\sf app.f"], "db.internal app app.f"),
        (&["psql", "-h", "/run/PG", "-l"], "/run/PG - -"),
        (&["psql", "-h", "evil.example", "-l"], "evil.example - -"),
        (&["psql", "-h", "h", "-c", "\\d"], "h - -"),
        (&["psql", "-h", "h", "-v", "x=users", "-c", "\\d :x"], "h - users"),
    ] {
        let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let call = Call { argv: &argv, names: &[b"psql"], ..Call::default() };
        let facts = Tools::BUILT_IN.classify(&call, &NoFiles);
        let class = Value::from("catalog");
        let is_catalog = |action: &&Action| action.fact("class") == Some(Reading::Known(&class));
        let action = facts.actions.iter().find(is_catalog).expect("it reads the catalogue");
        let found = ["host", "database", "object"].map(|name| match action.fact(name) {
            Some(Reading::Known(Value::Str(value))) => value.clone(),
            None => "-".to_owned(),
            other => format!("{other:?}"),
        });
        assert_eq!(found.join(" "), expected, "{words:?}");
    }
}
