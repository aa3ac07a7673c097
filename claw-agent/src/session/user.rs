//! `--user`: the user that the command runs as, while supervisor and front stay root.
//!
//! Known gap: claw reads owner, group and mode to tell who may change a file. It does not read access control
//! lists (acl(5)).

use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySets, set_capabilities, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use crate::sys::account;

/// How many symbolic links are followed at most, as in the kernel (path_resolution(7)).
const LINKS: u32 = 40;
/// The mode bits that let the group write, let others write, and restrict deletion (sticky).
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// A user that a command can run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    name: OsString,
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    home: OsString,
    shell: OsString,
}

impl User {
    /// Its home folder.
    pub(crate) fn home(&self) -> &OsStr {
        &self.home
    }

    /// The user that `text` names: a login name or a number, and after a colon the number of its group,
    /// where that is not to be the account's own.
    ///
    /// # Errors
    /// When there is no such user, or the caller is not root and cannot become another one.
    pub(crate) fn named(text: &str) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            bail!(
                "`--user` needs root: start `claw run` as root, or leave `--user` out to run the command as yourself"
            );
        }
        let (name, group) = match text.split_once(':') {
            Some((name, group)) => (name, Some(number(group)?)),
            None => (text, None),
        };
        let account = account_of(name)?;
        let uid = match &account {
            Some(account) => account.uid,
            None => number(name).ok().with_context(|| {
                format!("`--user {text}`: there is no user `{name}`; see `getent passwd`")
            })?,
        };
        let gid = group.or(account.as_ref().map(|account| account.gid)).with_context(|| {
            format!("user {uid} has no account that names its group: say `--user {uid}:GID`")
        })?;
        let Some(account) = account else {
            return Ok(Self {
                name: name.into(),
                uid,
                gid,
                groups: vec![gid],
                home: "/".into(),
                shell: "/bin/sh".into(),
            });
        };
        let groups = account::groups(&account.name, gid)
            .with_context(|| format!("cannot look up the groups of `{name}`"))?;
        let name = OsStr::from_bytes(account.name.as_bytes()).to_owned();
        Ok(Self { name, uid, gid, groups, home: account.home, shell: account.shell })
    }

    /// Makes sure that the user cannot change the policy or the audit.
    ///
    /// # Errors
    /// The file or folder that the user can change, and what to do about it.
    pub(crate) fn must_not_change(&self, policy: Option<&Path>, audit: &Path) -> Result<()> {
        let name = self.name.display();
        if self.uid == 0 {
            bail!("`--user {name}` is root, who can change the policy and the audit: name another");
        }
        let policy = policy.map(|policy| ("policy", policy));
        for (what, path) in policy.into_iter().chain([("audit", audit)]) {
            let path = std::path::absolute(path)?;
            if let Some(changeable) = self.changeable(&path, false, LINKS)? {
                let (path, changeable) = (path.display(), changeable.display());
                bail!(
                    "user `{name}` can change the {what} `{path}`, because it can write `{changeable}`: `chown root:root` and `chmod go-w` that, or keep the {what} elsewhere"
                );
            }
        }
        Ok(())
    }

    /// The first file or folder on the way to `path` that the user can write, symbolic links included.
    /// `passed` says that `path` itself is only a folder on the way to something else.
    fn changeable(&self, path: &Path, passed: bool, links: u32) -> Result<Option<PathBuf>> {
        let mut steps: Vec<&Path> = path.ancestors().collect();
        steps.reverse();
        for step in steps {
            let passed = passed || step != path;
            let metadata = match fs::symlink_metadata(step) {
                Ok(metadata) => metadata,
                // It does not exist yet. Root will create it, and all below it, for itself.
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("cannot look at `{}`", step.display()));
                }
            };
            if metadata.is_symlink() {
                let Some(left) = links.checked_sub(1) else {
                    bail!("too many symbolic links lead to `{}`", step.display());
                };
                let target = step.parent().unwrap_or(Path::new("/")).join(fs::read_link(step)?);
                if let Some(changeable) = self.changeable(&target, passed, left)? {
                    return Ok(Some(changeable));
                }
            } else if self.writes(&metadata, passed) {
                return Ok(Some(step.to_owned()));
            }
        }
        Ok(None)
    }

    /// Whether the user can write a file or, in a folder on the way, replace entries of others.
    fn writes(&self, file: &Metadata, passed: bool) -> bool {
        // Its owner can change the mode.
        if file.uid() == self.uid {
            return true;
        }
        let in_group = file.gid() == self.gid || self.groups.contains(&file.gid());
        let bit = if in_group { GROUP_WRITES } else { OTHERS_WRITE };
        let sticky = passed && file.mode() & STICKY != 0;
        file.mode() & bit != 0 && !sticky
    }

    /// Makes the calling process, which has one thread, run as this user for good. Reduce the bounding set
    /// before: that takes a capability.
    ///
    /// # Errors
    /// If root lacks the right, as in a user namespace or a container.
    pub(super) fn assume(&self) -> Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let groups: Vec<_> = self.groups.iter().map(|group| Gid::from_raw(*group)).collect();
        // The user id comes last, because dropping it drops the right to change the others.
        set_thread_groups(&groups)
            .and_then(|()| set_thread_res_gid(gid, gid, gid))
            .and_then(|()| set_thread_res_uid(uid, uid, uid))
            .with_context(|| {
                let name = self.name.display();
                format!("cannot become user `{name}`: root needs CAP_SETUID and CAP_SETGID for it")
            })?;
        // The kernel clears them too, except the inheritable ones and except under unusual securebits.
        let none = CapabilitySets {
            effective: rustix::thread::CapabilitySet::empty(),
            permitted: rustix::thread::CapabilitySet::empty(),
            inheritable: rustix::thread::CapabilitySet::empty(),
        };
        set_capabilities(None, none).context("cannot give up root's capabilities")
    }

    /// The variables that su(1) sets, and their values.
    pub(super) fn environment(&self) -> [(&'static str, &OsStr); 4] {
        [
            ("HOME", &self.home),
            ("SHELL", &self.shell),
            ("USER", &self.name),
            ("LOGNAME", &self.name),
        ]
    }
}

