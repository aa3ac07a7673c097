//! The user and group database: getpwnam(3), getpwuid(3) and getgrouplist(3), which may ask more than
//! `/etc/passwd` (nsswitch.conf(5)).

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStringExt;
use std::ptr;

/// The first buffer for an entry's strings, in bytes, and the most that is tried.
const ENTRY: usize = 1024;
const LARGEST_ENTRY: usize = 1 << 20;
/// How many groups there is room for at first, and how many Linux takes (`NGROUPS_MAX`).
const GROUPS: usize = 64;
const MOST_GROUPS: usize = 65536;

/// An entry of the user database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// The login name.
    pub(crate) name: CString,
    /// The user.
    pub(crate) uid: u32,
    /// The group that it logs in with.
    pub(crate) gid: u32,
    /// The home folder.
    pub(crate) home: OsString,
    /// The login shell.
    pub(crate) shell: OsString,
}

/// The account called `name`, or nothing if there is none.
///
/// # Errors
/// As getpwnam_r(3).
pub(crate) fn by_name(name: &CStr) -> io::Result<Option<Account>> {
    look_up(|entry, buffer, found| {
        // SAFETY: the name ends in a zero byte, `look_up` upholds the rest.
        unsafe {
            libc::getpwnam_r(name.as_ptr(), entry, buffer.as_mut_ptr().cast(), buffer.len(), found)
        }
    })
}

/// The account of the user `uid`, or nothing if there is none.
///
/// # Errors
/// As getpwuid_r(3).
pub(crate) fn by_uid(uid: u32) -> io::Result<Option<Account>> {
    look_up(|entry, buffer, found| {
        // SAFETY: `look_up` upholds what the call asks of its pointers.
        unsafe { libc::getpwuid_r(uid, entry, buffer.as_mut_ptr().cast(), buffer.len(), found) }
    })
}

/// Calls `ask` with a place for the entry, room for its strings and a place for the result, all valid for the
/// call, with ever more room until it is enough.
fn look_up(
    mut ask: impl FnMut(*mut libc::passwd, &mut [u8], *mut *mut libc::passwd) -> i32,
) -> io::Result<Option<Account>> {
    let mut buffer = vec![0; ENTRY];
    loop {
        let mut entry = MaybeUninit::uninit();
        let mut found = ptr::null_mut();
        match ask(entry.as_mut_ptr(), &mut buffer, &raw mut found) {
            libc::EINTR => {}
            libc::ERANGE if buffer.len() < LARGEST_ENTRY => buffer.resize(buffer.len() * 4, 0),
            // What databases say of a name that they do not have, besides 0: getpwnam(3), "Errors".
            0 | libc::ENOENT | libc::ESRCH if found.is_null() => return Ok(None),
            0 => {
                // SAFETY: a result that is not null says that the call has filled the entry.
                let entry = unsafe { entry.assume_init() };
                // SAFETY: the call made each string point at a zero-ended one in `buffer`, which has not
                // been changed since.
                let text = |at: *const libc::c_char| unsafe { CStr::from_ptr(at) }.to_owned();
                return Ok(Some(Account {
                    name: text(entry.pw_name),
                    uid: entry.pw_uid,
                    gid: entry.pw_gid,
                    home: OsString::from_vec(text(entry.pw_dir).into_bytes()),
                    shell: OsString::from_vec(text(entry.pw_shell).into_bytes()),
                }));
            }
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// The groups that the user called `name` is in, `gid` among them.
///
/// # Errors
/// When it is in more groups than Linux takes.
pub(crate) fn groups(name: &CStr, gid: u32) -> io::Result<Vec<u32>> {
    let mut groups = vec![0; GROUPS];
    loop {
        let mut count = i32::try_from(groups.len()).map_err(io::Error::other)?;
        // SAFETY: the name ends in a zero byte, and there is room for `count` groups.
        let all = unsafe {
            libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) >= 0
        };
        if all {
            groups.truncate(usize::try_from(count).map_err(io::Error::other)?);
            return Ok(groups);
        }
        if groups.len() >= MOST_GROUPS {
            return Err(io::Error::other("the user is in more groups than Linux takes"));
        }
        groups.resize(groups.len() * 4, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name_and_by_number() {
        let root = by_name(c"root").expect("the database can be asked").expect("there is root");
        assert_eq!((root.uid, root.gid, root.home.to_str()), (0, 0, Some("/root")));
        assert_eq!(by_uid(0).expect("the database can be asked"), Some(root));
        assert_eq!(by_name(c"no such user").expect("the database can be asked"), None);
    }

    #[test]
    fn the_group_asked_for_is_among_the_groups() {
        let groups = groups(c"root", 4242).expect("the database can be asked");
        assert!(groups.contains(&4242), "{groups:?}");
    }
}
