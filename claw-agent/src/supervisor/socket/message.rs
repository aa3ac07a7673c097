//! Messages on another's behalf: sendto, sendmsg and sendmmsg.
//!
//! The data is copied one stretch at a time. A stream may be sent in parts. A datagram longer than one
//! stretch is longer than any protocol carries.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::io::Errno;

use super::Taken;
use super::peer::Peer;
use crate::apply::on_behalf::control;
use crate::apply::on_behalf::subject::{Assumed, Sender};
use crate::decode::socket::{MESSAGE_LENGTH, MULTIPLE_MESSAGE, Outgoing, message};
use crate::guard::waits::interruption;
use crate::guard::{Held, Refusal};
use crate::sys::seccomp::Answer;
use crate::sys::socket::{Parcel, send, signal_thread};

/// How many bytes are copied at once.
const STRETCH: usize = 1 << 20;
/// How many bytes the receiver tries to send itself before it hands the rest to a worker thread.
const SHORT: usize = 64 << 10;
/// `UIO_MAXIOV`: how many messages one sendmmsg(2) takes.
const MAX_MESSAGES: u32 = 1024;

/// A message that may be sent, and how much of it has been.
struct Sending {
    peer: Peer,
    outgoing: Outgoing,
    control: Vec<u8>,
    /// The descriptors that `control` passes.
    passed: Vec<OwnedFd>,
    /// Whether `control` says who the tracee is.
    names_sender: bool,
    flags: i32,
    sent: usize,
}

/// How far an attempt went.
enum Attempt {
    Done(Answer),
    /// The socket's buffer is full: the rest has to wait.
    Full,
}

impl Held<Taken> {
    /// Sends one message.
    pub(super) fn send(self, outgoing: Result<Outgoing, Errno>, flags: i32) {
        let mut sending = match self.prepare(outgoing, flags) {
            Ok(sending) => sending,
            Err(refusal) => return self.refuse(refusal),
        };
        let waits = flags & libc::MSG_DONTWAIT == 0 && self.blocks();
        let first = if !waits {
            self.attempt(&mut sending, false)
        } else if sending.outgoing.len() <= SHORT && flags & libc::MSG_FASTOPEN == 0 {
            self.attempt(&mut sending, true)
        } else {
            Attempt::Full
        };
        match first {
            Attempt::Done(answer) => self.answer(answer),
            Attempt::Full => self.wait(move |held| {
                let answer = held.whole(&mut sending);
                held.answer(answer);
            }),
        }
    }

    /// Sends several messages, and writes how much of each was sent to the tracee's memory.
    pub(super) fn send_all(self, messages: u64, count: u32, flags: i32) {
        let waits = flags & libc::MSG_DONTWAIT == 0 && self.blocks();
        let mut sent = 0;
        let answer = loop {
            if sent == i64::from(count.min(MAX_MESSAGES)) {
                break Answer::Value(sent);
            }
            let at = messages.wrapping_add(MULTIPLE_MESSAGE * sent as u64);
            let answer = match self.prepare(message(self.tid(), at), flags) {
                // Messages already sent still count, so record this refusal but answer with their number.
                Err(refusal) => {
                    Answer::Errno(self.session.account_for(&self.notification, refusal))
                }
                Ok(mut sending) if waits => self.whole(&mut sending),
                Ok(mut sending) => match self.attempt(&mut sending, false) {
                    Attempt::Done(answer) => answer,
                    Attempt::Full => Answer::Errno(libc::EAGAIN),
                },
            };
            match answer {
                Answer::Value(bytes) if self.note(at, bytes).is_ok() => sent += 1,
                Answer::Value(_) => break Answer::Errno(libc::EFAULT),
                // Messages already sent count; the tracee's next call will meet the same error.
                _ if sent > 0 => break Answer::Value(sent),
                failed => break failed,
            }
        };
        self.answer(answer);
    }

