//! The identity that the calling thread opens files with, setfsuid(2), setfsgid(2) and setgroups(2): of
//! one thread, where libc's setgroups would change the whole process.

use std::io;
use std::marker::PhantomData;

use super::check;

/// Who opens files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    /// `fsuid`.
    pub(crate) user: u32,
    /// `fsgid`.
    pub(crate) group: u32,
    /// The supplementary groups.
    pub(crate) groups: Vec<u32>,
}

/// While it lives, the thread opens files as somebody else. With another user than root the kernel
/// takes the thread's rights to pass over file permissions away (capabilities(7)).
pub(crate) struct Assumed {
    before: Option<FileIdentity>,
    not_send: PhantomData<*const ()>,
}

impl FileIdentity {
    /// The calling thread's own.
    ///
    /// # Errors
    /// As getgroups(2).
    fn own() -> io::Result<Self> {
        Ok(Self {
            user: set_user(u32::MAX),
            group: set_group(u32::MAX),
            groups: rustix::process::getgroups()?.iter().map(|group| group.as_raw()).collect(),
        })
    }

    /// Opens files as this identity until the result is dropped.
    ///
    /// # Errors
    /// EPERM where the thread may not become it.
    pub(crate) fn assume(&self) -> io::Result<Assumed> {
        let before = Self::own()?;
        if before == *self {
            return Ok(Assumed { before: None, not_send: PhantomData });
        }
        let assumed = Assumed { before: Some(before), not_send: PhantomData };
        self.put_on()?;
        Ok(assumed)
    }

    /// The user comes last: with it goes the right to change the others, and on the way back it
    /// returns with it.
    fn put_on(&self) -> io::Result<()> {
        set_groups(&self.groups)?;
        set_group(self.group);
        set_user(self.user);
        // These two calls report no error: they return what was there before.
        if set_group(u32::MAX) != self.group || set_user(u32::MAX) != self.user {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
        Ok(())
    }
}

impl Drop for Assumed {
    fn drop(&mut self) {
        let Some(before) = self.before.take() else { return };
        if before.put_on().is_err() {
            // A supervisor's thread that cannot become itself again must not go on.
            std::process::abort();
        }
    }
}

/// Returns the one before; a number that is no user only asks.
fn set_user(user: u32) -> u32 {
    // SAFETY: a system call that takes a number.
    unsafe { libc::syscall(libc::SYS_setfsuid, user) as u32 }
}

/// Returns the one before; a number that is no group only asks.
fn set_group(group: u32) -> u32 {
    // SAFETY: a system call that takes a number.
    unsafe { libc::syscall(libc::SYS_setfsgid, group) as u32 }
}

fn set_groups(groups: &[u32]) -> io::Result<()> {
    // SAFETY: the kernel reads as many numbers as the slice holds.
    check(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_assumed_identity_opens_what_it_may_and_goes_again() {
        assert!(rustix::process::geteuid().is_root(), "run the tests as root");
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, "x").expect("writable");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("mode");
        std::thread::spawn(move || {
            let nobody = FileIdentity { user: 65534, group: 65534, groups: vec![] };
            let assumed = nobody.assume().expect("as root");
            let refused = std::fs::read(&path).expect_err("not its file");
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            drop(assumed);
            assert_eq!(std::fs::read(&path).expect("its own again"), b"x");
        })
        .join()
        .expect("the thread");
    }
}
