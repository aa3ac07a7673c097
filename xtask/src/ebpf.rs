//! `cargo xtask ebpf`: compiles claw-ebpf for the kernel and leaves the object where claw-agent embeds it from.
//!
//! `core` is compiled from source because no toolchain ships it for `bpfel-unknown-none`. The flags ask for debug
//! information and for BTF made from it, which the loader needs for maps and typed tracepoints.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::command;
use crate::report;
use crate::setup::{self, Toolchain};
use crate::workspace::Workspace;

const TARGET: &str = "bpfel-unknown-none";

/// Compiles the programs and refreshes `target/claw-ebpf/claw.o` if the object changed.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let toolchain = Toolchain::detect(workspace)
        .context("no toolchain that compiles eBPF is here; run `cargo xtask setup`")?;
    let linker = setup::bpf_linker()
        .context("`bpf-linker` is missing or does not start; run `cargo xtask setup`")?;
    report::step("ebpf", &format!("building with {}", toolchain.name()));
    let mut cargo = toolchain.cargo(workspace);
    cargo
        .args(["build", "--package", "claw-ebpf", "--release", "--target", TARGET])
        .args(["-Z", "build-std=core", "--target-dir"])
        .arg(workspace.ebpf_target())
        .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", linker)
        // Encoded flags replace every other source of flags, which were all meant for the host.
        .env("CARGO_ENCODED_RUSTFLAGS", "-Cdebuginfo=2\x1f-Clink-arg=--btf");
    command::run(&mut cargo)?;
    let built = workspace.ebpf_target().join(TARGET).join("release/claw");
    refresh(&built, &workspace.ebpf_object())
}

/// Copies the object if its bytes differ: an unchanged time stamp saves claw-agent a rebuild.
fn refresh(built: &Path, object: &Path) -> Result<()> {
    let bytes =
        fs::read(built).with_context(|| format!("cannot read the object `{}`", built.display()))?;
    if fs::read(object).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let partial = object.with_extension("o.partial");
    fs::write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, object))
        .with_context(|| format!("cannot write `{}`", object.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_object_keeps_its_time_stamp() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (built, object) = (folder.path().join("claw"), folder.path().join("claw.o"));
        fs::write(&built, b"one")?;
        refresh(&built, &object)?;
        let past = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        fs::File::options().write(true).open(&object)?.set_modified(past)?;

        refresh(&built, &object)?;
        assert_eq!(fs::metadata(&object)?.modified()?, past);

        fs::write(&built, b"two")?;
        refresh(&built, &object)?;
        assert_eq!(fs::read(&object)?, b"two");
        Ok(())
    }
}
