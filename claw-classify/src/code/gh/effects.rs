//! What each of gh's commands does, by its path.
//!
//! Source: the manual of each command (`gh help reference`).

use crate::grammar::subcommands::Commands;

/// Commands that create, edit or remove nothing on GitHub, and groups of commands; every other command writes or
/// destroys.
const EFFECTS: Commands = Commands(include_str!("effects.tsv"));

/// The effect of a command of the table of options; none if the command is not known.
pub(super) fn effect(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("local");
    }
    if let Some(row) = EFFECTS.row(path) {
        return Some(row.effect);
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
        assert!(EFFECTS.rows().is_sorted_by_key(|row| format!("{}\t", row.path)));
        for path in super::super::COMMANDS.paths() {
            assert!(effect(path).is_some(), "{path}");
        }
        assert_eq!(effect("pr merge"), Some("write"));
        assert_eq!(effect("repo delete"), Some("destroy"));
        assert_eq!(effect("frob"), None);
    }
}
