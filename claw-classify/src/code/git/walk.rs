//! How the words of a call lead to its command: global options, settings, aliases, variables.
//!
//! Input: the words after `git`, and the settings of the environment. Output: the actions of the
//! call.
//!
//! Sources: `git.c` (`handle_options`, `handle_alias`), git(1) for the variables.

use claw_policy::{Action, Set};

use super::config::{self, Setting, Source};
use super::discovery::Search;
use super::push::Known;
use super::{DOMAIN, Git, commands, words};
use crate::call::files::Files;
use crate::call::{Call, excerpt, text};

/// How many aliases may lead to one another.
pub(super) const ALIASES: usize = 8;

/// The words of an action, for people.
pub(super) fn said(words: &[&[u8]]) -> String {
    excerpt(&words.iter().map(|word| text(word)).collect::<Vec<_>>().join(" "))
}

/// What comes before the command.
#[derive(Debug, Clone, Default)]
pub(super) struct Start {
    pub(super) settings: Vec<Setting>,
    pub(super) programs: Vec<String>,
    pub(super) directory: Option<Vec<u8>>,
    pub(super) git_dir: Option<Vec<u8>>,
}

/// A call that is being read, and the actions found so far.
pub(super) struct Walk<'c> {
    pub(super) call: &'c Call<'c>,
    pub(super) files: &'c dyn Files,
    pub(super) found: Vec<Action>,
}

/// Why nothing is known of a push that a transport helper makes.
const BY_HAND: &str =
    "a transport helper that git did not start pushes what its standard input says";

/// Folders where git's own programs are installed.
const EXEC_PATHS: &[&[u8]] = &[
    b"/usr/lib/git-core",
    b"/usr/libexec/git-core",
    b"/usr/local/lib/git-core",
    b"/usr/local/libexec/git-core",
];

