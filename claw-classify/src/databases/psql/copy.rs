//! The statement that `\\copy` sends.
//!
//! Source: `parse_slash_copy` and `do_copy` in `src/bin/psql/copy.c`, releases 15 to 18. psql
//! writes `FROM STDIN` or `TO STDOUT` in place of the file or program, and leaves what comes before
//! and after it.

use super::plan::Step;
use super::scripts::Scripts;
use crate::language::sql;

impl Scripts<'_> {
    /// Judges the statement of a `\\copy` with these arguments. psql refuses one that is not read
    /// here.
    pub(super) fn copy(&mut self, arguments: &str) {
        match read(arguments) {
            Some(Copy { statement, .. }) => {
                let actions = sql::actions(statement.as_bytes(), &mut self.session);
                self.steps.extend(actions.into_iter().map(Step::from));
            }
            None => {
                self.unread(arguments, "the arguments of `\\copy` are not read");
            }
        }
    }
}

/// The class of a `\\copy` with these arguments; one that is not read could be anything.
pub(super) fn class(arguments: &str) -> &'static str {
    match read(arguments) {
        None | Some(Copy { program: true, .. }) => "program",
        Some(Copy { from: true, .. }) => "file_read",
        Some(Copy { from: false, .. }) => "file_write",
    }
}

/// The file that a `\\copy` with these arguments writes. Nobody knows one that is not read.
pub(super) fn output(arguments: &str) -> Result<Option<String>, ()> {
    let copy = read(arguments).ok_or(())?;
    Ok(copy.file.filter(|_| !copy.from))
}

/// A `\\copy` that was read.
struct Copy {
    statement: String,
    /// Whether the file or program gives the rows, or takes them.
    from: bool,
    program: bool,
    /// The file, without quotes; none for psql's own standard streams.
    file: Option<String>,
}

fn read(arguments: &str) -> Option<Copy> {
    let mut rest = arguments;
    let (mut before, mut depth) = (String::new(), 0_u32);
    let from = loop {
        let word = token(&mut rest, depth > 0)?;
        let ends = depth == 0 && !before.is_empty();
        if ends && (word.eq_ignore_ascii_case("from") || word.eq_ignore_ascii_case("to")) {
            break word.eq_ignore_ascii_case("from");
        }
        match word {
            "(" => depth += 1,
            ")" => depth = depth.checked_sub(1)?,
            _ => {}
        }
        before.extend([" ", word]);
    };
    let first = place(&mut rest)?;
    let program = first.eq_ignore_ascii_case("program");
    let stream = ["pstdin", "pstdout", "stdin", "stdout"]
        .iter()
        .any(|stream| first.eq_ignore_ascii_case(stream));
    let file = (!program && !stream).then(|| match first.strip_prefix('\'') {
        Some(quoted) => quoted.strip_suffix('\'').unwrap_or(quoted).replace("''", "'"),
        None => first.to_owned(),
    });
    if program {
        place(&mut rest)?;
    }
    let end = if from { "FROM STDIN" } else { "TO STDOUT" };
    Some(Copy { statement: format!("COPY {before} {end} {rest}"), from, program, file })
}

/// The next word: a delimiter, a quoted text, or anything up to one of those. Single quotes are
/// quotes only within parentheses.
fn token<'a>(rest: &mut &'a str, inside: bool) -> Option<&'a str> {
    let text = rest.trim_start_matches(SPACE);
    let first = text.chars().next()?;
    let delimits = |c: char| matches!(c, '(' | ')') || !inside && matches!(c, '.' | ',');
    let quotes = |c: char| c == '"' || inside && c == '\'';
    let length = if delimits(first) {
        1
    } else if quotes(first) {
        quoted(text, first)?
    } else {
        text.find(|c: char| SPACE.contains(&c) || delimits(c) || quotes(c)).unwrap_or(text.len())
    };
    let (word, after) = text.split_at(length);
    *rest = after;
    Some(word)
}

/// The next word, which names the file or the program.
fn place<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start_matches(SPACE);
    let length = match text.chars().next()? {
        '\'' => quoted(text, '\'')?,
        ';' => 1,
        _ => {
            text.find(|c: char| SPACE.contains(&c) || matches!(c, ';' | '\'')).unwrap_or(text.len())
        }
    };
    let (word, after) = text.split_at(length);
    *rest = after;
    Some(word)
}

const SPACE: &[char] = &[' ', '\t', '\n', '\r'];

/// The length of a quoted word, in which a doubled quote stands for one. None if it does not end,
/// or if a backslash may hide its end.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text[at..].find(quote)? + 1;
        if !text[at..].starts_with(quote) {
            break;
        }
        at += 1;
    }
    (!text[..at].contains('\\')).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_of_a_copy_is_rebuilt() {
        for (arguments, sent) in [
            (" t TO 'x'", Some("COPY  t TO STDOUT ")),
            (" t from x", Some("COPY  t FROM STDIN ")),
            (" t from program 'a b' csv", Some("COPY  t FROM STDIN  csv")),
            (" t to program'x'", Some("COPY  t TO STDOUT ")),
            (
                " s.t (a, b) from stdin (format csv)",
                Some("COPY  s . t ( a, b ) FROM STDIN  (format csv)"),
            ),
            (" \"from\" to x", Some("COPY  \"from\" TO STDOUT ")),
            (
                " (delete from t returning ') to ') to x",
                Some("COPY  ( delete from t returning ') to ' ) TO STDOUT "),
            ),
            (" (select 1) to 'a''b' header", Some("COPY  ( select 1 ) TO STDOUT  header")),
            (" (select 1 to x", None),
            (" t 'to' x", None),
            (" t to", None),
            ("", None),
        ] {
            let found = read(arguments).map(|copy| copy.statement);
            assert_eq!(found.as_deref(), sent, "{arguments}");
        }
    }

    #[test]
    fn classes() {
        for (arguments, expected) in [
            (" t TO 'x'", "file_write"),
            (" t from 'x'", "file_read"),
            (" (select 1) to 'x'", "file_write"),
            (" (delete from t returning *) to x", "file_write"),
            (" t to program 'x'", "program"),
            (" t to program'x'", "program"),
            (" t x", "program"),
        ] {
            assert_eq!(class(arguments), expected, "{arguments}");
        }
    }
}
