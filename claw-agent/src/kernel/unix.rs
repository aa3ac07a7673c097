//! The refusal of every address of a Unix socket that a guarded process uses itself.
//!
//! A path is looked up by the kernel after these hooks have seen it, so nothing that they could compare would
//! hold. They refuse it, and whoever may reach the socket is connected by the supervisor
//! (`supervisor/socket.rs`), which nobody guards. That is what makes it safe to let a call on another
//! kind of socket go on after a look at it: if it becomes one on a Unix socket meanwhile, it ends here.
//!
//! The hooks are there from Linux 6.7 on. aya does not support them, so we write the instructions by hand.
//! The program records nothing: what it refuses has raced with the supervisor or came by another way than a
//! system call.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use claw_common::lineage::{NAMES_NO_UNIX, PAGE};

use crate::sys::bpf::attach_sock_addr;

/// `BPF_CGROUP_UNIX_CONNECT` and `BPF_CGROUP_UNIX_SENDMSG`, include/uapi/linux/bpf.h.
const HOOKS: [u32; 2] = [49, 50];

/// Helpers: `bpf_map_lookup_elem` and `bpf_get_current_pid_tgid`.
const LOOK_UP: i32 = 1;
const PID_TGID: i32 = 14;

/// Attaches the refusal for those that the map `guarded` marks with [`NAMES_NO_UNIX`].
///
/// # Errors
/// EINVAL before Linux 6.7.
pub(super) fn refuse(guarded: BorrowedFd<'_>, cgroup: BorrowedFd<'_>) -> io::Result<[OwnedFd; 2]> {
    let program = program(guarded.as_raw_fd());
    let [connect, sendmsg] = HOOKS.map(|hook| attach_sock_addr(&program, hook, cgroup));
    Ok([connect?, sendmsg?])
}

/// 0, which is a refusal, if the map marks the calling process so ([`claw_common::lineage`]), else 1.
fn program(guarded: i32) -> [u64; 20] {
    const SHIFT: i32 = PAGE.trailing_zeros() as i32;
    const MASK: i32 = PAGE as i32 - 1;
    const WORD: i32 = size_of::<u32>().trailing_zeros() as i32;
    [
        instruction(0x85, 0, 0, 0, PID_TGID),             // call
        instruction(0x77, 0, 0, 0, 32),                   // r0 >>= 32
        instruction(0xbf, 6, 0, 0, 0),                    // r6 = r0
        instruction(0x77, 0, 0, 0, SHIFT),                // r0 >>= SHIFT
        instruction(0x63, 10, 0, -4, 0),                  // *(u32 *)(r10 - 4) = r0
        instruction(0xbf, 2, 10, 0, 0),                   // r2 = r10
        instruction(0x07, 2, 0, 0, -4),                   // r2 += -4
        instruction(0x18, 1, 1, 0, guarded),              // r1 = the map
        0,                                                // the other half of it
        instruction(0x85, 0, 0, 0, LOOK_UP),              // call
        instruction(0x15, 0, 0, 5, 0),                    // if r0 == 0, five further
        instruction(0x57, 6, 0, 0, MASK),                 // r6 &= MASK
        instruction(0x67, 6, 0, 0, WORD),                 // r6 <<= WORD
        instruction(0x0f, 0, 6, 0, 0),                    // r0 += r6
        instruction(0x61, 1, 0, 0, 0),                    // r1 = *(u32 *)r0
        instruction(0x45, 1, 0, 2, NAMES_NO_UNIX as i32), // if r1 & NAMES_NO_UNIX, two further
        instruction(0xb7, 0, 0, 0, 1),                    // r0 = 1
        instruction(0x95, 0, 0, 0, 0),                    // exit
        instruction(0xb7, 0, 0, 0, 0),                    // r0 = 0
        instruction(0x95, 0, 0, 0, 0),                    // exit
    ]
}

/// A `struct bpf_insn` of a little-endian machine, which all that claw runs on are.
fn instruction(code: u8, to: u8, from: u8, offset: i16, immediate: i32) -> u64 {
    let [low, high] = offset.to_le_bytes();
    let [a, b, c, d] = immediate.to_le_bytes();
    u64::from_ne_bytes([code, from << 4 | to, low, high, a, b, c, d])
}
