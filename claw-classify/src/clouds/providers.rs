//! Command lines of clouds that follow one rule throughout: words that name a thing, and a verb.
//!
//! One file for each program. All of them give actions of the domain `cloud`.

mod az;
mod bq;
mod doctl;
mod eksctl;
mod gcloud;
mod gsutil;
mod settings;

use claw_policy::{Action, Domain, Set, domain};

use crate::call::{Call, text};
use crate::grammar::subcommands::{Line, said, variables};
use crate::grammar::table::{self, Table};
use crate::loaders::Loads;
use crate::secret::marks::{Given, Holds, Marks, marks, option, secret};
use crate::tool::{Classifier, Family, Tool};

/// What holds a secret in their words.
pub(crate) static SECRETS: &[Marks] = &[
    marks(&[AZ.names], &[secret("-p")]).behind("login"),
    // The name of a secret, not its value.
    marks(&[GCLOUD.names], &[option("--secret", Given::Anyhow, Holds::Text)]),
    marks(&[DOCTL.names], &[secret("-t --access-token")]),
];

/// The programs' rows in the registry.
pub(crate) static GCLOUD: Tool = row(
    &["gcloud"],
    "ERROR: (gcloud) ",
    "The command, its options and the variables that hold settings are read; a command that the table does not have is opaque.",
    gcloud::classify,
);
pub(crate) static GSUTIL: Tool =
    row(&["gsutil"], "CommandException: ", "The command is read.", gsutil::classify);
pub(crate) static BQ: Tool = row(
    &["bq"],
    "BigQuery error: ",
    "The command is read; statements of `query` are not.",
    bq::classify,
);
pub(crate) static AZ: Tool = row(
    &["az"],
    "ERROR: ",
    "The command is read by its verb, for the groups that come with the program; extensions are opaque.",
    az::classify,
);

pub(crate) static DOCTL: Tool = Tool {
    loads: Loads::NOTHING,
    ..row(
        &["doctl"],
        "Error: ",
        "The command and its options are read; a command that its reference does not have is opaque.",
        doctl::classify,
    )
};
pub(crate) static EKSCTL: Tool = Tool {
    loads: Loads::NOTHING,
    ..row(
        &["eksctl"],
        "Error: ",
        "The command and its options are read; `--config-file` is not.",
        eksctl::classify,
    )
};

const fn row(
    names: &'static [&'static str],
    prefix: &'static str,
    doc: &'static str,
    classify: Classifier,
) -> Tool {
    Tool {
        loads: Loads::PYTHON,
        ..Tool::judged(Family::Clouds, names, prefix, doc, DOMAINS, classify)
    }
}

static DOMAINS: &[&Domain] = &[&DOMAIN];

domain! {
    /// What one call of gcloud, gsutil, bq, az, eksctl or doctl asks of a cloud.
    pub(crate) static DOMAIN: Cloud = "cloud", governed: true, sealed: true;

    /// The command: `compute instances list`. Without gcloud's release track.
    COMMAND: String = "command";
    /// `local` asks nothing of the cloud, `read` reads, `export` copies content out, `secret` shows secrets, keys
    /// or tokens, `exec` runs a command on a machine or opens a shell there, `tunnel` opens a way to one, `config`
    /// changes settings or credentials here, `destroy` deletes or stops, `write` is everything else.
    EFFECT: String = "effect" of &[
        "config", "destroy", "exec", "export", "local", "read", "secret", "tunnel", "write",
    ];
    /// The options given, without dashes.
    OPTIONS: Set = "options";
    /// The project or subscription, where the call says it before or right behind the option.
    PROJECT: String = "project";
    /// The settings which choose the identity, the server, the folder of settings or the interpreter: variables by
    /// their names, and what gcloud's and az's own files say as `proxy/type`.
    SETTINGS: Set = "settings";
}

/// The action of a line.
fn action(line: &Line<'_>, said: String, effect: &'static str) -> Action {
    let mut action = Action::new(&DOMAIN, said);
    if !line.path.is_empty() {
        action.set(Cloud::COMMAND, line.path);
    }
    action.set(Cloud::EFFECT, effect);
    action.set(Cloud::OPTIONS, line.names());
    if let Some(project) = line.value("project") {
        action.set(Cloud::PROJECT, text(project).into_owned());
    }
    action
}

/// The action of a call of a program whose options are all known.
fn by_table(call: &Call<'_>, table: &'static Table, settings: &[&str]) -> Vec<Action> {
    let said = said(call.argv);
    let line = match table::Line::read(call.argv, table) {
        Ok(line) => line,
        Err(reason) => return vec![Action::opaque(&DOMAIN, said, reason)],
    };
    let mut action = Action::new(&DOMAIN, said);
    if !line.command.is_empty() {
        action.set(Cloud::COMMAND, line.command.as_str());
    }
    action.set(Cloud::EFFECT, line.effect);
    action.set(Cloud::OPTIONS, line.names());
    action.set(Cloud::SETTINGS, variables(call, settings, &[]));
    vec![action]
}

/// The effect of a copy: an export only if its last word is no bucket.
fn copies_out(call: &Call<'_>, effect: &'static str) -> &'static str {
    let up = call.argv.last().is_some_and(|to| to.starts_with(b"gs://"));
    let copies = call.argv.iter().any(|word| *word == b"cp");
    if effect == "export" && copies && up { "write" } else { effect }
}

#[cfg(test)]
mod tests;
