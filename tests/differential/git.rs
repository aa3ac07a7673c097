//! git, on throwaway repositories: a work tree with two bare remotes beside it.
//!
//! What a call did is seen in the files of the three repositories, and which command ran in git's own trace
//! (`GIT_TRACE2_EVENT`). Programs that a line names are `touch @RAN@`, so that a file shows that they ran.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use claw_tests::call::Ran;
use serde_json::Value;

use crate::account::{self, Outcome};
use crate::claw::Judged;
use crate::line::{self, Dice, Line, bounded};
use crate::place::{self, Place};

/// Makes the three repositories. `main` is one commit ahead of `origin`, `diverged` is not above `topic` there.
const SET_UP: &str = "
    export GIT_TEMPLATE_DIR=
    git init -q --bare -b main origin.git
    git --git-dir=origin.git config receive.advertisePushOptions true
    git init -q --bare -b main other.git
    git init -q -b main repo
    cd repo
    git config user.name me
    git config user.email me@example.org
    git config alias.shove 'push --force'
    git config alias.st status
    git config alias.run '!touch @RAN@'
    git config alias.outer shove
    echo one >one; git add one; git commit -qm one
    git remote add origin ../origin.git
    git remote add other ../other.git
    git push -q origin main main:topic main:old
    git push -q other main
    git tag v1
    git push -q origin v1
    git checkout -q -b work; echo two >two; git add two; git commit -qm two
    git push -q origin work:topic
    git checkout -q -b diverged main; echo three >three; git add three; git commit -qm three
    git checkout -q main; echo four >four; git add four; git commit -qm four
    git branch -q -D work
    git fetch -q origin
    git branch -q -u origin/main main
    echo more >>one
";

/// A repository's refs, from its files.
type Refs = BTreeMap<String, String>;

#[derive(Debug)]
struct Repositories {
    place: Place,
}

/// Everything a call can change.
#[derive(Debug, PartialEq, Eq)]
struct State {
    origin: Refs,
    other: Refs,
    own: Refs,
    config: Vec<u8>,
    index: String,
    tree: BTreeMap<String, Vec<u8>>,
    ran: bool,
}

#[test]
fn git_is_read_as_it_reads_itself() {
    let mut lines = line::read(include_str!("lines/git.txt"));
    lines.extend(made("push", &["origin", "main:refs/heads/made"]));
    lines.extend(made("push", &["origin", "+diverged:topic"]));
    lines.extend(made("push", &["other", ":main"]));
    let version = place::version("git", &["--version"]);
    account::settle("git", &version, &lines, Repositories::new, Repositories::settle);
}

/// Every option of `command` before `words`, abbreviated or not, and with a value or not.
fn made(command: &str, words: &[&str]) -> Vec<Line> {
    let mut dice = Dice::new(0x917 + words.len() as u64);
    let output = Command::new("git").args([command, "--git-completion-helper-all"]).output();
    let listed = String::from_utf8(output.expect("git starts").stdout).expect("ASCII");
    let options: Vec<&str> = listed.split_whitespace().filter(|word| *word != "--").collect();
    assert!(options.len() > 20, "`git {command}` lists {} options", options.len());
    let mut lines = Vec::new();
    for _ in 0..bounded(25, 1000) {
        let mut argv = vec!["git".to_owned(), command.to_owned()];
        for _ in 0..=dice.below(2) {
            let option = *dice.one(&options);
            let name = option.trim_end_matches('=');
            let end = name.len() - dice.below(name.len().saturating_sub(4).clamp(1, 5));
            match (dice.below(4), option.ends_with('=')) {
                (0, _) => argv.push(format!("{}=check", &name[..end])),
                (1, true) => argv.extend([name[..end].to_owned(), "check".to_owned()]),
                _ => argv.push(name[..end].to_owned()),
            }
        }
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        if dice.below(3) == 0 {
            let last = argv.remove(2);
            argv.push(last);
        }
        lines.push(Line::made(argv));
    }
    lines
}

