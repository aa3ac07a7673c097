//! bpf(2) for what aya has no name for: a socket-address program of an attach type of its own, and a run that no event
//! causes.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// `BPF_PROG_LOAD`, `BPF_LINK_CREATE` and `BPF_PROG_TEST_RUN`, include/uapi/linux/bpf.h.
const PROG_LOAD: libc::c_long = 5;
const LINK_CREATE: libc::c_long = 28;
const TEST_RUN: libc::c_long = 10;
/// `BPF_F_TEST_RUN_ON_CPU`.
const ON_CPU: u32 = 1;
/// `BPF_PROG_TYPE_CGROUP_SOCK_ADDR`.
const SOCK_ADDR: u32 = 18;

/// The part of `union bpf_attr` that `BPF_PROG_LOAD` reads here.
#[repr(C)]
#[derive(Default)]
struct Load {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
}

/// The part that `BPF_LINK_CREATE` reads here.
#[repr(C)]
struct Link {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
}

/// The part that `BPF_PROG_TEST_RUN` reads here.
#[repr(C)]
#[derive(Default)]
struct Run {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
}

/// Runs a raw tracepoint program once, with one argument: in the calling thread, or on the processor `cpu` in whatever
/// runs there. What it returns is nothing: it answers through a map.
///
/// # Errors
/// ENXIO for a processor that is not there or not online; EPERM.
pub(crate) fn run(program: BorrowedFd<'_>, argument: u64, cpu: Option<u32>) -> io::Result<()> {
    let mut run = Run {
        prog_fd: program.as_raw_fd() as u32,
        ctx_size_in: size_of::<u64>() as u32,
        ctx_in: (&raw const argument) as u64,
        flags: if cpu.is_some() { ON_CPU } else { 0 },
        cpu: cpu.unwrap_or_default(),
        ..Run::default()
    };
    // SAFETY: the kernel reads and writes `size_of::<Run>()` bytes of the local, and reads the argument, which outlives
    // the call, by its address and length in it.
    check(unsafe { libc::syscall(libc::SYS_bpf, TEST_RUN, &raw mut run, size_of::<Run>()) })?;
    Ok(())
}

/// Loads a socket-address program and attaches it to a cgroup, for as long as what this returns lives.
///
/// # Errors
/// EINVAL from a kernel that does not know the attach type or refuses the program; EPERM.
pub(crate) fn attach_sock_addr(
    instructions: &[u64],
    attach_type: u32,
    cgroup: BorrowedFd<'_>,
) -> io::Result<OwnedFd> {
    let license = c"Dual MIT/GPL";
    let load = Load {
        prog_type: SOCK_ADDR,
        insn_cnt: instructions.len() as u32,
        insns: instructions.as_ptr() as u64,
        license: license.as_ptr() as u64,
        expected_attach_type: attach_type,
        ..Load::default()
    };
    let program = bpf(PROG_LOAD, &load)?;
    bpf(
        LINK_CREATE,
        &Link {
            prog_fd: program.as_raw_fd() as u32,
            target_fd: cgroup.as_raw_fd() as u32,
            attach_type,
            flags: 0,
        },
    )
}

/// One bpf(2) that returns a descriptor.
#[expect(clippy::disallowed_methods, reason = "the kernel just made the descriptor")]
fn bpf<T>(command: libc::c_long, attributes: &T) -> io::Result<OwnedFd> {
    // SAFETY: `attributes` is `size_of::<T>()` readable bytes; the addresses in it are of slices that both
    // callers keep alive, with their lengths, and the kernel only reads them.
    let fd = check(unsafe {
        libc::syscall(libc::SYS_bpf, command, &raw const *attributes, size_of::<T>())
    })?;
    // SAFETY: the kernel just returned this descriptor to us and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
