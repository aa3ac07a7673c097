//! A tool writes its files where the session works and in temporary folders, whatever links say, and nowhere else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use tempfile::TempDir;

/// `home/` with a start-up file, and `home/work/` with a folder and links that lead out of it.
fn folders() -> TempDir {
    let top = tempfile::tempdir_in("/var/lib").expect("a folder that is no temporary one to claw");
    let (home, work) = (top.path().join("home"), top.path().join("home/work"));
    fs::create_dir_all(work.join("out")).expect("made");
    fs::write(home.join(".bashrc"), "mine\n").expect("written");
    symlink(&home, work.join("link")).expect("linked");
    symlink("../.bashrc", work.join("page")).expect("linked");
    symlink("../.new", work.join("dangling")).expect("linked");
    top
}

/// A call, the file that it writes, below the top folder, and whether claw lets it.
struct Case {
    words: &'static [&'static str],
    start: &'static str,
    file: &'static str,
    runs: bool,
}

const SOURCE: &str = "file:///etc/hostname";

const CASES: [Case; 9] = [
    Case {
        words: &["curl", "-s", "-o", "out/page", SOURCE],
        start: "home/work",
        file: "home/work/out/page",
        runs: true,
    },
    Case {
        words: &["curl", "-sO", SOURCE],
        start: "home/work",
        file: "home/work/hostname",
        runs: true,
    },
    Case {
        words: &["sh", "-c", "cd out && curl -so ../page2 file:///etc/hostname"],
        start: "home/work",
        file: "home/work/page2",
        runs: true,
    },
    Case {
        words: &["curl", "-s", "-o", "page", SOURCE],
        start: "home/work",
        file: "home/.bashrc",
        runs: false,
    },
    Case {
        words: &["curl", "-s", "-o", "link/.bashrc", SOURCE],
        start: "home/work",
        file: "home/.bashrc",
        runs: false,
    },
    Case {
        words: &["curl", "-s", "-o", "dangling", SOURCE],
        start: "home/work",
        file: "home/.new",
        runs: false,
    },
    Case {
        words: &["sh", "-c", "cd link && curl -sO file:///etc/hostname"],
        start: "home/work",
        file: "home/hostname",
        runs: false,
    },
    Case { words: &["curl", "-sO", SOURCE], start: "home", file: "home/hostname", runs: false },
    Case {
        words: &["git", "init", "-q", "--separate-git-dir", "out/x", "new"],
        start: "home/work",
        file: "home/work/new/.git",
        runs: true,
    },
];

fn policy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/starter.toml")
}

#[test]
fn files_land_where_the_session_works() {
    let before = |file: &Path| fs::read(file).ok();
    for case in &CASES {
        let scenario =
            Scenario::new(format!("{:?} in a session that starts in {}", case.words, case.start));
        let call = |top: &TempDir| {
            let (start, home) = (top.path().join(case.start), top.path().join("home"));
            Call::new(case.words).cwd(start).env("HOME", home)
        };
        scenario.control("without claw the file is written");
        let top = folders();
        let file = top.path().join(case.file);
        let was = before(&file);
        let ran = call(&top).bare();
        assert_ne!(before(&file), was, "{}", ran.story());

        for level in ["proven", "held"] {
            let top = folders();
            let file = top.path().join(case.file);
            let was = before(&file);
            let guard = Guard::with_policy_file(policy());
            let guard = if level == "held" { guard.without_capabilities() } else { guard };
            let ran = call(&top).guarded(&guard);
            let last = ran.execs().last().copied().expect("something was called");
            assert_eq!(last.level(), level, "{}", ran.story());
            if case.runs {
                scenario.then(format!("{level}: it is written"));
                assert_ne!(before(&file), was, "{}", ran.story());
            } else {
                scenario.then(format!("{level}: it is not"));
                assert_eq!(before(&file), was, "{}", ran.story());
                assert_eq!(last.verdict(), "deny", "{}", ran.story());
                assert_eq!(last.rule(), "writes-in-workspace", "{}", ran.story());
            }
        }
    }
}
