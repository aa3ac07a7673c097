//! The kernel proof: after the new image is in place and before its first instruction, compares it with the
//! ticket of what was judged, and kills an image without a ticket or with a different one.
//!
//! In observe mode nothing is compared; the arguments and the environment go to the supervisor.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::generated::{bpf_loop, bpf_probe_read_kernel_str, bpf_probe_read_user},
    macros::btf_tracepoint,
    maps::ring_buf::RingBufEntry,
    programs::BtfTracePointContext,
};
use claw_common::{
    event::{Event, FILENAME, LARGE_PAYLOAD, SMALL_PAYLOAD, cause, kind},
    hash::{BLOCK, BLOCK_WORDS, Key, SipHash},
    session::GENERATION,
    ticket::{Ticket, WorkingDirectory},
};

use crate::{
    events::{self, EVENTS, NOW},
    layout::{
        BPRM_FILENAME, DENTRY_INODE, FILE_INODE, FS_PWD, FS_USERS, INODE_INO, INODE_SB, KEY_0,
        KEY_1, MM_ARG_END, MM_ARG_START, MM_ENV_END, MM_EXE_FILE, MOUNT_ID, MOUNT_MNT, PATH_DENTRY,
        PATH_MNT, SB_DEV, TASK_FS, TASK_MM, field,
    },
    lineage, sessions, tickets,
};

/// The new image.
struct Image {
    arg_start: u64,
    arg_end: u64,
    env_end: u64,
    ino: u64,
    dev: u32,
}

impl Image {
    /// Reads the image that `task` is about to run.
    #[inline(always)]
    fn of(task: u64) -> Option<Self> {
        let mm = field::<u64>(task, &TASK_MM)?;
        let (ino, dev) = file(field(mm, &MM_EXE_FILE)?)?;
        Some(Self {
            arg_start: field(mm, &MM_ARG_START)?,
            arg_end: field(mm, &MM_ARG_END)?,
            env_end: field(mm, &MM_ENV_END)?,
            ino,
            dev,
        })
    }
}

/// The inode number and the device of a `struct file`.
#[inline(always)]
pub(crate) fn file(file: u64) -> Option<(u64, u32)> {
    inode(field(file, &FILE_INODE)?)
}

/// The number and the device of an inode.
#[inline(always)]
fn inode(inode: u64) -> Option<(u64, u32)> {
    Some((field(inode, &INODE_INO)?, field(field::<u64>(inode, &INODE_SB)?, &SB_DEV)?))
}

/// `TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)`.
#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    let task: u64 = ctx.arg(0);
    // The thread that called. By now a thread other than the leader has taken the leader's number.
    let caller: u32 = ctx.arg::<u64>(1) as u32;
    let tgid = events::caller();
    let Some(mark) = lineage::mark(tgid) else { return 0 };
    let mut event = events::event(kind::EXEC_PROVEN, mark);
    event.tid = caller;
    if mark.is_observed() {
        event.generation = sessions::state(mark)[GENERATION];
        observe(task, ctx.arg(2), event);
        return 0;
    }
    let moved = is_moved(task, caller);
    let ticket = tickets::take(caller);
    let image = Image::of(task);
    if let Some(image) = &image {
        (event.ino, event.dev) = (image.ino, image.dev);
    }
    event.cause = match (&ticket, &image) {
        (None, _) => cause::NO_TICKET,
        (_, None) => cause::UNREADABLE,
        (Some(_), Some(_)) if moved != 0 => cause::DIRECTORY,
        (Some(ticket), Some(image)) => compare(ticket, image),
    };
    if !ticket.is_some_and(|ticket| ticket.sealed) {
        lineage::seal(tgid, mark, false);
    }
    if event.cause == 0 {
        events::mention(&event, events::when());
    } else {
        lineage::kill_current();
        event.kind = kind::EXEC_KILLED;
        events::report(&event, NOW);
    }
    0
}

/// The working directory of `task`; `None` if another process shares it. The caller's other threads are gone
/// by now, and a process that does not share it yet never will.
#[inline(always)]
fn own_directory(task: u64) -> Option<WorkingDirectory> {
    let fs = field::<u64>(task, &TASK_FS)?;
    if field::<u32>(fs, &FS_USERS)? != 1 {
        return None;
    }
    let path = fs.wrapping_add(FS_PWD.load());
    let dentry = field::<u64>(path, &PATH_DENTRY)?;
    let (ino, dev) = inode(field(dentry, &DENTRY_INODE)?)?;
    let mount = field::<u64>(path, &PATH_MNT)?.wrapping_sub(MOUNT_MNT.load());
    Some(WorkingDirectory { ino, dev, mount: field(mount, &MOUNT_ID)? })
}

/// 1 if the ticket of the thread `tid` asks for another working directory than `task` has for itself alone. A function of
/// its own, whose stack [`compare`] does not pay for.
#[inline(never)]
extern "C" fn is_moved(task: u64, tid: u32) -> u32 {
    match tickets::directory(tid) {
        Some(judged) if own_directory(task) != Some(judged) => 1,
        _ => 0,
    }
}

