//! A checked-in table against the rows that an installed program gives.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// How an installed program differs from its table.
#[derive(Debug)]
pub(super) struct News {
    /// Rows that the table lacks.
    added: BTreeSet<String>,
    /// How many of the table's rows the program has, and how many there are.
    known: (usize, usize),
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty()
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (known, all) = self.known;
        write!(
            f,
            "{known} of {all} rows are of the installed release, {} are new",
            self.added.len()
        )?;
        self.added.iter().try_for_each(|row| write!(f, "\n  + {}", row.replace('\t', " ")))
    }
}

/// Compares the table at `path` with `rows`. The last `said` columns of a row describe the option that the
/// others name.
///
/// # Errors
/// If the program gives no rows, or describes an option differently than the table. In the second case two
/// releases differ in the meaning of a command line, and a person must decide which reading is safe.
pub(super) fn compare(path: &Path, rows: BTreeSet<String>, said: usize) -> Result<News> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let table: BTreeSet<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    if rows.len() * 2 < table.len() {
        bail!("the program gives {} rows where the table has {}", rows.len(), table.len());
    }
    let known = table.iter().filter(|row| rows.contains(**row)).count();
    let added: BTreeSet<String> =
        rows.into_iter().filter(|row| !table.contains(row.as_str())).collect();
    let name = |row: &str| row.rsplitn(said + 1, '\t').nth(said).map(str::to_owned);
    let names: BTreeSet<String> = table.iter().filter_map(|row| name(row)).collect();
    let other: Vec<&String> =
        added.iter().filter(|row| name(row).is_some_and(|name| names.contains(&name))).collect();
    if !other.is_empty() {
        bail!(
            "`{}` says something else of these, so change it by hand: {other:#?}",
            path.display()
        );
    }
    Ok(News { added, known: (known, table.len()) })
}

/// Adds what is new, in the order of bytes where the table has that, and at the end otherwise.
pub(super) fn add(path: &Path, news: &News) -> Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let text = fs::read_to_string(path)?;
    let (about, mut rows): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with('#'));
    let sorted = rows.is_sorted();
    rows.extend(news.added.iter().map(String::as_str));
    if sorted {
        rows.sort_unstable();
    }
    fs::write(path, [about, rows].concat().join("\n") + "\n")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&str]) -> BTreeSet<String> {
        rows.iter().map(|row| (*row).to_owned()).collect()
    }

    #[test]
    fn new_rows_are_added_and_others_stay() {
        let table = tempfile::NamedTempFile::new().unwrap();
        fs::write(table.path(), "# about\na\t-\nc\t-\n").unwrap();
        let news = compare(table.path(), rows(&["a\t-", "b\t-"]), 1).unwrap();
        assert_eq!(
            news.to_string(),
            "1 of 2 rows are of the installed release, 1 are new\n  + b -"
        );
        add(table.path(), &news).unwrap();
        assert_eq!(fs::read_to_string(table.path()).unwrap(), "# about\na\t-\nb\t-\nc\t-\n");
        assert!(compare(table.path(), rows(&["a\t-", "c\t-"]), 1).unwrap().is_empty());
    }

    #[test]
    fn what_differs_and_what_says_nothing_is_refused() {
        let table = tempfile::NamedTempFile::new().unwrap();
        fs::write(table.path(), "a\tswitch\nb\tvalue\n").unwrap();
        compare(table.path(), rows(&["a\tvalue", "b\tvalue"]), 1).unwrap_err();
        compare(table.path(), rows(&[]), 1).unwrap_err();
    }
}
