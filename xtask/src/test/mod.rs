//! `cargo xtask test`: every check there is, and one line at the end that counts them.
//!
//! Programs are built in the release profile, and so are the dependencies of unit tests. A check that fails
//! does not stop the ones after it; a build that fails does.

mod capability;
mod deny;
mod dependencies;
mod examples;
mod notice;
mod tally;

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Result, anyhow, bail};

use crate::build;
use crate::catalogue;
use crate::command;
use crate::report;
use crate::setup::{self, Set};
use crate::soundness;
use crate::tables;
use crate::vm::suite;
use crate::workspace::Workspace;
use tally::Tally;

/// How many statements are made whose calls a server reports: some seconds of them.
const GENERATED: usize = 2_000;
/// The package of the end-to-end and race suites.
const END_TO_END: &str = "claw-tests";
/// The kernel side: it compiles for another target, by `cargo xtask ebpf`.
const KERNEL_SIDE: &str = "claw-ebpf";

/// The packages that unit tests compile again: without optimisation, which takes minutes for these and gains seconds, and
/// with the checks of arithmetic that a release leaves out. What they depend on is the release's.
const TESTED: [&str; 5] =
    ["claw-agent", "claw-classify", "claw-common", "claw-corpus", "claw-policy"];
/// The variable with proptest's seed.
const RNG_SEED: &str = "PROPTEST_RNG_SEED";

/// What to test.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Only tests whose name contains this; formatting, lints and other whole-project checks are left out.
    pub(crate) filter: Option<String>,
    /// Continue if this machine lacks something, and say what was not run.
    pub(crate) allow_missing: bool,
}

/// Runs the selection. The exit status is success when nothing failed and nothing was skipped quietly.
pub(crate) fn test(workspace: &Workspace, selection: &Selection) -> Result<ExitCode> {
    if selection.allow_missing && in_ci() {
        bail!("`--allow-missing` is for your own machine: in CI everything runs (`CI` is set)");
    }
    let whole = match setup::install(workspace, Set::Test) {
        Err(error) if !selection.allow_missing => return Err(error),
        Err(error) => {
            report::step("test", &format!("going on without a complete set-up: {error:#}"));
            false
        }
        Ok(()) => true,
    };
    let mut tally = Tally::default();
    if selection.filter.is_none() {
        tally.check("docs/DEPENDENCIES.md", dependencies::check(workspace));
        tally.check("licences, bans and sources (deny.toml)", deny::check(workspace));
        tally.check("NOTICE", notice::check(workspace));
        if whole {
            tally.check("the catalogue of functions", catalogue::check(workspace));
        } else {
            tally.leave_out("the catalogue of functions: it needs a PostgreSQL server");
        }
        tally
            .check("formatting", command::run(workspace.cargo().args(["fmt", "--all", "--check"])));
    }
    build::build(workspace)?;
    if selection.filter.is_none() {
        tally.check("lints", command::run(&mut lints(workspace)));
        let mut claw = workspace.command(workspace.claw());
        tally.check("policies", command::run(claw.args(["test", "policies"])));
        tally.check("examples of the documents", examples::check(workspace));
        for document in tables::Document::ALL {
            tally.check(document.path(), tables::check(workspace, document));
        }
    }
    if selection.filter.is_none() && whole {
        tally.check("calls in generated SQL", soundness::generated(workspace, GENERATED, 1));
    }
    report::step("test", "unit tests");
    tally.cargo_test(&mut unit_tests(workspace, selection))?;
    match capability::missing() {
        missing if missing.is_empty() && whole => {
            report::step("test", "end to end, and races");
            tally.cargo_test(&mut end_to_end(workspace, selection))?;
            if selection.filter.is_none() {
                on_other_kernels(workspace, &mut tally)?;
            }
        }
        missing if selection.allow_missing => {
            let why = if missing.is_empty() {
                "a complete set-up".to_owned()
            } else {
                missing.join(", ")
            };
            tally.leave_out(&format!("end to end, and races: this machine lacks {why}"));
        }
        missing => tally.check(
            "end to end, and races",
            Err(anyhow!(
                "this machine lacks {}; `--allow-missing` leaves them out",
                missing.join(", ")
            )),
        ),
    }
    Ok(tally.close(selection.allow_missing))
}

/// The short form of the suites on other kernels.
fn on_other_kernels(workspace: &Workspace, tally: &mut Tally) -> Result<()> {
    let programs = suite::programs(workspace)?;
    for boot in &suite::BOOTS {
        let name = format!("races and sessions on {}", boot.name);
        report::step("test", &name);
        tally.elsewhere(&name, |show| suite::run(workspace, boot, &programs, show));
    }
    Ok(())
}

/// Whether this run decides what goes in.
fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

fn lints(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["clippy", "--release", "--workspace", "--exclude", KERNEL_SIDE, "--all-targets"]);
    cargo.args(["--", "-D", "warnings"]);
    cargo
}

fn unit_tests(workspace: &Workspace, selection: &Selection) -> Command {
    let mut cargo = cargo_test(workspace, "bench");
    for package in TESTED {
        for setting in ["opt-level=0", "debug-assertions=true", "overflow-checks=true"] {
            cargo.args(["--config", &format!("profile.bench.package.{package}.{setting}")]);
        }
    }
    if in_ci() && env::var_os(RNG_SEED).is_none() {
        // In CI the same tree must get the same answer. Elsewhere each run of the property tests makes up
        // other input.
        cargo.env(RNG_SEED, "1");
    }
    cargo.args(["--workspace", "--exclude", KERNEL_SIDE, "--exclude", END_TO_END]);
    cargo.args(&selection.filter);
    cargo
}

fn end_to_end(workspace: &Workspace, selection: &Selection) -> Command {
    let mut cargo = cargo_test(workspace, "release");
    cargo.args(["--package", END_TO_END]).args(&selection.filter);
    cargo.env("CLAW_BIN", workspace.claw());
    cargo
}

/// `bench` inherits from the release profile, so these settings apply to unit tests alone.
fn cargo_test(workspace: &Workspace, profile: &str) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--profile", profile, "--no-fail-fast"]);
    cargo
}
