//! Where things are: the checkout, cargo's target folder, and what a build leaves there.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Variables that cargo and rustup set for this program and that must not reach the builds it starts:
/// each of them would silently choose the toolchain, the flags or the target of the inner build.
const OUTER_BUILD: [&str; 11] = [
    "CARGO",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_TOOLCHAIN_SOURCE",
    "RUST_RECURSION_COUNT",
];

/// Whether a variable belongs to the build of xtask alone.
fn is_outer(variable: &OsStr) -> bool {
    let described = |name: &str| name.starts_with("CARGO_PKG_") || OUTER_BUILD.contains(&name);
    variable.to_str().is_some_and(described)
}

/// The checkout that this program was built from.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// cargo's target folder, wherever configuration put it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Finds the checkout through cargo's environment, and the target folder through this program's own path
    /// (`<target>/<profile>/xtask`), so that every way of configuring it is honoured.
    pub(crate) fn locate() -> Result<Self> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest)
            .parent()
            .context("`CARGO_MANIFEST_DIR` has no parent; run this as `cargo xtask`")?
            .to_path_buf();
        let program = env::current_exe().context("cannot find the path of xtask itself")?;
        let target = program
            .ancestors()
            .nth(2)
            .context("xtask does not lie in a target folder; run it as `cargo xtask`")?
            .to_path_buf();
        Ok(Self { root, target })
    }

    /// A path below the checkout.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The folder the eBPF build has to itself, so that it never waits for the lock of the host build. It does
    /// not follow cargo's configured target folder: `claw-agent/build.rs` looks for its result here.
    pub(crate) fn ebpf_target(&self) -> PathBuf {
        self.path("target/claw-ebpf")
    }

    /// The finished eBPF object, which claw-agent embeds.
    pub(crate) fn ebpf_object(&self) -> PathBuf {
        self.ebpf_target().join("claw.o")
    }

    /// The release build of `claw`.
    pub(crate) fn claw(&self) -> PathBuf {
        self.target.join("release/claw")
    }

    /// The build of `claw` that `cargo xtask run` makes: not optimised, and ready soonest.
    pub(crate) fn quick_claw(&self) -> PathBuf {
        self.target.join("quick/claw")
    }

    /// A program to run in the checkout, free of what the outer cargo set.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (variable, _) in env::vars_os() {
            if is_outer(&variable) {
                command.env_remove(variable);
            }
        }
        if let Some(path) = env::var_os("LD_LIBRARY_PATH") {
            match self.without_build_folders(&path) {
                Some(rest) => command.env("LD_LIBRARY_PATH", rest),
                None => command.env_remove("LD_LIBRARY_PATH"),
            };
        }
        command
    }

    /// What the user had in `LD_LIBRARY_PATH` before `cargo run` put its own folders in front. A guarded command
    /// must not inherit those: they are writable, and claw treats them as loader injection.
    fn without_build_folders(&self, path: &OsStr) -> Option<OsString> {
        let own = |folder: &PathBuf| {
            folder.starts_with(&self.target)
                || folder.ancestors().any(|up| up.ends_with("toolchains"))
        };
        let rest: Vec<PathBuf> = env::split_paths(path).filter(|folder| !own(folder)).collect();
        if rest.is_empty() { None } else { env::join_paths(rest).ok() }
    }

    /// The cargo of the project's own toolchain: the one that built xtask, if that is known.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.command(cargo);
        // `cargo xtask` ran under a toolchain that may have been chosen by hand (`cargo +1.95 xtask`): stay with it.
        if let Some(toolchain) = env::var_os("RUSTUP_TOOLCHAIN") {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        if let Some(flags) = env::var_os("RUSTFLAGS") {
            command.env("RUSTFLAGS", flags);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_that_cargo_run_adds_to_the_loader_path_are_dropped_and_the_users_kept() {
        let workspace = Workspace { root: "/src/claw".into(), target: "/src/claw/target".into() };
        let rest = |path: &str| workspace.without_build_folders(OsStr::new(path));
        let added = "/src/claw/target/debug/deps:/src/claw/target/debug:/home/u/.rustup/toolchains/stable/lib";
        assert_eq!(rest(added), None);
        assert_eq!(rest(&format!("{added}:/opt/lib")), Some("/opt/lib".into()));
    }

    #[test]
    fn what_cargo_tells_xtask_about_itself_stays_out_of_other_builds() {
        assert!(is_outer(OsStr::new("CARGO_PKG_NAME")));
        assert!(is_outer(OsStr::new("RUSTUP_TOOLCHAIN")));
        assert!(!is_outer(OsStr::new("CARGO_TARGET_DIR")));
    }
}
