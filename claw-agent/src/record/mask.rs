//! Turns an entry into a record.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::entry::{self, Entry, What};
use super::line::{Action, Exec, Fact, Facts, Kind, Record, VERSION};
use super::writer::Settings;
use crate::decode::Strings;

/// The record of an entry, the number `seq` of its session.
pub(super) fn record(settings: &Settings, seq: u64, time: Timestamp, entry: Entry) -> Record {
    Record {
        v: VERSION,
        id: format!("{}-{seq}", settings.session),
        seq,
        time,
        session: settings.session.clone(),
        labels: settings.labels.iter().cloned().collect(),
        verdict: entry.verdict,
        rule: entry.rule,
        reason: entry.reason,
        at: entry.at,
        because: entry.because,
        level: entry.level,
        proof: entry.proof,
        pid: entry.pid,
        uid: entry.uid,
        outcome: entry.outcome,
        kind: kind(entry.what),
    }
}

fn kind(what: What) -> Kind {
    match what {
        What::Start { argv } => Kind::Start { argv: words(&argv) },
        What::Exec(exec) => Kind::Exec(Box::new(program(*exec))),
        What::Connect(entry::Connect { to, protocol, took_ns }) => {
            Kind::Connect { to, protocol, took_ns }
        }
        What::Killed => Kind::Killed,
        What::Refused => Kind::Refused,
        What::Tamper => Kind::Tamper,
        What::Lost { count } => Kind::Lost { count },
        What::End => Kind::End,
    }
}

fn program(exec: entry::Exec) -> Exec {
    Exec {
        path: (!exec.path.is_empty()).then(|| text(&exec.path)),
        argv: exec.argv.as_ref().map(words),
        asked: exec.asked.as_ref().map(words),
        env: exec.env,
        facts: exec.facts.as_ref().map(facts),
        took_ns: exec.took_ns,
    }
}

fn facts(facts: &claw_policy::Facts) -> Facts {
    Facts {
        tool: facts.tool.as_ref().map(ToString::to_string),
        disputed: facts.disputed.as_ref().map(ToString::to_string),
        actions: facts.actions.iter().map(action).collect(),
    }
}

fn action(action: &claw_policy::Action) -> Action {
    let facts: BTreeMap<String, Fact> =
        action.facts().map(|(name, value)| (name.to_owned(), fact(value))).collect();
    Action {
        domain: action.domain.name().to_owned(),
        text: action.text.clone(),
        opaque: action.opaque.clone(),
        facts,
    }
}

fn fact(fact: &claw_policy::Fact) -> Fact {
    use claw_policy::Value;
    match fact {
        claw_policy::Fact::Known(Value::Bool(value)) => Fact::Bool(*value),
        claw_policy::Fact::Known(Value::Int(value)) => Fact::Int(*value),
        claw_policy::Fact::Known(Value::Str(value)) => Fact::Str(value.clone()),
        claw_policy::Fact::Known(Value::Set(values)) => Fact::Set(values.iter().cloned().collect()),
        claw_policy::Fact::Opaque(reason) => Fact::Opaque { opaque: reason.clone() },
    }
}

fn words(list: &Strings) -> Vec<String> {
    list.iter().map(text).collect()
}

/// Bytes that are not UTF-8 are spelled `\xNN`.
fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}
