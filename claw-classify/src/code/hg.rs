//! Mercurial, as a table of what each command does.
//!
//! Input: the call. Output: one action of the domain `code`.
//!
//! Source: `hg help`. Of its options only those are read that name a program or settings.
//!
//! Known gaps: settings of the repository and of the user, extensions and aliases are not read; a
//! command that the table does not have is opaque.

use claw_policy::Action;

use super::{done, opaque, row, variables, words};
use crate::call::{Call, text};
use crate::tool::Tool;

/// Mercurial's row in the table of tools.
pub(crate) static TOOL: Tool =
    row("hg", &["hg", "chg"], "abort: ", 255, |context| vec![classify(context.call)]);

/// Mercurial's commands. Any of them may be abbreviated.
const HG_COMMANDS: &[(&str, &str)] = &[
    ("add", "local"),
    ("addremove", "local"),
    ("annotate", "read"),
    ("archive", "local"),
    ("backout", "local"),
    ("bisect", "program"),
    ("blame", "read"),
    ("bookmarks", "local"),
    ("branch", "local"),
    ("branches", "read"),
    ("bundle", "local"),
    ("cat", "read"),
    ("checkout", "local"),
    ("clone", "fetch"),
    ("commit", "local"),
    ("config", "read"),
    ("copy", "local"),
    ("diff", "read"),
    ("export", "read"),
    ("files", "read"),
    ("forget", "local"),
    ("graft", "local"),
    ("grep", "read"),
    ("heads", "read"),
    ("help", "read"),
    ("history", "read"),
    ("identify", "fetch"),
    ("import", "local"),
    ("incoming", "fetch"),
    ("init", "local"),
    ("locate", "read"),
    ("log", "read"),
    ("manifest", "read"),
    ("merge", "local"),
    ("move", "local"),
    ("mv", "local"),
    ("outgoing", "fetch"),
    ("parents", "read"),
    ("paths", "read"),
    ("phase", "local"),
    ("pull", "fetch"),
    ("push", "push"),
    ("recover", "local"),
    ("remove", "local"),
    ("rename", "local"),
    ("resolve", "local"),
    ("revert", "local"),
    ("rm", "local"),
    ("rollback", "local"),
    ("root", "read"),
    ("serve", "serve"),
    ("shelve", "local"),
    ("status", "read"),
    ("summary", "read"),
    ("tag", "local"),
    ("tags", "read"),
    ("tip", "read"),
    ("unbundle", "local"),
    ("unshelve", "local"),
    ("update", "local"),
    ("verify", "read"),
    ("version", "read"),
];

/// Short names that Mercurial gives its commands, some of which would be ambiguous abbreviations.
const HG_ALIASES: &[(&str, &str)] = &[
    ("ci", "commit"),
    ("co", "checkout"),
    ("cp", "copy"),
    ("di", "diff"),
    ("id", "identify"),
    ("in", "incoming"),
    ("out", "outgoing"),
    ("st", "status"),
    ("sum", "summary"),
    ("up", "update"),
];

pub(super) fn classify(call: &Call<'_>) -> Action {
    let mut programs =
        variables(call, &["HGEDITOR", "HGMERGE", "HGRCPATH", "VISUAL", "EDITOR", "PAGER"]);
    let mut command = None;
    let mut given = words(call);
    while let Some(word) = given.next() {
        let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
        // Options may be abbreviated, and these start programs or bring settings that can.
        let program = [
            ("--config", 4),
            ("--ssh", 4),
            ("--remotecmd", 6),
            ("--tool", 4),
            ("--command", 6),
            ("--editor", 4),
            ("--debugger", 7),
        ]
        .iter()
        .find(|(full, least)| name.len() >= *least && full.as_bytes().starts_with(name));
        if let Some((full, _)) = program {
            programs.push((*full).to_owned());
        } else if word.starts_with(b"-e") && !word.starts_with(b"--") && word.len() <= 2 {
            programs.push("-e".to_owned());
        }
        if command.is_some() {
            continue;
        }
        if matches!(
            word,
            b"-R"
                | b"--repository"
                | b"--cwd"
                | b"--encoding"
                | b"--encodingmode"
                | b"--color"
                | b"--pager"
                | b"--config"
        ) {
            given.next();
        } else if !word.starts_with(b"-") {
            command = Some(word);
        }
    }
    let Some(word) = command else { return done(call, "help", "read", programs) };
    let word = text(word);
    let aliased =
        HG_ALIASES.iter().find(|(alias, _)| *alias == word).map_or(&*word, |(_, full)| full);
    let exact = HG_COMMANDS.iter().find(|(name, _)| *name == aliased);
    let mut abbreviated = HG_COMMANDS.iter().filter(|(name, _)| name.starts_with(aliased));
    let found = exact.or_else(|| abbreviated.next().filter(|_| abbreviated.next().is_none()));
    let Some((name, effect)) = found else {
        return opaque(call, format!("`hg {word}` is no command that is known"));
    };
    let bisects = words(call).any(|word| word.starts_with(b"-c") || word.starts_with(b"--co"));
    let effect = if *name == "bisect" && !bisects { "local" } else { effect };
    done(call, name, effect, programs)
}
