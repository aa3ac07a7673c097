//! Proof B, and every change to a program. At the exec stop the new image is in place, alone in its own
//! memory and with descriptors of its own, and has not run an instruction. There claw hands it content, gives
//! it other arguments and another environment, or makes it print a message and exit.
//!
//! Nothing is ever written into the memory that the caller of exec shares with others.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{Mode, OFlags, SealFlags, fchmod, fcntl_add_seals};
use rustix::process::Pid;

use super::error::StopError;
use super::stack::InitialStack;
use super::untouched;
use crate::decode::Strings;
use crate::sys::arch::{CALL, Registers, exit_with_message};
use crate::sys::ptrace::{Stop, Tracee};

/// What to do with the new image.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// It runs as it is.
    Keep,
    /// It runs with these arguments and this environment.
    Run {
        /// The whole argument list.
        argv: Strings,
        /// The whole environment.
        env: Strings,
        /// The descriptor that becomes its standard input.
        stdin: Option<u32>,
    },
    /// It writes this to standard error and exits with this status instead.
    Exit {
        /// The message.
        message: Vec<u8>,
        /// The exit status.
        status: u8,
    },
}

/// The mask that holds back all signals until the image is let go.
const ALL_SIGNALS: u64 = !0;
/// The lowest descriptor number for handed-over content, above those that callers pass on purpose.
const FIRST_GIVEN: u64 = 64;

/// A new image at its exec stop, compared with what was judged. Dropping it kills the process.
pub(crate) struct Stopped {
    tracee: Tracee,
    memory: File,
    registers: Registers,
    stack: InitialStack,
    /// Whether the exec call itself has returned. Before that, the kernel would still write its result into a
    /// register.
    is_behind_exec: bool,
    /// The state from before the first injected system call, if there was one.
    before: Option<Before>,
}

/// The state that injected system calls change.
struct Before {
    /// The word of code that the calls are made from.
    code: Vec<u64>,
    signal_mask: u64,
    floating_point: Vec<u8>,
}

impl Stopped {
    /// Compares a tracee at its exec stop with the arguments and the environment that were judged.
    ///
    /// # Errors
    /// [`StopError`]; the process was killed.
    pub(crate) fn of(tracee: Tracee, argv: &Strings, env: &Strings) -> Result<Self, StopError> {
        let registers = tracee.registers()?;
        let memory = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{}/mem", tracee.tid().as_raw_nonzero()))?;
        let stack = InitialStack::read(&memory, registers.stack(), argv, env)?;
        Ok(Self { tracee, memory, registers, stack, is_behind_exec: false, before: None })
    }

    /// The process.
    pub(crate) fn tid(&self) -> Pid {
        self.tracee.tid()
    }

    /// Opens an empty memory file in the tracee, and returns its descriptor there.
    ///
    /// # Errors
    /// As memfd_create(2) in the tracee.
    pub(crate) fn reserve(&mut self) -> Result<u32, StopError> {
        // The bytes behind a small argument count are an empty string, which is a name.
        let name = self.registers.stack() + 4;
        let made =
            self.call(libc::SYS_memfd_create, [name, libc::MFD_ALLOW_SEALING.into(), 0, 0])?;
        let moved = self.call(libc::SYS_fcntl, [made, libc::F_DUPFD as u64, FIRST_GIVEN, 0]);
        let number = match moved {
            Ok(number) => {
                self.call(libc::SYS_close, [made, 0, 0, 0])?;
                number
            }
            // If the descriptor limit is too low for that number, keep the one it has.
            Err(StopError::Kernel(_)) => made,
            Err(error) => return Err(error),
        };
        u32::try_from(number).map_err(|_| StopError::Malformed)
    }

    /// Fills a file that [`Stopped::reserve`] opened, and seals it.
    ///
    /// # Errors
    /// ENOSPC, EPERM if it is sealed already.
    pub(crate) fn fill(&self, descriptor: u32, content: &[u8]) -> Result<(), StopError> {
        let path = format!("/proc/{}/fd/{descriptor}", self.tid().as_raw_nonzero());
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        file.write_all_at(content, 0)?;
        fchmod(&file, Mode::from_raw_mode(0o444))?;
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        Ok(fcntl_add_seals(file.as_fd(), seals)?)
    }

    /// Closes the image's memory and its directory in procfs to other processes of its user
    /// (`PR_SET_DUMPABLE` 0).
    ///
    /// # Errors
    /// As prctl(2) in the tracee.
    pub(crate) fn seal(&mut self) -> Result<(), StopError> {
        self.call(libc::SYS_prctl, [libc::PR_SET_DUMPABLE as u64, 0, 0, 0])?;
        self.restore()
    }

