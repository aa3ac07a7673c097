//! Programs that describe infrastructure and create it: kustomize, Argo CD, Flux, Ansible, Pulumi.
//!
//! One file for each program. All of them give actions of the domain `infra`, from a table of
//! commands and options and a list of what options change.
//!
//! Known gaps: configurations, manifests, playbooks and programs that such a call carries out are
//! not read; what they start here is judged when it starts.

mod ansible;
mod argocd;
mod flux;
mod kustomize;
mod pulumi;

use claw_policy::{Action, Fact, Set, domain};

use crate::call::{Call, text};
use crate::grammar::subcommands::{said, variables};
use crate::grammar::table::{self, Line, Table, covers};
use crate::loaders::Loads;
use crate::secret::marks::{Marks, Operand, marks, secret, switch};
use crate::tool::{Abilities, Denial, Family, Reader, Tool};

domain! {
    /// What one call asks for, of a program that describes infrastructure and creates it.
    pub(crate) static DOMAIN: Infra = "infra", governed: true, sealed: true;

    /// The command with its sub-commands, aliases resolved: `app sync`, `destroy`. A program without commands has
    /// its own name here.
    COMMAND: String = "command";
    /// `local` reads or renders files here, `read` asks a cluster, server or state, `write` changes one, `destroy`
    /// removes from one, `exec` runs a program here or there, `secret` shows secrets or credentials, `tunnel`
    /// serves something to others, `config` changes settings, credentials or files here.
    EFFECT: String = "effect" of &["config", "destroy", "exec", "local", "read", "secret", "tunnel", "write"];
    /// The options given, without dashes, under their first name.
    OPTIONS: Set = "options";
    /// What the call is about as its operands name it: applications, kinds and names, playbooks, hosts, folders.
    TARGETS: Set = "targets";
    /// The server, back end or inventory, where the call or a variable says it.
    SERVER: String = "server";
    /// The context or stack, where the call says it.
    CONTEXT: String = "context";
    /// The kubeconfig file, where the call or a variable says it.
    KUBECONFIG: String = "kubeconfig";
    /// The namespace, where the call says it.
    NAMESPACE: String = "namespace";
    /// Whether a command that asks before it changes anything still does so.
    ASKS: bool = "asks";
    /// Whether the call is told to change nothing.
    DRY_RUN: bool = "dry_run";
    /// The options and variables given that name a program, or a folder of them, to run here.
    PROGRAMS: Set = "programs";
    /// The variables that stand for settings which choose the server, the identity or options.
    SETTINGS: Set = "settings";
}

/// How a program's command lines are read, and what they mean.
pub(super) struct Program {
    pub(super) table: Table,
    /// Options that turn a command into another one: option, command, effect. The first that is
    /// given counts.
    pub(super) turns: &'static [(&'static str, &'static str, &'static str)],
    /// The effect, once the values of options are taken into account.
    pub(super) refine: fn(&Line<'_>) -> Option<&'static str>,
    /// Facts that options give, by the option's first name.
    pub(super) facts: &'static [(&'static str, Fact<String>)],
    /// Facts that variables give if no option does.
    pub(super) variables: &'static [(&'static str, Fact<String>)],
    /// Commands that ask first, and the options that stop them from asking.
    pub(super) asks: &'static [(&'static str, &'static [&'static str])],
    /// Options with which nothing is changed.
    pub(super) dry: &'static [&'static str],
    /// Options and variables that name programs.
    pub(super) programs: &'static [&'static str],
    /// How variables that hold settings begin, and those among them that change nothing here.
    pub(super) settings: &'static [&'static str],
    pub(super) harmless: &'static [&'static str],
}

pub(super) const PLAIN: Program = Program {
    table: table::PLAIN,
    turns: &[],
    refine: |_| None,
    facts: &[],
    variables: &[("KUBECONFIG", Infra::KUBECONFIG)],
    asks: &[],
    dry: &[],
    programs: &[],
    settings: &[],
    harmless: &[],
};

/// What holds a secret in their words.
pub(crate) static SECRETS: &[Marks] = &[
    marks(&[ARGOCD.names], &[secret("-p")]).behind("login"),
    marks(&[PULUMI.names], &[switch("--secret")]).operands(&[Operand::Last("--secret")]),
];

macro_rules! rows {
    ($($id:ident $names:expr, $prefix:literal, $loads:expr, $program:expr, $doc:literal;)*) => {
        $(
            /// The program's row in the registry.
            pub(crate) static $id: Tool = Tool {
                name: $names[0],
                names: &$names,
                doc: $doc,
                denial: Denial { prefix: $prefix, status: 1 },
                can: Abilities::of(Family::Deployment),
                domains: &[&DOMAIN],
                loads: $loads,
                reader: Reader::Judge(|context| vec![action(context.call, &$program)]),
            };
        )*
        #[cfg(test)]
        static PROGRAMS: &[(&str, &Program)] = &[$(($names[0], &$program)),*];
    };
}

