//! Debian's cloud kernels, fetched with apt and kept below `target/vm`.
//!
//! Only two things of a package are kept: the kernel itself, and the modules that the boot needs. A package
//! is fetched once. Remove its folder to get a newer one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::command;
use crate::report;
use crate::setup;

/// The kernels that can be booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Version {
    /// Debian 12's own.
    #[value(name = "6.1")]
    Bookworm,
    /// Debian 13's, as Debian 12 offers it too.
    #[value(name = "6.12")]
    Trixie,
}

impl Version {
    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "6.1",
            Self::Trixie => "6.12",
        }
    }

    /// The package that always depends on the newest kernel of this version.
    fn package(self) -> &'static str {
        match self {
            Self::Bookworm => "linux-image-cloud-amd64",
            Self::Trixie => "linux-image-6.12-cloud-amd64",
        }
    }
}

/// The modules that a boot as far as the root file system needs, each behind what it depends on. A kernel that has one
/// of them built in has no such file.
const MODULES: [&str; 9] = [
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci",
    "drivers/char/virtio_console",
    "fs/fuse/fuse",
    "fs/fuse/virtiofs",
    "fs/overlayfs/overlay",
];

/// A kernel that is here.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// Its release, as `uname -r` says.
    pub(crate) release: String,
    /// The file to boot.
    pub(crate) image: PathBuf,
    /// Modules in the order in which they load.
    pub(crate) modules: Vec<PathBuf>,
}

impl Kernel {
    /// Whether `version` has been fetched.
    pub(crate) fn is_here(folder: &Path, version: Version) -> bool {
        Self::find(&folder.join(version.name())).is_ok()
    }

    /// Gives the kernel `version` below `folder`, and fetches it if it is not there.
    pub(crate) fn obtain(folder: &Path, version: Version) -> Result<Self> {
        let home = folder.join(version.name());
        if let Ok(kernel) = Self::find(&home) {
            return Ok(kernel);
        }
        let fetched = fetch(folder, &home, version).or_else(|_| {
            // apt's lists may be so old that the archive has dropped that version.
            setup::refresh_packages()?;
            fetch(folder, &home, version)
        });
        fetched.with_context(|| {
            format!(
                "cannot fetch Debian's kernel {0}: it is the package `{1}` of bookworm-security; `apt-cache policy \
                 {1}` shows whether apt knows it",
                version.name(),
                version.package()
            )
        })?;
        Self::find(&home)
    }

    /// Finds the files that [`fetch`] kept.
    fn find(home: &Path) -> Result<Self> {
        let release = fs::read_to_string(home.join("release"))?;
        let mut modules = Vec::new();
        for entry in fs::read_dir(home.join("modules"))? {
            modules.push(entry?.path());
        }
        modules.sort();
        Ok(Self { release, image: home.join("vmlinuz"), modules })
    }
}

/// Downloads and unpacks the newest package, and keeps what a boot needs as `home`.
fn fetch(folder: &Path, home: &Path, version: Version) -> Result<()> {
    let work = tempfile::Builder::new().prefix("fetch-").tempdir_in(folder)?;
    let package = newest(version)?;
    report::step("vm", &format!("fetching {package}"));
    let mut apt = Command::new("apt-get");
    // apt's own user cannot write here.
    apt.args(["-q", "-o", "APT::Sandbox::User=root", "download", &package]);
    command::run(apt.current_dir(work.path()))?;
    let archive = only(work.path(), "deb")?;
    let tree = work.path().join("tree");
    command::run(Command::new("dpkg-deb").arg("--extract").args([&archive, &tree]))?;

    let release = package
        .strip_prefix("linux-image-")
        .context("a kernel's package is called linux-image-…")?;
    let kept = work.path().join("kept");
    fs::create_dir_all(kept.join("modules"))?;
    fs::rename(tree.join(format!("boot/vmlinuz-{release}")), kept.join("vmlinuz"))?;
    let modules = tree.join(format!("lib/modules/{release}/kernel"));
    for (at, module) in MODULES.iter().enumerate() {
        let name = module.rsplit('/').next().unwrap_or(module);
        for kind in ["ko", "ko.xz"] {
            let from = modules.join(format!("{module}.{kind}"));
            if from.exists() {
                fs::rename(from, kept.join(format!("modules/{at}-{name}.{kind}")))?;
            }
        }
    }
    fs::write(kept.join("release"), release)?;
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    Ok(fs::rename(kept, home)?)
}

/// The package that the version's own package stands for.
fn newest(version: Version) -> Result<String> {
    let known = command::output(Command::new("apt-cache").args(["depends", version.package()]))?;
    let depends = known.lines().find_map(|line| line.trim().strip_prefix("Depends: "));
    Ok(depends.context("apt knows no such package; `apt-get update` may help")?.to_owned())
}

/// The one file of this kind in `folder`.
fn only(folder: &Path, extension: &str) -> Result<PathBuf> {
    let mut found = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let Some(path) = found.find(|path| path.extension().is_some_and(|kind| kind == extension))
    else {
        bail!("the download left no `.{extension}` file");
    };
    Ok(path)
}
