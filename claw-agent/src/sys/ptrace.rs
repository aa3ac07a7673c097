//! ptrace(2), as far as the exec stop needs it.
//!
//! A [`Tracee`] belongs to the thread that seized it: the kernel takes requests from no other. It is
//! therefore neither `Send` nor `Sync`.

use std::io;
use std::marker::PhantomData;

use rustix::process::Pid;

use super::arch::Registers;
use super::check;

/// A process this thread traces. Dropping it kills the process and waits for its end, so that its
/// parent hears of it: what was to be changed and was not must not run.
pub(crate) struct Tracee {
    tid: Pid,
    done: bool,
    not_send: PhantomData<*const ()>,
}

/// Why a tracee stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A new image is in place and its first instruction has not run.
    Exec,
    /// It stopped elsewhere, with this signal to deliver or 0: the exec failed.
    Elsewhere(i32),
    /// It ended, with this wait status; nothing where another thread of this process has waited for it.
    Gone(Option<i32>),
}

impl Tracee {
    /// Seizes the thread `tid`, to stop at its next exec or, if that fails, on its way out of the
    /// system call. Should this process end, the kernel kills the tracee.
    ///
    /// # Errors
    /// EPERM if somebody else traces it already, ESRCH if it is gone.
    pub(crate) fn seize(tid: Pid) -> io::Result<Self> {
        let options = libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_EXITKILL;
        request(libc::PTRACE_SEIZE, tid, 0, options as u64)?;
        request(libc::PTRACE_INTERRUPT, tid, 0, 0)?;
        Ok(Self { tid, done: false, not_send: PhantomData })
    }

    /// Waits for the next stop. When another thread than the leader called exec, the tracee goes on
    /// under its leader's number.
    ///
    /// # Errors
    /// As waitpid(2).
    pub(crate) fn wait(&mut self) -> io::Result<Stop> {
        let mut status = 0;
        let pid = loop {
            // SAFETY: the status is written to a local. `__WNOTHREAD` keeps other threads' tracees and
            // the process's own children out of it.
            let result = check(libc::c_long::from(unsafe {
                libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD)
            }));
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // This process is its parent too, and another thread has waited for it.
                Err(error) if error.raw_os_error() == Some(libc::ECHILD) => {
                    self.done = true;
                    return Ok(Stop::Gone(None));
                }
                result => break result?,
            }
        };
        if !libc::WIFSTOPPED(status) {
            self.done = true;
            return Ok(Stop::Gone(Some(status)));
        }
        if let Some(pid) = Pid::from_raw(pid as i32) {
            self.tid = pid;
        }
        Ok(match (libc::WSTOPSIG(status), status >> 16) {
            (libc::SIGTRAP, libc::PTRACE_EVENT_EXEC) => Stop::Exec,
            (_, event) if event != 0 => Stop::Elsewhere(0),
            (signal, _) => Stop::Elsewhere(signal),
        })
    }

    /// The process as it is numbered now.
    pub(crate) fn tid(&self) -> Pid {
        self.tid
    }

    /// The registers.
    ///
    /// # Errors
    /// ESRCH if it was killed meanwhile.
    pub(crate) fn registers(&self) -> io::Result<Registers> {
        let mut registers = Registers::default();
        let mut iovec =
            libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: size_of::<Registers>() };
        request(
            libc::PTRACE_GETREGSET,
            self.tid,
            libc::NT_PRSTATUS as u64,
            (&raw mut iovec) as u64,
        )?;
        Ok(registers)
    }

    /// Sets the registers.
    ///
    /// # Errors
    /// ESRCH if it was killed meanwhile.
    pub(crate) fn set_registers(&self, mut registers: Registers) -> io::Result<()> {
        let mut iovec =
            libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: size_of::<Registers>() };
        request(libc::PTRACE_SETREGSET, self.tid, libc::NT_PRSTATUS as u64, (&raw mut iovec) as u64)
    }

    /// Writes whole words, to memory the tracee itself may not write as well.
    ///
    /// # Errors
    /// EIO or EFAULT if there is no memory there.
    pub(crate) fn poke(&self, at: u64, words: &[u64]) -> io::Result<()> {
        for (index, word) in words.iter().enumerate() {
            request(libc::PTRACE_POKEDATA, self.tid, at + 8 * index as u64, *word)?;
        }
        Ok(())
    }

    /// Lets go of a tracee that was answered with an errno and is on its way back to its program.
    pub(crate) fn release(mut self) {
        if let Ok(Stop::Elsewhere(signal)) = self.wait() {
            // It may have been killed meanwhile.
            let _ = self.detach(signal);
        }
    }

    /// Lets it run, delivering `signal` if it is not 0.
    ///
    /// # Errors
    /// ESRCH if it was killed meanwhile.
    pub(crate) fn detach(mut self, signal: i32) -> io::Result<()> {
        self.done = true;
        request(libc::PTRACE_DETACH, self.tid, 0, signal as u64)
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if !self.done {
            // It may be gone already.
            let _ = rustix::process::kill_process(self.tid, rustix::process::Signal::KILL);
            // It may still be on its way to a stop.
            while !self.done && self.wait().is_ok() {}
        }
    }
}

fn request(request: libc::c_uint, tid: Pid, addr: u64, data: u64) -> io::Result<()> {
    // SAFETY: each request above passes numbers, or the address of a local iovec that outlives the
    // call and describes a whole `Registers`.
    check(unsafe { libc::ptrace(request, tid.as_raw_nonzero().get(), addr, data) })?;
    Ok(())
}
