//! fork(2), and the few process calls that need it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::process::Pid;

use super::check;

/// Which side of a fork this is.
pub(crate) enum Fork {
    /// The caller, with its new child.
    Parent(Pid),
    /// The new child.
    Child,
}

/// Forks the calling process.
///
/// # Errors
/// As fork(2).
///
/// # Panics
/// If the process has more than one thread: the child would inherit locks that nobody releases.
pub(crate) fn fork() -> io::Result<Fork> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    assert_eq!(threads, 1, "fork in a process with {threads} threads");
    // SAFETY: the process has one thread, checked above, so every lock is in a usable state in the
    // child.
    let pid = check(libc::c_long::from(unsafe { libc::fork() }))?;
    Ok(Pid::from_raw(pid as i32).map_or(Fork::Child, Fork::Parent))
}

/// What the calling thread's children are up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChildState {
    /// There are none.
    None,
    /// None has ended, or one that is being traced hides those that have.
    Running,
    /// This one has ended and is not waited for yet.
    Ended(Pid),
}

/// Looks at the calling thread's children without waiting for any.
///
/// wait(2) for any child would also swallow the ptrace stops of children that other threads of this
/// process trace (`wait_consider_task` in kernel/exit.c), so nothing is taken here.
pub(crate) fn peek_child() -> ChildState {
    // SAFETY: all-zero is a valid value of this plain C struct.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL | libc::__WNOTHREAD;
    // SAFETY: the call writes one `siginfo_t` to the pointer.
    let result = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, options) };
    if result != 0 {
        return ChildState::None;
    }
    let ended = matches!(info.si_code, libc::CLD_EXITED | libc::CLD_KILLED | libc::CLD_DUMPED);
    // SAFETY: for a child's change of state the kernel fills this field; it is zero where nothing changed.
    let pid = Pid::from_raw(unsafe { info.si_pid() });
    pid.filter(|_| ended).map_or(ChildState::Running, ChildState::Ended)
}

/// The signal that stopped the calling thread's child `pid`; nothing if it goes on, or that was waited for already.
/// Nothing is taken here, as in [`peek_child`].
pub(crate) fn peek_stop(pid: Pid) -> Option<i32> {
    // SAFETY: all-zero is a valid value of this plain C struct.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL | libc::__WNOTHREAD;
    let number = pid.as_raw_nonzero().get().cast_unsigned();
    // SAFETY: the call writes one `siginfo_t` to the pointer.
    let result = unsafe { libc::waitid(libc::P_PID, number, &raw mut info, options) };
    // A stop that only its tracer is told of is `CLD_TRAPPED`.
    let stopped = result == 0 && info.si_code == libc::CLD_STOPPED;
    // SAFETY: for a child's change of state the kernel fills this field.
    stopped.then(|| unsafe { info.si_status() })
}

/// Whether the thread `tid` is the first of its process, whose number is the process's.
pub(crate) fn leads_its_process(tid: Pid) -> bool {
    let number = tid.as_raw_nonzero().get();
    // SAFETY: signal 0 is sent to nobody; the call only looks whether there is such a thread.
    unsafe { libc::syscall(libc::SYS_tgkill, number, number, 0) == 0 }
}

/// Whether `tid` is a thread of `process`.
pub(crate) fn is_thread_of(process: Pid, tid: Pid) -> bool {
    let (process, tid) = (process.as_raw_nonzero().get(), tid.as_raw_nonzero().get());
    // SAFETY: signal 0 is sent to nobody; the call only looks whether there is such a thread.
    let result = unsafe { libc::syscall(libc::SYS_tgkill, process, tid, 0) };
    result == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// The size of a `siginfo_t`, include/uapi/asm-generic/siginfo.h.
pub(crate) const SIGINFO: usize = size_of::<libc::siginfo_t>();

/// pidfd_send_signal(2), with what the sender says about the signal if it says something.
///
/// # Errors
/// As pidfd_send_signal(2).
pub(crate) fn send_signal(
    pidfd: BorrowedFd<'_>,
    signal: i32,
    info: Option<&[u8; SIGINFO]>,
    flags: u32,
) -> io::Result<()> {
    let info = info.map_or(std::ptr::null(), |info| info.as_ptr());
    // SAFETY: the kernel copies `SIGINFO` bytes from `info`, which is a whole array or null; it takes
    // any bytes there are.
    check(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, info, flags)
    })?;
    Ok(())
}

