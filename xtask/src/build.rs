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
    let mut cargo = workspace.cargo();
    command::run(cargo.args(["build", "--release", "--package", "claw-agent", "--bin", "claw"]))
}
