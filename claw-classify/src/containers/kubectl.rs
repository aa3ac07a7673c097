//! kubectl: the command, the resources and everything else a command line asks for.
//!
//! Input: the call. Output: one action of the domain `k8s` for each kind of resource that is named,
//! or one for the call if none is.
//!
//! Sources: kubectl's own help for its commands and options (`kubectl/options.tsv`); spf13/cobra
//! and spf13/pflag for how a command line is read; `k8s.io/cli-runtime/pkg/resource` for resource
//! arguments.
//!
//! Known gaps: kustomizations (`-k`), folders and addresses of manifests are opaque. An object is
//! read for its kind, name and namespace, not for what it would do. Of a kuberc it is only known that
//! there is one.

mod manifest;
mod oc;
mod resource;
mod scope;
pub(crate) mod settings;

use std::sync::LazyLock;

use claw_policy::{Action, Set, domain};

use crate::call::{Call, Stdin, excerpt, text};
use crate::grammar::cobra::{self, Line, Unread};
use crate::inner::Inner;
use crate::loaders::Loads;
use crate::secret::marks::{Given, Holds, Marks, marks, option, secret};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};
use crate::writes;
use resource::Target;

/// What holds a secret in its words.
pub(crate) static SECRETS: &[Marks] = &[
    marks(&[TOOL.names], &[option("--from-literal", Given::Anyhow, Holds::Pair)]).behind("secret"),
    marks(&[TOOL.names], &[secret("-p")]).behind("login"),
];

/// kubectl's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "kubectl",
    names: &["kubectl", "oc", "k", "microk8s.kubectl"],
    doc: "The whole command line and the environment are read; manifests (`-f`) where their content is known. Kustomizations (`-k`), folders and addresses of manifests are opaque, and so are plugins and what kubectl's own help does not know.",
    denial: Denial { prefix: "error: ", status: 1 },
    can: Abilities::of(Family::Clusters),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(classify),
};

domain! {
    /// What a call asks of one kind of resource, or of the cluster where it names none.
    pub(crate) static DOMAIN: K8s = "k8s", governed: true, sealed: true;

    /// The command with its sub-commands, aliases resolved: `get`, `rollout restart`, `create secret generic`.
    VERB: String = "verb";
    /// `local` asks nothing of a cluster, `secret` reads secrets or credentials, `exec` runs a program in the
    /// cluster or here, `tunnel` opens a way into the cluster, `config` changes the kubeconfig, `destroy` deletes,
    /// evicts or scales to nothing.
    EFFECT: String = "effect" of &["config", "destroy", "exec", "local", "read", "secret", "tunnel", "write"];
    /// The kind of resource, plural and in lower case, short names resolved: `pods` for `po`. Without its group.
    RESOURCE: String = "resource";
    /// What follows the first dot of the kind, `v1.apps` in `deploy.v1.apps`.
    GROUP: String = "group";
    /// The names of the objects; empty for all of them.
    NAMES: Set = "names";
    /// The namespace that the objects stand in, where the call, a manifest or the raw path says it; `*` for all of them.
    /// Absent for kinds that stand in none, whatever `-n` says; opaque where a kind is not built in, and so may.
    NAMESPACE: String = "namespace";
    /// The kubeconfig context, where the call says it.
    CONTEXT: String = "context";
    /// The kubeconfig cluster, where the call says it.
    CLUSTER: String = "cluster";
    /// The kubeconfig user, where the call says it.
    USER: String = "user";
    /// The kubeconfig file, where the call or the variable KUBECONFIG says it.
    KUBECONFIG: String = "kubeconfig";
    /// The long names of the options given.
    OPTIONS: Set = "options";
    /// The path of --raw, percent-decoded.
    RAW: String = "raw";
    /// The command that exec, attach, debug or run would run, words joined by spaces.
    COMMAND: String = "command";
    /// The governed tool that `exec` runs in the container; its own actions follow.
    TOOL: String = "tool";
    /// The environment variables that name a program which this command would start here.
    PROGRAMS: Set = "programs";
    /// Whether --dry-run is `client` or `server`.
    DRY_RUN: bool = "dry_run";
    /// What the kubeconfig says of the user and the cluster in use: another identity, a program that gives one, a
    /// proxy. `kuberc`: there is one, and it gives options and aliases that the call does not show.
    SETTINGS: Set = "settings" of &[
        "as", "as-groups", "as-uid", "as-user-extra", "auth-provider", "exec", "kuberc", "proxy-url",
    ];
}

