//! Reading another process's memory, process_vm_readv(2).

use std::io;

use rustix::process::Pid;

use super::check;

/// One stretch of the tracee's memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remote {
    /// Its first address.
    pub(crate) at: u64,
    /// Its length in bytes.
    pub(crate) len: usize,
}

/// How many stretches one call may name.
pub(crate) const MAX_REMOTES: usize = 64;

/// Copies the stretches one behind the other into `buffer` and returns how many bytes came over:
/// fewer than asked where a stretch cannot be read.
///
/// # Errors
/// EFAULT if not even the first byte can be read, ESRCH if the process is gone, EPERM.
///
/// # Panics
/// If more than [`MAX_REMOTES`] are given.
pub(crate) fn read(tid: Pid, remotes: &[Remote], buffer: &mut [u8]) -> io::Result<usize> {
    assert!(remotes.len() <= MAX_REMOTES, "{} stretches in one read", remotes.len());
    let mut iovecs = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; MAX_REMOTES];
    for (iovec, remote) in iovecs.iter_mut().zip(remotes) {
        iovec.iov_base = std::ptr::without_provenance_mut(remote.at as usize);
        iovec.iov_len = remote.len;
    }
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: `local` is `buffer`, which the kernel may overwrite; the remote addresses are the other
    // process's and are only checked there.
    let copied = check(unsafe {
        libc::process_vm_readv(
            tid.as_raw_nonzero().get(),
            &raw const local,
            1,
            iovecs.as_ptr(),
            remotes.len() as libc::c_ulong,
            0,
        )
    } as libc::c_long)?;
    Ok(copied as usize)
}
