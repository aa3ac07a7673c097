//! Mercurial, Subversion and GitLab's own tool, as tables of what each command does.
//!
//! Input: the call. Output: one action of the domain `code`.
//!
//! Sources: `hg help`, `svn help`, and the manual of glab. Of their options only those are read that
//! name a program, settings, or a method.
//!
//! Known gaps: settings of the repository and of the user, extensions and aliases are not read; a
//! command that the tables do not have is opaque.

use claw_policy::{Action, Domain, FactDef, Kind, Value};

use crate::call::{Call, excerpt, text};
use crate::git::is_harmless;
use crate::tool::{Classifier, Denial, Tool, rewrites_nothing};

const fn row(
    name: &'static str,
    names: &'static [&'static str],
    prefix: &'static str,
    status: u8,
    classify: Classifier,
) -> Tool {
    Tool {
        name,
        names,
        doc: "The command and the options that name programs or settings are read; commands that its help does not show are opaque.",
        denial: Denial { prefix, status },
        domains: DOMAINS,
        interpreter: &[],
        classify,
        rewrite: rewrites_nothing,
    }
}

pub(crate) static HG: Tool =
    row("hg", &["hg", "chg"], "abort: ", 255, |context| vec![hg(context.call)]);
pub(crate) static SVN: Tool =
    row("svn", &["svn"], "svn: E200009: ", 1, |context| vec![svn(context.call)]);
pub(crate) static GLAB: Tool =
    row("glab", &["glab"], "ERROR: ", 1, |context| vec![glab(context.call)]);

static DOMAINS: &[&Domain] = &[&DOMAIN];

/// What a call of these tools does.
pub(crate) static DOMAIN: Domain = Domain {
    name: "code",
    governed: true,
    doc: "What a call of Mercurial, Subversion or GitLab's tool does.",
    facts: &[
        FactDef {
            name: "command",
            kind: Kind::Str,
            values: &[],
            doc: "The command, without abbreviation or alias.",
        },
        FactDef {
            name: "effect",
            kind: Kind::Str,
            values: &[
                "config", "destroy", "fetch", "local", "program", "push", "read", "secret",
                "serve", "write",
            ],
            doc: "`local` changes the work tree or the repository here, `fetch` reads another repository, `push` sends to one, `write` and `destroy` change what a server holds, `secret` shows credentials, `serve` answers others.",
        },
        FactDef {
            name: "programs",
            kind: Kind::Set,
            values: &[],
            doc: "The options and variables that name a program, or settings which can.",
        },
    ],
};

/// Mercurial's commands. Any of them may be abbreviated.
const HG_COMMANDS: &[(&str, &str)] = &[
    ("add", "local"),
    ("addremove", "local"),
    ("annotate", "read"),
    ("archive", "local"),
    ("backout", "local"),
    ("bisect", "program"),
    ("blame", "read"),
    ("bookmarks", "local"),
    ("branch", "local"),
    ("branches", "read"),
    ("bundle", "local"),
    ("cat", "read"),
    ("checkout", "local"),
    ("clone", "fetch"),
    ("commit", "local"),
    ("config", "read"),
    ("copy", "local"),
    ("diff", "read"),
    ("export", "read"),
    ("files", "read"),
    ("forget", "local"),
    ("graft", "local"),
    ("grep", "read"),
    ("heads", "read"),
    ("help", "read"),
    ("history", "read"),
    ("identify", "fetch"),
    ("import", "local"),
    ("incoming", "fetch"),
    ("init", "local"),
    ("locate", "read"),
    ("log", "read"),
    ("manifest", "read"),
    ("merge", "local"),
    ("move", "local"),
    ("mv", "local"),
    ("outgoing", "fetch"),
    ("parents", "read"),
    ("paths", "read"),
    ("phase", "local"),
    ("pull", "fetch"),
    ("push", "push"),
    ("recover", "local"),
    ("remove", "local"),
    ("rename", "local"),
    ("resolve", "local"),
    ("revert", "local"),
    ("rm", "local"),
    ("rollback", "local"),
    ("root", "read"),
    ("serve", "serve"),
    ("shelve", "local"),
    ("status", "read"),
    ("summary", "read"),
    ("tag", "local"),
    ("tags", "read"),
    ("tip", "read"),
    ("unbundle", "local"),
    ("unshelve", "local"),
    ("update", "local"),
    ("verify", "read"),
    ("version", "read"),
];

