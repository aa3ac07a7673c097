//! Acts as the tracee: with its user and groups, and no more capabilities than it has.
//!
//! A capability counts in a user namespace. One that a tracee has in a namespace of its own making gives it nothing
//! here, so such a tracee lends the supervisor no capabilities at all.
//!
//! The peer on a Unix socket can ask who connected, and the kernel checks who may. An ordinary user's
//! supervisor serves only that user's processes and has nothing to drop. A supervisor with capabilities drops
//! them for the call, on its own thread alone.

use rustix::io::Errno;
use rustix::process::{Gid, Pid, Uid, getegid, geteuid, getgid, getgroups, getuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

/// The calling thread acts as somebody else until this is dropped.
pub(crate) struct Assumed {
    back: Option<Before>,
}

/// The thread's own identity.
struct Before {
    /// Real and effective.
    uids: [Uid; 2],
    /// Real and effective.
    gids: [Gid; 2],
    groups: Vec<Gid>,
    capabilities: CapabilitySets,
}

impl Assumed {
    /// Takes on the identity of the thread `tid`.
    ///
    /// # Errors
    /// EPERM if this process may not, ESRCH if there is no such thread.
    pub(crate) fn of(tid: Pid) -> Result<Self, Errno> {
        Self::with(tid, CapabilitySet::empty())
    }

    /// As [`Assumed::of`], and keeps the capability that it takes to send a message under another process's number.
    ///
    /// # Errors
    /// As [`Assumed::of`].
    pub(crate) fn as_sender(tid: Pid) -> Result<Self, Errno> {
        Self::with(tid, NUMBERS)
    }

    fn with(tid: Pid, kept: CapabilitySet) -> Result<Self, Errno> {
        let capabilities = capabilities(None)?;
        if capabilities.effective.is_empty() {
            return Ok(Self { back: None });
        }
        let status = procfs::process::Process::new(tid.as_raw_nonzero().get())
            .and_then(|process| process.status())
            .map_err(|_| Errno::SRCH)?;
        let before = Before {
            uids: [getuid(), geteuid()],
            gids: [getgid(), getegid()],
            groups: getgroups()?,
            capabilities,
        };
        let theirs = match shares_user_namespace(tid) {
            true => CapabilitySet::from_bits_retain(status.capeff),
            false => CapabilitySet::empty(),
        };
        // The kernel checks files by the ids of the file system, and tells a message's receiver the real ones.
        let uids = [Uid::from_raw(status.ruid), Uid::from_raw(status.fuid)];
        let gids = [Gid::from_raw(status.rgid), Gid::from_raw(status.fgid)];
        let groups: Vec<Gid> = status.groups.iter().map(|group| Gid::from_raw(*group)).collect();
        let less = capabilities.effective & (theirs | kept);
        if (uids, gids) == (before.uids, before.gids)
            && groups == before.groups
            && less == capabilities.effective
        {
            return Ok(Self { back: None });
        }
        // From here on, dropping this restores the thread.
        let assumed = Self { back: Some(before) };
        set_thread_groups(&groups)?;
        set_thread_res_gid(gids[0], gids[1], None)?;
        set_thread_res_uid(uids[0], uids[1], None)?;
        set_capabilities(None, CapabilitySets { effective: less, ..capabilities })?;
        Ok(assumed)
    }
}

/// What it takes to name another process as the sender of a message: `scm_check_creds` in net/core/scm.c.
const NUMBERS: CapabilitySet = CapabilitySet::SYS_ADMIN;

/// Who sends a message, as its receiver is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sender {
    /// Its process, as the supervisor numbers it.
    pub(super) process: i32,
    /// Its process, as it knows itself.
    pub(super) own_number: i32,
    /// Real, effective and saved.
    pub(super) uids: [u32; 3],
    /// Real, effective and saved.
    pub(super) gids: [u32; 3],
    /// Its capabilities that count here.
    pub(super) capabilities: CapabilitySet,
    /// Whether its numbers for users are the supervisor's.
    pub(super) shares_users: bool,
}

impl Sender {
    /// The process of `tid`; none if the supervisor may not name another process as the sender.
    ///
    /// # Errors
    /// ESRCH if there is no such thread.
    pub(crate) fn of(tid: Pid) -> Result<Option<Self>, Errno> {
        if !capabilities(None)?.effective.contains(NUMBERS) {
            return Ok(None);
        }
        let status = procfs::process::Process::new(tid.as_raw_nonzero().get())
            .and_then(|process| process.status())
            .map_err(|_| Errno::SRCH)?;
        let shares_users = shares_user_namespace(tid);
        let own_number = status.nstgid.as_ref().and_then(|numbers| numbers.last().copied());
        Ok(Some(Self {
            process: status.tgid,
            own_number: own_number.unwrap_or(status.tgid),
            uids: [status.ruid, status.euid, status.suid],
            gids: [status.rgid, status.egid, status.sgid],
            capabilities: match shares_users {
                true => CapabilitySet::from_bits_retain(status.capeff),
                false => CapabilitySet::empty(),
            },
            shares_users,
        }))
    }
}

/// Whether a thread is in this process's user namespace. One that cannot be looked at is not.
fn shares_user_namespace(tid: Pid) -> bool {
    let of = |process: &str| {
        let found = rustix::fs::stat(format!("/proc/{process}/ns/user")).ok()?;
        Some((found.st_dev, found.st_ino))
    };
    let theirs = of(&tid.as_raw_nonzero().to_string());
    theirs.is_some() && theirs == of("self")
}

impl Drop for Assumed {
    fn drop(&mut self) {
        let Some(before) = &self.back else { return };
        let back = set_capabilities(None, before.capabilities)
            .and_then(|()| set_thread_res_uid(before.uids[0], before.uids[1], None))
            .and_then(|()| set_capabilities(None, before.capabilities))
            .and_then(|()| set_thread_res_gid(before.gids[0], before.gids[1], None))
            .and_then(|()| set_thread_groups(&before.groups));
        if let Err(error) = back {
            // A thread that still has another identity must not judge anything.
            tracing::error!(%error, "cannot take the supervisor's own identity back");
            std::process::abort();
        }
    }
}