/// What each command does, by its path. A command that is not here, and every plugin, is opaque.
const EFFECTS: &[(&str, &str)] = &[
    ("", "local"),
    ("annotate", "write"),
    ("api-resources", "read"),
    ("api-versions", "read"),
    ("apply", "write"),
    ("apply edit-last-applied", "write"),
    ("apply set-last-applied", "write"),
    ("apply view-last-applied", "read"),
    ("attach", "exec"),
    ("auth", "local"),
    ("auth can-i", "read"),
    ("auth reconcile", "write"),
    ("auth whoami", "read"),
    ("autoscale", "write"),
    ("certificate", "local"),
    ("certificate approve", "write"),
    ("certificate deny", "write"),
    ("cluster-info", "read"),
    ("cluster-info dump", "read"),
    ("completion", "local"),
    ("config", "local"),
    ("config current-context", "local"),
    ("config delete-cluster", "config"),
    ("config delete-context", "config"),
    ("config delete-user", "config"),
    ("config get-clusters", "local"),
    ("config get-contexts", "local"),
    ("config get-users", "local"),
    ("config rename-context", "config"),
    ("config set", "config"),
    ("config set-cluster", "config"),
    ("config set-context", "config"),
    ("config set-credentials", "config"),
    ("config unset", "config"),
    ("config use-context", "config"),
    ("config view", "local"),
    ("cordon", "write"),
    ("cp", "exec"),
    ("create token", "secret"),
    ("debug", "exec"),
    ("delete", "destroy"),
    ("describe", "read"),
    ("diff", "read"),
    ("drain", "destroy"),
    ("edit", "write"),
    ("events", "read"),
    ("exec", "exec"),
    ("explain", "read"),
    ("expose", "write"),
    ("get", "read"),
    ("help", "local"),
    ("kustomize", "local"),
    ("label", "write"),
    ("logs", "read"),
    ("options", "local"),
    ("patch", "write"),
    ("plugin", "local"),
    ("plugin list", "local"),
    ("port-forward", "tunnel"),
    ("proxy", "tunnel"),
    ("replace", "write"),
    ("rollout", "local"),
    ("rollout history", "read"),
    ("rollout pause", "write"),
    ("rollout restart", "write"),
    ("rollout resume", "write"),
    ("rollout status", "read"),
    ("rollout undo", "write"),
    ("run", "write"),
    ("scale", "write"),
    ("set", "write"),
    ("taint", "write"),
    ("top", "local"),
    ("top node", "read"),
    ("top pod", "read"),
    ("uncordon", "write"),
    ("version", "read"),
    ("wait", "read"),
];

/// The effect of a command; a sub-command that is not listed has its parent's.
fn effect(path: &str) -> Option<&'static str> {
    let of =
        |path: &str| EFFECTS.iter().find(|(known, _)| *known == path).map(|(_, effect)| *effect);
    of(path).or_else(|| match path.split_once(' ') {
        Some(("create", _)) => Some("write"),
        Some(("set", _)) => of("set"),
        _ if path == "create" => Some("write"),
        _ => None,
    })
}

/// kubectl's commands and options. It looks for a plugin where a word is no command, and behind `create` too. Any other
/// command does what its own row in [`EFFECTS`] says.
static COMMANDS: LazyLock<cobra::Program> = LazyLock::new(|| {
    let is_foreign = |path: &str, _| matches!(path, "" | "create");
    let own = cobra::Own { joins_words: true, is_foreign, raw: &[] };
    cobra::Program::new("kubectl", include_str!("kubectl/options.tsv"), own)
});