/// Gives memory that was freed back to the kernel: starting takes megabytes of type information that
/// nothing needs afterwards, and the process stays for as long as the session.
pub(crate) fn trim_memory() {
    // SAFETY: the call walks the allocator's own free lists under its own locks.
    unsafe { libc::malloc_trim(0) };
}

/// Blocks these signals for the calling thread, or unblocks them.
pub(crate) fn block_signals(signals: &[i32], block: bool) {
    let set = signal_set(signals);
    let how = if block { libc::SIG_BLOCK } else { libc::SIG_UNBLOCK };
    // SAFETY: the set is initialised and the old mask is not asked for.
    unsafe { libc::pthread_sigmask(how, &raw const set, std::ptr::null_mut()) };
}

/// A descriptor that reads these signals, which the caller has blocked; signalfd(2).
///
/// # Errors
/// As signalfd(2).
#[expect(clippy::disallowed_methods, reason = "the kernel just made the descriptor")]
pub(crate) fn signal_fd(signals: &[i32]) -> io::Result<OwnedFd> {
    let set = signal_set(signals);
    // SAFETY: the set is initialised.
    let fd = check(libc::c_long::from(unsafe {
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    }))?;
    // SAFETY: the kernel just returned this descriptor to us and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// One signal as signalfd(2) reports it.
pub(crate) struct Signal {
    /// Its number.
    pub(crate) number: i32,
    /// Whether a process sent it, and not the kernel (a terminal's key, a child's end).
    pub(crate) from_process: bool,
}

/// Reads one signal, or nothing if none is pending.
pub(crate) fn read_signal(fd: BorrowedFd<'_>) -> Option<Signal> {
    let mut bytes = [0u8; size_of::<libc::signalfd_siginfo>()];
    if rustix::io::read(fd, &mut bytes).ok()? != bytes.len() {
        return None;
    }
    let word =
        |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let code = word(std::mem::offset_of!(libc::signalfd_siginfo, ssi_code)) as i32;
    Some(Signal {
        number: word(std::mem::offset_of!(libc::signalfd_siginfo, ssi_signo)) as i32,
        from_process: code == libc::SI_USER || code == libc::SI_QUEUE || code == libc::SI_TKILL,
    })
}

/// A second descriptor for the same file, of a type of another crate that lends out only the bare
/// number.
///
/// # Errors
/// As dup(2).
#[expect(clippy::disallowed_methods, reason = "`source` is borrowed until the copy is made")]
pub(crate) fn duplicate(source: &impl AsRawFd) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor is open as long as `source` is borrowed, which is longer than this.
    let borrowed = unsafe { BorrowedFd::borrow_raw(source.as_raw_fd()) };
    borrowed.try_clone_to_owned()
}

/// Marks every descriptor from `first` on to be closed by the next exec, but those of `kept`, which are marked to stay.
///
/// # Errors
/// As close_range(2); EBADF for a descriptor of `kept` that is not open.
pub(crate) fn close_on_exec(first: u32, kept: &[u32]) -> io::Result<()> {
    // SAFETY: the call takes three numbers. It closes nothing now, and only marks this process's descriptors.
    check(unsafe {
        libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
    })?;
    for descriptor in kept {
        // SAFETY: the call takes numbers alone.
        check(i64::from(unsafe { libc::fcntl(*descriptor as i32, libc::F_SETFD, 0) }))?;
    }
    Ok(())
}

fn signal_set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: all-zero is a valid value of this plain C struct.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is a local that the call overwrites.
    unsafe { libc::sigemptyset(&raw mut set) };
    for signal in signals {
        // SAFETY: the set is initialised; a number that is no signal is an error and changes nothing.
        unsafe { libc::sigaddset(&raw mut set, *signal) };
    }
    set
}
