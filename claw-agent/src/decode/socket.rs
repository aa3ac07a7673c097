//! Copies the arguments of a socket call out of its tracee, once, with the errors that the kernel would give.
//!
//! Input: addresses from the notification. Output: owned bytes: the peer's address, the pieces a message
//! is made of, its control messages. Source: `move_addr_to_kernel` and `copy_msghdr_from_user` in
//! net/socket.c of Linux 6.1 to 6.18.

use rustix::io::Errno;
use rustix::process::Pid;

use crate::intercept::{Area, Verb};
use crate::sys::memory::{MAX_REMOTES, Remote, read};

/// `sizeof(struct sockaddr_storage)`.
const MAX_NAME: u64 = 128;
/// `UIO_MAXIOV`.
const MAX_PIECES: u64 = 1024;
/// What control messages may take: the default of `net.core.optmem_max` since Linux 6.7.
const MAX_CONTROL: u64 = 128 << 10;
/// `MAX_RW_COUNT`: the most bytes that one call transfers.
const MAX_DATA: usize = 0x7fff_f000;
/// Bytes of a `msghdr`, and of the `mmsghdr` that holds one.
const MESSAGE: usize = 56;
pub(crate) const MULTIPLE_MESSAGE: u64 = 64;
/// Where `msg_len` stands in a `mmsghdr`.
pub(crate) const MESSAGE_LENGTH: u64 = 56;

/// `AF_UNIX`, as an address starts with it.
const UNIX: [u8; 2] = (libc::AF_UNIX as u16).to_ne_bytes();

/// One message to send.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// The peer's address; `None` if the message names none.
    pub(crate) name: Option<Vec<u8>>,
    /// Where the data is in the tracee.
    pub(crate) pieces: Vec<Remote>,
    /// The control messages.
    pub(crate) control: Vec<u8>,
}

/// Copies an address.
///
/// # Errors
/// EINVAL or EFAULT.
pub(crate) fn name(tid: Pid, area: Area) -> Result<Vec<u8>, Errno> {
    // The length is an `int`.
    let len = u64::from(area.len as u32);
    if len > MAX_NAME {
        return Err(Errno::INVAL);
    }
    bytes(tid, area.at, len as usize)
}

/// Copies the arguments of sendto(2).
///
/// # Errors
/// EINVAL or EFAULT.
pub(crate) fn parcel(tid: Pid, data: Area, address: Area) -> Result<Outgoing, Errno> {
    let len = usize::try_from(data.len).map_or(MAX_DATA, |len| len.min(MAX_DATA));
    let pieces = vec![Remote { at: data.at, len }];
    Ok(Outgoing { name: Some(name(tid, address)?), pieces, control: Vec::new() })
}

/// Copies a `msghdr` and everything it points to except the data.
///
/// # Errors
/// EINVAL, EFAULT, EMSGSIZE, ENOBUFS.
pub(crate) fn message(tid: Pid, at: u64) -> Result<Outgoing, Errno> {
    let header = bytes(tid, at, MESSAGE)?;
    let word = |index: usize| {
        let bytes = &header[8 * index..8 * index + 8];
        u64::from_ne_bytes(bytes.try_into().unwrap_or_default())
    };
    // name, namelen (32 bits), iov, iovlen, control, controllen, flags.
    let (name_at, name_len) = (word(0), word(1) as u32 as i32);
    let name_len = u64::try_from(name_len).map_err(|_| Errno::INVAL)?.min(MAX_NAME);
    let name = match (name_at, name_len) {
        (0, _) | (_, 0) => None,
        (at, len) => Some(bytes(tid, at, len as usize)?),
    };
    if word(3) > MAX_PIECES {
        return Err(Errno::MSGSIZE);
    }
    let table = bytes(tid, word(2), 16 * word(3) as usize)?;
    let mut left = MAX_DATA;
    let mut pieces = Vec::with_capacity(word(3) as usize);
    for entry in table.chunks_exact(16) {
        let half = |at: usize| u64::from_ne_bytes(entry[at..at + 8].try_into().unwrap_or_default());
        let len = half(8);
        if len > i64::MAX as u64 {
            return Err(Errno::INVAL);
        }
        let len = usize::try_from(len).map_or(left, |len| len.min(left));
        left -= len;
        pieces.push(Remote { at: half(0), len });
    }
    if word(5) > MAX_CONTROL {
        return Err(Errno::NOBUFS);
    }
    let control = if word(4) == 0 { Vec::new() } else { bytes(tid, word(4), word(5) as usize)? };
    Ok(Outgoing { name, pieces, control })
}

