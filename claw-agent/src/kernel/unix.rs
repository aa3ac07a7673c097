//! The refusal of every Unix address that a guarded process uses itself.
//!
//! The kernel looks up a path only after these hooks have run, so a comparison in them would prove nothing.
//! So they refuse every Unix address, and the supervisor (`supervisor/socket.rs`), which is not guarded,
//! makes the allowed connections. This also makes it safe to continue a call on another kind of socket: if a
//! thread swaps a Unix socket in meanwhile, the call is refused here.
//!
//! The hooks are there from Linux 6.7 on. aya does not support them, so we write the instructions by hand.
//! The program records nothing: a call that it refuses raced with the supervisor, or did not come through a
//! held system call.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use claw_common::lineage::{NAMES_NO_UNIX, PAGE};

use crate::sys::bpf::attach_sock_addr;

/// `BPF_CGROUP_UNIX_CONNECT` and `BPF_CGROUP_UNIX_SENDMSG`, include/uapi/linux/bpf.h.
const HOOKS: [u32; 2] = [49, 50];

/// Helpers: `bpf_map_lookup_elem` and `bpf_get_current_pid_tgid`.
const LOOK_UP: i32 = 1;
const PID_TGID: i32 = 14;

/// Attaches the refusal, for processes that the map `guarded` marks with [`NAMES_NO_UNIX`].
///
/// # Errors
/// EINVAL before Linux 6.7.
pub(super) fn refuse(guarded: BorrowedFd<'_>, cgroup: BorrowedFd<'_>) -> io::Result<[OwnedFd; 2]> {
    let program = program(guarded.as_raw_fd());
    let [connect, sendmsg] = HOOKS.map(|hook| attach_sock_addr(&program, hook, cgroup));
    Ok([connect?, sendmsg?])
}

/// Returns 0, which refuses, if the map marks the calling process ([`claw_common::lineage`]), else 1.
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

/// A `struct bpf_insn` for a little-endian machine; claw runs on no other.
fn instruction(code: u8, to: u8, from: u8, offset: i16, immediate: i32) -> u64 {
    let [low, high] = offset.to_le_bytes();
    let [a, b, c, d] = immediate.to_le_bytes();
    u64::from_ne_bytes([code, from << 4 | to, low, high, a, b, c, d])
}
