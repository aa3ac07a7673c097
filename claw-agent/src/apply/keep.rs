//! Proof B for an exec that runs as it was judged: at the exec stop the new image is compared with what
//! was judged.
//!
//! Input: a tracee at its exec stop, and what was judged. Output: whether it is that.

use rustix::process::Pid;

use super::error::StopError;
use crate::decode::Strings;
use crate::sys::memory::{Remote, read};
use crate::sys::ptrace::Tracee;

/// Bytes of a word of the initial stack.
const WORD: usize = 8;

/// Compares arguments, and variables if asked for, with what the kernel put on the new stack: argc,
/// argv and envp, System V psABI section 3.4.1.
///
/// # Errors
/// [`StopError::Mismatch`] where they differ or cannot be read.
pub(crate) fn compare(
    tracee: &Tracee,
    argv: &Strings,
    env: Option<&Strings>,
) -> Result<(), StopError> {
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
