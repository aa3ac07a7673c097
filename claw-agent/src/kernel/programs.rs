//! Loads the programs of claw-ebpf for one host, and talks to them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use aya::maps::{HashMap, MapData, MapError};
use aya::programs::{BtfTracePoint, CgroupAttachMode, CgroupSockAddr, Lsm};
use aya::{Btf as AyaBtf, Ebpf, EbpfError, EbpfLoader};
use claw_common::hash::Key;
use claw_common::lineage::Mark;
use claw_policy::Policy;
use rustix::process::Pid;

use super::btf::{Btf, VMLINUX};
use super::connect::Connections;
use super::events::Events;
use super::holders::Holders;
use super::lineage::Lineage;
use super::object::{Refused, map, program};
use super::tickets::Tickets;
use super::unix;

/// The object that `cargo xtask ebpf` builds.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/claw.o"));

/// The tracepoints, by the name of the program and of what it attaches to.
const TRACEPOINTS: [&str; 3] = ["sched_process_fork", "sched_process_exit", "sched_process_exec"];

/// The socket-address programs.
const SOCKET_ADDRESS: [&str; 4] = ["connect4", "sendmsg4", "connect6", "sendmsg6"];

/// The programs of the third lock, by the names of their hooks.
const THIRD_LOCK: [&str; 3] = ["bprm_check_security", "ptrace_access_check", "task_kill"];

/// Where the kernel lists the security modules that it runs. Without `bpf` in that list a program for a hook
/// still loads, but is never called.
const SECURITY_MODULES: &str = "/sys/kernel/security/lsm";

/// Globals of claw-ebpf's `layout`, each with the structure and field whose offset it holds.
const OFFSETS: [(&str, &str, &str); 32] = [
    ("TASK_MM", "task_struct", "mm"),
    ("TASK_ACTIVE_MM", "task_struct", "active_mm"),
    ("TASK_PTRACED", "task_struct", "ptraced"),
    ("TASK_PTRACE_ENTRY", "task_struct", "ptrace_entry"),
    ("TASK_PID", "task_struct", "pid"),
    ("TASK_TGID", "task_struct", "tgid"),
    ("TASK_FS", "task_struct", "fs"),
    ("TASK_SIGNAL", "task_struct", "signal"),
    ("SIGNAL_LIVE", "signal_struct", "live"),
    ("MM_ARG_START", "mm_struct", "arg_start"),
    ("MM_ARG_END", "mm_struct", "arg_end"),
    ("MM_ENV_END", "mm_struct", "env_end"),
    ("MM_USERS", "mm_struct", "mm_users"),
    ("MM_COUNT", "mm_struct", "mm_count"),
    ("MM_FLAGS", "mm_struct", "flags"),
    ("MM_EXE_FILE", "mm_struct", "exe_file"),
    ("FILE_INODE", "file", "f_inode"),
    ("INODE_INO", "inode", "i_ino"),
    ("INODE_SB", "inode", "i_sb"),
    ("SB_DEV", "super_block", "s_dev"),
    ("FS_USERS", "fs_struct", "users"),
    ("FS_PWD", "fs_struct", "pwd"),
    ("PATH_MNT", "path", "mnt"),
    ("PATH_DENTRY", "path", "dentry"),
    ("DENTRY_INODE", "dentry", "d_inode"),
    ("MOUNT_MNT", "mount", "mnt"),
    ("MOUNT_ID", "mount", "mnt_id"),
    ("BPRM_FILENAME", "linux_binprm", "filename"),
    ("BPRM_FILE", "linux_binprm", "file"),
    ("BPRM_P", "linux_binprm", "p"),
    ("BPRM_EXEC", "linux_binprm", "exec"),
    ("BPRM_BUF", "linux_binprm", "buf"),
];