    /// Writes how many bytes of a message were sent to its `msg_len` in the tracee.
    fn note(&self, message: u64, bytes: i64) -> std::io::Result<()> {
        let path = format!("/proc/{}/mem", self.tid().as_raw_nonzero());
        let memory = File::options().write(true).open(path)?;
        // The tracee is still held, so the file opened above is its memory.
        if !self.notification.is_valid() {
            return Err(Errno::SRCH.into());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        memory.write_all_at(&bytes.to_ne_bytes(), message.wrapping_add(MESSAGE_LENGTH))
    }

    /// Judges a message and makes its control messages the supervisor's.
    fn prepare(&self, outgoing: Result<Outgoing, Errno>, flags: i32) -> Result<Sending, Refusal> {
        let mut outgoing = outgoing?;
        // With this flag the kernel keeps references to this process's pages, and would send whatever they
        // hold later.
        if flags & libc::MSG_ZEROCOPY != 0 {
            return Err(Errno::NOBUFS.into());
        }
        if !self.state.kind.is_stream() && outgoing.len() > STRETCH {
            return Err(Errno::MSGSIZE.into());
        }
        let name = outgoing.name.take();
        let to = self.state.kind.send(name.as_deref(), flags)?;
        let peer = self.judge(&to, name)?;
        let mut control = std::mem::take(&mut outgoing.control);
        // The capability that it takes to name the sender would also lift the limit on descriptors on their way.
        let sender = match self.state.kind.is_unix() && !control::passes_descriptors(&control) {
            true => Sender::of(self.tid())?,
            false => None,
        };
        let (inet, owner) = (self.state.kind.is_inet(), &self.state.owner);
        let passed = control::take_over(&mut control, inet, owner, sender.as_ref())?;
        let names_sender = sender.is_some();
        Ok(Sending { peer, outgoing, control, passed, names_sender, flags, sent: 0 })
    }

    /// Sends without waiting: everything, as much as fits, or nothing. `later` says that a worker thread can
    /// wait for the rest.
    fn attempt(&self, sending: &mut Sending, later: bool) -> Attempt {
        let flags = libc::MSG_DONTWAIT;
        loop {
            match self.stretch(sending, flags, false) {
                Ok(true) => return Attempt::Done(Answer::Value(sending.sent as i64)),
                Ok(false) => {}
                // The message itself may open a connection, and that takes time too.
                Err(Errno::AGAIN | Errno::INPROGRESS) if later => return Attempt::Full,
                Err(errno) => return Attempt::Done(self.failed(sending, errno)),
            }
        }
    }

    /// Sends all of it, however long that takes.
    fn whole(&self, sending: &mut Sending) -> Answer {
        loop {
            match self.stretch(sending, 0, true) {
                Ok(true) => return Answer::Value(sending.sent as i64),
                Ok(false) => {}
                Err(Errno::INTR) => match interruption(&self.notification) {
                    Some(_) if sending.sent > 0 => return Answer::Value(sending.sent as i64),
                    Some(why) => return why.answer(),
                    None => {}
                },
                Err(errno) => return self.failed(sending, errno),
            }
        }
    }

    /// Sends the next stretch; `true` once there is none left.
    fn stretch(&self, sending: &mut Sending, flags: i32, slowly: bool) -> Result<bool, Errno> {
        let data = sending.outgoing.data(self.tid(), sending.sent, STRETCH)?;
        if !self.notification.is_valid() {
            return Err(Errno::SRCH);
        }
        let first = sending.sent == 0;
        let parcel = Parcel {
            name: sending.peer.name().filter(|_| first),
            data: &data,
            control: if first { &sending.control } else { &[] },
        };
        let _as_them = match sending.names_sender && first {
            true => Some(Assumed::as_sender(self.tid())?),
            false => self.assume()?,
        };
        let flags = sending.flags | flags;
        let call = || send(self.state.socket.as_fd(), parcel, flags);
        let result = if slowly {
            self.session.host.waits.interruptible(&self.notification, call)
        } else {
            call()
        };
        let went = result.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        sending.sent += went;
        sending.passed.clear();
        Ok(!self.state.kind.is_stream() || went == 0 || sending.sent >= sending.outgoing.len())
    }

    /// The answer to a failed send: how much was sent, or the errno if nothing was.
    fn failed(&self, sending: &Sending, errno: Errno) -> Answer {
        if sending.sent > 0 {
            return Answer::Value(sending.sent as i64);
        }
        if errno == Errno::PIPE
            && self.state.kind.is_stream()
            && sending.flags & libc::MSG_NOSIGNAL == 0
        {
            // The kernel would have sent SIGPIPE to the calling thread, which may be gone by now.
            let process = crate::decode::process(self.tid());
            let _ = signal_thread(process, self.tid(), libc::SIGPIPE);
        }
        Answer::Errno(errno.raw_os_error())
    }
}
