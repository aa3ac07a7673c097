//! Tries the examples of the documents: each TOML block is a policy that loads, or a file of tests that passes.
//!
//! A block that begins with `policy =` is a file of tests. It tests the shipped policy with that name or, if
//! there is none, the block before it. A policy may leave out `version = 1`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::workspace::Workspace;

/// The documents with examples.
const DOCUMENTS: [&str; 2] = ["docs/guide.md", "docs/policy.md"];

/// Loads every policy and runs every file of tests with the built `claw`.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    for document in DOCUMENTS {
        let text = fs::read_to_string(workspace.path(document))
            .with_context(|| format!("cannot read `{document}`"))?;
        let blocks = blocks(&text);
        if blocks.is_empty() {
            bail!("`{document}` has no example");
        }
        let folder = tempfile::tempdir()?;
        for entry in fs::read_dir(workspace.path("policies"))? {
            let path = entry?.path();
            fs::copy(&path, folder.path().join(path.file_name().unwrap_or_default()))?;
        }
        for (line, block) in blocks {
            try_block(workspace, folder.path(), block)
                .with_context(|| format!("the example in `{document}`, line {line}"))?;
        }
    }
    Ok(())
}

fn try_block(workspace: &Workspace, folder: &Path, block: &str) -> Result<()> {
    let mut claw = workspace.command(workspace.claw());
    claw.current_dir(folder);
    if let Some(policy) = tested(block) {
        if !folder.join(policy).is_file() {
            fs::copy(folder.join("example.toml"), folder.join(policy))?;
        }
        fs::write(folder.join("example.test.toml"), block)?;
        claw.args(["test", "example.test.toml"]);
    } else {
        let version = if block.contains("version = 1") { "" } else { "version = 1\n" };
        fs::write(folder.join("example.toml"), format!("{version}{block}"))?;
        claw.args(["check", "--policy", "example.toml", "--", "true"]);
    }
    command::output(&mut claw).map(drop)
}

/// The policy that a file of tests names.
fn tested(block: &str) -> Option<&str> {
    block.lines().next()?.strip_prefix("policy = \"")?.strip_suffix('"')
}

/// The TOML blocks of a document, each with the number of its first line.
fn blocks(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("\n```toml\n") {
        let Some((block, after)) = behind.split_once("```\n") else { break };
        let before = text.len() - behind.len();
        found.push((text[..before].lines().count() + 1, block));
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_lines() {
        let text =
            "# A\n\n```toml\na = 1\n```\n\n```text\nb\n```\n\n```toml\npolicy = \"x.toml\"\n```\n";
        assert_eq!(blocks(text), [(4, "a = 1\n"), (12, "policy = \"x.toml\"\n")]);
        assert_eq!(
            blocks(text).iter().map(|(_, block)| tested(block)).collect::<Vec<_>>(),
            [None, Some("x.toml")]
        );
    }
}
