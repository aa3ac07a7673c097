//! Calls to facts: what a program would do, read from its arguments, its environment and the content
//! it is given.
//!
//! Pure: no clock, no file, no process; every function here is a function of bytes. What cannot be
//! read is an opaque action or an opaque fact with a reason, never an absence.
//!
//! - [`classify`] gives the facts of a call; its first action is always of the domain `exec`.
//! - [`classify_with`] also reads the content of files, where the caller can vouch for it.
//! - [`rewrite`] applies what a policy asked for and gives the new argument vector and environment.
//! - [`tool`] says which governed tool names mean, and [`TOOLS`] lists them: one tool, one file.
//! - [`schema`] is what a policy may speak of.
//!
//! Known gaps: a view, a rule, a trigger, an operator, a cast and a user's own function do whatever
//! their owner wrote, and no text shows it. Functions outside the server's catalogue are the fact
//! `sql.functions_unknown`; the others are for the database's privileges.

#![forbid(unsafe_code)]

mod aws;
mod call;
mod clickhouse;
mod client;
mod cloud;
mod code;
mod container;
#[cfg(test)]
mod corpus;
mod curl;
mod declared;
mod door;
mod exec;
mod file;
mod files;
mod getopt;
mod gh;
mod git;
mod helm;
mod home;
mod http;
mod httpie;
mod infra;
mod inner;
mod kubectl;
mod loader;
mod mongo;
mod mysql;
mod net;
mod package;
mod pg_tools;
mod places;
mod process;
mod program;
mod psql;
mod redis;
mod secret;
mod sql;
mod sqlite3;
mod subcommands;
mod table;
mod terraform;
mod tool;
mod wget;

use claw_policy::{Action, Change, Domain, Facts, Rewrite, Schema};

pub use call::{Call, Stdin};
pub use files::{File, Files, NoFiles};
pub use program::{Input, Start, starts};
pub use secret::{HIDDEN, MASKED, Secret, Secrets, Span, in_text, in_variable, masked, secrets};
use tool::Changed;
pub use tool::{CannotRewrite, Denial, Governed, Meant, TOOLS, Tool, tool};

/// Everything a policy may speak of.
#[must_use]
pub fn schema() -> Schema {
    static DOMAINS: &[&Domain] = &[
        &exec::DOMAIN,
        &sql::DOMAIN,
        &psql::DOMAIN,
        &kubectl::DOMAIN,
        &http::DOMAIN,
        &net::DOMAIN,
        &door::DOMAIN,
        &client::DOMAIN,
        &git::DOMAIN,
        &gh::DOMAIN,
        &code::DOMAIN,
        &aws::DOMAIN,
        &container::DOMAIN,
        &helm::DOMAIN,
        &terraform::DOMAIN,
        &cloud::DOMAIN,
        &infra::DOMAIN,
        &file::DOMAIN,
        &process::DOMAIN,
        &package::DOMAIN,
        &program::DOMAIN,
    ];
    Schema { domains: DOMAINS, tools: tool::names(), programs: tool::programs() }
}

/// The facts of a call, with no file's content known: [`classify_with`] without files.
#[must_use]
pub fn classify(call: &Call<'_>) -> Facts {
    classify_with(call, &NoFiles)
}

/// The facts of a call, judged by the content of the files it names where `files` knows it.
#[must_use]
pub fn classify_with(call: &Call<'_>, files: &dyn Files) -> Facts {
    match call.meant() {
        Meant::Nothing => {
            Facts { tool: None, disputed: None, actions: vec![exec::action(call, None)] }
        }
        Meant::Tool(tool) => {
            if let Governed::Known(python) = tool
                && let Some((tool, rest)) = program::stands_for(call, python)
            {
                return of_its_own(call, files, tool, rest);
            }
            let mut actions = vec![exec::action(call, Some(tool))];
            actions[0].set("trusted", !call.untrusted);
            actions.extend(tool.classify(call, files));
            Facts { tool: Some(tool.name()), disputed: None, actions }
        }
        Meant::Disputed(one, other) => {
            let mut actions = vec![exec::action(call, Some(one))];
            actions[0].set("trusted", !call.untrusted);
            for tool in [one, other] {
                let reason = format!(
                    "the program goes by names of `{}` and of `{}`: which of the two runs is not known",
                    one.name(),
                    other.name()
                );
                let text = actions[0].text.clone();
                let opaque = |domain| Action::opaque(domain, &*text, &*reason);
                actions.extend(tool.domains().into_iter().map(opaque));
            }
            Facts { tool: Some(one.name()), disputed: Some(other.name()), actions }
        }
    }
}

