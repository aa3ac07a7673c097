//! Acts as the tracee: with its user and groups, and no more capabilities than it has.
//!
//! The peer on a Unix socket can ask who connected, and the kernel checks who may. An ordinary user's
//! supervisor serves only that user's processes and has nothing to drop. A supervisor with capabilities drops
//! them for the call, on its own thread alone.

use rustix::io::Errno;
use rustix::process::{Gid, Pid, Uid, getegid, geteuid, getgroups};
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
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
    capabilities: CapabilitySets,
}

impl Assumed {
    /// Takes on the identity of the thread `tid`.
    ///
    /// # Errors
    /// EPERM if this process may not, ESRCH if there is no such thread.
    pub(crate) fn of(tid: Pid) -> Result<Self, Errno> {
        let capabilities = capabilities(None)?;
        if capabilities.effective.is_empty() {
            return Ok(Self { back: None });
        }
        let status = procfs::process::Process::new(tid.as_raw_nonzero().get())
            .and_then(|process| process.status())
            .map_err(|_| Errno::SRCH)?;
        let before = Before { uid: geteuid(), gid: getegid(), groups: getgroups()?, capabilities };
        let theirs = CapabilitySet::from_bits_retain(status.capeff);
        let (uid, gid) = (Uid::from_raw(status.fuid), Gid::from_raw(status.fgid));
        let groups: Vec<Gid> = status.groups.iter().map(|group| Gid::from_raw(*group)).collect();
        let less = capabilities.effective & theirs;
        if (uid, gid) == (before.uid, before.gid)
            && groups == before.groups
            && less == capabilities.effective
        {
            return Ok(Self { back: None });
        }
        // From here on, dropping this restores the thread.
        let assumed = Self { back: Some(before) };
        set_thread_groups(&groups)?;
        set_thread_res_gid(None, gid, None)?;
        set_thread_res_uid(None, uid, None)?;
        set_capabilities(None, CapabilitySets { effective: less, ..capabilities })?;
        Ok(assumed)
    }
}

impl Drop for Assumed {
    fn drop(&mut self) {
        let Some(before) = &self.back else { return };
        let back = set_capabilities(None, before.capabilities)
            .and_then(|()| set_thread_res_uid(None, before.uid, None))
            .and_then(|()| set_capabilities(None, before.capabilities))
            .and_then(|()| set_thread_res_gid(None, before.gid, None))
            .and_then(|()| set_thread_groups(&before.groups));
        if let Err(error) = back {
            // A thread that still has another identity must not judge anything.
            tracing::error!(%error, "cannot take the supervisor's own identity back");
            std::process::abort();
        }
    }
}
