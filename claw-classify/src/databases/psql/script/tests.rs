//! Scripts, and what psql sends for them.

use super::super::scripts::Scripts;
use super::super::variables::Variables;
use super::*;
use crate::call::Call;
use crate::call::files::NoFiles;
use crate::language::sql;

/// The texts that are sent, `\name` for each command, `?` for what is not read.
fn shown(script: &str) -> Vec<String> {
    let call = Call { env: &[b"WHO=me"], ..Call::default() };
    let mut scripts = Scripts {
        call: &call,
        files: &NoFiles,
        variables: Variables::default(),
        certain: true,
        session: sql::Session::default(),
        steps: Vec::new(),
    };
    let ended = scripts.lines(script, &Holder::Stdin);
    let mut shown: Vec<String> = Vec::new();
    let mut last = None;
    for step in &scripts.steps {
        match &step.place {
            Some(place) if place.statement > 0 && last == Some(&place.query) => {}
            Some(place) => {
                shown.push(place.query.text().trim().to_owned());
                last = Some(&place.query);
            }
            None => shown.push(step.action.text.clone()),
        }
    }
    if ended.is_err() {
        shown.push("?".to_owned());
    }
    shown
}

#[test]
fn scripts() {
    for (script, expected) in [
        ("SELECT 1;\nSELECT 2", vec!["SELECT 1;", "SELECT 2"]),
        ("", vec![]),
        (" ;; \n", vec![]),
        (
            "SELECT ';' || \"a;b\" || $x$;$x$ -- ;\n/* ; /* */ ; */;",
            vec!["SELECT ';' || \"a;b\" || $x$;$x$ -- ;\n/* ; /* */ ; */;"],
        ),
        ("SELECT E'\\';' ; SELECT 2", vec!["SELECT E'\\';' ;", "SELECT 2"]),
        ("SELECT '\\'; SELECT 2", vec!["SELECT '\\';", "SELECT 2"]),
        ("SELECT nameE'\\'; SELECT 2", vec!["SELECT nameE'\\';", "SELECT 2"]),
        (
            "CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2); SELECT 3",
            vec!["CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2);", "SELECT 3"],
        ),
        ("SELECT 1 AS a$b$; SELECT 2 AS c$b$;", vec!["SELECT 1 AS a$b$;", "SELECT 2 AS c$b$;"]),
        ("SELECT 1 \\; SELECT 2;", vec!["SELECT 1 ; SELECT 2;"]),
        ("SELECT a[1:2]", vec!["SELECT a[1:2]"]),
        ("SELECT $1; SELECT $$;$$", vec!["SELECT $1;", "SELECT $$;$$"]),
        ("SELECT a::int, b[1::int]", vec!["SELECT a::int, b[1::int]"]),
        ("\\d t\nSELECT 1;", vec!["\\d t", "SELECT 1;"]),
        ("SELECT 1 \\g\nSELECT 2 \\gx\n", vec!["SELECT 1", "\\g", "SELECT 2", "\\gx"]),
        ("SELECT 1 \\g \\\\ SELECT 2;", vec!["SELECT 1", "\\g ", "SELECT 2;"]),
        ("SELECT 1;\n\\g\n", vec!["SELECT 1;", "SELECT 1;", "\\g"]),
        ("SELECT 1 \\g (format=csv)\nSELECT 2;", vec!["SELECT 1", "\\g (format=csv)", "SELECT 2;"]),
        ("SELECT 1 \\g (nonsense=1)\nSELECT 2;", vec!["?"]),
        ("-- a\n\\d\n", vec!["\\d"]),
        ("SELECT 1 \\gexec\nSELECT 2;", vec!["SELECT 1", "\\gexec", "?"]),
        ("SELECT 1 \\watch 1\nSELECT 2;", vec!["SELECT 1", "\\watch 1", "SELECT 2;"]),
        ("SELECT 1; SELECT 2 \\x\n FROM t;", vec!["SELECT 1;", "\\x", "SELECT 2 \n FROM t;"]),
        ("SELECT 1\n\\r\nSELECT 2;", vec!["\\r", "SELECT 2;"]),
        ("\\echo a \\! id\n", vec!["\\echo a ", "\\! id", "?"]),
        ("\\x a \\! id\n", vec!["?"]),
        ("\\unset \\\\ SELECT 'a\nDROP TABLE t; --'", vec!["?"]),
        ("\\set a-b 1 \\\\ SELECT 'a\nDROP TABLE t; --'", vec!["?"]),
        ("\\echo 'a \\! id'\nSELECT 1;", vec!["\\echo 'a \\! id'", "SELECT 1;"]),
        ("SELECT 1; \\q\nSELECT 2;", vec!["SELECT 1;", "\\q"]),
        ("SELECT 'a'\n'b'; SELECT 1", vec!["SELECT 'a'\n'b';", "SELECT 1"]),
        ("SELECT E'a'\n'b\\'c'; SELECT 1", vec!["?"]),
        ("SELECT E'a'; SELECT 'b'", vec!["SELECT E'a';", "SELECT 'b'"]),
        ("SELECT 1a; SELECT 2", vec!["?"]),
        ("SELECT 0xE'\\''; DROP TABLE t; --'", vec!["?"]),
        ("SELECT 1e5, 0x1F, 1_000, .5", vec!["SELECT 1e5, 0x1F, 1_000, .5"]),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END; SELECT 2",
            vec![
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;",
                "SELECT 2",
            ],
        ),
        ("CREATE TABLE begin (a int); SELECT 2", vec!["CREATE TABLE begin (a int);", "SELECT 2"]),
        ("SELECT 'open", vec!["SELECT 'open"]),
        ("SELECT (1; SELECT 2", vec!["SELECT (1; SELECT 2"]),
        ("\u{feff}SELECT 1", vec!["SELECT 1"]),
        ("SELECT 1 -- a\r; SELECT 2", vec!["SELECT 1 -- a\r;", "SELECT 2"]),
        ("\\d\x0bx\nSELECT 1;", vec!["?"]),
        ("SELECT $1 \\bind 1 \\g\nSELECT 2;", vec!["?"]),
        ("\\i x\nSELECT 1;", vec!["\\i x", "x", "x", "?"]),
    ] {
        assert_eq!(shown(script), expected, "{script}");
    }
}

