//! pidfd_send_signal(2), done on the caller's behalf.
//!
//! The target is behind a descriptor, which another thread can replace while the call is held. So the
//! supervisor duplicates the descriptor, looks up its process, checks the caller's permission as the kernel
//! would, and sends the signal through the same duplicate. The receiver sees the supervisor as the sender,
//! unless the caller passed a `siginfo_t` of its own.
//!
//! Known gaps: a descriptor of a `/proc/PID` directory is answered EBADF, `PIDFD_SIGNAL_PROCESS_GROUP` EINVAL.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use procfs::process::Status;
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, Signal, getsid, pidfd_getfd, pidfd_open};

use super::{OwnProcesses, Ruling};
use crate::intercept::{Notification, Sent};
use crate::sys::memory::{Remote, read};
use crate::sys::process::{SIGINFO, send_signal};
use crate::sys::seccomp::Answer;

/// `PIDFD_SIGNAL_THREAD` and `PIDFD_SIGNAL_THREAD_GROUP`, include/uapi/linux/pidfd.h.
const FLAGS: u32 = 1 | 2;
/// `PIDFD_THREAD`, Linux 6.9.
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(libc::O_EXCL as u32);
/// The bit of CAP_KILL in a capability set.
const CAP_KILL: u64 = 1 << 5;

/// Sends a signal as the caller of a held pidfd_send_signal(2) would.
pub(super) fn send(own: &OwnProcesses, notification: &Notification, sent: Sent) -> Ruling {
    // A negative value is one of the kernel's names for the caller itself, or no descriptor.
    if sent.fd < 0 {
        return Ruling::Run;
    }
    match try_send(own, notification, sent) {
        Ok(None) => Ruling::Answer(Answer::Value(0)),
        Ok(Some(whom)) => Ruling::Refuse(whom),
        Err(errno) => Ruling::Answer(Answer::Errno(errno.raw_os_error())),
    }
}

/// Nothing if it was sent, or which of claw's processes it would have reached.
fn try_send(
    own: &OwnProcesses,
    notification: &Notification,
    sent: Sent,
) -> Result<Option<&'static str>, Errno> {
    if sent.flags & !FLAGS != 0 || sent.flags == FLAGS {
        return Err(Errno::INVAL);
    }
    let fd = duplicate(notification.tid, sent.fd)?;
    let target = stands_for(fd.as_fd())?;
    if let Some(whom) = own.named(target) {
        return Ok(Some(whom));
    }
    let allowed = may_signal(notification.tid, target, sent.signal);
    let info = info(notification.tid, sent.info)?;
    // What was read of the caller counts only if it is still held. What was read of the target counts only if
    // the descriptor still names that number: a number is not reused before the descriptor reports its
    // process as gone.
    if !notification.is_valid() || stands_for(fd.as_fd())? != target {
        return Err(Errno::SRCH);
    }
    if !allowed? {
        return Err(Errno::PERM);
    }
    send_signal(fd.as_fd(), sent.signal, info.as_ref(), sent.flags)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::PERM))?;
    Ok(None)
}

/// Duplicates descriptor `number` of the thread `tid` into the supervisor.
fn duplicate(tid: Pid, number: i32) -> Result<OwnedFd, Errno> {
    // A kernel before 6.9 opens only whole processes, whose threads nearly always share one descriptor table.
    // Either way the descriptor that is judged is the one that is used.
    let caller =
        pidfd_open(tid, THREAD).or_else(|_| pidfd_open(process(tid)?, PidfdFlags::empty()))?;
    pidfd_getfd(caller, number, PidfdGetfdFlags::empty())
}

fn process(tid: Pid) -> Result<Pid, Errno> {
    Pid::from_raw(status(tid)?.tgid).ok_or(Errno::SRCH)
}

fn status(tid: Pid) -> Result<Status, Errno> {
    procfs::process::Process::new(tid.as_raw_nonzero().get())
        .and_then(|process| process.status())
        .map_err(|_| Errno::SRCH)
}

/// The process that a descriptor stands for, from the line that only these descriptors have in fdinfo.
fn stands_for(fd: BorrowedFd<'_>) -> Result<Pid, Errno> {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))
        .map_err(|_| Errno::BADF)?;
    let number = text.lines().find_map(|line| line.strip_prefix("Pid:")).ok_or(Errno::BADF)?;
    match number.trim().parse() {
        // 0 means that the process has no number in this pid namespace, -1 that it is gone.
        Ok(0) => Err(Errno::PERM),
        Ok(number) if number > 0 => Pid::from_raw(number).ok_or(Errno::SRCH),
        _ => Err(Errno::SRCH),
    }
}

/// `check_kill_permission`, kernel/signal.c.
fn may_signal(caller: Pid, target: Pid, signal: i32) -> Result<bool, Errno> {
    let (from, to) = (status(caller)?, status(target)?);
    let same_user = [from.ruid, from.euid].iter().any(|id| [to.ruid, to.suid].contains(id));
    if from.tgid == to.tgid || same_user {
        return Ok(true);
    }
    if from.capeff & CAP_KILL != 0
        && user_namespace(caller).is_some_and(|own| {
            // The supervisor's user namespace is an ancestor of every one that the guarded tree can make.
            user_namespace(target).is_some_and(|other| own == other)
                || std::fs::read_link("/proc/self/ns/user").is_ok_and(|above| own == above)
        })
    {
        return Ok(true);
    }
    let continues = signal == Signal::CONT.as_raw();
    Ok(continues && getsid(Some(caller)).is_ok_and(|session| getsid(Some(target)) == Ok(session)))
}

fn user_namespace(process: Pid) -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/{}/ns/user", process.as_raw_nonzero())).ok()
}

/// What the caller says about the signal. The kernel checks it as it would the caller's own.
fn info(tid: Pid, at: u64) -> Result<Option<[u8; SIGINFO]>, Errno> {
    if at == 0 {
        return Ok(None);
    }
    let mut info = [0; SIGINFO];
    let read = read(tid, &[Remote { at, len: SIGINFO }], &mut info);
    if read.is_ok_and(|bytes| bytes == SIGINFO) { Ok(Some(info)) } else { Err(Errno::FAULT) }
}
