//! What the words after a command say: options that are programs, files that are written, settings
//! and aliases that `git config` makes.
//!
//! Sources: the manual page of each command, `builtin/config.c`, `diff.c` for `--output`.

use claw_policy::{Action, Reading, Set, Value};

use super::config::{self, Setting, Source};
use super::options::{self, Line, Unknown};
use super::push::{self, Known};
use super::walk::{ALIASES, Start, Walk};
use super::{Git, commands};
use crate::call::text;

impl Walk<'_> {
    /// What the words after the command add.
    pub(super) fn read(
        &mut self,
        path: &str,
        words: &[&[u8]],
        start: &Start,
        known: &Known,
        action: &mut Action,
        depth: usize,
    ) -> Result<(), String> {
        let mut programs: Vec<&str> = Vec::new();
        let line = match path {
            "push" => push::push(words, known, action)?,
            "send-pack" => push::send_pack(words, known, action)?,
            "config" => return self.configure(words, start, action, depth),
            "fetch" | "pull" | "clone" | "ls-remote" => {
                let line = options::read(path, words, Unknown::Refuse)?;
                if let Some(remote) = line.operands.first() {
                    action.set(Git::REMOTE, text(remote).into_owned());
                    action.set(Git::REMOTE_KIND, push::place(remote, known));
                }
                line
            }
            "remote" | "remote add" | "remote set-url" => {
                options::read(path, words, Unknown::Refuse)?
            }
            "fetch-pack" => {
                let named = ["--upload-pack", "--exec"];
                programs.extend(named.into_iter().filter(|name| has(words, name)));
                Line { operands: words.to_vec(), ..Line::default() }
            }
            "archive" | "init" | "init-db" | "rebase" | "grep" => {
                let path = if path == "init-db" { "init" } else { path };
                options::read(path, words, Unknown::Refuse)?
            }
            "difftool" => options::read(path, words, Unknown::Skip)?,
            "filter-branch" => {
                if words.iter().any(|word| {
                    word.starts_with(b"--") && word.ends_with(b"filter") || *word == b"--setup"
                }) {
                    programs.push("filter-branch");
                }
                Line::default()
            }
            "web--browse" => {
                let named = ["-b", "--browser", "-t", "--tool"];
                programs.extend(named.into_iter().filter(|name| has(words, name)));
                Line::default()
            }
            "submodule add" => Line { operands: words.to_vec(), ..Line::default() },
            "http-push" | "imap-send" | "send-email" | "cvsexportcommit" => {
                for fact in [Git::FORCED, Git::DELETES, Git::REMOTE_CONFIGURED] {
                    action.set_opaque(fact, format!("what `git {path}` sends is not read"));
                }
                Line::default()
            }
            _ => Line::default(),
        };
        self.settle(path, words, &line, start, programs, action);
        Ok(())
    }

    /// Options whose value is a program, addresses that are one, and files that are written.
    fn settle(
        &self,
        path: &str,
        words: &[&[u8]],
        line: &Line<'_>,
        start: &Start,
        programs: Vec<&str>,
        action: &mut Action,
    ) {
        let mut programs: Vec<String> = programs.into_iter().map(str::to_owned).collect();
        for given in line.given.iter().filter(|given| given.on) {
            let value = given.value.map(text);
            let harmless = value.as_deref().is_none_or(config::is_harmless);
            let names_program = match given.name {
                "upload-pack" => value.as_deref() != Some("git-upload-pack"),
                "receive-pack" => value.as_deref() != Some("git-receive-pack"),
                "exec" | "template" | "extcmd" => value.as_deref() != Some(""),
                "open-files-in-pager" => !harmless,
                _ => false,
            };
            if names_program {
                programs.push(format!("--{}", given.name));
            }
        }
        if line.operands.iter().any(|word| push::helper(word) == Some("ext"))
            || line
                .value("repo")
                .or(line.value("remote"))
                .is_some_and(|word| push::helper(word) == Some("ext"))
        {
            programs.push("ext::".to_owned());
        }
        let given: Vec<Setting> =
            line.values("config").filter(|_| path == "clone").map(Setting::parse).collect();
        programs.extend(given.iter().filter(|set| set.names_program()).map(|set| set.key.clone()));
        if given.iter().any(Setting::redirects) {
            action.set(Git::REDIRECTS, true);
        }
        if let Some(setting) = given.iter().find(|setting| setting.includes()) {
            action.set_opaque(
                Git::PROGRAMS,
                format!("`{}` brings in settings that are not read", setting.key),
            );
        } else if !programs.is_empty() {
            let before = match action.read(Git::PROGRAMS) {
                Some(Reading::Known(Value::Set(names))) => names.clone(),
                _ => Default::default(),
            };
            action.set(Git::PROGRAMS, before.into_iter().chain(programs).collect::<Set>());
        }
        let settings = start.settings.iter().chain(&given).map(|set| set.key.clone());
        action.set(Git::SETTINGS, settings.collect::<Set>());
        let names = line.given.iter().filter(|given| given.on && !given.name.is_empty());
        action.set(Git::OPTIONS, names.map(|given| given.name).collect::<Set>());
        match discards(path, words) {
            Some(true) => action.set(Git::DISCARDS, true),
            Some(false) => {}
            None => action.set_opaque(Git::DISCARDS, "the refs that are changed stand in a file"),
        }
        if let Some(file) = output(path, words) {
            action.set(Git::OUTPUT, text(file).into_owned());
        }
    }

    /// Reads `git config`: which keys it writes, and what an alias it defines would do.
    fn configure(
        &mut self,
        words: &[&[u8]],
        start: &Start,
        action: &mut Action,
        depth: usize,
    ) -> Result<(), String> {
        const MODES: &[&str] =
            &["list", "get", "set", "unset", "rename-section", "remove-section", "edit"];
        let mode =
            words.first().and_then(|word| MODES.iter().find(|mode| mode.as_bytes() == *word));
        let (line, mode) = match mode {
            Some(mode) => {
                (options::read(&format!("config {mode}"), &words[1..], Unknown::Refuse)?, *mode)
            }
            None => {
                let line = options::read("config", words, Unknown::Refuse)?;
                let mode = mode_of(&line);
                (line, mode)
            }
        };
        let operand = |at: usize| line.operands.get(at).copied();
        action.set(Git::OPTIONS, line.given.iter().map(|given| given.name).collect::<Set>());
        let (written, value) = match mode {
            "set" | "unset" => (operand(0).map(config::normal), operand(1)),
            // A whole section counts as if each of its keys were written.
            "rename-section" | "remove-section" => {
                (operand(0).map(|name| format!("{}.*", text(name))), None)
            }
            "edit" => {
                action.set(Git::EFFECT, "config");
                return Ok(());
            }
            _ => return Ok(()),
        };
        let Some(key) = written else { return Ok(()) };
        action.set(Git::EFFECT, "config");
        action.set(Git::WRITTEN, std::iter::once(key.as_str()).collect::<Set>());
        let setting = Setting { key, value: value.map(<[u8]>::to_vec), from: Source::Call };
        let renamed =
            operand(1).filter(|_| mode == "rename-section").map(|name| format!("{}.*", text(name)));
        let concerns = |section: &str| {
            setting.in_section(section)
                || renamed.as_ref().is_some_and(|name| name.split('.').next() == Some(section))
        };
        let chooses = setting.chooses_remote();
        if chooses && !setting.redirects() {
            return Ok(());
        }
        if concerns("url")
            || (concerns("remote") && !chooses)
            || (mode == "set" && setting.redirects())
        {
            action.set(Git::EFFECT, "remote");
        }
        if mode == "set" && setting.includes() {
            action.set_opaque(
                Git::PROGRAMS,
                format!("`{}` brings in settings that are not read", setting.key),
            );
        } else if mode == "set" && setting.names_program() {
            action.set(Git::PROGRAMS, [setting.key.clone()].into_iter().collect::<Set>());
        } else if mode == "rename-section" {
            action.set_opaque(Git::PROGRAMS, "what the section holds is not known");
        }
        if mode == "set"
            && let Some(name) = setting.alias()
        {
            self.plant(name, &setting, start, action, depth);
        }
        Ok(())
    }

    /// An alias that is defined: a program, or what its words would do.
    fn plant(
        &mut self,
        name: &str,
        setting: &Setting,
        start: &Start,
        action: &mut Action,
        depth: usize,
    ) {
        let value = setting.text();
        if value.starts_with('!') {
            action.set(Git::PROGRAMS, [setting.key.clone()].into_iter().collect::<Set>());
            return;
        }
        let words = config::split_alias(&value);
        let Some(words) = words.filter(|_| depth < ALIASES) else {
            self.opaque(&[name.as_bytes()], "what the alias becomes cannot be read");
            return;
        };
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let own = Start { settings: Vec::new(), ..start.clone() };
        self.globals(&words, own, depth + 1);
    }
}

