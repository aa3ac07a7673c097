use serde_json::{Value, json};

use super::*;

fn common(kind: Value) -> Value {
    let mut line = json!({
        "v": 1, "id": "abc-7", "seq": 7, "time": "2026-12-01T00:20:11.5Z", "session": "abc",
        "rule": null, "reason": "why", "level": "proven", "proof": "ticket-and-stop",
    });
    let (Value::Object(fields), Value::Object(own)) = (&mut line, kind) else { unreachable!() };
    fields.extend(own);
    line
}

/// One line of each kind, with every field that it may have.
fn one_of_each() -> Vec<Value> {
    let facts = json!({"tool": "psql", "disputed": "mysql", "actions": [
        {"domain": "exec", "text": "psql", "trusted": true, "count": 3, "names": ["a", "b"], "path": "/x"},
        {"domain": "sql", "text": "…", "opaque": "not SQL", "effect": {"opaque": "why"}},
    ]});
    [
        json!({"kind": "start", "argv": ["sh", "-c", "x"], "labels": {"ticket": "T-1"}, "pid": 5, "outcome": "no lock"}),
        json!({"kind": "exec", "verdict": "rewrite", "at": "p.toml:3", "because": ["a = b"], "pid": 5, "uid": 0,
            "path": "/bin/x", "argv": ["x"], "asked": ["y"], "env": {"A": "1", "B": null}, "facts": facts,
            "outcome": "o", "took_ns": 9_000_000_000_u64}),
        json!({"kind": "exec", "verdict": "deny"}),
        json!({"kind": "connect", "verdict": "allow", "to": "127.0.0.1:1", "protocol": "tcp", "took_ns": 1}),
        json!({"kind": "connect", "verdict": "deny"}),
        json!({"kind": "killed", "verdict": "deny", "pid": 5, "uid": 1}),
        json!({"kind": "refused", "verdict": "deny"}),
        json!({"kind": "tamper", "verdict": "deny"}),
        json!({"kind": "lost", "verdict": "deny", "count": 12}),
        json!({"kind": "end"}),
    ]
    .map(common)
    .into()
}

#[test]
fn each_kind_is_read_and_written_as_the_same_json() {
    for line in one_of_each() {
        let record: Record = serde_json::from_str(&line.to_string()).expect("a record");
        assert_eq!(serde_json::to_value(&record).expect("JSON"), line);
    }
}

#[test]
fn a_line_without_a_version_is_read_as_the_oldest() {
    for mut line in one_of_each() {
        line.as_object_mut().expect("an object").remove("v");
        let record: Record = serde_json::from_value(line).expect("a record");
        assert_eq!(record.v, 0);
    }
}

#[test]
fn what_an_older_reader_does_not_know_is_no_error_but_a_newer_version_is() {
    let mut line = common(json!({"kind": "end", "prev": "00", "hash": "11", "new": {"a": [1]}}));
    assert!(serde_json::from_value::<Record>(line.clone()).is_ok());
    line["v"] = json!(2);
    let error = serde_json::from_value::<Record>(line).expect_err("a newer version");
    assert!(error.to_string().contains("a newer claw wrote this line"), "{error}");
}

#[test]
fn a_kind_that_is_not_known_is_an_error() {
    let line = common(json!({"kind": "rewound"}));
    assert_eq!(
        serde_json::from_value::<Record>(line).unwrap_err().to_string(),
        "unknown variant `rewound`, expected one of `start`, `exec`, `connect`, `killed`, `refused`, `tamper`, `lost`, `end`"
    );
}

#[test]
fn words_and_serde_agree_on_proofs_and_levels() {
    for proof in [
        Proof::Ticket,
        Proof::TicketAndStop,
        Proof::Stop,
        Proof::Answered,
        Proof::OnBehalf,
        Proof::InKernel,
        Proof::None,
    ] {
        assert_eq!(json!(proof), proof.to_string());
    }
    for level in [Level::Observed, Level::Held, Level::Proven] {
        assert_eq!(json!(level), level.to_string());
    }
}