/// The settings of a host.
pub(crate) struct Settings<'a> {
    /// The key of the tickets.
    pub(crate) key: Key,
    /// The root of the cgroup v2 tree.
    pub(crate) cgroup_root: BorrowedFd<'a>,
    /// How many sessions must fit at a time, rounded up to a power of two.
    pub(crate) sessions: u32,
    /// Bytes of the ring of events, a power of two.
    pub(crate) ring: u32,
}

/// The loaded programs, one set for all sessions of a host. They are detached when the last process that
/// holds this ends.
pub(crate) struct KernelSide {
    /// Keeps the programs attached.
    _ebpf: Ebpf,
    /// How many sessions there is room for.
    room: u32,
    lineage: Lineage,
    connections: Connections,
    /// What the proof compares with.
    pub(crate) tickets: Tickets,
    /// Finds the holders of a stopped process's memory.
    pub(crate) holders: Holders,
    /// The programs' events, until the reading thread takes them.
    events: Mutex<Option<Events>>,
    /// claw's own processes, which the third lock protects; `None` if the kernel does not run it.
    protected: Option<Mutex<HashMap<MapData, u32, u32>>>,
    /// Why a kernel with BPF LSM refused the third lock.
    unlocked: Option<Refused>,
    /// The cgroup that the socket-address programs are attached to.
    cgroup_root: OwnedFd,
    /// Keeps the refusal of Unix sockets attached; `None` if no session asked for it, or the kernel has no
    /// such hooks.
    unix: Mutex<Option<[OwnedFd; 2]>>,
}

impl KernelSide {
    /// Loads and attaches everything. Nobody is guarded yet.
    ///
    /// # Errors
    /// [`Refused`], with what is missing.
    pub(crate) fn load(settings: &Settings<'_>) -> Result<Self, Refused> {
        let blob = std::fs::read(VMLINUX).map_err(Refused::NoBtf)?;
        let btf = Btf::parse(&blob)?;
        let mut offsets = Vec::with_capacity(OFFSETS.len());
        for (global, structure, field) in OFFSETS {
            offsets.push((global, btf.offset(structure, field)?));
        }
        let room = settings.sessions.next_power_of_two();
        let mut loader = EbpfLoader::new();
        let types = AyaBtf::from_sys_fs().map_err(EbpfError::from)?;
        loader.btf(Some(&types));
        for (global, offset) in &offsets {
            loader.override_global(global, offset, true);
        }
        loader
            .override_global("KEY_0", &settings.key.0[0], true)
            .override_global("KEY_1", &settings.key.0[1], true)
            .override_global("ROOM", &room, true)
            .map_max_entries("SESSIONS", room)
            .map_max_entries("LOST", room)
            .map_max_entries("EVENTS", settings.ring);
        let mut ebpf = loader.load(OBJECT)?;

        for name in TRACEPOINTS {
            let program: &mut BtfTracePoint = program(&mut ebpf, name)?;
            program
                .load(name, &types)
                .and_then(|()| program.attach())
                .map_err(|error| Refused::Program { program: name, error })?;
        }
        for name in SOCKET_ADDRESS {
            let program: &mut CgroupSockAddr = program(&mut ebpf, name)?;
            program
                .load()
                // A cgroup link always allows other programs too, and the kernel refuses the flag that says
                // so.
                .and_then(|()| program.attach(settings.cgroup_root, CgroupAttachMode::Single))
                .map_err(|error| Refused::Program { program: name, error })?;
        }
        // Take the maps out only now: programs find them by descriptor while they load.
        let lock = third_lock(&mut ebpf, &types);
        let protected = map(&mut ebpf, "PROTECTED")?;
        Ok(Self {
            room,
            protected: matches!(lock, Ok(true)).then(|| Mutex::new(protected)),
            unlocked: lock.err(),
            lineage: Lineage::load(&mut ebpf)?,
            connections: Connections::of(&mut ebpf, room)?,
            holders: Holders::load(&mut ebpf)?,
            tickets: Tickets::of(&mut ebpf, settings.key)?,
            events: Mutex::new(Some(Events::of(&mut ebpf, room)?)),
            cgroup_root: settings.cgroup_root.try_clone_to_owned()?,
            unix: Mutex::default(),
            _ebpf: ebpf,
        })
    }