/// 0 if the image is what the ticket says, else the [`cause`].
#[inline(always)]
fn compare(ticket: &Ticket, image: &Image) -> u32 {
    if (image.ino, image.dev) != (ticket.ino, ticket.dev) {
        return cause::FILE;
    }
    let end = if ticket.with_env { image.env_end } else { image.arg_end };
    let len = end.wrapping_sub(image.arg_start);
    if len != ticket.len || image.arg_end.wrapping_sub(image.arg_start) != ticket.arg_len {
        return cause::LENGTH;
    }
    let mut walk = Walk {
        state: SipHash::new(Key([KEY_0.load(), KEY_1.load()])),
        at: image.arg_start,
        left: len,
        failed: 0,
    };
    let blocks = len.div_ceil(BLOCK as u64);
    // SAFETY: the callback has the signature that the helper calls, and `walk` outlives the call.
    let done = unsafe {
        bpf_loop(blocks as u32, hash_block as *mut c_void, (&raw mut walk).cast::<c_void>(), 0)
    };
    if done != blocks as i64 || walk.failed != 0 || walk.left != 0 {
        return cause::UNREADABLE;
    }
    if walk.state.finish(len) == ticket.hash { 0 } else { cause::HASH }
}

/// A hash under way.
#[repr(C)]
struct Walk {
    state: SipHash,
    at: u64,
    left: u64,
    failed: u64,
}

/// One step of [`compare`]: hashes the next block. 1 ends the loop.
#[inline(never)]
extern "C" fn hash_block(_index: u64, walk: *mut c_void) -> i64 {
    // SAFETY: the helper passes on the pointer that `compare` gave it.
    let walk = unsafe { &mut *walk.cast::<Walk>() };
    let mut block = [0u64; BLOCK_WORDS];
    let bytes = if walk.left > BLOCK as u64 { BLOCK as u64 } else { walk.left };
    // SAFETY: the destination has `BLOCK` bytes and `bytes` is no more; a fault is an error code.
    let read = unsafe {
        bpf_probe_read_user(
            block.as_mut_ptr().cast::<c_void>(),
            bytes as u32,
            walk.at as *const c_void,
        )
    };
    if read != 0 {
        walk.failed = 1;
        return 1;
    }
    walk.state.block(&block);
    walk.at = walk.at.wrapping_add(bytes);
    walk.left = walk.left.wrapping_sub(bytes);
    0
}

/// Sends the new image's arguments and environment to the supervisor.
#[inline(always)]
fn observe(task: u64, bprm: u64, mut event: Event) {
    event.kind = kind::EXEC_OBSERVED;
    let Some(image) = Image::of(task) else { return };
    (event.ino, event.dev) = (image.ino, image.dev);
    event.arg_len = image.arg_end.wrapping_sub(image.arg_start) as u32;
    event.env_len = image.env_end.wrapping_sub(image.arg_end) as u32;
    let len = image.env_end.wrapping_sub(image.arg_start);
    let filename = field::<u64>(bprm, &BPRM_FILENAME).unwrap_or(0);
    if len <= SMALL_PAYLOAD as u64 {
        match EVENTS.reserve::<Observed<SMALL_PAYLOAD>>(0) {
            Some(slot) => fill(slot, &event, filename, &image, len),
            None => {
                events::lose(&event);
            }
        }
    } else {
        match EVENTS.reserve::<Observed<LARGE_PAYLOAD>>(0) {
            Some(slot) => fill(slot, &event, filename, &image, len),
            None => {
                events::lose(&event);
            }
        }
    }
}

/// An event with room for `N` bytes of arguments and environment.
#[repr(C)]
struct Observed<const N: usize> {
    event: Event,
    filename: [u8; FILENAME],
    payload: [u8; N],
}

#[inline(always)]
fn fill<const N: usize>(
    mut slot: RingBufEntry<Observed<N>>,
    event: &Event,
    filename: u64,
    image: &Image,
    len: u64,
) {
    let observed = slot.as_mut_ptr();
    // SAFETY: the slot has room for the event and the path, which the helper ends with a NUL.
    unsafe {
        (&raw mut (*observed).event).write(*event);
        let path = (&raw mut (*observed).filename).cast::<c_void>();
        bpf_probe_read_kernel_str(path, FILENAME as u32, filename as *const c_void);
    }
    // Compared only now, because the verifier of Linux 6.1 forgets the bounds of a number that a call spills.
    // SAFETY: `len` is a local.
    let len = unsafe { (&raw const len).read_volatile() };
    let bytes = if len > N as u64 { N as u64 } else { len };
    // SAFETY: the slot has room for `N` bytes, and `bytes` is no more.
    let read = unsafe {
        bpf_probe_read_user(
            (&raw mut (*observed).payload).cast::<c_void>(),
            bytes as u32,
            image.arg_start as *const c_void,
        )
    };
    if read == 0 {
        slot.submit(0);
    } else {
        // SAFETY: as above.
        unsafe { (*observed).event.cause = cause::UNREADABLE };
        slot.submit(0);
    }
}
