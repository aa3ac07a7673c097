//! psql's backslash commands, each with a class.
//!
//! Source: `exec_command` in PostgreSQL's `src/bin/psql/command.c`, releases 15 to 18. A command
//! that is not listed is opaque: psql may be newer than this table.

use super::copy;

/// The classes, and what they mean, as `psql.class` documents them.
pub(super) const CLASSES: &[&str] = &[
    "catalog",
    "connect",
    "control",
    "dynamic",
    "editor",
    "encoding",
    "environment",
    "file_read",
    "file_write",
    "inform",
    "interactive",
    "large_object",
    "program",
    "protocol",
    "query",
    "repeat",
    "role",
    "script",
    "variable",
];

/// Commands whose class does not depend on their arguments.
static COMMANDS: &[(&str, &str)] = &[
    ("?", "inform"),
    ("C", "inform"),
    ("H", "inform"),
    ("T", "inform"),
    ("a", "inform"),
    ("bind", "protocol"),
    ("bind_named", "protocol"),
    ("c", "connect"),
    ("cd", "environment"),
    ("close", "protocol"),
    ("close_prepared", "protocol"),
    ("connect", "connect"),
    ("conninfo", "inform"),
    ("copyright", "inform"),
    ("crosstabview", "query"),
    ("e", "editor"),
    ("echo", "inform"),
    ("edit", "editor"),
    ("ef", "editor"),
    ("elif", "control"),
    ("else", "control"),
    ("encoding", "encoding"),
    ("endif", "control"),
    ("endpipeline", "protocol"),
    ("errverbose", "inform"),
    ("ev", "editor"),
    ("f", "inform"),
    ("flush", "protocol"),
    ("flushrequest", "protocol"),
    ("gdesc", "query"),
    ("getenv", "environment"),
    ("getresults", "protocol"),
    ("gexec", "dynamic"),
    ("gset", "dynamic"),
    ("h", "inform"),
    ("help", "inform"),
    ("html", "inform"),
    ("i", "script"),
    ("if", "control"),
    ("include", "script"),
    ("include_relative", "script"),
    ("ir", "script"),
    ("l", "catalog"),
    ("l+", "catalog"),
    ("list", "catalog"),
    ("list+", "catalog"),
    ("lx", "catalog"),
    ("l+x", "catalog"),
    ("lx+", "catalog"),
    ("lo_export", "large_object"),
    ("lo_import", "large_object"),
    ("lo_list", "catalog"),
    ("lo_list+", "catalog"),
    ("lo_unlink", "large_object"),
    ("p", "inform"),
    ("parse", "protocol"),
    ("password", "role"),
    ("print", "inform"),
    ("prompt", "interactive"),
    ("pset", "inform"),
    ("q", "inform"),
    ("qecho", "inform"),
    ("quit", "inform"),
    ("r", "inform"),
    ("reset", "inform"),
    ("restrict", "control"),
    ("sendpipeline", "protocol"),
    ("set", "variable"),
    ("setenv", "environment"),
    ("sf", "catalog"),
    ("sf+", "catalog"),
    ("startpipeline", "protocol"),
    ("sv", "catalog"),
    ("sv+", "catalog"),
    ("syncpipeline", "protocol"),
    ("t", "inform"),
    ("timing", "inform"),
    ("unrestrict", "control"),
    ("unset", "variable"),
    ("warn", "inform"),
    ("watch", "repeat"),
    ("x", "inform"),
    ("z", "catalog"),
    ("zS", "catalog"),
    ("zx", "catalog"),
    ("zSx", "catalog"),
    ("zxS", "catalog"),
];

/// A backslash command, split in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meta<'a> {
    /// The name, without the backslash.
    pub(super) name: &'a str,
    /// Everything after the name.
    pub(super) arguments: &'a str,
}

/// The class of a command, or why it cannot be told.
pub(super) fn class(meta: Meta<'_>) -> Result<&'static str, String> {
    // A backquote runs a shell command while the arguments are read, whatever the command does with
    // the result. Inside single quotes it would be plain text; to be safe, that makes no difference
    // here.
    if meta.arguments.contains('`') {
        return Ok("program");
    }
    let target = meta.arguments.trim_start();
    Ok(match meta.name {
        "!" => "program",
        "o" | "out" | "g" | "gx" | "w" | "write" if pipes(target) => "program",
        "g" | "gx" if options_end(target).is_empty() => "query",
        "o" | "out" if target.is_empty() => "inform",
        "g" | "gx" | "o" | "out" | "w" | "write" => "file_write",
        "s" if target.is_empty() => "inform",
        "s" => "file_write",
        // Only `\copy` is compared without regard to case.
        name if name.eq_ignore_ascii_case("copy") => copy::class(target),
        name if name.starts_with('d') => "catalog",
        name => match COMMANDS.iter().find(|(known, _)| *known == name) {
            Some((_, class)) => class,
            None => return Err(format!("psql meta-command `\\{name}` is not known")),
        },
    })
}

/// Whether a file name argument starts a program. A variable may hold the bar.
fn pipes(target: &str) -> bool {
    options_end(target).trim_start_matches(['\'', '"']).starts_with(['|', ':'])
}

/// What follows the parenthesised options of `\g (format=csv) FILE`.
fn options_end(target: &str) -> &str {
    let Some(options) = target.strip_prefix('(') else { return target };
    options.split_once(')').map_or("(", |(_, rest)| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::super::slash::name_end;
    use super::*;

    fn cut(text: &str) -> Meta<'_> {
        let (name, arguments) = text.split_at(name_end(text));
        Meta { name, arguments }
    }

    #[test]
    fn classes() {
        for (text, expected) in [
            ("d users", "catalog"),
            ("dt+ public.*", "catalog"),
            ("! id", "program"),
            ("echo `id`", "program"),
            ("echo id", "inform"),
            ("g", "query"),
            ("g |sh", "program"),
            ("g (format=csv) |sh", "program"),
            ("g (format=csv)", "query"),
            ("gx '|sh'", "program"),
            ("g :x", "program"),
            ("g out.txt", "file_write"),
            ("o", "inform"),
            ("o |cat", "program"),
            ("w x", "file_write"),
            ("COPY t to program 'x'", "program"),
            ("copy t from 'x'", "file_read"),
            ("copyright", "inform"),
            ("conninfo", "inform"),
            ("lo_import x", "large_object"),
            ("gexec", "dynamic"),
        ] {
            assert_eq!(class(cut(text)), Ok(expected), "{text}");
        }
        assert_eq!(class(cut("!id")).unwrap_err(), "psql meta-command `\\!id` is not known");
        assert_eq!(class(cut("")).unwrap_err(), "psql meta-command `\\` is not known");
        assert_eq!(
            class(cut("frobnicate")).unwrap_err(),
            "psql meta-command `\\frobnicate` is not known"
        );
    }

    #[test]
    fn every_class_is_documented() {
        for (name, class) in COMMANDS {
            assert!(CLASSES.contains(class), "{name}: {class}");
        }
    }
}
