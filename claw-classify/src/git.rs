//! git: the command, what it does to other repositories, and every program a call names.
//!
//! Input: the call, and configuration files where their content is vouched for. Output: one action of
//! the domain `git`, and one more for each alias that the call defines, with what the alias becomes.
//!
//! Sources: git 2.47's manual pages and help (`git/options.tsv`), `git.c` for global options and
//! aliases, `parse-options.c`, `builtin/push.c`, `remote.c`, `config.c`.
//!
//! Known gaps: the transport helpers (`git-remote-https` and others), which git starts itself, take
//! what they push from standard input; hooks, attributes and drivers of a repository run as programs
//! of their own and are judged when they start; a configuration file that is not vouched for is not read.

mod commands;
mod config;
mod options;
mod push;

use claw_policy::{Action, Domain, FactDef, Kind, Rewrite, Value};

use crate::call::{Call, excerpt, text};
use crate::files::{File, Files};
use crate::tool::{CannotRewrite, Changed, Denial, Tool};
use config::Setting;
pub(crate) use config::is_harmless;
use options::{Line, Unknown};
use push::Known;

/// git's row in the table of tools.
pub(crate) static TOOL: Tool = Tool {
    name: "git",
    names: &[
        "git",
        "git-daemon",
        "git-fetch-pack",
        "git-http-backend",
        "git-http-push",
        "git-imap-send",
        "git-push",
        "git-receive-pack",
        "git-send-email",
        "git-send-pack",
        "git-subtree",
        "git-svn",
        "git-upload-archive",
        "git-upload-pack",
    ],
    doc: "Global options, the command with every abbreviation of its options, refspecs, settings given by options and variables, aliases of the call and of readable configuration files; opaque are options that git's help does not show, settings from files that are not vouched for, and scripts that push.",
    denial: Denial { prefix: "fatal: ", status: 128 },
    domains: &[&DOMAIN],
    interpreter: &[],
    classify,
    rewrite,
};

const fn fact(
    name: &'static str,
    kind: Kind,
    values: &'static [&'static str],
    doc: &'static str,
) -> FactDef {
    FactDef { name, kind, values, doc }
}

/// What one git call does.
pub(crate) static DOMAIN: Domain = Domain {
    name: "git",
    doc: "What a git call does, or what an alias that it defines would do.",
    facts: &[
        fact(
            "command",
            Kind::Str,
            &[],
            "The command, with its sub-command where it has one: `push`, `remote add`, `stash push`.",
        ),
        fact(
            "effect",
            Kind::Str,
            &[
                "config", "delegate", "fetch", "local", "program", "push", "read", "remote",
                "secret", "serve",
            ],
            "`local` changes the repository or the work tree, `fetch` reads another repository, `push` sends to one, `remote` changes where remotes or addresses lead, `config` changes other settings, `program` starts the program it names, `secret` shows credentials, `serve` answers others, `delegate` leaves it to an alias or a program called `git-COMMAND`, which is judged when it starts.",
        ),
        fact(
            "options",
            Kind::Set,
            &[],
            "The long names of the options that were read, for commands whose options are.",
        ),
        fact(
            "remote",
            Kind::Str,
            &[],
            "The remote or address of a push, fetch or clone, where the call names it.",
        ),
        fact("remote_kind", Kind::Str, &["name", "path", "url"], "What `remote` is."),
        fact(
            "remote_configured",
            Kind::Bool,
            &[],
            "Whether a push goes to a configured remote. A word that can only be a name counts as one where the repository's settings are not known; an address does not.",
        ),
        fact("refspecs", Kind::Set, &[], "The refspecs of a push, as given."),
        fact(
            "forced",
            Kind::Bool,
            &[],
            "Whether a push may overwrite what is there: by option, by `+`, by mirroring, or by a setting.",
        ),
        fact(
            "deletes",
            Kind::Bool,
            &[],
            "Whether a push may delete refs: by option, by an empty source, by pruning, by mirroring, or by a setting.",
        ),
        fact("dry_run", Kind::Bool, &[], "Whether a push sends nothing."),
        fact(
            "programs",
            Kind::Set,
            &[],
            "The options, settings and variables whose value is a program, or a place programs come from, that is more than a plain pager, editor, ssh or nothing at all.",
        ),
        fact(
            "settings",
            Kind::Set,
            &[],
            "The keys of the settings given for this call alone: `-c`, `--config-env`, variables, `clone --config`.",
        ),
        fact(
            "redirects",
            Kind::Bool,
            &[],
            "Whether a setting given for this call changes where a remote or an address leads.",
        ),
        fact(
            "written",
            Kind::Set,
            &[],
            "The keys and sections that `git config` writes or removes.",
        ),
        fact(
            "output",
            Kind::Str,
            &[],
            "The file that a command which shows something writes to, or that a trace goes to.",
        ),
        fact("directory", Kind::Str, &[], "Where -C says to work."),
        fact(
            "git_dir",
            Kind::Str,
            &[],
            "The repository, where the call or the variable GIT_DIR says it.",
        ),
    ],
};

