//! Scripts on standard input: the texts that the real psql sends are those that are judged.

use claw_tests::backend::Backend;
use claw_tests::scenario::Scenario;
use serde_json::Value;

use crate::generated;
use crate::judged::{Followed, Psql, compare, env, judge, real, statements};

/// Scripts that claw reads to their end.
const READ: &[&str] = &[
    "SELECT 1; SELECT 2;\nSELECT\n  3\n;SELECT 4",
    "SELECT ';' || \"a;b\" || $x$;$x$ -- ; '\n/* ; /* ' */ ; */; SELECT 2;",
    "SELECT E'\\';' ; SELECT '\\'; SELECT nameE'\\'; SELECT 4;",
    "SELECT E'a\\\nb'; SELECT 2;",
    "SELECT 'a\n\n;b'; SELECT $a$;\n\n$b$;$a$; SELECT 3;",
    "SELECT 'a'\n'b;'; SELECT 2;",
    "SELECT 'a'\r'b;'; SELECT 2;",
    "SELECT B'1;' , X'a;'; SELECT N'a\\'; SELECT U&'\\0061;' , U&\"a;\"; SELECT 4;",
    "SELECT 1 AS a$b$; SELECT 2 AS c$b$; SELECT $1; SELECT 3;",
    "SELECT 1 \\; SELECT 2 \\; DROP TABLE t; SELECT 3;",
    "SELECT (1; SELECT 2); SELECT 3;",
    "SELECT 1); SELECT (2); SELECT 3;",
    "SELECT a[1:2], b[1:x], c[x:y], d::int, e:=1;",
    "\\set x 1\nSELECT :x, a[1:x], :'x', :\"x\", :{?x}, :{?y}, :y, ':x', \":x\", $$:x$$, E':x';",
    "\\set x 'it''s'\n\\set y :x 'and ' \":x\" ' more'\nSELECT :'x', :'y', :\"y\";",
    "\\set x 'a\\\\b\\n\\x41\\101'\nSELECT :'x';",
    "\\set x 'DROP TABLE t;'\n:x\nSELECT 1;",
    "\\set x 'SELECT 1; DROP TABLE t; SELECT'\n:x 2;",
    "\\set x '''a; '\nSELECT :x b'; SELECT 2;",
    "\\set a ':b :b' \n\\set b ':a 1'\nSELECT :a, :b;",
    "\\set x 1 \\set y :x:x\n\\unset x\nSELECT :x, :y;",
    "\\set 2 x\nSELECT a[1:2];",
    "\\set x\nSELECT :'x', :{?x};",
    "\\set x 'open\nSELECT :'x';",
    "\\set é 1\nSELECT :é, 'é;'; SELECT 2;",
    "\\set x a;\nSELECT ':x'; SELECT :x",
    "\\getenv x HOME\n\\getenv y NONE\nSELECT :'x', :'y';",
    "SELECT 1 \\g\nSELECT 2 \\gx\n\\g\nSELECT 3;\n\\g\n\\gx\n",
    "SELECT 1 \\g \\\\ SELECT 2; \\echo a \\\\ SELECT 3;",
    "SELECT 1 \\g (format=csv)\nSELECT 2;",
    "SELECT 1 \\g out.txt\nSELECT 2;\n\\o other.txt\nSELECT 3;\n\\w third.txt\n",
    "SELECT 1 \\crosstabview\nSELECT 2;",
    "SELECT 1\n\\r\nSELECT 2;\nSELECT '\n\\r\n';",
    "SELECT 1 \\x\n + 2;\nSELECT 3\n\\echo a\n\\t\n + 4;",
    "SELECT 1; \\q\nSELECT 2;",
    "\\if true\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\nSELECT 3;",
    "\\if false\nSELECT 1;\n\\elif yes\nSELECT 2;\n\\elif on\nSELECT 3;\n\\else\nSELECT 4;\n\\endif\nSELECT 5;",
    "\\if false\n\\if true\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\nSELECT ' \\endif\n';\n\\endif\nSELECT 3;",
    "\\if false\nSELECT 1 \\g\n\\set x 1\n\\q\n\\! false\n\\endif\nSELECT :{?x};",
    "\\if 0\nSELECT 1\n\\endif\n;SELECT 2;",
    "\\if nonsense\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\n\\endif\nSELECT 3;",
    "\\set x of\n\\if :x\nSELECT 1;\n\\endif\n\\if :{?x}\nSELECT 2;\n\\endif\n",
    "\\if true\nSELECT 1",
    "\\if false\nSELECT 1",
    "\\set SINGLELINE on\nSELECT 1\nSELECT (2,\n3)\nSELECT '4\n'\n\\set SINGLELINE off\nSELECT\n5;",
    "\\set AUTOCOMMIT on\n\\set ON_ERROR_STOP on\n\\set ECHO_HIDDEN on\nSELECT 1;",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END; SELECT 3;",
    "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC DELETE FROM t; END; SELECT 2;",
    "CREATE TABLE begin (a int); CREATE VIEW function AS SELECT 1; SELECT 2;",
    "CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2); SELECT 3;",
    "SELECT 'open; SELECT 2;",
    "SELECT \"open; SELECT 2;",
    "SELECT $$open; SELECT 2;",
    "/* open; SELECT 2;",
    "\u{feff}SELECT 1;",
    "SELECT 1 -- a\r; SELECT 2 -- '\n;SELECT 3",
    "SELECT 1--2; 3\n; SELECT 4 -/*;*/- 5; SELECT 1 +-- ;\n2; SELECT 2 */* ; */ 3;",
    "SELECT 1.5e10, 0x1F, 1_000, .5, 1..2; SELECT 2;",
    "\\echo \"a \\\\ b\" \\\\ SELECT 1;",
    "\n\n   \n;;\n;SELECT 1;\n\t;",
];

