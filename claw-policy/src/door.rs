//! Side doors: system calls by which a guarded process could change another one, hide a call from the
//! guard, or change the kernel. Each is closed unless the policy opens it.

/// One side door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Door {
    /// Tracing another process and reading or writing its memory: a judged program would no longer be
    /// what was judged. gdb, strace, rr and crash reporters need it.
    Ptrace,
    /// Taking another process's descriptors: its connections were decided for it alone.
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
}

impl Door {
    /// Every door.
    pub const ALL: [Self; 9] = [
        Self::Ptrace,
        Self::Descriptors,
        Self::IoUring,
        Self::Bpf,
        Self::Perf,
        Self::Userfaultfd,
        Self::Modules,
        Self::Kexec,
        Self::Keyring,
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
        }
    }

    /// The system calls behind it.
    #[must_use]
    pub fn system_calls(self) -> &'static [&'static str] {
        match self {
            Self::Ptrace => {
                &["ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp"]
            }
            Self::Descriptors => &["pidfd_getfd"],
            Self::IoUring => &["io_uring_setup", "io_uring_enter", "io_uring_register"],
            Self::Bpf => &["bpf"],
            Self::Perf => &["perf_event_open"],
            Self::Userfaultfd => &["userfaultfd"],
            Self::Modules => &["init_module", "finit_module", "delete_module"],
            Self::Kexec => &["kexec_load", "kexec_file_load"],
            Self::Keyring => &["keyctl", "add_key", "request_key"],
        }
    }
}
