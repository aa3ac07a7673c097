//! The identity of a file: the pair of numbers that the kernel proof reads from the running image.
//!
//! The inode number is stat(2)'s. The device is the super block's, which stat(2) shows on most file
//! systems but not on overlayfs and btrfs; there it is looked up in the tracee's mountinfo by the
//! mount the file was reached through.

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};

use claw_common::ticket::device;
use rustix::fs::{AtFlags, FileType, Statx, StatxFlags, fstatfs, statx};
use rustix::io::Errno;
use rustix::process::Pid;

/// A file as the kernel proof sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// The super block's device.
    pub(crate) dev: u32,
    /// The inode number.
    pub(crate) ino: u64,
}

/// What decoding needs of stat(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stat {
    /// Which file it is.
    pub(crate) identity: Identity,
    /// When its content or attributes last changed: seconds and nanoseconds.
    pub(crate) changed: (i64, u32),
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its permission bits.
    pub(crate) mode: u16,
    /// The user it belongs to.
    pub(crate) owner: u32,
    /// Whether it is a regular file.
    pub(crate) regular: bool,
    /// Whether it is a symbolic link.
    pub(crate) link: bool,
}

/// `STATX_MNT_ID_UNIQUE`, Linux 6.8: a mount id that is never reused.
const MNT_ID_UNIQUE: u32 = 0x4000;
/// `OVERLAYFS_SUPER_MAGIC` and `BTRFS_SUPER_MAGIC`, include/uapi/linux/magic.h.
const DEVICE_HIDDEN: [u64; 2] = [0x794c_7630, 0x9123_683e];

/// The devices of mounts whose file system hides them from stat(2), by unique mount id.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    known: Mutex<HashMap<u64, u32>>,
}

impl Devices {
    /// Looks at an open file that `tracee` reached.
    ///
    /// # Errors
    /// As statx(2); ENOENT if the mount cannot be found.
    pub(crate) fn stat(&self, file: BorrowedFd<'_>, tracee: Pid) -> Result<Stat, Errno> {
        let mask = StatxFlags::BASIC_STATS
            | StatxFlags::MNT_ID
            | StatxFlags::from_bits_retain(MNT_ID_UNIQUE);
        let stat = statx(file, c"", AtFlags::EMPTY_PATH, mask)?;
        // Only file systems without a block device hide the device.
        let hidden = stat.stx_dev_major == 0
            && DEVICE_HIDDEN.contains(&(fstatfs(file)?.f_type as u64 & 0xffff_ffff));
        let dev = if hidden {
            self.of_mount(file, &stat, tracee)?
        } else {
            device(stat.stx_dev_major, stat.stx_dev_minor)
        };
        let kind = FileType::from_raw_mode(stat.stx_mode.into());
        Ok(Stat {
            identity: Identity { dev, ino: stat.stx_ino },
            changed: (stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
            size: stat.stx_size,
            mode: stat.stx_mode & 0o7777,
            owner: stat.stx_uid,
            regular: kind == FileType::RegularFile,
            link: kind == FileType::Symlink,
        })
    }

    fn of_mount(&self, file: BorrowedFd<'_>, stat: &Statx, tracee: Pid) -> Result<u32, Errno> {
        let unique = stat.stx_mask & MNT_ID_UNIQUE != 0;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dev) = known.get(&stat.stx_mnt_id).filter(|_| unique) {
            return Ok(*dev);
        }
        // mountinfo shows the plain id, which is reused after an unmount, so it is never remembered.
        let plain = statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?.stx_mnt_id;
        let dev = device_of(plain, tracee).ok_or(Errno::NOENT)?;
        if unique {
            known.insert(stat.stx_mnt_id, dev);
        }
        Ok(dev)
    }
}

/// The device of the mount `id` in the tracee's mount namespace.
fn device_of(id: u64, tracee: Pid) -> Option<u32> {
    let process = procfs::process::Process::new(tracee.as_raw_nonzero().get()).ok()?;
    let mount = process.mountinfo().ok()?.into_iter().find(|mount| mount.mnt_id as u64 == id)?;
    let (major, minor) = mount.majmin.split_once(':')?;
    Some(device(major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn the_same_file_has_one_identity() {
        let devices = Devices::default();
        let me = rustix::process::getpid();
        let open = |path: &str| std::fs::File::open(path).expect("there");
        let one = devices.stat(open("/bin/sh").as_fd(), me).expect("stat");
        let same = devices.stat(open("/usr/bin/dash").as_fd(), me).expect("stat");
        let other = devices.stat(open("/usr/bin/env").as_fd(), me).expect("stat");
        assert_eq!(one.identity, same.identity);
        assert_ne!(one.identity, other.identity);
        assert!(one.regular && !one.link);
    }

    #[test]
    fn mountinfo_agrees_where_stat_hides_nothing() {
        let me = rustix::process::getpid();
        let proc = std::fs::File::open("/proc/version").expect("there");
        let stat = Devices::default().stat(proc.as_fd(), me).expect("stat");
        let id =
            statx(&proc, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).expect("statx").stx_mnt_id;
        assert_eq!(device_of(id, me), Some(stat.identity.dev));
    }
}
