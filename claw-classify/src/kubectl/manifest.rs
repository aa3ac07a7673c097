//! Manifests, as far as their kinds: JSON or YAML, one document or several.
//!
//! Input: the content of a file; output: the kinds in it. Not a YAML parser: a manifest in which a kind
//! could be written in any other way than `kind: Name` on a line of its own, or `"kind": "Name"`, is
//! not read.

use crate::call::{Call, Stdin};
use crate::files::{File, Files};

/// The content of a manifest, where it is known.
pub(super) fn content<'a>(call: &Call<'a>, files: &'a dyn Files, path: &[u8]) -> Option<&'a [u8]> {
    if path == b"-" {
        return match call.stdin {
            Stdin::Content(content) => Some(content),
            Stdin::Unknown | Stdin::Terminal | Stdin::Null => None,
        };
    }
    match files.file(path) {
        File::Content(content) => Some(content),
        File::Unknown | File::Absent => None,
    }
}

/// The kinds in a manifest, at any depth.
///
/// # Errors
/// Why it is not read, as the end of a sentence.
pub(super) fn kinds(content: &[u8]) -> Result<Vec<String>, &'static str> {
    let text = str::from_utf8(content).map_err(|_| "is not UTF-8")?;
    // Escapes, tags, anchors, aliases, directives, merge keys and explicit keys write a word in other
    // ways, and so do other line breaks than YAML 1.2's.
    let odd = |c: char| "\\!&*?%\0\u{85}\u{2028}\u{2029}\u{feff}".contains(c);
    if text.contains(odd) || text.contains("<<") {
        return Err("is written in a way that is not read");
    }
    let mut kinds = Vec::new();
    // Case decides nothing here, so that a kind in other letters is found too.
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-' && c != '.');
    let count = words.filter(|word| *word == "kind").count();
    for line in lower.split(['\n', '\r', ',', '{', '}']) {
        let line = line.trim().trim_start_matches("- ").trim();
        let Some((key, value)) = line.split_once(':') else { continue };
        if key.trim().trim_matches(['"', '\'']) != "kind" {
            continue;
        }
        let value = value.split(" #").next().unwrap_or(value).trim().trim_matches(['"', '\'']);
        if value.is_empty() || !value.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err("has a kind that is not a plain word");
        }
        kinds.push(value.to_owned());
    }
    if kinds.is_empty() || kinds.len() != count {
        return Err("says its kinds in a way that is not read");
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use super::kinds;

    #[test]
    fn kinds_are_read_or_refused() {
        let shown =
            |text: &str| kinds(text.as_bytes()).map_or("?".to_owned(), |kinds| kinds.join(" "));
        for (text, expected) in [
            ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "configmap"),
            ("kind: Secret", "secret"),
            ("{\"kind\": \"Secret\", \"apiVersion\": \"v1\"}", "secret"),
            ("{kind: Pod}", "pod"),
            (
                "kind: List\nitems:\n- kind: Secret\n- apiVersion: v1\n  kind: Pod # x",
                "list secret pod",
            ),
            ("kind: Pod\n---\nkind: Secret", "pod secret"),
            ("\"kind\" : 'Pod'", "pod"),
            ("kind: \"\\x53ecret\"", "?"),
            ("kind: &a Pod", "?"),
            ("kind:\n  Secret", "?"),
            ("kind: >-\n  Secret", "?"),
            ("? kind\n: Secret", "?"),
            ("!!str kind: Pod", "?"),
            ("name: x", "?"),
            ("kind: Pod\nx: my kind", "?"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