/// Why a command line cannot be read.
fn reason(unread: Unread) -> String {
    match unread {
        Unread::Foreign(name) if name.starts_with("create ") => {
            "`kubectl create` is given a word that is no kind it knows, perhaps a plugin".to_owned()
        }
        Unread::Foreign(name) => {
            format!("`kubectl {name}` is no command that is known, perhaps a plugin")
        }
        Unread::Refused(reason) => reason,
    }
}

/// What would run in a container.
fn to_run<'l, 'a>(line: &'l Line<'a>) -> Option<&'l [&'a [u8]]> {
    let from = match line.path.as_str() {
        "exec" => line.dash.unwrap_or(1),
        "debug" | "run" => line.dash?,
        _ => return None,
    };
    line.words.get(from..).filter(|words| !words.is_empty())
}

fn classify(context: &Context<'_>) -> Vec<Action> {
    let Context { call, files, .. } = *context;
    if let Some(action) = oc::action(call) {
        return vec![action];
    }
    let said =
        excerpt(&call.argv.iter().skip(1).map(|arg| text(arg)).collect::<Vec<_>>().join(" "));
    let line = match COMMANDS.read(call.argv.get(1..).unwrap_or_default()) {
        Ok(line) => line,
        Err(unread) => return vec![Action::opaque(&DOMAIN, said, reason(unread))],
    };
    let Some(effect) = effect(&line.path) else {
        return vec![Action::opaque(
            &DOMAIN,
            said,
            format!("what `kubectl {}` does is not known", line.path),
        )];
    };
    let mut base = Action::new(&DOMAIN, said);
    base.set(K8s::VERB, line.path.as_str());
    base.set(K8s::OPTIONS, line.options.iter().map(|(name, _)| *name).collect::<Set>());
    if line.is_on("help") {
        base.set(K8s::EFFECT, "local");
        return vec![base];
    }
    where_to(call, &line, &mut base);
    if line.path == "cp" {
        writes::note_destination(call, writes::is_behind_colon);
    }
    let effect = refine(call, &line, effect, &mut base);
    if effect != "local" {
        match settings::settings(call, files, &line) {
            Ok(names) => base.set(K8s::SETTINGS, names),
            Err(reason) => base.set_opaque(K8s::SETTINGS, reason),
        }
    }
    let targets = match resource::targets(&line, |path| manifest::content(call, files, path)) {
        Ok(targets) => targets,
        Err(reason) => {
            // The resource decides whether secrets are read.
            base.set_opaque(K8s::RESOURCE, reason.clone());
            base.set_opaque(K8s::NAMES, reason.clone());
            if let Some(namespace) = scope::chosen(&line) {
                base.set(K8s::NAMESPACE, namespace);
            }
            match effect {
                "read" => base.set_opaque(K8s::EFFECT, reason),
                effect => base.set(K8s::EFFECT, effect),
            }
            return vec![base];
        }
    };
    let namespace = scope::chosen(&line);
    let mut actions: Vec<Action> = match &targets[..] {
        [] => {
            if let Some(namespace) = namespace.filter(|_| line.value("raw").is_none()) {
                base.set(K8s::NAMESPACE, namespace);
            }
            vec![base.with(K8s::EFFECT, effect)]
        }
        _ => {
            let one = |target| aim(base.clone(), effect, target, namespace.as_deref());
            targets.into_iter().map(one).collect()
        }
    };
    if let Some(inner) = inside(context, &line) {
        inner.behind(&mut actions, K8s::TOOL);
    }
    actions
}

/// The command that `exec` runs in a container that already exists.
fn inside(context: &Context<'_>, line: &Line<'_>) -> Option<Inner> {
    let words = to_run(line).filter(|_| line.path == "exec")?;
    let stdin = if line.is_on("stdin") { context.call.stdin() } else { Stdin::Null };
    Inner::of_words(context.tools, words, &[], stdin)
}

