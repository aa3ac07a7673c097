//! The third lock, where the kernel runs BPF LSM programs: nobody guarded traces or signals the session's own processes,
//! whatever user it runs as and whichever doors the policy opens. An addition, never a requirement: the loader goes on
//! without it.

use aya_ebpf::{
    macros::{lsm, map},
    maps::HashMap,
    programs::LsmContext,
};

use crate::{
    events,
    layout::{OBSERVE, TASK_TGID, field},
    lineage,
};

/// The supervisor and the front, by thread group id in the initial pid namespace.
#[map]
static PROTECTED: HashMap<u32, u32> = HashMap::with_max_entries(4, 0);

const EPERM: i32 = 1;

/// `ptrace_access_check(struct task_struct *child, unsigned int mode)`: ptrace(2), process_vm_readv(2), and the files
/// of procfs that show memory.
#[lsm(hook = "ptrace_access_check")]
fn ptrace_access_check(ctx: LsmContext) -> i32 {
    refuse(ctx.arg(0))
}

/// `task_kill(struct task_struct *p, struct kernel_siginfo *info, int sig, const struct cred *cred)`: every signal that
/// one process sends another.
#[lsm(hook = "task_kill")]
fn task_kill(ctx: LsmContext) -> i32 {
    refuse(ctx.arg(0))
}

#[inline(always)]
fn refuse(target: u64) -> i32 {
    if OBSERVE.load() != 0 || !lineage::guarded(events::caller()) {
        return 0;
    }
    let Some(target) = field::<u32>(target, &TASK_TGID) else { return -EPERM };
    // SAFETY: only whether there is an entry is looked at, never the value it points to.
    if unsafe { PROTECTED.get(target) }.is_some() { -EPERM } else { 0 }
}