impl Repositories {
    fn new() -> Self {
        let place = Place::new().inside("repo");
        let template = place.folder().join("template");
        std::fs::create_dir(&template).expect("writable");
        let script = SET_UP.replace("@RAN@", &place::text(&place.folder().join("ran")));
        let made = Command::new("sh")
            .args(["-ec", &script])
            .env("HOME", place.home())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(&template)
            .output()
            .expect("a shell");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { place }
    }

    fn ran(&self) -> std::path::PathBuf {
        self.place.folder().join("ran")
    }

    fn settle(&mut self, line: &Line) -> Outcome {
        let work = self.place.work();
        if work.exists() {
            std::fs::remove_dir_all(&work).expect("ours to remove");
        }
        drop(std::fs::remove_file(self.ran()));
        let template = self.place.folder().join("template");
        let copied = Command::new("cp").arg("-a").args([&template, &work]).status();
        assert!(copied.expect("`cp` starts").success());
        let names = [("@RAN@", place::text(&self.ran())), ("@WORK@", place::text(&work))];
        let line = &line.with(&names);
        let config = std::fs::read_to_string(work.join("repo/.git/config")).expect("there");
        let judged = self.place.judge(line, &[(".git/config", config)]);
        let before = self.state();
        let trace = self.place.folder().join("trace");
        drop(std::fs::remove_file(&trace));
        let aside = [
            ("GIT_TRACE2_EVENT", place::text(&trace)),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
        ];
        let ran = self.place.run_with(line, &aside);
        let after = self.state();
        let commands = commands(&std::fs::read_to_string(&trace).unwrap_or_default());
        self.compare(&judged, &ran, &before, &after, &commands)
    }

    fn state(&self) -> State {
        let work = self.place.work();
        let mut tree = place::files(&work.join("repo"));
        tree.retain(|name, _| !name.starts_with(".git/"));
        let index = Command::new("git")
            .args(["ls-files", "-s"])
            .current_dir(work.join("repo"))
            .output()
            .expect("git starts");
        State {
            origin: refs(&work.join("origin.git")),
            other: refs(&work.join("other.git")),
            own: refs(&work.join("repo/.git")),
            config: std::fs::read(work.join("repo/.git/config")).unwrap_or_default(),
            index: String::from_utf8_lossy(&index.stdout).into_owned(),
            tree,
            ran: self.ran().exists(),
        }
    }

