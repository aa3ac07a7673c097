//! What kubectl's own files say that an option could say too: the kubeconfig and the kuberc.
//!
//! Output: the names of such settings, for the user and the cluster that a call uses, where that can be told, and for all
//! of them elsewhere.
//!
//! Sources: `k8s.io/client-go/tools/clientcmd` (`loader.go`, `client_config.go`, `api/v1/types.go`) and
//! `k8s.io/kubectl/pkg/kuberc`, Kubernetes 1.33.

use std::collections::BTreeSet;

use crate::call::files::{Files, NotRead};
use crate::call::{Call, text};
use crate::grammar::cobra::Line;
use crate::language::yaml::{self, Node, value};

/// What a user may not say: another identity, or a program that gives one.
const OF_USER: &[&str] = &["as", "as-groups", "as-uid", "as-user-extra", "auth-provider", "exec"];

/// What a cluster may not say: another way there.
const OF_CLUSTER: &[&str] = &["proxy-url"];

/// What a call chooses for itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Chosen<'a> {
    /// The kubeconfig.
    pub(crate) kubeconfig: Option<&'a [u8]>,
    /// The context.
    pub(crate) context: Option<&'a [u8]>,
    /// The cluster.
    pub(crate) cluster: Option<&'a [u8]>,
    /// The user.
    pub(crate) user: Option<&'a [u8]>,
}

/// The settings that the files of a call make.
///
/// # Errors
/// The file that cannot be read, as a sentence.
pub(super) fn settings(
    call: &Call<'_>,
    files: &dyn Files,
    line: &Line<'_>,
) -> Result<BTreeSet<String>, String> {
    let chosen = Chosen {
        kubeconfig: line.value("kubeconfig"),
        context: line.value("context"),
        cluster: line.value("cluster"),
        user: line.value("user"),
    };
    let mut found = of_kubeconfigs(call, files, chosen)?;
    if kuberc(call, files, line)? {
        found.insert("kuberc".to_owned());
    }
    Ok(found)
}

/// The settings that the kubeconfigs of a call make, for whichever program reads them.
///
/// # Errors
/// As [`settings`].
pub(crate) fn of_kubeconfigs(
    call: &Call<'_>,
    files: &dyn Files,
    chosen: Chosen<'_>,
) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for (path, content) in kubeconfigs(call, files, chosen)? {
        let documents = yaml::documents(content)
            .map_err(|why| format!("the kubeconfig `{}` {why}", text(&path)))?;
        for document in &documents {
            found.extend(of_kubeconfig(document, chosen).into_iter().map(str::to_owned));
        }
    }
    Ok(found)
}

type Content<'f> = (Vec<u8>, &'f [u8]);

/// The kubeconfigs that are there: the one that is named, those of KUBECONFIG, or the home's.
fn kubeconfigs<'f>(
    call: &Call<'_>,
    files: &'f dyn Files,
    chosen: Chosen<'_>,
) -> Result<Vec<Content<'f>>, String> {
    let unread = |path: &[u8]| format!("the kubeconfig `{}` is not read", text(path));
    let variable = call.var("KUBECONFIG").filter(|value| !value.is_empty());
    let named: Vec<&[u8]> = match (chosen.kubeconfig, variable) {
        (Some(path), _) => vec![path],
        (None, Some(list)) => list.split(|&byte| byte == b':').collect(),
        (None, None) => Vec::new(),
    };
    let mut found = Vec::new();
    if named.is_empty() {
        let path = at_home(call, b".kube/config");
        let content = files.file(&path).sought().map_err(|NotRead| unread(&path))?;
        found.extend(content.map(|content| (path, content)));
    }
    for path in named.into_iter().filter(|path| !path.is_empty()) {
        let content = files.settings(path).kept().map_err(|NotRead| unread(path))?;
        found.extend(content.map(|content| (path.to_vec(), content)));
    }
    Ok(found)
}

/// Whether there is a kuberc, which gives options and aliases that the call does not show.
fn kuberc(call: &Call<'_>, files: &dyn Files, line: &Line<'_>) -> Result<bool, String> {
    let chosen = line.value("kuberc").or_else(|| call.var("KUBERC"));
    let content = match chosen.filter(|path| !path.is_empty()) {
        Some(b"off") => return Ok(false),
        Some(path) => files.settings(path).kept(),
        None => files.file(&at_home(call, b".kube/kuberc")).sought(),
    };
    match content {
        Ok(content) => Ok(content.is_some_and(|content| !content.trim_ascii().is_empty())),
        Err(NotRead) => Err("the kuberc is not read".to_owned()),
    }
}

/// `homedir.HomeDir`: HOME, and else the working directory.
fn at_home(call: &Call<'_>, path: &[u8]) -> Vec<u8> {
    match call.var("HOME").filter(|home| !home.is_empty()) {
        Some(home) => [home, b"/", path].concat(),
        None => path.to_vec(),
    }
}