/// Short names that Mercurial gives its commands, some of which would be ambiguous abbreviations.
const HG_ALIASES: &[(&str, &str)] = &[
    ("ci", "commit"),
    ("co", "checkout"),
    ("cp", "copy"),
    ("di", "diff"),
    ("id", "identify"),
    ("in", "incoming"),
    ("out", "outgoing"),
    ("st", "status"),
    ("sum", "summary"),
    ("up", "update"),
];

fn said(call: &Call<'_>) -> String {
    excerpt(&call.argv.iter().skip(1).map(|arg| text(arg)).collect::<Vec<_>>().join(" "))
}

fn opaque(call: &Call<'_>, reason: impl Into<String>) -> Action {
    Action::opaque(&DOMAIN, said(call), reason)
}

fn done(call: &Call<'_>, command: &str, effect: &str, programs: Vec<String>) -> Action {
    let mut action = Action::new(&DOMAIN, said(call));
    action.set("command", command);
    action.set("effect", effect);
    action.set("programs", programs.into_iter().collect::<Value>());
    action
}

/// The variables of these names that name more than a plain pager or editor.
fn variables(call: &Call<'_>, names: &[&str]) -> Vec<String> {
    let named =
        names.iter().filter(|name| call.var(name).is_some_and(|value| !is_harmless(&text(value))));
    named.map(|name| (*name).to_owned()).collect()
}

/// The words up to `--`.
fn words<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a [u8]> {
    call.argv.iter().skip(1).copied().take_while(|word| *word != b"--")
}

fn hg(call: &Call<'_>) -> Action {
    let mut programs =
        variables(call, &["HGEDITOR", "HGMERGE", "HGRCPATH", "VISUAL", "EDITOR", "PAGER"]);
    let mut command = None;
    let mut given = words(call);
    while let Some(word) = given.next() {
        let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
        // Options may be abbreviated, and these start programs or bring settings that can.
        let program = [
            ("--config", 4),
            ("--ssh", 4),
            ("--remotecmd", 6),
            ("--tool", 4),
            ("--command", 6),
            ("--editor", 4),
            ("--debugger", 7),
        ]
        .iter()
        .find(|(full, least)| name.len() >= *least && full.as_bytes().starts_with(name));
        if let Some((full, _)) = program {
            programs.push((*full).to_owned());
        } else if word.starts_with(b"-e") && !word.starts_with(b"--") && word.len() <= 2 {
            programs.push("-e".to_owned());
        }
        if command.is_some() {
            continue;
        }
        if matches!(
            word,
            b"-R"
                | b"--repository"
                | b"--cwd"
                | b"--encoding"
                | b"--encodingmode"
                | b"--color"
                | b"--pager"
                | b"--config"
        ) {
            given.next();
        } else if !word.starts_with(b"-") {
            command = Some(word);
        }
    }
    let Some(word) = command else { return done(call, "help", "read", programs) };
    let word = text(word);
    let aliased =
        HG_ALIASES.iter().find(|(alias, _)| *alias == word).map_or(&*word, |(_, full)| full);
    let exact = HG_COMMANDS.iter().find(|(name, _)| *name == aliased);
    let mut abbreviated = HG_COMMANDS.iter().filter(|(name, _)| name.starts_with(aliased));
    let found = exact.or_else(|| abbreviated.next().filter(|_| abbreviated.next().is_none()));
    let Some((name, effect)) = found else {
        return opaque(call, format!("`hg {word}` is no command that is known"));
    };
    let bisects = words(call).any(|word| word.starts_with(b"-c") || word.starts_with(b"--co"));
    let effect = if *name == "bisect" && !bisects { "local" } else { effect };
    done(call, name, effect, programs)
}

