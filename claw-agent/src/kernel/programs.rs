//! Loading the programs of claw-ebpf for one session, and the ends of their maps.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use aya::maps::lpm_trie::{Key as Prefix, LpmTrie};
use aya::maps::{Array, HashMap, Map, MapData, MapError};
use aya::programs::{BtfTracePoint, CgroupAttachMode, CgroupSockAddr, Lsm, Program, ProgramError};
use aya::{Btf as AyaBtf, Ebpf, EbpfError, EbpfLoader};
use claw_common::event::{RING, RING_OBSERVED};
use claw_common::hash::Key;
use claw_common::lineage::{GUARDED, PAGE, PAGES, Page, place};
use claw_common::net::{PORT_TABLE_WORDS, PortRange};
use claw_common::ticket::{TICKET_WORDS, Ticket};
use rustix::process::Pid;
use thiserror::Error;

use super::btf::{Btf, BtfError, VMLINUX};
use super::events::Events;
use super::holders::Holders;
use super::unix;

/// The object that `cargo xtask ebpf` builds.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/claw.o"));

/// The tracepoints, by the name of the program and of what it attaches to.
const TRACEPOINTS: [&str; 3] = ["sched_process_fork", "sched_process_exit", "sched_process_exec"];

/// The socket-address programs.
const SOCKET_ADDRESS: [&str; 4] = ["connect4", "sendmsg4", "connect6", "sendmsg6"];

/// The programs of the third lock, by the names of their hooks.
const THIRD_LOCK: [&str; 3] = ["bprm_check_security", "ptrace_access_check", "task_kill"];

/// Where the kernel lists the security modules that it runs. A program for a hook loads without `bpf` in that list as
/// well, and is never called then.
const SECURITY_MODULES: &str = "/sys/kernel/security/lsm";

/// Globals of claw-ebpf's `layout`, with the structure and the field each one is the offset of.
const OFFSETS: [(&str, &str, &str); 24] = [
    ("TASK_MM", "task_struct", "mm"),
    ("TASK_ACTIVE_MM", "task_struct", "active_mm"),
    ("TASK_PTRACED", "task_struct", "ptraced"),
    ("TASK_PTRACE_ENTRY", "task_struct", "ptrace_entry"),
    ("TASK_PID", "task_struct", "pid"),
    ("TASK_TGID", "task_struct", "tgid"),
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
    ("BPRM_FILENAME", "linux_binprm", "filename"),
    ("BPRM_FILE", "linux_binprm", "file"),
    ("BPRM_P", "linux_binprm", "p"),
    ("BPRM_EXEC", "linux_binprm", "exec"),
    ("BPRM_BUF", "linux_binprm", "buf"),
];

/// Why the kernel side cannot be had.
#[derive(Debug, Error)]
pub(crate) enum Refused {
    /// There is no type information.
    #[error(
        "cannot read `{VMLINUX}`: {0}; the `proven` level needs a kernel built with CONFIG_DEBUG_INFO_BTF"
    )]
    NoBtf(io::Error),
    /// The type information is of no use.
    #[error("{0}; this kernel is not supported by the `proven` level")]
    Layout(#[from] BtfError),
    /// A program does not load.
    #[error("the kernel refuses the program `{program}`: {}{}", chain(.error), hint(.error))]
    Program {
        /// Which one.
        program: &'static str,
        /// What the kernel said.
        error: ProgramError,
    },
    /// The object does not load.
    #[error(
        "the kernel refuses claw's maps: {0}; run claw as root (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN)"
    )]
    Object(#[from] EbpfError),
    /// A map does not take what it must hold.
    #[error("cannot fill the map `{map}`: {}", chain(.error))]
    Map {
        /// Which one.
        map: &'static str,
        /// What the kernel said.
        error: MapError,
    },
    /// The object lacks something that this code expects: they were built from different trees.
    #[error("the embedded eBPF object has no `{0}`; build it again with `cargo xtask ebpf`")]
    Missing(&'static str),
}

/// An error with all of its causes: the last one is what the kernel said.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What to do about a refusal that is about permission.
fn hint(error: &ProgramError) -> &'static str {
    let denied = match error {
        ProgramError::LoadError { io_error, .. } => io_error.raw_os_error() == Some(libc::EPERM),
        ProgramError::SyscallError(error) => error.io_error.raw_os_error() == Some(libc::EPERM),
        _ => false,
    };
    if denied { "; run claw as root (CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN)" } else { "" }
}

