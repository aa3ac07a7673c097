//! seccomp(2) and the ioctls of a user-notification listener, seccomp_unotify(2).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`, Linux 5.19: once received, a notification is undone by
/// fatal signals only.
const WAIT_KILLABLE_RECV: libc::c_ulong = 1 << 5;

/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`, Linux 6.6.
const SYNC_WAKE_UP: libc::c_ulong = 1;

/// `_IOWR('!', nr, size)` and its like, include/uapi/asm-generic/ioctl.h.
const fn ioctl_number(direction: u64, number: u64, size: usize) -> libc::c_ulong {
    direction << 30 | (size as u64) << 16 | (b'!' as u64) << 8 | number
}
const NOTIF_RECV: libc::c_ulong = ioctl_number(3, 0, size_of::<libc::seccomp_notif>());
const NOTIF_SEND: libc::c_ulong = ioctl_number(3, 1, size_of::<libc::seccomp_notif_resp>());
const NOTIF_ID_VALID: libc::c_ulong = ioctl_number(1, 2, size_of::<u64>());
const NOTIF_SET_FLAGS: libc::c_ulong = ioctl_number(1, 4, size_of::<u64>());

/// One held system call as the kernel reports it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawNotification {
    /// Names this notification until it is answered.
    pub(crate) id: u64,
    /// The calling thread, in the supervisor's pid namespace.
    pub(crate) tid: u32,
    /// The system call's number.
    pub(crate) nr: i32,
    /// Its arguments.
    pub(crate) args: [u64; 6],
}

/// What the kernel is told about a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Run the call: the kernel reads its arguments again.
    Continue,
    /// Fail it with this errno, without running it.
    Errno(i32),
    /// Return this, without running it: it was done on the caller's behalf.
    Value(i64),
}

/// Loads a filter program for the calling thread and returns its listener.
///
/// # Errors
/// As seccomp(2): EBUSY if a filter with a listener is loaded already, EINVAL on a kernel before
/// 5.19.
#[expect(clippy::disallowed_methods, reason = "the kernel just made the descriptor")]
pub(crate) fn load(program: &[u8]) -> io::Result<OwnedFd> {
    let count = program.len() / size_of::<libc::sock_filter>();
    let mut words = vec![0u64; count];
    for (word, bytes) in words.iter_mut().zip(program.chunks_exact(8)) {
        *word = u64::from_ne_bytes(bytes.try_into().unwrap_or_default());
    }
    let filter = libc::sock_fprog {
        len: u16::try_from(count).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?,
        filter: words.as_mut_ptr().cast(),
    };
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | WAIT_KILLABLE_RECV;
    // SAFETY: `filter` points to `count` instructions in `words`, which outlives the call; a
    // `sock_filter` is eight bytes of plain data.
    let fd = check(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const filter)
    })?;
    // SAFETY: the kernel just returned this descriptor to us and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Asks for wake-ups on the caller's own CPU. `false` on kernels before 6.6.
pub(crate) fn sync_wake_up(listener: BorrowedFd<'_>) -> bool {
    // SAFETY: this ioctl takes a number, no pointer.
    unsafe { libc::ioctl(listener.as_raw_fd(), NOTIF_SET_FLAGS, SYNC_WAKE_UP) == 0 }
}

/// Waits for the next notification.
///
/// # Errors
/// ENOENT if the caller died first, EINTR; ENODEV or a hang-up once nobody is left to notify.
pub(crate) fn receive(listener: BorrowedFd<'_>) -> io::Result<RawNotification> {
    // SAFETY: all-zero is a valid value of this plain C struct, and the kernel demands zeros.
    let mut notif: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the ioctl writes one `seccomp_notif` to the pointer.
    check(i64::from(unsafe { libc::ioctl(listener.as_raw_fd(), NOTIF_RECV, &raw mut notif) }))?;
    Ok(RawNotification { id: notif.id, tid: notif.pid, nr: notif.data.nr, args: notif.data.args })
}

/// Answers a notification.
///
/// # Errors
/// ENOENT if the tracee is gone.
pub(crate) fn answer(listener: BorrowedFd<'_>, id: u64, answer: Answer) -> io::Result<()> {
    let (val, error, flags) = match answer {
        // TOCTOU: built in three places. For an exec, after a ticket was written or ptrace has attached;
        // for a call that reaches for a process, where everything that was judged is in registers; for one
        // on a socket, where the kernel side decides on its own copy of the address.
        Answer::Continue => (0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
        Answer::Errno(errno) => (0, -errno, 0),
        Answer::Value(value) => (value, 0, 0),
    };
    let mut response = libc::seccomp_notif_resp { id, val, error, flags };
    // SAFETY: the ioctl reads one `seccomp_notif_resp` from the pointer.
    check(i64::from(unsafe { libc::ioctl(listener.as_raw_fd(), NOTIF_SEND, &raw mut response) }))?;
    Ok(())
}

/// Whether the notification `id` still waits: what was read of its tracee before is then its own.
pub(crate) fn is_valid(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the ioctl reads one u64 from the pointer.
    unsafe { libc::ioctl(listener.as_raw_fd(), NOTIF_ID_VALID, &raw const id) == 0 }
}
