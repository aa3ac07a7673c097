//! The working directory that a call's relative paths start from.
//!
//! Output: its path as the tracee would write it, and its identity for the kernel proof. The proof is needed
//! because a process that shares the working directory (a thread, a `CLONE_FS` peer) can change it until the
//! new image is in place.

use std::os::fd::AsFd;

use claw_common::ticket;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, StatxFlags, openat2, statx};
use rustix::io::Errno;
use rustix::process::Pid;

use super::identity::Devices;
use super::path::View;
use super::shortage::unless_short;

/// Where relative paths start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkingDirectory {
    /// Its path below the tracee's root: absolute, and without links.
    pub(crate) path: Vec<u8>,
    /// Which directory it is.
    pub(crate) identity: ticket::WorkingDirectory,
}

impl WorkingDirectory {
    /// The working directory of `tracee`. `None` if no path leads to it: it was removed or unmounted, or is
    /// outside the tracee's root.
    ///
    /// # Errors
    /// A shortage.
    pub(super) fn of(tracee: Pid, devices: &Devices) -> Result<Option<Self>, Errno> {
        unless_short(Self::read(tracee, devices)).map(Option::flatten)
    }

    fn read(tracee: Pid, devices: &Devices) -> Result<Option<Self>, Errno> {
        let view = View::of(tracee);
        let (folder, root) = (view.own("cwd")?, view.own("root")?);
        let path = view.path_of(&folder)?;
        let place = |file: &dyn AsFd| -> Result<_, Errno> {
            let stat = devices.stat(file.as_fd(), tracee)?;
            let mount =
                statx(file.as_fd(), c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?.stx_mnt_id;
            let mount = u32::try_from(mount).map_err(|_| Errno::OVERFLOW)?;
            let (dev, ino) = (stat.identity.dev, stat.identity.ino);
            Ok(ticket::WorkingDirectory { dev, ino, mount })
        };
        // The kernel's text can name another directory: for a detached mount it shows the path below that
        // mount, for a removed directory its old name.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
        let named = openat2(&root, &path, flags, Mode::empty(), within)?;
        let identity = place(&folder)?;
        Ok((place(&named)? == identity).then_some(Self { path, identity }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_s_own_is_found() {
        let own = std::env::current_dir().expect("a working directory");
        let found = WorkingDirectory::of(rustix::process::getpid(), &Devices::default());
        let found = found.expect("no shortage").expect("a path leads to it");
        assert_eq!(found.path, own.as_os_str().as_encoded_bytes());
    }
}