#[test]
fn variables_are_put_in() {
    for (script, expected) in [
        ("SELECT :x, :'x', :\"x\", :{?x};", "SELECT :x, :'x', :\"x\", FALSE;"),
        ("\\set x 1\nSELECT :x, :'x', :\"x\", :{?x};", "\\set x 1|SELECT 1, '1', \"1\", TRUE;"),
        (
            "\\set x 'it''s' \\set y :'x'\nSELECT :y;",
            "\\set x 'it''s' |\\set y 'it''s'|SELECT 'it''s';",
        ),
        ("\\set x 'a\\\\b'\nSELECT :'x';", "\\set x 'a\\\\b'|SELECT  E'a\\\\b';"),
        (
            "\\set x 'DROP TABLE t;'\n:x SELECT 1;",
            "\\set x 'DROP TABLE t;'|DROP TABLE t;|SELECT 1;",
        ),
        ("\\set x 'a'';'\nSELECT ':x'; SELECT :'x;", "\\set x 'a'';'|SELECT ':x';|SELECT :'x;"),
        ("\\set x '''a; '\nSELECT :x b';SELECT 2", "\\set x '''a; '|SELECT 'a;  b';|SELECT 2"),
        ("\\set x :x\nSELECT :x;", "\\set x :x|SELECT :x;"),
        ("\\set x '\\:x'\nSELECT 1;", "\\set x '\\:x'|SELECT 1;"),
        ("\\set x '\\\\d'\n:x", "\\set x '\\\\d'|?"),
        ("SELECT a[1:x];\n\\set x 2\nSELECT a[1:x];", "SELECT a[1:x];|\\set x 2|SELECT a[12];"),
        ("\\set 2 x\nSELECT a[1:2];", "\\set 2 x|SELECT a[1x];"),
        ("SELECT \\:x;", "SELECT :x;"),
        ("SELECT :ROW_COUNT;", "?"),
        ("SELECT 1 AS a \\gset\nSELECT :a;", "SELECT 1 AS a|\\gset|?"),
        (
            "SELECT 1 AS a \\gset p_\nSELECT :a;\nSELECT :p_a;",
            "SELECT 1 AS a|\\gset p_|SELECT :a;|?",
        ),
        ("\\set x 1\n\\unset x\nSELECT :x;", "\\set x 1|\\unset x|SELECT :x;"),
        ("\\getenv x WHO\nSELECT :'x';", "\\getenv x WHO|SELECT 'me';"),
        ("\\getenv x NONE\nSELECT :'x';", "\\getenv x NONE|SELECT :'x';"),
        (
            "\\set SINGLELINE on\nSELECT 1\nSELECT (2,\n3)\n",
            "\\set SINGLELINE on|SELECT 1|SELECT (2,\n3)",
        ),
        ("\\set SINGLESTEP on\nSELECT 1", "\\set SINGLESTEP on|?"),
        ("\\set f |sh\nSELECT 1 \\g :f\n", "\\set f |sh|SELECT 1|\\g |sh|?"),
        ("\\set q `id`\n:q;", "\\set q `id`|?"),
        ("\\prompt x\nSELECT 1;", "\\prompt x|?"),
    ] {
        assert_eq!(shown(script).join("|"), expected, "{script}");
    }
    let growing: String =
        (1..40).map(|at| format!("\\set x{at} ':x{} :x{}'\n", at - 1, at - 1)).collect();
    assert_eq!(
        shown(&format!("\\set x0 'a a'\n{growing}:x39;")).last().map(String::as_str),
        Some("?")
    );
}

