//! The walk of one held call on a socket: connections that no kernel side decides, those of Unix sockets
//! among them. The supervisor takes the socket (pidfd_getfd(2)), makes the call on its own duplicate with the
//! judged copy of the address, and returns what came of it.
//!
//! Input: a held connect, sendto, sendmsg or sendmmsg. Output: its answer, and a record where rules were
//! asked. No such call is ever continued: another thread could change the address, or put another socket
//! under the same number, after it was judged. That is why a message without an address is sent on
//! behalf as well. Only where the kernel side decides every other address, and refuses those of Unix sockets
//! whoever may have swapped them in, does a call that names none go on.
//!
//! Known gaps: a peer on a Unix socket sees the supervisor's process number (`SO_PEERCRED`,
//! `SCM_CREDENTIALS`) with the tracee's user; `MSG_ZEROCOPY` is answered ENOBUFS, on which programs copy.

mod message;
mod peer;

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::apply::on_behalf::destination::Kind;
use crate::apply::on_behalf::subject::Assumed;
use crate::decode;
use crate::guard::waits::interruption;
use crate::guard::{Held, Received, Refusal, Sockets};
use crate::intercept::{Area, SocketCall, Verb};
use crate::sys::seccomp::Answer;
use crate::sys::socket;
use peer::Peer;

/// `PIDFD_THREAD`, Linux 6.9: a thread that has descriptors of its own is asked for those.
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(libc::O_EXCL as u32);

/// The walk of one call on a socket.
pub(super) fn walk(held: Held<Received>, call: SocketCall) {
    let others_go_on = held.session.sockets == Sockets::UnixOnBehalf;
    // TOCTOU: should the call have become one that names a Unix socket by the time it goes on, the kernel
    // side refuses it (kernel/unix.rs); any other address it decides on its own copy.
    if others_go_on && !decode::socket::may_name_unix(held.notification.tid, call.verb) {
        return held.answer(Answer::Continue);
    }
    let held = match take(&held, call.fd) {
        Ok(taken) => held.step(|Received| taken),
        Err(errno) => return held.refuse(errno),
    };
    if others_go_on && !held.state.kind.is_unix() {
        // TOCTOU: as above.
        return held.answer(Answer::Continue);
    }
    match call.verb {
        Verb::Connect { name } => held.connect(name),
        Verb::SendTo { data, flags, name } => {
            let outgoing = decode::socket::parcel(held.tid(), data, name);
            held.send(outgoing, flags);
        }
        Verb::SendMessage { message, flags } => {
            let outgoing = decode::socket::message(held.tid(), message);
            held.send(outgoing, flags);
        }
        Verb::SendMessages { messages, count, flags } => {
            held.wait(move |held| held.send_all(messages, count, flags));
        }
    }
}

/// The supervisor has its own duplicate of the call's socket.
struct Taken {
    /// Whose descriptors are taken.
    owner: OwnedFd,
    socket: OwnedFd,
    kind: Kind,
}

/// Takes a duplicate of the socket that is `fd` to the caller.
fn take(held: &Held<Received>, fd: i32) -> Result<Taken, Errno> {
    let tid = held.notification.tid;
    // Kernels before 6.9 know processes only.
    let owner = pidfd_open(tid, THREAD)
        .or_else(|_| pidfd_open(decode::process(tid), PidfdFlags::empty()))?;
    // The number may have been given again; from here on the descriptor stands for the caller.
    if !held.notification.is_valid() {
        return Err(Errno::SRCH);
    }
    let socket = pidfd_getfd(&owner, fd, PidfdGetfdFlags::empty())?;
    let kind = Kind::of(socket.as_fd())?;
    Ok(Taken { owner, socket, kind })
}

impl Held<Taken> {
    fn tid(&self) -> Pid {
        self.notification.tid
    }

    /// Goes on with a call that takes its time.
    fn wait(self, work: impl FnOnce(Self) + Send + 'static) {
        self.on_a_thread(work, |held, error| {
            held.refuse(Refusal::Shortage(format!("a thread ({error})")));
        });
    }

    fn connect(self, name: Area) {
        let peer = match self.peer(name) {
            Ok(peer) => peer,
            Err(refusal) => return self.refuse(refusal),
        };
        if self.state.kind.connects_slowly() && self.blocks() {
            self.wait(move |held| {
                let answer = held.connected(&peer, true);
                held.answer(answer);
            });
        } else {
            let answer = self.connected(&peer, false);
            self.answer(answer);
        }
    }

    /// Whom a connect(2) is to reach, if it may.
    fn peer(&self, name: Area) -> Result<Peer, Refusal> {
        let name = decode::socket::name(self.tid(), name)?;
        let to = self.state.kind.connect(&name)?;
        self.judge(&to, Some(name))
    }

    /// Connects the duplicate, and so the tracee's socket: they are one.
    fn connected(&self, peer: &Peer, slowly: bool) -> Answer {
        let name = peer.name();
        let _as_them = match self.assume() {
            Ok(assumed) => assumed,
            Err(errno) => return Answer::Errno(errno.raw_os_error()),
        };
        loop {
            let connect = || socket::connect(self.state.socket.as_fd(), name.unwrap_or_default());
            let result = if slowly {
                self.session.host.waits.interruptible(&self.notification, connect)
            } else {
                connect()
            };
            match result {
                Ok(()) => return Answer::Value(0),
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {
                    if let Some(why) = interruption(&self.notification) {
                        return why.answer();
                    }
                    // Another call goes on waiting for the same connection.
                }
                Err(error) => return Answer::Errno(error.raw_os_error().unwrap_or(libc::EIO)),
            }
        }
    }

    /// Where the kernel looks at who calls, the thread becomes the tracee's equal.
    fn assume(&self) -> Result<Option<Assumed>, Errno> {
        if self.state.kind.is_inet() { Ok(None) } else { Assumed::of(self.tid()).map(Some) }
    }

    /// Whether the tracee's calls on this socket wait.
    fn blocks(&self) -> bool {
        fcntl_getfl(&self.state.socket).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK))
    }
}
