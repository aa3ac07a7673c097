//! Programs that run another by its name, often within their own process: `npx`, `uvx`, `bundle exec`.
//!
//! Input: the call. Output: the actions of the client that its words start, if that is one that claw does not read. What
//! such a call starts as a process of its own is judged when it starts, whatever it is.
//!
//! Known gaps: scripts of a project (`npm run migrate`) and what a task runner's own files say.

use claw_policy::{Action, Name};

use super::DOMAIN;
use crate::call::{Call, Stdin};
use crate::grammar::subcommands::said;
use crate::tool::Context;

/// The program, the words after it, how many operands come before what is run, and what its name then begins with.
type Launcher = (&'static str, &'static [&'static str], usize, &'static str);

/// Every operand up to `--` is the program's own.
const BEHIND_DASHES: usize = usize::MAX;

static LAUNCHERS: &[Launcher] = &[
    ("npx", &[], 0, ""),
    ("pnpx", &[], 0, ""),
    ("bunx", &[], 0, ""),
    ("uvx", &[], 0, ""),
    ("npm", &["exec"], 0, ""),
    ("npm", &["x"], 0, ""),
    ("pnpm", &["dlx"], 0, ""),
    ("pnpm", &["exec"], 0, ""),
    ("pnpm", &[], 0, ""),
    ("yarn", &["dlx"], 0, ""),
    ("yarn", &["exec"], 0, ""),
    ("yarn", &["run"], 0, ""),
    ("yarn", &[], 0, ""),
    ("bun", &["x"], 0, ""),
    ("bun", &["run"], 0, ""),
    ("deno", &["run"], 0, ""),
    ("uv", &["tool", "run"], 0, ""),
    ("uv", &["run"], 0, ""),
    ("pipx", &["run"], 0, ""),
    ("poetry", &["run"], 0, ""),
    ("pdm", &["run"], 0, ""),
    ("hatch", &["run"], 0, ""),
    ("rye", &["run"], 0, ""),
    ("pipenv", &["run"], 0, ""),
    ("conda", &["run"], 0, ""),
    ("mamba", &["run"], 0, ""),
    ("micromamba", &["run"], 0, ""),
    ("bundle", &["exec"], 0, ""),
    ("mise", &["exec"], BEHIND_DASHES, ""),
    ("mise", &["x"], BEHIND_DASHES, ""),
    ("asdf", &["exec"], 0, ""),
    ("direnv", &["exec"], 1, ""),
    ("nix", &["run"], 0, ""),
    ("rbenv", &["exec"], 0, ""),
    ("pyenv", &["exec"], 0, ""),
    ("nodenv", &["exec"], 0, ""),
    ("volta", &["run"], 0, ""),
    ("dotenv", &["run"], 0, ""),
    ("dotenv", &[], 0, ""),
    ("dotnet", &[], 0, "dotnet-"),
    ("cargo", &[], 0, "cargo-"),
];

/// Options of these programs whose value is the next word.
const VALUES: &[&[u8]] = &[
    b"-C",
    b"-e",
    b"-f",
    b"-n",
    b"-w",
    b"--cwd",
    b"--dir",
    b"--directory",
    b"--env-file",
    b"--environment",
    b"--extra",
    b"--filter",
    b"--group",
    b"--index-url",
    b"--name",
    b"--prefix",
    b"--project",
    b"--python",
    b"--registry",
    b"--with",
    b"--with-editable",
    b"--with-requirements",
    b"--workspace",
];

/// Those whose value is a package that is run, or a text for a shell.
const RUNS: &[&[u8]] = &[b"-c", b"-p", b"--call", b"--from", b"--package", b"--spec"];

/// The program and the words after it that `call` is a call of.
fn launcher<'a>(call: &Call<'a>) -> Option<(Launcher, &'a [&'a [u8]])> {
    LAUNCHERS.iter().find_map(|launcher| {
        let (program, commands, ..) = launcher;
        let mut rest = call.argv.get(1..)?;
        if !call.names.contains(&program.as_bytes()) {
            return None;
        }
        for command in *commands {
            while rest.first()?.starts_with(b"-") {
                rest = &rest[1..];
            }
            rest = rest.strip_prefix(&[command.as_bytes()][..])?;
        }
        Some((*launcher, rest))
    })
}

/// A client that is not read, which another program's words start.
#[derive(Debug)]
pub(crate) struct Launched {
    /// The tool that stands for it.
    pub(crate) tool: Name,
    /// What it does.
    pub(crate) action: Action,
}

/// What the words of the call of `context` start. `deep` says that the call stands in too many others to be read.
pub(crate) fn launched(context: &Context<'_>, deep: bool) -> Vec<Launched> {
    let Some(((_, _, mut before, begins), words)) = launcher(context.call) else {
        return Vec::new();
    };
    if deep {
        let said = said(context.call.argv);
        let action = Action::opaque(&DOMAIN, said, "calls stand in one another too deeply");
        return vec![Launched { tool: super::DEPLOYMENT.name.into(), action }];
    }
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&word) = words.get(at) {
        at += 1;
        if word == b"--" {
            before = 0;
            continue;
        }
        if let Some(value) = [&b"--package="[..], b"--from=", b"--call=", b"--spec="]
            .iter()
            .find_map(|option| word.strip_prefix(*option))
        {
            found.extend(of_text(context, value));
        } else if RUNS.contains(&word) {
            found.extend(words.get(at).map(|value| of_text(context, value)).unwrap_or_default());
            at += 1;
        } else if VALUES.contains(&word) {
            at += 1;
        } else if word.starts_with(b"-") {
            // A switch.
        } else if before > 0 {
            before -= 1;
        } else {
            let name = [begins.as_bytes(), program(word)].concat();
            found.extend(of_words(context, &name, &words[at..]));
            break;
        }
    }
    found
}

/// A package, or a text for a shell.
fn of_text(context: &Context<'_>, value: &[u8]) -> Vec<Launched> {
    let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return Vec::new() };
    of_words(context, program(first), &words.collect::<Vec<_>>())
}

/// The client that is called `name`, if it is one.
fn of_words(context: &Context<'_>, name: &[u8], words: &[&[u8]]) -> Vec<Launched> {
    let argv: Vec<&[u8]> = std::iter::once(name).chain(words.iter().copied()).collect();
    let call = Call {
        argv: &argv,
        names: &[name],
        path: name,
        stdin: Stdin::Unknown,
        interpreters: &[],
        caller: None,
        watch: None,
        ..*context.call
    };
    let (facts, _) = context.tools.read(&call);
    let Some(tool) = facts.tool else { return Vec::new() };
    let unread = facts.actions.into_iter().filter(|action| action.domain.name() == DOMAIN.name);
    unread.map(|action| Launched { tool: tool.clone(), action }).collect()
}

/// The program that a word names as a package, with its version, its extras and where it comes from, or as a file.
fn program(word: &[u8]) -> &[u8] {
    let from = word.iter().rposition(|byte| matches!(byte, b'#' | b':')).map_or(0, |at| at + 1);
    let word = &word[from..];
    let scoped = usize::from(word.starts_with(b"@"));
    let ends = |byte: &u8| matches!(byte, b'@' | b'[' | b'=' | b'<' | b'>' | b'~' | b'!');
    let end = word[scoped..].iter().position(ends).map_or(word.len(), |at| at + scoped);
    let word = &word[..end];
    match word.iter().rposition(|byte| *byte == b'/') {
        Some(at) if scoped == 0 => &word[at + 1..],
        _ => word,
    }
}
