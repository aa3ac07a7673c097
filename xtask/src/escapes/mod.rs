//! `cargo xtask escapes`: the escape suite, the races and the exec flood, and the table of their results,
//! docs/SECURITY-RESULTS.md.
//!
//! The suites leave their results as JSON files in a folder of their own; [`outcome`] reads them, [`document`] writes
//! them down.

mod document;
mod outcome;

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::build;
use crate::command;
use crate::report;
use crate::workspace::Workspace;

/// Where the results are written.
const DOCUMENT: &str = "docs/SECURITY-RESULTS.md";

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The sizes that are published, which take about an hour: 10,000 tries of each race and 60 s of each flood
    #[arg(long)]
    full: bool,
    /// Tries of each race
    #[arg(long, default_value_t = 200, default_value_if("full", "true", "10000"))]
    tries: u32,
    /// How long each flood lasts, in seconds
    #[arg(long, default_value_t = 3, default_value_if("full", "true", "60"))]
    flood_seconds: u32,
    /// Only this level of the escape suite
    #[arg(long)]
    level: Option<String>,
    /// Do not build first
    #[arg(long)]
    no_build: bool,
}

/// Runs the suites and writes the document. Fails if an attempt ends differently than its row says.
pub(crate) fn escapes(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    if !options.no_build {
        build::build(workspace)?;
    }
    let folder = tempfile::tempdir()?;
    let mut escapes = suite(workspace, "escapes");
    escapes.env("CLAW_ESCAPES_RESULTS", folder.path()).env_remove("CLAW_ESCAPES_ONLY");
    if let Some(level) = &options.level {
        escapes.env("CLAW_ESCAPES_LEVELS", level);
    }
    let mut races = suite(workspace, "races");
    races.env("CLAW_RACES_RESULTS", folder.path());
    races.env("CLAW_RACE_TRIES", options.tries.to_string());
    races.env("CLAW_FLOOD_SECONDS", options.flood_seconds.to_string());
    // Run both even if the first fails, to show everything that is wrong at once.
    let ended = [command::run(&mut escapes), command::run(&mut races)];
    for result in ended {
        result.context("a suite did not come out as its tables say, so no document is written")?;
    }
    let outcomes = outcome::read(folder.path())?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let path = workspace.path(DOCUMENT);
    fs::write(&path, document::render(&outcomes, kernel.trim()))
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    report::step("escapes", &format!("wrote {DOCUMENT}"));
    Ok(ExitCode::SUCCESS)
}

fn suite(workspace: &Workspace, name: &str) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--release", "--package", "claw-tests", "--test", name]);
    cargo.env("CLAW_BIN", workspace.claw());
    cargo
}
