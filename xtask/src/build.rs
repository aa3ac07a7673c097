//! `cargo xtask build`: the eBPF object, then the release build of `claw` with the object inside.

use anyhow::Result;

use crate::command;
use crate::ebpf;
use crate::report;
use crate::workspace::Workspace;

/// Builds everything that a user of claw runs.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    ebpf::build(workspace)?;
    report::step("build", "claw, release");
    compile(workspace, "release")
}

/// Builds the same without optimisation, which takes a third of the time.
pub(crate) fn quick(workspace: &Workspace) -> Result<()> {
    ebpf::build(workspace)?;
    report::step("build", "claw, not optimised (`cargo xtask install` builds a release)");
    compile(workspace, "quick")
}

fn compile(workspace: &Workspace, profile: &str) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--profile", profile, "--package", "claw-agent", "--bin", "claw"]);
    command::run(&mut cargo)
}
