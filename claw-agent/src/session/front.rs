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

/// What is passed on to the command when a process sends it to the front. Those that stop a job are among them: the
/// front stops when the command has, as a program does that is its job's only one, so that no shell has its terminal
/// back while the command still reads it.
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

/// Waits for the command's end and gives its status.
///
/// # Errors
/// If the session did not start, or the supervisor died: everything guarded has been ended then.
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
            // The terminal sends its keys to the whole job, so the command has those already; a hang-up
            // it sends to the leader of its session alone.
            let alone = signal.number == libc::SIGHUP && leads_session();
            if let (true, Some((_, pidfd)), Some(number)) =
                (signal.from_process || alone, &command, Signal::from_named_raw(signal.number))
            {
                // It may have ended.
                let _ = pidfd_send_signal(pidfd, number);
            }
        }
        if !told {
            continue;
        }
        match supervisor.receive() {
            Ok((Message::Started(pid), _)) => {
                let pid = Pid::from_raw(pid).context("the supervisor names no process")?;
                // It is alive: the supervisor is its parent and waits for this process.
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
    // Until here the programs in the kernel outlived the supervisor, had it died.
    drop(kernel);
    Ok(ExitCode::from(status))
}

fn leads_session() -> bool {
    rustix::process::getsid(None).is_ok_and(|session| session == rustix::process::getpid())
}

/// The command has stopped: stop too, by the same signal, so that the shell gets its terminal back and says what it
/// would say of the command, and wake the command once the shell wakes us.
fn stop_with(command: Pid, pidfd: &impl AsFd, signal: i32) {
    let stopped = || {
        let stat =
            procfs::process::Process::new(command.as_raw_nonzero().get()).and_then(|p| p.stat());
        stat.is_ok_and(|stat| stat.state == 'T')
    };
    // It may have been woken since.
    if !stopped() {
        return;
    }
    let by = Signal::from_named_raw(signal).unwrap_or(Signal::STOP);
    // Sending a signal to oneself cannot fail. It is blocked, and takes effect where it is let through.
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
