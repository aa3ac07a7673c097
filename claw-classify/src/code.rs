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

use claw_policy::{Action, Domain, Set, domain};

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

domain! {
    /// What a call of Mercurial, Subversion or GitLab's tool does.
    pub(crate) static DOMAIN: Code = "code", governed: true, sealed: true;

    /// The command, without abbreviation or alias.
    COMMAND: String = "command";
    /// `local` changes the work tree or the repository here, `fetch` reads another repository, `push` sends to one,
    /// `write` and `destroy` change what a server holds, `secret` shows credentials, `serve` answers others.
    EFFECT: String = "effect" of &[
        "config", "destroy", "fetch", "local", "program", "push", "read", "secret", "serve",
        "write",
    ];
    /// The options and variables that name a program, or settings which can.
    PROGRAMS: Set = "programs";
}

fn said(call: &Call<'_>) -> String {
    excerpt(&call.argv.iter().skip(1).map(|arg| text(arg)).collect::<Vec<_>>().join(" "))
}

fn opaque(call: &Call<'_>, reason: impl Into<String>) -> Action {
    Action::opaque(&DOMAIN, said(call), reason)
}

fn done(call: &Call<'_>, command: &str, effect: &str, programs: Vec<String>) -> Action {
    let mut action = Action::new(&DOMAIN, said(call));
    action.set(Code::COMMAND, command);
    action.set(Code::EFFECT, effect);
    action.set(Code::PROGRAMS, programs.into_iter().collect::<Set>());
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
