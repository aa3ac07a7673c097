//! Keeps docs/DEPENDENCIES.md complete: a row for each dependency of the workspace, and no other row.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Compares the workspace's manifest with the document.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let read = |path: &str| {
        fs::read_to_string(workspace.path(path)).with_context(|| format!("cannot read `{path}`"))
    };
    compare(&declared(&read("Cargo.toml")?)?, &documented(&read("docs/DEPENDENCIES.md")?))
}

/// Names under `[workspace.dependencies]` that come from a registry; path dependencies are our own crates.
fn declared(manifest: &str) -> Result<BTreeSet<String>> {
    let manifest: toml::Table = manifest.parse().context("`Cargo.toml` is not TOML")?;
    let table = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(toml::Value::as_table)
        .context("`Cargo.toml` has no `[workspace.dependencies]`")?;
    let foreign = table.iter().filter(|(_, value)| value.get("path").is_none());
    Ok(foreign.map(|(name, _)| name.clone()).collect())
}

/// Names in the first column of the tables, where they stand in backticks.
fn documented(text: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let rest = line.trim().strip_prefix("| `")?;
        Some(rest.split_once('`')?.0.to_owned())
    };
    text.lines().filter_map(name).collect()
}

fn compare(declared: &BTreeSet<String>, documented: &BTreeSet<String>) -> Result<()> {
    let list = |names: Vec<&String>| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let missing: Vec<_> = declared.difference(documented).collect();
    let stale: Vec<_> = documented.difference(declared).collect();
    if !missing.is_empty() {
        bail!("docs/DEPENDENCIES.md has no row for {}: say what each is for", list(missing));
    }
    if !stale.is_empty() {
        bail!(
            "docs/DEPENDENCIES.md has a row for {}, which nothing depends on: drop it",
            list(stale)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        [workspace.dependencies]
        claw-common = { path = "claw-common" }
        anyhow = "1"
        serde = { version = "1", features = ["derive"] }
    "#;

    #[test]
    fn our_own_crates_need_no_row() -> Result<()> {
        let names = declared(MANIFEST)?;
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["anyhow", "serde"]);
        Ok(())
    }

    #[test]
    fn a_missing_row_and_a_stale_row_are_both_named() -> Result<()> {
        let check = |text: &str| compare(&declared(MANIFEST)?, &documented(text));
        check("| name | why |\n|---|---|\n| `anyhow` | errors |\n| `serde` | JSON |\n")?;
        let missing = check("| `anyhow` | errors |\n").expect_err("serde has no row");
        assert!(missing.to_string().contains("`serde`"), "{missing}");
        let stale = check("| `anyhow` | |\n| `serde` | |\n| `nix` | |\n").expect_err("nix left");
        assert!(stale.to_string().contains("`nix`"), "{stale}");
        Ok(())
    }
}