#[test]
fn branches_that_may_run_are_judged() {
    for (script, expected) in [
        (
            "\\if true\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\nSELECT 3;",
            "\\if true|SELECT 1;|\\else|\\endif|SELECT 3;",
        ),
        (
            "\\if false\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\n",
            "\\if false|\\else|SELECT 2;|\\endif",
        ),
        ("\\if :x\nSELECT 1;\n\\endif\n", "\\if :x|\\endif"),
        ("\\set x on\n\\if :x\nSELECT 1;\n\\endif\n", "\\set x on|\\if :x|SELECT 1;|\\endif"),
        (
            "SELECT 1 AS x \\gset\n\\if :x\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\nSELECT 3;",
            "SELECT 1 AS x|\\gset|\\if :x|SELECT 1;|\\else|SELECT 2;|\\endif|SELECT 3;",
        ),
        ("\\if false\nSELECT 'a;\n';\n\\! id\n\\endif\nSELECT 2;", "\\if false|\\endif|SELECT 2;"),
        (
            "\\if false\n\\if true\nSELECT 1;\n\\endif\n\\endif\n",
            "\\if false|\\if true|\\endif|\\endif",
        ),
        ("\\if false\nSELECT 1", "\\if false"),
        ("\\if true\nSELECT 1", "\\if true|SELECT 1"),
        ("\\else\nSELECT 1;", "\\else|SELECT 1;"),
        ("SELECT 1 \\if true\n + 1 \\endif\n;", "?"),
        ("\\if :ERROR\n\\set x 1\n\\endif\nSELECT :x;", "\\if :ERROR|\\set x 1|\\endif|?"),
        ("\\set x ''''\n\\if :ERROR\nSELECT :x;\n\\endif\n", "\\set x ''''|\\if :ERROR|?"),
        ("\\if :ERROR\n\\q\n\\endif\nSELECT 1;", "\\if :ERROR|\\q|\\endif|SELECT 1;"),
    ] {
        assert_eq!(shown(script).join("|"), expected, "{script}");
    }
}
