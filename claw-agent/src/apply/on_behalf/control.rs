//! Control messages, cmsg(3), as the supervisor can send them for a tracee.
//!
//! Passed descriptors (`SCM_RIGHTS`) are taken from the tracee first. On IP sockets only kinds that cannot
//! redirect a packet are allowed: a source route (`IP_RETOPTS`, `IPV6_RTHDR`) or SCTP's list of addresses
//! would send it elsewhere than was judged. On Unix sockets the receiver is told who the tracee is
//! (`SCM_CREDENTIALS`), not who the supervisor is, where the supervisor may say so: that takes CAP_SYS_ADMIN.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{PidfdGetfdFlags, pidfd_getfd};
use rustix::thread::CapabilitySet;

use super::subject::Sender;

/// Bytes of a `cmsghdr`; each message is aligned to eight.
const HEADER: usize = 16;
/// Bytes of a `ucred`.
const CREDENTIALS: usize = 12;

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
/// `owner`. They must stay open until the message is sent. `sender` is whom the receiver of a message on a Unix
/// socket is told of.
///
/// # Errors
/// EINVAL for a malformed message, EPERM for one that cannot be sent on behalf, and as pidfd_getfd(2).
pub(crate) fn take_over(
    control: &mut Vec<u8>,
    inet: bool,
    owner: impl AsFd,
    sender: Option<&Sender>,
) -> Result<Vec<OwnedFd>, Errno> {
    let mut taken = Vec::new();
    let mut said = false;
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
        } else if let Some(sender) = sender
            && (level, kind) == (libc::SOL_SOCKET, libc::SCM_CREDENTIALS)
        {
            let credentials: &mut [u8; CREDENTIALS] =
                control[at + HEADER..at + len].as_mut_array().ok_or(Errno::INVAL)?;
            vouch(credentials, sender)?;
            said = true;
        } else if inet && !HARMLESS.contains(&(level, kind)) {
            return Err(Errno::PERM);
        }
        at += len.next_multiple_of(8);
    }
    if let Some(sender) = sender.filter(|_| !said) {
        control.resize(control.len().next_multiple_of(8), 0);
        control.extend((HEADER + CREDENTIALS).to_ne_bytes());
        control.extend(libc::SOL_SOCKET.to_ne_bytes());
        control.extend(libc::SCM_CREDENTIALS.to_ne_bytes());
        control.extend(sender.process.to_ne_bytes());
        control.extend(sender.uids[0].to_ne_bytes());
        control.extend(sender.gids[0].to_ne_bytes());
        control.extend([0; 4]);
    }
    Ok(taken)
}

/// Whether descriptors are passed, as far as the messages are well formed.
pub(crate) fn passes_descriptors(control: &[u8]) -> bool {
    let mut rest = control;
    while let Some(header) = rest.first_chunk::<HEADER>() {
        let number = |at: usize| {
            i32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        if (number(8), number(12)) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            return true;
        }
        let len = header[..8].try_into().map(usize::from_ne_bytes).unwrap_or_default();
        let next = len.max(HEADER).checked_next_multiple_of(8);
        rest = next.and_then(|next| rest.get(next..)).unwrap_or_default();
    }
    false
}

