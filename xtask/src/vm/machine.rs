//! QEMU: the machine that the guest runs in, and what comes out of it.
//!
//! Four serial ports lead out: the kernel's console (kept for failures), the command's standard output and
//! standard error, and a port on which the guest reports its [`Progress`].

use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, bail};

use super::guest;
use super::kernel::Kernel;
use crate::command;
use crate::interrupt::Interrupt;

const PROGRAM: &str = "qemu-system-x86_64";
/// How long a boot may take. On two idle processors it takes 4 s.
const BOOT: Duration = Duration::from_secs(300);
/// How often the guest's progress is looked at.
const LOOK: Duration = Duration::from_millis(50);
const MEMORY_MIB: u32 = 3072;

/// The console's message when a kernel hits a breakpoint that it has already removed from its own code.
const STALE_BREAKPOINT: &str = "int3: 0000 [#1]";

/// The emulator ran an instruction that the kernel had replaced, and the kernel gave up: before 8.1, QEMU
/// does not lock a page while it translates it, so a translation can outlive the text. Attaching a BPF LSM
/// program patches its hook, and triggers this about once in a hundred times. It says nothing about the
/// programs that ran there.
#[derive(Debug, Default)]
pub(crate) struct Misemulated {
    last_words: String,
}

impl fmt::Display for Misemulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the emulator ran code that the kernel had replaced{}", self.last_words)
    }
}

impl std::error::Error for Misemulated {}

/// A machine that runs.
#[derive(Debug)]
pub(super) struct Machine {
    child: Child,
    console: PathBuf,
    status: PathBuf,
}

/// The guest's progress, by the last line it reported.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// Nothing was told yet.
    Booting,
    /// The command runs.
    Up,
    /// The command ended with this status.
    Ended(u8),
    /// The guest could not start the command.
    Failed(String),
}

impl Machine {
    /// Starts QEMU, which ends with this process.
    pub(super) fn start(
        folder: &Path,
        kernel: &Kernel,
        initramfs: &Path,
        files: &Path,
        bpf_lsm: bool,
    ) -> Result<Self> {
        let program = command::find(PROGRAM)
            .with_context(|| format!("`{PROGRAM}` is not installed; run `cargo xtask setup`"))?;
        let (console, status) = (folder.join("console"), folder.join("status"));
        let mut qemu = Command::new("setpriv");
        qemu.args(["--pdeathsig", "KILL", "nice", "-n", "10"]).arg(program);
        qemu.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
        qemu.args(["-machine", "q35,memory-backend=memory", "-accel", "tcg,thread=multi"]);
        qemu.args(["-cpu", "max", "-smp", "2", "-m", &format!("{MEMORY_MIB}M")]);
        // virtio-fs reads and writes the guest's memory directly.
        let memory = format!("memory-backend-memfd,id=memory,size={MEMORY_MIB}M,share=on");
        qemu.args(["-object", &memory]);
        qemu.arg("-chardev").arg(format!("socket,id=files,path={}", files.display()));
        qemu.args(["-device", &format!("vhost-user-fs-pci,chardev=files,tag={}", guest::FILES)]);
        qemu.arg("-chardev").arg(format!("file,id=console,path={}", console.display()));
        qemu.args(["-serial", "chardev:console", "-device", "virtio-serial-pci"]);
        // Both are pipes of this process, so QEMU does not truncate a file when it opens them again.
        for (name, path) in [
            (guest::STDOUT, Path::new("/dev/stdout")),
            (guest::STDERR, Path::new("/dev/stderr")),
            (guest::STATUS, &status),
        ] {
            qemu.arg("-chardev").arg(format!("file,id={name},path={}", path.display()));
            qemu.args(["-device", &format!("virtserialport,chardev={name},name={name}")]);
        }
        qemu.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(initramfs);
        qemu.args(["-append", &guest::kernel_arguments(bpf_lsm)]);
        qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = qemu.spawn().context("cannot start `setpriv`")?;
        Ok(Self { child, console, status })
    }

