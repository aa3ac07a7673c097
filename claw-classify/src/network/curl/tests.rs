//! Calls of curl and their facts, from `corpus/curl.toml`, and what holds of any call.

use std::collections::BTreeMap;

use claw_policy::{Reading, Value};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::Tools;
use crate::call::files::File;
use crate::call::files::NoFiles;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    call: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    argv: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    actions: String,
}

#[derive(Debug)]
struct Known(BTreeMap<String, String>);

impl Files for Known {
    fn file(&self, path: &[u8]) -> File<'_> {
        let path = str::from_utf8(path).unwrap_or_default();
        self.0.get(path).map_or(File::NOT_LOOKED_AT, |content| File::content(content.as_bytes()))
    }
}

/// `EFFECT METHOD HOST`, and the proxies or other detours, one for each action.
fn shown(actions: &[Action]) -> String {
    let word = |action: &Action, name| match action.fact(name) {
        Some(Reading::Known(Value::Str(word))) => word.clone(),
        Some(Reading::Known(Value::Set(words))) => {
            words.iter().cloned().collect::<Vec<_>>().join(",")
        }
        Some(Reading::Known(other)) => panic!("{other:?}"),
        Some(Reading::Opaque(_)) => "?".to_owned(),
        None => String::new(),
    };
    let shown = actions.iter().map(|action| {
        let words = ["effect", "method", "host", "detours", "proxy"].map(|name| word(action, name));
        if words.iter().all(|word| word == "?") {
            return "?".to_owned();
        }
        words.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" ")
    });
    shown.collect::<Vec<_>>().join("; ")
}

#[test]
fn calls() {
    let corpus: Corpus = toml::from_str(include_str!("../../../corpus/curl.toml")).unwrap();
    for Expected { argv, env, files, actions } in corpus.call {
        let env: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let words: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let env: Vec<&[u8]> = env.iter().map(|entry| entry.as_bytes()).collect();
        let call = Call { argv: &words, env: &env, ..Call::default() };
        let tool = if argv[0] == "wget" { &crate::network::wget::TOOL } else { &TOOL };
        assert_eq!(
            shown(&tool.read(&Tools::BUILT_IN.context(&call, &Known(files))).actions),
            actions,
            "{argv:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_call_is_classified(
        argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
        env in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..4),
    ) {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let env: Vec<&[u8]> = env.iter().map(Vec::as_slice).collect();
        let call = Call { argv: &argv, env: &env, ..Call::default() };
        prop_assert!(!classify(&Tools::BUILT_IN.context(&call, &NoFiles)).is_empty());
        prop_assert!(!crate::network::wget::TOOL.read(&Tools::BUILT_IN.context(&call, &NoFiles)).actions.is_empty());
    }

    /// Switches that say how things are shown change no fact, wherever they are.
    #[test]
    fn switches_change_nothing(at in 0_usize..4, switch in prop::sample::select(vec!["-s", "-sS", "--silent", "--sile", "-v"])) {
        let plain = ["-X", "DELETE", "https://h/x"];
        let mut words: Vec<&str> = plain.to_vec();
        if at != 1 {
            words.insert(at.min(3), switch);
        }
        let argv: Vec<&[u8]> = std::iter::once("curl").chain(words).map(str::as_bytes).collect();
        let call = Call { argv: &argv, ..Call::default() };
        prop_assert_eq!(shown(&classify(&Tools::BUILT_IN.context(&call, &NoFiles))), "send DELETE h");
    }
}