/// Subversion's commands with their other names.
const SVN_COMMANDS: &[(&[&str], &str)] = &[
    (&["add"], "local"),
    (&["auth"], "secret"),
    (&["blame", "praise", "annotate", "ann"], "read"),
    (&["cat"], "read"),
    (&["changelist", "cl"], "local"),
    (&["checkout", "co"], "fetch"),
    (&["cleanup"], "local"),
    (&["commit", "ci"], "push"),
    (&["copy", "cp"], "push"),
    (&["delete", "del", "remove", "rm"], "push"),
    (&["diff", "di"], "read"),
    (&["export"], "fetch"),
    (&["help", "?", "h"], "read"),
    (&["import"], "push"),
    (&["info"], "read"),
    (&["list", "ls"], "read"),
    (&["lock"], "push"),
    (&["log"], "read"),
    (&["merge"], "local"),
    (&["mergeinfo"], "read"),
    (&["mkdir"], "push"),
    (&["move", "mv", "rename", "ren"], "push"),
    (&["patch"], "local"),
    (&["propdel", "pdel", "pd"], "push"),
    (&["propedit", "pedit", "pe"], "push"),
    (&["propget", "pget", "pg"], "read"),
    (&["proplist", "plist", "pl"], "read"),
    (&["propset", "pset", "ps"], "push"),
    (&["relocate"], "config"),
    (&["resolve"], "local"),
    (&["resolved"], "local"),
    (&["revert"], "local"),
    (&["status", "stat", "st"], "read"),
    (&["switch", "sw"], "fetch"),
    (&["unlock"], "push"),
    (&["update", "up"], "fetch"),
    (&["upgrade"], "local"),
];

/// Commands that change only the work copy unless an operand is an address.
const SVN_HERE: &[&str] = &["copy", "delete", "mkdir", "move", "propdel", "propedit", "propset"];

fn svn(call: &Call<'_>) -> Action {
    const PROGRAMS: &[&[u8]] =
        &[b"--config-dir", b"--config-option", b"--diff-cmd", b"--diff3-cmd", b"--editor-cmd"];
    let mut programs = variables(call, &["SVN_EDITOR", "SVN_SSH", "SVN_MERGE", "VISUAL", "EDITOR"]);
    for word in words(call) {
        let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
        if PROGRAMS.contains(&name) {
            programs.push(text(name).into_owned());
        }
    }
    let Some(word) = call.argv.get(1) else { return done(call, "help", "read", programs) };
    if matches!(*word, b"--version" | b"--help" | b"-h") {
        return done(call, "help", "read", programs);
    }
    let word = text(word);
    let found = SVN_COMMANDS.iter().find(|(names, _)| names.contains(&&*word));
    let Some((names, effect)) = found else {
        return opaque(
            call,
            format!("`svn {word}` is no command that is known, or not the first word"),
        );
    };
    let remote = call
        .argv
        .iter()
        .any(|arg| arg.windows(3).any(|part| part == b"://") || arg.starts_with(b"^"));
    let effect = if SVN_HERE.contains(&names[0]) && !remote { "local" } else { effect };
    done(call, names[0], effect, programs)
}

/// What the last word of one of glab's commands means.
fn glab_effect(group: &str, verb: &str) -> Option<&'static str> {
    const GROUPS: &[&str] = &[
        "alias",
        "auth",
        "changelog",
        "ci",
        "cluster",
        "config",
        "deploy-key",
        "incident",
        "issue",
        "iteration",
        "job",
        "label",
        "milestone",
        "mr",
        "pipe",
        "pipeline",
        "release",
        "repo",
        "project",
        "schedule",
        "securefile",
        "snippet",
        "ssh-key",
        "stack",
        "token",
        "user",
        "variable",
    ];
    match (group, verb) {
        ("version" | "help" | "completion" | "check-update", _) => Some("read"),
        ("alias", "list" | "ls") => Some("local"),
        ("alias", _) | ("config", "set" | "edit") => Some("config"),
        ("config", "get") | ("auth", "login" | "logout" | "configure-docker") => Some("config"),
        ("auth", "status") => Some("read"),
        ("auth", _)
        | ("variable", "get" | "export" | "list" | "ls")
        | ("token" | "securefile", _) => Some("secret"),
        (group, _) if !GROUPS.contains(&group) => None,
        (
            _,
            "list" | "ls" | "view" | "show" | "diff" | "status" | "issues" | "approvers" | "trace"
            | "lint" | "get" | "search" | "contributors" | "events",
        ) => Some("read"),
        (_, "checkout" | "clone") => Some("fetch"),
        (_, "delete" | "rm" | "del") => Some("destroy"),
        (
            _,
            "add" | "approve" | "archive" | "cancel" | "close" | "create" | "merge" | "new"
            | "note" | "publish" | "rebase" | "reopen" | "retry" | "revoke" | "run" | "set"
            | "transfer" | "trigger" | "update" | "upload" | "fork",
        ) => Some("write"),
        _ => None,
    }
}

