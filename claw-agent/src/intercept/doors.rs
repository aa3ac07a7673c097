//! What each side door guards: the calls that fail with EPERM while it is closed, and the capabilities that
//! the command loses for good.
//!
//! A capability is lost unless an open door needs it. If this machine's libseccomp does not know the name of
//! a call, the start fails; a door is never silently left open.

use std::sync::LazyLock;

use anyhow::{Context, Result};
use claw_policy::Door;
use rustix::thread::{self, CapabilitySet};

/// A call that a closed door refuses, always or for some arguments. The kernel reads only the low half of
/// these arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shut {
    /// Every use.
    Call(&'static str),
    /// Every use of a call that libseccomp has no name for yet. Numbers above 423 are the same on every
    /// architecture.
    Number(i32),
    /// Uses where this argument has this value.
    If(&'static str, u32, u32),
    /// Uses where this argument has any other value.
    Unless(&'static str, u32, u32),
    /// Uses where this argument has this value or a greater one.
    From(&'static str, u32, u32),
    /// Uses where the second argument and the third have these values.
    Both(&'static str, u32, u32),
    /// Uses of socket(2) of this family (any, if `None`) and this type. The type is compared without the
    /// flags that share its argument.
    OfType(&'static str, Option<u32>, u32),
    /// Uses of socket(2) of this family and type, where the protocol has these bits under this mask.
    OfProtocol { family: u32, kind: u32, mask: u32, bits: u32 },
}

/// Pushes a character into a terminal's input, as if its user had typed it; ioctl_tty(2).
const TIOCSTI: u32 = 0x5412;
/// Pastes a selection into a virtual console; ioctl_console(2).
const TIOCLINUX: u32 = 0x541c;
/// userfaultfd(2) by way of `/dev/userfaultfd`, include/uapi/linux/userfaultfd.h.
const USERFAULTFD_IOC_NEW: u32 = 0xaa00;
/// As `F_SETOWN`, behind a pointer, include/uapi/asm-generic/{fcntl,sockios}.h.
const F_SETOWN_EX: u32 = 15;
const FIOSETOWN: u32 = 0x8901;
const SIOCSPGRP: u32 = 0x8902;
/// open_tree_attr(2), Linux 6.15.
const OPEN_TREE_ATTR: i32 = 467;
/// The argument with which personality(2) only reads.
const PERSONALITY_READ: u32 = 0xffff_ffff;

/// Closed under every policy. Each of these names a process to signal behind a pointer, which another thread
/// could change. `fcntl(F_SETOWN)` does the same with the number in a register, where claw can check it.
///
/// The others set options of a socket that send its packets elsewhere than to the address that was judged: source
/// routes and routing headers (include/uapi/linux/{in,in6}.h).
pub(super) const ALWAYS: [Shut; 8] = [
    Shut::If("fcntl", 1, F_SETOWN_EX),
    Shut::If("ioctl", 1, FIOSETOWN),
    Shut::If("ioctl", 1, SIOCSPGRP),
    // IP_OPTIONS.
    Shut::Both("setsockopt", 0, 4),
    // IPV6_2292PKTOPTIONS, IPV6_RTHDRDSTOPTS, IPV6_RTHDR, IPV6_DSTOPTS.
    Shut::Both("setsockopt", 41, 6),
    Shut::Both("setsockopt", 41, 55),
    Shut::Both("setsockopt", 41, 57),
    Shut::Both("setsockopt", 41, 59),
];

const IPV4: u32 = 2;
const IPV6: u32 = 10;
const STREAM: u32 = 1;
const DATAGRAM: u32 = 2;
/// ICMP and ICMPv6, include/uapi/linux/in.h and in6.h.
const ICMP: u32 = 1;
const ICMPV6: u32 = 58;

/// The protocols whose addresses somebody decides, with the family and the type of their sockets; 0 stands for the
/// usual one of the type. TCP and MPTCP; UDP and UDP-Lite. ICMP has a door of its own.
const DECIDED: [(u32, u32, &[u32]); 4] = [
    (IPV4, STREAM, &[0, 6, 262]),
    (IPV6, STREAM, &[0, 6, 262]),
    (IPV4, DATAGRAM, &[0, 17, 136, ICMP]),
    (IPV6, DATAGRAM, &[0, 17, 136, ICMPV6]),
];

/// Every socket except Unix (1), IPv4 (2), IPv6 (10), netlink (16) and packet sockets (17, which
/// `raw_sockets` covers): families by number (include/linux/socket.h), and the types of IPv4 and IPv6 that
/// connect past the kernel's hooks for addresses. Raw sockets need the capability of `raw_sockets`.
const OTHER_FAMILIES: &[Shut] = &[
    Shut::If("socket", 0, 3),
    Shut::If("socket", 0, 4),
    Shut::If("socket", 0, 5),
    Shut::If("socket", 0, 6),
    Shut::If("socket", 0, 7),
    Shut::If("socket", 0, 8),
    Shut::If("socket", 0, 9),
    Shut::If("socket", 0, 11),
    Shut::If("socket", 0, 12),
    Shut::If("socket", 0, 13),
    Shut::If("socket", 0, 14),
    Shut::If("socket", 0, 15),
    Shut::From("socket", 0, 18),
    // SOCK_DCCP of any family, and SOCK_SEQPACKET, which is SCTP, of IPv4 and IPv6.
    Shut::OfType("socket", None, 6),
    Shut::OfType("socket", Some(2), 5),
    Shut::OfType("socket", Some(10), 5),
];

/// Those, and the protocols of IPv4 and IPv6 that are not among [`DECIDED`].
static OTHER_SOCKETS: LazyLock<Vec<Shut>> = LazyLock::new(|| {
    let others = DECIDED.iter().flat_map(|&(family, kind, decided)| {
        let but = move |(mask, bits)| Shut::OfProtocol { family, kind, mask, bits };
        all_but(decided).into_iter().map(but)
    });
    OTHER_FAMILIES.iter().copied().chain(others).collect()
});

/// Masks, and the bits under them, that cover every number but these, each once.
fn all_but(numbers: &[u32]) -> Vec<(u32, u32)> {
    let mut covered = Vec::new();
    // Prefixes of growing length that some of the numbers share; what differs in the next bit is covered.
    let mut prefixes = vec![0];
    for bit in (0..u32::BITS).rev() {
        let mask = !0 << bit;
        let halves = prefixes.iter().flat_map(|prefix| [*prefix, prefix | 1 << bit]);
        let (shared, free): (Vec<u32>, Vec<u32>) =
            halves.partition(|half| numbers.iter().any(|number| number & mask == *half));
        covered.extend(free.into_iter().map(|bits| (mask, bits)));
        prefixes = shared;
    }
    covered
}

/// Capabilities that the command loses under every policy. With the first, root could trace the supervisor.
/// With the second, it could choose the number of the supervisor's next thread.
const ALWAYS_LOST: CapabilitySet =
    CapabilitySet::SYS_PTRACE.union(CapabilitySet::CHECKPOINT_RESTORE);

/// The calls that `door` guards.
pub(super) fn behind(door: Door) -> &'static [Shut] {
    use Shut::{Call, If, Number, Unless};
    match door {
        Door::Ptrace => &[
            Call("ptrace"),
            Call("process_vm_readv"),
            Call("process_vm_writev"),
            Call("process_madvise"),
            Call("process_mrelease"),
            Call("kcmp"),
        ],
        Door::Descriptors => &[Call("pidfd_getfd")],
        Door::IoUring => {
            &[Call("io_uring_setup"), Call("io_uring_enter"), Call("io_uring_register")]
        }
        Door::Bpf => &[Call("bpf")],
        Door::Perf => &[Call("perf_event_open")],
        Door::Userfaultfd => &[Call("userfaultfd"), If("ioctl", 1, USERFAULTFD_IOC_NEW)],
        Door::Modules => &[Call("init_module"), Call("finit_module"), Call("delete_module")],
        Door::Kexec => &[Call("kexec_load"), Call("kexec_file_load")],
        Door::Keyring => &[Call("keyctl"), Call("add_key"), Call("request_key")],
        Door::Mount => &[
            Call("mount"),
            Call("umount2"),
            Call("pivot_root"),
            Call("move_mount"),
            Call("open_tree"),
            Call("fsopen"),
            Call("fsconfig"),
            Call("fsmount"),
            Call("fspick"),
            Call("mount_setattr"),
            Number(OPEN_TREE_ATTR),
        ],
        Door::Handles => &[Call("open_by_handle_at")],
        Door::Personality => &[Unless("personality", 0, PERSONALITY_READ)],
        Door::Terminal => &[If("ioctl", 1, TIOCSTI), If("ioctl", 1, TIOCLINUX)],
        Door::System => &[
            Call("acct"),
            Call("quotactl"),
            Call("quotactl_fd"),
            Call("swapon"),
            Call("swapoff"),
            Call("reboot"),
            Call("settimeofday"),
            Call("clock_settime"),
        ],
        Door::OtherSockets => &OTHER_SOCKETS,
        Door::Ping => &[
            Shut::OfProtocol { family: IPV4, kind: DATAGRAM, mask: !0, bits: ICMP },
            Shut::OfProtocol { family: IPV6, kind: DATAGRAM, mask: !0, bits: ICMPV6 },
        ],
        // Dropping the capability is enough: without it these calls fail by themselves.
        Door::Network | Door::RawSockets => &[],
    }
}

/// The capabilities that the uses behind `door` need.
fn needs(door: Door) -> CapabilitySet {
    match door {
        Door::Bpf => CapabilitySet::BPF,
        Door::Perf => CapabilitySet::PERFMON,
        Door::Modules => CapabilitySet::SYS_MODULE,
        Door::Kexec => CapabilitySet::SYS_BOOT,
        Door::Mount => CapabilitySet::SYS_ADMIN,
        Door::Network => CapabilitySet::NET_ADMIN,
        Door::RawSockets => CapabilitySet::NET_RAW,
        Door::System => {
            CapabilitySet::SYS_BOOT
                | CapabilitySet::SYS_RAWIO
                | CapabilitySet::SYS_TIME
                | CapabilitySet::SYS_PACCT
                | CapabilitySet::SYS_RESOURCE
                | CapabilitySet::SYSLOG
                | CapabilitySet::MAC_ADMIN
                | CapabilitySet::MAC_OVERRIDE
                | CapabilitySet::AUDIT_CONTROL
        }
        Door::Ptrace
        | Door::Descriptors
        | Door::IoUring
        | Door::Userfaultfd
        | Door::Keyring
        | Door::Handles
        | Door::Personality
        | Door::Terminal
        | Door::OtherSockets
        | Door::Ping => CapabilitySet::empty(),
    }
}

/// Drops the capabilities that closed doors need, for the calling thread and everything it executes or
/// starts. No effect on a caller without capabilities.
///
/// # Errors
/// As capset(2) and prctl(2).
pub(crate) fn drop_capabilities(closed: impl Iterator<Item = Door>) -> Result<()> {
    let lost = lost(&closed.collect::<Vec<_>>());
    let mut own = thread::capabilities(None).context("cannot read the capabilities")?;
    // Reducing the bounding set takes CAP_SETPCAP. Without it there is no need to: only root, or a file with
    // capabilities, gains capabilities from that set, and no_new_privs rules out the file.
    if own.effective.contains(CapabilitySet::SETPCAP) {
        for one in lost.iter() {
            // The kernel may not know this capability; then there is nothing to drop.
            if thread::capability_is_in_bounding_set(one).unwrap_or(false) {
                thread::remove_capability_from_bounding_set(one)
                    .context("cannot give up a capability")?;
            }
        }
    }
    own.effective -= lost;
    own.permitted -= lost;
    own.inheritable -= lost;
    // Dropping a permitted capability drops the ambient one too.
    thread::set_capabilities(None, own).context("cannot give up capabilities")
}

fn lost(closed: &[Door]) -> CapabilitySet {
    let open = Door::ALL.into_iter().filter(|door| !closed.contains(door));
    let union = |doors: &mut dyn Iterator<Item = Door>| {
        doors.map(needs).fold(CapabilitySet::empty(), CapabilitySet::union)
    };
    ALWAYS_LOST | (union(&mut closed.iter().copied()) - union(&mut open.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_door_keeps_its_capability_and_no_other() {
        let all_but = |open: Door| -> Vec<Door> {
            Door::ALL.into_iter().filter(|door| *door != open).collect()
        };
        let everything = lost(&Door::ALL);
        assert!(everything.contains(CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_PTRACE));
        assert_eq!(everything - lost(&all_but(Door::Mount)), CapabilitySet::SYS_ADMIN);
        // Rebooting and kexec need the same capability.
        assert_eq!(everything - lost(&all_but(Door::Kexec)), CapabilitySet::SYS_BOOT);
        assert_eq!(lost(&[]), ALWAYS_LOST);
        assert_eq!(lost(&all_but(Door::Ptrace)), everything);
    }

    #[test]
    fn every_number_but_the_decided_ones_is_covered_once() {
        for (_, _, decided) in DECIDED {
            let covered = all_but(decided);
            let times =
                |number: u32| covered.iter().filter(|(mask, bits)| number & mask == *bits).count();
            let far = [1 << 20, u32::MAX, u32::MAX - 1, 1 << 31];
            for number in (0..1024).chain(far) {
                let expected = usize::from(!decided.contains(&number));
                assert_eq!(times(number), expected, "{number}");
            }
        }
    }

    #[test]
    fn no_call_is_behind_two_doors() {
        let all = Door::ALL.into_iter().flat_map(behind).chain(&ALWAYS).collect::<Vec<_>>();
        for (at, shut) in all.iter().enumerate() {
            assert!(!all[..at].contains(shut), "{shut:?}");
        }
    }
}