/// Makes the credentials that a tracee states the supervisor's to send, if the tracee could state them itself
/// (`scm_check_creds` in net/core/scm.c).
///
/// # Errors
/// EPERM.
fn vouch(stated: &mut [u8; CREDENTIALS], sender: &Sender) -> Result<(), Errno> {
    let number = |at: usize| {
        u32::from_ne_bytes([stated[at], stated[at + 1], stated[at + 2], stated[at + 3]])
    };
    let (process, uid, gid) = (number(0), number(4), number(8));
    let may = |capability| sender.capabilities.contains(capability);
    let process = match u32::try_from(sender.own_number) {
        Ok(own) if own == process => sender.process.to_ne_bytes(),
        // Another process's number is the supervisor's too where both number processes alike.
        _ if may(CapabilitySet::SYS_ADMIN) && sender.own_number == sender.process => {
            process.to_ne_bytes()
        }
        _ => return Err(Errno::PERM),
    };
    let is_own = sender.uids.contains(&uid) || may(CapabilitySet::SETUID);
    let is_own = is_own && (sender.gids.contains(&gid) || may(CapabilitySet::SETGID));
    // In a user namespace of its own the tracee means other users by the same numbers.
    if !is_own || !sender.shares_users {
        return Err(Errno::PERM);
    }
    stated[..4].copy_from_slice(&process);
    Ok(())
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
        let taken = take_over(&mut control, false, &own, None).expect("taken");
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
        assert_eq!(take_over(&mut closed, false, &own, None).err(), Some(Errno::BADF));
    }

    #[test]
    fn nothing_says_where_a_packet_goes() {
        let own = pidfd_open(getpid(), PidfdFlags::empty()).expect("a pidfd");
        let answer = |level, kind| {
            take_over(&mut message(level, kind, &[0; 24]), true, &own, None)
                .map(|taken| taken.len())
        };
        for (level, kind) in HARMLESS {
            assert_eq!(answer(level, kind), Ok(0));
        }
        assert_eq!(answer(libc::SOL_IPV6, libc::IPV6_RTHDR), Err(Errno::PERM));
        assert_eq!(answer(libc::SOL_IP, libc::IP_RETOPTS), Err(Errno::PERM));
        assert_eq!(answer(libc::IPPROTO_SCTP, 6), Err(Errno::PERM));
        let mut long = message(libc::SOL_IP, libc::IP_TTL, &[0; 4]);
        long[0] = 200;
        assert_eq!(take_over(&mut long, true, &own, None).err(), Some(Errno::INVAL));
    }

    fn sender() -> Sender {
        Sender {
            process: 40,
            own_number: 4,
            uids: [1003, 1004, 1005],
            gids: [103, 104, 105],
            capabilities: CapabilitySet::empty(),
            shares_users: true,
        }
    }

    fn credentials(process: u32, uid: u32, gid: u32) -> Vec<u8> {
        [process, uid, gid].into_iter().flat_map(u32::to_ne_bytes).collect()
    }

    #[test]
    fn passed_descriptors_are_seen_behind_other_messages() {
        let one = message(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &credentials(1, 2, 3));
        let other = message(libc::SOL_SOCKET, libc::SCM_RIGHTS, &[0; 4]);
        assert!(!passes_descriptors(&one));
        assert!(passes_descriptors(&[one, other].concat()));
        assert!(!passes_descriptors(&[0xff; 40]));
    }

    #[test]
    fn a_message_without_credentials_gets_the_sender_s() {
        let own = pidfd_open(getpid(), PidfdFlags::empty()).expect("a pidfd");
        let (mut control, sender) = (Vec::new(), sender());
        take_over(&mut control, false, &own, Some(&sender)).expect("nothing is passed");
        let told = credentials(40, 1003, 103);
        assert_eq!(control, message(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &told));
    }

    #[test]
    fn a_sender_may_state_what_it_is_and_nothing_else() {
        let own = pidfd_open(getpid(), PidfdFlags::empty()).expect("a pidfd");
        let stated = |process, uid, gid, sender: &Sender| {
            let stated = credentials(process, uid, gid);
            let mut control = message(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &stated);
            take_over(&mut control, false, &own, Some(sender)).map(|_| control[HEADER..28].to_vec())
        };
        let plain = sender();
        for uid in plain.uids {
            assert_eq!(stated(4, uid, 105, &plain), Ok(credentials(40, uid, 105)));
        }
        for (process, uid, gid) in [(4, 0, 103), (4, 1003, 0), (40, 1003, 103), (1, 1003, 103)] {
            assert_eq!(stated(process, uid, gid, &plain), Err(Errno::PERM));
        }
        let root_of_its_own = Sender { shares_users: false, ..sender() };
        assert_eq!(stated(4, 1003, 103, &root_of_its_own), Err(Errno::PERM));
        let root = Sender {
            own_number: 40,
            capabilities: CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::SYS_ADMIN,
            ..sender()
        };
        assert_eq!(stated(1, 0, 0, &root), Ok(credentials(1, 0, 0)));
    }
}
