//! `cargo xtask run`: everything from a fresh machine to a guarded program.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};

use crate::build;
use crate::demo;
use crate::setup::{self, Set};
use crate::workspace::Workspace;

/// Sets the machine up, builds, and guards `command` with the starter policy; without a command, shows the
/// guided demonstration. Returns only from the demonstration: a command takes the place of this process, so that
/// the terminal, signals and the exit status are its own.
pub(crate) fn run(workspace: &Workspace, command: &[OsString]) -> Result<()> {
    setup::install(workspace, if command.is_empty() { Set::Demo } else { Set::Build })?;
    build::quick(workspace)?;
    if command.is_empty() {
        return demo::show(workspace);
    }
    let mut claw = workspace.command(workspace.quick_claw());
    claw.current_dir(env::current_dir().context("the current folder is gone")?);
    claw.args(["run", "--policy"]).arg(workspace.path("policies/starter.toml"));
    let error = claw.arg("--").args(command).exec();
    Err(error).with_context(|| format!("cannot start `{}`", workspace.quick_claw().display()))
}
