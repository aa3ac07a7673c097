//! Row limits, put into the text of a statement.
//!
//! Input: a text and, for some of its statements, a number of rows. Output: the text with a limit
//! in each of those. Only the limit is written: every other byte stays, comments included. The
//! result is parsed again and must be the same statements except for the limits.

use std::ops::Range;

use pg_query::protobuf::{ScanToken, Token};

use super::postgres::Rows;
use super::texts::Texts;

/// A place in a text, and the words to write there.
pub(crate) type Edit = (Range<usize>, String);

/// Where and how `text` changes to give each statement that `limits` names, by its place from 0, at
/// most that many rows; in the order of the places. `texts` knows the trees
/// of what was read before. A literal limit stays, whatever its size, so
/// that doing it twice changes nothing further.
///
/// # Errors
/// If a statement is no query, or the limit cannot be placed with certainty.
pub(crate) fn limits(
    text: &str,
    limits: &[(usize, u64)],
    texts: &Texts,
) -> Result<Vec<Edit>, String> {
    let parsed = texts.parsed(text);
    let before = parsed.queries()?;
    if before.is_empty() {
        return Err("there is no such statement".to_owned());
    }
    // A text with a statement has words: pg_query must not be asked for the words of an empty one.
    let tokens = pg_query::scan_tokens(text)
        .map_err(|error| format!("the statement cannot be split into words: {error}"))?;
    let mut changes: Vec<(Edit, usize, u64)> = Vec::new();
    for &(index, rows) in limits {
        let query = before.get(index).ok_or("there is no such statement")?;
        let edit = match query.rows() {
            Rows::Literal => continue,
            Rows::Unlimited => {
                let end = last_word(&tokens, &query.span).ok_or("the statement has no words")?;
                (end..end, format!(" LIMIT {rows}"))
            }
            Rows::Computed => {
                let old = limit_words(&tokens, &query.span)
                    .ok_or("the place of the limit in the text is not clear")?;
                (old, format!(" {rows}"))
            }
            Rows::None => return Err("the statement is no query that returns rows".to_owned()),
        };
        changes.push((edit, index, rows));
    }
    changes.sort_by_key(|((place, _), ..)| place.start);
    let limited = write(text, changes.iter().map(|(edit, ..)| edit))?;
    let parsed = texts.parsed(&limited);
    let after = parsed.queries()?;
    let same = before.len() == after.len()
        && before.iter().zip(after).enumerate().all(|(index, (before, after))| {
            match changes.iter().find(|(_, changed, _)| *changed == index) {
                Some((_, _, rows)) => after.is_limited_copy(before, *rows),
                None => after.tree == before.tree,
            }
        });
    match same {
        true => Ok(changes.into_iter().map(|(edit, ..)| edit).collect()),
        false => Err("the limit would change more than the limit".to_owned()),
    }
}

/// Writes edits into a text. The edits are in the order of their places.
fn write<'a>(text: &str, edits: impl Iterator<Item = &'a Edit>) -> Result<String, String> {
    let mut written = String::with_capacity(text.len() + 16);
    let mut copied = 0;
    for (place, words) in edits {
        let kept = text.get(copied..place.start).ok_or("the limit falls inside a character")?;
        written.push_str(kept);
        written.push_str(words);
        copied = place.end;
    }
    written.push_str(text.get(copied..).ok_or("the limit falls inside a character")?);
    Ok(written)
}

/// `text` with its row limits.
#[cfg(test)]
pub(super) fn limit_rows(text: &str, rows: &[(usize, u64)]) -> Result<String, String> {
    write(text, limits(text, rows, &Texts::default())?.iter())
}

fn is_comment(token: &ScanToken) -> bool {
    [Token::SqlComment, Token::CComment].iter().any(|&comment| token.token == comment as i32)
}

fn is(token: &ScanToken, kinds: &[Token]) -> bool {
    kinds.iter().any(|&kind| token.token == kind as i32)
}

/// The words of a statement, without comments, each with its place.
fn words(
    tokens: &[ScanToken],
    span: &Range<usize>,
) -> impl Iterator<Item = (ScanToken, Range<usize>)> {
    tokens.iter().filter(|token| !is_comment(token)).filter_map(move |token| {
        let place = usize::try_from(token.start).ok()?..usize::try_from(token.end).ok()?;
        (span.start <= place.start && place.end <= span.end).then_some((*token, place))
    })
}

/// Where the last word of a statement ends.
fn last_word(tokens: &[ScanToken], span: &Range<usize>) -> Option<usize> {
    let last = words(tokens, span).filter(|(token, _)| !is(token, &[Token::Ascii59])).last();
    last.map(|(_, place)| place.end)
}

/// The words between LIMIT and the next clause, or between FETCH FIRST and ROWS. Only the outermost
/// brackets that hold one of the two count, since an inner query's are deeper.
fn limit_words(tokens: &[ScanToken], span: &Range<usize>) -> Option<Range<usize>> {
    let mut depth = 0_usize;
    let words: Vec<(ScanToken, Range<usize>, usize)> = words(tokens, span)
        .map(|(token, place)| {
            if is(&token, &[Token::Ascii41]) {
                depth = depth.saturating_sub(1);
            }
            let own = depth;
            if is(&token, &[Token::Ascii40]) {
                depth += 1;
            }
            (token, place, own)
        })
        .collect();
    let clause = |(token, _, _): &&(ScanToken, Range<usize>, usize)| {
        is(token, &[Token::Limit, Token::Fetch])
    };
    let outermost = words.iter().filter(clause).map(|(_, _, depth)| *depth).min()?;
    let at = words.iter().position(|word| clause(&word) && word.2 == outermost)?;
    let fetch = is(&words[at].0, &[Token::Fetch]);
    // `FETCH FIRST n ROWS`: the number follows FIRST or NEXT.
    let first = if fetch { at + 2 } else { at + 1 };
    let ends: &[Token] = if fetch {
        &[Token::Row, Token::Rows]
    } else {
        &[Token::Offset, Token::For, Token::Ascii59]
    };
    let length = words[first..]
        .iter()
        .position(|(token, _, depth)| match is(token, &[Token::Ascii41]) {
            // A bracket that was opened outside.
            true => *depth < outermost,
            false => is(token, ends) && *depth == outermost,
        })
        .unwrap_or(words.len() - first);
    let last = words.get(first + length.checked_sub(1)?)?;
    Some(words[first - 1].1.end..last.1.end)
}