impl Outgoing {
    /// Bytes of data.
    pub(crate) fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len).sum()
    }

    /// Copies `len` bytes of the data from `start` on.
    ///
    /// # Errors
    /// EFAULT, or ESRCH if the tracee is gone.
    pub(crate) fn data(&self, tid: Pid, start: usize, len: usize) -> Result<Vec<u8>, Errno> {
        let (mut skip, mut wanted) = (start, len);
        let mut remotes = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            let skipped = skip.min(piece.len);
            skip -= skipped;
            let taken = (piece.len - skipped).min(wanted);
            wanted -= taken;
            if taken > 0 {
                remotes.push(Remote { at: piece.at.wrapping_add(skipped as u64), len: taken });
            }
        }
        let mut data = vec![0; len - wanted];
        let mut filled = 0;
        for group in remotes.chunks(MAX_REMOTES) {
            let size: usize = group.iter().map(|remote| remote.len).sum();
            whole(tid, group, &mut data[filled..filled + size])?;
            filled += size;
        }
        Ok(data)
    }
}

/// Whether a call may name a Unix socket. `true` also if only its socket can tell. An unreadable address
/// names none, because the kernel will refuse it too.
pub(crate) fn may_name_unix(tid: Pid, verb: Verb) -> bool {
    let unix = |name: Area| {
        let family = name.len as u32 >= 2 && name.at != 0;
        family && bytes(tid, name.at, 2).is_ok_and(|family| family == UNIX)
    };
    match verb {
        Verb::Connect { name } | Verb::SendTo { name, .. } => unix(name),
        Verb::SendMessage { message, .. } => bytes(tid, message, 12).is_ok_and(|head| {
            let (at, len) = head.split_at(8);
            let at = u64::from_ne_bytes(at.try_into().unwrap_or_default());
            unix(Area { at, len: u32::from_ne_bytes(len.try_into().unwrap_or_default()).into() })
        }),
        Verb::SendMessages { .. } => true,
    }
}

fn bytes(tid: Pid, at: u64, len: usize) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; len];
    whole(tid, &[Remote { at, len }], &mut buffer)?;
    Ok(buffer)
}

/// Reads all of `buffer` or fails.
fn whole(tid: Pid, remotes: &[Remote], buffer: &mut [u8]) -> Result<(), Errno> {
    if buffer.is_empty() {
        return Ok(());
    }
    match read(tid, remotes, buffer) {
        Ok(got) if got == buffer.len() => Ok(()),
        Ok(_) => Err(Errno::FAULT),
        Err(error) => Err(match Errno::from_io_error(&error) {
            Some(known @ (Errno::SRCH | Errno::PERM)) => known,
            _ => Errno::FAULT,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Pid {
        rustix::process::getpid()
    }

    #[test]
    fn a_message_comes_over_in_pieces() {
        let (name, control) = ([2u8, 0, 0, 53, 127, 0, 0, 1], [7u8; 24]);
        let (one, two) = (*b"hello ", *b"world");
        let table = [one.as_ptr() as u64, 6, two.as_ptr() as u64, 5];
        let header = [
            name.as_ptr() as u64,
            name.len() as u64,
            table.as_ptr() as u64,
            2,
            control.as_ptr() as u64,
            control.len() as u64,
            0,
        ];
        let message = message(me(), header.as_ptr() as u64).expect("readable");
        assert_eq!(message.name.as_deref(), Some(&name[..]));
        assert_eq!(message.control, control);
        assert_eq!(message.len(), 11);
        assert_eq!(message.data(me(), 0, 11).expect("readable"), b"hello world");
        assert_eq!(message.data(me(), 4, 4).expect("readable"), b"o wo");
        assert_eq!(message.data(me(), 9, 100).expect("readable"), b"ld");
    }

    #[test]
    fn errors_are_the_kernel_s() {
        let area = |at, len| Area { at, len };
        assert_eq!(name(me(), area(16, 16)), Err(Errno::FAULT));
        assert_eq!(name(me(), area(16, 129)), Err(Errno::INVAL));
        assert_eq!(name(me(), area(16, u64::from(u32::MAX))), Err(Errno::INVAL));
        assert_eq!(name(me(), area(16, 0)), Ok(Vec::new()));
        assert_eq!(message(me(), 16).map(|message| message.len()), Err(Errno::FAULT));
        let many = [0u64, 0, 16, 1025, 0, 0, 0];
        let read = message(me(), many.as_ptr() as u64);
        assert_eq!(read.map(|message| message.len()), Err(Errno::MSGSIZE));
    }
}
