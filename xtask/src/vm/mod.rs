//! `cargo xtask vm`: runs a command on another kernel than this machine's.
//!
//! Debian's cloud kernels boot in QEMU with software emulation, so that neither KVM nor a disk image is
//! needed. The guest sees this machine's own files, read-only through virtio-fs and writable above that in
//! memory: the tree's binaries, PostgreSQL and every other tool are where they are here, and nothing that the
//! guest writes remains.
//!
//! - [`kernel`] brings a kernel from Debian's archive and keeps it below `target/vm`;
//! - [`initramfs`] packs this program, the few modules the boot needs, and the job;
//! - [`share`] serves this machine's files;
//! - [`machine`] runs QEMU, passes on what the command writes, and gives its exit status;
//! - [`suite`] is what the tests run on each kernel;
//! - [`guest`] is what runs inside, as process 1.

pub(crate) mod guest;
mod initramfs;
mod kernel;
mod machine;
mod share;
pub(crate) mod suite;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;

use crate::report;
use crate::workspace::Workspace;
use guest::Job;
use kernel::Kernel;
pub(crate) use kernel::Version;
use machine::Machine;
pub(crate) use machine::Misemulated;
pub(crate) use share::FILE_SERVERS;
use share::Share;

/// What `cargo xtask vm` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The kernel
    #[arg(long, value_enum, default_value_t = Version::Bookworm)]
    pub(crate) kernel: Version,
    /// Boot it as Debian does, without BPF LSM
    #[arg(long)]
    pub(crate) no_bpf_lsm: bool,
    /// Seconds after which the command counts as hanging
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) timeout: u64,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command in the current folder and with this environment, and gives its exit status.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let status = execute(workspace, options, machine::pass_on)?;
    Ok(ExitCode::from(status))
}

/// As [`run`], with the command's standard output going to `output` line by line.
pub(crate) fn execute(
    workspace: &Workspace,
    options: &Options,
    output: impl FnMut(&[u8]) + Send,
) -> Result<u8> {
    if !geteuid().is_root() {
        bail!("`cargo xtask vm` shares this machine's files with the guest, which needs root");
    }
    if workspace.root.starts_with(guest::OWN_TMP) {
        bail!(
            "the guest has a `{}` of its own and would not see this tree: move it",
            guest::OWN_TMP
        );
    }
    let folder = folder(workspace)?;
    let kernel = Kernel::obtain(&folder, options.kernel)?;
    // One machine at a time: two would compete for the processors and time out.
    let lock = fs::File::create(folder.join("lock")).context("cannot make the lock")?;
    flock(&lock, FlockOperation::LockExclusive).context("cannot wait for another machine's end")?;

    let run = tempfile::Builder::new().prefix("run-").tempdir_in(&folder)?;
    let job = Job::here(workspace, &options.command)?;
    let archive = run.path().join("initramfs");
    initramfs::write(&archive, &kernel, &job)?;
    let share = Share::start(run.path(), &share::mounts(workspace)?)?;
    report::step("vm", &format!("booting Linux {}", kernel.release));
    let machine =
        Machine::start(run.path(), &kernel, &archive, share.socket(), !options.no_bpf_lsm)?;
    machine.watch(Duration::from_secs(options.timeout), output)
}

/// Kernels that have not been fetched yet.
pub(crate) fn missing_kernels(workspace: &Workspace) -> Vec<Version> {
    let folder = workspace.target.join("vm");
    let all = Version::value_variants().iter().copied();
    all.filter(|version| !Kernel::is_here(&folder, *version)).collect()
}

/// Fetches a kernel, so that booting it later needs no archive.
pub(crate) fn fetch(workspace: &Workspace, version: Version) -> Result<()> {
    Kernel::obtain(&folder(workspace)?, version).map(drop)
}

/// Where kernels, and machines that run, have their files.
fn folder(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("vm");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    Ok(folder)
}

/// The environment a command gets in the guest: this one, without what the outer cargo set.
fn environment(workspace: &Workspace) -> Vec<(String, String)> {
    let cleaned = workspace.command("env");
    let changed: Vec<_> = cleaned.get_envs().collect();
    env::vars_os()
        .filter_map(|(name, value)| {
            let value = match changed.iter().find(|(changed, _)| *changed == name) {
                Some((_, None)) => return None,
                Some((_, Some(value))) => value.to_os_string(),
                None => value,
            };
            Some((name.into_string().ok()?, value.into_string().ok()?))
        })
        .collect()
}
