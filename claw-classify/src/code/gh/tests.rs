//! Calls and their facts, from `corpus/gh.toml`, and what holds of any call.

use std::collections::BTreeMap;

use claw_policy::{Reading, Value};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::Tools;
use crate::call::Stdin;
use crate::call::files::File;
use crate::call::files::NoFiles;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    calls: Vec<(String, String)>,
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
    stdin: Option<String>,
    facts: String,
}

#[derive(Debug)]
struct Given(BTreeMap<String, String>);

impl Files for Given {
    fn file(&self, path: &[u8]) -> File<'_> {
        let path = String::from_utf8_lossy(path).into_owned();
        self.0.get(&path).map_or(File::NOT_LOOKED_AT, |content| File::content(content.as_bytes()))
    }
}

fn shown(actions: &[Action]) -> String {
    let [action] = actions else { panic!("{actions:?}") };
    if action.opaque.is_some() {
        return "?".to_owned();
    }
    let mut words = Vec::new();
    for name in ["effect", "command", "method", "operation", "host", "repository"] {
        match action.fact(name) {
            Some(Reading::Known(Value::Str(word))) => words.push(word.clone()),
            Some(Reading::Opaque(_)) => words.push(format!("{name}?")),
            _ => {}
        }
    }
    if let Some(Reading::Known(Value::Bool(true))) = action.fact("body") {
        words.push("body".to_owned());
    }
    for name in ["files", "programs"] {
        match action.fact(name) {
            Some(Reading::Known(Value::Set(names))) if !names.is_empty() => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                words.push(format!("{name}={}", names.join(",")));
            }
            Some(Reading::Opaque(_)) => words.push(format!("{name}?")),
            _ => {}
        }
    }
    words.join(" ")
}

#[test]
fn calls() {
    let corpus: Corpus = toml::from_str(include_str!("../../../corpus/gh.toml")).unwrap();
    let short = corpus.calls.into_iter().map(|(line, facts)| Expected {
        argv: std::iter::once("gh").chain(line.split_whitespace()).map(str::to_owned).collect(),
        env: BTreeMap::new(),
        files: BTreeMap::new(),
        stdin: None,
        facts,
    });
    let mut wrong = Vec::new();
    for Expected { argv, env, files, stdin, facts } in short.chain(corpus.call) {
        let env: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let words: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let env: Vec<&[u8]> = env.iter().map(|entry| entry.as_bytes()).collect();
        let stdin = stdin.as_ref().map_or(Stdin::Unknown, |text| Stdin::Content(text.as_bytes()));
        let names = &words[..1];
        let call = Call { argv: &words, env: &env, names, stdin, ..Call::default() };
        let found = shown(&classify(&Tools::BUILT_IN.context(&call, &Given(files))));
        if found != facts {
            wrong.push(format!("{argv:?}\n  expected {facts}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #[test]
    fn any_call_is_classified(
        argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
        env in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..4),
        settings in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let env: Vec<&[u8]> = env.iter().map(Vec::as_slice).chain([&b"HOME="[..]]).collect();
        let call = Call { argv: &argv, env: &env, ..Call::default() };
        prop_assert_eq!(classify(&Tools::BUILT_IN.context(&call, &NoFiles)).len(), 1);
        let settings = String::from_utf8_lossy(&settings).into_owned();
        let files = Given(BTreeMap::from([("/.config/gh/config.yml".to_owned(), settings)]));
        prop_assert_eq!(classify(&Tools::BUILT_IN.context(&call, &files)).len(), 1);
    }

    #[test]
    fn any_words_are_classified(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "api", "graphql", "-f", "query={", "query=@x", "-X", "GET", "--input", "-", "-R", "a/b/c",
                "pr", "list", "x", "co", "--", "-t", "auth", "status", "-H", "a:b", "https://h/x", "%67raphql",
            ]),
            0..8,
        )
    ) {
        let argv: Vec<&[u8]> = std::iter::once("gh").chain(words).map(str::as_bytes).collect();
        let call = Call { argv: &argv, env: &[b"HOME=/h"], ..Call::default() };
        let aliases = "aliases:\n    x: pr x\n    co: x co\n";
        let files = Given(BTreeMap::from([("/h/.config/gh/config.yml".to_owned(), aliases.to_owned())]));
        prop_assert_eq!(classify(&Tools::BUILT_IN.context(&call, &files)).len(), 1);
    }
}

#[test]
fn command_lines_are_read_as_gh_reads_them() {
    for (words, expected) in [
        ("pr list", "pr list"),
        ("-R o/r pr view 1", "pr view --repo=o/r 1"),
        ("pr -R o/r view 1", "pr view --repo=o/r 1"),
        ("--repo=o/r pr ls", "pr list --repo=o/r"),
        ("api -iXPUT x", "api --include --method=PUT x"),
        ("api -X=DELETE x", "api --method=DELETE x"),
        ("api x -f a=b -fc=d", "api --raw-field=a=b --raw-field=c=d x"),
        ("auth status -t", "auth status --show-token"),
        ("auth status -h github.com", "auth status --hostname=github.com"),
        ("search prs -- -label:bug", "search prs -- -label:bug"),
        ("pr list --frob", "refused"),
        ("pr list --lim 3", "refused"),
        ("pr list -L", "refused"),
        ("pr frob", "foreign"),
        ("frob pr list", "foreign"),
        ("rs check", "ruleset check"),
        ("extension exec x --help", "extension exec x --help"),
        ("help pr merge", "help pr merge"),
        ("--version", " --version"),
        ("", ""),
        ("pr list --web=maybe", "refused"),
        ("pr list -w=0", "pr list --web=0"),
        ("browse --commit=abc", "browse --commit=abc"),
    ] {
        assert_eq!(cobra::tests::shown(&COMMANDS, words), expected, "{words}");
    }
}
