//! docs/TOOLS.md, from what claw's tools say of themselves.
//!
//! The programs and the facts are what `claw tools` shows; what is not read is the paragraph `Known gaps` of each
//! module of claw-classify. Checked in `cargo xtask test`, so that nobody edits it by hand.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::build;
use crate::command;
use crate::report;
use crate::workspace::Workspace;

const HEADER: &str = "\
# What claw reads

Written by `cargo xtask tables` from the tools' own documentation; edit that instead of this file.

A call of a tool below becomes *actions*, each with *facts* of one group. What cannot be read is *opaque*: a rule that
denies by such a fact matches, one that allows does not. An option, a command or a spelling that is not known makes at
least the facts opaque that it could change. A policy can [declare a tool](../claw-policy/src/lib.rs) that is not here.

";

/// Writes the file.
pub(super) fn write(workspace: &Workspace) -> Result<()> {
    build::build(workspace)?;
    fs::write(path(workspace), made(workspace)?)?;
    report::step("tables", &format!("wrote `{}`", path(workspace).display()));
    Ok(())
}

/// Fails where the file is not what the tools of the built `claw` say.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let path = path(workspace);
    let there =
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    if there != made(workspace)? {
        bail!("`{}` is not what the tools say: run `cargo xtask tables`", path.display());
    }
    Ok(())
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.path("docs/TOOLS.md")
}

fn made(workspace: &Workspace) -> Result<String> {
    let shown = command::output(workspace.command(workspace.claw()).arg("tools"))?;
    let mut gaps = String::from("\n## What is not read, and what that leaves open\n\n");
    let root = workspace.path("claw-classify/src");
    let mut modules = Vec::new();
    collect(&root, &mut modules)?;
    modules.sort();
    for module in modules {
        let text = fs::read_to_string(&module)?;
        if let Some((about, gap)) = known_gaps(&text) {
            let name = module.strip_prefix(&root).unwrap_or(&module).display();
            gaps +=
                &format!("- [{name}](../claw-classify/src/{name}): {about} Known gaps: {gap}\n");
        }
    }
    Ok(format!("{HEADER}{shown}{gaps}"))
}

fn collect(folder: &Path, modules: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, modules)?;
        } else if path.extension() == Some(OsStr::new("rs")) {
            modules.push(path);
        }
    }
    Ok(())
}

/// The first sentence of a module's documentation, and its paragraph of known gaps.
fn known_gaps(text: &str) -> Option<(String, String)> {
    let lines: Vec<&str> = text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let whole = lines.join("\n");
    let mut paragraphs = whole.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    let about = paragraphs.next()?;
    let gap = paragraphs.find_map(|text| Some(text.strip_prefix("Known gaps: ")?.to_owned()))?;
    Some((about, gap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_found() {
        let text = "//! A tool\n//! of two lines.\n//!\n//! Source: x.\n//!\n//! Known gaps: one,\n//! and another.\n\nuse x;\n";
        let (about, gap) = known_gaps(text).unwrap();
        assert_eq!(about, "A tool of two lines.");
        assert_eq!(gap, "one, and another.");
        assert_eq!(known_gaps("//! A tool.\n"), None);
    }
}
