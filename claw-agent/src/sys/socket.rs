//! connect(2) and sendmsg(2) with an address as bytes, tgkill(2), and the signal that interrupts them.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::process::Pid;

use super::check;

/// What to send in one message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parcel<'a> {
    /// The address; nothing for a connected socket.
    pub(crate) name: Option<&'a [u8]>,
    /// The data.
    pub(crate) data: &'a [u8],
    /// Control messages in the kernel's form, cmsg(3).
    pub(crate) control: &'a [u8],
}

/// Connects a socket to an address, a `sockaddr` of its family as bytes.
///
/// # Errors
/// As connect(2); EINTR after [`interrupt`].
pub(crate) fn connect(socket: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    // SAFETY: the address is `name.len()` readable bytes, and the kernel reads no more than it is told.
    check(i64::from(unsafe {
        libc::connect(socket.as_raw_fd(), name.as_ptr().cast(), name.len() as libc::socklen_t)
    }))?;
    Ok(())
}

/// Sends one message, without SIGPIPE, and returns how many bytes went.
///
/// # Errors
/// As sendmsg(2); EINTR after [`interrupt`].
pub(crate) fn send(socket: BorrowedFd<'_>, parcel: Parcel<'_>, flags: i32) -> io::Result<usize> {
    let mut piece = libc::iovec {
        iov_base: parcel.data.as_ptr().cast_mut().cast(),
        iov_len: parcel.data.len(),
    };
    // SAFETY: all-zero is a valid value of this plain C struct.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    if let Some(name) = parcel.name {
        message.msg_name = name.as_ptr().cast_mut().cast();
        message.msg_namelen = name.len() as libc::socklen_t;
    }
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    if !parcel.control.is_empty() {
        message.msg_control = parcel.control.as_ptr().cast_mut().cast();
        message.msg_controllen = parcel.control.len();
    }
    // SAFETY: the message names slices that outlive the call, with their lengths; sendmsg(2) only reads.
    let sent = check(unsafe {
        libc::sendmsg(socket.as_raw_fd(), &raw const message, flags | libc::MSG_NOSIGNAL)
    } as i64)?;
    Ok(sent as usize)
}

/// Sends a signal to one thread.
///
/// # Errors
/// As tgkill(2).
pub(crate) fn signal_thread(process: Pid, thread: Pid, signal: i32) -> io::Result<()> {
    let (process, thread) = (process.as_raw_nonzero().get(), thread.as_raw_nonzero().get());
    // SAFETY: the call takes three numbers.
    check(unsafe { libc::syscall(libc::SYS_tgkill, process, thread, signal) })?;
    Ok(())
}

/// The signal that interrupts a call of this process: ignored by default, so that one from outside does
/// no harm either.
const INTERRUPT: i32 = libc::SIGURG;

/// Makes [`interrupt`] end a system call with EINTR and do nothing else.
///
/// # Errors
/// As sigaction(2).
pub(crate) fn be_interruptible() -> io::Result<()> {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: all-zero is a valid value of this plain C struct: no flags, so SA_RESTART is not among them.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
    // SAFETY: the handler does nothing, which is safe at any time; the old action is not asked for.
    check(i64::from(unsafe {
        libc::sigaction(INTERRUPT, &raw const action, std::ptr::null_mut())
    }))?;
    Ok(())
}

/// Interrupts what the thread `thread` of this process waits for.
pub(crate) fn interrupt(thread: Pid) {
    // It cannot have ended: who asks for this holds it.
    let _ = signal_thread(rustix::process::getpid(), thread, INTERRUPT);
}
