//! Process 1 of the guest: builds a root file system from the shared files, runs the job there, and turns the
//! machine off.

mod network;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::mount::{MountFlags, mount, mount_move};
use rustix::process::{Pid, WaitOptions, chdir, chroot, wait};
use rustix::system::{RebootCommand, finit_module, reboot};
use serde_json::{Value, json};

use crate::report;
use crate::workspace::Workspace;

/// The names of the serial ports out of the machine, and of the shared files.
pub(super) const STDOUT: &str = "claw.stdout";
pub(super) const STDERR: &str = "claw.stderr";
pub(super) const STATUS: &str = "claw.status";
pub(super) const FILES: &str = "claw.files";

/// Where things are in the initramfs.
pub(super) const PROGRAM: &str = "/xtask";
pub(super) const JOB: &str = "/job";
pub(super) const MODULES: &str = "/modules";
pub(super) const FOLDERS: [&str; 7] =
    ["/dev", "/proc", "/sys", "/shared", "/memory", "/root", MODULES];

/// A folder that the guest has instead of this machine's.
pub(super) const OWN_TMP: &str = "/tmp";

/// What the kernel is told. BPF LSM is off unless it is named; a panic ends the machine.
pub(super) fn kernel_arguments(bpf_lsm: bool) -> String {
    let modules = if bpf_lsm { "landlock,lockdown,yama,bpf" } else { "landlock,lockdown,yama" };
    format!(
        "console=ttyS0 loglevel=5 panic=-1 reboot=t mitigations=off lsm={modules} rdinit=/xtask -- vm-guest"
    )
}

/// `MODULE_INIT_COMPRESSED_FILE`, include/uapi/linux/module.h, Linux 5.17.
const COMPRESSED: i32 = 4;
/// How long the ports may take to appear, and the command's output to come to an end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The command to run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    argv: Vec<String>,
    env: Vec<(String, String)>,
    cwd: String,
}

impl Job {
    /// The command as it would run here.
    pub(super) fn here(workspace: &Workspace, command: &[OsString]) -> Result<Self> {
        let text = |word: &OsString| word.clone().into_string();
        let argv: Result<_, _> = command.iter().map(text).collect();
        let argv = argv.map_err(|word| anyhow::anyhow!("`{}` is not UTF-8", word.display()))?;
        let cwd = std::env::current_dir().context("the current folder is gone")?;
        let cwd = cwd.to_str().context("the current folder's name is not UTF-8")?.to_owned();
        Ok(Self { argv, env: super::environment(workspace), cwd })
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(&json!({ "argv": self.argv, "env": self.env, "cwd": self.cwd }))?)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut value: Value = serde_json::from_slice(bytes).context("the job is not JSON")?;
        let mut part = |name: &str| value.get_mut(name).map(Value::take).unwrap_or_default();
        Ok(Self {
            argv: serde_json::from_value(part("argv"))?,
            env: serde_json::from_value(part("env"))?,
            cwd: serde_json::from_value(part("cwd"))?,
        })
    }
}

/// Runs the job. It returns only if this is not process 1 of a guest, or cannot turn the machine off.
pub(crate) fn run() -> Result<()> {
    if std::process::id() != 1 {
        bail!("`vm-guest` is what `cargo xtask vm` runs inside its machine");
    }
    if let Err(error) = tell() {
        // There is nobody to tell but the console.
        report::step("error", &format!("{error:#}"));
    }
    reboot(RebootCommand::Restart).context("cannot turn the machine off")
}

/// Runs the job and reports the result.
fn tell() -> Result<()> {
    mount_kernel_file_systems("")?;
    load_modules()?;
    let mut status = port(STATUS)?;
    let told = match perform(&mut status) {
        Ok(code) => format!("ended {code}\n"),
        // One line, as the reader expects.
        Err(error) => format!("failed {}\n", format!("{error:#}").replace('\n', " ")),
    };
    Ok(status.write_all(told.as_bytes())?)
}

fn perform(status: &mut File) -> Result<u8> {
    let (stdout, stderr) = (port(STDOUT)?, port(STDERR)?);
    let job = Job::from_bytes(&fs::read(JOB)?)?;
    switch_root()?;
    network::raise_loopback()?;
    status.write_all(b"up\n")?;
    execute(&job, stdout, stderr)
}

fn mount_kernel_file_systems(root: &str) -> Result<()> {
    for (kind, at) in [("devtmpfs", "/dev"), ("proc", "/proc"), ("sysfs", "/sys")] {
        attach(kind, kind, &format!("{root}{at}"), "")?;
    }
    Ok(())
}

