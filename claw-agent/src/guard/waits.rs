//! Slow calls that the supervisor makes on behalf of a tracee. They end when the tracee is gone, or when a
//! signal would have interrupted the tracee's own call.
//!
//! A held tracee is woken only by fatal signals. One thread therefore polls the tracees of slow calls, and
//! interrupts the worker when a signal is pending.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Pid;
use rustix::thread::gettid;

use crate::intercept::Notification;
use crate::sys::process::leads_its_process;
use crate::sys::seccomp::Answer;
use crate::sys::socket::{be_interruptible, interrupt};
use crate::vital;

/// How often tracees are looked at.
const EVERY: Duration = Duration::from_millis(10);

/// `ERESTARTSYS`, include/linux/errno.h: the kernel makes EINTR of it, or calls again, as the signal's
/// handler was installed (`SA_RESTART`).
const RESTART: i32 = 512;

/// The slow calls under way.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    waiting: Mutex<Vec<(Pid, Notification)>>,
    some: Condvar,
    watched: AtomicBool,
}

impl Waits {
    /// Does `call` for a tracee. It fails with EINTR at most [`EVERY`] after the tracee is gone or has a
    /// pending signal; [`interruption`] says which.
    ///
    /// # Errors
    /// As `call`, or why the watching thread could not be started.
    pub(crate) fn interruptible<T>(
        self: &Arc<Self>,
        tracee: &Notification,
        call: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        self.watch()?;
        let own = gettid();
        let lock = || self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        lock().push((own, tracee.clone()));
        self.some.notify_one();
        let result = call();
        // The signal is sent under this lock, so none can arrive later.
        lock().retain(|(thread, _)| *thread != own);
        result
    }

    fn watch(self: &Arc<Self>) -> io::Result<()> {
        if self.watched.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let waits = Arc::clone(self);
        let started =
            be_interruptible().and_then(|()| vital::spawn("interrupt", move || waits.interrupt()));
        if started.is_err() {
            // The next call tries again.
            self.watched.store(false, Ordering::Relaxed);
        }
        started
    }

    fn interrupt(&self) {
        loop {
            std::thread::sleep(EVERY);
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            while waiting.is_empty() {
                waiting = self.some.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            for (thread, tracee) in &*waiting {
                if interruption(tracee).is_some() {
                    interrupt(*thread);
                }
            }
        }
    }
}

/// Why a call for this tracee should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The tracee is gone.
    Gone,
    /// The tracee has a pending signal.
    Signal,
}

impl Interruption {
    /// The answer to the tracee's call.
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Gone => Answer::Errno(libc::EINTR),
            Self::Signal => Answer::Errno(RESTART),
        }
    }
}

/// Whether a call for this tracee should end.
pub(crate) fn interruption(tracee: &Notification) -> Option<Interruption> {
    let status =
        procfs::process::Process::new(tracee.tid.as_raw_nonzero().get()).and_then(|p| p.status());
    if !tracee.is_valid() {
        return Some(Interruption::Gone);
    }
    let status = status.ok()?;
    // The kernel delivers a process-wide signal to the first thread, if that does not block it. Another
    // thread would return RESTART with no signal to handle, and its program would see the raw errno.
    let shared = if leads_its_process(tracee.tid) { status.shdpnd } else { 0 };
    let pending = (status.sigpnd | shared) & !status.sigblk & !status.sigign;
    (pending != 0).then_some(Interruption::Signal)
}
