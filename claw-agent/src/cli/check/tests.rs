//! The shapes of answers, line by line and for people.

use claw_classify::schema;
use claw_policy::{Policy, parse};
use serde_json::{Value, json};

use super::{answer, answer_cases, describe, difference};
use crate::judge::written::Written;

const POLICY: &str = r#"version = 1
[[rule]]
id = "no-injection"
verdict = "deny"
reason = "loads foreign code"
match.exec.injected_env = "*"
[[rule]]
id = "tame-less"
verdict = "rewrite"
match.exec.names = "less"
rewrite = { set_env.LESSSECURE = "1", unset_env = "LESSOPEN" }
"#;

fn policy() -> Policy {
    parse(POLICY, "p.toml", &schema()).expect("right")
}

fn answered(line: &str) -> Value {
    serde_json::to_value(answer(&policy(), line.as_bytes()).expect("an answer")).expect("JSON")
}

#[test]
fn a_case_is_answered_with_verdict_rule_reason_facts_and_argv() {
    let line =
        r#"{"id": 7, "argv": ["/bin/ls", "-l"], "env": {"LD_PRELOAD": "x"}, "expect": "deny"}"#;
    let answer = answered(line);
    assert_eq!(
        answer,
        json!({
            "id": 7,
            "verdict": "deny",
            "rule": "no-injection",
            "reason": "loads foreign code",
            "facts": {"actions": [{
                "domain": "exec",
                "text": "/bin/ls",
                "injected_env": ["LD_PRELOAD"],
                "names": ["ls"],
                "path": "/bin/ls",
            }]},
            "argv": ["/bin/ls", "-l"],
        })
    );
    let keys: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["id", "verdict", "rule", "reason", "facts", "argv"]);
}

#[test]
fn a_default_has_no_rule_and_a_rewrite_says_what_changes() {
    let answer = answered(r#"{"argv": ["ls"]}"#);
    assert_eq!((&answer["verdict"], &answer["rule"]), (&json!("allow"), &Value::Null));
    let answer = answered(r#"{"argv": ["less"], "env": {"LESSOPEN": "|x", "A": "1"}}"#);
    assert_eq!(answer["verdict"], "rewrite");
    assert_eq!(answer["env"], json!({"LESSOPEN": null, "LESSSECURE": "1"}));
}

#[test]
fn stdin_and_cwd_reach_the_tool() {
    let unknown = answered(r#"{"argv": ["psql"]}"#);
    let known = answered(r#"{"argv": ["psql"], "stdin": "", "cwd": "/tmp"}"#);
    assert_ne!(unknown["facts"], known["facts"]);
}

#[test]
fn a_bad_line_is_an_error_with_its_id_and_stops_nothing() {
    for (line, id, error) in [
        ("{", Value::Null, "not a JSON object: EOF while parsing"),
        (r#"{"id": "x"}"#, json!("x"), "not a case: missing field `argv`"),
        (r#"{"id": "x", "argv": "ls"}"#, json!("x"), "not a case: invalid type: string"),
        (r#"{"id": "x", "argv": [1]}"#, json!("x"), "not a case: invalid type: integer"),
        (r#"{"id": "x", "argv": []}"#, json!("x"), "`argv` is empty"),
        (r#"{"id": "x", "argv": ["a\u0000"]}"#, json!("x"), "`argv` or `env` holds a zero byte"),
        (r#"[]"#, Value::Null, "not a JSON object: invalid type: sequence"),
    ] {
        let answer = answered(line);
        assert_eq!(answer["id"], id, "{line}");
        let said = answer["error"].as_str().expect("an error");
        assert!(said.starts_with(error), "{line}: {said}");
        assert_eq!(answer.get("verdict"), None, "{line}");
    }

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cases.jsonl");
    std::fs::write(&path, b"{\"argv\":[\"a\"]}\n\n\xff\n{\"argv\":[\"b\"]}").expect("written");
    let mut out = Vec::new();
    let errors = answer_cases(&policy(), &path, &mut out).expect("answered");
    assert_eq!(errors, 1);
    let lines: Vec<Value> = String::from_utf8(out)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let verdicts: Vec<&Value> = lines.iter().map(|line| &line["verdict"]).collect();
    assert_eq!(verdicts, [&json!("allow"), &Value::Null, &json!("allow")]);
}

fn written(argv: &[&str], env: &[&str]) -> Written {
    let bytes = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect();
    Written { argv: bytes(argv), env: bytes(env), ..Written::default() }
}

#[test]
fn people_are_told_the_rule_its_place_and_the_facts() {
    let call = written(&["less", "a b\x1b"], &["LESSOPEN=|x"]);
    let judgement = call.judge(&policy());
    assert_eq!(
        describe(&call, &judgement),
        r#"rewrite: less $'a b\u001b'
  rule     tame-less (p.toml:7)
  reason   `LESSSECURE` set, `LESSOPEN` removed
  because  exec.names = [less]
  action   exec: less (rewrite)
           injected_env = []
           names = ["less"]
           path = "less"
  rewritten
      less
      $'a b\u001b'
    - LESSOPEN
    + LESSSECURE=1
"#
    );
    let call = written(&["ls"], &[]);
    let shown = describe(&call, &call.judge(&policy()));
    assert!(shown.starts_with("allow: ls\n  rule     none\n  reason   no tool governs"), "{shown}");
}

#[test]
fn the_difference_shows_only_the_arguments_that_change() {
    let shown = |before: &[&str], after: &[&str]| {
        let mut out = String::new();
        difference(&written(before, &[]).argv, &written(after, &[]).argv, &mut out);
        out
    };
    assert_eq!(
        shown(&["psql", "-c", "SELECT 1", "-x"], &["psql", "-c", "SELECT 1 LIMIT 5", "-x"]),
        "      psql\n      -c\n    - 'SELECT 1'\n    + 'SELECT 1 LIMIT 5'\n      -x\n"
    );
    assert_eq!(shown(&["a", "a"], &["a"]), "      a\n    - a\n");
    assert_eq!(shown(&["a"], &["a", "a"]), "      a\n    + a\n");
}
