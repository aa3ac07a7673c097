//! `cargo xtask setup`: brings a machine to the point where claw builds, the demonstration runs, or every test can
//! run; [`Set`] says which.
//!
//! Each run looks for the things themselves, not for a stamp file; that takes well below a second. It
//! installs only what is missing. System packages come from apt-get. There are two toolchains for the eBPF
//! object: rustup's nightly if rustup can reach its servers, else Debian's rustc-web.

mod apt;
mod packages;
mod toolchain;

use anyhow::{Context, Result, bail};

use packages::{DEBIAN_TOOLCHAIN, LINKER_NEEDS, NEEDS};
pub(crate) use packages::{Need, Set};
pub(crate) use toolchain::{Toolchain, bpf_linker};

use crate::report;
use crate::vm;
use crate::workspace::Workspace;

/// What a machine lacks.
#[derive(Debug)]
struct Lacks {
    needs: Vec<&'static Need>,
    components: Vec<&'static str>,
    toolchain: bool,
    linker: bool,
    kernels: Vec<vm::Version>,
}

impl Lacks {
    /// What the machine lacks for `set`.
    fn now(workspace: &Workspace, set: Set) -> Self {
        let linker = bpf_linker().is_none();
        let wanted = NEEDS.iter().filter(|need| need.set <= set);
        let mut needs: Vec<_> = wanted.filter(|need| !need.is_met()).collect();
        if linker {
            needs.extend(LINKER_NEEDS.iter().filter(|need| !need.is_met()));
        }
        let tests = set >= Set::Test;
        Self {
            needs,
            components: if tests { toolchain::missing_components(workspace) } else { vec![] },
            toolchain: Toolchain::detect(workspace).is_none(),
            linker,
            kernels: if tests { vm::missing_kernels(workspace) } else { vec![] },
        }
    }

    fn nothing(&self) -> bool {
        let software =
            self.needs.is_empty() && self.components.is_empty() && self.kernels.is_empty();
        software && !self.toolchain && !self.linker
    }

    /// One line for each missing thing: what it is, why it is needed, and what would install it.
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.needs.iter().map(|need| line(need)).collect();
        for component in &self.components {
            lines.push(format!(
                "{component}: the tests check with it (`rustup component add {component}`)"
            ));
        }
        if self.toolchain {
            lines.push(format!(
                "a Rust toolchain for eBPF: compiles the programs that run in the kernel (rustup's \
                 {}, or Debian's {})",
                toolchain::NIGHTLY,
                DEBIAN_TOOLCHAIN.packages.join(" ")
            ));
        }
        if self.linker {
            lines.push(format!(
                "bpf-linker: links the eBPF object (`cargo install bpf-linker --version {}`)",
                toolchain::BPF_LINKER
            ));
        }
        for kernel in &self.kernels {
            lines.push(format!(
                "Debian's kernel {0}: the tests run on it in an emulated machine (kept below target/vm)",
                kernel.name()
            ));
        }
        lines
    }
}

fn line(need: &Need) -> String {
    format!("{}: {} (Debian's {})", need.what, need.why, need.packages.join(" "))
}

/// Installs what is missing for `set`; says in one line that nothing is.
pub(crate) fn install(workspace: &Workspace, set: Set) -> Result<()> {
    let lacks = Lacks::now(workspace, set);
    if lacks.nothing() {
        report::step("setup", "everything is here");
        return Ok(());
    }
    report::step("setup", "this machine lacks");
    for line in lacks.lines() {
        report::item(&line);
    }
    if !apt::is_here() {
        bail!(
            "packages can be installed on Debian and its kin only: install what is listed above, then run this again"
        );
    }
    install_needs(&lacks.needs)?;
    if !lacks.components.is_empty() {
        toolchain::add_components(workspace, &lacks.components)?;
    }
    if lacks.toolchain {
        install_toolchain(workspace)?;
    }
    if lacks.linker {
        report::step("setup", "building bpf-linker (about a minute)");
        toolchain::install_bpf_linker(workspace)?;
    }
    for kernel in &lacks.kernels {
        vm::fetch(workspace, *kernel)?;
    }
    check(workspace, set).context("something is still missing after the installation")
}

/// Fails, listing it, when something is missing for `set`. Changes nothing.
pub(crate) fn check(workspace: &Workspace, set: Set) -> Result<()> {
    let lacks = Lacks::now(workspace, set);
    if !lacks.nothing() {
        bail!(
            "this machine lacks\n  - {}\nrun `cargo xtask setup {}` to install it",
            lacks.lines().join("\n  - "),
            set.name()
        );
    }
    if let Some(toolchain) = Toolchain::detect(workspace) {
        report::step(
            "setup",
            &format!("everything is here; eBPF builds with {}", toolchain.name()),
        );
    }
    Ok(())
}

/// Fetches the lists of what apt can download.
pub(crate) fn refresh_packages() -> Result<()> {
    apt::update()
}

fn install_needs(needs: &[&Need]) -> Result<()> {
    let packages: Vec<&str> = needs.iter().flat_map(|need| need.packages.iter().copied()).collect();
    if packages.is_empty() {
        return Ok(());
    }
    report::step("setup", &format!("apt-get install {}", packages.join(" ")));
    apt::install(&packages)
}

/// Installs a toolchain from whichever source is reachable.
fn install_toolchain(workspace: &Workspace) -> Result<()> {
    report::step("setup", &format!("installing {} with rustup", toolchain::NIGHTLY));
    let Err(refused) = toolchain::install_nightly(workspace) else {
        return Ok(());
    };
    report::step("setup", &format!("rustup cannot ({refused:#}); taking Debian's compiler"));
    install_needs(&[&DEBIAN_TOOLCHAIN])?;
    if Toolchain::detect(workspace).is_none() {
        // apt may have known only an older compiler, from lists fetched before the newer one was published.
        apt::update()?;
        install_needs(&[&DEBIAN_TOOLCHAIN])?;
    }
    if Toolchain::detect(workspace).is_none() {
        bail!(
            "Debian's rustc-web is older than {} here: add the `bookworm-security` archive to apt's sources",
            env!("CARGO_PKG_RUST_VERSION")
        );
    }
    Ok(())
}