/// The facts of a call whose interpreter runs `tool` itself, whose words begin at `rest`. The program that
/// runs is still the interpreter.
fn of_its_own(call: &Call<'_>, files: &dyn Files, tool: &'static Tool, rest: usize) -> Facts {
    let argv: Vec<&[u8]> =
        std::iter::once(tool.name.as_bytes()).chain(call.argv[rest..].iter().copied()).collect();
    let names = [tool.name.as_bytes()];
    let inner = Call { argv: &argv, names: &names, ..*call };
    let mut actions = vec![exec::action(call, Some(Governed::Known(tool)))];
    actions.extend((tool.classify)(&inner, files));
    Facts { tool: Some(tool.name), disputed: None, actions }
}

/// The word that, put first, keeps a tool from reading a start-up file that it would look for by itself:
/// such a file has no place in the call where another could be named.
#[must_use]
pub fn skips_startup_file(tool: &str, path: &[u8]) -> Option<&'static [u8]> {
    (tool == psql::TOOL.name && path.ends_with(b"/.psqlrc")).then_some(b"-X")
}

/// A call after its rewrites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The argument vector to run.
    pub argv: Vec<Vec<u8>>,
    /// The environment to run it in.
    pub env: Vec<Vec<u8>>,
    /// What standard input must hold instead of the content the call was judged with, or nothing where
    /// that stays. A caller that cannot hand this to the program must deny the call.
    pub stdin: Option<Vec<u8>>,
    /// Files that must hold something else for this program: path, as it was asked for, and content.
    /// As for `stdin`: what cannot be handed over must be denied.
    pub files: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Applies `rewrites`, which a decision on `facts` asked for, to the call that `facts` came from.
///
/// Applying the same rewrites to the result changes nothing further.
///
/// # Errors
/// When a change cannot be made with certainty; the call must then be denied.
pub fn rewrite(
    call: &Call<'_>,
    facts: &Facts,
    rewrites: &[Rewrite],
) -> Result<Rewritten, CannotRewrite> {
    rewrite_with(call, &NoFiles, facts, rewrites)
}

/// [`rewrite`], for facts that [`classify_with`] gave with the same `files`.
///
/// # Errors
/// As [`rewrite`].
pub fn rewrite_with(
    call: &Call<'_>,
    files: &dyn Files,
    facts: &Facts,
    rewrites: &[Rewrite],
) -> Result<Rewritten, CannotRewrite> {
    let mut env: Vec<Vec<u8>> = call.env.iter().map(|entry| entry.to_vec()).collect();
    let (mut of_statements, mut of_the_start) = (Vec::new(), Vec::new());
    for rewrite in rewrites {
        match &rewrite.change {
            Change::SetEnv(name, value) => set(&mut env, name, value),
            Change::UnsetEnv(name) => unset(&mut env, name),
            Change::LimitRows(_) => of_statements.push(rewrite.clone()),
            Change::NoPsqlrc | Change::OnErrorStop | Change::ReadOnly => {
                of_the_start.push(rewrite.clone());
            }
        }
    }
    let Changed { argv, stdin, files: contents, .. } =
        by_the_tool(call, files, facts, &of_statements)?;
    let words: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
    let variables: Vec<&[u8]> = env.iter().map(Vec::as_slice).collect();
    let so_far = Call { argv: &words, env: &variables, ..*call };
    let Changed { argv, set_env, .. } = by_the_tool(&so_far, files, facts, &of_the_start)?;
    for (name, value) in set_env {
        set(&mut env, name, &value);
    }
    Ok(Rewritten { argv, env, stdin, files: contents })
}

/// The call after changes that are all the tool's own.
fn by_the_tool(
    call: &Call<'_>,
    files: &dyn Files,
    facts: &Facts,
    rewrites: &[Rewrite],
) -> Result<Changed, CannotRewrite> {
    match (rewrites.first(), call.meant()) {
        (None, _) => Ok(Changed::nothing(call)),
        (Some(_), Meant::Tool(Governed::Known(tool))) if facts.tool == Some(tool.name) => {
            (tool.rewrite)(call, files, rewrites)
        }
        (Some(first), _) => Err(CannotRewrite {
            rule: first.rule.clone(),
            reason: "no tool is known that can make this change".to_owned(),
        }),
    }
}

fn set(env: &mut Vec<Vec<u8>>, name: &str, value: &str) {
    unset(env, name);
    env.push(format!("{name}={value}").into_bytes());
}

fn unset(env: &mut Vec<Vec<u8>>, name: &str) {
    env.retain(|entry| {
        entry.strip_prefix(name.as_bytes()).is_none_or(|rest| !rest.starts_with(b"="))
    });
}

#[cfg(test)]
mod tests;
