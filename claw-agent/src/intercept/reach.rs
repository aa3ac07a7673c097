//! Calls by which one process acts on another: signals, limits, scheduling, memory placement.
//!
//! Input: the number and the arguments of a held call. Output: [`Reach`], which names the target. A target's
//! number is in a register, which no other thread can change while the call is held.

use libc::{c_int, c_long};

/// One held call that acts on another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The system call.
    pub(crate) name: &'static str,
    /// The target.
    pub(crate) target: Target,
}

/// The target of a call, as the caller's pid namespace numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A process, by its number or that of one of its threads.
    Process(i32),
    /// A process group.
    Group(i32),
    /// Every process that the caller may reach, or every process of a user.
    Everybody,
    /// The process that a descriptor stands for.
    Descriptor(Sent),
}

/// The arguments of pidfd_send_signal(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The descriptor, or one of the kernel's names for the caller itself.
    pub(crate) fd: i32,
    /// The signal.
    pub(crate) signal: i32,
    /// Where the caller's `siginfo_t` is, or 0.
    pub(crate) info: u64,
    /// `PIDFD_SIGNAL_*`.
    pub(crate) flags: u32,
}

/// Which calls of one system call are held. The kernel reads only the low half of these arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Always,
    /// Those whose argument is not this number, which means the caller itself.
    Unless(u32, u64),
    /// Those whose argument is one of claw's own processes. These calls take the exact number of a process,
    /// and programs make them on their own threads all the time.
    IfOwn(u32),
    /// Those whose argument is this value and whose next one is not 0.
    If(u32, u32),
}

/// The first argument of setpriority(2) and ioprio_set(2), include/uapi/linux/{resource,ioprio}.h.
const PRIO_PROCESS: u64 = 0;
const IOPRIO_WHO_PROCESS: u64 = 1;

/// The system calls that are held.
pub(super) const HELD: [(&str, When); 19] = [
    ("kill", When::Unless(0, 0)),
    ("tkill", When::Always),
    ("tgkill", When::IfOwn(0)),
    ("rt_sigqueueinfo", When::Always),
    ("rt_tgsigqueueinfo", When::IfOwn(0)),
    ("pidfd_open", When::Always),
    ("pidfd_send_signal", When::Always),
    ("fcntl", When::If(1, libc::F_SETOWN as u32)),
    ("prlimit64", When::Unless(0, 0)),
    ("sched_setaffinity", When::Unless(0, 0)),
    ("sched_setparam", When::Unless(0, 0)),
    ("sched_setscheduler", When::Unless(0, 0)),
    ("sched_setattr", When::Unless(0, 0)),
    ("setpriority", When::Unless(0, PRIO_PROCESS)),
    ("setpriority", When::Unless(1, 0)),
    ("ioprio_set", When::Unless(0, IOPRIO_WHO_PROCESS)),
    ("ioprio_set", When::Unless(1, 0)),
    ("migrate_pages", When::Unless(0, 0)),
    ("move_pages", When::Unless(0, 0)),
];

