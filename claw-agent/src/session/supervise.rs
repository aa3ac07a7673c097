//! The supervisor's process: starts the command, serves its tree, and stays until the tree is gone.

use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, WaitId, WaitIdOptions, pidfd_open, waitid,
};

use super::cgroup::Cgroup;
use super::watch::Watch;
use super::wire::{Channel, Message};
use super::{Guard, Options, command, journal};
use crate::apply::Proof;
use crate::decode::Decoder;
use crate::intercept::Listener;
use crate::kernel::KernelSide;
use crate::record::{self, Audit, Kind, Level, Record};
use crate::supervisor;
use crate::sys::process::{Fork, block_signals, fork, read_signal, signal_fd};

/// How long calls that are answered but not recorded are waited for when the command has ended: a
/// second at most, because another process's exec may take as long as its disk.
const SETTLE: Duration = Duration::from_millis(1);
const SETTLE_LOOKS: u32 = 1000;
/// How often the supervisor looks whether anything guarded is left, once the command has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the session. The front gets the command's status; what this returns is this process's own.
pub(super) fn run(
    options: &Options,
    observe: bool,
    audit: record::Settings,
    front: &Channel,
    cgroup: &Cgroup,
    kernel: Arc<KernelSide>,
) -> Result<ExitCode> {
    match start(options, observe, audit, front, cgroup, kernel) {
        Ok((guard, watch, listener)) => {
            let result = serve(&guard, &watch, listener, front, cgroup);
            if let Err(error) = &result {
                tracing::error!("{error:#}");
                // Nobody answers any more: end what would wait for ever.
                let _ = cgroup.kill();
            }
            cgroup.remove();
            result.map(|()| ExitCode::SUCCESS)
        }
        Err(error) => {
            let _ = cgroup.kill();
            let _ = front.send(&Message::Failed(format!("{error:#}")), None);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Starts the command as far as its first exec, which waits for the receivers.
fn start(
    options: &Options,
    observe: bool,
    audit: record::Settings,
    front: &Channel,
    cgroup: &Cgroup,
    kernel: Arc<KernelSide>,
) -> Result<(Arc<Guard>, Arc<Watch>, Option<OwnedFd>)> {
    let (channel, others) = Channel::pair().context("cannot make a socket pair")?;
    let command = match fork().context("cannot fork the command")? {
        Fork::Parent(child) => child,
        Fork::Child => {
            drop(channel);
            command::become_it(options, observe, &others, cgroup)
        }
    };
    drop(others);
    let listener = match channel.receive() {
        Ok((Message::Ready, listener)) => listener,
        Ok((Message::Failed(why), _)) => bail!("{why}"),
        Ok((other, _)) => bail!("the command says {other:?}"),
        Err(error) => return Err(anyhow!(error).context("the command's process ended early")),
    };
    if listener.is_none() && !observe {
        bail!("the command handed over no listener");
    }
    detach().context("cannot leave the terminal's session")?;
    let folder = audit.folder.clone();
    journal::start(folder.join(format!("{}.log", audit.session)));
    let audit = Audit::start(audit)
        .with_context(|| format!("cannot write the audit in `{}`", folder.display()))?;
    kernel.guard(command).context("cannot put the command under guard")?;
    let level = if observe { Level::Observed } else { Level::Proven };
    let guard = Arc::new(Guard {
        policy: options.policy.clone(),
        kernel,
        decoder: Decoder::default(),
        audit,
        level,
        command,
        calls: Arc::default(),
        ended: OnceLock::new(),
    });
    let argv = options.command.iter().map(|word| word.as_encoded_bytes()).collect();
    guard.audit.record(Record {
        pid: Some(command.as_raw_nonzero().get()),
        argv: Some(argv),
        ..Record::new(Kind::Start, level, Proof::None, format!("policy {}", options.policy.file()))
    });
    let watch = Watch::start(Arc::clone(&guard))?;
    front.send(&Message::Started(command.as_raw_nonzero().get()), None)?;
    match front.receive().context("the front is gone")? {
        (Message::Go, _) => {}
        (other, _) => bail!("the front says {other:?} instead of go"),
    }
    channel.send(&Message::Go, None).context("the command's process is gone")?;
    Ok((guard, watch, listener))
}

/// Leaves the terminal: a session and a process group of its own, and none of the command's
/// descriptors, so that nobody waits for this process to close them.
fn detach() -> Result<()> {
    rustix::process::setsid()?;
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    std::env::set_current_dir("/")?;
    // Every held call may need a few descriptors at once.
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(
        Resource::Nofile,
        Rlimit { current: limit.maximum, maximum: limit.maximum },
    )?;
    Ok(())
}

/// Serves until neither the command nor anything it started is left.
fn serve(
    guard: &Arc<Guard>,
    watch: &Watch,
    listener: Option<OwnedFd>,
    front: &Channel,
    cgroup: &Cgroup,
) -> Result<()> {
    if let Some(listener) = listener {
        let listener = Arc::new(Listener::new(listener));
        for _ in 0..receivers() {
            let (guard, listener) = (Arc::clone(guard), Arc::clone(&listener));
            std::thread::Builder::new().name("receive".into()).spawn(move || {
                if let Err(error) = supervisor::serve(&guard, &listener) {
                    // Without receivers held calls would wait for ever; the front ends the tree.
                    tracing::error!(%error, "the listener failed");
                    std::process::abort();
                }
            })?;
        }
    }
    let status = wait_for_command(guard, front)?;
    let left = || cgroup.is_populated() || guard.kernel.guards_any() || guard.is_busy();
    let mut told = false;
    // The command's own last call is recorded before anybody hears that the command has ended.
    for _ in 0..SETTLE_LOOKS {
        if !guard.is_busy() {
            break;
        }
        std::thread::sleep(SETTLE);
    }
    loop {
        watch.drain();
        let over = !left();
        if over {
            // What was killed last may have been reported after the look above.
            watch.drain();
            let reason = format!("the command ended with status {status}");
            guard.audit.record(Record::new(Kind::End, guard.level, Proof::None, reason));
        }
        if over || !told {
            guard.audit.flush();
        }
        if !told {
            told = true;
            // The front may have been killed; the guard goes on all the same.
            let _ = front.send(&Message::Ended(status), None);
        }
        if over {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// Waits for the command and gives its exit status, 128 + n for a signal.
fn wait_for_command(guard: &Guard, front: &Channel) -> Result<u8> {
    block_signals(&[libc::SIGCHLD], true);
    let signals = signal_fd(&[libc::SIGCHLD]).context("cannot make a signal descriptor")?;
    let pidfd = pidfd_open(guard.command, PidfdFlags::empty());
    let Ok(pidfd) = pidfd else {
        // Reaped already, by the thread that traced it.
        return Ok(ended(guard).unwrap_or(u8::MAX));
    };
    loop {
        let mut fds = [PollFd::new(&pidfd, PollFlags::IN), PollFd::new(&signals, PollFlags::IN)];
        // Signals of several children become one, and the one about a stop may be among those lost.
        match poll(&mut fds, Some(&Timespec { tv_sec: 1, tv_nsec: 0 })) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the command"),
        }
        let over = !fds[0].revents().is_empty();
        while read_signal(signals.as_fd()).is_some() {}
        if over {
            break;
        }
        if is_stopped(guard.command) {
            let _ = front.send(&Message::Stopped, None);
        }
    }
    if let Some(status) = ended(guard) {
        return Ok(status);
    }
    let status = match waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED) {
        Ok(Some(status)) => status,
        // The thread that traced it was faster and says so in a moment.
        _ => return Ok(wait_until_seen(guard)),
    };
    let status = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, signal) => 128 + signal.unwrap_or_default(),
    };
    Ok(u8::try_from(status & 0xff).unwrap_or(u8::MAX))
}

fn wait_until_seen(guard: &Guard) -> u8 {
    for _ in 0..100 {
        if let Some(status) = ended(guard) {
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    u8::MAX
}

/// The exit status where a tracing thread saw the end.
fn ended(guard: &Guard) -> Option<u8> {
    let status = *guard.ended.get()?;
    let code = if libc::WIFEXITED(status) {
        libc::WEXITSTATUS(status)
    } else {
        128 + libc::WTERMSIG(status)
    };
    u8::try_from(code & 0xff).ok()
}

fn is_stopped(process: Pid) -> bool {
    procfs::process::Process::new(process.as_raw_nonzero().get())
        .and_then(|process| process.stat())
        .is_ok_and(|stat| stat.state == 'T')
}

/// How many threads receive: one a processor, so that one slow decision stalls nobody.
fn receivers() -> usize {
    std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8))
}
