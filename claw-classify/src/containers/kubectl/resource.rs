//! What a command line names: kinds, objects and raw paths.

use std::collections::BTreeSet;

use super::manifest;
use crate::call::{excerpt, text};
use crate::grammar::cobra::Line;

/// Objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) resource: String,
    pub(super) group: Option<String>,
    pub(super) names: BTreeSet<String>,
    /// The namespace that a manifest says.
    pub(super) namespace: Option<String>,
}

impl Target {
    fn new(
        (resource, group): (String, Option<String>),
        names: impl IntoIterator<Item = String>,
    ) -> Self {
        Self { resource, group, names: names.into_iter().collect(), namespace: None }
    }

    /// Whether it is the same as `other` except for the names.
    fn is_like(&self, other: &Self) -> bool {
        (&self.resource, &self.group, &self.namespace)
            == (&other.resource, &other.group, &other.namespace)
    }
}

/// Short and singular names of the built-in kinds (`kubectl api-resources`).
const KINDS: &[(&str, &[&str])] = &[
    ("certificatesigningrequests", &["csr", "certificatesigningrequest"]),
    ("clusterrolebindings", &["clusterrolebinding"]),
    ("clusterroles", &["clusterrole"]),
    ("componentstatuses", &["cs", "componentstatus"]),
    ("configmaps", &["cm", "configmap"]),
    ("controllerrevisions", &["controllerrevision"]),
    ("cronjobs", &["cj", "cronjob"]),
    ("customresourcedefinitions", &["crd", "crds", "customresourcedefinition"]),
    ("daemonsets", &["ds", "daemonset"]),
    ("deployments", &["deploy", "deployment"]),
    ("endpoints", &["ep", "endpoint"]),
    ("endpointslices", &["endpointslice"]),
    ("events", &["ev", "event"]),
    ("horizontalpodautoscalers", &["hpa", "horizontalpodautoscaler"]),
    ("ingressclasses", &["ingressclass"]),
    ("ingresses", &["ing", "ingress"]),
    ("jobs", &["job"]),
    ("leases", &["lease"]),
    ("limitranges", &["limits", "limitrange"]),
    ("mutatingwebhookconfigurations", &["mutatingwebhookconfiguration"]),
    ("namespaces", &["ns", "namespace"]),
    ("networkpolicies", &["netpol", "networkpolicy"]),
    ("nodes", &["no", "node"]),
    ("persistentvolumeclaims", &["pvc", "persistentvolumeclaim"]),
    ("persistentvolumes", &["pv", "persistentvolume"]),
    ("poddisruptionbudgets", &["pdb", "poddisruptionbudget"]),
    ("pods", &["po", "pod"]),
    ("podtemplates", &["podtemplate"]),
    ("priorityclasses", &["pc", "priorityclass"]),
    ("replicasets", &["rs", "replicaset"]),
    ("replicationcontrollers", &["rc", "replicationcontroller"]),
    ("resourcequotas", &["quota", "resourcequota"]),
    ("rolebindings", &["rolebinding"]),
    ("roles", &["role"]),
    ("secrets", &["secret"]),
    ("serviceaccounts", &["sa", "serviceaccount"]),
    ("services", &["svc", "service"]),
    ("statefulsets", &["sts", "statefulset"]),
    ("storageclasses", &["sc", "storageclass"]),
    ("validatingwebhookconfigurations", &["validatingwebhookconfiguration"]),
    ("volumeattachments", &["volumeattachment"]),
];

/// Whether the kind of this plural name is built in.
pub(super) fn is_built_in(plural: &str) -> bool {
    KINDS.iter().any(|(known, _)| *known == plural)
}

/// A kind as kubectl resolves it: without regard to case, `kind.version.group` split at the first
/// dot.
fn kind(said: &str) -> (String, Option<String>) {
    let said = said.to_lowercase();
    let (name, group) = match said.split_once('.') {
        Some((name, group)) => (name, Some(group.to_owned())),
        None => (said.as_str(), None),
    };
    let known = KINDS.iter().find(|(_, others)| others.contains(&name));
    (known.map_or(name, |(plural, _)| plural).to_owned(), group)
}

