//! The supervisor's process: starts the command, serves its tree, and stays until the tree is gone.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use claw_common::event::UNREAD;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, WaitId, WaitIdOptions, getpid, pidfd_getfd,
    pidfd_open, waitid,
};

use super::tree::Tree;
use super::watch::{self, Watch};
use super::wire::{Channel, Message};
use super::{Options, User, be_unreadable, command, journal};
use crate::guard::own::OwnProcesses;
use crate::guard::{Host, Session, Settings, Sockets};
use crate::intercept::Listener;
use crate::kernel::KernelSide;
use crate::record::{self, Audit, Entry, Level, Proof, What};
use crate::supervisor;
use crate::sys::process::{Fork, block_signals, fork, peek_stop, read_signal, signal_fd};
use crate::sys::ptrace::{Stop, Tracee};
use crate::vital;

/// How long to wait between checks for answered calls that are not recorded yet, once the command has ended.
/// The checks stop after a second, because another process's exec may take as long as its disk.
const SETTLE: Duration = Duration::from_millis(1);
const SETTLE_LOOKS: u32 = 1000;
/// How often the supervisor looks whether anything guarded is left, once the command has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the session. The front gets the command's status; the returned status is the supervisor's own.
pub(super) fn run(
    options: &Options,
    level: Level,
    audit: record::Settings,
    (front, front_pid): (&Channel, Pid),
    tree: &Tree,
    kernel: Option<Arc<KernelSide>>,
) -> Result<ExitCode> {
    match start(options, level, audit, (front, front_pid), tree, kernel) {
        Ok(Started { session, watch, listener }) => {
            let result = serve(&session, watch.as_deref(), listener, front, tree);
            if let Err(error) = &result {
                tracing::error!("{error:#}");
                // Nobody will answer held calls, so kill the processes that would wait for ever.
                let _ = tree.kill();
            }
            session.host.dismiss(&session);
            tree.remove();
            result.map(|()| ExitCode::SUCCESS)
        }
        Err(error) => {
            let _ = tree.kill();
            let _ = front.send(&Message::Failed(format!("{error:#}")), None);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A session whose command waits for its first exec.
struct Started {
    session: Arc<Session>,
    /// The reader of the kernel side's events.
    watch: Option<Arc<Watch>>,
    listener: Option<OwnedFd>,
}

/// Starts the command up to its first exec, which waits for the receivers.
fn start(
    options: &Options,
    level: Level,
    mut audit: record::Settings,
    (front, front_pid): (&Channel, Pid),
    tree: &Tree,
    kernel: Option<Arc<KernelSide>>,
) -> Result<Started> {
    tree.watch_over()?;
    let sockets = Sockets::of(&options.policy, level, kernel.as_deref());
    let own = [getpid(), front_pid];
    let Forked { command, channel, listener } =
        fork_command(options, (level, sockets), &own, tree)?;
    detach().context("cannot leave the terminal's session")?;
    be_unreadable().context("cannot close this process's memory to others of its user")?;
    // In observe mode no call waits for room in the audit.
    if level != Level::Observed {
        let unread = if kernel.is_some() { UNREAD } else { 0 };
        audit.keep_room_for(unread, watch::longest(&options.policy, level));
    }
    let audit = open_audit(audit)?;
    if kernel.is_none() {
        try_out(command)?;
    }
    let own_processes = OwnProcesses::new(front_pid).context("cannot read /proc/self")?;
    let host = Host::new(kernel, own_processes)?;
    let watch = Watch::start(&host)?;
    let policy = options.policy.clone();
    let start = workspace(&host, command, options.user.as_ref());
    let settings = Settings { policy, level, sockets, audit, command, start };
    let session = Session::begin(&host, settings)?;
    let argv = options.command.iter().map(|word| word.as_encoded_bytes()).collect();
    let started = format!("policy {}", options.policy.file());
    session.audit.record(Entry {
        pid: Some(command.as_raw_nonzero().get()),
        outcome: host.kernel.as_ref().and_then(|kernel| kernel.lock()),
        ..Entry::new(What::Start { argv }, level, Proof::None, started)
    });
    front.send(&Message::Started(command.as_raw_nonzero().get()), None)?;
    match front.receive().context("the front is gone")? {
        (Message::Go, _) => {}
        (other, _) => bail!("the front says {other:?} instead of go"),
    }
    channel.send(&Message::Go, None).context("the command's process is gone")?;
    Ok(Started { session, watch, listener })
}

/// The folder that the command starts in, if it is one to work in: nobody's home is, nor a folder above it.
fn workspace(host: &Host, command: Pid, user: Option<&User>) -> Option<Arc<[u8]>> {
    let start = host.decoder.working_directory(command)?.path;
    let homes = [std::env::var_os("HOME"), user.map(|user| user.home().to_owned())];
    let is_above = |home: &OsString| Path::new(home).starts_with(OsStr::from_bytes(&start));
    (!homes.iter().flatten().any(is_above)).then(|| start.into())
}

/// A command that waits for its first exec.
struct Forked {
    command: Pid,
    /// The channel to it.
    channel: Channel,
    /// The listener of its filter; `None` in observe mode.
    listener: Option<OwnedFd>,
}

/// Forks the command, and waits until it has put itself under its filter.
fn fork_command(
    options: &Options,
    (level, sockets): (Level, Sockets),
    own: &[Pid],
    tree: &Tree,
) -> Result<Forked> {
    let (channel, others) = Channel::pair().context("cannot make a socket pair")?;
    let command = match fork().context("cannot fork the command")? {
        Fork::Parent(child) => child,
        Fork::Child => {
            drop(channel);
            command::exec_command(options, (level, sockets), own, &others, tree)
        }
    };
    drop(others);
    let listener = match channel.receive() {
        Ok((Message::Ready, listener)) => listener,
        Ok((Message::ListenerAt(number), _)) => Some(fetch(command, number)?),
        Ok((Message::Failed(why), _)) => bail!("{why}"),
        Ok((other, _)) => bail!("the command says {other:?}"),
        Err(error) => return Err(anyhow!(error).context("the command's process ended early")),
    };
    if listener.is_none() && level != Level::Observed {
        bail!("the command handed over no listener");
    }
    Ok(Forked { command, channel, listener })
}

/// Opens the audit, and the journal next to it.
fn open_audit(settings: record::Settings) -> Result<Audit> {
    let folder = settings.folder.clone();
    journal::start(folder.join(format!("{}.log", settings.session)));
    Audit::start(settings)
        .with_context(|| format!("cannot write the audit in `{}`", folder.display()))
}

/// Takes a descriptor from the command. This also tests pidfd_getfd(2), which connections on behalf need.
fn fetch(command: Pid, number: i32) -> Result<OwnedFd> {
    let pidfd = pidfd_open(command, PidfdFlags::empty())?;
    pidfd_getfd(&pidfd, number, PidfdGetfdFlags::empty()).context(
        "connections cannot be made on behalf: pidfd_getfd(2) is refused; `kernel.yama.ptrace_scope` may be at most 1, a container's seccomp profile has to let it through, and with `--user` root needs CAP_SYS_PTRACE",
    )
}

/// Traces the command for a moment. This tests ptrace(2), which the level `held` needs for every exec.
fn try_out(command: Pid) -> Result<()> {
    let mut tracee = Tracee::seize(command).context(
        "the level `held` is unavailable: ptrace(2) is refused; `kernel.yama.ptrace_scope` may be at most 1",
    )?;
    // The command is waiting for this process to send `Go`, and waits on after the trace.
    match tracee.wait()? {
        Stop::Elsewhere(signal) => Ok(tracee.detach(signal)?),
        Stop::Exec | Stop::Trap | Stop::Call | Stop::Gone(_) => {
            bail!("the command's process ended early")
        }
    }
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
    // With SIGXFSZ blocked, a file that may not grow is a failed write, like a full disk. Threads inherit
    // this.
    block_signals(&[libc::SIGXFSZ], true);
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
    session: &Arc<Session>,
    watch: Option<&Watch>,
    listener: Option<OwnedFd>,
    front: &Channel,
    tree: &Tree,
) -> Result<()> {
    if let Some(listener) = listener {
        let listener = Arc::new(Listener::new(listener));
        for _ in 0..receivers() {
            let (session, listener) = (Arc::clone(session), Arc::clone(&listener));
            vital::spawn("receive", move || {
                if let Err(error) = supervisor::serve(&session, &listener) {
                    // Without receivers, held calls would wait for ever: this process exits and the front
                    // kills the tree.
                    tracing::error!(%error, "the listener failed");
                    std::process::abort();
                }
            })?;
        }
    }
    let mut trouble = Trouble { front, told: false };
    let status = wait_for_command(session, front, tree, &mut trouble)?;
    trouble.tell(session);
    let left = || tree.is_populated() || session.is_guarded() || session.is_busy();
    let drain = || watch.into_iter().for_each(Watch::drain);
    let mut told = false;
    // Record the command's last call before anybody hears that the command has ended.
    for _ in 0..SETTLE_LOOKS {
        if !session.is_busy() {
            break;
        }
        std::thread::sleep(SETTLE);
    }
    loop {
        drain();
        let over = !left();
        if over {
            // The last kill may have been reported after the drain above.
            drain();
            watch.into_iter().for_each(|watch| watch.tell_losses(session));
            let reason = format!("the command ended with status {status}");
            session.audit.record(Entry::new(What::End, session.level, Proof::None, reason));
        }
        if over || !told {
            let done = session.audit.flush();
            while done.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                trouble.tell(session);
            }
        }
        if !told {
            told = true;
            // The front may have been killed. The session continues without it.
            let _ = front.send(&Message::Ended(status), None);
        }
        if over {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// Tells the user once that the audit cannot be written.
struct Trouble<'a> {
    front: &'a Channel,
    told: bool,
}

impl Trouble<'_> {
    fn tell(&mut self, session: &Session) {
        if let (false, Some(why)) = (self.told, session.audit.trouble()) {
            let text = format!(
                "the audit cannot be written ({why}); what would be recorded fails until it can: make room in its folder"
            );
            // A front that is gone tells nobody.
            self.told = self.front.offer(&Message::Notice(text)).is_ok();
        }
    }
}

/// Waits for the command and gives its exit status, 128 + n for a signal.
fn wait_for_command(
    session: &Session,
    front: &Channel,
    tree: &Tree,
    trouble: &mut Trouble<'_>,
) -> Result<u8> {
    block_signals(&[libc::SIGCHLD], true);
    let signals = signal_fd(&[libc::SIGCHLD]).context("cannot make a signal descriptor")?;
    let pidfd = pidfd_open(session.command(), PidfdFlags::empty());
    let Ok(pidfd) = pidfd else {
        // The thread that traced the command has reaped it already.
        return Ok(ended(session).unwrap_or(u8::MAX));
    };
    loop {
        let mut fds = [PollFd::new(&pidfd, PollFlags::IN), PollFd::new(&signals, PollFlags::IN)];
        // Signals of several children merge into one, so the one about a stop may be lost.
        match poll(&mut fds, Some(&Timespec { tv_sec: 1, tv_nsec: 0 })) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the command"),
        }
        let over = !fds[0].revents().is_empty();
        while read_signal(signals.as_fd()).is_some() {}
        if over {
            break;
        }
        trouble.tell(session);
        tree.reap_orphans(session.command());
        if let Some(signal) = stopped_by(session.command()) {
            // Sent again at every look, because the front may have woken the command meanwhile.
            let _ = front.offer(&Message::Stopped(signal));
        }
    }
    if let Some(status) = ended(session) {
        return Ok(status);
    }
    let status = match waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED) {
        Ok(Some(status)) => status,
        // A tracing thread reaped the command first, and will record its status in a moment.
        _ => return Ok(wait_until_seen(session)),
    };
    let status = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, signal) => 128 + signal.unwrap_or_default(),
    };
    Ok(u8::try_from(status & 0xff).unwrap_or(u8::MAX))
}

fn wait_until_seen(session: &Session) -> u8 {
    for _ in 0..100 {
        if let Some(status) = ended(session) {
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    u8::MAX
}

/// The exit status, if a tracing thread saw the end.
fn ended(session: &Session) -> Option<u8> {
    let status = session.command_ended()?;
    let code = if libc::WIFEXITED(status) {
        libc::WEXITSTATUS(status)
    } else {
        128 + libc::WTERMSIG(status)
    };
    u8::try_from(code & 0xff).ok()
}

/// The signal that stopped the command; `None` while it runs.
fn stopped_by(command: Pid) -> Option<i32> {
    let stat = procfs::process::Process::new(command.as_raw_nonzero().get())
        .and_then(|process| process.stat())
        .ok()?;
    // The signal is unknown if a tracing thread has waited for this stop.
    (stat.state == 'T').then(|| peek_stop(command).unwrap_or(libc::SIGSTOP))
}

/// How many threads receive: one per processor, so that one slow decision does not stall the others.
fn receivers() -> usize {
    std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8))
}
