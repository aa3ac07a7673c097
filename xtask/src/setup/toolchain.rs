//! The two toolchains that can compile claw-ebpf: rustup's nightly, and Debian's rustc-web.
//!
//! Both compile `core` from source for `bpfel-unknown-none` and link with `bpf-linker`, which reads LLVM bitcode.
//! bpf-linker is built against Debian's LLVM 22, so the compiler's LLVM must not be newer: rustc-web 1.96, the
//! nightly named here and rustup's stable 1.95 all use LLVM 22.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::command;
use crate::workspace::Workspace;

/// A nightly whose LLVM is 22. One date, not `nightly`, so that the object is the same on every machine and does
/// not stop linking the day that nightly moves to the next LLVM.
pub(crate) const NIGHTLY: &str = "nightly-2026-05-20";
/// The version of bpf-linker: its features are named after LLVM versions and change with it.
pub(crate) const BPF_LINKER: &str = "0.13.0";
/// The major version of LLVM that bpf-linker is linked with.
pub(crate) const LLVM: u32 = 22;
/// Where Debian's `llvm-22-dev` lies.
pub(crate) const LLVM_PREFIX: &str = "/usr/lib/llvm-22";

/// A toolchain that is installed and able to compile claw-ebpf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// rustup's pinned nightly with `rust-src`.
    Nightly {
        /// The toolchain's cargo.
        cargo: PathBuf,
        /// The toolchain's rustc.
        rustc: PathBuf,
    },
    /// Debian's `rustc-web`, `cargo-web` and `rust-web-src`.
    Debian,
}

impl Toolchain {
    /// The installed toolchain, nightly preferred; `None` if neither is complete.
    pub(crate) fn detect(workspace: &Workspace) -> Option<Self> {
        nightly(workspace).or_else(debian)
    }

    /// The name for people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nightly { .. } => NIGHTLY,
            Self::Debian => "Debian's rustc-web",
        }
    }

    /// cargo of this toolchain, set up to build `core` from source.
    pub(crate) fn cargo(&self, workspace: &Workspace) -> Command {
        match self {
            Self::Nightly { cargo, rustc } => {
                let mut command = workspace.command(cargo);
                command.env("RUSTC", rustc);
                command
            }
            Self::Debian => {
                let mut command = workspace.command("/usr/bin/cargo");
                // Debian's compiler is a stable one; `-Z build-std` needs to be unlocked.
                command.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
                command
            }
        }
    }
}

fn nightly(workspace: &Workspace) -> Option<Toolchain> {
    command::find("rustup")?;
    let which = |program: &str| {
        let mut rustup = workspace.command("rustup");
        // Without this, asking for the toolchain's path would download it.
        rustup.env("RUSTUP_AUTO_INSTALL", "0").args(["which", "--toolchain", NIGHTLY, program]);
        command::output(&mut rustup).ok().map(|path| PathBuf::from(path.trim_end()))
    };
    let (cargo, rustc) = (which("cargo")?, which("rustc")?);
    let sysroot = rustc.ancestors().nth(2)?;
    has_core_source(sysroot.join("lib").as_path()).then_some(Toolchain::Nightly { cargo, rustc })
}

fn debian() -> Option<Toolchain> {
    let rustc = Path::new("/usr/bin/rustc");
    let complete = command::is_executable(Path::new("/usr/bin/cargo"))
        && command::is_executable(rustc)
        && has_core_source(Path::new("/usr/lib"));
    if !complete {
        return None;
    }
    let version = command::output(Command::new(rustc).arg("-vV")).ok()?;
    is_new_enough(&version).then_some(Toolchain::Debian)
}

/// Whether the source of `core` lies below a library folder (`lib/rustlib/src/rust/library/core`).
fn has_core_source(library: &Path) -> bool {
    library.join("rustlib/src/rust/library/core/src/lib.rs").is_file()
}

/// Whether `rustc -vV` tells of a compiler that claw-ebpf accepts (the workspace's `rust-version`) and whose
/// bitcode bpf-linker can read. Debian 12 without its security archive has rustc-web 1.85, which is too old.
fn is_new_enough(version: &str) -> bool {
    let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name));
    let release = field("release: ").and_then(minor_release);
    let llvm = field("LLVM version: ").and_then(|text| text.split('.').next()?.parse::<u32>().ok());
    let wanted = minor_release(env!("CARGO_PKG_RUST_VERSION"));
    release >= wanted && release.is_some() && llvm.is_some_and(|major| major <= LLVM)
}

