//! kubectl, against a server on loopback that speaks enough of the Kubernetes API.
//!
//! It answers discovery from a short list of resources and gives an object for every name that it is asked
//! for, so that kubectl goes on to its actual request. What a call did is in the requests.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use claw_tests::call::Ran;
use serde_json::{Value, json};

use crate::account::{self, Outcome};
use crate::claw::{Action, Judged};
use crate::line::{self, Dice, Line, bounded};
use crate::place::{self, Place};
use crate::recorder::{Answer, Recorder, Request};

/// Group and version, plural, kind, whether it is namespaced, short names.
const RESOURCES: &[(&str, &str, &str, bool, &[&str])] = &[
    ("v1", "pods", "Pod", true, &["po"]),
    ("v1", "secrets", "Secret", true, &[]),
    ("v1", "configmaps", "ConfigMap", true, &["cm"]),
    ("v1", "services", "Service", true, &["svc"]),
    ("v1", "endpoints", "Endpoints", true, &["ep"]),
    ("v1", "events", "Event", true, &["ev"]),
    ("v1", "serviceaccounts", "ServiceAccount", true, &["sa"]),
    ("v1", "replicationcontrollers", "ReplicationController", true, &["rc"]),
    ("v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, &["pvc"]),
    ("v1", "limitranges", "LimitRange", true, &["limits"]),
    ("v1", "resourcequotas", "ResourceQuota", true, &["quota"]),
    ("v1", "namespaces", "Namespace", false, &["ns"]),
    ("v1", "nodes", "Node", false, &["no"]),
    ("v1", "persistentvolumes", "PersistentVolume", false, &["pv"]),
    ("v1", "componentstatuses", "ComponentStatus", false, &["cs"]),
    ("apps/v1", "deployments", "Deployment", true, &["deploy"]),
    ("apps/v1", "statefulsets", "StatefulSet", true, &["sts"]),
    ("apps/v1", "daemonsets", "DaemonSet", true, &["ds"]),
    ("apps/v1", "replicasets", "ReplicaSet", true, &["rs"]),
    ("batch/v1", "jobs", "Job", true, &[]),
    ("batch/v1", "cronjobs", "CronJob", true, &["cj"]),
    ("autoscaling/v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, &["hpa"]),
    ("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", true, &["pdb"]),
    ("networking.k8s.io/v1", "ingresses", "Ingress", true, &["ing"]),
    ("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", true, &["netpol"]),
    ("rbac.authorization.k8s.io/v1", "roles", "Role", true, &[]),
    ("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding", true, &[]),
    ("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", false, &[]),
    ("rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", false, &[]),
    ("storage.k8s.io/v1", "storageclasses", "StorageClass", false, &["sc"]),
    ("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", false, &["pc"]),
    (
        "certificates.k8s.io/v1",
        "certificatesigningrequests",
        "CertificateSigningRequest",
        false,
        &["csr"],
    ),
    (
        "apiextensions.k8s.io/v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        false,
        &["crd", "crds"],
    ),
];

/// Manifests that lines name.
const FILES: &[(&str, &str)] = &[
    (
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: i}]}\n",
    ),
    ("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n"),
    ("map.json", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"}}"),
    (
        "two.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: db}\n",
    ),
    ("kustom/kustomization.yaml", "resources: [pod.yaml]\n"),
    ("kustom/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"),
];

#[derive(Debug)]
struct Cluster {
    place: Place,
    server: Recorder,
}

/// One request for an object or several, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    method: String,
    resource: String,
    namespace: Option<String>,
    name: Option<String>,
    sub: Option<String>,
}

#[test]
fn kubectl_is_read_as_it_reads_itself() {
    let mut lines = line::read(include_str!("lines/kubectl.txt"));
    lines.extend(names());
    lines.extend(options("get", &["pods", "web"]));
    lines.extend(options("delete", &["pod", "web", "--wait=false"]));
    lines.extend(options("describe", &["secret", "db"]));
    let version = place::version("kubectl", &["version", "--client"]);
    account::settle("kubectl", &version, &lines, Cluster::new, Cluster::settle);
}

