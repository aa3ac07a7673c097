//! The commands that `oc` adds to kubectl's. It reads command lines as kubectl does.
//!
//! Source: the help of oc 4; spf13/cobra and spf13/pflag for how it is read.
//!
//! Known gaps: only the options of every command are known, and the few that change what a command
//! does.

use claw_policy::Action;

use super::{DOMAIN, K8s};
use crate::call::{Call, text};
use crate::grammar::subcommands::{Commands, said};
use crate::grammar::table::{self, Line, Options, Table};

static TABLE: Table = Table {
    commands: Commands(include_str!("oc.tsv")),
    options: Options {
        switches: "--help,-h --insecure-skip-tls-verify --match-server-version --warnings-as-errors --show-token,-t \
            --show-server --show-console --show-context",
        values: "--as --as-group --as-uid --cache-dir --certificate-authority --client-certificate --client-key --cluster \
            --context --kubeconfig --namespace,-n --request-timeout --server,-s --tls-server-name --token --user --loglevel,-v \
            --username,-u --password,-p --output,-o",
    },
    stops: &["rsh", "observe"],
    ..table::PLAIN
};

/// The action of a call of `oc`, if its command is one that kubectl does not have.
pub(super) fn action(call: &Call<'_>) -> Option<Action> {
    if !call.names.contains(&&b"oc"[..]) {
        return None;
    }
    let line = Line::read(call.argv, &TABLE).ok().filter(|line| !line.command.is_empty())?;
    let mut action = Action::new(&DOMAIN, said(call.argv));
    action.set(K8s::VERB, line.command.as_str());
    // An option that is not known could be `-t` with others.
    let shows = line.command == "whoami" && (line.has("show-token") || line.unknown.is_some());
    action.set(K8s::EFFECT, if shows { "secret" } else { line.effect });
    action.set(K8s::OPTIONS, line.names());
    for (fact, option) in [
        (K8s::NAMESPACE, "namespace"),
        (K8s::CONTEXT, "context"),
        (K8s::CLUSTER, "cluster"),
        (K8s::USER, "user"),
        (K8s::KUBECONFIG, "kubeconfig"),
    ] {
        if let Some(value) = line.value(option) {
            action.set(fact, text(value).into_owned());
        }
    }
    let file = call.var("KUBECONFIG").filter(|value| !value.is_empty());
    if let Some(file) = file.filter(|_| action.read(K8s::KUBECONFIG).is_none()) {
        action.set(K8s::KUBECONFIG, text(file).into_owned());
    }
    if line.command == "rsh" && line.operands.len() > 1 {
        let words: Vec<_> = line.operands.iter().skip(1).map(|word| text(word)).collect();
        action.set(K8s::COMMAND, words.join(" "));
    }
    Some(action)
}
