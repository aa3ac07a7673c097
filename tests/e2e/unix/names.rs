//! Other names of a socket: a rule about the socket holds for each of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;

use crate::stage::{LEVELS, Stage, connects};

/// Reaches `name` by `form` and expects the rule `closed` to hold.
fn is_denied(stage: &Stage, guard: &Guard, form: &str, name: &str) {
    let word = stage.word();
    let bare = stage.reach(None, form, name, &word);
    assert!(stage.heard("closed", &word), "without claw it arrives: {}", bare.story());
    let word = stage.word();
    let ran = stage.reach(Some(guard), form, name, &word);
    assert_eq!(ran.out(), "EPERM", "{}", ran.story());
    assert!(!stage.heard("closed", &word), "{}", ran.story());
    let denied = connects(&ran).into_iter().filter(|record| record.verdict() == "deny");
    assert_eq!(
        denied.map(|record| record.rule()).collect::<Vec<_>>(),
        ["closed"],
        "{}",
        ran.story()
    );
}

#[test]
fn a_socket_is_known_by_any_name() {
    for level in LEVELS {
        let stage = Stage::new();
        let at = |name: &str| stage.folder().join(name).display().to_string();
        let closed = stage.name("closed", "stream");
        fs::hard_link(&closed, at("hard")).expect("root links");
        symlink(&closed, at("soft")).expect("a link");
        fs::create_dir(at("folder")).expect("a folder");
        symlink(stage.folder(), at("folder/up")).expect("a link");
        // A server whose file has moved since: only the name it was bound to is left of it.
        let moved = stage.name("closed", "moved");
        stage.stream("closed", UnixListener::bind(&moved).expect("bound"));
        fs::set_permissions(&moved, std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .expect("ours");
        fs::rename(&moved, at("elsewhere")).expect("moved");
        let guard = level.guard(&stage.rules());
        for (what, form, name) in [
            ("a hard link", "stream", at("hard")),
            ("a symbolic link", "stream", at("soft")),
            ("a linked folder", "stream", at("folder/up/closed.stream")),
            ("a path with `..`", "stream", at("folder/../closed.stream")),
            ("a relative path", "relative", closed.clone()),
            ("a folder's descriptor", "descriptor", closed.clone()),
            ("its own root", "stream", format!("/proc/self/root{closed}")),
            ("a thread's root", "stream", format!("/proc/thread-self/root{closed}")),
            ("a hard link, relatively", "relative", at("hard")),
            ("another name since it was bound", "stream", at("elsewhere")),
        ] {
            Scenario::new(format!("{what}, {}", level.name())).then("it is denied");
            is_denied(&stage, &guard, form, &name);
        }
    }
}

#[test]
fn a_mount_is_no_other_socket() {
    let stage = Stage::new();
    let scenario = Scenario::new("a socket's file, mounted over another");
    let other = stage.folder().join("mounted").display().to_string();
    fs::write(&other, "").expect("the folder is ours");
    let closed = stage.name("closed", "stream");
    let mounted = [
        "/usr/bin/unshare",
        "-m",
        "/bin/sh",
        "-c",
        "mount --bind \"$0\" \"$1\" && shift && exec \"$@\"",
    ];
    let mounted: Vec<&str> = mounted.into_iter().chain([closed.as_str(), &other]).collect();
    let word = stage.word();
    let program = stage.program().display().to_string();
    let reach = [program.as_str(), "stream", &other, &word];
    let call = claw_tests::call::Call::new(mounted.iter().copied().chain(reach));
    let bare = call.bare();
    scenario.control("without claw it arrives");
    assert!(stage.heard("closed", &word), "{}", bare.story());
    let word = stage.word();
    let guard = Guard::with_policy_file(stage.rules()).inside(mounted);
    let ran = stage.reach(Some(&guard), "stream", &other, &word);
    scenario.then("under claw it is the same, and denied");
    assert_eq!(ran.out(), "EPERM", "{}", ran.story());
    assert!(!stage.heard("closed", &word), "{}", ran.story());
}

#[test]
fn an_allowed_name_opens_nothing_else() {
    for level in LEVELS {
        let stage = Stage::new();
        let scenario = Scenario::new(format!("everything denied but one name, {}", level.name()));
        let allowed = stage.folder().join("allowed-*").display().to_string();
        let rules = format!(
            "defaults.unix = \"deny\"\n[[connect]]\nid = \"one\"\nunix = [\"{allowed}\"]\nverdict = \"allow\""
        );
        let guard = level.guard(&stage.policy(&rules));
        let at = |name: &str| stage.folder().join(name).display().to_string();
        stage.stream("open", UnixListener::bind(at("allowed-own")).expect("bound"));
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(at("allowed-own"), all).expect("ours");
        fs::hard_link(stage.name("open", "stream"), at("allowed-hard")).expect("root links");
        symlink(stage.name("open", "stream"), at("allowed-soft")).expect("a link");
        for (name, reached) in [
            ("allowed-own", true),
            ("allowed-hard", false),
            ("allowed-soft", false),
            ("open.stream", false),
        ] {
            let word = stage.word();
            let bare = stage.reach(None, "stream", &at(name), &word);
            scenario.control("without claw it arrives");
            assert!(stage.heard("open", &word), "{}", bare.story());
            let word = stage.word();
            let ran = stage.reach(Some(&guard), "stream", &at(name), &word);
            scenario.then(format!("`{name}` is reached: {reached}"));
            assert_eq!(ran.out(), if reached { "ok" } else { "EPERM" }, "{}", ran.story());
            assert_eq!(stage.heard("open", &word), reached, "{}", ran.story());
        }
    }
}