/// Every name of every resource: plural, kind in several cases, short names, with group and version.
fn names() -> Vec<Line> {
    let mut dice = Dice::new(0x8b1);
    let mut lines = Vec::new();
    for (group, plural, kind, _, short) in RESOURCES {
        let (group, version) = group.split_once('/').unwrap_or(("", group));
        let mut spelled = vec![
            (*plural).to_owned(),
            kind.to_ascii_lowercase(),
            (*kind).to_owned(),
            plural.to_ascii_uppercase(),
            format!("{plural}.{version}.{group}"),
            if group.is_empty() {
                format!("{plural}.{version}.")
            } else {
                format!("{plural}.{group}")
            },
        ];
        spelled.extend(short.iter().map(|name| (*name).to_owned()));
        for _ in 0..bounded(1, 12) {
            let word = dice.one(&spelled);
            lines.push(match dice.below(3) {
                0 => Line::made(["kubectl".to_owned(), "get".to_owned(), format!("{word}/x")]),
                1 => Line::made(["kubectl", "get", word, "x"]),
                _ => Line::made(["kubectl", "get", word]),
            });
        }
    }
    lines
}

/// Options of a command as its own help lists them, before its words and behind them.
fn options(command: &str, words: &[&str]) -> Vec<Line> {
    let mut dice = Dice::new(0x8b2 + command.len() as u64);
    let text = |arguments: &[&str]| {
        let output = std::process::Command::new("kubectl").args(arguments).output();
        String::from_utf8(output.expect("kubectl starts").stdout).expect("UTF-8")
    };
    let help = text(&[command, "--help"]) + &text(&["options"]);
    let left_out = [
        "server",
        "kubeconfig",
        "profile",
        "cluster",
        "user",
        "context",
        "log-dir",
        "watch",
        "cache-dir",
    ];
    let listed: Vec<String> = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('-'))
        .filter_map(|line| {
            line.split_once("--").map(|(_, rest)| rest).or_else(|| line.strip_prefix('-'))
        })
        .filter_map(|rest| Some(rest.split(['=', ' ', ':', '[']).next()?.to_owned()))
        .filter(|name| !left_out.contains(&name.as_str()))
        .collect();
    assert!(listed.len() > 20, "`kubectl {command} --help` lists {} options", listed.len());
    let mut lines = Vec::new();
    for _ in 0..bounded(12, 500) {
        let mut argv = vec!["kubectl".to_owned(), command.to_owned()];
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        for _ in 0..=dice.below(2) {
            let name = dice.one(&listed).clone();
            let at = 1 + dice.below(argv.len());
            let value = *dice.one(&["true", "false", "1", "json", "name", "client"]);
            match dice.below(4) {
                0 => argv.insert(at, format!("--{name}={value}")),
                1 => {
                    argv.insert(at, value.to_owned());
                    argv.insert(at, format!("--{name}"));
                }
                2 => argv.insert(at, format!("--{}", name.replace('-', "_"))),
                _ => argv.insert(at, format!("--{name}")),
            }
        }
        lines.push(Line::made(argv));
    }
    lines
}

impl Cluster {
    fn new() -> Self {
        let deleted = Arc::new(Mutex::new(BTreeSet::new()));
        let server = Recorder::start(move |request| answer(request, &deleted));
        let place = Place::new();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": format!("http://127.0.0.1:{}", server.port())}}],
            "users": [{"name": "me", "user": {"token": "t"}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        });
        let folder = place.home().join(".kube");
        std::fs::create_dir(&folder).expect("writable");
        std::fs::write(folder.join("config"), config.to_string()).expect("writable");
        std::fs::copy(folder.join("config"), place.home().join("second")).expect("writable");
        Self { place, server }
    }

    fn settle(&mut self, line: &Line) -> Outcome {
        let line = &line.with(&[
            ("@SERVER@", format!("http://127.0.0.1:{}", self.server.port())),
            ("@HOME@", place::text(&self.place.home())),
        ]);
        let files: Vec<(&str, String)> =
            FILES.iter().map(|(name, content)| (*name, (*content).to_owned())).collect();
        self.place.lay_out(&files);
        let judged = self.place.judge(line, &files);
        let ran = self.place.run(line);
        let seen = self.server.take();
        let asked: Vec<Asked> = seen.iter().filter_map(asked).collect();
        compare(&judged, &ran, &asked)
    }
}

