//! What each of gh's commands does, by its path.
//!
//! Source: the manual of each command (`gh help reference`).

/// Commands that create, edit or remove nothing on GitHub; every other command writes or destroys.
const EFFECTS: &[(&str, &str)] = &[
    ("", "local"),
    ("actions", "local"),
    ("alias delete", "config"),
    ("alias import", "config"),
    ("alias list", "local"),
    ("alias set", "config"),
    ("api", "read"),
    ("attestation download", "download"),
    ("attestation inspect", "local"),
    ("attestation trusted-root", "read"),
    ("attestation verify", "read"),
    ("auth git-credential", "secret"),
    ("auth login", "config"),
    ("auth logout", "config"),
    ("auth refresh", "config"),
    ("auth setup-git", "config"),
    ("auth status", "read"),
    ("auth switch", "config"),
    ("auth token", "secret"),
    ("browse", "browser"),
    ("cache list", "read"),
    ("codespace code", "remote"),
    ("codespace cp", "remote"),
    ("codespace forward", "remote"),
    ("codespace jupyter", "remote"),
    ("codespace list", "read"),
    ("codespace logs", "remote"),
    ("codespace ports", "remote"),
    ("codespace ports forward", "remote"),
    ("codespace ssh", "remote"),
    ("codespace view", "read"),
    ("completion", "local"),
    ("config clear-cache", "local"),
    ("config get", "local"),
    ("config list", "local"),
    ("config set", "config"),
    ("extension browse", "program"),
    ("extension create", "program"),
    ("extension exec", "program"),
    ("extension install", "program"),
    ("extension list", "local"),
    ("extension remove", "program"),
    ("extension search", "read"),
    ("extension upgrade", "program"),
    ("gist clone", "checkout"),
    ("gist list", "read"),
    ("gist view", "read"),
    ("gpg-key list", "read"),
    ("help", "local"),
    ("issue list", "read"),
    ("issue status", "read"),
    ("issue view", "read"),
    ("label list", "read"),
    ("org list", "read"),
    ("pr checkout", "checkout"),
    ("pr checks", "read"),
    ("pr diff", "read"),
    ("pr list", "read"),
    ("pr status", "read"),
    ("pr view", "read"),
    ("project field-list", "read"),
    ("project item-list", "read"),
    ("project list", "read"),
    ("project view", "read"),
    ("release download", "download"),
    ("release list", "read"),
    ("release view", "read"),
    ("repo clone", "checkout"),
    ("repo credits", "read"),
    ("repo deploy-key list", "read"),
    ("repo garden", "read"),
    ("repo gitignore list", "read"),
    ("repo gitignore view", "read"),
    ("repo license list", "read"),
    ("repo license view", "read"),
    ("repo list", "read"),
    ("repo set-default", "config"),
    ("repo view", "read"),
    ("ruleset check", "read"),
    ("ruleset list", "read"),
    ("ruleset view", "read"),
    ("run download", "download"),
    ("run list", "read"),
    ("run view", "read"),
    ("run watch", "read"),
    ("search code", "read"),
    ("search commits", "read"),
    ("search issues", "read"),
    ("search prs", "read"),
    ("search repos", "read"),
    ("secret list", "read"),
    ("ssh-key list", "read"),
    ("status", "read"),
    ("variable get", "read"),
    ("variable list", "read"),
    ("version", "local"),
    ("workflow list", "read"),
    ("workflow view", "read"),
];

/// Groups, which print help when no sub-command is given.
const GROUPS: &[&str] = &[
    "alias",
    "attestation",
    "auth",
    "cache",
    "codespace",
    "config",
    "extension",
    "gist",
    "gpg-key",
    "issue",
    "label",
    "org",
    "pr",
    "project",
    "release",
    "repo",
    "repo deploy-key",
    "repo gitignore",
    "repo license",
    "ruleset",
    "run",
    "search",
    "secret",
    "ssh-key",
    "variable",
    "workflow",
];

/// The effect of a command of the table of options; none if the command is not known.
pub(super) fn effect(path: &str) -> Option<&'static str> {
    if let Ok(at) = EFFECTS.binary_search_by(|(known, _)| (*known).cmp(path)) {
        return Some(EFFECTS[at].1);
    }
    if GROUPS.contains(&path) {
        return Some("local");
    }
    let last = path.rsplit(' ').next()?;
    match last {
        "delete" | "delete-asset" | "field-delete" | "item-delete" => Some("destroy"),
        "add" | "archive" | "cancel" | "close" | "comment" | "copy" | "create" | "develop"
        | "disable" | "edit" | "enable" | "field-create" | "fork" | "item-add" | "item-archive"
        | "item-create" | "item-edit" | "link" | "lock" | "mark-template" | "merge" | "pin"
        | "ready" | "rebuild" | "rename" | "reopen" | "rerun" | "review" | "run" | "select"
        | "set" | "stop" | "sync" | "transfer" | "unarchive" | "unlink" | "unlock" | "unpin"
        | "update-branch" | "upload" | "visibility" | "clone" => Some("write"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_an_effect() {
        assert!(EFFECTS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for path in super::super::COMMANDS.paths() {
            assert!(effect(path).is_some(), "{path}");
        }
        assert_eq!(effect("pr merge"), Some("write"));
        assert_eq!(effect("repo delete"), Some("destroy"));
        assert_eq!(effect("frob"), None);
    }
}
