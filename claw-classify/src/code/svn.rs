//! Subversion, as a table of what each command does.
//!
//! Input: the call. Output: one action of the domain `code`.
//!
//! Source: `svn help`. Of its options only those are read that name a program or settings.
//!
//! Known gaps: settings of the repository and of the user, extensions and aliases are not read; a
//! command that the table does not have is opaque.

use claw_policy::Action;

use super::{done, opaque, row, variables, words};
use crate::call::{Call, text};
use crate::tool::Tool;

/// Subversion's row in the table of tools.
pub(crate) static TOOL: Tool =
    row("svn", &["svn"], "svn: E200009: ", 1, |context| vec![classify(context.call)]);

/// Subversion's commands with their other names.
const SVN_COMMANDS: &[(&[&str], &str)] = &[
    (&["add"], "local"),
    (&["auth"], "secret"),
    (&["blame", "praise", "annotate", "ann"], "read"),
    (&["cat"], "read"),
    (&["changelist", "cl"], "local"),
    (&["checkout", "co"], "fetch"),
    (&["cleanup"], "local"),
    (&["commit", "ci"], "push"),
    (&["copy", "cp"], "push"),
    (&["delete", "del", "remove", "rm"], "push"),
    (&["diff", "di"], "read"),
    (&["export"], "fetch"),
    (&["help", "?", "h"], "read"),
    (&["import"], "push"),
    (&["info"], "read"),
    (&["list", "ls"], "read"),
    (&["lock"], "push"),
    (&["log"], "read"),
    (&["merge"], "local"),
    (&["mergeinfo"], "read"),
    (&["mkdir"], "push"),
    (&["move", "mv", "rename", "ren"], "push"),
    (&["patch"], "local"),
    (&["propdel", "pdel", "pd"], "push"),
    (&["propedit", "pedit", "pe"], "push"),
    (&["propget", "pget", "pg"], "read"),
    (&["proplist", "plist", "pl"], "read"),
    (&["propset", "pset", "ps"], "push"),
    (&["relocate"], "config"),
    (&["resolve"], "local"),
    (&["resolved"], "local"),
    (&["revert"], "local"),
    (&["status", "stat", "st"], "read"),
    (&["switch", "sw"], "fetch"),
    (&["unlock"], "push"),
    (&["update", "up"], "fetch"),
    (&["upgrade"], "local"),
];

/// Commands that change only the work copy unless an operand is an address.
const SVN_HERE: &[&str] = &["copy", "delete", "mkdir", "move", "propdel", "propedit", "propset"];

pub(super) fn classify(call: &Call<'_>) -> Action {
    const PROGRAMS: &[&[u8]] =
        &[b"--config-dir", b"--config-option", b"--diff-cmd", b"--diff3-cmd", b"--editor-cmd"];
    let mut programs = variables(call, &["SVN_EDITOR", "SVN_SSH", "SVN_MERGE", "VISUAL", "EDITOR"]);
    for word in words(call) {
        let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
        if PROGRAMS.contains(&name) {
            programs.push(text(name).into_owned());
        }
    }
    let Some(word) = call.argv.get(1) else { return done(call, "help", "read", programs) };
    if matches!(*word, b"--version" | b"--help" | b"-h") {
        return done(call, "help", "read", programs);
    }
    let word = text(word);
    let found = SVN_COMMANDS.iter().find(|(names, _)| names.contains(&&*word));
    let Some((names, effect)) = found else {
        return opaque(
            call,
            format!("`svn {word}` is no command that is known, or not the first word"),
        );
    };
    let remote = call
        .argv
        .iter()
        .any(|arg| arg.windows(3).any(|part| part == b"://") || arg.starts_with(b"^"));
    let effect = if SVN_HERE.contains(&names[0]) && !remote { "local" } else { effect };
    done(call, names[0], effect, programs)
}