    /// How many sessions there is room for at a time.
    pub(crate) fn room(&self) -> u32 {
        self.room
    }

    /// Puts a session's first process under guard, before it runs anything of its own. All its other
    /// processes descend from it.
    ///
    /// # Errors
    /// As bpf(2); `InvalidInput` for a pid out of range.
    pub(crate) fn enter(&self, process: Pid, mark: Mark) -> io::Result<()> {
        self.lineage.enter(process, mark)
    }

    /// Whether any process of a session is still guarded.
    pub(crate) fn guards_any(&self, session: u32) -> bool {
        self.lineage.holds_any(session)
    }

    /// Puts the connect rules of `policy` in force for a session, under this generation's number.
    ///
    /// # Errors
    /// If they do not fit; the old rules stay in force then.
    pub(crate) fn adopt(
        &self,
        session: u32,
        generation: u32,
        policy: &Policy,
    ) -> Result<(), Refused> {
        self.connections.adopt(session, generation, policy)
    }

    /// Starts or stops refusing every connection of a session. Refused connections are counted.
    ///
    /// # Errors
    /// If the map cannot be written; it stays as it was.
    pub(crate) fn refuse_connections(&self, session: u32, refuse: bool) -> Result<(), MapError> {
        self.connections.shut(session, refuse)
    }

    /// Removes a session that has no process left from the maps.
    pub(crate) fn forget(&self, session: u32) {
        self.connections.forget(session);
    }

    /// Protects one of claw's own processes from every guarded one, if there is a third lock.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn protect(&self, process: Pid) -> Result<(), MapError> {
        let Some(protected) = &self.protected else { return Ok(()) };
        let mut map = protected.lock().unwrap_or_else(PoisonError::into_inner);
        map.insert(process.as_raw_nonzero().get() as u32, 0, 0)
    }

    /// One line about the third lock: its hooks, or why a kernel with BPF LSM refused it. `None` on a kernel
    /// without BPF LSM.
    pub(crate) fn lock(&self) -> Option<String> {
        match (&self.protected, &self.unlocked) {
            (Some(_), _) => Some(format!("third lock: {}", THIRD_LOCK.join(", "))),
            // The verifier's message has many lines.
            (None, Some(why)) => {
                let why = why.to_string();
                Some(format!("no third lock: {}", why.lines().next().unwrap_or_default()))
            }
            (None, None) => None,
        }
    }

    /// Whether the third lock closes governed tools to all guarded processes from their first moment, as
    /// whatever user they run.
    pub(crate) fn has_third_lock(&self) -> bool {
        self.protected.is_some()
    }

    /// Makes the kernel refuse Unix addresses to every process whose mark says so. `false` before Linux 6.7,
    /// which has no such hooks.
    pub(crate) fn refuse_unix(&self) -> bool {
        let mut unix = self.unix.lock().unwrap_or_else(PoisonError::into_inner);
        if unix.is_none() {
            *unix = unix::refuse(self.lineage.list().as_fd(), self.cgroup_root.as_fd()).ok();
        }
        unix.is_some()
    }

    /// The events; `None` if they were taken before.
    pub(crate) fn take_events(&self) -> Option<Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Loads the programs of the third lock. `false` on a kernel that would never call them.
fn third_lock(ebpf: &mut Ebpf, types: &AyaBtf) -> Result<bool, Refused> {
    let modules = std::fs::read_to_string(SECURITY_MODULES).unwrap_or_default();
    if !modules.trim().split(',').any(|module| module == "bpf") {
        return Ok(false);
    }
    for name in THIRD_LOCK {
        let program: &mut Lsm = program(ebpf, name)?;
        program
            .load(name, types)
            .and_then(|()| program.attach())
            .map_err(|error| Refused::Program { program: name, error })?;
    }
    Ok(true)
}
