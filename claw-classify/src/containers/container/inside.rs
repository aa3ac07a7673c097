//! What a call runs in a container: the options before it, the container or image, and the command.
//!
//! Options of these commands end at the first word that is not one. So what follows the container's
//! name belongs to the command inside (`SetInterspersed(false)` in docker's, compose's and podman's
//! sources).

use super::options::{COMPOSE_EXEC, EXEC, RUN};
use crate::call::{Call, Stdin, excerpt, text};
use crate::grammar::subcommands::{Given, Line, Takes, find as find_option};
use crate::inner::known_as;

/// A command in a container.
#[derive(Debug)]
pub(super) struct Inside<'a> {
    /// Whether the container exists before the call.
    pub(super) is_there: bool,
    /// The options of the command that runs it.
    pub(super) options: Vec<Given<'a>>,
    /// The image, for a new container.
    pub(super) image: Option<&'a [u8]>,
    /// The program that runs instead of the image's own.
    pub(super) entrypoint: Option<&'a [u8]>,
    /// The words of the command inside.
    pub(super) argv: &'a [&'a [u8]],
    /// Where they begin in the argument vector.
    pub(super) at: usize,
    /// The environment of the caller, for `-e NAME`.
    outer: &'a [&'a [u8]],
    /// Whether it reads the caller's standard input.
    pub(super) reads_stdin: bool,
}

/// What is kept of a command in a container, to read its call and to change it.
#[derive(Debug)]
pub(super) struct Kept {
    /// Where its words begin in the argument vector.
    pub(super) at: usize,
    /// What the call adds to its environment.
    env: Vec<Vec<u8>>,
    pub(super) reads_stdin: bool,
}

impl Kept {
    /// The call inside of `outer`.
    pub(super) fn call<'b>(&'b self, outer: &Call<'b>) -> Inner<'b> {
        let argv = outer.argv.get(self.at..).unwrap_or_default();
        let path = argv.first().copied().unwrap_or_default();
        // The last entry of a name wins inside, and the first in a call.
        let env = self.env.iter().rev().map(Vec::as_slice).collect();
        let stdin = if self.reads_stdin { outer.stdin() } else { Stdin::Null };
        Inner { argv, env, names: [known_as(path)], path, stdin }
    }
}

/// What a [`Call`] inside a container borrows from.
pub(super) struct Inner<'a> {
    argv: &'a [&'a [u8]],
    env: Vec<&'a [u8]>,
    names: [&'a [u8]; 1],
    path: &'a [u8],
    stdin: Stdin<'a>,
}

impl<'a> Inner<'a> {
    pub(super) fn call(&'a self) -> Call<'a> {
        Call {
            argv: self.argv,
            env: &self.env,
            // The call does not say which users the image knows.
            uid: None,
            cwd: None,
            path: self.path,
            names: &self.names,
            stdin: self.stdin,
            untrusted: false,
            interpreters: &[],
            caller: None,
            ground: None,
            watch: None,
        }
    }
}

/// Images that have a client of the second name as their entry point. Others are named after a client and start its
/// server, as `mysql` does.
const CLIENTS: &[(&str, &str)] = &[
    ("argocd", "argocd"),
    ("aws-cli", "aws"),
    ("doctl", "doctl"),
    ("eksctl", "eksctl"),
    ("flyway", "flyway"),
    ("helm", "helm"),
    ("helmfile", "helmfile"),
    ("kubectl", "kubectl"),
    ("kustomize", "kustomize"),
    ("liquibase", "liquibase"),
    ("migrate", "migrate"),
    ("opentofu", "tofu"),
    ("pulumi", "pulumi"),
    ("rclone", "rclone"),
    ("terraform", "terraform"),
    ("velero", "velero"),
];

impl<'a> Inside<'a> {
    /// The values of the options `names`.
    pub(super) fn values<'b>(&'b self, names: &'b [&str]) -> impl Iterator<Item = &'a [u8]> + 'b {
        let wanted = |given: &&Given<'a>| names.iter().any(|name| name.as_bytes() == given.name);
        self.options.iter().filter(wanted).filter_map(|given| given.value)
    }

    /// Whether the option `name` is given, and not turned off.
    pub(super) fn has(&self, name: &str) -> bool {
        let on = |given: &Given<'_>| given.value != Some(b"false") && given.value != Some(b"0");
        self.options.iter().any(|given| given.name == name.as_bytes() && on(given))
    }

