//! Calls judged by content, with a fake image that notes what it is given.

use std::collections::BTreeMap;

use claw_classify::{schema, work};
use rustix::process::Pid;

use super::*;
use crate::decode::{Identity, Image, Program};
use crate::judge::image::{Plan, Response};

const READS: &str = r#"
version = 1
[[rule]]
id = "reads"
verdict = "allow"
match.sql.effect = "read"
[[rule]]
id = "scripts"
verdict = "allow"
match.psql = { source = ["file", "stdin", "meta_command"], class = "script" }
[[rule]]
id = "few"
verdict = "rewrite"
match.sql = { effect = "read", kind = "select", limited = false }
rewrite = { limit_rows = 10 }
"#;

#[derive(Default)]
struct Fake {
    files: BTreeMap<&'static str, &'static str>,
    stdin: Option<&'static str>,
    reads_of_stdin: usize,
    given: Vec<Option<String>>,
}

fn content(text: &str) -> Found {
    Found::Content { bytes: text.into(), sealed: false }
}

impl Stopped for Fake {
    fn file(&mut self, path: &[u8]) -> Found {
        let path = str::from_utf8(path).expect("UTF-8");
        self.files.get(path).map_or(Found::Absent, |text| content(text))
    }

    fn stdin(&mut self) -> Found {
        self.reads_of_stdin += 1;
        self.stdin.map_or(Found::Terminal, content)
    }

    fn reserve(&mut self) -> Result<u32, String> {
        self.given.push(None);
        Ok(63 + self.given.len() as u32)
    }

    fn fill(&mut self, descriptor: u32, content: &[u8]) -> Result<(), String> {
        let text = String::from_utf8(content.to_vec()).expect("UTF-8");
        assert_eq!(self.given[descriptor as usize - 64].replace(text), None, "sealed already");
        Ok(())
    }
}

fn judged(fake: &mut Fake, argv: &[&str]) -> (&'static str, String, Change) {
    judged_by(READS, fake, argv)
}

/// The whole walk: the judgement before the exec, and the one at its stop if there is one.
fn judged_by(policy: &str, fake: &mut Fake, argv: &[&str]) -> (&'static str, String, Change) {
    let policy = claw_policy::parse(policy, "p.toml", &schema()).expect("right");
    let strings = |words: &[&str]| words.iter().map(|word| word.as_bytes()).collect::<Strings>();
    let program = Program {
        path: b"/usr/bin/psql".into(),
        names: vec![b"psql".into()],
        argv: strings(argv),
        untrusted: false,
        interpreters: Vec::new(),
    };
    let snapshot = Snapshot {
        tid: Pid::INIT,
        process: Pid::INIT,
        uid: None,
        image: Image::new(Identity { dev: 0, ino: 0 }, vec![program]),
        env: strings(&["HOME=/h"]),
        caller: None,
        working_directory: None,
        unproven_directory: None,
        start: None,
    };
    let (image, change) = match image::judge_image(&policy, &snapshot) {
        (image, Response::Stop(Plan::Look)) => {
            judge_by_content(&policy, &snapshot, &image.first, fake)
        }
        (image, Response::Stop(Plan::Change(change))) => (image, change),
        (image, Response::Run) => (image, Change::Keep),
        (_, Response::Fail(errno)) => panic!("this policy's denials are in words: {errno}"),
    };
    (image.judgement.decision.verdict.name(), image.judgement.decision.deciding.reason, change)
}

fn run(change: Change) -> (Vec<String>, Option<u32>) {
    let Change::Run { argv, stdin, .. } = change else { panic!("not run: {change:?}") };
    (argv.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect(), stdin)
}

#[test]
fn a_file_is_handed_over_under_another_name() {
    for (spelling, handed) in [
        (&["psql", "-X", "-f", "a"][..], &["psql", "-X", "-f", "/dev/fd/64"][..]),
        (&["psql", "-f", "a"], &["psql", "-X", "-f", "/dev/fd/64"]),
        (&["psql", "-Xfa"], &["psql", "-Xf/dev/fd/64"]),
        (&["psql", "-X", "--file=a", "a"], &["psql", "-X", "--file=/dev/fd/64", "a"]),
        (&["psql", "-X", "a", "a", "-f", "a"], &["psql", "-X", "a", "a", "-f", "/dev/fd/64"]),
    ] {
        let mut fake = Fake { files: [("a", "SELECT 1 LIMIT 1")].into(), ..Fake::default() };
        let (verdict, reason, response) = judged(&mut fake, spelling);
        assert_eq!(verdict, "allow", "{spelling:?}: {reason}");
        assert_eq!(run(response), (handed.iter().map(|word| (*word).into()).collect(), None));
        assert_eq!(fake.given, [Some("SELECT 1 LIMIT 1".to_owned())]);
        assert_eq!(fake.reads_of_stdin, 0);
    }
}

