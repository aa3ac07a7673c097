//! Calls and their actions, from `corpus/git.toml`, and what holds of any call.

use std::collections::BTreeMap;

use claw_policy::{Reading, Value};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::Tools;
use crate::call::Call;
use crate::call::files::{File, Files, NoFiles};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    calls: Vec<(String, String)>,
    call: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    line: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
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
    let shown = actions.iter().map(|action| {
        if action.opaque.is_some() {
            return "?".to_owned();
        }
        let mut words = Vec::new();
        for name in ["effect", "command"] {
            if let Some(Reading::Known(Value::Str(word))) = action.fact(name) {
                words.push(word.clone());
            }
        }
        for (name, expected, word) in [
            ("forced", true, "forced"),
            ("deletes", true, "deletes"),
            ("remote_configured", false, "elsewhere"),
            ("redirects", true, "redirects"),
        ] {
            match action.fact(name) {
                Some(Reading::Known(Value::Bool(value))) if *value == expected => {
                    words.push(word.to_owned());
                }
                Some(Reading::Opaque(_)) => words.push(format!("{word}?")),
                _ => {}
            }
        }
        for name in ["programs", "written"] {
            match action.fact(name) {
                Some(Reading::Known(Value::Set(names))) if !names.is_empty() => {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    words.push(format!("{name}={}", names.join(",")));
                }
                Some(Reading::Opaque(_)) => words.push(format!("{name}?")),
                _ => {}
            }
        }
        if let Some(Reading::Known(Value::Str(file))) = action.fact("output") {
            words.push(format!("output={file}"));
        }
        words.join(" ")
    });
    shown.collect::<Vec<_>>().join(" | ")
}

fn facts(line: &str, env: &BTreeMap<String, String>, files: Option<&Given>) -> String {
    let mut words = config::split_alias(line).unwrap();
    if !words.first().is_some_and(|word| word.starts_with(b"/")) {
        words.insert(0, b"git".to_vec());
    }
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let env: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let env: Vec<&[u8]> = env.iter().map(|entry| entry.as_bytes()).collect();
    let call = Call { argv: &words, env: &env, ..Call::default() };
    shown(&classify(
        &Tools::BUILT_IN.context(&call, files.map_or(&NoFiles as &dyn Files, |files| files)),
    ))
}

