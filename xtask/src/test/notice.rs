//! Keeps NOTICE complete: a row for each table that was made from another project, and no other row.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Where the tables are.
const TABLES: &str = "claw-classify/src";

/// Compares the tables of claw-classify with the rows of NOTICE.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let notice = fs::read_to_string(workspace.path("NOTICE")).context("cannot read `NOTICE`")?;
    let root = workspace.path(TABLES);
    let mut tables = Vec::new();
    collect(&root, &mut tables)?;
    let wrong = compare(&rows(&notice), &tables);
    if !wrong.is_empty() {
        bail!("NOTICE:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

fn collect(folder: &Path, tables: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, tables)?;
        } else if path.extension() == Some(OsStr::new("tsv"))
            || path.extension() == Some(OsStr::new("txt"))
        {
            tables.push(path);
        }
    }
    Ok(())
}

/// The first column of the table in NOTICE: the last parts of a path.
fn rows(notice: &str) -> Vec<&str> {
    let cells =
        notice.lines().filter_map(|line| Some(line.strip_prefix("| ")?.split_once(" |")?.0));
    cells.filter(|cell| cell.contains('/')).collect()
}

fn compare(rows: &[&str], tables: &[PathBuf]) -> Vec<String> {
    let missing = tables.iter().filter(|table| !rows.iter().any(|row| table.ends_with(row)));
    let stale = rows.iter().filter(|row| !tables.iter().any(|table| table.ends_with(row)));
    missing
        .map(|table| format!("no row for `{}`: say what it was made from", table.display()))
        .chain(stale.map(|row| format!("a row for `{row}`, which is not there: drop it")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_a_row_and_a_row_without_a_table_are_both_named() {
        let notice =
            "| table | made from |\n|---|---|\n| git/options.tsv | git |\n| x/y.txt | x |\n";
        let tables = ["/src/code/git/options.tsv", "/src/wget/options.tsv"].map(PathBuf::from);
        assert_eq!(
            compare(&rows(notice), &tables),
            [
                "no row for `/src/wget/options.tsv`: say what it was made from",
                "a row for `x/y.txt`, which is not there: drop it",
            ]
        );
    }
}