/// Scripts of which claw cannot read all.
const UNREAD: &[&str] = &[
    "SELECT 1; SELECT :ROW_COUNT; SELECT 2;",
    "SELECT 1; \\gexec\nSELECT 2;",
    "SELECT 1 AS a \\gset\nSELECT 2;\nSELECT :a;",
    "SELECT 1;\n\\set x `echo 2`\nSELECT :x;",
    "SELECT 1;\n\\prompt x\nSELECT 2;\nSELECT 3;",
    "SELECT 0xE'\\''; DROP TABLE t; --'",
    "SELECT E'a'\n'b\\'c; SELECT 1; --'",
    "SELECT 1 \\bind \\g\nSELECT 2;",
    "\\set x '\\\\echo a'\nSELECT 1; :x\nSELECT 2;",
    "SELECT 1; \\x nonsense \\\\ SELECT 2;\nSELECT 3;",
    "SELECT 1; \\unset \\\\ SELECT 'a\nSELECT 2; --'",
    "SELECT 1; \\set a-b 1 \\\\ SELECT 'a\nSELECT 2; --'",
    "SELECT 1; \\set AUTOCOMMIT x \\\\ SELECT 'a\nSELECT 2; --'",
    "SELECT 1; \\frobnicate\nSELECT 2;",
    "SELECT 1 \\g (nonsense=1)\nSELECT 2;",
    "SELECT 1; SELECT 2 \\if true\n + 1 \\endif\n; SELECT 3;",
    "COPY t FROM STDIN;\nSELECT 1;\n\\.\nSELECT 2;",
    "\\set SINGLESTEP on\nSELECT 1;\n\nSELECT 2;\n\n",
    "SELECT 1; SELECT 1a; SELECT 2;",
];

fn calls(backend: &Backend, scripts: &[String]) -> Vec<Psql> {
    let call =
        |script: &String| Psql { env: env(backend), stdin: script.clone(), ..Psql::new(["-X"]) };
    scripts.iter().map(call).collect()
}

/// Compares what is judged of each script with what the real psql sends; how many are followed to their end.
fn agree(scripts: &[String]) -> usize {
    let backend = Backend::start();
    let calls = calls(&backend, scripts);
    let judged = judge("open", &calls);
    let real = real(&backend, &calls);
    let mut whole = 0;
    for ((script, judged), (real, sent)) in scripts.iter().zip(&judged).zip(&real) {
        match compare(&statements(judged), sent) {
            Ok(Followed::Whole) => whole += 1,
            Ok(Followed::UntilOpaque) => {}
            Err(difference) => panic!("{script:?}\n{difference}\n{}", real.story),
        }
    }
    whole
}

fn owned(scripts: &[&str]) -> Vec<String> {
    scripts.iter().map(|script| (*script).to_owned()).collect()
}

#[test]
fn what_psql_sends_for_a_script_is_judged() {
    let scenario = Scenario::new("psql reads scripts from standard input");
    scenario.then("each text that it sends was judged, and nothing else was");
    assert_eq!(agree(&owned(READ)), READ.len());
    scenario.then("what is not read is opaque, and nothing before it differs");
    assert_eq!(agree(&owned(UNREAD)), 0);
}

#[test]
fn what_psql_sends_for_generated_scripts_is_judged() {
    let scenario = Scenario::new("psql reads scripts put together from parts that its lexer knows");
    let scripts = generated::scripts(300);
    scenario.then("each text that it sends was judged, or what hides it is opaque");
    let whole = agree(&scripts);
    assert!(whole * 3 > scripts.len(), "only {whole} of {} were followed", scripts.len());
}

#[test]
fn a_difference_would_be_seen() {
    let scenario = Scenario::new("one script is judged and another one runs");
    let backend = Backend::start();
    let ran = calls(&backend, &owned(&["SELECT 1; SELECT 2;", "SELECT 1;", "SELECT 1; SELECT 3;"]));
    let judged = statements(&judge("open", &ran[..1])[0]);
    let sent: Vec<Vec<Value>> = real(&backend, &ran).into_iter().map(|(_, sent)| sent).collect();
    scenario.control("the same script compares as the same");
    assert_eq!(compare(&judged, &sent[0]), Ok(Followed::Whole));
    scenario.then("a text more, a text less and another text do not");
    for (judged, sent, difference) in [
        (&judged[..], &sent[1], "and nothing like it was sent"),
        (&judged[..1], &sent[0], "and nothing like it was judged"),
        (&judged[..], &sent[2], "judged"),
    ] {
        let error = compare(judged, sent).expect_err("they differ");
        assert!(error.contains(difference), "{error}");
    }
}
