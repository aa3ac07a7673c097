//! Tests of a tool by a table of command lines: `"COMMAND LINE" = "FACTS"` in a file of `corpus/`.
//!
//! A command line is split at spaces; words before the tool's name that hold a `=` are its environment.
//! Facts are `name=value`, sets joined by commas and left out where they are empty, several actions
//! separated by `; `; what is opaque is `?`.

use claw_policy::{Action, Reading, Value};

use crate::call::Call;

/// The actions of a command line, without the call-level one.
pub(crate) fn actions(words: &str) -> Vec<Action> {
    let words: Vec<&[u8]> =
        words.split(' ').filter(|word| !word.is_empty()).map(str::as_bytes).collect();
    let program = words.iter().position(|word| !word.contains(&b'=')).unwrap_or_default();
    let (env, argv) = words.split_at(program);
    let call = Call { argv, env, path: argv[0], names: &argv[..1], ..Call::default() };
    crate::classify(&call).actions.split_off(1)
}

/// The facts of `actions` in a line.
pub(crate) fn shown(actions: &[Action]) -> String {
    let one = |action: &Action| {
        if action.opaque.is_some() {
            return "?".to_owned();
        }
        let facts = action.facts().filter_map(|(name, _)| match action.fact(name)? {
            Reading::Opaque(_) => Some(format!("{name}=?")),
            Reading::Known(Value::Bool(value)) => Some(format!("{name}={value}")),
            Reading::Known(Value::Int(value)) => Some(format!("{name}={value}")),
            Reading::Known(Value::Str(value)) => Some(format!("{name}={value}")),
            Reading::Known(Value::Set(values)) if values.is_empty() => None,
            Reading::Known(Value::Set(values)) => {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                Some(format!("{name}={}", values.join(",")))
            }
        });
        facts.collect::<Vec<_>>().join(" ")
    };
    actions.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Holds every command line of `corpus` to its facts.
pub(crate) fn check(corpus: &str) {
    let table: toml::Table = corpus.parse().unwrap();
    let mut wrong = String::new();
    for (words, expected) in &table {
        let found = shown(&actions(words));
        if Some(found.as_str()) != expected.as_str() {
            wrong += &format!("\"{words}\" = \"{found}\"\n");
        }
    }
    assert!(table.len() > 20, "the corpus is too small");
    assert!(wrong.is_empty(), "these facts are not those of the corpus:\n{wrong}");
}