/// What one kubeconfig says of the user and the cluster in use.
fn of_kubeconfig(document: &Node, chosen: Chosen<'_>) -> Vec<&'static str> {
    let Node::Map(config) = document else { return Vec::new() };
    let said = |value: Option<&[u8]>| value.map(|value| text(value).into_owned());
    let context = said(chosen.context).or_else(|| word(config, "current-context"));
    let context = context.and_then(|name| named(config, "contexts", &name));
    let context = context.and_then(|entry| map(entry, "context"));
    let of_context = |key| context.and_then(|context| word(context, key));
    let mut found = Vec::new();
    for (kind, inner, chosen, keys) in [
        ("users", "user", said(chosen.user).or_else(|| of_context("user")), OF_USER),
        ("clusters", "cluster", said(chosen.cluster).or_else(|| of_context("cluster")), OF_CLUSTER),
    ] {
        let one = chosen.and_then(|name| named(config, kind, &name));
        let entries = one.map_or_else(|| list(config, kind), |one| vec![one]);
        for entry in entries.into_iter().filter_map(|entry| map(entry, inner)) {
            found.extend(keys.iter().filter(|key| is_set(entry, key)));
        }
    }
    found
}

type Map = [(String, Node)];

/// The entries of a list of maps.
fn list<'n>(config: &'n Map, kind: &str) -> Vec<&'n Map> {
    let Some(Node::List(entries)) = value(config, kind) else { return Vec::new() };
    let map = |entry: &'n Node| match entry {
        Node::Map(map) => Some(map.as_slice()),
        Node::Scalar { .. } | Node::List(_) => None,
    };
    entries.iter().filter_map(map).collect()
}

/// The entry with this name.
fn named<'n>(config: &'n Map, kind: &str, name: &str) -> Option<&'n Map> {
    list(config, kind).into_iter().find(|entry| word(entry, "name").as_deref() == Some(name))
}

fn map<'n>(of: &'n Map, key: &str) -> Option<&'n Map> {
    match value(of, key)? {
        Node::Map(map) => Some(map),
        Node::Scalar { .. } | Node::List(_) => None,
    }
}

fn word(of: &Map, key: &str) -> Option<String> {
    match value(of, key)? {
        Node::Scalar { text, null: false } => Some(text.clone()),
        Node::Scalar { null: true, .. } | Node::Map(_) | Node::List(_) => None,
    }
}

/// Whether a key has a value that says something. Go's decoder takes keys in letters of either case.
fn is_set(of: &Map, key: &str) -> bool {
    of.iter().any(|(known, value)| {
        known.eq_ignore_ascii_case(key)
            && match value {
                Node::Scalar { text, null } => !null && !text.is_empty(),
                Node::List(list) => !list.is_empty(),
                Node::Map(map) => !map.is_empty(),
            }
    })
}

#[cfg(test)]
mod tests {
    use crate::call::files::{File, Files};
    use crate::{Call, Tools};

    /// Files in the home folder `/h`.
    #[derive(Debug)]
    struct Home(&'static [(&'static str, &'static str)]);

    impl Files for Home {
        fn file(&self, path: &[u8]) -> File<'_> {
            let found = self.0.iter().find(|(name, _)| path == [b"/h/", name.as_bytes()].concat());
            found.map_or(File::ABSENT, |(_, content)| File::content(content.as_bytes()))
        }
    }

    fn found(words: &str, files: &'static [(&'static str, &'static str)]) -> String {
        let argv: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        let call =
            Call { argv: &argv, env: &[b"HOME=/h"], names: &[b"kubectl"], ..Call::default() };
        let facts = Tools::BUILT_IN.classify(&call, &Home(files));
        match facts.actions[1].fact("settings") {
            Some(claw_policy::Reading::Known(claw_policy::Value::Set(names))) => {
                names.iter().cloned().collect::<Vec<_>>().join(" ")
            }
            Some(claw_policy::Reading::Opaque(_)) => "?".to_owned(),
            other => panic!("{other:?}"),
        }
    }

    const TWO: &str = "current-context: plain
contexts:
- {name: plain, context: {user: token, cluster: near}}
- {name: other, context: {user: admin, cluster: far}}
users:
- {name: token, user: {token: t}}
- {name: admin, user: {As: cluster-admin, exec: {command: id}}}
clusters:
- {name: near, cluster: {server: 'https://a', proxy-url: ''}}
- {name: far, cluster: {server: 'https://b', proxy-url: 'http://p'}}
";

    #[test]
    fn the_user_and_the_cluster_in_use_are_read() {
        for (words, files, expected) in [
            ("kubectl get pods", &[][..], ""),
            ("kubectl get pods", &[(".kube/config", TWO)], ""),
            ("kubectl --context other get pods", &[(".kube/config", TWO)], "as exec proxy-url"),
            ("kubectl --user=admin get pods", &[(".kube/config", TWO)], "as exec"),
            ("kubectl --context none get pods", &[(".kube/config", TWO)], "as exec proxy-url"),
            (
                "kubectl --kubeconfig /h/x get pods",
                &[("x", "users: [{name: a, user: {as: b}}]")],
                "as",
            ),
            ("kubectl get", &[(".kube/kuberc", "defaults: []")], "kuberc"),
            ("kubectl get pods", &[(".kube/config", "a: &b c\nd: *b")], "?"),
            ("kubectl get pods", &[(".kube/config", "users: {")], "?"),
        ] {
            assert_eq!(found(words, files), expected, "{words} {files:?}");
        }
    }
}