rows! {
    KUSTOMIZE ["kustomize"], "Error: ", Loads::NOTHING, kustomize::KUSTOMIZE,
        "The command and its options are read; kustomizations and what they name are not.";
    ARGOCD ["argocd"], "FATA ", Loads::NOTHING, argocd::ARGOCD,
        "The command, its options, the applications and the server are read; `ARGOCD_OPTS` is a setting, and its options are not read.";
    FLUX ["flux"], "✗ ", Loads::NOTHING, flux::FLUX, "The command, its options, the kinds and names are read.";
    PULUMI ["pulumi"], "error: ", Loads::NOTHING, pulumi::PULUMI,
        "The command, its options and the stack are read; the project's program is not, and is judged when it starts.";
    ANSIBLE ["ansible"], "ERROR! ", Loads::PYTHON, ansible::ANSIBLE,
        "The hosts, the module and the options are read. The arguments of a module are not.";
    ANSIBLE_PLAYBOOK ["ansible-playbook"], "ERROR! ", Loads::PYTHON, ansible::PLAYBOOK,
        "The playbooks named and the options are read; what a playbook does is not, so that even `--check` counts as `exec`.";
    ANSIBLE_VAULT ["ansible-vault"], "ERROR! ", Loads::PYTHON, ansible::VAULT, "The command, its options and the files are read.";
    ANSIBLE_INVENTORY ["ansible-inventory"], "ERROR! ", Loads::PYTHON, ansible::INVENTORY,
        "The options are read; an inventory that is a program is judged when it starts.";
    ANSIBLE_DOC ["ansible-doc"], "ERROR! ", Loads::PYTHON, ansible::DOC, "The options are read.";
    ANSIBLE_CONFIG ["ansible-config"], "ERROR! ", Loads::PYTHON, ansible::CONFIG, "The command and its options are read.";
    ANSIBLE_CONSOLE ["ansible-console"], "ERROR! ", Loads::PYTHON, ansible::CONSOLE,
        "The options are read; what is typed is not.";
    ANSIBLE_PULL ["ansible-pull"], "ERROR! ", Loads::PYTHON, ansible::PULL, "The options are read; what is pulled is not.";
}

/// What a call of `program` asks for.
pub(super) fn action(call: &Call<'_>, program: &'static Program) -> Action {
    let said = said(call.argv);
    let line = match Line::read(call.argv, &program.table) {
        Ok(line) => line,
        Err(reason) => return Action::opaque(&DOMAIN, said, reason),
    };
    let mut action = Action::new(&DOMAIN, said);
    if !line.command.is_empty() {
        action.set(Infra::COMMAND, line.command.as_str());
    }
    action.set(Infra::EFFECT, effect(&line, program));
    action.set(Infra::OPTIONS, line.names());
    match &line.unknown {
        None => {
            action
                .set(Infra::TARGETS, line.operands.iter().map(|word| text(word)).collect::<Set>());
        }
        Some(word) => action.set_opaque(
            Infra::TARGETS,
            format!("the option `{word}` is not known, and may take the next word"),
        ),
    }
    for (option, fact) in program.facts {
        if let Some(value) = line.value(option) {
            action.set(*fact, text(value).into_owned());
        }
    }
    for (variable, fact) in program.variables {
        let value = call.var(variable).filter(|value| !value.is_empty());
        if let Some(value) = value.filter(|_| action.read(*fact).is_none()) {
            action.set(*fact, text(value).into_owned());
        }
    }
    if let Some((_, without)) = program.asks.iter().find(|(of, _)| *of == line.command) {
        action.set(Infra::ASKS, !without.iter().any(|option| line.has(option)));
    }
    if program.dry.iter().any(|option| line.has(option)) {
        match &line.unknown {
            None => action.set(Infra::DRY_RUN, true),
            Some(word) => {
                action.set_opaque(Infra::DRY_RUN, format!("`{word}` may take the next word"));
            }
        }
    }
    let named =
        |name: &&&str| line.has(name) || call.var(name).is_some_and(|value| !value.is_empty());
    action.set(Infra::PROGRAMS, program.programs.iter().filter(named).copied().collect::<Set>());
    action.set(Infra::SETTINGS, variables(call, program.settings, program.harmless));
    action
}

/// The effect of a command with its options. If an option is not known, no other makes the effect
/// milder: it could be that option's value.
fn effect(line: &Line<'_>, program: &Program) -> &'static str {
    if line.has("help") && line.effect == "local" {
        return "local";
    }
    let sure = line.unknown.is_none();
    let turned = program.turns.iter().find(|(of, option, effect)| {
        let milder = matches!(*effect, "local" | "read");
        covers(of, &line.command) && line.has(option) && (sure || !milder)
    });
    match turned {
        Some((.., effect)) => effect,
        None => (program.refine)(line).filter(|_| sure).unwrap_or(line.effect),
    }
}

#[cfg(test)]
mod tests;
