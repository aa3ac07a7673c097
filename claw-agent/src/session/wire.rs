//! The messages between the three processes of a session: one packet per message, with the listener as a
//! passed descriptor.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, send, sendmsg, socketpair,
};

/// A message from one process of a session to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Supervisor to front: the command runs as this process.
    Started(i32),
    /// Supervisor to front: this signal stopped the command.
    Stopped(i32),
    /// Supervisor to front: the command ended with this exit status.
    Ended(u8),
    /// Supervisor to front: a notice for the user.
    Notice(String),
    /// Command to supervisor: ready, with the listener, or without one in observe mode.
    Ready,
    /// Command to supervisor: the listener is this descriptor of mine.
    ListenerAt(i32),
    /// Supervisor to command: go on.
    Go,
    /// From any process: the session cannot start, and why.
    Failed(String),
}

/// One end of a connection between two processes of a session.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: OwnedFd,
}

/// The longest message, in bytes.
const MAX: usize = 4096;

impl Channel {
    /// Two connected ends.
    ///
    /// # Errors
    /// As socketpair(2).
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let flags = SocketFlags::CLOEXEC;
        let (one, other) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self { socket: one }, Self { socket: other }))
    }

    /// Sends a message, with a descriptor if there is one.
    ///
    /// # Errors
    /// As sendmsg(2); EPIPE if the other end is gone.
    pub(crate) fn send(&self, message: &Message, fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let mut bytes = message.encode();
        bytes.truncate(MAX);
        let Some(fd) = fd else {
            // Not sendmsg(2): this process's filter may hold it.
            send(&self.socket, &bytes, SendFlags::NOSIGNAL)?;
            return Ok(());
        };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fds = [fd];
        control.push(SendAncillaryMessage::ScmRights(&fds));
        sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Sends a message if the other end has room. Use it for a message that will be repeated while it is
    /// true.
    ///
    /// # Errors
    /// As send(2); EAGAIN if there is no room.
    pub(crate) fn offer(&self, message: &Message) -> io::Result<()> {
        send(&self.socket, &message.encode(), SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
        Ok(())
    }

    /// Receives a message and a descriptor if one came along.
    ///
    /// # Errors
    /// As recvmsg(2); `UnexpectedEof` if the other end is gone.
    pub(crate) fn receive(&self) -> io::Result<(Message, Option<OwnedFd>)> {
        let mut bytes = [0; MAX];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::io::retry_on_intr(|| {
            recvmsg(
                &self.socket,
                &mut [IoSliceMut::new(&mut bytes)],
                &mut control,
                RecvFlags::CMSG_CLOEXEC,
            )
        })?;
        let fd = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        });
        let message = Message::decode(&bytes[..received.bytes])
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok((message, fd))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Message {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Started(pid) => [&b"S"[..], &pid.to_ne_bytes()].concat(),
            Self::Stopped(signal) => [&b"T"[..], &signal.to_ne_bytes()].concat(),
            Self::Ended(status) => vec![b'E', *status],
            Self::Notice(text) => [b"N", text.as_bytes()].concat(),
            Self::Ready => b"R".to_vec(),
            Self::ListenerAt(fd) => [&b"L"[..], &fd.to_ne_bytes()].concat(),
            Self::Go => b"G".to_vec(),
            Self::Failed(why) => [b"F", why.as_bytes()].concat(),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        Some(match (tag, rest) {
            (b'S', pid) => Self::Started(i32::from_ne_bytes(pid.try_into().ok()?)),
            (b'T', signal) => Self::Stopped(i32::from_ne_bytes(signal.try_into().ok()?)),
            (b'E', [status]) => Self::Ended(*status),
            (b'N', text) => Self::Notice(String::from_utf8_lossy(text).into_owned()),
            (b'R', []) => Self::Ready,
            (b'L', fd) => Self::ListenerAt(i32::from_ne_bytes(fd.try_into().ok()?)),
            (b'G', []) => Self::Go,
            (b'F', why) => Self::Failed(String::from_utf8_lossy(why).into_owned()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_descriptors_arrive() {
        let (one, other) = Channel::pair().expect("a pair");
        let messages = [
            Message::Started(42),
            Message::Stopped(20),
            Message::Ended(130),
            Message::Ready,
            Message::ListenerAt(7),
            Message::Go,
            Message::Notice("the disk is full".into()),
            Message::Failed("no cgroup v2".into()),
        ];
        for message in &messages {
            one.send(message, Some(one.as_fd())).expect("sent");
            let (received, fd) = other.receive().expect("received");
            assert_eq!(&received, message);
            assert!(fd.is_some());
        }
        drop(one);
        assert_eq!(other.receive().unwrap_err().to_string(), "unexpected end of file");
    }
}
