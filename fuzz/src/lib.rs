//! What must hold of every call, whatever its bytes.
//!
//! Input: bytes that libFuzzer makes up. A broken promise is a panic, which libFuzzer reports with the bytes. Time and
//! memory are bounded by its own `-timeout` and `-rss_limit_mb`.

#![forbid(unsafe_code)]

pub mod oracle;

use claw_classify::{Call, LIMIT_ROWS, NoFiles, Rewritten, Stdin, Tools, schema};
use claw_policy::{Action, Change, Facts, Reading, Rewrite, Value};

/// How many rows a statement may return.
const ROWS: u64 = 7;

/// Reads a call and gives its facts. There are always some, the same ones each time, and changes asked for are made
/// for good or refused.
///
/// # Panics
/// Where that does not hold.
#[must_use]
pub fn look(argv: &[&[u8]], stdin: Stdin<'_>, env: &[&[u8]]) -> Facts {
    let name = argv.first().map_or(&b""[..], |name| name);
    let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or(name);
    let names = [name];
    let call = Call { argv, env, names: &names, path: name, stdin, ..Call::default() };
    let reading = Tools::BUILT_IN.read(&call, &NoFiles);
    let facts = reading.facts.clone();
    assert_eq!(facts.actions.first().map(|action| action.domain.name()), Some("exec"));
    let again = Tools::BUILT_IN.classify(&call, &NoFiles);
    assert_eq!(facts, again, "the facts differ from one time to the next");
    let limits = limits(&facts);
    if !limits.is_empty() {
        stays(&call, &reading, &limits, |after| {
            assert_eq!(self::limits(after), [], "a statement is not limited after it was");
        });
    }
    if let Some(tool) = &facts.tool {
        let row =
            schema().tools.iter().find(|row| *tool == row.name).expect("a tool of claw's own");
        let of_call = row.changes.iter().filter(|def| def.of_call);
        let change =
            |def| Rewrite { action: 0, change: Change::Switch(def), rule: "start".to_owned() };
        let all: Vec<Rewrite> = of_call.copied().map(change).collect();
        if !all.is_empty() {
            stays(&call, &reading, &all, |_| {});
        }
    }
    facts
}

/// Makes changes, looks at the facts of the changed call, and makes them again, which must change nothing more.
fn stays(
    call: &Call<'_>,
    reading: &claw_classify::Reading<'_>,
    changes: &[Rewrite],
    look: impl FnOnce(&Facts),
) {
    let Ok(once) = reading.rewrite(changes) else { return };
    let words: Vec<&[u8]> = once.argv.iter().map(Vec::as_slice).collect();
    let env: Vec<&[u8]> = once.env.iter().map(Vec::as_slice).collect();
    let stdin = once.stdin.as_deref().map_or(call.stdin, Stdin::Content);
    let changed = Call { argv: &words, env: &env, stdin, ..*call };
    let after = Tools::BUILT_IN.read(&changed, &NoFiles);
    look(&after.facts);
    let again = if changes.iter().any(|change| matches!(change.change, Change::Limit(..))) {
        limits(&after.facts)
    } else {
        changes.to_vec()
    };
    let twice = after.rewrite(&again).expect("what was changed can be changed again");
    let Rewritten { argv, env, stdin, .. } = twice;
    assert_eq!((argv, env), (once.argv, once.env), "changed again, it differs");
    assert!(stdin.is_none() || stdin == once.stdin, "changed again, standard input differs");
}

/// A limit for each statement that has none.
fn limits(facts: &Facts) -> Vec<Rewrite> {
    let wants = |action: &Action| {
        is(action, "limited", &Value::from(false)) && is(action, "effect", &Value::from("read"))
    };
    let limit = |(action, _)| Rewrite {
        action,
        change: Change::Limit(&LIMIT_ROWS, ROWS),
        rule: "limit".to_owned(),
    };
    facts.actions.iter().enumerate().filter(|(_, action)| wants(action)).map(limit).collect()
}

/// Whether a fact is known to be this.
#[must_use]
pub fn is(action: &Action, fact: &str, value: &Value) -> bool {
    action.fact(fact) == Some(Reading::Known(value))
}

/// The words of bytes that NULs part.
#[must_use]
pub fn words(data: &[u8]) -> Vec<&[u8]> {
    data.split(|byte| *byte == 0).collect()
}
