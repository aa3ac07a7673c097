//! Version control, and the services that host it.
//!
//! Here is what Mercurial, Subversion and GitLab's own tool share: the domain `code`, and how a
//! call becomes its one action. Each of them is a table of what its commands do. git and gh have
//! domains of their own.

pub(crate) mod gh;
pub(crate) mod git;
pub(crate) mod glab;
pub(crate) mod hg;
pub(crate) mod svn;

use claw_policy::{Action, Domain, FactDef, Kind, Value};

use crate::call::{Call, excerpt, text};
use crate::loaders::Loads;
use crate::tool::{Abilities, Classifier, Denial, Family, Reader, Tool};
use git::is_harmless;

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
        can: Abilities::of(Family::Code),
        domains: DOMAINS,
        loads: Loads::NOTHING,
        reader: Reader::Judge(classify),
    }
}

static DOMAINS: &[&Domain] = &[&DOMAIN];

/// What a call of these tools does.
pub(crate) static DOMAIN: Domain = Domain {
    name: "code",
    governed: true,
    sealed: true,
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

#[cfg(test)]
mod tests;
