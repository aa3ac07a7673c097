//! Manifests: which objects are in them. JSON or YAML, one document or several.
//!
//! Input: the content of a file. Output: kind, group, name and namespace of each object, and of
//! each object of a list (`IsList` of `k8s.io/apimachinery/pkg/apis/meta/v1/unstructured`: whatever
//! has `items`).

use crate::call::files::Files;
use crate::call::{Call, Stdin};
use crate::language::yaml::{self, Node, value};

/// The content of a manifest, if it is known.
pub(super) fn content<'a>(call: &Call<'a>, files: &'a dyn Files, path: &[u8]) -> Option<&'a [u8]> {
    if path == b"-" {
        return match call.stdin() {
            Stdin::Content(content) => Some(content),
            Stdin::Unknown | Stdin::Terminal | Stdin::Null => None,
        };
    }
    files.file(path).named().ok().flatten()
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) group: Option<String>,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
}

/// The objects in a manifest.
///
/// # Errors
/// Why it is not read, as the end of a sentence.
pub(super) fn objects(content: &[u8]) -> Result<Vec<Object>, &'static str> {
    let mut objects = Vec::new();
    for document in yaml::documents(content)? {
        collect(&document, None, &mut objects)?;
    }
    if objects.is_empty() { Err("names no object") } else { Ok(objects) }
}

/// Adds the object that `node` is, or those of the list that it is. `of` is the kind of a list's
/// objects.
fn collect(node: &Node, of: Option<&str>, objects: &mut Vec<Object>) -> Result<(), &'static str> {
    let map = match node {
        Node::Map(map) => map,
        Node::Scalar { null: true, .. } => return Ok(()),
        _ => return Err("has a document that is no object"),
    };
    // The server knows these keys only in exactly these letters.
    let other = |name: &str| name != "kind" && name.eq_ignore_ascii_case("kind");
    if map.iter().any(|(name, _)| other(name)) {
        return Err("has a kind in other letters");
    }
    let kind = match (word(map, "kind")?, of) {
        (Some(kind), _) => kind,
        (None, Some(of)) => of.to_owned(),
        (None, None) => return Err("has an object without a kind"),
    };
    match value(map, "items") {
        None => {}
        Some(Node::List(items)) => {
            let of = kind.strip_suffix("List").filter(|of| !of.is_empty());
            return items.iter().try_for_each(|item| collect(item, of, objects));
        }
        Some(_) => return Err("has items that are no list"),
    }
    let (name, namespace) = match value(map, "metadata") {
        Some(Node::Map(metadata)) => (word(metadata, "name")?, word(metadata, "namespace")?),
        Some(Node::Scalar { null: true, .. }) | None => (None, None),
        Some(_) => return Err("has metadata that are no object"),
    };
    let version = word(map, "apiVersion")?.unwrap_or_default();
    let group = version.split_once('/').map(|(group, _)| group.to_owned());
    objects.push(Object { kind, group, name, namespace });
    Ok(())
}

fn word(map: &[(String, Node)], name: &str) -> Result<Option<String>, &'static str> {
    match value(map, name) {
        None | Some(Node::Scalar { null: true, .. }) => Ok(None),
        Some(Node::Scalar { text, .. }) => Ok(Some(text.clone())),
        Some(_) => Err("has a name or a kind that is no word"),
    }
}

#[cfg(test)]
mod tests {
    use super::objects;

    /// `KIND[.GROUP][/NAME][@NAMESPACE]` of each object.
    fn shown(text: &str) -> String {
        let Ok(objects) = objects(text.as_bytes()) else { return "?".to_owned() };
        let put = |mark: &str, word: Option<String>| {
            word.map_or(String::new(), |word| format!("{mark}{word}"))
        };
        let shown = objects.into_iter().map(|object| {
            let of = [put(".", object.group), put("/", object.name), put("@", object.namespace)];
            object.kind + &of.concat()
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn objects_are_read_or_refused() {
        for (text, expected) in [
            (
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n",
                "ConfigMap/a@b",
            ),
            (
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: \"web\"\n",
                "Deployment.apps/web",
            ),
            ("kind: Secret", "Secret"),
            ("{\"kind\": \"Secret\", \"apiVersion\": \"v1\"}", "Secret"),
            ("{\"kind\": \"\\u0053ecret\"}", "Secret"),
            ("{kind: Pod}", "Pod"),
            ("kind: \"\\x53ecret\"", "Secret"),
            ("kind: >-\n  Secret", "Secret"),
            ("? kind\n: Secret", "Secret"),
            ("kind: List\nitems:\n- kind: Secret\n- apiVersion: v1\n  kind: Pod # x", "Secret Pod"),
            ("kind: SecretList\nitems:\n- metadata: {name: a}", "Secret/a"),
            ("kind: Pod\nitems: [{kind: Secret}]", "Secret"),
            ("kind: Pod\n---\nkind: Secret\n---\n", "Pod Secret"),
            ("# about\n---\nkind: Pod", "Pod"),
            ("kind: CronJob\nspec: {schedule: \"*/5 * * * *\", url: \"a?b&c\"}", "CronJob"),
            ("kind: RoleBinding\nsubjects:\n- kind: User\n  name: a", "RoleBinding"),
            ("a: &x 1\nkind: Pod", "Pod"),
            ("a: &x Secret\nkind: *x", "?"),
            ("!!str kind: Pod", "?"),
            ("kind: !!str Pod", "?"),
            ("kind: Pod\nkind: Secret", "?"),
            ("kind: Pod\nKind: Secret", "?"),
            ("a: &a {kind: Secret}\n<<: *a", "?"),
            ("<<: {kind: Secret}\nkind: Pod", "?"),
            ("%YAML 1.1\n---\nkind: Pod", "?"),
            ("kind: [Secret]", "?"),
            ("kind: Pod\nitems: x", "?"),
            ("name: x", "?"),
            ("- kind: Pod", "?"),
            ("just words", "?"),
            ("kind: Pod\n\tx: y\n z", "?"),
            ("kind: Pod\u{85}---\u{85}kind: Secret", "?"),
            ("", "?"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!(shown(&format!("kind: Pod\na: {}1{}", "[".repeat(200), "]".repeat(200))), "?");
    }
}