    fn compare(
        &self,
        judged: &Judged,
        ran: &Ran,
        before: &State,
        after: &State,
        commands: &[String],
    ) -> Outcome {
        let is = |effects: &[&str]| {
            judged.actions.iter().any(|action| {
                action.opaque("effect").is_some()
                    || action.text("effect").is_some_and(|effect| effects.contains(&effect))
            })
        };
        let fact = |name: &str| {
            judged.actions.iter().any(|action| action.is(name) || action.opaque(name).is_some())
        };
        let milder = |why: String| Outcome::Milder(format!("{why}: {}", judged.story()));
        if before == after && matches!(ran.code(), Some(128 | 129 | 1)) && commands.is_empty()
            || before == after && matches!(ran.code(), Some(128 | 129))
        {
            let said = ran.err().lines().next().unwrap_or_default().to_owned();
            let read = judged.opaque().is_none().then(|| judged.story());
            return Outcome::Refused { read, said };
        }
        if let Some(reason) = judged.opaque() {
            return Outcome::Opaque(reason.to_owned());
        }
        let programs = judged.actions.iter().any(|action| {
            !action.set("programs").is_empty() || action.opaque("programs").is_some()
        });
        if after.ran && !is(&["program", "delegate"]) && !programs {
            return milder("a program ran".to_owned());
        }
        for (name, old, new) in
            [("origin", &before.origin, &after.origin), ("other", &before.other, &after.other)]
        {
            if old == new {
                continue;
            }
            if !is(&["push", "delegate", "program"]) {
                return milder(format!("`{name}` changed"));
            }
            if is(&["delegate", "program"]) {
                continue;
            }
            if fact("dry_run") {
                return milder(format!("`{name}` changed in spite of a dry run"));
            }
            let gone: BTreeSet<_> = old.keys().filter(|name| !new.contains_key(*name)).collect();
            if !gone.is_empty() && !fact("deletes") {
                return milder(format!("{gone:?} went from `{name}`"));
            }
            let forced = old.iter().find(|(key, value)| {
                new.get(*key).is_some_and(|new| new != *value && !self.is_above(name, new, value))
            });
            if let Some((key, _)) = forced.filter(|_| !fact("forced")) {
                return milder(format!("`{key}` of `{name}` was overwritten"));
            }
            let aimed = judged.actions.iter().any(|action| {
                let remote = action.text("remote").unwrap_or("origin");
                action.is("redirects")
                    || action.opaque("remote").is_some()
                    || remote == name
                    || remote.contains(&format!("{name}.git"))
            });
            if !aimed {
                return milder(format!("it was `{name}` that changed"));
            }
        }
        let heads = |refs: &Refs| -> Refs {
            let own = refs.iter().filter(|(name, _)| !name.starts_with("refs/remotes/"));
            own.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        // Effects of a program that the line names are the program's own.
        let reads_only = !programs
            && !is(&[
                "config", "delegate", "fetch", "local", "program", "push", "remote", "secret",
            ]);
        if before.config != after.config
            && !is(&["config", "delegate", "local", "program", "push", "remote"])
        {
            return milder("the settings changed".to_owned());
        }
        if reads_only && (heads(&before.own) != heads(&after.own) || before.index != after.index) {
            return milder("refs or the index changed".to_owned());
        }
        let outputs = judged.actions.iter().any(|action| action.text("output").is_some());
        if reads_only && before.tree != after.tree && !outputs {
            return milder("files changed".to_owned());
        }
        let command = judged.actions.first().and_then(|action| action.text("command"));
        let first = command.unwrap_or_default().split(' ').next().unwrap_or_default();
        let aside = is(&["delegate", "program"]) || matches!(first, "help" | "version");
        if !aside && !commands.iter().any(|command| command == first) {
            return Outcome::Differs(format!("{commands:?} ran: {}", judged.story()));
        }
        Outcome::Agreed
    }

    /// Whether the commit `new` has `old` below it.
    fn is_above(&self, remote: &str, new: &str, old: &str) -> bool {
        let repository = self.place.work().join(format!("{remote}.git"));
        let status = Command::new("git")
            .arg("--git-dir")
            .arg(repository)
            .args(["merge-base", "--is-ancestor", old, new])
            .stderr(std::process::Stdio::null())
            .status();
        status.expect("git starts").success()
    }
}

/// The commands that git's trace says ran, helpers and children of children included.
fn commands(trace: &str) -> Vec<String> {
    let events = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let names = events.filter(|event| event["event"] == "cmd_name");
    names.filter_map(|event| event["name"].as_str().map(str::to_owned)).collect()
}

/// Loose and packed refs, and `HEAD`.
fn refs(repository: &Path) -> Refs {
    let mut found = Refs::new();
    let packed = std::fs::read_to_string(repository.join("packed-refs")).unwrap_or_default();
    let rows = packed.lines().filter(|row| !row.starts_with(['#', '^']));
    for (value, name) in rows.filter_map(|row| row.split_once(' ')) {
        found.insert(name.to_owned(), value.to_owned());
    }
    for (name, value) in place::files(&repository.join("refs")) {
        let value = String::from_utf8_lossy(&value).trim().to_owned();
        found.insert(format!("refs/{name}"), value);
    }
    let head = std::fs::read_to_string(repository.join("HEAD")).unwrap_or_default();
    found.insert("HEAD".to_owned(), head.trim().to_owned());
    found
}