#[test]
fn calls() {
    let corpus: Corpus = toml::from_str(include_str!("../../../corpus/git.toml")).unwrap();
    let mut wrong = Vec::new();
    for (line, expected) in corpus.calls {
        let found = facts(&line, &BTreeMap::new(), None);
        if found != expected {
            wrong.push(format!("git {line}\n  expected {expected}\n  found    {found}"));
        }
    }
    for Expected { line, env, files, facts: expected } in corpus.call {
        let files = (!files.is_empty()).then_some(Given(files));
        let found = facts(&line, &env, files.as_ref());
        if found != expected {
            wrong.push(format!("git {line} {env:?}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files and folders that are there, the latter with a slash at the end, and no others.
#[derive(Debug)]
struct Tree(&'static [(&'static str, &'static str)]);

impl Files for Tree {
    fn file(&self, path: &[u8]) -> File<'_> {
        if path == b"." {
            return File::folder(b"/h/p/deep");
        }
        let path = String::from_utf8_lossy(path);
        let found = self.0.iter().find(|(name, _)| name.trim_end_matches('/') == path);
        match found {
            Some((name, _)) if name.ends_with('/') => File::folder(name.as_bytes()),
            Some((_, content)) => File::content(content.as_bytes()),
            None => File::ABSENT,
        }
    }
}

#[test]
fn repositories_are_found_as_git_finds_them() {
    const MIRROR: &str = "[remote \"origin\"]\nurl = u\nmirror = true\n";
    const PLAIN: &str = "[remote \"origin\"]\nurl = u\n";
    const HEAD: &str = "ref: refs/heads/main\n";
    const ABOVE: [(&str, &str); 4] =
        [("/h/.git/", ""), ("/h/.git/HEAD", HEAD), ("/h/.git/objects/", ""), ("/h/.git/refs/", "")];
    let tree = |more: &[(&'static str, &'static str)]| {
        let all: Vec<_> = ABOVE.into_iter().chain(more.iter().copied()).collect();
        Tree(Box::leak(all.into_boxed_slice()))
    };
    let plain = ("/h/.git/config", PLAIN);
    for (what, files, expected) in [
        ("one above", tree(&[plain]), "push push"),
        ("a mirror above", tree(&[("/h/.git/config", MIRROR)]), "push push forced deletes"),
        (
            "folders called config",
            tree(&[plain, ("/h/p/config/", ""), ("/h/p/deep/config/", "")]),
            "push push",
        ),
        (
            "another program's config",
            tree(&[plain, ("/h/p/deep/config", "a: {b: [c]}")]),
            "push push",
        ),
        (
            "a .git that is none, below a mirror",
            tree(&[
                ("/h/.git/config", MIRROR),
                ("/h/p/.git/", ""),
                ("/h/p/.git/HEAD", HEAD),
                ("/h/p/.git/config", PLAIN),
            ]),
            "push push forced deletes",
        ),
        (
            "a bare one, whose HEAD is a link to no branch yet",
            tree(&[plain, ("/h/p/objects/", ""), ("/h/p/refs/", ""), ("/h/p/config", MIRROR)]),
            "push push forced? deletes? elsewhere? programs?",
        ),
        (
            "a HEAD of another form, below a mirror",
            tree(&[
                ("/h/.git/config", MIRROR),
                ("/h/p/.git/", ""),
                ("/h/p/.git/HEAD", "x"),
                ("/h/p/.git/objects/", ""),
                ("/h/p/.git/refs/", ""),
                ("/h/p/.git/config", PLAIN),
            ]),
            "push push forced? deletes? elsewhere? programs?",
        ),
    ] {
        let argv: [&[u8]; 3] = [b"git", b"push", b"origin"];
        let call = Call { argv: &argv, ..Call::default() };
        assert_eq!(shown(&classify(&Tools::BUILT_IN.context(&call, &files))), expected, "{what}");
    }
}

#[test]
fn the_target_and_the_refs_of_a_push_are_facts() {
    let words: &[&[u8]] = &[b"git", b"-C", b"a", b"-C", b"b", b"push", b"-n", b"origin", b"x:y"];
    let found =
        classify(&Tools::BUILT_IN.context(&Call { argv: words, ..Call::default() }, &NoFiles));
    let fact = |name| found[0].fact(name);
    assert_eq!(fact("directory"), Some(Reading::Known(&Value::from("a/b"))));
    assert_eq!(fact("remote"), Some(Reading::Known(&Value::from("origin"))));
    assert_eq!(fact("remote_kind"), Some(Reading::Known(&Value::from("name"))));
    assert_eq!(fact("dry_run"), Some(Reading::Known(&Value::from(true))));
    assert_eq!(fact("refspecs"), Some(Reading::Known(&["x:y"].into_iter().collect())));
    assert_eq!(fact("options"), Some(Reading::Known(&["dry-run"].into_iter().collect())));
}

#[test]
fn no_spelling_of_a_forced_push_is_milder() {
    for line in [
        "push --force origin main",
        "push origin main --force",
        "push -f origin main",
        "push -qf origin main",
        "push -fu origin main",
        "push --quiet --force origin -- main",
        "push --force-with-lease origin main",
        "push --force-w origin main",
        "push --force-with-lease=main:abc origin main",
        "push --no-force --force origin main",
        "push origin +main",
        "push origin +main:main",
        "push origin a +b",
        "-C . push -f origin main",
        "--no-pager -c a.b=c push -f origin main",
        "--git-dir .git push -f origin main",
        "-c alias.x='push -f' x origin main",
        "-c alias.x=push -c alias.y='x -f' y origin main",
        "-c alias.x='push origin' x +main",
        "-c alias.X=push x -f origin main",
        "/usr/lib/git-core/git-push -f origin main",
        "/usr/bin/git push -f origin main",
    ] {
        assert!(facts(line, &BTreeMap::new(), None).contains(" forced"), "{line}");
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
    }

    #[test]
    fn any_words_are_classified(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "push", "-c", "alias.x=y", "alias.y=x", "x", "y", "config", "alias.x", "push -f", "--", "-f",
                "+a", ":", ":b", "origin", "remote", "add", "-C", "--config-env=a.b=HOME", "--exec", "clone",
                "submodule", "foreach", "stash", "--output", "https://h/x", "ext::sh", "-O", "grep", "'",
            ]),
            0..8,
        ),
        parameters in "['a=.\\\\! ]{0,12}",
        file in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let argv: Vec<&[u8]> = std::iter::once("git").chain(words).map(str::as_bytes).collect();
        let parameters = format!("GIT_CONFIG_PARAMETERS={parameters}");
        let call = Call { argv: &argv, env: &[parameters.as_bytes(), b"HOME=/h"], ..Call::default() };
        prop_assert!(!classify(&Tools::BUILT_IN.context(&call, &NoFiles)).is_empty());
        if let Ok(settings) = config::parse(&file) {
            prop_assert!(settings.iter().all(|setting| setting.key.contains('.')));
        }
    }
}
