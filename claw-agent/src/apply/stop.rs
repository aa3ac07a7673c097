//! Proof B, and every change to a program: at the exec stop the new image is in place, alone in its
//! own memory, and has not run. There it gets other arguments and another environment, or a message
//! and an end.
//!
//! Nothing is ever written into the memory that the caller of exec shares with others.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::process::Pid;
use thiserror::Error;

use crate::decode::Strings;
use crate::sys::arch::exit_with_message;
use crate::sys::ptrace::{Stop, Tracee};

/// What becomes of the new image.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// It runs with these arguments and this environment.
    Run {
        /// The whole argument list.
        argv: Strings,
        /// The whole environment.
        env: Strings,
    },
    /// It writes this to standard error and exits with this status instead.
    Exit {
        /// The message.
        message: Vec<u8>,
        /// The exit status.
        status: u8,
    },
}

/// What came of an exec that was to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The new image runs changed.
    Changed,
    /// The new image is what was judged, and runs as it is.
    Kept,
    /// The exec failed by itself and the old program goes on, with the errno it got.
    Failed,
    /// The process ended first, with this wait status if it is known: the kernel proof, or somebody's
    /// SIGKILL.
    Gone(Option<i32>),
}

/// Why a stopped image could not be changed. It has been killed.
#[derive(Debug, Error)]
pub(crate) enum StopError {
    /// A request to the kernel failed.
    #[error("the exec stop failed: {0}")]
    Kernel(#[from] io::Error),
    /// The new image does not begin with what was judged.
    #[error("the new image has other arguments than were judged")]
    Mismatch,
    /// The file that runs is not the one that was judged.
    #[error("another file runs than was judged")]
    OtherFile,
    /// The initial stack is not what the psABI says.
    #[error("the initial stack of the new image is malformed")]
    Malformed,
}

/// The most that an initial stack is read.
const MAX_STACK: usize = 8 << 20;

/// Waits for the exec of a tracee that was seized while held, and changes the new image. `judged` and
/// `env` are what must be there before, and `runs` says whether the file is the one that was judged.
///
/// # Errors
/// [`StopError`]; the process was killed.
pub(crate) fn change(
    mut tracee: Tracee,
    judged: &Strings,
    env: &Strings,
    change: &Change,
    runs: impl Fn(Pid) -> bool,
) -> Result<Outcome, StopError> {
    match tracee.wait()? {
        Stop::Gone(status) => return Ok(Outcome::Gone(status)),
        Stop::Elsewhere(signal) => {
            tracee.detach(signal)?;
            return Ok(Outcome::Failed);
        }
        Stop::Exec => {}
    }
    if !runs(tracee.tid()) {
        return Err(StopError::OtherFile);
    }
    let registers = tracee.registers()?;
    let memory = File::options()
        .read(true)
        .write(true)
        .open(format!("/proc/{}/mem", tracee.tid().as_raw_nonzero()))?;
    let stack = InitialStack::read(&memory, registers.stack(), judged, env)?;
    let registers = match change {
        Change::Run { argv, env } => {
            let (bottom, bytes) = stack.rebuilt(registers.stack(), argv, env);
            memory.write_all_at(&bytes, bottom)?;
            registers.with_stack(bottom)
        }
        Change::Exit { message, status } => {
            let at = (registers.stack() - message.len() as u64) & !0xf;
            memory.write_all_at(message, at)?;
            // The page of the entry point is mapped from its beginning, wherever the entry is in it.
            let page = registers.instruction() & !0xfff;
            let len = u32::try_from(message.len()).map_err(|_| StopError::Malformed)?;
            tracee.poke(page, &exit_with_message(at, len, u32::from(*status)))?;
            registers.with_instruction(page)
        }
    };
    tracee.set_registers(registers)?;
    tracee.detach(0)?;
    Ok(Outcome::Changed)
}

/// What the kernel put on the new stack: argc, argv, envp and the auxiliary vector, System V psABI
/// section 3.4.1.
struct InitialStack {
    auxiliary: Vec<u64>,
}

impl InitialStack {
    /// Reads it and compares arguments and environment with what was judged.
    fn read(memory: &File, at: u64, argv: &Strings, env: &Strings) -> Result<Self, StopError> {
        let pointers = 1 + argv.len() + 1 + env.len() + 1;
        let mut words = Words { memory, at, read: 0 };
        if words.next()? != argv.len() as u64 {
            return Err(StopError::Mismatch);
        }
        let arguments = words.list(argv.len())?;
        let variables = words.list(env.len())?;
        debug_assert_eq!(words.read, pointers);
        let mut auxiliary = Vec::with_capacity(48);
        loop {
            let (key, value) = (words.next()?, words.next()?);
            auxiliary.extend([key, value]);
            if key == 0 {
                break;
            }
            if auxiliary.len() > 256 {
                return Err(StopError::Malformed);
            }
        }
        for (list, pointers) in [(argv, arguments), (env, variables)] {
            // The kernel copies the strings in order, one behind the other.
            let Some(first) = pointers.first() else { continue };
            if list.area().len() > MAX_STACK {
                return Err(StopError::Malformed);
            }
            let mut area = vec![0; list.area().len()];
            memory.read_exact_at(&mut area, *first)?;
            let mut expected = *first;
            for (string, pointer) in list.iter().zip(&pointers) {
                if *pointer != expected {
                    return Err(StopError::Mismatch);
                }
                expected += string.len() as u64 + 1;
            }
            if area != list.area() {
                return Err(StopError::Mismatch);
            }
        }
        Ok(Self { auxiliary })
    }