#[test]
fn a_script_that_includes_one_is_handed_over_with_it() {
    let files = [("a", "\\i b\n\\i b\n"), ("b", "SELECT 1 LIMIT 1;")];
    let mut fake = Fake { files: files.into(), ..Fake::default() };
    let (verdict, reason, response) = judged(&mut fake, &["psql", "-X", "-f", "a"]);
    assert_eq!(verdict, "allow", "{reason}");
    assert_eq!(run(response).0[3], "/dev/fd/64");
    let given: Vec<_> = fake.given.iter().flatten().map(String::as_str).collect();
    assert_eq!(given, ["\\i /dev/fd/65\n\\i /dev/fd/65\n", "SELECT 1 LIMIT 1;"]);
}

#[test]
fn what_is_denied_is_denied_wherever_it_stands() {
    for fake in [
        Fake { files: [("a", "DROP TABLE t")].into(), ..Fake::default() },
        Fake { files: [("a", "\\i b"), ("b", "DROP TABLE t")].into(), ..Fake::default() },
        Fake { files: [("a", "\\i missing")].into(), ..Fake::default() },
        Fake { stdin: Some("DROP TABLE t"), ..Fake::default() },
        Fake::default(),
    ] {
        let argv: &[&str] = if fake.files.is_empty() { &["psql"] } else { &["psql", "-f", "a"] };
        let mut fake = fake;
        let (verdict, _, response) = judged(&mut fake, argv);
        assert_eq!(verdict, "deny", "{:?} {:?}", fake.files, fake.stdin);
        assert!(matches!(response, Change::Exit { .. }), "{response:?}");
        assert_eq!(fake.given.iter().flatten().count(), 0, "{:?}", fake.given);
    }
}

#[test]
fn standard_input_is_read_once_and_handed_over_as_a_rule_would_have_it() {
    let mut fake = Fake { stdin: Some("SELECT * FROM t;\n"), ..Fake::default() };
    let (verdict, reason, response) = judged(&mut fake, &["psql", "-X"]);
    assert_eq!(verdict, "rewrite", "{reason}");
    assert_eq!(run(response), (vec!["psql".into(), "-X".into()], Some(64)));
    assert_eq!(fake.given, [Some("SELECT * FROM t LIMIT 10;\n".to_owned())]);
    assert_eq!(fake.reads_of_stdin, 1);
}

#[test]
fn a_start_up_file_is_judged_and_then_not_read() {
    let argv = ["psql", "-c", "SELECT 1 LIMIT 1"];
    for rc in [None, Some("SELECT 2 LIMIT 1")] {
        let files = rc.map(|text| ("/h/.psqlrc", text)).into_iter().collect();
        let (verdict, reason, response) = judged(&mut Fake { files, ..Fake::default() }, &argv);
        assert_eq!(verdict, "allow", "{reason}");
        assert_eq!(run(response).0[..2], ["psql", "-X"]);
    }
    let files = [("/h/.psqlrc", "DROP TABLE t")].into();
    let (verdict, ..) = judged(&mut Fake { files, ..Fake::default() }, &argv);
    assert_eq!(verdict, "deny");
}

#[test]
fn a_call_that_reads_nothing_is_not_looked_at() {
    let mut fake = Fake { stdin: Some("DROP TABLE t"), ..Fake::default() };
    let (verdict, reason, _) = judged(&mut fake, &["psql", "-X", "-c", "SELECT 1 LIMIT 1"]);
    assert_eq!(verdict, "allow", "{reason}");
    let (verdict, ..) = judged(&mut fake, &["psql", "-c", "DROP TABLE t"]);
    assert_eq!(verdict, "deny");
    assert_eq!((fake.reads_of_stdin, fake.given.len()), (0, 0));
}

/// The policy that people begin with.
const STARTER: &str = include_str!("../../../../policies/starter.toml");

/// Reading is most of the cost of a governed call, so this counts plans and parses.
#[test]
fn a_statement_is_read_four_times_from_the_call_to_the_image_that_runs() {
    let mut fake = Fake::default();
    let before = work::done();
    let (verdict, reason, response) =
        judged_by(STARTER, &mut fake, &["psql", "-c", "SELECT * FROM users"]);
    let after = work::done();
    assert_eq!(verdict, "rewrite", "{reason}");
    assert_eq!(run(response).0, ["psql", "-X", "-c", "SELECT * FROM users LIMIT 1000"]);
    let done = work::Work {
        plans: after.plans - before.plans,
        server_parses: after.server_parses - before.server_parses,
        second_parses: after.second_parses - before.second_parses,
    };
    // The call as it was made, before the exec and at the stop; as rules change it; and as it is handed over.
    assert_eq!(done.plans, 4, "{done:?}");
    // The text as it was made, before the exec and at the stop, and as rules change it.
    assert_eq!((done.server_parses, done.second_parses), (3, 3), "{done:?}");
}

#[test]
fn a_denied_statement_is_read_once_before_the_exec_and_once_at_its_stop() {
    let before = work::done();
    let (verdict, ..) =
        judged_by(STARTER, &mut Fake::default(), &["psql", "-c", "DROP TABLE users"]);
    let after = work::done();
    assert_eq!(verdict, "deny");
    assert_eq!(after.plans - before.plans, 2);
    assert_eq!(after.server_parses - before.server_parses, 2);
}
