//! Facts of programs that run others, and what they start.

use super::*;
use crate::Tools;
use crate::call::files::NoFiles;
use crate::tool::Start;
use proptest::prelude::*;

#[test]
fn the_corpus_has_these_facts() {
    crate::corpus::check(include_str!("../../../corpus/program.toml"));
}

fn started(argv: &[&str]) -> String {
    let argv: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
    let call = Call {
        argv: &argv,
        names: &argv[..1],
        env: &[b"A=1", b"B=2"],
        cwd: Some(b"/w"),
        ..Call::default()
    };
    let one = |start: Start| {
        let lossy = |words: Vec<Vec<u8>>| {
            words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>()
        };
        let env = lossy(start.env).join(",");
        let whole = if start.whole { "" } else { "…" };
        format!("{env} {}{whole}", lossy(start.argv).join("·"))
    };
    Tools::BUILT_IN.starts(&call, &NoFiles).into_iter().map(one).collect::<Vec<_>>().join(" / ")
}

#[test]
fn started_calls_are_listed() {
    for (argv, expected) in [
        (&["env", "C=3", "kubectl", "get"][..], "A=1,B=2,C=3 kubectl·get"),
        (&["env", "-i", "-u", "X", "A=9", "x"], "A=9 x"),
        (&["env", "-u", "A", "x", "-i"], "B=2 x·-i"),
        (&["env"], ""),
        (&["env", "--frob", "x"], ""),
        (&["nice", "-n", "5", "x", "-n"], "A=1,B=2 x·-n"),
        (&["nice", "-19", "x"], "A=1,B=2 x"),
        (&["timeout", "-k", "5", "10", "x", "y"], "A=1,B=2 x·y"),
        (&["xargs", "-n1", "gh", "pr"], "A=1,B=2 gh·pr…"),
        (&["flock", "/tmp/l", "x", "y"], "A=1,B=2 x·y"),
        (&["flock", "/tmp/l", "-c", "x y"], "A=1,B=2 x·y"),
        (&["ionice", "-p", "1"], ""),
        (&["bash", "-c", "export A=7; x; B=8 y z"], "A=1,B=2 x"),
        (&["bash", "-lc", "eval 'x y'"], "A=1,B=2 x·y"),
        (&["sh", "-c", "x $y z"], "A=1,B=2 x…"),
        (&["find", ".", "-exec", "rm", "-f", "{}", ";"], "A=1,B=2 rm·-f…"),
        (&["find", ".", "-exec", "true", ";", "-exec", "x", "+"], "A=1,B=2 true / A=1,B=2 x·+"),
        (&["python3", "-c", "x"], ""),
        (&["ls"], ""),
    ] {
        let found = started(argv);
        if argv[0] == "bash" && argv[1] == "-c" {
            assert_eq!(found, "B=2,A=7 x / A=7,B=8 y·z");
        } else {
            assert_eq!(found, expected, "{argv:?}");
        }
    }
}

#[test]
fn python_that_runs_a_tool_is_that_tool() {
    let facts = |argv: &[&[u8]]| {
        let call = Call { argv, names: &[b"python3"], ..Call::default() };
        let facts = Tools::BUILT_IN.classify(&call, &NoFiles);
        (facts.tool.map(String::from), facts.actions[1].domain.name().to_owned())
    };
    assert_eq!(
        facts(&[b"python3", b"-m", b"awscli", b"s3", b"ls"]),
        (Some("aws".to_owned()), "aws".to_owned())
    );
    assert_eq!(
        facts(&[b"python3", b"-Im", b"awscli", b"s3", b"ls"]),
        (Some("aws".to_owned()), "aws".to_owned())
    );
    assert_eq!(
        facts(&[b"python3", b"-u", b"/usr/bin/aws", b"s3", b"ls"]),
        (Some("aws".to_owned()), "aws".to_owned())
    );
    assert_eq!(
        facts(&[b"python3", b"-m", b"pytest"]),
        (Some("python".to_owned()), "program".to_owned())
    );
    assert_eq!(facts(&[b"python3", b"psql"]), (Some("python".to_owned()), "program".to_owned()));
}

proptest! {
    #[test]
    fn any_call_is_classified(argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..6)) {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        for tool in [&SH, &PYTHON, &PERL, &RUBY, &NODE, &PHP, &LUA, &AWK, &JQ, &ENV] {
            let names = [tool.name.as_bytes()];
            let call = Call { argv: &argv, names: &names, ..Call::default() };
            prop_assert_eq!(tool.read(&Tools::BUILT_IN.context(&call, &NoFiles)).actions.len(), 1);
            let _ = Tools::BUILT_IN.starts(&call, &NoFiles);
        }
    }
}
