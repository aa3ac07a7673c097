//! Connections that no kernel side decides, those of Unix sockets among them: the supervisor takes the socket (pidfd_getfd(2)), makes the call on
//! its own duplicate with the judged copy of the address, and returns what came of it.
//!
//! Input: a held connect, sendto, sendmsg or sendmmsg. Output: its answer, and a record where rules were
//! asked. No such call is ever continued: another thread could change the address, or put another socket
//! under the same number, after it was judged. That is why a message without an address is sent on
//! behalf as well. Only where the kernel side decides every other address, and refuses those of Unix sockets
//! whoever may have swapped them in, does a call that names none go on.
//!
//! Known gaps: a peer on a Unix socket sees the supervisor's process number (`SO_PEERCRED`,
//! `SCM_CREDENTIALS`) with the tracee's user; `MSG_ZEROCOPY` is answered ENOBUFS, on which programs copy.

mod control;
mod destination;
mod message;
mod subject;
mod wait;

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use claw_policy::connect::Protocol;
use claw_policy::unix::Names;
use claw_policy::{Outcome, Verdict};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::Proof;
use crate::decode;
use crate::intercept::{Area, Notification, SocketCall, Verb};
use crate::record::{Connect, Entry, What};
use crate::session::{Guard, InFlight, Sockets};
use crate::supervisor::mishap;
use crate::sys::seccomp::Answer;
use crate::sys::socket;
use destination::{Destination, Kind};
use subject::Assumed;
pub(crate) use wait::Waits;

/// `PIDFD_THREAD`, Linux 6.9: a thread that has descriptors of its own is asked for those.
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(libc::O_EXCL as u32);

/// Serves one held call on a socket.
pub(crate) fn serve(guard: &Arc<Guard>, notification: Notification, call: SocketCall) {
    let others_go_on = guard.sockets == Sockets::UnixOnBehalf;
    // TOCTOU: should the call have become one that names a Unix socket by the time it goes on, the kernel
    // side refuses it (kernel/unix.rs); any other address it decides on its own copy.
    if others_go_on && !decode::socket::may_name_unix(notification.tid, call.verb) {
        notification.answer(Answer::Continue);
        return;
    }
    let held = match Held::take(guard, notification, call.fd) {
        Ok(held) => held,
        Err((notification, errno)) => return mishap::fail(guard, &notification, errno),
    };
    if others_go_on && !held.kind.is_unix() {
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
            held.on_a_thread(move |held| held.send_all(messages, count, flags));
        }
    }
}

/// A held call and the supervisor's own duplicate of its socket.
struct Held {
    guard: Arc<Guard>,
    /// Until it is answered, the session is not over.
    in_flight: InFlight,
    notification: Notification,
    began: Instant,
    /// Whose descriptors are taken.
    owner: OwnedFd,
    socket: OwnedFd,
    kind: Kind,
}

/// An address that was judged, in the form that the supervisor uses.
#[derive(Debug, Default)]
struct Peer {
    name: Option<Vec<u8>>,
    /// The Unix socket that the address leads to through /proc/self/fd.
    _file: Option<OwnedFd>,
}

impl Held {
    fn take(
        guard: &Arc<Guard>,
        notification: Notification,
        fd: i32,
    ) -> Result<Self, (Notification, Errno)> {
        let began = Instant::now();
        let in_flight = guard.in_flight();
        let taken = || -> Result<(OwnedFd, OwnedFd, Kind), Errno> {
            // Kernels before 6.9 know processes only.
            let owner = pidfd_open(notification.tid, THREAD)
                .or_else(|_| pidfd_open(decode::process(notification.tid), PidfdFlags::empty()))?;
            // The number may have been given again; from here on the descriptor stands for the caller.
            if !notification.is_valid() {
                return Err(Errno::SRCH);
            }
            let socket = pidfd_getfd(&owner, fd, PidfdGetfdFlags::empty())?;
            let kind = Kind::of(socket.as_fd())?;
            Ok((owner, socket, kind))
        };
        match taken() {
            Ok((owner, socket, kind)) => {
                let guard = Arc::clone(guard);
                Ok(Self { guard, in_flight, notification, began, owner, socket, kind })
            }
            Err(errno) => Err((notification, errno)),
        }
    }

    fn tid(&self) -> Pid {
        self.notification.tid
    }

    fn answer(self, answer: Answer) {
        // The caller may be gone.
        self.notification.answer(answer);
        drop(self.in_flight);
    }

    fn fail(self, errno: Errno) {
        // The caller may be gone.
        mishap::fail(&self.guard, &self.notification, errno);
        drop(self.in_flight);
    }

    /// Goes on where waiting makes nobody else wait.
    fn on_a_thread(self, work: impl FnOnce(Self) + Send + 'static) {
        let crew = Arc::clone(&self.guard.crew);
        let given = crew.hand_over(self, |held| {
            let (guard, notification) = (Arc::clone(&held.guard), held.notification.clone());
            mishap::contain(&guard, &notification, || work(held));
        });
        if let Err((held, error)) = given {
            mishap::put_off(&held.guard, &held.notification, &format!("a thread ({error})"));
            drop(held.in_flight);
        }
    }