fn attach(source: &str, kind: &str, at: &str, options: &str) -> Result<()> {
    let options = std::ffi::CString::new(options)?;
    mount(source, at, kind, MountFlags::empty(), options.as_c_str())
        .with_context(|| format!("cannot mount `{kind}` at `{at}`"))
}

fn load_modules() -> Result<()> {
    let mut paths: Vec<_> = fs::read_dir(MODULES)?.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let compressed = path.extension().is_some_and(|kind| kind == "xz");
        finit_module(File::open(&path)?, c"", if compressed { COMPRESSED } else { 0 })
            .with_context(|| format!("cannot load `{}`", path.display()))?;
    }
    Ok(())
}

/// Opens the port of this name, which appears a moment after its driver is loaded.
fn port(name: &str) -> Result<File> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        for entry in fs::read_dir("/sys/class/virtio-ports").into_iter().flatten().flatten() {
            let named = fs::read_to_string(entry.path().join("name")).unwrap_or_default();
            let device = Path::new("/dev").join(entry.file_name());
            if named.trim_end() == name && device.exists() {
                return File::options().write(true).open(device).context("cannot open a port");
            }
        }
        if Instant::now() > deadline {
            bail!("the machine has no port `{name}`");
        }
        sleep(Duration::from_millis(10));
    }
}

/// The shared files, with a layer in memory that takes what is written, become the root.
fn switch_root() -> Result<()> {
    mount(FILES, "/shared", "virtiofs", MountFlags::RDONLY, c"").context("no shared files")?;
    attach("memory", "tmpfs", "/memory", "mode=755")?;
    fs::create_dir("/memory/upper")?;
    fs::create_dir("/memory/work")?;
    let layers = "lowerdir=/shared,upperdir=/memory/upper,workdir=/memory/work";
    attach("overlay", "overlay", "/root", layers)?;
    mount_kernel_file_systems("/root")?;
    for at in ["/root/tmp", "/root/run", "/root/dev/shm"] {
        fs::create_dir_all(at)?;
        attach("memory", "tmpfs", at, if at.ends_with("run") { "mode=755" } else { "mode=1777" })?;
    }
    fs::create_dir_all("/root/dev/pts")?;
    attach("devpts", "devpts", "/root/dev/pts", "mode=600,ptmxmode=666")?;
    // As udev does: programs open handed-over files by this name.
    symlink("/proc/self/fd", "/root/dev/fd").context("cannot link `/dev/fd`")?;
    attach("cgroup2", "cgroup2", "/root/sys/fs/cgroup", "")?;
    attach("securityfs", "securityfs", "/root/sys/kernel/security", "")?;
    chdir("/root")?;
    mount_move(".", "/").context("cannot make the shared files the root")?;
    chroot(".")?;
    chdir("/")?;
    Ok(())
}

/// Runs the job to its end and gives its exit status as a shell would.
fn execute(job: &Job, stdout: File, stderr: File) -> Result<u8> {
    let (program, arguments) = job.argv.split_first().context("the job has no command")?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(job.env.iter().cloned()).current_dir(&job.cwd);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start `{program}`"))?;
    let pumps = [
        child.stdout.take().map(|stream| pump(stream, stdout)),
        child.stderr.take().map(|stream| pump(stream, stderr)),
    ];
    let pid = Pid::from_child(&child);
    let status = loop {
        // Process 1 has to wait for every orphan.
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if ended == pid => break status,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the command"),
        }
    };
    for pump in pumps.into_iter().flatten() {
        // A process that the command left running may keep the pipe open, so do not wait for its end.
        let _ = pump.recv_timeout(PATIENCE);
    }
    let status = ExitStatus::from_raw(status.as_raw());
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

/// Copies on a thread of its own, and says when it is done.
fn pump(mut from: impl io::Read + Send + 'static, mut to: File) -> Receiver<()> {
    let (done, receiver) = channel();
    thread::spawn(move || {
        // Not io::copy: it uses splice(2) for a pipe, which the ports accept but do not carry out.
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = done.send(());
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_arrives_as_it_was_sent() -> Result<()> {
        let job = Job {
            argv: vec!["sh".into(), "-c".into(), "echo \"a b\"\n".into()],
            env: vec![("A".into(), "1=2".into())],
            cwd: "/tmp".into(),
        };
        assert_eq!(Job::from_bytes(&job.to_bytes()?)?, job);
        Ok(())
    }
}
