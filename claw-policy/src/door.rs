//! Side doors: system calls by which a guarded process could change another process, hide a call from the
//! guard, or change the kernel. Each is closed unless the policy opens it.

/// One side door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Door {
    /// Tracing another process and reading or writing its memory: a judged program would no longer be
    /// what was judged. gdb, strace, rr and crash reporters need it.
    Ptrace,
    /// Taking another process's descriptors, whose connections were allowed to that process only.
    Descriptors,
    /// io_uring: work handed to the kernel without a system call that can be held. Runtimes that use
    /// it fall back on ordinary calls.
    IoUring,
    /// Loading eBPF programs, which could outlive and blind the guard.
    Bpf,
    /// Performance events, which read other processes and the kernel.
    Perf,
    /// Handling other threads' page faults, which makes races easy to win. Some virtual machines and
    /// live migration need it.
    Userfaultfd,
    /// Loading and removing kernel modules.
    Modules,
    /// Starting another kernel.
    Kexec,
    /// The kernel's key rings, which processes of one user share. Kerberos may keep tickets there.
    Keyring,
    /// Mounting, in a mount namespace of one's own too, and CAP_SYS_ADMIN: what is mounted over a path
    /// makes it another file. bubblewrap, rootless containers and FUSE file systems need it.
    Mount,
    /// Opening files by handle, past the folders that lead to them.
    Handles,
    /// Changing the execution domain, which changes the memory layout of programs and what they see of the
    /// machine. setarch uses it, and gdb to switch off address randomisation.
    Personality,
    /// Typing into the terminal: the user's shell would read the characters once the command has ended.
    Terminal,
    /// Matters of the whole machine: its clock, swap, quotas, accounting, halting it, raising hard
    /// limits, raw devices, the kernel's log, and mandatory access control.
    System,
    /// Changing interfaces, routes and the firewall (CAP_NET_ADMIN), which could lead an allowed address
    /// to another host.
    Network,
    /// Sockets for raw packets (CAP_NET_RAW), which carry no address that rules could decide on.
    RawSockets,
    /// Sockets of families and protocols whose peers no rule can name: vsock, TIPC, Bluetooth, AF_ALG, SCTP,
    /// DCCP, SMC, L2TP and every newer family and protocol. Unix and netlink sockets remain, and of IPv4 and IPv6
    /// TCP, MPTCP, UDP and UDP-Lite.
    OtherSockets,
    /// Sockets for ICMP echo requests, which ping uses. At the level `proven` nobody decides where they send.
    Ping,
}

impl Door {
    /// Every door.
    pub const ALL: [Self; 18] = [
        Self::Ptrace,
        Self::Descriptors,
        Self::IoUring,
        Self::Bpf,
        Self::Perf,
        Self::Userfaultfd,
        Self::Modules,
        Self::Kexec,
        Self::Keyring,
        Self::Mount,
        Self::Handles,
        Self::Personality,
        Self::Terminal,
        Self::System,
        Self::Network,
        Self::RawSockets,
        Self::OtherSockets,
        Self::Ping,
    ];

    /// As a policy spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ptrace => "ptrace",
            Self::Descriptors => "descriptors",
            Self::IoUring => "io_uring",
            Self::Bpf => "bpf",
            Self::Perf => "perf",
            Self::Userfaultfd => "userfaultfd",
            Self::Modules => "modules",
            Self::Kexec => "kexec",
            Self::Keyring => "keyring",
            Self::Mount => "mount",
            Self::Handles => "handles",
            Self::Personality => "personality",
            Self::Terminal => "terminal",
            Self::System => "system",
            Self::Network => "network",
            Self::RawSockets => "raw_sockets",
            Self::OtherSockets => "other_sockets",
            Self::Ping => "ping",
        }
    }
}
