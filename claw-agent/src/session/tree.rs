//! Keeps a session's processes together, so that claw can tell when the last one ends, and can kill them all.
//!
//! With a kernel side this is a cgroup. Without one it is descent: front and supervisor are subreapers
//! (`PR_SET_CHILD_SUBREAPER`), so a process whose parent ends becomes the supervisor's child, and the front's
//! once the supervisor is gone. That also keeps the supervisor an ancestor, which Yama's `ptrace_scope = 1`
//! requires of a tracer. Descent needs no privilege.

use std::io;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::cgroup::Cgroup;
use crate::sys::process::{ChildState, peek_child};

/// How long to wait between looks at the children.
const LOOK: Duration = Duration::from_millis(1);

/// A session's processes.
#[derive(Debug)]
pub(crate) enum Tree {
    /// Everything in a cgroup.
    Cgroup(Cgroup),
    /// Everything that descends from the supervisor.
    Descent {
        /// Children that this process already had when it became claw. They are no part of the session.
        strangers: Vec<Pid>,
    },
}

impl Tree {
    /// Makes the calling process a subreaper, for a tree by descent.
    ///
    /// # Errors
    /// As prctl(2).
    pub(crate) fn descent() -> Result<Self> {
        take_in_orphans()?;
        Ok(Self::Descent { strangers: children() })
    }

    /// Puts the calling process, which the supervisor has just forked, into the tree.
    ///
    /// # Errors
    /// As [`Cgroup::join`].
    pub(crate) fn join(&self) -> io::Result<()> {
        match self {
            Self::Cgroup(cgroup) => cgroup.join(),
            Self::Descent { .. } => Ok(()),
        }
    }

    /// Makes the supervisor a subreaper; PR_SET_CHILD_SUBREAPER is not inherited across fork.
    ///
    /// # Errors
    /// As prctl(2).
    pub(crate) fn watch_over(&self) -> Result<()> {
        match self {
            Self::Cgroup(_) => Ok(()),
            Self::Descent { .. } => take_in_orphans(),
        }
    }

    /// Ends every process. Called by the front after the supervisor's end, or by the supervisor.
    ///
    /// # Errors
    /// As [`Cgroup::kill`].
    pub(crate) fn kill(&self) -> io::Result<()> {
        match self {
            Self::Cgroup(cgroup) => cgroup.kill(),
            Self::Descent { strangers } => {
                end_children(strangers);
                Ok(())
            }
        }
    }

    /// Whether anything is left; waits for children that have ended.
    pub(crate) fn is_populated(&self) -> bool {
        match self {
            Self::Cgroup(cgroup) => cgroup.is_populated(),
            Self::Descent { .. } => {
                reap(None);
                peek_child() != ChildState::None
            }
        }
    }

    /// Waits for orphans that have ended. The command itself is left to the thread that waits for it.
    pub(crate) fn reap_orphans(&self, command: Pid) {
        if let Self::Descent { .. } = self {
            reap(Some(command));
        }
    }

    /// Removes what was made for the session.
    pub(crate) fn remove(&self) {
        if let Self::Cgroup(cgroup) = self {
            cgroup.remove();
        }
    }
}

fn take_in_orphans() -> Result<()> {
    let own = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(own)).context("cannot take in orphaned processes")
}

/// Waits for the calling thread's children that have ended, up to the first that is `but` or has not.
fn reap(but: Option<Pid>) {
    while let ChildState::Ended(child) = peek_child() {
        if Some(child) == but {
            return;
        }
        // A tracing thread may have reaped it first.
        let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

/// Kills the calling process's children except `strangers`, then their orphaned children, until none is left.
fn end_children(strangers: &[Pid]) {
    loop {
        let left = children().into_iter().filter(|child| !strangers.contains(child));
        let mut any = false;
        for child in left {
            any = true;
            // It may have ended.
            let _ = kill_process(child, Signal::KILL);
            let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
        if !any {
            return;
        }
        std::thread::sleep(LOOK);
    }
}

/// The calling process's children. A kernel without CONFIG_PROC_CHILDREN does not list them, so then this
/// walks all of /proc.
fn children() -> Vec<Pid> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    if let Ok(text) = std::fs::read_to_string(format!("/proc/self/task/{own}/children")) {
        return text
            .split_whitespace()
            .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
            .collect();
    }
    let stats = procfs::process::all_processes().into_iter().flatten().flatten();
    stats
        .filter_map(|process| process.stat().ok())
        .filter(|stat| stat.ppid == own)
        .filter_map(|stat| Pid::from_raw(stat.pid))
        .collect()
}
