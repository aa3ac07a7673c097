//! helm: the command and what it does to a cluster.
//!
//! Input: the call. Output: one action of the domain `helm`.
//!
//! Sources: helm 3's manual and `pkg/cmd`, `pkg/cli/environment.go` for its variables; spf13/cobra
//! for how a command line is read.
//!
//! Known gaps: charts and values are not read. A release's manifest and values, which `get` shows,
//! can hold whatever the chart's author put there.

use claw_policy::{Action, Set, domain};

use crate::call::text;
use crate::containers::kubectl::settings::{Chosen, of_kubeconfigs};
use crate::grammar::subcommands::{self, Commands, Opt, Place, said, switch, valued};
use crate::loaders::Loads;
use crate::secret::marks::{Marks, marks, secret};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};

/// What holds a secret in its words.
pub(crate) static SECRETS: &[Marks] = &[marks(&[TOOL.names], &[secret("-p")]).behind("login")];

/// helm's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "helm",
    names: &["helm", "helm3"],
    doc: "The command, the options and the variables are read; plugins are opaque.",
    denial: Denial { prefix: "Error: ", status: 1 },
    can: Abilities::of(Family::Clusters),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(classify),
};

domain! {
    /// What one helm call asks for.
    pub(crate) static DOMAIN: Helm = "helm", governed: true, sealed: true;

    /// The command with its sub-commands, aliases resolved: `list`, `repo add`.
    COMMAND: String = "command";
    /// `local` reads or renders charts here, `read` asks the cluster or a repository, `write` changes the cluster
    /// or a registry, `destroy` removes a release, `exec` runs a program, `config` changes helm's own settings or
    /// files here.
    EFFECT: String = "effect" of &["config", "destroy", "exec", "local", "read", "write"];
    /// The long names of the options given, and the long name of the option that a variable stands for.
    OPTIONS: Set = "options";
    /// The namespace, where the call or a variable says it.
    NAMESPACE: String = "namespace";
    /// The kubeconfig context, where the call or a variable says it.
    CONTEXT: String = "context";
    /// The kubeconfig file, where the call or a variable says it.
    KUBECONFIG: String = "kubeconfig";
    /// What the kubeconfig says that an option could say too: another identity (`as`, `auth-provider`, `exec`), another
    /// way to the cluster (`proxy-url`). For the context in use where the call or the file says it, and for every
    /// user and cluster of the file else.
    SETTINGS: Set = "settings";
    /// The folder of plugins, where a variable says it.
    PLUGINS: String = "plugins";
}

const COMMANDS: Commands = Commands(include_str!("helm/commands.tsv"));

/// The options of every command.
const OPTIONS: &[Opt] = &[
    valued(&["--burst-limit"]),
    valued(&["--color"]),
    valued(&["--colour"]),
    valued(&["--content-cache"]),
    switch(&["--debug"]),
    switch(&["--help", "-h"]),
    valued(&["--kube-apiserver"]),
    valued(&["--kube-as-group"]),
    valued(&["--kube-as-user"]),
    valued(&["--kube-ca-file"]),
    valued(&["--kube-context"]),
    switch(&["--kube-insecure-skip-tls-verify"]),
    valued(&["--kube-tls-server-name"]),
    valued(&["--kube-token"]),
    valued(&["--kubeconfig"]),
    valued(&["--namespace", "-n"]),
    valued(&["--qps"]),
    valued(&["--registry-config"]),
    valued(&["--repository-cache"]),
    valued(&["--repository-config"]),
];

/// Variables that stand for an option.
const VARIABLES: &[(&str, &str)] = &[
    ("HELM_KUBEAPISERVER", "kube-apiserver"),
    ("HELM_KUBEASGROUPS", "kube-as-group"),
    ("HELM_KUBEASUSER", "kube-as-user"),
    ("HELM_KUBECAFILE", "kube-ca-file"),
    ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "kube-insecure-skip-tls-verify"),
    ("HELM_KUBETLS_SERVER_NAME", "kube-tls-server-name"),
    ("HELM_KUBETOKEN", "kube-token"),
];

fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let said = said(call.argv);
    let line = match subcommands::read(call.argv, COMMANDS, OPTIONS, Place::Anywhere, "") {
        Ok(line) => line,
        Err(reason) => return vec![Action::opaque(&DOMAIN, said, reason)],
    };
    let mut action = Action::new(&DOMAIN, said);
    if !line.path.is_empty() {
        action.set(Helm::COMMAND, line.path);
    }
    let set =
        VARIABLES.iter().filter(|(name, _)| call.var(name).is_some_and(|value| !value.is_empty()));
    let given = line.options.iter().map(|given| text(given.name).into_owned());
    action.set(
        Helm::OPTIONS,
        given.chain(set.map(|(_, option)| (*option).to_owned())).collect::<Set>(),
    );
    for (fact, option, variable) in [
        (Helm::NAMESPACE, "namespace", "HELM_NAMESPACE"),
        (Helm::CONTEXT, "kube-context", "HELM_KUBECONTEXT"),
        (Helm::KUBECONFIG, "kubeconfig", "KUBECONFIG"),
        (Helm::PLUGINS, "plugins", "HELM_PLUGINS"),
    ] {
        let value = line.value(option).or_else(|| call.var(variable));
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            action.set(fact, text(value).into_owned());
        }
    }
    if line.effect != "local" {
        let chosen = Chosen {
            kubeconfig: line.value("kubeconfig"),
            context: line.value("kube-context").or_else(|| call.var("HELM_KUBECONTEXT")),
            ..Chosen::default()
        };
        match of_kubeconfigs(call, context.files, chosen) {
            Ok(found) => action.set(Helm::SETTINGS, found),
            Err(reason) => action.set_opaque(Helm::SETTINGS, reason),
        }
    }
    let runs = ["post-renderer", "post-renderer-args"].iter().any(|option| line.has(option));
    action.set(Helm::EFFECT, if runs { "exec" } else { line.effect });
    vec![action]
}

#[cfg(test)]
mod tests;
