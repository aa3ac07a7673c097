//! Deeply nested input is answered, on a stack of the size that threads have by default: no overflow, which
//! would end the supervisor, and no panic.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own input has failed")]

use claw_classify::{Call, NoFiles, Stdin, Tools};

/// What a thread gets unless it asks for more.
const STACK: usize = 2 << 20;

/// Bytes of one text, near the longest argument that Linux takes.
const LONG: usize = 120_000;

/// `open` as often as fits beside `close`, around `core`.
fn nested(open: &str, core: &str, close: &str) -> String {
    let times = LONG / (open.len() + close.len());
    format!("{}{core}{}", open.repeat(times), close.repeat(times))
}

/// Answers each call on a thread of its own; the thread's end shows that it came back.
fn answered(argv: &[&str], text: String) {
    let mut argv: Vec<Vec<u8>> = argv.iter().map(|word| word.as_bytes().to_vec()).collect();
    argv.push(text.into_bytes());
    let answer = move || {
        let words: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let names = [words[0]];
        let call = Call { argv: &words, names: &names, ..Call::default() };
        let facts = Tools::BUILT_IN.classify(&call, &NoFiles);
        assert!(!facts.actions.is_empty(), "nothing is said of the call");
        // The same text on standard input.
        let (text, rest) = words.split_last().unwrap();
        let call = Call { argv: &rest[..1], stdin: Stdin::Content(text), ..call };
        assert!(!Tools::BUILT_IN.classify(&call, &NoFiles).actions.is_empty());
    };
    std::thread::Builder::new().stack_size(STACK).spawn(answer).unwrap().join().unwrap();
}

#[test]
fn nested_scripts_of_psql() {
    for text in [
        nested("\\if true\n", "", "\\endif\n"),
        nested("\\set x :x\n", "", ""),
        nested(":x", "", ""),
    ] {
        answered(&["psql", "-X", "-c"], text);
    }
}

#[test]
fn nested_javascript() {
    for text in [
        nested("[", "", "]"),
        nested("{a: ", "1", "}"),
        nested("new Date(", "1", ")"),
        nested("print(", "1", ")"),
    ] {
        answered(&["mongosh", "--eval"], format!("db.t.find({text})"));
    }
    answered(&["mongosh", "--eval"], nested("print(", "1", ")"));
    answered(&["mongosh", "--eval"], format!("db.t.find(){}", ".sort()".repeat(LONG / 7)));
}

#[test]
fn nested_texts_of_shells() {
    for text in [
        nested("$(", "x", ")"),
        nested("(", "x", ")"),
        nested("{ ", "x", "; }"),
        nested("if x; then ", "x", "; fi"),
        nested("! ", "x", ""),
        nested("x | ", "x", ""),
        nested("\"$(", "x", ")\""),
        nested("${x:-", "x", "}"),
        nested("sh -c 'x' ; ", "x", ""),
        nested("x <<a\n", "a\n", ""),
    ] {
        answered(&["sh", "-c"], text);
    }
}

#[test]
fn nested_queries_and_documents() {
    for text in [
        nested("query=query { a ", "a", "}"),
        nested("query={a ", "a", "}"),
        nested("query=[", "", "]"),
    ] {
        answered(&["gh", "api", "graphql", "-f"], text);
    }
    answered(&["gh", "api", "x", "--input", "-"], nested("[", "", "]"));
}

#[test]
fn long_chains_of_words() {
    for (tool, word) in [
        ("env", "env"),
        ("nice", "nice"),
        ("timeout", "1"),
        ("find", "("),
        ("find", "!"),
        ("sudo", "sudo"),
        ("git", "-c"),
        ("xargs", "xargs"),
        ("docker", "exec"),
        ("kubectl", "exec"),
        ("ssh", "ssh"),
    ] {
        let argv: Vec<&str> =
            std::iter::once(tool).chain([word].into_iter().cycle().take(20_000)).collect();
        answered(&argv, word.to_owned());
    }
}

#[test]
fn calls_inside_calls() {
    for words in [&["ssh", "h"][..], &["docker", "exec", "c"], &["kubectl", "exec", "p", "--"]] {
        let mut argv = words.repeat(LONG / 20);
        argv.extend(["psql", "-c"]);
        answered(&argv, "DROP TABLE users".to_owned());
    }
}

/// What stands deeper than is read is opaque, and not left out.
#[test]
fn the_deepest_calls_are_opaque() {
    for levels in 0..8 {
        let mut words = ["docker", "exec", "c"].repeat(levels);
        words.extend(["psql", "-X", "-c", "SELECT 1"]);
        let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let call = Call { argv: &argv, names: &argv[..1], ..Call::default() };
        let facts = Tools::BUILT_IN.classify(&call, &NoFiles);
        let sql = facts.actions.iter().any(|action| action.domain.name() == "sql");
        let opaque = facts.actions.iter().any(|action| action.opaque.is_some());
        assert_eq!((sql, opaque), (levels < 6, levels > 4), "{levels}: {facts:?}");
    }
}
