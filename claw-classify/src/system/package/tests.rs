//! Command lines and their facts.

use proptest::prelude::*;

use super::*;
use crate::call::Call;
use crate::corpus;
use crate::{NoFiles, Tools};

#[test]
fn corpus() {
    corpus::check(include_str!("../../../corpus/package.toml"));
}

/// The facts of a call of Python.
fn python(words: &[&str]) -> String {
    let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let call = Call { argv: &argv, names: &argv[..1], path: argv[0], ..Call::default() };
    corpus::shown(&Tools::BUILT_IN.classify(&call, &NoFiles).actions[1..])
}

#[test]
fn python_that_runs_pip_is_pip() {
    let shown = python(&["python3", "-m", "pip", "install", "--user", "requests==2"]);
    assert_eq!(
        shown,
        "command=install effect=install global=true options=user packages=requests scripts=true sources=registry"
    );
    let script = python(&["python3", "/home/me/.venv/bin/poetry", "add", "requests"]);
    assert!(script.starts_with("command=add effect=install"), "{script}");
    let other = python(&["python3", "-m", "http.server"]);
    assert_eq!(other, "kind=interpreter module=http.server source=module");
}

#[test]
fn a_program_in_an_environment_installs_into_it() {
    for (path, global) in [
        ("/home/me/app/.venv/bin/pip", "global=false"),
        ("/usr/bin/pip", "global=true"),
        ("pip", "global=?"),
    ] {
        let call = Call {
            argv: &[b"pip", b"install", b"x"],
            names: &[b"pip"],
            path: path.as_bytes(),
            ..Call::default()
        };
        let shown = corpus::shown(&Tools::BUILT_IN.classify(&call, &NoFiles).actions[1..]);
        assert!(shown.contains(global), "{path}: {shown}");
    }
}

#[test]
fn what_a_password_is_part_of_is_not_shown() {
    for line in [
        "pip install --index-url https://me:hunter2@x.example/simple a",
        "pip install git+https://me:hunter2@x.example/a",
        "PIP_INDEX_URL=https://me:hunter2@x.example/simple pip install a",
        "cargo add --git https://me:hunter2@x.example/a",
    ] {
        let shown = corpus::shown(&corpus::actions(line));
        assert!(shown.contains("x.example") && !shown.contains("hunter2"), "{line}: {shown}");
    }
}

#[test]
fn tables_are_sorted_and_say_nothing_twice() {
    let effects = DOMAIN.fact("effect").unwrap().values;
    for (name, manager) in MANAGERS {
        manager.table.check(name, effects);
        for (option, _) in manager.roles {
            assert!(manager.table.has_option(option), "{name}: no option is called `{option}`");
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_words_never_panic(words in proptest::collection::vec(".{0,8}|-[a-zA-Z=]{0,8}|--[a-z-]{0,12}(=x)?|install|run|add|global|--", 0..8)) {
        let argv: Vec<&[u8]> = std::iter::once("x").chain(words.iter().map(String::as_str)).map(str::as_bytes).collect();
        let call = Call { argv: &argv, ..Call::default() };
        for (_, manager) in MANAGERS {
            line::action(&call, manager);
        }
        dpkg::classify(&call);
    }
}
