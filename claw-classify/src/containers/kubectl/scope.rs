//! Which namespace an action is about: not every kind stands in one, and a raw path says its own.
//!
//! Source: `kubectl api-resources` of Kubernetes 1.33.

use claw_policy::Action;

use super::K8s;
use super::resource::{self, Target};
use crate::call::text;
use crate::grammar::cobra::Line;

/// Built-in kinds that stand in no namespace.
const OF_CLUSTER: &[&str] = &[
    "apiservices",
    "certificatesigningrequests",
    "clusterrolebindings",
    "clusterroles",
    "clustertrustbundles",
    "componentstatuses",
    "csidrivers",
    "csinodes",
    "customresourcedefinitions",
    "deviceclasses",
    "flowschemas",
    "ingressclasses",
    "ipaddresses",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "priorityclasses",
    "prioritylevelconfigurations",
    "resourceslices",
    "runtimeclasses",
    "selfsubjectaccessreviews",
    "selfsubjectreviews",
    "selfsubjectrulesreviews",
    "servicecidrs",
    "storageclasses",
    "storageversionmigrations",
    "subjectaccessreviews",
    "tokenreviews",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
    "volumeattachments",
    "volumeattributesclasses",
];

/// Built-in kinds in namespaces that have no short name.
const IN_NAMESPACES: &[&str] = &[
    "all",
    "bindings",
    "csistoragecapacities",
    "localsubjectaccessreviews",
    "resourceclaims",
    "resourceclaimtemplates",
];

/// The namespace that the call chooses: `*` for all of them.
pub(super) fn chosen(line: &Line<'_>) -> Option<String> {
    match line.is_on("all-namespaces") {
        true => Some("*".to_owned()),
        false => line.value("namespace").map(|value| text(value).into_owned()),
    }
}

/// Whether objects of a kind stand in namespaces; none for a kind that is not built in.
fn is_in_namespaces(resource: &str, group: Option<&str>) -> Option<bool> {
    let foreign = |group: &str| {
        let group = group.rsplit_once("v1.").map_or(group, |(_, group)| group);
        group.contains('.') && !group.ends_with(".k8s.io")
    };
    if group.is_some_and(foreign) {
        return None;
    }
    if OF_CLUSTER.contains(&resource) {
        return Some(false);
    }
    (IN_NAMESPACES.contains(&resource) || resource::is_built_in(resource)).then_some(true)
}

/// Sets the namespace of one target, where the call chooses `chosen`.
pub(super) fn set(action: &mut Action, target: &Target, chosen: Option<&str>) {
    if let Some(own) = &target.namespace {
        action.set(K8s::NAMESPACE, own.as_str());
        return;
    }
    let Some(chosen) = chosen else { return };
    match is_in_namespaces(&target.resource, target.group.as_deref()) {
        Some(true) => action.set(K8s::NAMESPACE, chosen),
        // kubectl takes the option and does nothing with it.
        Some(false) => {}
        None => {
            let why = format!("whether `{}` stand in namespaces is not known", target.resource);
            action.set_opaque(K8s::NAMESPACE, why);
        }
    }
}

/// Sets what a raw path is about: `/api/VERSION/…` or `/apis/GROUP/VERSION/…`, with `namespaces/NAME/` before the kind.
pub(super) fn set_raw(action: &mut Action, path: &str) {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, rest) = match parts[..] {
        ["api", _, ref rest @ ..] => (None, rest),
        ["apis", group, _, ref rest @ ..] => (Some(group), rest),
        // Health, metrics, versions.
        _ => return,
    };
    let rest = rest.strip_prefix(&["watch"]).unwrap_or(rest);
    let (namespace, rest) = match rest {
        // The namespace itself, and its own parts.
        ["namespaces", _, "finalize" | "status"] | ["namespaces", _] => (None, rest),
        ["namespaces", namespace, kind @ ..] => (Some(*namespace), kind),
        _ => (None, rest),
    };
    let Some((kind, names)) = rest.split_first() else { return };
    action.set(K8s::RESOURCE, kind.to_ascii_lowercase());
    action.set(
        K8s::NAMES,
        names.iter().take(1).map(|name| (*name).to_owned()).collect::<claw_policy::Set>(),
    );
    match (namespace, is_in_namespaces(kind, group)) {
        (Some(namespace), _) => action.set(K8s::NAMESPACE, namespace),
        (None, Some(true)) => action.set(K8s::NAMESPACE, "*"),
        (None, Some(false)) => {}
        (None, None) => {
            let why = format!("whether `{kind}` stand in namespaces is not known");
            action.set_opaque(K8s::NAMESPACE, why);
        }
    }
}
