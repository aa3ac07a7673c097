//! What happens to a call that rules would change.

use claw_classify::schema;
use claw_policy::Policy;

use super::Judgement;
use super::written::Written;

fn policy(rules: &str) -> Policy {
    claw_policy::parse(&format!("version = 1\n{rules}"), "p.toml", &schema()).expect("right")
}

fn judge(policy: &Policy, argv: &[&str], env: &[&str]) -> Judgement {
    let bytes = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect();
    Written { argv: bytes(argv), env: bytes(env), ..Written::default() }.judge(policy)
}

/// The environment after rewriting, or `None` if the call is unchanged.
fn env_after(judgement: &Judgement) -> Option<Vec<String>> {
    let rewritten = judgement.rewritten.as_ref()?;
    let text = |entry: &Vec<u8>| String::from_utf8_lossy(entry).into_owned();
    Some(rewritten.env.iter().map(text).collect())
}

const TAME_LESS: &str = r#"
[[rule]]
id = "tame-less"
verdict = "rewrite"
match.exec.names = "less"
rewrite.set_env.LESSSECURE = "1"
"#;

#[test]
fn an_allowed_call_is_left_alone() {
    let judgement = judge(&policy(TAME_LESS), &["/bin/ls"], &[]);
    assert_eq!(judgement.decision.verdict.name(), "allow");
    assert_eq!(judgement.rewritten, None);
}

#[test]
fn a_rewritten_call_is_what_runs() {
    let judgement = judge(&policy(TAME_LESS), &["/usr/bin/less", "f"], &["A=1"]);
    assert_eq!(judgement.decision.verdict.name(), "rewrite");
    assert_eq!(env_after(&judgement), Some(vec!["A=1".to_owned(), "LESSSECURE=1".to_owned()]));
    let rewritten = judgement.rewritten.expect("a change");
    assert_eq!(rewritten.argv, [b"/usr/bin/less".to_vec(), b"f".to_vec()]);
}

#[test]
fn a_call_that_is_already_as_the_rule_would_have_it_runs_as_it_is() {
    let judgement = judge(&policy(TAME_LESS), &["less"], &["LESSSECURE=1"]);
    assert_eq!(judgement.decision.verdict.name(), "rewrite");
    assert_eq!(judgement.rewritten, None);
}

#[test]
fn a_change_that_cannot_be_made_denies() {
    let rules = r#"
[[rule]]
id = "few-files"
verdict = "rewrite"
match.exec.names = "ls"
rewrite.limit_rows = 5
"#;
    let judgement = judge(&policy(rules), &["ls"], &[]);
    let deciding = &judgement.decision.deciding;
    assert_eq!((judgement.decision.verdict.name(), deciding.verdict.name()), ("deny", "deny"));
    assert_eq!(deciding.rule.as_deref(), Some("few-files"));
    assert_eq!(deciding.at.as_deref(), Some("p.toml:3"));
    assert!(
        deciding.reason.starts_with("the call cannot be changed as the rule asks: "),
        "{}",
        deciding.reason
    );
    assert_eq!(judgement.rewritten, None);
    assert!(judgement.decision.rewrites.is_empty());
    assert_eq!(format!("{:?}", judgement.decision.outcomes[0]), format!("{deciding:?}"));
}

#[test]
fn a_change_into_what_is_denied_denies() {
    let rules = r#"
[[rule]]
id = "preload"
verdict = "rewrite"
match.exec.names = "ls"
rewrite.set_env.LD_PRELOAD = "x.so"
[[rule]]
id = "no-injection"
verdict = "deny"
reason = "loads foreign code"
match.exec.injected_env = "LD_PRELOAD"
"#;
    let judgement = judge(&policy(rules), &["ls"], &[]);
    let deciding = &judgement.decision.deciding;
    assert_eq!(judgement.decision.verdict.name(), "deny");
    assert_eq!(deciding.rule.as_deref(), Some("no-injection"));
    assert_eq!(deciding.at.as_deref(), Some("p.toml:8"));
    assert_eq!(deciding.reason, "the call as rules would change it is denied: loads foreign code");
    assert_eq!(deciding.because, ["exec.injected_env = [LD_PRELOAD]"]);
    assert_eq!(judgement.rewritten, None);
}

#[test]
fn changes_that_never_settle_deny() {
    let rules = r#"
[[rule]]
id = "set"
verdict = "rewrite"
match.exec = { names = "ls", injected_env = { none = "LD_X" } }
rewrite.set_env.LD_X = "1"
[[rule]]
id = "unset"
verdict = "rewrite"
match.exec = { names = "ls", injected_env = "LD_X" }
rewrite.unset_env = "LD_X"
"#;
    let judgement = judge(&policy(rules), &["ls"], &[]);
    assert_eq!(judgement.decision.verdict.name(), "deny");
    assert_eq!(
        judgement.decision.deciding.reason,
        "the call as rules would change it would have to be changed again"
    );
    assert_eq!(judgement.rewritten, None);
}

#[test]
fn the_facts_are_those_of_the_call_as_it_was_made() {
    let rules = r#"
[[rule]]
id = "clean"
verdict = "rewrite"
match.exec.injected_env = "LD_PRELOAD"
rewrite.unset_env = "LD_PRELOAD"
"#;
    let judgement = judge(&policy(rules), &["ls"], &["LD_PRELOAD=x", "A=1"]);
    assert_eq!(env_after(&judgement), Some(vec!["A=1".to_owned()]));
    let facts = serde_json::to_value(&judgement.facts).expect("JSON");
    assert_eq!(facts["actions"][0]["injected_env"], serde_json::json!(["LD_PRELOAD"]));
}

#[test]
fn a_row_limit_goes_into_the_statement_and_stays_there() {
    let rules = r#"
[[rule]]
id = "limit"
verdict = "rewrite"
match.sql = { effect = "read", limited = false }
rewrite.limit_rows = 5
[[rule]]
id = "reads"
verdict = "allow"
match.sql.effect = "read"
"#;
    let policy = policy(rules);
    let judgement = judge(&policy, &["psql", "-X", "-c", "SELECT * FROM t"], &[]);
    let decision = &judgement.decision;
    assert_eq!(decision.verdict.name(), "rewrite", "{decision:?}");
    assert_eq!(decision.deciding.rule.as_deref(), Some("limit"));
    let argv = judgement.rewritten.expect("a change").argv;
    let argv: Vec<&str> = argv.iter().map(|arg| str::from_utf8(arg).expect("text")).collect();
    assert_eq!(argv, ["psql", "-X", "-c", "SELECT * FROM t LIMIT 5"]);
    let again = judge(&policy, &argv, &[]);
    assert_eq!((again.decision.verdict.name(), again.rewritten), ("allow", None));
}