    /// A new initial stack below `top`: its address, 16-byte aligned, and its bytes.
    fn rebuilt(&self, top: u64, argv: &Strings, env: &Strings) -> (u64, Vec<u8>) {
        let strings = (argv.area().len() + env.area().len()) as u64;
        let words = 1 + argv.len() + 1 + env.len() + 1 + self.auxiliary.len();
        let strings_at = (top - strings) & !0xf;
        let bottom = (strings_at - 8 * words as u64) & !0xf;

        let mut bytes = Vec::with_capacity((top - bottom) as usize);
        let mut word = |word: u64| bytes.extend(word.to_ne_bytes());
        let mut at = strings_at;
        word(argv.len() as u64);
        for list in [argv, env] {
            for string in list.iter() {
                word(at);
                at += string.len() as u64 + 1;
            }
            word(0);
        }
        self.auxiliary.iter().for_each(|value| word(*value));
        bytes.resize((strings_at - bottom) as usize, 0);
        bytes.extend_from_slice(argv.area());
        bytes.extend_from_slice(env.area());
        (bottom, bytes)
    }
}

/// Reads words one by one, a page at a time would save little: initial stacks are short.
struct Words<'a> {
    memory: &'a File,
    at: u64,
    read: usize,
}

impl Words<'_> {
    fn next(&mut self) -> Result<u64, StopError> {
        let mut bytes = [0; 8];
        self.memory.read_exact_at(&mut bytes, self.at + 8 * self.read as u64)?;
        self.read += 1;
        Ok(u64::from_ne_bytes(bytes))
    }

    /// `count` pointers and the NULL behind them.
    fn list(&mut self, count: usize) -> Result<Vec<u64>, StopError> {
        let mut bytes = vec![0; 8 * (count + 1)];
        self.memory.read_exact_at(&mut bytes, self.at + 8 * self.read as u64)?;
        self.read += count + 1;
        let mut pointers: Vec<u64> = bytes
            .chunks_exact(8)
            .map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()))
            .collect();
        match pointers.pop() {
            Some(0) if !pointers.contains(&0) => Ok(pointers),
            _ => Err(StopError::Mismatch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuilt_stack_is_well_formed() {
        let argv: Strings = [&b"psql"[..], b"-c", b"SELECT 1"].into_iter().collect();
        let env: Strings = [&b"A=1"[..]].into_iter().collect();
        let stack = InitialStack { auxiliary: vec![6, 4096, 0, 0] };
        for top in (0x7fff_0000..0x7fff_0100).step_by(8) {
            let (bottom, bytes) = stack.rebuilt(top, &argv, &env);
            assert_eq!(bottom % 16, 0);
            assert!(bottom + bytes.len() as u64 <= top);
            let word =
                |at: usize| u64::from_ne_bytes(bytes[8 * at..8 * at + 8].try_into().expect("8"));
            let string = |address: u64| {
                let rest = &bytes[(address - bottom) as usize..];
                rest.split(|byte| *byte == 0).next().expect("a NUL").to_vec()
            };
            assert_eq!(word(0), 3);
            let read: Vec<_> = (1..4).map(|at| string(word(at))).collect();
            assert_eq!(read, [&b"psql"[..], b"-c", b"SELECT 1"]);
            assert_eq!((word(4), string(word(5)), word(6)), (0, b"A=1".to_vec(), 0));
            assert_eq!((word(7), word(8), word(9), word(10)), (6, 4096, 0, 0));
        }
    }
}
