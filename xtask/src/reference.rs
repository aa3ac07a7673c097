//! `cargo xtask reference`: the manual pages and the completions of shells, as the built `claw` writes them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command;
use crate::report;
use crate::workspace::Workspace;

/// The folders that hold them.
#[derive(Debug)]
pub(crate) struct Reference {
    /// Manual pages, `claw.1` and one for each command.
    pub(crate) man: PathBuf,
    /// One file for each shell, under the name that clap_complete gives it.
    pub(crate) completions: PathBuf,
}

impl Reference {
    /// Two empty folders below `folder`, so that a page of a command that is gone does not stay.
    pub(crate) fn below(folder: &Path) -> Result<Self> {
        let made = Self { man: folder.join("man"), completions: folder.join("completions") };
        for folder in [&made.man, &made.completions] {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => fs::create_dir_all(folder),
            }
            .with_context(|| format!("cannot empty `{}`", folder.display()))?;
        }
        Ok(made)
    }
}

/// Writes them below the target folder. `claw` is built already.
pub(crate) fn write(workspace: &Workspace) -> Result<Reference> {
    let folder = workspace.target.join("reference");
    let reference = Reference::below(&folder)?;
    for (form, folder) in [("man", &reference.man), ("completions", &reference.completions)] {
        let mut claw = workspace.command(workspace.claw());
        command::output(claw.args(["reference", form]).arg(folder))?;
    }
    report::step("reference", &folder.display().to_string());
    Ok(reference)
}
