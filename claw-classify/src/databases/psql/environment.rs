//! What the environment makes psql and libpq do.
//!
//! Source: the manual's section on libpq's environment variables, and `src/bin/psql` for `PSQLRC`,
//! the pagers and the editors.

use super::connection::{encoding, settings};
use super::fact;
use super::plan::Step;
use crate::call::{Call, excerpt, text};
use crate::grammar::getopt::Located;
use crate::language::sql;

/// The service files, server settings, pagers and editors that the environment names.
pub(super) fn steps(
    call: &Call<'_>,
    commands: &[(bool, Located<'_>)],
    session: &mut sql::Session,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut environment = |name: &str, class: &str, value: &[u8]| {
        let said = format!("{name}={}", excerpt(&text(value)));
        steps.push(Step::from(fact("environment", name, class, said)));
    };
    for name in ["PGSERVICE", "PGSERVICEFILE"] {
        if let Some(value) = call.var(name) {
            environment(name, "connect", value);
        }
    }
    for name in ["PSQL_PAGER", "PAGER", "PSQL_WATCH_PAGER"] {
        if let Some(value) = call.var(name).filter(|value| !is_plain_pager(value)) {
            environment(name, "program", value);
        }
    }
    // Only `\e` and similar commands start an editor, and they need an interactive session or a
    // script.
    let only_statements = !commands.is_empty()
        && commands.iter().all(|(is_file, value)| !is_file && !value.bytes.starts_with(b"\\e"));
    for name in ["PSQL_EDITOR", "EDITOR", "VISUAL"] {
        if let Some(value) = call.var(name).filter(|_| !only_statements) {
            environment(name, "editor", value);
        }
    }
    if let Some(key) = call.var("PGSSLKEY").filter(|key| key.contains(&b':')) {
        environment("PGSSLKEY", "program", key);
    }
    if let Some(file) = call.var("PGSSLKEYLOGFILE") {
        call.writes(file);
        environment("PGSSLKEYLOGFILE", "file_write", file);
    }
    if let Some(options) = call.var("PGOPTIONS") {
        steps.extend(settings(&text(options), "PGOPTIONS", session));
    }
    if let Some(value) = call.var("PGCLIENTENCODING") {
        steps.push(encoding(&text(value), session).into());
    }
    for (name, setting) in [("PGTZ", "timezone"), ("PGDATESTYLE", "datestyle"), ("PGGEQO", "geqo")]
    {
        if let Some(value) = call.var(name) {
            let value = text(value);
            steps.push(sql::setting(setting, Some(&value), format!("{name}={value}")).into());
        }
    }
    locale(call, session);
    steps
}

/// Options of pagers that change only what is shown; `-o`, `-O` and `-k` of less name files.
const HARMLESS: &[u8] = b"EFGIJKMNQRSWXacdefgimnqrsuw";

/// A pager that only shows text: a known program with plain options. Anything else is a command
/// line for a shell.
fn is_plain_pager(value: &[u8]) -> bool {
    let Ok(value) = str::from_utf8(value) else { return false };
    let mut words = value.split_ascii_whitespace();
    let known = match words.next() {
        None => true,
        Some(program) => {
            let base = program.strip_prefix("/usr/bin/").unwrap_or(program);
            let base = base.strip_prefix("/bin/").unwrap_or(base);
            ["cat", "less", "more", "most", "pspg"].contains(&base)
        }
    };
    known
        && words.all(|word| {
            word.strip_prefix('-')
                .is_some_and(|letters| letters.bytes().all(|letter| HARMLESS.contains(&letter)))
        })
}

/// On a terminal psql takes the client encoding from the locale (`client_encoding=auto`).
fn locale(call: &Call<'_>, session: &mut sql::Session) {
    if call.var("PGCLIENTENCODING").is_some() {
        return;
    }
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let Some(locale) =
        names.iter().filter_map(|name| call.var(name)).find(|value| !value.is_empty())
    else {
        return;
    };
    let locale = text(locale);
    if let Some((_, charset)) = locale.split_once('.') {
        let charset = charset.split('@').next().unwrap_or(charset);
        session.note("client_encoding", charset);
    }
}

#[cfg(test)]
mod tests {
    use super::is_plain_pager;

    #[test]
    fn pagers() {
        for plain in ["", "less", "less -SRFX", "/usr/bin/less", "more", "cat"] {
            assert!(is_plain_pager(plain.as_bytes()), "{plain}");
        }
        for other in [
            "sh -c id",
            "less; id",
            "less $(id)",
            "less -o/tmp/x",
            "less -ofile",
            "/tmp/less",
            "less +!id",
        ] {
            assert!(!is_plain_pager(other.as_bytes()), "{other}");
        }
    }
}
