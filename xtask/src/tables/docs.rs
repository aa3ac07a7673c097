//! docs/TOOLS.md and docs/CLI.md, from what the built `claw` says of itself.
//!
//! docs/TOOLS.md: the programs and facts come from `claw tools`, the list of what is not read from the
//! paragraph `Known gaps` of each module of claw-classify. docs/CLI.md is the help of every command. `cargo
//! xtask test` checks both, so that nobody edits them by hand.

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

A call of a tool below becomes *actions*, each with *facts* of one group. A fact that could not be read is *opaque*: a
rule that denies by it matches, one that allows by it does not. An option, a command or a spelling that claw does not
know makes every fact opaque that it could change. A policy can
[declare a tool](policy.md#tools-of-the-policys-own) that is not in this list.

";

const CLI_HEADER: &str = "\
# The command line

Written by `cargo xtask tables` from the definition of the command line; edit that instead of this file. The same
definition gives the manual pages and the completions of shells that `cargo xtask install` installs.
";

/// A generated document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Document {
    /// What claw reads, and what it does not.
    Tools,
    /// The help of every command.
    Cli,
}

impl Document {
    pub(crate) const ALL: [Self; 2] = [Self::Tools, Self::Cli];

    /// Where it is in the checkout.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Tools => "docs/TOOLS.md",
            Self::Cli => "docs/CLI.md",
        }
    }

    fn made(self, workspace: &Workspace) -> Result<String> {
        match self {
            Self::Tools => tools(workspace),
            Self::Cli => cli(workspace),
        }
    }
}

/// Builds `claw` and writes the documents.
pub(super) fn write(workspace: &Workspace) -> Result<()> {
    build::build(workspace)?;
    for document in Document::ALL {
        let path = workspace.path(document.path());
        fs::write(&path, document.made(workspace)?)?;
        report::step("tables", &format!("wrote `{}`", path.display()));
    }
    Ok(())
}

/// Fails if a document differs from what the built `claw` says.
pub(crate) fn check(workspace: &Workspace, document: Document) -> Result<()> {
    let path = workspace.path(document.path());
    let there =
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    if there != document.made(workspace)? {
        bail!("`{}` is not what `claw` says: run `cargo xtask tables`", path.display());
    }
    Ok(())
}

fn cli(workspace: &Workspace) -> Result<String> {
    let mut claw = workspace.command(workspace.claw());
    Ok(format!("{CLI_HEADER}{}", command::output(claw.args(["reference", "markdown"]))?))
}

fn tools(workspace: &Workspace) -> Result<String> {
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
