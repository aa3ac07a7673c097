//! The walk of one held call on a socket: connections that the kernel side does not decide, Unix sockets
//! included. The supervisor duplicates the socket (pidfd_getfd(2)), makes the call on the duplicate with the
//! judged copy of the address, and returns its result.
//!
//! Input: a held connect, sendto, sendmsg or sendmmsg. Output: its answer, and a record if rules were
//! consulted. Such a call is not continued: another thread could change the address, or put another socket
//! under the same number, after the judgement. For the same reason the supervisor also sends messages that
//! carry no address. There is one exception: if the kernel side decides all IP addresses and refuses every
//! Unix address, then a call that names no Unix socket continues.
//!
//! Known gaps: a peer on a Unix socket sees the supervisor's process number (`SO_PEERCRED`) with the tracee's user, and
//! a message carries that number (`SCM_CREDENTIALS`) where the supervisor lacks CAP_SYS_ADMIN; `MSG_ZEROCOPY` is
//! answered ENOBUFS, on which programs copy.

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

/// `PIDFD_THREAD`, Linux 6.9: opens the thread itself, which may have a descriptor table of its own.
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(libc::O_EXCL as u32);

/// The walk of one call on a socket.
pub(super) fn walk(held: Held<Received>, call: SocketCall) {
    let others_go_on = held.session.sockets == Sockets::UnixOnBehalf;
    // TOCTOU: if the call names a Unix socket by the time it continues, the kernel side refuses it
    // (kernel/unix.rs). Any other address the kernel side decides on its own copy.
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

/// State of a call whose socket the supervisor has duplicated.
struct Taken {
    /// A pidfd of the thread or process whose descriptors are taken.
    owner: OwnedFd,
    socket: OwnedFd,
    kind: Kind,
}

/// Takes a duplicate of the socket that is `fd` to the caller.
fn take(held: &Held<Received>, fd: i32) -> Result<Taken, Errno> {
    let tid = held.notification.tid;
    // Kernels before 6.9 open only processes.
    let owner = pidfd_open(tid, THREAD)
        .or_else(|_| pidfd_open(decode::process(tid), PidfdFlags::empty()))?;
    // The number may have been reused before the open. If the call is still held, the pidfd is the caller's.
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

    /// Continues a slow call on a worker thread.
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

    /// The peer of a connect(2), if the policy allows it.
    fn peer(&self, name: Area) -> Result<Peer, Refusal> {
        let name = decode::socket::name(self.tid(), name)?;
        let to = self.state.kind.connect(&name)?;
        self.judge(&to, Some(name))
    }

    /// Connects the duplicate, which connects the tracee's socket too: both are the same open file.
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
                    // No signal of the tracee's: connect again, which waits for the same connection.
                }
                Err(error) => return Answer::Errno(error.raw_os_error().unwrap_or(libc::EIO)),
            }
        }
    }

    /// For sockets where the kernel checks the caller's identity, gives this thread the tracee's.
    fn assume(&self) -> Result<Option<Assumed>, Errno> {
        if self.state.kind.is_inet() { Ok(None) } else { Assumed::of(self.tid()).map(Some) }
    }

    /// Whether the socket is in blocking mode.
    fn blocks(&self) -> bool {
        fcntl_getfl(&self.state.socket).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK))
    }
}
