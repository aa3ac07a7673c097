//! GitLab's own tool, by what the last word of each command means.
//!
//! Input: the call. Output: one action of the domain `code`.
//!
//! Source: the manual of glab. Only those options are read that name a repository, a method or what
//! is sent.
//!
//! Known gaps: settings of the repository and of the user, extensions and aliases are not read; a
//! command that is not in the table is opaque.

use claw_policy::Action;

use super::{done, opaque, row, variables, words};
use crate::call::{Call, excerpt, text};
use crate::secret::marks::{Marks, marks, secret};
use crate::tool::Tool;

/// What holds a secret in its words.
pub(crate) static SECRETS: &[Marks] =
    &[marks(&[TOOL.names], &[secret("-p -t --token --job-token")]).behind("login")];

/// glab's row in the registry.
pub(crate) static TOOL: Tool =
    row("glab", &["glab"], "ERROR: ", 1, |context| vec![classify(context.call)]);

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

pub(super) fn classify(call: &Call<'_>) -> Action {
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

/// `glab api`: a GET without fields, or with a method that says so and nothing that is sent.
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