    /// Makes sure that no other process tampered with the memory before it was sealed. `nobody_else` confirms
    /// that no one holds the memory except the given number of this process's descriptors, and the memory is
    /// what the kernel built from the files, `argv` and `env`.
    ///
    /// # Errors
    /// [`StopError`]; the process was killed.
    pub(crate) fn prove_untouched(
        &mut self,
        argv: &Strings,
        env: &Strings,
        nobody_else: impl FnOnce(Pid, u64) -> io::Result<bool>,
    ) -> Result<(), StopError> {
        // The one descriptor of ours is `self.memory`.
        if !nobody_else(self.tid(), 1)? {
            return Err(StopError::Shared);
        }
        self.stack = InitialStack::read(&self.memory, self.registers.stack(), argv, env)?;
        self.stack.compare_auxiliary(self.tid(), &self.memory)?;
        untouched::check(self.tid(), &self.memory)
    }

    /// Changes the image. This may wait, because it closes the old standard input.
    ///
    /// # Errors
    /// [`StopError`]; drop this then, which kills the process.
    pub(crate) fn change(&mut self, change: &Change) -> Result<(), StopError> {
        if let Change::Run { stdin: Some(number), .. } = change {
            self.call(libc::SYS_dup3, [u64::from(*number), 0, 0, 0])?;
            self.call(libc::SYS_close, [u64::from(*number), 0, 0, 0])?;
        }
        self.restore()?;
        let top = self.registers.stack();
        self.registers = match change {
            Change::Keep => self.registers,
            Change::Run { argv, env, .. } => {
                let (bottom, bytes) = self.stack.rebuilt(top, argv, env);
                self.memory.write_all_at(&bytes, bottom)?;
                self.registers.with_stack(bottom)
            }
            Change::Exit { message, status } => {
                let at = (top - message.len() as u64) & !0xf;
                self.memory.write_all_at(message, at)?;
                let len = u32::try_from(message.len()).map_err(|_| StopError::Malformed)?;
                let page = self.page();
                self.tracee.poke(page, &exit_with_message(at, len, u32::from(*status)))?;
                self.registers.with_instruction(page)
            }
        };
        Ok(())
    }

    /// Lets the image run.
    ///
    /// # Errors
    /// ESRCH if it was killed meanwhile.
    pub(crate) fn let_go(self) -> Result<(), StopError> {
        self.tracee.set_registers(self.registers)?;
        Ok(self.tracee.detach(0)?)
    }

    /// Where injected code goes: the start of the entry point's page, which is mapped wherever in it the
    /// entry is.
    fn page(&self) -> u64 {
        self.registers.instruction() & !0xfff
    }

    /// Makes one system call in the tracee, with the tracee's own rights and filters. A process that can
    /// still change the memory could replace the code, so any other call than this one kills the tracee.
    fn call(&mut self, number: libc::c_long, arguments: [u64; 4]) -> Result<u64, StopError> {
        let number = u32::try_from(number).map_err(|_| StopError::Malformed)?;
        self.prepare()?;
        let page = self.page();
        self.tracee
            .set_registers(self.registers.with_instruction(page).with_call(number, arguments))?;
        self.run_to_call()?;
        if !self.tracee.registers()?.makes_call(number, arguments) {
            return Err(StopError::Hijacked);
        }
        self.run_to_call()?;
        let result = self.tracee.registers()?.result();
        u64::try_from(result).map_err(|_| {
            let errno = i32::try_from(-result).unwrap_or(libc::EINVAL);
            StopError::Kernel(io::Error::from_raw_os_error(errno))
        })
    }

    /// Saves the state, and writes the system-call instruction into the image.
    fn prepare(&mut self) -> Result<(), StopError> {
        if !self.is_behind_exec {
            self.run_to_call()?;
            self.registers = self.tracee.registers()?;
            self.is_behind_exec = true;
        }
        if self.before.is_none() {
            self.before = Some(Before {
                code: self.tracee.peek(self.page(), 1)?,
                signal_mask: self.tracee.signal_mask()?,
                floating_point: self.tracee.floating_point()?,
            });
            self.tracee.set_signal_mask(ALL_SIGNALS)?;
            self.tracee.poke(self.page(), &[CALL])?;
        }
        Ok(())
    }

    fn run_to_call(&mut self) -> Result<(), StopError> {
        match self.tracee.run_to_call()? {
            Stop::Call => Ok(()),
            Stop::Gone(status) => Err(StopError::Gone(status)),
            Stop::Trap | Stop::Exec | Stop::Elsewhere(_) => Err(StopError::Hijacked),
        }
    }

    /// Restores the state that injected calls changed.
    fn restore(&mut self) -> Result<(), StopError> {
        if let Some(mut before) = self.before.take() {
            self.tracee.poke(self.page(), &before.code)?;
            self.tracee.set_signal_mask(before.signal_mask)?;
            self.tracee.set_floating_point(&mut before.floating_point)?;
        }
        Ok(())
    }
}
