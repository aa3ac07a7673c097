//! What is wrong with a policy file, as plain data: the caller renders it.

use std::fmt;
use std::ops::Range;

/// One mistake in a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// The bytes of the file that are wrong.
    pub span: Range<usize>,
    /// The line of the first of them, from 1.
    pub line: usize,
    /// The column of the first of them, in characters from 1.
    pub column: usize,
    /// A few words to put under the span.
    pub label: String,
    /// What to do about it, if there is advice.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    /// `LINE:COLUMN: MESSAGE; HELP`, where there is no room to show the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Where a byte of `source` stands: its line and its column in characters, both from 1.
#[must_use]
pub fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = &source.as_bytes()[..offset.min(source.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    // A byte that does not continue a character starts one.
    let column = before[line_start..].iter().filter(|byte| (**byte & 0xC0) != 0x80).count() + 1;
    (line, column)
}

/// The candidate that `name` was most likely meant to be, if one is similar enough.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let known = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&folded, &known);
            // Up to a third of the letters may be wrong, so in a name of one or two letters only the case. A
            // plural or a truncated name is similar too.
            let near = distance <= known.chars().count() / 3;
            let (short, long) =
                if known.len() < folded.len() { (&known, &folded) } else { (&folded, &known) };
            let part = short.len() > 2 && long.starts_with(short.as_str());
            (near || part).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `` `a`, `b` or `c` ``.
pub(crate) fn alternatives<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{alternatives, nearest, position};

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = "a\nßb\n";
        assert_eq!(position(source, 0), (1, 1));
        assert_eq!(position(source, 2), (2, 1));
        assert_eq!(position(source, 4), (2, 2));
        assert_eq!(position(source, 6), (3, 1));
        assert_eq!(position(source, 99), (3, 1));
    }

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(nearest("efect", ["effect", "limited"]), Some("effect"));
        assert_eq!(nearest("Effect", ["effect"]), Some("effect"));
        assert_eq!(nearest("matches", ["id", "match"]), Some("match"));
        assert_eq!(nearest("lim", ["effect", "limited"]), Some("limited"));
        assert_eq!(nearest("colour", ["effect", "limited"]), None);
        assert_eq!(nearest("to", ["id"]), None);
    }

    #[test]
    fn alternatives_read_as_a_sentence() {
        assert_eq!(alternatives(["a"]), "`a`");
        assert_eq!(alternatives(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
