//! What each of git's commands does, by its name.
//!
//! Sources: git(1) and the manual page of each command; `command-list.txt`.

use crate::grammar::subcommands::Commands;

/// Commands and their effect, and sub-commands whose effect differs from their command's. A command that is not here is
/// an alias or a program called `git-COMMAND`, which git starts as a child.
const EFFECTS: Commands = Commands(include_str!("commands.tsv"));

/// Commands whose first word names a sub-command that changes what they do.
const PARENTS: &[&str] = &[
    "bisect",
    "bundle",
    "credential",
    "maintenance",
    "notes",
    "p4",
    "reflog",
    "remote",
    "sparse-checkout",
    "stash",
    "submodule",
    "submodule--helper",
    "subtree",
    "svn",
    "worktree",
];

/// The effect of a command, or none if git itself has no such command. A blank in its name is no part of a path.
pub(super) fn effect(command: &str) -> Option<&'static str> {
    if command.contains(' ') { None } else { child_effect(command) }
}

/// The effect of the path of a command and its sub-command, if the table has it.
pub(super) fn child_effect(path: &str) -> Option<&'static str> {
    EFFECTS.row(path).map(|row| row.effect)
}

/// Whether the first word after the command is a sub-command.
pub(super) fn has_children(command: &str) -> bool {
    PARENTS.contains(&command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_agrees_with_the_parents() {
        let paths: Vec<&str> = EFFECTS.rows().map(|row| row.path).collect();
        assert!(paths.is_sorted_by_key(|path| format!("{path}\t")));
        for (parent, _) in paths.iter().filter_map(|path| path.split_once(' ')) {
            assert!(has_children(parent), "{parent}");
        }
        assert_eq!(effect("stash"), Some("local"));
        assert_eq!(effect("frob"), None);
        assert_eq!(effect("remote add"), None);
        assert_eq!(child_effect("remote add"), Some("remote"));
    }
}
