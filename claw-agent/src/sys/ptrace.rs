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
    /// Whether SIGSTOP came while it was run to a system call.
    stop_later: bool,
    not_send: PhantomData<*const ()>,
}

/// Why a tracee stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A new image is in place and its first instruction has not run.
    Exec,
    /// It stopped elsewhere, with this signal to deliver or 0: the exec failed.
    Elsewhere(i32),
    /// It ran into a trap instruction.
    Trap,
    /// It is about to make a system call, or about to go on behind one.
    Call,
    /// It ended, with this wait status; nothing where another thread of this process has waited for it.
    Gone(Option<i32>),
}

/// What `PTRACE_O_TRACESYSGOOD` makes of the signal of a stop at a system call.
const CALL_STOP: libc::c_int = libc::SIGTRAP | 0x80;

/// The most that `NT_PRFPREG` takes on any processor, in bytes.
const FLOATING_POINT: usize = 1024;

/// `PTRACE_GETSIGMASK` and `PTRACE_SETSIGMASK`, include/uapi/linux/ptrace.h.
const GETSIGMASK: libc::c_uint = 0x420a;
const SETSIGMASK: libc::c_uint = 0x420b;

impl Tracee {
    /// Seizes the thread `tid`, to stop at its next exec or, if that fails, on its way out of the
    /// system call. Should this process end, the kernel kills the tracee.
    ///
    /// # Errors
    /// EPERM if somebody else traces it already, ESRCH if it is gone.
    pub(crate) fn seize(tid: Pid) -> io::Result<Self> {
        let options =
            libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        request(libc::PTRACE_SEIZE, tid, 0, options as u64)?;
        request(libc::PTRACE_INTERRUPT, tid, 0, 0)?;
        Ok(Self { tid, done: false, stop_later: false, not_send: PhantomData })
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
            (libc::SIGTRAP, 0) => Stop::Trap,
            // Said apart from a trap by `PTRACE_O_TRACESYSGOOD`.
            (CALL_STOP, 0) => Stop::Call,
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

    /// The registers of the floating-point unit, as bytes.
    ///
    /// # Errors
    /// ESRCH if it was killed meanwhile.
    pub(crate) fn floating_point(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0u8; FLOATING_POINT];
        let mut iovec =
            libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: FLOATING_POINT };
        let set = libc::NT_PRFPREG as u64;
        request(libc::PTRACE_GETREGSET, self.tid, set, (&raw mut iovec) as u64)?;
        bytes.truncate(iovec.iov_len);
        Ok(bytes)
    }

    /// Sets the registers of the floating-point unit.
    ///
    /// # Errors
    /// ESRCH if it was killed meanwhile.
    pub(crate) fn set_floating_point(&self, bytes: &mut [u8]) -> io::Result<()> {
        let mut iovec = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let set = libc::NT_PRFPREG as u64;
        request(libc::PTRACE_SETREGSET, self.tid, set, (&raw mut iovec) as u64)
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

    /// Reads whole words.
    ///
    /// # Errors
    /// EIO or EFAULT if there is no memory there.
    pub(crate) fn peek(&self, at: u64, count: usize) -> io::Result<Vec<u64>> {
        (0..count as u64)
            .map(|index| {
                let mut word = 0u64;
                // The system call, unlike libc's wrapper, stores the word where `data` says.
                // SAFETY: the kernel writes one word to the local.
                check(unsafe {
                    libc::syscall(
                        libc::SYS_ptrace,
                        libc::PTRACE_PEEKDATA,
                        self.tid.as_raw_nonzero().get(),
                        at + 8 * index,
                        &raw mut word,
                    )
                })?;
                Ok(word)
            })
            .collect()
    }

    /// Which signals it blocks.
    ///
    /// # Errors
    /// ESRCH if it was killed meanwhile.
    pub(crate) fn signal_mask(&self) -> io::Result<u64> {
        let mut mask = 0u64;
        request(GETSIGMASK, self.tid, size_of::<u64>() as u64, (&raw mut mask) as u64)?;
        Ok(mask)
    }

    /// Sets which signals it blocks.
    ///
    /// # Errors
    /// ESRCH if it was killed meanwhile.
    pub(crate) fn set_signal_mask(&self, mask: u64) -> io::Result<()> {
        request(SETSIGMASK, self.tid, size_of::<u64>() as u64, (&raw const mask) as u64)
    }

    /// Lets it run to the beginning or the end of a system call, whichever is next: it makes none unseen. A stop of the
    /// whole process waits until it is let go.
    ///
    /// # Errors
    /// As waitpid(2); ESRCH if it was killed meanwhile.
    pub(crate) fn run_to_call(&mut self) -> io::Result<Stop> {
        loop {
            request(libc::PTRACE_SYSCALL, self.tid, 0, 0)?;
            match self.wait()? {
                Stop::Elsewhere(0) => {}
                // No signal mask keeps this one out.
                Stop::Elsewhere(libc::SIGSTOP) => self.stop_later = true,
                stop => return Ok(stop),
            }
        }
    }

    /// Lets go of a tracee that was answered with an errno and is on its way back to its program.
    pub(crate) fn release(mut self) {
        match self.wait() {
            // It may have been killed meanwhile.
            Ok(Stop::Elsewhere(signal)) => drop(self.detach(signal)),
            Ok(Stop::Trap) => drop(self.detach(libc::SIGTRAP)),
            Ok(Stop::Exec | Stop::Call | Stop::Gone(_)) | Err(_) => {}
        }
    }

    /// Lets it run, delivering `signal` if it is not 0.
    ///
    /// # Errors
    /// ESRCH if it was killed meanwhile.
    pub(crate) fn detach(mut self, signal: i32) -> io::Result<()> {
        self.done = true;
        let signal = if signal == 0 && self.stop_later { libc::SIGSTOP } else { signal };
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
    // SAFETY: each request above passes numbers, or the address of a local that outlives the call: a
    // signal mask of eight bytes, or an iovec that describes a whole `Registers` or a buffer.
    check(unsafe { libc::ptrace(request, tid.as_raw_nonzero().get(), addr, data) })?;
    Ok(())
}