/// `1.96.0-nightly` gives `(1, 96)`.
fn minor_release(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// `bpf-linker`, if it is installed and starts. Without its libLLVM it does not start.
pub(crate) fn bpf_linker() -> Option<PathBuf> {
    let path = command::find("bpf-linker").or_else(|| {
        let installed = cargo_bin()?.join("bpf-linker");
        command::is_executable(&installed).then_some(installed)
    })?;
    command::output(Command::new(&path).arg("--version")).ok()?;
    Some(path)
}

/// Where `cargo install` puts programs.
fn cargo_bin() -> Option<PathBuf> {
    let root = std::env::var_os("CARGO_INSTALL_ROOT").or_else(|| std::env::var_os("CARGO_HOME"));
    let root = root.map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")))?;
    Some(root.join("bin"))
}

/// Installs the pinned nightly with `rust-src`. Fails where rustup is missing or does not reach its servers: after one
/// more try instead of its usual three, and in one line.
pub(crate) fn install_nightly(workspace: &Workspace) -> Result<()> {
    if command::find("rustup").is_none() {
        bail!("`rustup` is not installed");
    }
    let mut rustup = workspace.command("rustup");
    rustup.args(["toolchain", "install", NIGHTLY, "--profile", "minimal"]);
    rustup.args(["--component", "rust-src", "--no-self-update"]).env("RUSTUP_MAX_RETRIES", "1");
    command::output(&mut rustup).map(drop).map_err(|error| anyhow!(cause(&format!("{error:#}"))))
}

/// The reason that rustup gives: the first line that starts like an error, else the first line.
fn cause(said: &str) -> String {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let reason = lines.clone().find_map(|line| line.strip_prefix("error: "));
    reason.or_else(|| lines.next()).unwrap_or("it gives no reason").to_owned()
}

/// Parts of the host's toolchain that `cargo xtask test` needs and that rustup's minimal profile leaves out.
const COMPONENTS: [(&str, &str); 2] = [("rustfmt", "fmt"), ("clippy", "clippy")];

/// Those components that the host's toolchain lacks and rustup could add. A program of that name proves nothing:
/// rustup puts one in place for every component there could be.
pub(crate) fn missing_components(workspace: &Workspace) -> Vec<&'static str> {
    if command::find("rustup").is_none() {
        return Vec::new();
    }
    let works = |subcommand: &str| {
        command::output(workspace.cargo().args([subcommand, "--version"])).is_ok()
    };
    let missing = COMPONENTS.iter().filter(|(_, subcommand)| !works(subcommand));
    missing.map(|(component, _)| *component).collect()
}

/// Adds components to the host's toolchain.
pub(crate) fn add_components(workspace: &Workspace, components: &[&str]) -> Result<()> {
    let mut rustup = workspace.command("rustup");
    rustup.args(["component", "add"]).args(components);
    if let Some(toolchain) = std::env::var_os("RUSTUP_TOOLCHAIN") {
        rustup.arg("--toolchain").arg(toolchain);
    }
    command::run(&mut rustup).context("`cargo xtask test` checks formatting and lints with them")
}

/// Builds and installs bpf-linker against Debian's LLVM 22. It is built without optimisation, in half the time: its
/// work is LLVM's.
pub(crate) fn install_bpf_linker(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.env("LLVM_PREFIX", LLVM_PREFIX).args(["install", "bpf-linker", "--version", BPF_LINKER]);
    cargo.args(["--locked", "--force", "--no-default-features", "--features", "llvm-22"]);
    cargo.args(["--profile", "dev"]).env("CARGO_PROFILE_DEV_DEBUG", "false");
    // Run outside the checkout, whose lints, linker and target folder must not apply to bpf-linker.
    cargo.current_dir("/");
    command::run(&mut cargo).context(
        "bpf-linker links the eBPF object; `cargo install` needs crates.io and a C++ library",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustups_reason_is_one_line() {
        let said = "`rustup toolchain install` failed: exit status: 1\ninfo: downloading 4 components\n\
                    error: could not download file\nerror: caused by\n";
        assert_eq!(cause(said), "could not download file");
        assert_eq!(cause("\n`rustup` is not there\nat all"), "`rustup` is not there");
    }

    #[test]
    fn a_compiler_older_than_the_workspace_or_newer_than_the_linker_is_refused() {
        let version = |release: &str, llvm: &str| {
            format!("rustc {release}\nbinary: rustc\nrelease: {release}\nLLVM version: {llvm}\n")
        };
        assert!(is_new_enough(&version("1.96.0", "22.1.8")));
        assert!(is_new_enough(&version("1.97.0-nightly", "22.1.4")));
        assert!(!is_new_enough(&version("1.85.0", "19.1.7")));
        assert!(!is_new_enough(&version("1.99.0-nightly", "23.1.0")));
        assert!(!is_new_enough("no version at all"));
    }
}