/// The account called `name`, or of that number.
fn account_of(name: &str) -> Result<Option<account::Account>> {
    let asked = || format!("cannot look up the user `{name}`");
    let Ok(c_name) = CString::new(name) else { return Ok(None) };
    let called = account::by_name(&c_name).with_context(asked)?;
    match (called, number(name)) {
        (None, Ok(uid)) => account::by_uid(uid).with_context(asked),
        (called, _) => Ok(called),
    }
}

/// A user's or a group's number; the last one means "no change" to the kernel.
fn number(text: &str) -> Result<u32> {
    let number = text.parse().ok().filter(|number| *number != u32::MAX);
    number.with_context(|| format!("`{text}` is not the number of a user or group"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    const UID: u32 = 4242;
    const GID: u32 = 4243;

    fn user() -> User {
        User::named(&format!("{UID}:{GID}")).expect("the tests run as root")
    }

    fn set(path: &Path, owner: (u32, u32), mode: u32) {
        chown(path, Some(owner.0), Some(owner.1)).expect("root can give it away");
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("it is root's");
    }

    #[test]
    fn a_user_is_named_by_name_or_number() {
        assert_eq!(User::named("0").expect("root").name, "root");
        assert_eq!(User::named("root:5").expect("root").gid, 5);
        let unknown = user();
        assert_eq!((unknown.uid, unknown.gid, &*unknown.groups), (UID, GID, &[GID][..]));
        let wrong = |text| User::named(text).expect_err("no such user").to_string();
        assert!(wrong("no-such-user").contains("there is no user `no-such-user`"));
        assert!(wrong("4242").contains("say `--user 4242:GID`"));
        assert!(wrong("root:x").contains("`x` is not the number"));
        assert!(wrong("4294967295:1").contains("there is no user"));
    }

    #[test]
    fn what_a_user_can_change_is_told_by_owner_group_and_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("policy.toml");
        fs::write(&file, "").expect("written");
        let folder = folder.path();
        let root = (0, 0);
        let cases = [
            // folder's owner and mode, file's owner and mode, whether the user can change the file
            (root, 0o755, root, 0o644, false),
            (root, 0o755, (UID, 0), 0o444, true),
            (root, 0o755, (0, GID), 0o664, true),
            (root, 0o755, (0, GID), 0o606, false),
            (root, 0o755, root, 0o666, true),
            (root, 0o755, root, 0o660, false),
            ((UID, 0), 0o755, root, 0o644, true),
            ((UID, 0), 0o1755, root, 0o644, true),
            (root, 0o777, root, 0o644, true),
            (root, 0o1777, root, 0o644, false),
            ((0, GID), 0o770, root, 0o644, true),
        ];
        for (owner, mode, file_owner, file_mode, expected) in cases {
            set(folder, owner, mode);
            set(&file, file_owner, file_mode);
            let found = user().changeable(&file, false, LINKS).expect("it can be looked at");
            assert_eq!(
                found.is_some(),
                expected,
                "{owner:?} {mode:o} {file_owner:?} {file_mode:o}"
            );
        }
        // In a sticky folder the user can still create files, and so a session's file before claw does.
        set(folder, root, 0o1777);
        assert!(user().changeable(folder, false, LINKS).expect("it can be looked at").is_some());
    }

    #[test]
    fn links_on_the_way_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let (safe, open) = (folder.path().join("safe"), folder.path().join("open"));
        for path in [&safe, &open] {
            fs::create_dir(path).expect("made");
        }
        set(folder.path(), (0, 0), 0o755);
        fs::write(safe.join("policy"), "").expect("written");
        symlink("../safe/policy", open.join("link")).expect("made");
        symlink("open/link", folder.path().join("far")).expect("made");
        set(&open, (0, 0), 0o777);
        let shared = folder.path().join("shared");
        fs::create_dir_all(shared.join("below")).expect("made");
        set(&shared, (0, 0), 0o1777);
        symlink("shared", folder.path().join("to-shared")).expect("made");
        symlink("loop", folder.path().join("loop")).expect("made");
        let changeable = |name| user().changeable(&folder.path().join(name), false, LINKS);
        assert_eq!(changeable("safe/policy").expect("it can be looked at"), None);
        assert_eq!(changeable("safe/none/below").expect("it can be looked at"), None);
        assert_eq!(changeable("to-shared/below").expect("it can be looked at"), None);
        assert_eq!(changeable("to-shared").expect("it can be looked at"), Some(shared));
        assert_eq!(changeable("open/link").expect("it can be looked at"), Some(open.clone()));
        assert_eq!(changeable("far").expect("it can be looked at"), Some(open));
        changeable("loop").expect_err("it leads nowhere");
    }
}