impl Reach {
    /// Reads a held call; `None` if it is not one of [`HELD`].
    pub(crate) fn of(number: c_long, args: [u64; 6]) -> Option<Self> {
        // The kernel reads only the low half of each argument.
        let [a, b, c, d, ..] = args.map(|word| word as i32);
        let (name, target) = match number {
            libc::SYS_kill => ("kill", by_signed_number(a, Target::Everybody)),
            libc::SYS_tkill => ("tkill", Target::Process(a)),
            libc::SYS_tgkill => ("tgkill", Target::Process(a)),
            libc::SYS_rt_sigqueueinfo => ("rt_sigqueueinfo", Target::Process(a)),
            libc::SYS_rt_tgsigqueueinfo => ("rt_tgsigqueueinfo", Target::Process(a)),
            libc::SYS_pidfd_open => ("pidfd_open", Target::Process(a)),
            libc::SYS_pidfd_send_signal => {
                let sent = Sent { fd: a, signal: b, info: args[2], flags: d as u32 };
                ("pidfd_send_signal", Target::Descriptor(sent))
            }
            // For F_SETOWN, -1 is group 1, not everybody.
            libc::SYS_fcntl => ("fcntl(F_SETOWN)", by_signed_number(c, Target::Group(1))),
            libc::SYS_prlimit64 => ("prlimit64", Target::Process(a)),
            libc::SYS_sched_setaffinity => ("sched_setaffinity", Target::Process(a)),
            libc::SYS_sched_setparam => ("sched_setparam", Target::Process(a)),
            libc::SYS_sched_setscheduler => ("sched_setscheduler", Target::Process(a)),
            libc::SYS_sched_setattr => ("sched_setattr", Target::Process(a)),
            libc::SYS_setpriority => ("setpriority", by_kind(a, b, PRIO_PROCESS as c_int)),
            libc::SYS_ioprio_set => ("ioprio_set", by_kind(a, b, IOPRIO_WHO_PROCESS as c_int)),
            libc::SYS_migrate_pages => ("migrate_pages", Target::Process(a)),
            libc::SYS_move_pages => ("move_pages", Target::Process(a)),
            _ => return None,
        };
        Some(Self { name, target })
    }
}

/// kill(2): a number below 0 is a group's, and -1 means everybody.
fn by_signed_number(number: i32, minus_one: Target) -> Target {
    match number {
        -1 => minus_one,
        number if number < 0 => Target::Group(number.checked_neg().unwrap_or(0)),
        number => Target::Process(number),
    }
}

/// setpriority(2) and ioprio_set(2): a process, a group or a user; both number them in this order.
fn by_kind(kind: c_int, who: c_int, process: c_int) -> Target {
    match kind.wrapping_sub(process) {
        0 => Target::Process(who),
        1 => Target::Group(who),
        _ => Target::Everybody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(number: c_long, args: [i64; 4]) -> Target {
        let [a, b, c, d] = args.map(i64::cast_unsigned);
        Reach::of(number, [a, b, c, d, 0, 0]).expect("held").target
    }

    #[test]
    fn numbers_are_read_as_the_kernel_reads_them() {
        assert_eq!(target(libc::SYS_kill, [7, 9, 0, 0]), Target::Process(7));
        assert_eq!(target(libc::SYS_kill, [-7, 9, 0, 0]), Target::Group(7));
        assert_eq!(target(libc::SYS_kill, [-1, 9, 0, 0]), Target::Everybody);
        assert_eq!(target(libc::SYS_kill, [0xffff_ffff, 9, 0, 0]), Target::Everybody);
        assert_eq!(target(libc::SYS_kill, [0xf_0000_0007, 9, 0, 0]), Target::Process(7));
        assert_eq!(target(libc::SYS_kill, [i64::from(i32::MIN), 9, 0, 0]), Target::Group(0));
        assert_eq!(target(libc::SYS_fcntl, [3, 8, -1, 0]), Target::Group(1));
        assert_eq!(target(libc::SYS_fcntl, [3, 8, 7, 0]), Target::Process(7));
        assert_eq!(target(libc::SYS_setpriority, [0, 7, 3, 0]), Target::Process(7));
        assert_eq!(target(libc::SYS_setpriority, [1, 7, 3, 0]), Target::Group(7));
        assert_eq!(target(libc::SYS_setpriority, [2, 0, 3, 0]), Target::Everybody);
        assert_eq!(target(libc::SYS_ioprio_set, [1, 7, 3, 0]), Target::Process(7));
        assert_eq!(target(libc::SYS_ioprio_set, [2, 7, 3, 0]), Target::Group(7));
        assert_eq!(target(libc::SYS_ioprio_set, [3, 0, 3, 0]), Target::Everybody);
        let sent = Sent { fd: 5, signal: 9, info: 0, flags: 1 };
        assert_eq!(target(libc::SYS_pidfd_send_signal, [5, 9, 0, 1]), Target::Descriptor(sent));
        assert_eq!(Reach::of(libc::SYS_read, [0; 6]), None);
    }
}
