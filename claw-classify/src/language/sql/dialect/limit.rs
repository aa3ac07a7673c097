//! Row limits, put into the text of MySQL's, SQLite's and ClickHouse's queries.

use std::ops::Range;

use sqlparser::ast::{LimitClause, Statement as Tree};

use super::words::{Kind, Word};
use super::{Dialect, limited, parse, pieces, span, words};

/// Gives each statement of `text` that `limits` names, by its place from 0, at most that many rows. A
/// literal limit stays.
///
/// # Errors
/// When a statement is no query, or the limit would change more than the limit.
pub(crate) fn limit_rows(
    dialect: Dialect,
    text: &str,
    limits: &[(usize, u64)],
) -> Result<String, String> {
    let all = words(dialect, text)?;
    let pieces: Vec<Range<usize>> = pieces(&all).collect();
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for &(index, rows) in limits {
        let piece = pieces.get(index).ok_or("there is no such statement")?;
        let piece = &all[piece.clone()];
        let own = span(piece);
        let Tree::Query(before) = parse(dialect, &text[own.clone()])? else {
            return Err("the statement is no query".to_owned());
        };
        if limited(dialect, &before).0 {
            continue;
        }
        if let Some(LimitClause::LimitOffset { limit_by, .. }) = &before.limit_clause
            && !limit_by.is_empty()
        {
            return Err("a limit for each value leaves no place for another".to_owned());
        }
        // ClickHouse's last clauses stand behind the limit.
        let piece = &piece[..last_clauses(dialect, text, piece)];
        let end = span(piece).end;
        let (place, words) = match count_words(text, piece) {
            Some(place) => (place, rows.to_string()),
            None => (end..end, format!(" LIMIT {rows}")),
        };
        let mut changed = text[own.clone()].to_owned();
        changed.replace_range(place.start - own.start..place.end - own.start, &words);
        let Tree::Query(mut after) = parse(dialect, &changed)? else {
            return Err("the limit would change more than the limit".to_owned());
        };
        let is = limited(dialect, &after);
        let mut before = before;
        before.limit_clause = None;
        after.limit_clause = None;
        if is != (true, i64::try_from(rows).ok()) || before != after {
            return Err("the limit would change more than the limit".to_owned());
        }
        changes.push((place, words));
    }
    changes.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut limited = text.to_owned();
    for (place, words) in changes {
        limited.replace_range(place, &words);
    }
    Ok(limited)
}

/// Where ClickHouse's SETTINGS and FORMAT begin, or the end.
fn last_clauses(dialect: Dialect, text: &str, piece: &[Word]) -> usize {
    let mut depth = 0_usize;
    let mut found = piece.len();
    for (at, word) in piece.iter().enumerate() {
        match &text[word.place.clone()] {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let named = piece.get(at + 1).is_some_and(|next| next.kind == Kind::Bare);
        if depth == 0 && named && matches!(word.bare(text).as_str(), "format" | "settings") {
            found = found.min(at);
        }
    }
    if dialect == Dialect::ClickHouse { found } else { piece.len() }
}

/// The words between the outermost LIMIT and the next clause; after the comma of `LIMIT offset, count`.
fn count_words(text: &str, piece: &[Word]) -> Option<Range<usize>> {
    let spelled = |word: &Word| &text[word.place.clone()];
    let mut depth = 0_usize;
    let mut start = None;
    let mut end = piece.len();
    for (at, word) in piece.iter().enumerate() {
        match spelled(word) {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 && start.is_some() => start = Some(at + 1),
            _ => {}
        }
        if depth == 0 && word.kind == Kind::Bare {
            match word.bare(text).as_str() {
                "limit" => (start, end) = (Some(at + 1), piece.len()),
                "offset" if start.is_some() => end = end.min(at),
                _ => {}
            }
        }
    }
    let count = piece.get(start?..end)?;
    (!count.is_empty()).then(|| span(count))
}
