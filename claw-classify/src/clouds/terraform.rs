//! terraform and tofu: the command and what it does to the infrastructure and its state.
//!
//! Input: the call. Output: one action of the domain `terraform`.
//!
//! Sources: `terraform -help` of 1.11 and tofu's manual; terraform's `main.go`, which puts the
//! words of the variables `TF_CLI_ARGS` and `TF_CLI_ARGS_COMMAND` after the command.
//!
//! Known gaps: configurations are not read. What providers and data sources do while a plan is made
//! is seen when they start programs or connect. `show`, `output` and `state` print what the state
//! holds.

use claw_policy::{Action, Set, domain};

use crate::call::text;
use crate::grammar::subcommands::{self, Commands, Opt, Place, Takes, said, switch};
use crate::loaders::Loads;
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};

/// terraform's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "terraform",
    names: &["terraform", "tofu", "opentofu"],
    doc: "The command, its options and the variables that add options are read. Configurations are not.",
    denial: Denial { prefix: "Error: ", status: 1 },
    can: Abilities::of(Family::Deployment),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(classify),
};

domain! {
    /// What one call of terraform or tofu asks for.
    pub(crate) static DOMAIN: Terraform = "terraform", governed: true, sealed: true;

    /// The command with its sub-commands: `plan`, `state rm`.
    COMMAND: String = "command";
    /// `local` reads the configuration here, `read` also reads the state or the infrastructure, `config` installs
    /// modules, providers or credentials here, `write` changes the infrastructure or its state, `destroy` removes
    /// from either, `exec` evaluates the expressions it is given.
    EFFECT: String = "effect" of &["config", "destroy", "exec", "local", "read", "write"];
    /// The options given, without dashes, also by variables.
    OPTIONS: Set = "options";
    /// The folder of `-chdir`.
    DIRECTORY: String = "directory";
    /// Whether it asks before it changes anything: false with `-auto-approve`.
    ASKS: bool = "asks";
}

const COMMANDS: Commands = Commands(include_str!("terraform/commands.tsv"));

const OPTIONS: &[Opt] = &[
    Opt { names: &["-chdir", "--chdir"], takes: Takes::Glued },
    switch(&["-help", "--help", "-h"]),
    switch(&["-version", "--version", "-v"]),
];

fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let said = said(call.argv);
    let line = match subcommands::read(call.argv, COMMANDS, OPTIONS, Place::Before, "") {
        Ok(line) => line,
        Err(reason) => return vec![Action::opaque(&DOMAIN, said, reason)],
    };
    let mut action = Action::new(&DOMAIN, said);
    if !line.path.is_empty() {
        action.set(Terraform::COMMAND, line.path);
    }
    if let Some(directory) = line.value("chdir") {
        action.set(Terraform::DIRECTORY, text(directory).into_owned());
    }
    let variable = format!("TF_CLI_ARGS_{}", line.path.replace(' ', "_"));
    let added = ["TF_CLI_ARGS", variable.as_str()].into_iter().filter_map(|name| call.var(name));
    let added: Vec<&[u8]> = added.flat_map(|words| words.split(|&byte| byte == b' ')).collect();
    // A shell's quoting counts there; a quoted word could be any option.
    let quoted = added.iter().any(|word| word.iter().any(|byte| b"'\"\\`$".contains(byte)));
    let added = added.iter().filter_map(|word| {
        let name = word.strip_prefix(b"-")?;
        let name = name.strip_prefix(b"-").unwrap_or(name);
        name.split(|&byte| byte == b'=').next()
    });
    let names: Vec<&[u8]> = line.options.iter().map(|given| given.name).chain(added).collect();
    if quoted {
        action.set_opaque(Terraform::OPTIONS, "a variable adds options that are quoted");
    } else {
        action.set(Terraform::OPTIONS, names.iter().map(|name| text(name)).collect::<Set>());
    }
    let destroys = line.path == "apply" && names.contains(&&b"destroy"[..]);
    action.set(Terraform::EFFECT, if destroys { "destroy" } else { line.effect });
    if matches!(line.path, "apply" | "destroy") {
        action.set(Terraform::ASKS, !quoted && !names.contains(&&b"auto-approve"[..]));
    }
    vec![action]
}

#[cfg(test)]
mod tests;
