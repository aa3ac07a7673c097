//! The only unsafe code on the user side: thin, checked calls into the kernel that no crate offers
//! in safe form. Nothing here decides anything.

pub(crate) mod account;
pub(crate) mod arch;
pub(crate) mod bpf;
pub(crate) mod file_identity;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod ptrace;
pub(crate) mod seccomp;
pub(crate) mod socket;

use std::io;

/// The result of a call that returns -1 and sets errno on failure.
fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