fn aim(
    mut action: Action,
    effect: &'static str,
    target: Target,
    namespace: Option<&str>,
) -> Action {
    scope::set(&mut action, &target, namespace);
    let secret = target.resource == "secrets";
    action.set(K8s::EFFECT, if secret && effect == "read" { "secret" } else { effect });
    action.set(K8s::RESOURCE, target.resource);
    if let Some(group) = target.group {
        action.set(K8s::GROUP, group);
    }
    action.set(K8s::NAMES, target.names);
    action
}

/// The cluster, the identity and the namespace.
fn where_to(call: &Call<'_>, line: &Line<'_>, action: &mut Action) {
    for fact in [K8s::CONTEXT, K8s::CLUSTER, K8s::USER, K8s::KUBECONFIG] {
        if let Some(value) = line.value(fact.name()) {
            action.set(fact, text(value).into_owned());
        }
    }
    if line.value("kubeconfig").is_none()
        && let Some(value) = call.var("KUBECONFIG").filter(|value| !value.is_empty())
    {
        action.set(K8s::KUBECONFIG, text(value).into_owned());
    }
    if let Some(value) = line.last("dry-run") {
        match value.unwrap_or(b"unchanged") {
            b"client" | b"server" | b"unchanged" | b"1" | b"t" | b"T" | b"true" | b"TRUE"
            | b"True" => action.set(K8s::DRY_RUN, true),
            b"none" | b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => {
                action.set(K8s::DRY_RUN, false);
            }
            _ => action.set_opaque(K8s::DRY_RUN, "kubectl knows no such value of --dry-run"),
        }
    }
}

/// The effect, once options and the environment are taken into account.
fn refine(
    call: &Call<'_>,
    line: &Line<'_>,
    effect: &'static str,
    action: &mut Action,
) -> &'static str {
    let path = line.path.as_str();
    if let Some(words) = to_run(line) {
        let words: Vec<_> = words.iter().map(|word| text(word)).collect();
        action.set(K8s::COMMAND, words.join(" "));
    }
    let diffs = path == "diff" && call.var("KUBECTL_EXTERNAL_DIFF").is_some();
    let edits = path == "edit" || path == "apply edit-last-applied" || line.is_on("edit");
    let mut programs = Vec::new();
    if diffs {
        programs.push("KUBECTL_EXTERNAL_DIFF");
    }
    if edits {
        programs
            .extend(["KUBE_EDITOR", "EDITOR"].into_iter().filter(|name| call.var(name).is_some()));
    }
    action.set(K8s::PROGRAMS, programs.into_iter().collect::<Set>());
    let builds = ["enable-helm", "enable-alpha-plugins", "enable-exec"];
    if let Some(raw) = line.value("raw").filter(|_| path != "config view") {
        return match resource::raw(raw) {
            Ok(path) => {
                let found = path.effect(effect);
                scope::set_raw(action, &path.text);
                action.set(K8s::RAW, path.text);
                found
            }
            Err(reason) => {
                action.set_opaque(K8s::RAW, reason.clone());
                action.set_opaque(K8s::RESOURCE, reason);
                "secret"
            }
        };
    }
    match path {
        "config view" if line.is_on("raw") => "secret",
        "kustomize" if builds.iter().any(|option| line.is_on(option)) => "exec",
        "diff" if diffs => "exec",
        "replace" if line.is_on("force") => "destroy",
        // Nothing is left of what is scaled to nothing.
        "scale" if !keeps_some(line) => "destroy",
        // Objects that the manifests no longer name are deleted.
        "apply" if line.is_on("prune") => "destroy",
        "rollout undo" => "write",
        // It asks no server for its version.
        "version" if line.is_on("client") => "local",
        _ => effect,
    }
}

/// Whether `--replicas` is a number that leaves something.
fn keeps_some(line: &Line<'_>) -> bool {
    let replicas = line.value("replicas").and_then(|value| str::from_utf8(value).ok());
    replicas.and_then(|value| value.parse::<u32>().ok()).is_some_and(|replicas| replicas > 0)
}

#[cfg(test)]
mod tests;
