//! Calls on another's behalf that take their time: they end when the tracee is gone, and when a signal
//! would have interrupted the tracee's own call.
//!
//! A held tracee sleeps through every signal but a fatal one. One thread looks at those for whom
//! somebody waits and interrupts the waiting.

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

/// The calls under way that may take their time.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    waiting: Mutex<Vec<(Pid, Notification)>>,
    some: Condvar,
    watched: AtomicBool,
}

impl Waits {
    /// Does `call` for a tracee. It fails with EINTR at the latest [`EVERY`] after the tracee is gone or
    /// has a signal to see to; [`interruption`] says which.
    ///
    /// # Errors
    /// As `call`, or why nobody can be made to watch.
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
        // Under the same lock as the signal is sent: none comes later.
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
    /// There is nobody to answer.
    Gone,
    /// It has a signal to see to.
    Signal,
}

impl Interruption {
    /// What its call returns.
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
    // One that was sent to the process goes to its first thread, if that takes it: another thread that
    // returned RESTART without a signal of its own would show it to its program.
    let shared = if leads_its_process(tracee.tid) { status.shdpnd } else { 0 };
    let pending = (status.sigpnd | shared) & !status.sigblk & !status.sigign;
    (pending != 0).then_some(Interruption::Signal)
}