    fn connect(self, name: Area) {
        let name = match decode::socket::name(self.tid(), name) {
            Ok(name) => name,
            Err(errno) => return self.fail(errno),
        };
        let judged = self.kind.connect(&name).and_then(|to| self.judge(&to, Some(name)));
        let peer = match judged {
            Ok(peer) => peer,
            Err(errno) => return self.fail(errno),
        };
        if self.kind.connects_slowly() && self.blocks() {
            self.on_a_thread(move |held| {
                let answer = held.connected(&peer, true);
                held.answer(answer);
            });
        } else {
            let answer = self.connected(&peer, false);
            self.answer(answer);
        }
    }

    /// Connects the duplicate, and so the tracee's socket: they are one.
    fn connected(&self, peer: &Peer, slowly: bool) -> Answer {
        let name = peer.name.as_deref().unwrap_or_default();
        let _as_them = match self.assume() {
            Ok(assumed) => assumed,
            Err(errno) => return Answer::Errno(errno.raw_os_error()),
        };
        loop {
            let connect = || socket::connect(self.socket.as_fd(), name);
            let result = if slowly {
                self.guard.waits.interruptible(&self.notification, connect)
            } else {
                connect()
            };
            match result {
                Ok(()) => return Answer::Value(0),
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {
                    if let Some(why) = wait::interruption(&self.notification) {
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
        if self.kind.is_inet() { Ok(None) } else { Assumed::of(self.tid()).map(Some) }
    }

    /// Whether the tracee's calls on this socket wait.
    fn blocks(&self) -> bool {
        fcntl_getfl(&self.socket).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK))
    }

    /// Asks the rules, records what they say, and makes the address one to use. Everything that was read of
    /// the tracee so far counts only if it is still held.
    fn judge(&self, to: &Destination, name: Option<Vec<u8>>) -> Result<Peer, Errno> {
        if !self.notification.is_valid() {
            return Err(Errno::SRCH);
        }
        match to {
            Destination::Connected => Ok(Peer::default()),
            Destination::Unruled => Ok(Peer { name, _file: None }),
            Destination::Inet(to, protocol) => {
                self.decide(*to, *protocol)?;
                Ok(Peer { name, _file: None })
            }
            Destination::Abstract(abstract_name) => {
                self.decide_unix(&decode::unix::abstract_names(abstract_name))?;
                Ok(Peer { name, _file: None })
            }
            Destination::Path(path) => {
                let (decoder, tid) = (&self.guard.decoder, self.tid());
                let file = decoder.unix_socket(tid, path, || self.assume())?;
                let names = decoder.unix_names(tid, &file, &self.guard.policy)?;
                if !self.notification.is_valid() {
                    return Err(Errno::SRCH);
                }
                self.decide_unix(&names)?;
                let file = file.file;
                Ok(Peer { name: Some(through(file.as_fd())), _file: Some(file) })
            }
        }
    }

    fn decide(&self, to: SocketAddr, protocol: Protocol) -> Result<(), Errno> {
        let outcome = self.guard.policy.decide_connect(to.ip(), to.port(), protocol);
        let protocol = match self.kind.protocol {
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            other => other.to_string(),
        };
        self.record(outcome, to.to_string(), protocol)
    }

    fn decide_unix(&self, names: &Names) -> Result<(), Errno> {
        let outcome = self.guard.policy.decide_unix(names);
        let called = names.all.first().cloned().unwrap_or_default();
        self.record(outcome, called, "unix".to_owned())
    }

    /// Records a decision.
    ///
    /// # Errors
    /// EPERM if it is a denial, EAGAIN if it cannot be recorded.
    fn record(&self, outcome: Outcome, to: String, protocol: String) -> Result<(), Errno> {
        let allowed = outcome.verdict == Verdict::Allow;
        if self.guard.audit.is_short() {
            self.guard.audit.refuse();
            return Err(Errno::AGAIN);
        }
        let proof = if allowed { Proof::OnBehalf } else { Proof::Answered };
        let connect = Connect {
            to: Some(to),
            protocol: Some(protocol),
            took_ns: u64::try_from(self.began.elapsed().as_nanos()).ok(),
        };
        self.guard.audit.record(Entry {
            verdict: Some(outcome.verdict),
            rule: outcome.rule,
            at: outcome.at,
            because: outcome.because,
            pid: Some(decode::process(self.tid()).as_raw_nonzero().get()),
            uid: decode::uid(self.tid()),
            ..Entry::new(What::Connect(connect), self.guard.level, proof, outcome.reason)
        });
        if allowed { Ok(()) } else { Err(Errno::PERM) }
    }
}

/// The address by which this process reaches a Unix socket that is open here: exactly that one, whatever
/// becomes of its path.
fn through(file: BorrowedFd<'_>) -> Vec<u8> {
    let mut name = AddressFamily::UNIX.as_raw().to_ne_bytes().to_vec();
    name.extend(format!("/proc/self/fd/{}\0", file.as_raw_fd()).bytes());
    name
}