fn glab(call: &Call<'_>) -> Action {
    let mut programs = variables(call, &["GLAB_PAGER", "PAGER", "VISUAL", "EDITOR", "BROWSER"]);
    programs.extend(
        call.var("GLAB_CONFIG_DIR")
            .filter(|path| !path.is_empty())
            .map(|_| "GLAB_CONFIG_DIR".to_owned()),
    );
    let mut rest = &call.argv[call.argv.len().min(1)..];
    while let [first, after @ ..] = rest {
        match *first {
            b"-R" | b"--repo" => rest = after.get(1..).unwrap_or_default(),
            word if word.starts_with(b"--repo=") => rest = after,
            _ => break,
        }
    }
    let word = |at: usize| rest.get(at).map(|word| text(word)).unwrap_or_default();
    let (group, verb) = (word(0), word(1));
    if group.is_empty()
        || matches!(&*group, "--help" | "-h" | "--version" | "-v")
        || matches!(&*verb, "--help" | "-h")
    {
        return done(call, "help", "read", programs);
    }
    if group == "api" {
        return api(call, rest, programs);
    }
    if verb.is_empty() && glab_effect(&group, "list").is_some() {
        return done(call, &group, "read", programs);
    }
    if words(call).any(|word| word.starts_with(b"-") && word.ends_with(b"-token") || word == b"-t")
        && group == "auth"
    {
        return done(call, &format!("{group} {verb}"), "secret", programs);
    }
    match glab_effect(&group, &verb) {
        Some(effect) => done(call, &format!("{group} {verb}"), effect, programs),
        None => opaque(call, format!("`glab {group} {verb}` is no command that is known")),
    }
}

/// `glab api`: GET without fields, or with a method that says so and nothing that is sent.
fn api(call: &Call<'_>, words: &[&[u8]], programs: Vec<String>) -> Action {
    let mut method: Option<String> = None;
    let (mut fields, mut body) = (false, false);
    let mut words = words.iter().skip(1).copied();
    while let Some(word) = words.next() {
        let (name, glued) = match word.iter().position(|&byte| byte == b'=') {
            Some(at) if word.starts_with(b"--") => (&word[..at], Some(&word[at + 1..])),
            _ => (word, None),
        };
        match name {
            b"-X" | b"--method" => {
                method = glued.or_else(|| words.next()).map(|word| text(word).to_ascii_uppercase());
            }
            b"-F" | b"-f" | b"--field" | b"--raw-field" => {
                let value = glued.or_else(|| words.next()).unwrap_or_default();
                fields = true;
                body |= value.windows(2).any(|pair| pair == b"=@");
            }
            b"--input" => {
                body = true;
                words.next();
            }
            b"-i" | b"--include" | b"--paginate" | b"--silent" => {}
            b"-H" | b"--header" | b"--hostname" | b"--output" if glued.is_some() => {}
            b"--output" => {
                words.next();
            }
            name if name.starts_with(b"-") => {
                return opaque(
                    call,
                    format!("`glab api` is given `{}`, which is not read", excerpt(&text(name))),
                );
            }
            path if path.windows(7).any(|part| part == b"graphql") => {
                return opaque(call, "GraphQL requests of glab are not read");
            }
            _ => {}
        }
    }
    let method = method.unwrap_or_else(|| if fields || body { "POST" } else { "GET" }.to_owned());
    let effect = match method.as_str() {
        "GET" | "HEAD" if !body => "read",
        "DELETE" => "destroy",
        _ => "write",
    };
    done(call, "api", effect, programs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use claw_policy::Reading;
    use proptest::prelude::*;

    fn shown(line: &str) -> String {
        let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
        let call = Call { argv: &words, ..Call::default() };
        let action = match words[0] {
            b"hg" => hg(&call),
            b"svn" => svn(&call),
            _ => glab(&call),
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
            for action in [hg(&call), svn(&call), glab(&call)] {
                prop_assert_eq!(action.domain.name, "code");
            }
        }
    }
}