fn compare(judged: &Judged, ran: &Ran, asked: &[Asked]) -> Outcome {
    let said = ran.err().lines().next().unwrap_or_default().to_owned();
    if asked.is_empty() && ran.code() != Some(0) {
        let unread = judged.opaque().is_some()
            || judged.actions.iter().any(|action| action.opaque("resource").is_some());
        return Outcome::Refused { read: (!unread).then(|| judged.story()), said };
    }
    if let Some(reason) = judged.opaque() {
        return Outcome::Opaque(reason.to_owned());
    }
    let milder = |why: String| Outcome::Milder(format!("{why}: {}", judged.story()));
    let is = |effects: &[&str]| {
        judged.actions.iter().any(|action| {
            action.opaque("effect").is_some()
                || action.text("effect").is_some_and(|effect| effects.contains(&effect))
        })
    };
    let raw = judged
        .actions
        .iter()
        .any(|action| action.text("raw").is_some() || action.opaque("raw").is_some());
    for request in asked {
        let changes = !matches!(request.method.as_str(), "GET" | "HEAD");
        let reviews = request.resource.ends_with("reviews");
        if changes && !reviews && !is(&["write", "destroy", "exec", "secret", "tunnel"]) {
            return milder(format!("{request:?}"));
        }
        let evicts = request.sub.as_deref() == Some("eviction");
        if (request.method == "DELETE" || evicts) && !is(&["destroy", "exec"]) {
            return milder(format!("{request:?}"));
        }
        if matches!(request.sub.as_deref(), Some("exec" | "attach")) && !is(&["exec"]) {
            return milder(format!("{request:?}"));
        }
        if request.sub.as_deref() == Some("portforward") && !is(&["tunnel"]) {
            return milder(format!("{request:?}"));
        }
        let secret = request.resource == "secrets";
        let known = judged.actions.iter().any(|action| about(action, request));
        if secret && !known && !raw {
            return milder(format!("{request:?}"));
        }
        if secret && !changes && known && !is(&["secret", "write", "destroy"]) {
            return milder(format!("{request:?}"));
        }
        // kubectl also reads other objects than the call is about.
        if changes && !reviews && !known && !raw && !is(&["exec", "secret"]) {
            let of_pods =
                ["pods", "nodes", "controllerrevisions"].contains(&request.resource.as_str());
            if !(of_pods && is(&["destroy"])) {
                return milder(format!("{request:?}"));
            }
        }
    }
    let plain = judged
        .actions
        .iter()
        .all(|action| matches!(action.text("verb"), Some("get" | "describe" | "delete")));
    if let Some(first) = asked.first().filter(|_| plain && !raw)
        && !judged.actions.iter().any(|action| about(action, first))
        && !judged.actions.iter().any(|action| action.text("effect") == Some("local"))
    {
        return milder(format!("{first:?}"));
    }
    Outcome::Agreed
}

/// Whether the action is about what was asked for.
fn about(action: &Action, asked: &Asked) -> bool {
    let resource = action.opaque("resource").is_some()
        || action.text("resource") == Some(&asked.resource)
        || action.text("resource") == Some("all");
    let names = action.set("names");
    let name = asked.name.as_deref();
    let named = action.opaque("names").is_some()
        || names.is_empty()
        || name.is_none_or(|name| names.contains(&name));
    let namespace = match (action.text("namespace"), asked.namespace.as_deref()) {
        (Some("*") | None, _) | (_, None) => true,
        (Some(said), Some(asked)) => said == asked,
    };
    resource && named && namespace
}

/// `/api/v1/namespaces/NS/RESOURCE/NAME/SUB` and its like; nothing for discovery.
fn asked(request: &Request) -> Option<Asked> {
    let mut parts = request.path().trim_matches('/').split('/').map(str::to_owned);
    match parts.next()?.as_str() {
        "api" => parts.next()?,
        "apis" => parts.nth(1)?,
        _ => return None,
    };
    let mut rest: Vec<String> = parts.collect();
    let namespaced = rest.len() > 2 && rest[0] == "namespaces";
    let namespace = namespaced.then(|| rest.drain(..2).nth(1)).flatten();
    let mut rest = rest.into_iter();
    Some(Asked {
        method: request.method.clone(),
        resource: rest.next()?,
        namespace,
        name: rest.next(),
        sub: rest.next(),
    })
}