impl Walk<'_> {
    pub(super) fn opaque(&mut self, words: &[&[u8]], reason: impl Into<String>) {
        self.found.push(Action::opaque(&DOMAIN, said(words), reason));
    }

    /// Reads the options before the command (`handle_options` in `git.c`), which have no abbreviations.
    pub(super) fn globals(&mut self, words: &[&[u8]], mut start: Start, depth: usize) {
        let mut at = 0;
        while let Some(&word) = words.get(at) {
            at += 1;
            let value = |at: &mut usize| {
                let value = words.get(*at).copied();
                *at += 1;
                value
            };
            match word {
                b"-C" => match value(&mut at) {
                    Some(directory) => start.enter(directory),
                    None => return self.opaque(words, "`-C` has no directory"),
                },
                b"-c" => match value(&mut at) {
                    Some(setting) => start.settings.push(Setting::parse(setting)),
                    None => return self.opaque(words, "`-c` has no setting"),
                },
                b"--git-dir" | b"--work-tree" | b"--namespace" | b"--super-prefix"
                | b"--attr-source" | b"--shallow-file" | b"--config-env" => {
                    let Some(value) = value(&mut at) else {
                        return self.opaque(words, format!("`{}` has no value", text(word)));
                    };
                    if word == b"--git-dir" {
                        start.git_dir = Some(value.to_vec());
                    } else if word == b"--config-env"
                        && let Err(reason) = self.config_env(value, &mut start)
                    {
                        return self.opaque(words, reason);
                    }
                }
                b"-p"
                | b"--paginate"
                | b"-P"
                | b"--no-pager"
                | b"--no-replace-objects"
                | b"--no-lazy-fetch"
                | b"--no-optional-locks"
                | b"--no-advice"
                | b"--bare"
                | b"--literal-pathspecs"
                | b"--no-literal-pathspecs"
                | b"--glob-pathspecs"
                | b"--noglob-pathspecs"
                | b"--icase-pathspecs" => {}
                b"--exec-path" | b"--html-path" | b"--man-path" | b"--info-path" | b"--version"
                | b"-v" | b"--build-options" | b"--help" | b"-h" => {
                    let name =
                        if matches!(word, b"--version" | b"-v") { "version" } else { "help" };
                    let known = self.known(&start);
                    return self.finish(words, &start, &known, name, "read", None);
                }
                _ => {
                    if let Some(path) = word.strip_prefix(b"--exec-path=") {
                        if !EXEC_PATHS.contains(&path.strip_suffix(b"/").unwrap_or(path)) {
                            start.programs.push("--exec-path".to_owned());
                        }
                    } else if let Some(value) = word.strip_prefix(b"--git-dir=") {
                        start.git_dir = Some(value.to_vec());
                    } else if let Some(value) = word.strip_prefix(b"--config-env=") {
                        if let Err(reason) = self.config_env(value, &mut start) {
                            return self.opaque(words, reason);
                        }
                    } else if word.starts_with(b"--list-cmds=") {
                        let known = self.known(&start);
                        return self.finish(words, &start, &known, "help", "read", None);
                    } else if [
                        &b"--work-tree="[..],
                        b"--namespace=",
                        b"--super-prefix=",
                        b"--attr-source=",
                    ]
                    .iter()
                    .any(|option| word.starts_with(option))
                    {
                        // None of them names a program or a place to push to.
                    } else if word.starts_with(b"-") {
                        let word = excerpt(&text(word));
                        return self.opaque(
                            words,
                            format!("git has no global option `{word}` that is known"),
                        );
                    } else {
                        return self.command(&words[at - 1..], start, depth);
                    }
                }
            }
        }
        let known = self.known(&start);
        self.finish(words, &start, &known, "help", "read", None);
    }

    /// `--config-env=KEY=VARIABLE`, which takes the value from the environment.
    fn config_env(&self, word: &[u8], start: &mut Start) -> Result<(), String> {
        let at = word
            .iter()
            .rposition(|&byte| byte == b'=')
            .ok_or("`--config-env` names no variable")?;
        let name = text(&word[at + 1..]);
        let value =
            self.call.var(&name).ok_or_else(|| format!("the variable `{name}` is not set"))?;
        start.settings.push(Setting::new(&word[..at], Some(value)));
        Ok(())
    }

    /// Reads the command and what follows it.
    pub(super) fn command(&mut self, words: &[&[u8]], start: Start, depth: usize) {
        let known = self.known(&start);
        let Some((&name, rest)) = words.split_first() else {
            return self.finish(words, &start, &known, "help", "read", None);
        };
        let name = text(name).into_owned();
        let asks_for_help = matches!(rest, [b"--help", ..] | [b"-h"]);
        let Some(effect) = commands::effect(&name) else {
            return self.other(&name, words, start, &known, depth);
        };
        if asks_for_help {
            return self.finish(words, &start, &known, &name, "read", None);
        }
        if let Some(effect) = self.by_hand(&name, rest) {
            return self.finish(words, &start, &known, &name, effect, Some(BY_HAND));
        }
        let (path, rest) = words::with_child(&name, rest);
        let effect = commands::child_effect(&path).unwrap_or(effect);
        let mut action = self.base(words, &start, &known, &path, effect);
        match self.read(&path, rest, &start, &known, &mut action, depth) {
            Ok(()) => {
                if let (Some(reason), "push") = (&known.unread, effect) {
                    where_it_pushes_is_not_known(&mut action, reason);
                }
                self.found.insert(0, action);
            }
            Err(reason) => self.opaque(words, reason),
        }
    }

    /// A command that git itself does not have.
    fn other(&mut self, name: &str, words: &[&[u8]], start: Start, known: &Known, depth: usize) {
        let rest = &words[1..];
        let key = config::normal(format!("alias.{name}").as_bytes());
        let alias = known.settings.iter().rev().find(|setting| setting.key == key);
        if let Some(reason) = known.unread.clone() {
            return self.opaque(words, reason);
        }
        if known
            .settings
            .iter()
            .any(|setting| setting.key == key && setting.from == Source::Perhaps)
        {
            return self
                .opaque(words, "which settings git has is not known, and an alias is among them");
        }
        if let Some(alias) = alias {
            let value = alias.text();
            if depth >= ALIASES {
                return self.opaque(words, "aliases lead to one another too often");
            }
            if value.starts_with('!') {
                let mut start = start;
                start.programs.push(key);
                return self.finish(words, &start, known, name, "program", None);
            }
            return match config::split_alias(&value) {
                Some(mut expanded) => {
                    expanded.extend(rest.iter().map(|word| word.to_vec()));
                    let expanded: Vec<&[u8]> = expanded.iter().map(Vec::as_slice).collect();
                    self.globals(&expanded, start, depth + 1);
                }
                None => self.opaque(words, "the alias has a quote that is not closed"),
            };
        }
        if let Some(effect) = self.by_hand(name, rest) {
            return self.finish(words, &start, known, name, effect, Some(BY_HAND));
        }
        let (path, _) = words::with_child(name, rest);
        let effect = if name == "remote-ext" {
            "program"
        } else {
            commands::child_effect(&path).unwrap_or("delegate")
        };
        let mut start = start;
        if effect == "program" {
            start.programs.push(path.clone());
        }
        self.finish(
            words,
            &start,
            known,
            &path,
            effect,
            Some("what it sends is decided by a script"),
        );
    }

    /// The effect of a helper that git did not start: it pushes what its standard input says, or shows a password. git
    /// starts its helpers through itself, so such a call comes from git's own image.
    fn by_hand(&self, name: &str, rest: &[&[u8]]) -> Option<&'static str> {
        if self.call.caller == Some("git") {
            return None;
        }
        if name.starts_with("remote-") && name != "remote-ext" {
            return Some("push");
        }
        let helper = name.starts_with("credential-") && name != "credential-cache--daemon";
        // These change what is kept here, and show nothing.
        let keeps = rest.iter().any(|word| matches!(*word, b"store" | b"erase" | b"exit"))
            && !rest.contains(&&b"get"[..]);
        helper.then_some(if keeps { "local" } else { "secret" })
    }

    /// The settings that hold for the call: files first, so that the call's own come last.
    fn known(&self, start: &Start) -> Known {
        let Search { settings, repository, unread, head, .. } =
            Search::of(self.call, self.files, start);
        let mut known = Known { settings, repository, unread, head };
        known.settings.extend(start.settings.iter().cloned());
        known
    }

    fn finish(
        &mut self,
        words: &[&[u8]],
        start: &Start,
        known: &Known,
        path: &str,
        effect: &'static str,
        unread: Option<&str>,
    ) {
        let mut action = self.base(words, start, known, path, effect);
        if let (Some(reason), "push") = (unread, effect) {
            where_it_pushes_is_not_known(&mut action, reason);
        }
        self.found.insert(0, action);
    }

    /// The facts that every action has.
    fn base(
        &self,
        words: &[&[u8]],
        start: &Start,
        known: &Known,
        path: &str,
        effect: &'static str,
    ) -> Action {
        let mut action = Action::new(&DOMAIN, said(words));
        action.set(Git::COMMAND, path);
        action.set(Git::EFFECT, effect);
        let mut programs = start.programs.clone();
        programs.extend(
            known.settings.iter().filter(|set| set.names_program()).map(|set| set.key.clone()),
        );
        programs.extend(self.variables(path, effect));
        if effect == "program" {
            programs.push(path.to_owned());
        }
        action.set(Git::PROGRAMS, programs.into_iter().collect::<Set>());
        if let Some(reason) = self.unread(known) {
            action.set_opaque(Git::PROGRAMS, reason);
        }
        action
            .set(Git::SETTINGS, start.settings.iter().map(|set| set.key.clone()).collect::<Set>());
        action.set(Git::REDIRECTS, start.settings.iter().any(Setting::redirects));
        if let Some(directory) = &start.directory {
            action.set(Git::DIRECTORY, text(directory).into_owned());
        }
        if let Some(path) = start.git_dir.as_deref().or_else(|| self.call.var("GIT_DIR")) {
            action.set(Git::GIT_DIR, text(path).into_owned());
        }
        if let Some(trace) = self.call.env.iter().find_map(|entry| trace_file(entry)) {
            self.call.writes(trace);
            action.set(Git::OUTPUT, text(trace).into_owned());
        }
        action
    }

    /// Why the settings are incomplete: a file that the call itself chose is not known.
    fn unread(&self, known: &Known) -> Option<String> {
        let chosen = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"].into_iter().find_map(|name| {
            let path =
                self.call.var(name).filter(|path| !path.is_empty() && *path != b"/dev/null")?;
            let unread = self.files.file(path).named().is_err() || name == "GIT_CONFIG_SYSTEM";
            unread.then(|| format!("{name} names a file of settings that is not read"))
        });
        let included = known.settings.iter().find(|setting| setting.includes());
        chosen.or_else(|| known.unread.clone()).or_else(|| {
            included
                .map(|setting| format!("`{}` brings in settings that are not read", setting.key))
        })
    }

    /// The variables that name a program that this command could start.
    fn variables(&self, path: &str, effect: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut look = |name: &str, names_program: &dyn Fn(&str) -> bool| {
            if self.call.var(name).is_some_and(|value| names_program(&text(value))) {
                names.push(name.to_owned());
            }
        };
        let unsafe_program = |value: &str| !config::is_harmless(value);
        for name in [
            "GIT_PAGER",
            "PAGER",
            "GIT_EDITOR",
            "GIT_SEQUENCE_EDITOR",
            "VISUAL",
            "EDITOR",
            "GIT_EXTERNAL_DIFF",
            "GIT_PROXY_COMMAND",
            "GIT_TEMPLATE_DIR",
        ] {
            look(name, &unsafe_program);
        }
        let ssh = |value: &str| !value.is_empty() && !config::is_plain_ssh(value);
        look("GIT_SSH_COMMAND", &ssh);
        look("GIT_SSH", &ssh);
        if matches!(effect, "fetch" | "push" | "delegate" | "secret") {
            look("GIT_ASKPASS", &unsafe_program);
            look("SSH_ASKPASS", &unsafe_program);
        }
        if matches!(path, "help" | "web--browse" | "instaweb") {
            look("BROWSER", &unsafe_program);
        }
        look("GIT_EXEC_PATH", &|path: &str| {
            let path = path.strip_suffix('/').unwrap_or(path);
            !path.is_empty() && !EXEC_PATHS.contains(&path.as_bytes())
        });
        look("GIT_ALLOW_PROTOCOL", &|list: &str| list.split(':').any(|name| name == "ext"));
        names
    }
}

impl Start {
    /// Another `-C`: relative to where the ones before it led.
    fn enter(&mut self, directory: &[u8]) {
        let joined = match self.directory.take() {
            Some(before) if !directory.starts_with(b"/") && !directory.is_empty() => {
                [&before, &b"/"[..], directory].concat()
            }
            Some(before) if directory.is_empty() => before,
            _ => directory.to_vec(),
        };
        self.directory = Some(joined);
    }
}

/// Settings decide what a push does, and they are not known.
fn where_it_pushes_is_not_known(action: &mut Action, reason: &str) {
    for fact in [Git::FORCED, Git::DELETES, Git::REMOTE_CONFIGURED] {
        action.set_opaque(fact, reason);
    }
}

/// The file or socket that a trace variable writes to.
fn trace_file(entry: &[u8]) -> Option<&[u8]> {
    let at = entry.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (&entry[..at], &entry[at + 1..]);
    let traces = name.starts_with(b"GIT_TRACE")
        && (value.starts_with(b"/") || value.starts_with(b"af_unix:"));
    (traces && !value.starts_with(b"/dev/")).then_some(value)
}
