//! The process in the terminal: waits, passes signals on, and ends as the command did.

use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal};

use super::be_unreadable;
use super::tree::Tree;
use super::wire::{Channel, Message};
use crate::kernel::KernelSide;
use crate::sys::process::{block_signals, read_signal, signal_fd};

/// Signals that the front passes on to the command when a process sends them. They include those that stop a
/// job: the front stops only after the command has stopped, so that the shell does not get its terminal back
/// while the command still reads from it.
const FORWARDED: [i32; 11] = [
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGWINCH,
    libc::SIGALRM,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

/// Waits for the command to end, and returns its status.
///
/// # Errors
/// If the session did not start, or the supervisor died; every guarded process was killed then.
#[expect(clippy::disallowed_macros, reason = "the session's own notices; its journal limits them")]
pub(super) fn wait(
    supervisor: &Channel,
    child: Pid,
    tree: &Tree,
    kernel: Option<Arc<KernelSide>>,
    notice: Option<&str>,
) -> Result<ExitCode> {
    be_unreadable().context("cannot close this process's memory to others of its user")?;
    block_signals(&FORWARDED, true);
    let signals = signal_fd(&FORWARDED).context("cannot make a signal descriptor")?;
    let mut command = None;
    let status = loop {
        let mut fds =
            [PollFd::new(supervisor, PollFlags::IN), PollFd::new(&signals, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the supervisor"),
        }
        let (told, signalled) = (!fds[0].revents().is_empty(), !fds[1].revents().is_empty());
        if signalled && let Some(signal) = read_signal(signals.as_fd()) {
            // The terminal sends signals of keys to the whole job, so the command has them already. It sends
            // a hang-up only to the leader of the terminal's session.
            let alone = signal.number == libc::SIGHUP && leads_session();
            if let (true, Some((_, pidfd)), Some(number)) =
                (signal.from_process || alone, &command, Signal::from_named_raw(signal.number))
            {
                // The command may have ended.
                let _ = pidfd_send_signal(pidfd, number);
            }
        }
        if !told {
            continue;
        }
        match supervisor.receive() {
            Ok((Message::Started(pid), _)) => {
                let pid = Pid::from_raw(pid).context("the supervisor names no process")?;
                // The command exists: its parent, the supervisor, waits for this process.
                let pidfd =
                    pidfd_open(pid, PidfdFlags::empty()).context("cannot watch the command")?;
                command = Some((pid, pidfd));
                if let Some(notice) = notice {
                    eprintln!("claw: {notice}");
                }
                supervisor.send(&Message::Go, None).context("the supervisor is gone")?;
            }
            Ok((Message::Stopped(signal), _)) => {
                if let Some((pid, pidfd)) = &command {
                    stop_with(*pid, pidfd, signal);
                }
            }
            Ok((Message::Ended(status), _)) => break status,
            Ok((Message::Notice(text), _)) => eprintln!("claw: {text}"),
            Ok((Message::Failed(why), _)) => {
                let _ = rustix::process::waitpid(Some(child), WaitOptions::empty());
                tree.remove();
                bail!("{why}");
            }
            Ok((other, _)) => bail!("the supervisor says {other:?}"),
            Err(_) => {
                tree.kill()
                    .context("the supervisor died, and so did what could end its processes")?;
                let _ = rustix::process::waitpid(Some(child), WaitOptions::empty());
                bail!("the supervisor died; every guarded process has been ended");
            }
        }
    };
    // Held until here, so that the kernel programs would have outlived a supervisor that died.
    drop(kernel);
    Ok(ExitCode::from(status))
}

fn leads_session() -> bool {
    rustix::process::getsid(None).is_ok_and(|session| session == rustix::process::getpid())
}

/// Follows a command that has stopped: the front stops by the same signal, so that the shell gets its
/// terminal back and reports the command as usual. Once the shell wakes the front, the front wakes the
/// command.
fn stop_with(command: Pid, pidfd: &impl AsFd, signal: i32) {
    let stopped = || {
        let stat =
            procfs::process::Process::new(command.as_raw_nonzero().get()).and_then(|p| p.stat());
        stat.is_ok_and(|stat| stat.state == 'T')
    };
    // The command may have been woken since.
    if !stopped() {
        return;
    }
    let by = Signal::from_named_raw(signal).unwrap_or(Signal::STOP);
    // Sending a signal to oneself cannot fail. It is blocked, and takes effect when it is unblocked below.
    let _ = rustix::process::kill_process(rustix::process::getpid(), by);
    block_signals(&[signal], false);
    block_signals(&[signal], true);
    if stopped() {
        let group = rustix::process::getpgid(Some(command));
        let own = rustix::process::getpgrp();
        match group {
            Ok(group) if group != own => {
                let _ = rustix::process::kill_process_group(group, Signal::CONT);
            }
            _ => {
                let _ = pidfd_send_signal(pidfd, Signal::CONT);
            }
        }
    }
}
