//! Proof B for an exec that runs as it was judged: at the exec stop the new image is compared with what
//! was judged, and let go.
//!
//! Input: a tracee that was seized while held, and what was judged. Output: what came of the exec. An
//! image that differs has been killed before its first instruction.

use rustix::process::Pid;

use super::stop::StopError;
use crate::decode::Strings;
use crate::sys::memory::{Remote, read};
use crate::sys::ptrace::{Stop, Tracee};

/// What came of an exec that was to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The new image is what was judged, and runs as it is.
    Kept,
    /// The exec failed by itself and the old program goes on, with the errno it got.
    Failed,
    /// The process ended first, with this wait status if it is known.
    Gone(Option<i32>),
}

/// Bytes of a word of the initial stack.
const WORD: usize = 8;

/// Waits for the exec of a tracee that was seized while held, and compares the new image: its
/// arguments with `argv`, its environment with `env` where the verdict looked at it, and its file
/// with what `runs` says.
///
/// # Errors
/// [`StopError`]; the process was killed.
pub(crate) fn keep(
    mut tracee: Tracee,
    argv: &Strings,
    env: Option<&Strings>,
    runs: impl Fn(Pid) -> bool,
) -> Result<Outcome, StopError> {
    match tracee.wait()? {
        Stop::Gone(status) => return Ok(Outcome::Gone(status)),
        Stop::Elsewhere(signal) => {
            tracee.detach(signal)?;
            return Ok(Outcome::Failed);
        }
        Stop::Trap => {
            tracee.detach(libc::SIGTRAP)?;
            return Ok(Outcome::Failed);
        }
        Stop::Exec => {}
    }
    if !runs(tracee.tid()) {
        return Err(StopError::OtherFile);
    }
    compare(&tracee, argv, env)?;
    tracee.detach(0)?;
    Ok(Outcome::Kept)
}

/// Compares arguments, and variables if asked for, with what the kernel put on the new stack: argc,
/// argv and envp, System V psABI section 3.4.1.
fn compare(tracee: &Tracee, argv: &Strings, env: Option<&Strings>) -> Result<(), StopError> {
    let at = tracee.registers()?.stack();
    let lists: Vec<&Strings> = std::iter::once(argv).chain(env).collect();
    // argc, then each list's pointers and the NULL behind them.
    let words: usize = 1 + lists.iter().map(|list| list.len() + 1).sum::<usize>();
    let mut stack = vec![0; WORD * words];
    read_whole(tracee.tid(), at, &mut stack)?;
    let mut words = stack
        .chunks_exact(WORD)
        .map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
    if words.next() != Some(argv.len() as u64) {
        return Err(StopError::Mismatch);
    }
    for list in lists {
        let first = words.clone().next().unwrap_or_default();
        // The kernel copies the strings in order, one behind the other.
        let mut expected = first;
        for string in list.iter() {
            if words.next() != Some(expected) {
                return Err(StopError::Mismatch);
            }
            expected = expected.wrapping_add(string.len() as u64 + 1);
        }
        if words.next() != Some(0) {
            return Err(StopError::Mismatch);
        }
        let mut area = vec![0; list.area().len()];
        read_whole(tracee.tid(), first, &mut area)?;
        if area != list.area() {
            return Err(StopError::Mismatch);
        }
    }
    Ok(())
}

/// Reads all of `buffer` or nothing: what cannot be read cannot be compared.
fn read_whole(tid: Pid, at: u64, buffer: &mut [u8]) -> Result<(), StopError> {
    if buffer.is_empty() {
        return Ok(());
    }
    let len = buffer.len();
    if read(tid, &[Remote { at, len }], buffer)? == len { Ok(()) } else { Err(StopError::Mismatch) }
}
