//! Which level of assurance is available. claw finds out by trying, never by the kernel's version: the kernel
//! side if it loads, else only what any ancestor process may do.

use std::os::fd::AsFd;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use claw_common::event::{RING, RING_OBSERVED};
use claw_common::hash::Key;
use claw_policy::Policy;

use super::cgroup::Cgroup;
use super::fill_random;
use super::tree::Tree;
use crate::apply::untouched;
use crate::kernel::{KernelSide, Settings};
use crate::record::Level;

/// The means that guard a session, and their level.
pub(super) struct Assurance {
    /// The level.
    pub(super) level: Level,
    /// The programs in the kernel.
    pub(super) kernel: Option<Arc<KernelSide>>,
    /// What keeps the session's processes together.
    pub(super) tree: Tree,
    /// A notice for the user if this is not the highest level.
    pub(super) notice: Option<String>,
}

/// The best assurance available on this machine, if it is at least `require`.
///
/// # Errors
/// What is missing for that level, and what to do about it.
pub(super) fn best(
    policy: &Policy,
    observe: bool,
    require: Level,
    session: &str,
) -> Result<Assurance> {
    let level = if observe { Level::Observed } else { Level::Proven };
    if level < require {
        bail!("`--require {require}` and observing, which holds nothing, exclude each other");
    }
    let refused = match with_kernel_side(policy, observe, session) {
        Ok((kernel, tree)) => {
            return Ok(Assurance { level, kernel: Some(Arc::new(kernel)), tree, notice: None });
        }
        Err(error) => error,
    };
    if observe {
        return Err(refused.context("nothing can be observed here"));
    }
    if require > Level::Held {
        let what = "the level `proven` is unavailable; leave out `--require`, or say `--require held`, to run without the kernel's proof";
        // When root is refused, the cause is usually a seccomp filter, such as claw's own.
        let filter = "this process is under a seccomp filter; where that is claw's own, do not nest `claw run`";
        let refused = if is_filtered() { refused.context(filter) } else { refused };
        return Err(refused.context(what));
    }
    let notice = format!("level `held`, no kernel proof: {refused:#}");
    Ok(Assurance { level: Level::Held, kernel: None, tree: Tree::descent()?, notice: Some(notice) })
}

/// Whether this process is in the initial pid namespace, whose numbers the kernel side uses. That namespace
/// has the same inode on every machine, `PROC_PID_INIT_INO` in the kernel's include/linux/proc_ns.h.
fn is_in_initial_pid_namespace() -> bool {
    const INITIAL: u64 = 0xEFFF_FFFC;
    rustix::fs::stat("/proc/self/ns/pid").is_ok_and(|namespace| namespace.st_ino == INITIAL)
}

fn with_kernel_side(policy: &Policy, observe: bool, session: &str) -> Result<(KernelSide, Tree)> {
    if !is_in_initial_pid_namespace() {
        // A number from another namespace would put some other process under guard.
        bail!(
            "claw runs in a process namespace of a container, and the kernel side knows processes by their numbers outside; run claw outside"
        );
    }
    let cgroup = Cgroup::create(session)?;
    match load(policy, observe, &cgroup) {
        Ok(kernel) => Ok((kernel, Tree::Cgroup(cgroup))),
        Err(error) => {
            cgroup.remove();
            Err(error)
        }
    }
}

/// Whether this process is under a seccomp filter, `SECCOMP_MODE_FILTER`.
fn is_filtered() -> bool {
    procfs::process::Process::myself()
        .and_then(|process| process.status())
        .is_ok_and(|status| status.seccomp == Some(2))
}

fn load(policy: &Policy, observe: bool, cgroup: &Cgroup) -> Result<KernelSide> {
    let mut random = [0u8; 16];
    fill_random(&mut random).context("cannot read random numbers")?;
    let (low, high) = random.split_at(8);
    let half = |bytes: &[u8]| bytes.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let kernel = KernelSide::load(&Settings {
        key: Key([half(low), half(high)]),
        cgroup_root: cgroup.root.as_fd(),
        sessions: 1,
        ring: if observe { RING_OBSERVED } else { RING },
    })?;
    if !observe && policy.speaks_of_unix() {
        // Attach before the fork, so that the front holds these hooks too and they outlive a supervisor that
        // dies. If the kernel has no such hooks, the supervisor makes every connection.
        let _ = kernel.refuse_unix();
    }
    if !observe && !kernel.has_third_lock() {
        untouched::may_check().context(
            "cannot look at the files that a program is mapped from; run claw as root (CAP_CHECKPOINT_RESTORE)",
        )?;
    }
    Ok(kernel)
}
