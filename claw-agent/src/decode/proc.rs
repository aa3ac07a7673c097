//! procfs, opened once. Looking a process up from that descriptor saves resolving `/proc` at every call.

use std::os::fd::OwnedFd;
use std::sync::OnceLock;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// `/proc`.
pub(super) fn root() -> Result<&'static OwnedFd, Errno> {
    static ROOT: OnceLock<OwnedFd> = OnceLock::new();
    folder(&ROOT, "/proc")
}

/// `/proc/self/fd`: this process's own descriptors, as links to what they are.
pub(super) fn own_descriptors() -> Result<&'static OwnedFd, Errno> {
    static DESCRIPTORS: OnceLock<OwnedFd> = OnceLock::new();
    folder(&DESCRIPTORS, "/proc/self/fd")
}

fn folder(slot: &'static OnceLock<OwnedFd>, path: &str) -> Result<&'static OwnedFd, Errno> {
    if let Some(open) = slot.get() {
        return Ok(open);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat(CWD, path, flags, Mode::empty())?;
    Ok(slot.get_or_init(|| opened))
}