/// What one session sets.
pub(crate) struct Settings<'a> {
    /// The key of the tickets.
    pub(crate) key: Key,
    /// Nothing is held or denied.
    pub(crate) observe: bool,
    /// The root of the cgroup v2 tree.
    pub(crate) cgroup_root: BorrowedFd<'a>,
    /// Port tables by IPv4 prefix.
    pub(crate) net4: &'a [(u32, [u8; 4], Vec<PortRange>)],
    /// Port tables by IPv6 prefix.
    pub(crate) net6: &'a [(u32, [u8; 16], Vec<PortRange>)],
    /// Guarded processes name no Unix socket themselves.
    pub(crate) refuse_unix: bool,
}

/// The loaded programs. They are detached when the last process that holds this ends.
pub(crate) struct KernelSide {
    /// Keeps the programs attached.
    _ebpf: Ebpf,
    /// Who is guarded.
    guarded: Mutex<Array<MapData, Page>>,
    /// What the proof compares with.
    pub(crate) tickets: Tickets,
    /// Who holds the memory of a stopped process.
    pub(crate) holders: Holders,
    /// Whether no connection is let through, and where the programs look for that.
    shut: Mutex<(Array<MapData, u32>, bool)>,
    /// What the programs report; taken by the thread that reads it.
    events: Mutex<Option<Events>>,
    /// Whom the third lock protects; nothing where the kernel does not take it.
    protected: Option<Mutex<HashMap<MapData, u32, u32>>>,
    /// Why a kernel that runs such programs did not take the third lock.
    unlocked: Option<Refused>,
    /// Keeps the refusal of Unix sockets attached; nothing where it is not asked for, or not to be had.
    unix: Option<[OwnedFd; 2]>,
}

impl KernelSide {
    /// Loads and attaches everything.
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
        let observe = u32::from(settings.observe);
        let mut loader = EbpfLoader::new();
        let types = AyaBtf::from_sys_fs().map_err(EbpfError::from)?;
        loader.btf(Some(&types));
        for (global, offset) in &offsets {
            loader.override_global(global, offset, true);
        }
        loader
            .override_global("KEY_0", &settings.key.0[0], true)
            .override_global("KEY_1", &settings.key.0[1], true)
            .override_global("OBSERVE", &observe, true)
            .map_max_entries("EVENTS", if settings.observe { RING_OBSERVED } else { RING });
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
                // A cgroup link always lets others attach too; the kernel refuses the flag that says so.
                .and_then(|()| program.attach(settings.cgroup_root, CgroupAttachMode::Single))
                .map_err(|error| Refused::Program { program: name, error })?;
        }
        // Nobody is guarded yet, so nothing was decided by the empty tables. The maps can be taken out
        // only now: a program finds them by descriptor when it loads.
        fill(&mut ebpf, "NET4", settings.net4)?;
        fill(&mut ebpf, "NET6", settings.net6)?;
        let unix = match ebpf.map("GUARDED") {
            Some(Map::Array(guarded)) if settings.refuse_unix => {
                // Kernels before 6.7 have no such hooks.
                unix::refuse(guarded.fd().as_fd(), settings.cgroup_root).ok()
            }
            _ => None,
        };
        let lock = third_lock(&mut ebpf, &types);
        let protected = map(&mut ebpf, "PROTECTED")?;
        Ok(Self {
            protected: matches!(lock, Ok(true)).then(|| Mutex::new(protected)),
            unlocked: lock.err(),
            guarded: Mutex::new(map(&mut ebpf, "GUARDED")?),
            holders: Holders::load(&mut ebpf)?,
            tickets: Tickets { map: Mutex::new(map(&mut ebpf, "TICKETS")?), key: settings.key },
            shut: Mutex::new((map(&mut ebpf, "SHUT")?, false)),
            events: Mutex::new(Some(Events::of(&mut ebpf)?)),
            _ebpf: ebpf,
            unix,
        })
    }

    /// Puts the first process under guard, before it runs anything of its own. All others come from it: while
    /// there are any, the programs write to the same page, and this would undo that.
    ///
    /// # Errors
    /// For a number that no process can have.
    pub(crate) fn guard(&self, process: Pid) -> Result<(), MapError> {
        let mut map = self.guarded.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, byte) = place(process.as_raw_nonzero().get() as u32);
        let mut page = map.get(&at, 0)?;
        page[byte] = GUARDED;
        map.set(at, page, 0)
    }

    /// Puts a process of the session's own out of the reach of everybody guarded, where there is the third lock.
    ///
    /// # Errors
    /// Out of memory.
    pub(crate) fn protect(&self, process: Pid) -> Result<(), MapError> {
        let Some(protected) = &self.protected else { return Ok(()) };
        let mut map = protected.lock().unwrap_or_else(PoisonError::into_inner);
        map.insert(process.as_raw_nonzero().get() as u32, 0, 0)
    }

    /// What there is to say of the third lock: its hooks, or why there is none where one could be; nothing on a kernel
    /// without BPF LSM.
    pub(crate) fn lock(&self) -> Option<String> {
        match (&self.protected, &self.unlocked) {
            (Some(_), _) => Some(format!("third lock: {}", THIRD_LOCK.join(", "))),
            // What the verifier says is many lines.
            (None, Some(why)) => {
                let why = why.to_string();
                Some(format!("no third lock: {}", why.lines().next().unwrap_or_default()))
            }
            (None, None) => None,
        }
    }

    /// Whether governed tools are closed to everybody guarded from the first, whatever user they run as.
    pub(crate) fn has_third_lock(&self) -> bool {
        self.protected.is_some()
    }

    /// Whether the kernel refuses what a guarded process names of Unix sockets itself.
    pub(crate) fn refuses_unix(&self) -> bool {
        self.unix.is_some()
    }

    /// Has every connection of guarded processes refused and counted, or no longer.
    ///
    /// # Errors
    /// If the map cannot be written; it stays as it was.
    pub(crate) fn refuse_connections(&self, refuse: bool) -> Result<(), MapError> {
        let mut shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        if shut.1 != refuse {
            shut.0.set(0, u32::from(refuse), 0)?;
            shut.1 = refuse;
        }
        Ok(())
    }

    /// Whether any process is still guarded.
    pub(crate) fn guards_any(&self) -> bool {
        let map = self.guarded.lock().unwrap_or_else(PoisonError::into_inner);
        // A page that cannot be read could hold somebody.
        (0..PAGES).any(|page| map.get(&page, 0).map_or(true, |page| page != [0; PAGE]))
    }

    /// The events; nothing if they were taken before.
    pub(crate) fn take_events(&self) -> Option<Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The ticket map.