fn answer(request: &Request, deleted: &Mutex<BTreeSet<String>>) -> Answer {
    if let Some(asked) = asked(request) {
        return object(request, &asked, deleted);
    }
    let path = request.path().trim_end_matches('/');
    let groups: BTreeSet<&str> =
        RESOURCES.iter().map(|row| row.0).filter(|group| group.contains('/')).collect();
    let listed = match path {
        "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
        "/apis" => {
            let group = |group: &&str| {
                let version = json!({"groupVersion": group, "version": "v1"});
                let name = group.split('/').next();
                json!({"name": name, "versions": [version], "preferredVersion": version})
            };
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.iter().map(group).collect::<Vec<_>>()})
        }
        "/version" => json!({"major": "1", "minor": "30", "gitVersion": "v1.30.0"}),
        path => {
            let wanted = path.strip_prefix("/apis/").or_else(|| path.strip_prefix("/api/"));
            let of = RESOURCES.iter().filter(|row| Some(row.0) == wanted);
            let verbs =
                ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
            let mut resources = Vec::new();
            for (_, plural, kind, namespaced, short) in of {
                let singular = kind.to_ascii_lowercase();
                let categories =
                    if *namespaced && *plural != "secrets" { vec!["all"] } else { vec![] };
                resources.push(
                    json!({"name": plural, "singularName": singular, "namespaced": namespaced,
                    "kind": kind, "verbs": verbs, "shortNames": short, "categories": categories}),
                );
                for sub in ["status", "scale"] {
                    resources.push(json!({"name": format!("{plural}/{sub}"), "singularName": "",
                        "namespaced": namespaced, "kind": kind, "verbs": ["get", "patch", "update"]}));
                }
            }
            if resources.is_empty() {
                return Answer::json(
                    json!({"kind": "Status", "status": "Failure", "code": 404}).to_string(),
                )
                .status(404);
            }
            json!({"kind": "APIResourceList", "groupVersion": wanted, "resources": resources})
        }
    };
    Answer::json(listed.to_string())
}

fn object(request: &Request, asked: &Asked, deleted: &Mutex<BTreeSet<String>>) -> Answer {
    let key = request.path().to_owned();
    let row = RESOURCES.iter().find(|row| row.1 == asked.resource);
    let (version, kind) = row.map_or(("v1", "Status"), |row| (row.0, row.2));
    let missing = || {
        Answer::json(json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}).to_string()).status(404)
    };
    let mut deleted = deleted.lock().expect("nobody panics in it");
    let make = |name: &str| {
        let labels = json!({"app": "web"});
        let pod = json!({"containers": [{"name": "c", "image": "i"}], "nodeName": "n1"});
        json!({"apiVersion": version, "kind": kind,
            "metadata": {"name": name, "namespace": asked.namespace, "uid": "u", "resourceVersion": "1", "labels": labels,
                "annotations": {}},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "containers": pod["containers"], "nodeName": "n1",
                "template": {"metadata": {"labels": labels}, "spec": pod}, "ports": [{"port": 80}]},
            "status": {"phase": "Running", "replicas": 1, "conditions": [], "token": "t"}})
    };
    match (request.method.as_str(), &asked.name) {
        // The request is recorded by now; the server does not speak the protocols that follow.
        _ if matches!(
            asked.sub.as_deref(),
            Some("exec" | "attach" | "portforward" | "proxy" | "log")
        ) =>
        {
            Answer::json("{}").status(400)
        }
        ("GET", Some(name)) => {
            // Only once, so that the next line finds the object again.
            if deleted.remove(&key) { missing() } else { Answer::json(make(name).to_string()) }
        }
        ("GET", None) if request.target.contains("watch=") => Answer::json(""),
        ("GET", None) => {
            let list = json!({"apiVersion": version, "kind": format!("{kind}List"),
                "metadata": {"resourceVersion": "1"}, "items": [make("web")]});
            Answer::json(list.to_string())
        }
        ("DELETE", _) => {
            deleted.insert(key);
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"uid": "u"}});
            Answer::json(status.to_string())
        }
        (_, name) => {
            let sent: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let given = sent["metadata"]["name"].as_str().unwrap_or("made");
            Answer::json(make(name.as_deref().unwrap_or(given)).to_string())
        }
    }
}