    /// Passes on what the command writes until it has ended, and gives its exit status.
    ///
    /// # Errors
    /// The boot failed or took too long, the command took longer than `patience`, or somebody pressed Ctrl-C. The
    /// machine has been ended then.
    pub(super) fn watch(
        mut self,
        patience: Duration,
        output: impl FnMut(&[u8]) + Send,
    ) -> Result<u8> {
        let stdout = self.child.stdout.take().context("QEMU's output is not piped")?;
        let stderr = self.child.stderr.take().context("QEMU's output is not piped")?;
        thread::scope(|scope| {
            scope.spawn(|| lines(stdout, output));
            scope.spawn(|| lines(stderr, |line| drop(io::stderr().write_all(line))));
            let result = self.wait(patience);
            // The threads read until it has ended.
            drop(self.child.kill());
            drop(self.child.wait());
            result
        })
    }

    fn wait(&mut self, patience: Duration) -> Result<u8> {
        let interrupt = Interrupt::watch()?;
        let started = Instant::now();
        let mut up = None;
        loop {
            interrupt.check()?;
            let ended = self.child.try_wait()?;
            match self.progress() {
                Progress::Failed(why) => bail!("the guest failed: {why}{}", self.last_words()),
                Progress::Ended(status) if ended.is_some() => return Ok(status),
                _ if ended.is_some() => return Err(self.stopped_early()),
                Progress::Booting if started.elapsed() > BOOT => bail!(
                    "the kernel did not boot within {} s: the machine may be too busy for software emulation; \
                     try again{}",
                    BOOT.as_secs(),
                    self.last_words()
                ),
                Progress::Booting | Progress::Ended(_) => {}
                Progress::Up => {
                    if up.get_or_insert_with(Instant::now).elapsed() > patience {
                        bail!(
                            "the command hangs: it has run for {} s, see `--timeout`{}",
                            patience.as_secs(),
                            self.last_words()
                        );
                    }
                }
            }
            sleep(LOOK);
        }
    }

    fn progress(&self) -> Progress {
        Progress::read(&fs::read_to_string(&self.status).unwrap_or_default())
    }

    /// Why it stopped before the command ended.
    fn stopped_early(&self) -> Error {
        let last_words = self.last_words();
        if self.console().contains(STALE_BREAKPOINT) {
            return Misemulated { last_words }.into();
        }
        anyhow!("the machine stopped before the command ended{last_words}")
    }

    fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.console).unwrap_or_default()).into_owned()
    }

    /// The end of the kernel's console, for a failure's message.
    fn last_words(&self) -> String {
        let text = self.console();
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(25)..].join("\n  ");
        format!("\nthe console's last lines:\n  {last}")
    }
}

impl Progress {
    fn read(told: &str) -> Self {
        // A line is complete once it has its newline.
        let last = told.rsplit_once('\n').and_then(|(whole, _)| whole.lines().last());
        match last.map(|line| line.split_once(' ').unwrap_or((line, ""))) {
            Some(("up", _)) => Self::Up,
            Some(("ended", status)) => status.parse().map_or(Self::Up, Self::Ended),
            Some(("failed", why)) => Self::Failed(why.to_owned()),
            _ => Self::Booting,
        }
    }
}

/// Passes the lines of `stream` to `sink`.
fn lines(stream: impl Read, mut sink: impl FnMut(&[u8])) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        sink(&line);
        line.clear();
    }
}

/// Writes to this process's standard output. If the reader has stopped, the machine continues.
pub(super) fn pass_on(line: &[u8]) {
    drop(io::stdout().write_all(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_the_last_whole_line() {
        assert_eq!(Progress::read(""), Progress::Booting);
        assert_eq!(Progress::read("up"), Progress::Booting);
        assert_eq!(Progress::read("up\nended 1"), Progress::Up);
        assert_eq!(Progress::read("up\nended 17\n"), Progress::Ended(17));
        assert_eq!(Progress::read("failed no `/x`: y\n"), Progress::Failed("no `/x`: y".into()));
    }
}