pub(crate) struct Tickets {
    map: Mutex<HashMap<MapData, u32, [u64; TICKET_WORDS]>>,
    /// The key that tickets are hashed with.
    pub(crate) key: Key,
}

impl Tickets {
    /// Writes the ticket of the thread `tid`, over an older one that was not used.
    ///
    /// # Errors
    /// E2BIG while as many as there can be are out.
    pub(crate) fn write(&self, tid: Pid, ticket: Ticket) -> Result<(), Refused> {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        map.insert(tid.as_raw_nonzero().get() as u32, ticket.to_words(), 0)
            .map_err(|error| Refused::Map { map: "TICKETS", error })
    }

    /// Takes back the ticket of a thread that will not use it.
    pub(crate) fn withdraw(&self, tid: Pid) {
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have been used after all.
        let _ = map.remove(&(tid.as_raw_nonzero().get() as u32));
    }
}

/// Loads what only some kernels take. `false` where this one would never call it.
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

pub(super) fn program<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, Refused>
where
    &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
{
    ebpf.program_mut(name)
        .ok_or(Refused::Missing(name))?
        .try_into()
        .map_err(|error| Refused::Program { program: name, error })
}

pub(super) fn map<M: TryFrom<Map, Error = MapError>>(
    ebpf: &mut Ebpf,
    name: &'static str,
) -> Result<M, Refused> {
    let map = ebpf.take_map(name).ok_or(Refused::Missing(name))?;
    M::try_from(map).map_err(|error| Refused::Map { map: name, error })
}

fn fill<const N: usize>(
    ebpf: &mut Ebpf,
    name: &'static str,
    tables: &[(u32, [u8; N], Vec<PortRange>)],
) -> Result<(), Refused>
where
    [u8; N]: aya::Pod,
{
    let mut trie: LpmTrie<MapData, [u8; N], [u64; PORT_TABLE_WORDS]> = map(ebpf, name)?;
    for (prefix, address, ranges) in tables {
        let mut words = [0; PORT_TABLE_WORDS];
        for (word, range) in words[1..].iter_mut().zip(ranges) {
            *word = range.to_word();
        }
        words[0] = ranges.len() as u64;
        trie.insert(&Prefix::new(*prefix, *address), words, 0)
            .map_err(|error| Refused::Map { map: name, error })?;
    }
    Ok(())
}