fn rewrite(_: &Call<'_>, _: &dyn Files, rewrites: &[Rewrite]) -> Result<Changed, CannotRewrite> {
    Err(CannotRewrite {
        rule: rewrites.first().map(|rewrite| rewrite.rule.clone()).unwrap_or_default(),
        reason: "git knows no such change".to_owned(),
    })
}

/// How many aliases may lead to one another.
const ALIASES: usize = 8;

fn classify(call: &Call<'_>, files: &dyn Files) -> Vec<Action> {
    let name = call.argv.first().copied().unwrap_or(b"git");
    let name = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
    // git called as `git-push` is `git push`, whatever else the file is called.
    let dashed = name.strip_prefix(b"git-").filter(|name| !name.is_empty());
    let words: Vec<&[u8]> = dashed.into_iter().chain(call.argv.iter().skip(1).copied()).collect();
    let mut walk = Walk { call, files, found: Vec::new() };
    let base = match config::from_environment(call) {
        Ok(settings) => Start { settings, ..Start::default() },
        Err(reason) => return vec![Action::opaque(&DOMAIN, said(&words), reason)],
    };
    if dashed.is_some() {
        walk.command(&words, base, 0);
    } else {
        walk.globals(&words, base, 0);
    }
    walk.found
}

fn said(words: &[&[u8]]) -> String {
    excerpt(&words.iter().map(|word| text(word)).collect::<Vec<_>>().join(" "))
}

/// What stands before the command.
#[derive(Debug, Clone, Default)]
struct Start {
    settings: Vec<Setting>,
    programs: Vec<String>,
    directory: Option<Vec<u8>>,
    git_dir: Option<Vec<u8>>,
}

struct Walk<'c> {
    call: &'c Call<'c>,
    files: &'c dyn Files,
    found: Vec<Action>,
}

/// Places that git's own programs are installed in.
const EXEC_PATHS: &[&[u8]] = &[
    b"/usr/lib/git-core",
    b"/usr/libexec/git-core",
    b"/usr/local/lib/git-core",
    b"/usr/local/libexec/git-core",
];

