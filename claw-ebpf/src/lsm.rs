//! The third lock, where the kernel runs BPF LSM programs. It is optional: the loader continues without it.
//!
//! - It refuses an exec without a ticket, of another file than was judged, or with strings of another length,
//!   while the caller is still there. [`exec`](crate::exec) could only kill it.
//! - No guarded process can open the memory of a governed tool, from before the new image has any. Without
//!   this lock the supervisor kills a tool at its exec stop if another process tampered with it.
//! - No guarded process can trace or signal claw's own processes, whatever user it runs as and whichever
//!   doors the policy opens.

use aya_ebpf::{
    macros::{lsm, map},
    maps::HashMap,
    programs::LsmContext,
};
use claw_common::{
    event::{cause, kind},
    lineage::Mark,
};

use crate::{
    events::{self, NOW},
    exec,
    layout::{BPRM_BUF, BPRM_EXEC, BPRM_FILE, BPRM_P, TASK_TGID, field},
    lineage, tickets,
};

/// claw's own processes, by thread group id in the initial pid namespace.
#[map]
static PROTECTED: HashMap<u32, u32> = HashMap::with_max_entries(4, 0);

const EPERM: i32 = 1;

/// The first two bytes of a script, as a number.
const SCRIPT: u16 = u16::from_ne_bytes(*b"#!");

/// `bprm_check_security(struct linux_binprm *bprm)`: the strings are copied and the file is open. Called for a script
/// and then for its interpreter, which is what a ticket names.
#[lsm(hook = "bprm_check_security")]
fn bprm_check_security(ctx: LsmContext) -> i32 {
    let tgid = events::caller();
    let Some(mark) = lineage::mark(tgid).filter(|mark| !mark.is_observed()) else { return 0 };
    let mut event = events::event(kind::EXEC_REFUSED, mark);
    event.cause = check(ctx.arg(0), event.tid, tgid, mark);
    if event.cause == 0 {
        return 0;
    }
    tickets::forget(event.tid);
    events::report(&event, NOW);
    -EPERM
}

/// 0 if the image that the kernel will build can match the ticket, else the [`cause`].
#[inline(always)]
fn check(bprm: u64, tid: u32, tgid: u32, mark: Mark) -> u32 {
    let Some(ticket) = tickets::look_at(tid) else { return cause::NO_TICKET };
    let Some(start) = field::<u16>(bprm, &BPRM_BUF) else { return cause::UNREADABLE };
    if start == SCRIPT {
        return 0;
    }
    let file = field(bprm, &BPRM_FILE).and_then(exec::file);
    let (Some(file), Some(exec), Some(p)) =
        (file, field::<u64>(bprm, &BPRM_EXEC), field::<u64>(bprm, &BPRM_P))
    else {
        return cause::UNREADABLE;
    };
    if file != (ticket.ino, ticket.dev) {
        return cause::FILE;
    }
    // The boundary between arguments and environment is not known yet, so compare the sum.
    let len = exec.wrapping_sub(p);
    if len < ticket.len || (ticket.with_env && len != ticket.len) {
        return cause::LENGTH;
    }
    if ticket.sealed {
        lineage::seal(tgid, mark, true);
    }
    0
}

/// `ptrace_access_check(struct task_struct *child, unsigned int mode)`: ptrace(2), process_vm_readv(2), and the files
/// of procfs that show memory.
#[lsm(hook = "ptrace_access_check")]
fn ptrace_access_check(ctx: LsmContext) -> i32 {
    refuse(ctx.arg(0), true)
}

/// `task_kill(struct task_struct *p, struct kernel_siginfo *info, int sig, const struct cred *cred)`: every signal that
/// one process sends another.
#[lsm(hook = "task_kill")]
fn task_kill(ctx: LsmContext) -> i32 {
    refuse(ctx.arg(0), false)
}

#[inline(always)]
fn refuse(target: u64, for_memory: bool) -> i32 {
    let caller = events::caller();
    if lineage::mark(caller).is_none_or(Mark::is_observed) {
        return 0;
    }
    let Some(target) = field::<u32>(target, &TASK_TGID) else { return -EPERM };
    // SAFETY: this only tests whether there is an entry, and never reads the value.
    if unsafe { PROTECTED.get(target) }.is_some() {
        return -EPERM;
    }
    let sealed = lineage::mark(target).is_some_and(Mark::is_sealed);
    if for_memory && target != caller && sealed { -EPERM } else { 0 }
}