/// How a command takes its words.
enum Words {
    /// `KIND NAME…`, `KIND,KIND NAME…` or `KIND/NAME…`.
    Kinds,
    /// `NAME` or `KIND/NAME`, of this kind if none is given; only this many words.
    Objects(&'static str, usize),
    /// Objects of this kind only.
    Named(&'static str),
    /// No objects of the cluster.
    None,
}

fn words(path: &str) -> Words {
    match path {
        "get"
        | "describe"
        | "delete"
        | "edit"
        | "label"
        | "annotate"
        | "patch"
        | "scale"
        | "autoscale"
        | "expose"
        | "wait"
        | "taint"
        | "apply view-last-applied"
        | "apply edit-last-applied"
        | "rollout history"
        | "rollout pause"
        | "rollout restart"
        | "rollout resume"
        | "rollout status"
        | "rollout undo"
        | "set env"
        | "set image"
        | "set resources"
        | "set selector"
        | "set serviceaccount"
        | "set subject" => Words::Kinds,
        "logs" | "attach" | "exec" | "port-forward" => Words::Objects("pods", 1),
        "debug" => Words::Objects("pods", usize::MAX),
        "top pod" => Words::Named("pods"),
        "top node" | "cordon" | "uncordon" | "drain" => Words::Named("nodes"),
        "certificate approve" | "certificate deny" => Words::Named("certificatesigningrequests"),
        "run" => Words::Objects("pods", 1),
        "create clusterrole" => Words::Named("clusterroles"),
        "create clusterrolebinding" => Words::Named("clusterrolebindings"),
        "create configmap" => Words::Named("configmaps"),
        "create cronjob" => Words::Named("cronjobs"),
        "create deployment" => Words::Named("deployments"),
        "create ingress" => Words::Named("ingresses"),
        "create job" => Words::Named("jobs"),
        "create namespace" => Words::Named("namespaces"),
        "create poddisruptionbudget" => Words::Named("poddisruptionbudgets"),
        "create priorityclass" => Words::Named("priorityclasses"),
        "create quota" => Words::Named("resourcequotas"),
        "create role" => Words::Named("roles"),
        "create rolebinding" => Words::Named("rolebindings"),
        "create secret docker-registry" | "create secret generic" | "create secret tls" => {
            Words::Named("secrets")
        }
        "create service clusterip"
        | "create service externalname"
        | "create service loadbalancer"
        | "create service nodeport" => Words::Named("services"),
        "create serviceaccount" | "create token" => Words::Named("serviceaccounts"),
        "events" => Words::Named("events"),
        _ => Words::None,
    }
}

/// What the command line names, one entry for each kind. `content` gives the objects of a manifest.
///
/// # Errors
/// If the objects are named somewhere else, or not in UTF-8.
pub(super) fn targets<'f>(
    line: &Line<'_>,
    content: impl Fn(&[u8]) -> Option<&'f [u8]>,
) -> Result<Vec<Target>, String> {
    if let Some(folder) = line.value("kustomize") {
        let folder = excerpt(&text(folder));
        return Err(format!("the kustomization `{folder}` is not read"));
    }
    let mut manifests = Vec::new();
    let given = line.options.iter().filter(|(name, _)| *name == "filename");
    // A comma separates files, as in a line of CSV.
    for file in given.flat_map(|(_, file)| file.unwrap_or_default().split(|&byte| byte == b',')) {
        let said = || excerpt(&text(file));
        let read = Some(file).filter(|file| !file.contains(&b'"')).and_then(&content);
        let read = read.ok_or_else(|| format!("the manifest `{}` is not read", said()))?;
        let objects = manifest::objects(read)
            .map_err(|reason| format!("the manifest `{}` {reason}", said()))?;
        for object in objects {
            let (resource, group) = kind(&object.kind);
            let built_in = KINDS.iter().any(|(plural, _)| *plural == resource);
            let group = group.or(object.group).filter(|_| !built_in);
            let target = Target::new((resource, group), object.name);
            add(&mut manifests, Target { namespace: object.namespace, ..target });
        }
    }
    if !manifests.is_empty() {
        return Ok(with_made(line, manifests));
    }
    // After `--` comes the command of a container; for every other command, more of the same words.
    let takes_command = matches!(
        line.path.as_str(),
        "exec" | "debug" | "run" | "create cronjob" | "create deployment" | "create job"
    );
    let end = line.dash.filter(|_| takes_command).unwrap_or(line.words.len());
    let mut said = Vec::with_capacity(end);
    for word in &line.words[..end] {
        said.push(str::from_utf8(word).map_err(|_| "a resource is not UTF-8".to_owned())?);
    }
    let found = match words(&line.path) {
        Words::None => vec![],
        Words::Kinds => by_kind(&said, &line.path)?,
        Words::Objects(default, count) => {
            let said = said.iter().take(count);
            let objects = said.map(|word| match word.split_once('/') {
                Some((of, name)) => (kind(of), name),
                None => ((default.to_owned(), None), *word),
            });
            let mut found = Vec::new();
            for (of, name) in objects {
                add(&mut found, Target::new(of, [name.to_owned()]));
            }
            found
        }
        Words::Named(resource) => {
            let names = said.iter().map(|name| (*name).to_owned());
            vec![Target::new((resource.to_owned(), None), names)]
        }
    };
    Ok(with_made(line, found))
}

/// Adds the object that `expose` and `autoscale` create besides the one they are given.
fn with_made(line: &Line<'_>, mut found: Vec<Target>) -> Vec<Target> {
    let resource = match line.path.as_str() {
        "expose" => "services",
        "autoscale" => "horizontalpodautoscalers",
        _ => return found,
    };
    let names = match line.value("name") {
        Some(name) => BTreeSet::from([text(name).into_owned()]),
        None => found.iter().flat_map(|target| target.names.iter().cloned()).collect(),
    };
    found.push(Target::new((resource.to_owned(), None), names));
    found
}

/// `KIND NAME…`, `KIND,KIND NAME…`, `KIND/NAME…`; words with `=` or a closing `-` are values if the
/// command takes values.
///
/// # Errors
/// If both forms are mixed, which kubectl refuses.
fn by_kind(said: &[&str], path: &str) -> Result<Vec<Target>, String> {
    let sets = matches!(path, "label" | "annotate" | "taint") || path.starts_with("set ");
    let is_value =
        |word: &str| sets && (word.contains('=') || word.ends_with('-') || word.ends_with('+'));
    let mut said = said.iter().copied().filter(|word| !is_value(word)).peekable();
    let mut found = Vec::new();
    let mixed = || "objects are named as `KIND/NAME` and otherwise at once".to_owned();
    let Some(first) = said.peek() else { return Ok(found) };
    if first.contains('/') {
        for word in said {
            let (of, name) = word.split_once('/').ok_or_else(mixed)?;
            for of in of.split(',') {
                let name = Some(name.to_owned()).filter(|name| !name.is_empty());
                add(&mut found, Target::new(kind(of), name));
            }
        }
        return Ok(found);
    }
    let kinds: Vec<&str> = said.next().into_iter().flat_map(|kinds| kinds.split(',')).collect();
    let names: BTreeSet<String> = said.map(str::to_owned).collect();
    if names.iter().any(|name| name.contains('/')) {
        return Err(mixed());
    }
    for of in kinds.into_iter().filter(|of| !of.is_empty()) {
        found.push(Target::new(kind(of), names.clone()));
    }
    Ok(found)
}

fn add(found: &mut Vec<Target>, target: Target) {
    match found.iter_mut().find(|known| known.is_like(&target)) {
        Some(known) => known.names.extend(target.names),
        None => found.push(target),
    }
}

/// A path of `--raw`.
#[derive(Debug)]
pub(super) struct Raw {
    /// Percent-decoded, without its query.
    pub(super) text: String,
}

/// Reads the value of `--raw`.
///
/// # Errors
/// If the server could read another path in it than is read here.
pub(super) fn raw(said: &[u8]) -> Result<Raw, String> {
    let said = str::from_utf8(said).map_err(|_| "the raw path is not UTF-8".to_owned())?;
    let path = said.split(['?', '#']).next().unwrap_or(said);
    let mut text = decode(path).ok_or("the raw path has a percent sign without a code")?;
    if text.contains('%') || path.to_ascii_lowercase().contains("%2f") {
        return Err("the raw path is encoded twice, or hides a slash".to_owned());
    }
    if !text.starts_with('/') {
        text.insert(0, '/');
    }
    let mut parts = text.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        if part == "." || part == ".." || (part.is_empty() && parts.peek().is_some()) {
            return Err("the raw path has parts that a server may resolve".to_owned());
        }
    }
    if text.contains("://") || text.contains('\\') {
        return Err("the raw path is no path".to_owned());
    }
    Ok(Raw { text })
}

fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let hex = str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

impl Raw {
    /// What a request for the path does, given what the command does by itself.
    pub(super) fn effect(&self, command: &'static str) -> &'static str {
        let has = |names: &[&str]| {
            self.text
                .split('/')
                .any(|part| names.iter().any(|name| part.eq_ignore_ascii_case(name)))
        };
        if command != "read" {
            command
        } else if has(&["proxy", "portforward"]) {
            "tunnel"
        } else if has(&["exec", "attach"]) {
            "exec"
        } else if has(&["secrets", "token"]) {
            "secret"
        } else {
            "read"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (said, expected) in [
            ("po", "pods"),
            ("Secret", "secrets"),
            ("SECRETS", "secrets"),
            ("secrets.v1.", "secrets"),
            ("deployments.v1.apps", "deployments"),
            ("widgets.example.com", "widgets"),
        ] {
            assert_eq!(kind(said).0, expected, "{said}");
        }
        assert_eq!(kind("deploy.v1.apps").1.as_deref(), Some("v1.apps"));
    }

    #[test]
    fn raw_paths() {
        let effect =
            |said: &str| raw(said.as_bytes()).map_or("unreadable", |raw| raw.effect("read"));
        for (said, expected) in [
            ("/api/v1/pods", "read"),
            ("/healthz?verbose", "read"),
            ("/api/v1/namespaces/p/secrets", "secret"),
            ("/api/v1/%73ecrets", "secret"),
            ("api/v1/secrets/x?watch=1", "secret"),
            ("/api/v1/%2573ecrets", "unreadable"),
            ("/api/v1/pods/../secrets", "unreadable"),
            ("/api/v1//secrets", "unreadable"),
            ("/api/v1/namespaces%2Fp%2Fsecrets", "unreadable"),
            ("/api/v1/namespaces/p/services/s/proxy/reset", "tunnel"),
            ("/api/v1/namespaces/p/pods/x/exec?command=id", "exec"),
            ("/api/%zz", "unreadable"),
            ("https://h/api/v1/secrets", "unreadable"),
        ] {
            assert_eq!(effect(said), expected, "{said}");
        }
    }
}