impl Walk<'_> {
    fn opaque(&mut self, words: &[&[u8]], reason: impl Into<String>) {
        self.found.push(Action::opaque(&DOMAIN, said(words), reason));
    }

    /// Reads the options before the command (`handle_options` in `git.c`), which have no abbreviations.
    fn globals(&mut self, words: &[&[u8]], mut start: Start, depth: usize) {
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
                    return self.finish(words, &start, name, "read", None);
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
                        return self.finish(words, &start, "help", "read", None);
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
        self.finish(words, &start, "help", "read", None);
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
    fn command(&mut self, words: &[&[u8]], start: Start, depth: usize) {
        let Some((&name, rest)) = words.split_first() else {
            return self.finish(words, &start, "help", "read", None);
        };
        let name = text(name).into_owned();
        let asks_for_help = matches!(rest, [b"--help", ..] | [b"-h"]);
        let known = self.known(&start);
        let Some(effect) = commands::effect(&name) else {
            return self.other(&name, words, start, &known, depth);
        };
        if asks_for_help {
            return self.finish(words, &start, &name, "read", None);
        }
        let (path, rest) = with_child(&name, rest);
        let effect = commands::child_effect(&path).unwrap_or(effect);
        let mut action = self.base(words, &start, &path, effect);
        match self.read(&path, rest, &start, &known, &mut action, depth) {
            Ok(()) => self.found.insert(0, action),
            Err(reason) => self.opaque(words, reason),
        }
    }

    /// A command that git itself does not have.
    fn other(&mut self, name: &str, words: &[&[u8]], start: Start, known: &Known, depth: usize) {
        let rest = &words[1..];
        let key = config::normal(format!("alias.{name}").as_bytes());
        let alias = known.settings.iter().rev().find(|setting| setting.key == key);
        if let Some(alias) = alias {
            let value = alias.text();
            if depth >= ALIASES {
                return self.opaque(words, "aliases lead to one another too often");
            }
            if value.starts_with('!') {
                let mut start = start;
                start.programs.push(key);
                return self.finish(words, &start, name, "program", None);
            }
            return match config::split_alias(&value) {
                Some(mut expanded) => {
                    expanded.extend(rest.iter().map(|word| word.to_vec()));
                    let expanded: Vec<&[u8]> = expanded.iter().map(Vec::as_slice).collect();
                    self.globals(&expanded, start, depth + 1)
                }
                None => self.opaque(words, "the alias has a quote that is not closed"),
            };
        }
        let (path, _) = with_child(name, rest);
        let effect = if name == "remote-ext" {
            "program"
        } else {
            commands::child_effect(&path).unwrap_or("delegate")
        };
        let mut start = start;
        if effect == "program" {
            start.programs.push(path.clone());
        }
        self.finish(words, &start, &path, effect, Some("what it sends is decided by a script"));
    }

    /// The settings that hold for the call: files first, so that the call's own come last.
    fn known(&self, start: &Start) -> Known {
        let mut known = Known::default();
        let read = |path: &[u8]| match self.files.file(path) {
            File::Content(content) => config::parse(content).ok(),
            File::Absent | File::Unknown => None,
        };
        let home = self.call.var("HOME").map(|home| [home, b"/.gitconfig"].concat());
        let global = self.call.var("GIT_CONFIG_GLOBAL").map(<[u8]>::to_vec).or(home);
        known.settings.extend(global.and_then(|path| read(&path)).unwrap_or_default());
        let repository = start.repository(self.call).iter().find_map(|path| read(path));
        known.repository = repository.is_some();
        known.settings.extend(repository.unwrap_or_default());
        known.settings.extend(start.settings.iter().cloned());
        known
    }

    fn finish(
        &mut self,
        words: &[&[u8]],
        start: &Start,
        path: &str,
        effect: &'static str,
        unread: Option<&str>,
    ) {
        let mut action = self.base(words, start, path, effect);
        if let (Some(reason), "push") = (unread, effect) {
            for fact in ["forced", "deletes", "remote_configured"] {
                action.set_opaque(fact, reason);
            }
        }
        self.found.insert(0, action);
    }

    /// What every action says.
    fn base(&self, words: &[&[u8]], start: &Start, path: &str, effect: &'static str) -> Action {
        let mut action = Action::new(&DOMAIN, said(words));
        action.set("command", path);
        action.set("effect", effect);
        let known = self.known(start);
        let mut programs = start.programs.clone();
        programs.extend(
            known.settings.iter().filter(|set| set.names_program()).map(|set| set.key.clone()),
        );
        programs.extend(self.variables(path, effect));
        if effect == "program" {
            programs.push(path.to_owned());
        }
        action.set("programs", programs.into_iter().collect::<Value>());
        if let Some(reason) = self.unread(&known) {
            action.set_opaque("programs", reason);
        }
        action.set("settings", start.settings.iter().map(|set| set.key.clone()).collect::<Value>());
        action.set("redirects", start.settings.iter().any(Setting::redirects));
        if let Some(directory) = &start.directory {
            action.set("directory", text(directory).into_owned());
        }
        if let Some(path) = start.git_dir.as_deref().or_else(|| self.call.var("GIT_DIR")) {
            action.set("git_dir", text(path).into_owned());
        }
        if let Some(trace) = self.call.env.iter().find_map(|entry| trace_file(entry)) {
            action.set("output", text(trace).into_owned());
        }
        action
    }

    /// Settings that come from a file of the call's own choice which is not known.
    fn unread(&self, known: &Known) -> Option<String> {
        let chosen = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"].into_iter().find_map(|name| {
            let path =
                self.call.var(name).filter(|path| !path.is_empty() && *path != b"/dev/null")?;
            let unread =
                matches!(self.files.file(path), File::Unknown) || name == "GIT_CONFIG_SYSTEM";
            unread.then(|| format!("{name} names a file of settings that is not read"))
        });
        let included = known.settings.iter().find(|setting| setting.includes());
        chosen.or_else(|| {
            included
                .map(|setting| format!("`{}` brings in settings that are not read", setting.key))
        })
    }

    /// The variables that name a program this command could start.
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

    /// What the words after the command add.
    fn read(
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
                    action.set("remote", text(remote).into_owned());
                    action.set("remote_kind", push::place(remote, known));
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
            "archive" | "init" | "init-db" | "difftool" | "rebase" | "grep" => {
                let path = if path == "init-db" { "init" } else { path };
                options::read(path, words, Unknown::Skip)?
            }
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
                for fact in ["forced", "deletes", "remote_configured"] {
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
            action.set("redirects", true);
        }
        if let Some(setting) = given.iter().find(|setting| setting.includes()) {
            action.set_opaque(
                "programs",
                format!("`{}` brings in settings that are not read", setting.key),
            );
        } else if !programs.is_empty() {
            let before = match action.fact("programs") {
                Some(claw_policy::Reading::Known(Value::Set(names))) => names.clone(),
                _ => Default::default(),
            };
            action.set("programs", before.into_iter().chain(programs).collect::<Value>());
        }
        let settings = start.settings.iter().chain(&given).map(|set| set.key.clone());
        action.set("settings", settings.collect::<Value>());
        let names = line.given.iter().filter(|given| given.on && !given.name.is_empty());
        action.set("options", names.map(|given| given.name).collect::<Value>());
        if let Some(file) = output(path, words) {
            action.set("output", text(file).into_owned());
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
        action.set("options", line.given.iter().map(|given| given.name).collect::<Value>());
        let (written, value) = match mode {
            "set" | "unset" => (operand(0).map(config::normal), operand(1)),
            // A whole section: as if each of its keys were written.
            "rename-section" | "remove-section" => {
                (operand(0).map(|name| format!("{}.*", text(name))), None)
            }
            "edit" => {
                action.set("effect", "config");
                return Ok(());
            }
            _ => return Ok(()),
        };
        let Some(key) = written else { return Ok(()) };
        action.set("effect", "config");
        action.set("written", std::iter::once(key.as_str()).collect::<Value>());
        let setting = Setting { key, value: value.map(<[u8]>::to_vec) };
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
            action.set("effect", "remote");
        }
        if mode == "set" && setting.includes() {
            action.set_opaque(
                "programs",
                format!("`{}` brings in settings that are not read", setting.key),
            );
        } else if mode == "set" && setting.names_program() {
            action.set("programs", [setting.key.clone()].into_iter().collect::<Value>());
        } else if mode == "rename-section" {
            action.set_opaque("programs", "what the section holds is not known");
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
            action.set("programs", [setting.key.clone()].into_iter().collect::<Value>());
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

impl Start {
    /// `-C` once more: relative to where the ones before it led.
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

    /// Where the repository's configuration file may be, the likeliest first.
    fn repository(&self, call: &Call<'_>) -> Vec<Vec<u8>> {
        let inside = |path: &[u8]| match &self.directory {
            Some(directory) if !path.starts_with(b"/") && !directory.is_empty() => {
                [directory, &b"/"[..], path].concat()
            }
            _ => path.to_vec(),
        };
        match self.git_dir.as_deref().or_else(|| call.var("GIT_DIR")) {
            Some(git_dir) => vec![inside(&[git_dir, b"/config"].concat())],
            None => vec![
                inside(b".git/config"),
                inside(b"../.git/config"),
                inside(b"../../.git/config"),
            ],
        }
    }
}

/// The command with its sub-command, and the words after it.
fn with_child<'w, 'a>(name: &str, rest: &'w [&'a [u8]]) -> (String, &'w [&'a [u8]]) {
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
    // `git stash -p` and its like are `git stash push`.
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

/// The file or socket that a trace variable writes to.
fn trace_file<'a>(entry: &'a [u8]) -> Option<&'a [u8]> {
    let at = entry.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (&entry[..at], &entry[at + 1..]);
    let traces = name.starts_with(b"GIT_TRACE")
        && (value.starts_with(b"/") || value.starts_with(b"af_unix:"));
    (traces && !value.starts_with(b"/dev/")).then_some(value)
}

#[cfg(test)]
mod tests;