/// What `git config` does without a sub-command.
fn mode_of(line: &Line<'_>) -> &'static str {
    for (option, mode) in [
        ("replace-all", "set"),
        ("add", "set"),
        ("unset", "unset"),
        ("unset-all", "unset"),
        ("rename-section", "rename-section"),
        ("remove-section", "remove-section"),
        ("edit", "edit"),
    ] {
        if line.is_on(option) {
            return mode;
        }
    }
    let reads =
        ["get", "get-all", "get-regexp", "get-urlmatch", "list", "get-color", "get-colorbool"];
    if reads.iter().any(|option| line.is_on(option)) || line.operands.len() < 2 {
        "get"
    } else {
        "set"
    }
}

/// The command with its sub-command, and the words after it.
pub(super) fn with_child<'w, 'a>(name: &str, rest: &'w [&'a [u8]]) -> (String, &'w [&'a [u8]]) {
    if !commands::has_children(name) {
        return (name.to_owned(), rest);
    }
    let takes_value = |word: &[u8]| {
        name == "subtree"
            && matches!(word, b"-P" | b"--prefix" | b"-b" | b"--branch" | b"-m" | b"--message")
    };
    let mut at = 0;
    while let Some(word) = rest.get(at) {
        if takes_value(word) {
            at += 2;
        } else if word.starts_with(b"-") {
            at += 1;
        } else {
            return (format!("{name} {}", text(word)), &rest[at + 1..]);
        }
    }
    // `git stash -p` and similar forms are `git stash push`.
    let name = if name == "stash" { "stash push" } else { name };
    (name.to_owned(), rest)
}