    /// What is kept of it.
    pub(super) fn keep(&self) -> Kept {
        Kept { at: self.at, env: self.env(), reads_stdin: self.reads_stdin }
    }

    /// The words of the call that a new container makes: those of the entry point that the call names, those of a client
    /// whose image has it as its entry point, or those of the call itself.
    pub(super) fn words_of_image(&self) -> Vec<&'a [u8]> {
        let after = |program: &'a [u8]| -> Vec<&'a [u8]> {
            std::iter::once(program).chain(self.argv.iter().copied()).collect()
        };
        let client = || {
            let path = self.image?.split(|&byte| byte == b'@').next()?;
            let last = path.rsplit(|&byte| byte == b'/').next()?;
            let name = last.split(|&byte| byte == b':').next()?;
            CLIENTS
                .iter()
                .find(|(image, _)| image.as_bytes() == name)
                .map(|(_, tool)| tool.as_bytes())
        };
        match self.entrypoint.or_else(client) {
            Some(program) => after(program),
            None => self.argv.to_vec(),
        }
    }

    /// The environment that the call adds inside.
    pub(super) fn env(&self) -> Vec<Vec<u8>> {
        let entries = self.values(&["env"]).filter_map(|entry| {
            if entry.contains(&b'=') {
                return Some(entry.to_vec());
            }
            let own = self
                .outer
                .iter()
                .find(|own| own.strip_prefix(entry).is_some_and(|rest| rest.starts_with(b"=")));
            own.map(|own| own.to_vec())
        });
        entries.collect()
    }
}

/// Reads what `line` runs in a container, if it is a command that does.
///
/// # Errors
/// If an option is not known, so that nobody can tell where the command begins, or if the
/// environment inside comes from a file.
pub(super) fn find<'a>(call: &Call<'a>, line: &Line<'a>) -> Result<Option<Inside<'a>>, String> {
    let (options, is_there) = match line.path {
        "container exec" | "exec" => (EXEC, true),
        "compose exec" => (COMPOSE_EXEC, true),
        "container run" | "container create" => (RUN, false),
        "compose run" => (COMPOSE_EXEC, false),
        _ => return Ok(None),
    };
    let mut given = Vec::new();
    let mut at = line.rest;
    while let Some(&word) = call.argv.get(at) {
        if word == b"--" {
            at += 1;
            break;
        }
        if word.len() < 2 || word[0] != b'-' {
            break;
        }
        at += 1;
        let unknown =
            || format!("an option is given that is not known: `{}`", excerpt(&text(word)));
        if let Some((opt, glued)) = find_option(options, word) {
            let name = opt.names[0].trim_start_matches('-').as_bytes();
            let value = match (opt.takes, glued) {
                (Takes::Value, None) => {
                    at += 1;
                    Some(*call.argv.get(at - 1).ok_or_else(unknown)?)
                }
                (_, glued) => glued,
            };
            given.push(Given { name, value });
            continue;
        }
        if word.starts_with(b"--") {
            return Err(unknown());
        }
        // Letters of options without a value share a word, and the last may take one.
        for (place, letter) in word.iter().enumerate().skip(1) {
            let letter = [b'-', *letter];
            let opt = find_option(options, &letter).map(|(opt, _)| opt).ok_or_else(unknown)?;
            let name = opt.names[0].trim_start_matches('-').as_bytes();
            if opt.takes == Takes::Nothing {
                given.push(Given { name, value: None });
                continue;
            }
            let value = match &word[place + 1..] {
                [] => {
                    at += 1;
                    *call.argv.get(at - 1).ok_or_else(unknown)?
                }
                value => value,
            };
            given.push(Given { name, value: Some(value) });
            break;
        }
    }
    let Some(&place) = call.argv.get(at) else {
        return Err("no container or image is named".to_owned());
    };
    at += 1;
    let mut inside = Inside {
        is_there,
        options: given,
        image: (line.path != "compose run" && !is_there).then_some(place),
        entrypoint: None,
        argv: call.argv.get(at..).unwrap_or_default(),
        at,
        outer: call.env,
        reads_stdin: false,
    };
    inside.entrypoint = inside.values(&["entrypoint"]).last();
    if is_there && inside.has("env-file") {
        return Err("the environment inside comes from a file".to_owned());
    }
    if is_there && inside.argv.is_empty() {
        return Err("no command is named".to_owned());
    }
    if inside.has("interactive") || line.path == "compose exec" {
        inside.reads_stdin = true;
    }
    Ok(Some(inside))
}
