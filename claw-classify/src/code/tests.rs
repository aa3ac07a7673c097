//! Calls of Mercurial, Subversion and glab, and their facts.

use super::*;
use claw_policy::{Reading, Value};
use proptest::prelude::*;

fn shown(line: &str) -> String {
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    let call = Call { argv: &words, ..Call::default() };
    let action = match words[0] {
        b"hg" => hg::classify(&call),
        b"svn" => svn::classify(&call),
        _ => glab::classify(&call),
    };
    if action.opaque.is_some() {
        return "?".to_owned();
    }
    let word = |name| match action.fact(name) {
        Some(Reading::Known(Value::Str(word))) => word.clone(),
        _ => String::new(),
    };
    let programs = match action.fact("programs") {
        Some(Reading::Known(Value::Set(names))) => {
            names.iter().map(|name| format!(" {name}")).collect()
        }
        _ => String::new(),
    };
    format!("{} {}{programs}", word("effect"), word("command"))
}

#[test]
fn calls() {
    for (line, expected) in [
        ("hg", "read help"),
        ("hg st", "read status"),
        ("hg stat", "read status"),
        ("hg log -l 5", "read log"),
        ("hg -R repo diff -r .", "read diff"),
        ("hg commit -m push", "local commit"),
        ("hg ci -m x", "local commit"),
        ("hg pull -u", "fetch pull"),
        ("hg push -f", "push push"),
        ("hg pus -f", "push push"),
        ("hg --cwd push log", "read log"),
        ("hg bisect --good", "local bisect"),
        ("hg bisect -c make", "program bisect"),
        ("hg --config alias.x=!id x", "?"),
        ("hg --config hooks.pre-log=id log", "read log --config"),
        ("hg --conf=ui.ssh=id pull", "fetch pull --config"),
        ("hg clone --ssh id ssh://h/r", "fetch clone --ssh"),
        ("hg clone -e id ssh://h/r", "fetch clone -e"),
        ("hg p", "?"),
        ("hg serve", "serve serve"),
        ("hg frob", "?"),
        ("svn status", "read status"),
        ("svn st -u", "read status"),
        ("svn log -l 5", "read log"),
        ("svn up", "fetch update"),
        ("svn ci -m x", "push commit"),
        ("svn rm a.txt", "local delete"),
        ("svn rm https://h/r/a.txt -m x", "push delete"),
        ("svn mkdir ^/branches/x -m x", "push mkdir"),
        ("svn diff --diff-cmd sh", "read diff --diff-cmd"),
        ("svn info --config-option=config:tunnels:ssh=sh", "read info --config-option"),
        ("svn auth --show-passwords", "secret auth"),
        ("svn frob", "?"),
        ("glab mr list", "read mr list"),
        ("glab -R g/p mr view 1", "read mr view"),
        ("glab mr merge 1", "write mr merge"),
        ("glab ci trace 1", "read ci trace"),
        ("glab repo delete g/p", "destroy repo delete"),
        ("glab variable list", "secret variable list"),
        ("glab auth status", "read auth status"),
        ("glab auth status -t", "secret auth status"),
        ("glab auth status --show-token", "secret auth status"),
        ("glab alias set x mr", "config alias set"),
        ("glab api projects", "read api"),
        ("glab api -X DELETE projects/1", "destroy api"),
        ("glab api projects -f a=b", "write api"),
        ("glab api --method=GET projects -f a=b", "read api"),
        ("glab api -X GET projects -F a=@/etc/passwd", "write api"),
        ("glab api -XDELETE projects/1", "?"),
        ("glab api graphql -f query={a}", "?"),
        ("glab frob", "?"),
        ("glab mr", "read mr"),
        ("glab frob x", "?"),
    ] {
        assert_eq!(shown(line), expected, "{line}");
    }
}

proptest! {
    #[test]
    fn any_call_is_classified(argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..6)) {
        let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let call = Call { argv: &argv, ..Call::default() };
        for action in [hg::classify(&call), svn::classify(&call), glab::classify(&call)] {
            prop_assert_eq!(action.domain.name(), "code");
        }
    }
}
