//! The repository and the host that a call is about.
//!
//! Sources: `FromFullName` and `FromURL` in cli/cli's `internal/ghrepo` for the spellings of a
//! repository, `OverrideBaseRepo` in `pkg/cmdutil` for `--repo` and GH_REPO. In the `shared`
//! folders of `pkg/cmd/issue` and `pkg/cmd/pr`, an address given for a number overrides both.

use claw_policy::Action;

use super::Gh;
use crate::call::{Call, text};
use crate::grammar::cobra::Line;

/// Commands whose first word is the repository that they are about.
const BY_WORD: &[&str] = &[
    "extension install",
    "repo archive",
    "repo clone",
    "repo create",
    "repo delete",
    "repo edit",
    "repo fork",
    "repo set-default",
    "repo sync",
    "repo unarchive",
    "repo view",
];

/// Commands of the group `repo` that take `--repo` and GH_REPO as the other groups do.
const BY_OPTION: &[&str] = &["repo autolink", "repo deploy-key", "repo rename"];

/// Sets the repository and the host.
pub(super) fn aim(call: &Call<'_>, line: &Line<'_>, action: &mut Action) {
    let path = line.path.as_str();
    let option = ["issue-repo", "repo"]
        .into_iter()
        .find_map(|name| line.value(name).filter(|value| !value.is_empty()))
        .filter(|_| !path.starts_with("search "));
    let variable = call.var("GH_REPO").filter(|value| !value.is_empty());
    let words: Vec<&[u8]> = if path.starts_with("issue ") || path.starts_with("pr ") {
        line.words.iter().copied().filter(|word| is_address(word)).collect()
    } else {
        line.words.iter().copied().take(1).filter(|_| BY_WORD.contains(&path)).collect()
    };
    let outside = path.starts_with("repo ") && !BY_OPTION.iter().any(|own| path.starts_with(own));
    let named: Vec<&[u8]> = match (words.is_empty(), option.or(variable.filter(|_| !outside))) {
        (true, Some(repository)) => vec![repository],
        _ => words,
    };
    let mut repositories: Vec<String> = named.iter().map(|word| repository(word)).collect();
    repositories.dedup();
    match &repositories[..] {
        [repository] => action.set(Gh::REPOSITORY, repository.as_str()),
        [] => {}
        _ => action.set_opaque(Gh::REPOSITORY, "several repositories are named"),
    }
    let hostname = line.value("hostname").or_else(|| line.value("host"));
    let hostname = hostname.or(call.var("GH_HOST")).filter(|name| !name.is_empty());
    // The source of labels, and the variable if some version of the command may read it.
    let others = line.words.iter().copied().filter(|_| path == "label clone");
    let others = others.chain(variable.filter(|_| outside));
    let fallback = hostname.map(|name| text(name).to_ascii_lowercase());
    // A repository given to `gh api` fills its placeholders, and is not where the request goes.
    let places = named.iter().copied().filter(|_| path != "api").chain(others);
    let mut hosts: Vec<Option<String>> =
        places.map(|place| host(place).or_else(|| fallback.clone())).collect();
    if hosts.is_empty() || named.is_empty() {
        hosts.push(fallback.clone());
    }
    hosts.dedup();
    let codespace = path.starts_with("codespace ")
        && (fallback.is_some() || call.var("GITHUB_API_URL").is_some_and(|url| !url.is_empty()));
    match &hosts[..] {
        _ if codespace => {
            action.set_opaque(
                Gh::HOST,
                "which variable says where codespaces are depends on gh's version",
            );
        }
        [Some(host)] => action.set(Gh::HOST, host.as_str()),
        [None] | [] => {}
        _ => action.set_opaque(Gh::HOST, "several hosts are named"),
    }
}

fn is_address(word: &[u8]) -> bool {
    word.windows(3).any(|part| part == b"://")
}

/// The host of `HOST/OWNER/REPO`, of an address, or of git's `user@host:path`.
pub(super) fn host(word: &[u8]) -> Option<String> {
    let word = text(word);
    let authority = match word.split_once("://") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next()?,
        None if word.split('/').count() >= 3 => word.split('/').next()?,
        None => word.split_once(':').filter(|(head, _)| head.contains('@'))?.0,
    };
    let host = authority.rsplit('@').next()?;
    let host = if host.starts_with('[') { host } else { host.split(':').next()? };
    let host = host.to_ascii_lowercase();
    Some(host.strip_prefix("www.").unwrap_or(&host).to_owned())
}

/// `OWNER/NAME` of a repository in any spelling; the word itself if it names none.
fn repository(word: &[u8]) -> String {
    let word = text(word);
    let path = match word.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None if word.split('/').count() == 3 => word.split_once('/').map_or("", |(_, path)| path),
        None => match word.split_once(':') {
            Some((head, path)) if head.contains('@') => path,
            _ => &word,
        },
    };
    let path = path.split(['?', '#']).next().unwrap_or(path).trim_matches('/');
    let mut parts = path.splitn(3, '/');
    match (parts.next(), parts.next()) {
        (Some(owner), Some(name)) => {
            format!("{owner}/{}", name.strip_suffix(".git").unwrap_or(name))
        }
        _ => path.to_owned(),
    }
}
