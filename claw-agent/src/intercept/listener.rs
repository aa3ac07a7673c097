//! The listener: receives held calls and carries the answers back.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::Pid;

use super::reach::Reach;
use crate::sys::seccomp::{self, Answer, RawNotification};

/// The descriptor that the filter notifies.
#[derive(Debug)]
pub(crate) struct Listener {
    fd: OwnedFd,
}

/// The arguments of an exec, as addresses in the tracee.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exec {
    /// The path.
    pub(crate) path: u64,
    /// The argument list.
    pub(crate) argv: u64,
    /// The environment.
    pub(crate) envp: u64,
    /// The further arguments of execveat(2).
    pub(crate) at: Option<At>,
}

/// The arguments that only execveat(2) has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    /// The folder where a relative path starts, a descriptor of the tracee.
    pub(crate) dirfd: i32,
    /// `AT_EMPTY_PATH` and its like.
    pub(crate) flags: i32,
}

/// What a held call asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request {
    /// To run another program.
    Exec(Exec),
    /// To connect or send to a peer.
    Socket(SocketCall),
    /// To act on another process.
    Reach(Reach),
}

/// A stretch of the tracee's memory, as a call names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    /// Its first address.
    pub(crate) at: u64,
    /// Its length in bytes, as the register holds it.
    pub(crate) len: u64,
}

/// A call that may name the address of a peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketCall {
    /// The socket, a descriptor of the tracee.
    pub(crate) fd: i32,
    /// What the call does.
    pub(crate) verb: Verb,
}

/// What a call on a socket does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
    /// connect(2).
    Connect {
        /// The address.
        name: Area,
    },
    /// sendto(2) with an address.
    SendTo {
        /// What to send.
        data: Area,
        /// `MSG_DONTWAIT` and its like.
        flags: i32,
        /// The address.
        name: Area,
    },
    /// sendmsg(2).
    SendMessage {
        /// The `msghdr`.
        message: u64,
        /// As above.
        flags: i32,
    },
    /// sendmmsg(2).
    SendMessages {
        /// The first `mmsghdr`.
        messages: u64,
        /// How many there are.
        count: u32,
        /// As above.
        flags: i32,
    },
}

/// One held call. It stays held until it is answered.
#[derive(Debug, Clone)]
pub(crate) struct Notification {
    listener: Arc<Listener>,
    id: u64,
    /// The thread that called.
    pub(crate) tid: Pid,
    /// What it asks for.
    pub(crate) request: Request,
}

impl Listener {
    /// Takes over the descriptor that loading a filter returned.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        // Kernels before 6.6 lack it. Calls are slower there; nothing else changes.
        seccomp::sync_wake_up(fd.as_fd());
        Self { fd }
    }

    /// Waits for the next held call. Returns `None` once no process is left under the filter. Older kernels
    /// do not report that; there the thread sleeps until the session's end.
    ///
    /// # Errors
    /// As the ioctl, except for a tracee's death and the end of the filter.
    pub(crate) fn receive(self: &Arc<Self>) -> io::Result<Option<Notification>> {
        loop {
            let raw = match seccomp::receive(self.fd.as_fd()) {
                Ok(raw) => raw,
                Err(error) => match Errno::from_io_error(&error) {
                    // A tracee died, or the filter has no process left: newer kernels use the same errno for
                    // both.
                    Some(Errno::NOENT) if self.hung_up()? => return Ok(None),
                    Some(Errno::NOENT | Errno::INTR | Errno::AGAIN) => continue,
                    _ => return Err(error),
                },
            };
            // A tracee outside the supervisor's pid namespace has no number here and cannot be judged. An
            // unknown call is one that the filter should not have held.
            let (Some(tid), Some(request)) = (Pid::from_raw(raw.tid as i32), Request::read(&raw))
            else {
                let _ = seccomp::answer(self.fd.as_fd(), raw.id, Answer::Errno(libc::EPERM));
                continue;
            };
            return Ok(Some(Notification { listener: Arc::clone(self), id: raw.id, tid, request }));
        }
    }

    fn hung_up(&self) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, poll};
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        match poll(&mut fds, Some(&rustix::event::Timespec::default())) {
            Ok(_) => Ok(fds[0].revents().contains(PollFlags::HUP)),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Request {
    /// Reads a call's registers; `None` for a call that the filter does not hold.
    fn read(raw: &RawNotification) -> Option<Self> {
        let [a, b, c, d, e, f] = raw.args;
        // The kernel reads the low 32 bits of descriptors, flags and counts.
        let socket = |verb| Self::Socket(SocketCall { fd: a as i32, verb });
        Some(match raw.nr.into() {
            libc::SYS_execve => Self::Exec(Exec { path: a, argv: b, envp: c, at: None }),
            libc::SYS_execveat => {
                let at = At { dirfd: a as i32, flags: e as i32 };
                Self::Exec(Exec { path: b, argv: c, envp: d, at: Some(at) })
            }
            libc::SYS_connect => socket(Verb::Connect { name: Area { at: b, len: c } }),
            libc::SYS_sendto => socket(Verb::SendTo {
                data: Area { at: b, len: c },
                flags: d as i32,
                name: Area { at: e, len: f },
            }),
            libc::SYS_sendmsg => socket(Verb::SendMessage { message: b, flags: c as i32 }),
            libc::SYS_sendmmsg => {
                socket(Verb::SendMessages { messages: b, count: c as u32, flags: d as i32 })
            }
            number => Self::Reach(Reach::of(number, raw.args)?),
        })
    }
}

impl Notification {
    /// Whether the tracee is still held.
    pub(crate) fn is_valid(&self) -> bool {
        seccomp::is_valid(self.listener.fd.as_fd(), self.id)
    }

    /// Answers. `false` if the tracee is gone.
    pub(crate) fn answer(&self, answer: Answer) -> bool {
        seccomp::answer(self.listener.fd.as_fd(), self.id, answer).is_ok()
    }
}