/// Whether a word is this option, with or without a value.
fn has(words: &[&[u8]], option: &str) -> bool {
    let until_dashes = words.iter().take_while(|word| **word != b"--");
    until_dashes.into_iter().any(|word| {
        word.strip_prefix(option.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'=')
    })
}

/// Whether commits or refs are dropped for good; none if the words do not tell.
fn discards(path: &str, words: &[&[u8]]) -> Option<bool> {
    match path {
        "update-ref" if has(words, "--stdin") => None,
        "update-ref" => Some(has(words, "-d")),
        "reflog expire" | "reflog delete" | "stash clear" | "prune" | "filter-branch" => {
            Some(!has(words, "-n") && !has(words, "--dry-run"))
        }
        "gc" => Some(has(words, "--prune")),
        _ => Some(false),
    }
}

/// The file of `--output`, which every command that shows revisions takes (diff.c).
fn output<'a>(path: &str, words: &[&'a [u8]]) -> Option<&'a [u8]> {
    if path == "archive" {
        return None;
    }
    let mut words = words.iter().take_while(|word| **word != b"--");
    while let Some(word) = words.next() {
        if *word == b"--output" {
            return words.next().copied();
        }
        if let Some(file) = word.strip_prefix(b"--output=") {
            return Some(file);
        }
    }
    None
}
