//! Puts the compiled eBPF object where the crate's `include_bytes!` finds it (`$OUT_DIR/claw.o`).
//!
//! The object comes from `CLAW_EBPF_OBJECT`, for builds whose object is made elsewhere (a packager's, a cross
//! build's), or from `target/claw-ebpf/claw.o`, where `cargo xtask ebpf` leaves it. It is not compiled here: that
//! takes another toolchain than this crate's.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    match place() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            // One line instead of a panic message.
            println!("cargo::error={reason}");
            ExitCode::FAILURE
        }
    }
}

fn place() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=CLAW_EBPF_OBJECT");
    let object = match env::var_os("CLAW_EBPF_OBJECT") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/claw-ebpf/claw.o"),
    };
    // A path that does not exist counts as changed, so the build that follows `cargo xtask ebpf` looks again.
    println!("cargo::rerun-if-changed={}", object.display());
    if !object.is_file() {
        return Err(format!(
            "the eBPF object `{}` is not built; run `cargo xtask ebpf`",
            object.display()
        ));
    }
    let folder =
        env::var_os("OUT_DIR").ok_or("`OUT_DIR` is not set; build this crate with cargo")?;
    fs::copy(&object, Path::new(&folder).join("claw.o"))
        .map_err(|error| format!("cannot copy the eBPF object `{}`: {error}", object.display()))?;
    Ok(())
}
