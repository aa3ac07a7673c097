//! Control messages, cmsg(3), as the supervisor can send them for a tracee.
//!
//! Passed descriptors (`SCM_RIGHTS`) are taken from the tracee first. On IP sockets only kinds that cannot
//! redirect a packet are allowed: a source route (`IP_RETOPTS`, `IPV6_RTHDR`) or SCTP's list of addresses
//! would send it elsewhere than was judged. `SCM_CREDENTIALS` is passed on as it is: the kernel refuses
//! another process's number to a supervisor without privilege.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{PidfdGetfdFlags, pidfd_getfd};

/// Bytes of a `cmsghdr`; each message is aligned to eight.
const HEADER: usize = 16;

/// What may accompany a packet on an IP socket, by level and type.
const HARMLESS: [(i32, i32); 9] = [
    (libc::SOL_SOCKET, libc::SO_TIMESTAMPING),
    (libc::SOL_SOCKET, libc::SCM_TXTIME),
    (libc::SOL_IP, libc::IP_PKTINFO),
    (libc::SOL_IP, libc::IP_TTL),
    (libc::SOL_IP, libc::IP_TOS),
    (libc::SOL_IPV6, libc::IPV6_PKTINFO),
    (libc::SOL_IPV6, libc::IPV6_HOPLIMIT),
    (libc::SOL_IPV6, libc::IPV6_TCLASS),
    (libc::SOL_UDP, libc::UDP_SEGMENT),
];

/// Rewrites `control` so that the supervisor can send it: duplicates the descriptors in it from the process
/// `owner`. They must stay open until the message is sent.
///
/// # Errors
/// EINVAL for a malformed message, EPERM for one that cannot be sent on behalf, and as pidfd_getfd(2).
pub(crate) fn take_over(
    control: &mut [u8],
    inet: bool,
    owner: impl AsFd,
) -> Result<Vec<OwnedFd>, Errno> {
    let mut taken = Vec::new();
    let mut at = 0;
    while control.len().saturating_sub(at) >= HEADER {
        let number = |at: usize| {
            let bytes: [u8; 4] = control[at..at + 4].try_into().unwrap_or_default();
            i32::from_ne_bytes(bytes)
        };
        let (level, kind) = (number(at + 8), number(at + 12));
        let len = control[at..at + 8].try_into().map(usize::from_ne_bytes).unwrap_or_default();
        if len < HEADER || len > control.len() - at {
            return Err(Errno::INVAL);
        }
        if (level, kind) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            for slot in control[at + HEADER..at + len].chunks_exact_mut(4) {
                let theirs = i32::from_ne_bytes(slot.try_into().unwrap_or_default());
                let ours = pidfd_getfd(&owner, theirs, PidfdGetfdFlags::empty())?;
                slot.copy_from_slice(&ours.as_raw_fd().to_ne_bytes());
                taken.push(ours);
            }
        } else if inet && !HARMLESS.contains(&(level, kind)) {
            return Err(Errno::PERM);
        }
        at += len.next_multiple_of(8);
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use rustix::process::{PidfdFlags, getpid, pidfd_open};

    use super::*;

    fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = (HEADER + data.len()).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    #[test]
    fn descriptors_are_taken_from_their_owner() {
        let own = pidfd_open(getpid(), PidfdFlags::empty()).expect("a pidfd");
        let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
        let mut control = message(libc::SOL_SOCKET, 99, &[0; 4]);
        let at = control.len() + HEADER;
        control.extend(message(
            libc::SOL_SOCKET,
            libc::SCM_RIGHTS,
            &reader.as_raw_fd().to_ne_bytes(),
        ));
        let taken = take_over(&mut control, false, &own).expect("taken");
        let [copy] = &taken[..] else { panic!("{taken:?}") };
        assert_ne!(copy.as_raw_fd(), reader.as_raw_fd());
        assert_eq!(control[at..at + 4], copy.as_raw_fd().to_ne_bytes());
        writer.write_all(b"x").expect("written");
        let mut byte = [0];
        std::fs::File::from(copy.try_clone().expect("dup")).read_exact(&mut byte).expect("read");
        assert_eq!(byte, *b"x");
        drop((writer, taken));
        assert_eq!(reader.read(&mut byte).expect("read"), 0);
        let mut closed = message(libc::SOL_SOCKET, libc::SCM_RIGHTS, &12_345i32.to_ne_bytes());
        assert_eq!(take_over(&mut closed, false, &own).err(), Some(Errno::BADF));
    }

    #[test]
    fn nothing_says_where_a_packet_goes() {
        let own = pidfd_open(getpid(), PidfdFlags::empty()).expect("a pidfd");
        let answer = |level, kind| {
            take_over(&mut message(level, kind, &[0; 24]), true, &own).map(|taken| taken.len())
        };
        for (level, kind) in HARMLESS {
            assert_eq!(answer(level, kind), Ok(0));
        }
        assert_eq!(answer(libc::SOL_IPV6, libc::IPV6_RTHDR), Err(Errno::PERM));
        assert_eq!(answer(libc::SOL_IP, libc::IP_RETOPTS), Err(Errno::PERM));
        assert_eq!(answer(libc::IPPROTO_SCTP, 6), Err(Errno::PERM));
        let mut long = message(libc::SOL_IP, libc::IP_TTL, &[0; 4]);
        long[0] = 200;
        assert_eq!(take_over(&mut long, true, &own).err(), Some(Errno::INVAL));
    }
}
