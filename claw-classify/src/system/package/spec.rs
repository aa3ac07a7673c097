//! One package as a call names it.
//!
//! Sources: npm-package-arg's README; PEP 508 and pip's `req/constructors.py`; cargo-install(1); the
//! reference of Go's modules; apt-get(8); the manuals of RubyGems, Bundler and Composer.

use super::manager::Style;
use crate::language::url::host;

/// A package and where it comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spec {
    /// Its name without a version, or the address or path where it has none.
    pub(super) name: String,
    /// One of the values of the fact `sources`.
    pub(super) source: &'static str,
}

/// Reads one package.
pub(super) fn read(style: Style, word: &str) -> Spec {
    if let Some(source) = place(style, word) {
        return Spec { name: address(word), source };
    }
    let registry = |name: &str| Spec { name: name.trim().to_owned(), source: "registry" };
    match style {
        Style::Npm => match version(word) {
            Some((_, other)) if other.starts_with("npm:") => read(style, &other[4..]),
            Some((name, at)) => {
                Spec { name: name.to_owned(), source: place(style, at).unwrap_or("registry") }
            }
            None => registry(word),
        },
        Style::Python => {
            let end = word.find(|char: char| "[<>=!~;@ ".contains(char)).unwrap_or(word.len());
            let (name, rest) = word.split_at(end);
            let rest = rest.split(';').next().unwrap_or(rest);
            let at = rest.split_once('@').map(|(_, at)| at.trim());
            let source = at.and_then(|at| place(style, at)).unwrap_or("registry");
            Spec { name: name.to_owned(), source }
        }
        Style::At => registry(version(word).map_or(word, |(name, _)| name)),
        Style::Colon => registry(word.split(':').next().unwrap_or(word)),
        Style::Composer => registry(word.split([':', '=', ' ']).next().unwrap_or(word)),
        Style::Apt => {
            let name = word.split(['=', '/', ':']).next().unwrap_or(word);
            registry(name)
        }
    }
}

/// The name before and the version behind the `@` that is not the first letter.
fn version(word: &str) -> Option<(&str, &str)> {
    let at = word.get(1..)?.find('@')? + 1;
    Some((&word[..at], &word[at + 1..]))
}

/// Where an address or a path leads; nothing for a name.
fn place(style: Style, word: &str) -> Option<&'static str> {
    const GIT: &[&str] = &[
        "git+",
        "git:",
        "git@",
        "ssh:",
        "hg+",
        "svn+",
        "bzr+",
        "github:",
        "gitlab:",
        "bitbucket:",
        "gist:",
    ];
    const HERE: &[&str] = &["file:", "link:", "portal:", "workspace:", ".", "/", "~"];
    const ARCHIVES: &[&str] =
        &[".deb", ".egg", ".gem", ".tar", ".tar.bz2", ".tar.gz", ".tar.xz", ".tgz", ".whl", ".zip"];
    let begins = |beginnings: &[&str]| beginnings.iter().any(|begin| word.starts_with(begin));
    if begins(GIT) {
        return Some("git");
    }
    if begins(&["http:", "https:"]) {
        let address = word.split(['#', '?']).next().unwrap_or(word);
        return Some(if address.ends_with(".git") { "git" } else { "url" });
    }
    let archive = ARCHIVES.iter().any(|end| word.ends_with(end));
    if begins(HERE) || (archive && !word.contains('@')) {
        return Some("path");
    }
    match style {
        // A folder, whatever it is called; a user's repository at GitHub.
        Style::Python if word.split([';', '@']).next()?.contains('/') => Some("path"),
        Style::Npm if !word.starts_with('@') && word.contains('/') && version(word).is_none() => {
            Some("git")
        }
        _ => None,
    }
}

/// An address without the user's name and password; a path as it is.
pub(super) fn address(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

/// The host of a registry's address, or the name it is called by. Go's lists and Cargo's protocols are
/// several addresses in one word.
pub(super) fn registries(word: &str) -> impl Iterator<Item = String> {
    word.split([',', '|', ' ']).filter(|one| !one.is_empty()).map(|one| {
        // `name=https://...` gives an index a name.
        let address = match (one.find('='), one.find("://")) {
            (Some(equals), Some(scheme)) if equals < scheme => &one[equals + 1..],
            _ => one,
        };
        if address.contains("://") { host(address.as_bytes()) } else { address.to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages() {
        for (style, word, name, source) in [
            (Style::Npm, "lodash", "lodash", "registry"),
            (Style::Npm, "lodash@^4", "lodash", "registry"),
            (Style::Npm, "@types/node", "@types/node", "registry"),
            (Style::Npm, "@types/node@20", "@types/node", "registry"),
            (Style::Npm, "mine@npm:lodash@4", "lodash", "registry"),
            (Style::Npm, "mine@file:../x", "mine", "path"),
            (Style::Npm, "mine@github:a/b", "mine", "git"),
            (Style::Npm, "mine@https://x.example/a.tgz", "mine", "url"),
            (Style::Npm, "expressjs/express", "expressjs/express", "git"),
            (Style::Npm, "./pkg", "./pkg", "path"),
            (Style::Npm, "a-1.0.0.tgz", "a-1.0.0.tgz", "path"),
            (Style::Npm, "https://u:p@x.example/a.tgz", "https://x.example/a.tgz", "url"),
            (Style::Python, "requests", "requests", "registry"),
            (Style::Python, "requests[socks]>=2,<3", "requests", "registry"),
            (Style::Python, "requests==2.31.0", "requests", "registry"),
            (Style::Python, "a ; python_version < '3'", "a", "registry"),
            (Style::Python, "a @ https://x.example/a.whl", "a", "url"),
            (Style::Python, "a@git+https://x.example/a", "a", "git"),
            (
                Style::Python,
                "git+ssh://git@x.example/a.git@v1",
                "git+ssh://x.example/a.git@v1",
                "git",
            ),
            (Style::Python, ".[dev]", ".[dev]", "path"),
            (Style::Python, "folder/a", "folder/a", "path"),
            (Style::Python, "a-1-py3-none-any.whl", "a-1-py3-none-any.whl", "path"),
            (Style::At, "ripgrep@14", "ripgrep", "registry"),
            (Style::At, "golang.org/x/tools/gopls@latest", "golang.org/x/tools/gopls", "registry"),
            (Style::At, "./...", "./...", "path"),
            (Style::Colon, "rails:7.1", "rails", "registry"),
            (Style::Colon, "a-1.gem", "a-1.gem", "path"),
            (Style::Composer, "vendor/name:^2", "vendor/name", "registry"),
            (Style::Apt, "nginx=1.22", "nginx", "registry"),
            (Style::Apt, "libc6:i386", "libc6", "registry"),
            (Style::Apt, "./a.deb", "./a.deb", "path"),
        ] {
            assert_eq!(read(style, word), Spec { name: name.to_owned(), source }, "{word}");
        }
    }

    #[test]
    fn registries_are_known_by_their_host() {
        for (word, hosts) in [
            ("https://u:p@npm.example.com:8443/x", "npm.example.com"),
            ("sparse+https://index.crates.io/", "index.crates.io"),
            ("https://a.example,direct", "a.example direct"),
            ("mine=https://a.example/simple", "a.example"),
            ("mine", "mine"),
        ] {
            assert_eq!(registries(word).collect::<Vec<_>>().join(" "), hosts, "{word}");
        }
    }
}
