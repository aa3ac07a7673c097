//! Copies a path and string lists out of a held tracee, once, with the errors that the kernel's own
//! execve(2) would give.
//!
//! Input: addresses from the notification. Output: owned bytes. The tracee may change its memory at
//! any time; what counts is this copy, which the proof compares with what runs.

use std::io;

use rustix::io::Errno;
use rustix::process::Pid;

use super::strings::Strings;
use crate::sys::memory::{MAX_REMOTES, Remote, read};

/// `PATH_MAX`, include/uapi/linux/limits.h, its NUL included.
const MAX_PATH: usize = 4096;
/// `MAX_ARG_STRLEN`, include/uapi/linux/binfmts.h: 32 pages, its NUL included.
const MAX_STRING: usize = 32 * PAGE as usize;
/// The most that arguments, environment and their pointers take: three quarters of `_STK_LIM`,
/// `bprm_stack_limits` in fs/exec.c. A tracee's own limit may be lower; the kernel then answers.
pub(crate) const MAX_AREA: usize = 6 << 20;
/// No stretch ends past the page its last string begins in, so that an unmapped neighbour spoils nothing.
const PAGE: u64 = 4096;
/// What is first read of each string; most arguments are shorter.
const FIRST: u64 = 256;
/// Strings this close to each other are read together.
const GAP: u64 = 1024;

/// Reads a path.
///
/// # Errors
/// EFAULT, ENAMETOOLONG, or ESRCH if the tracee is gone.
pub(crate) fn path(tid: Pid, at: u64) -> Result<Vec<u8>, Errno> {
    let mut path = Vec::new();
    if string(tid, at, MAX_PATH, |piece| path.extend_from_slice(piece))? {
        Ok(path)
    } else {
        Err(Errno::NAMETOOLONG)
    }
}

/// Reads a NULL-terminated array of strings. A NULL array is an empty one, as in execve(2).
///
/// # Errors
/// EFAULT, E2BIG, or ESRCH if the tracee is gone.
pub(crate) fn strings(tid: Pid, array: u64) -> Result<Strings, Errno> {
    let mut list = Strings::default();
    if array == 0 {
        return Ok(list);
    }
    let mut at = array;
    let mut words = [0u8; PAGE as usize];
    loop {
        let len = to_page_end(at).clamp(8, PAGE) as usize;
        let wanted = len - len % 8;
        let got = fault(read(tid, &[Remote { at, len: wanted }], &mut words[..wanted]))?;
        let pointers: Vec<u64> = words[..got - got % 8]
            .chunks_exact(8)
            .map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()))
            .collect();
        let end = pointers.iter().position(|pointer| *pointer == 0);
        let batch = &pointers[..end.unwrap_or(pointers.len())];
        if !batch.is_empty() {
            read_batch(tid, batch, &mut list)?;
        }
        if end.is_some() {
            return Ok(list);
        }
        if pointers.is_empty() {
            return Err(Errno::FAULT);
        }
        at = at.wrapping_add(8 * pointers.len() as u64);
    }
}

/// Reads the strings of one page of pointers. They usually stand close together, so a few stretches
/// bring most of them over; the rest of a long one is read by itself.
fn read_batch(tid: Pid, pointers: &[u64], list: &mut Strings) -> Result<(), Errno> {
    let stretches = stretches(pointers);
    let total = stretches.iter().map(|stretch| stretch.len).sum();
    let mut buffer = vec![0u8; total];
    let mut got = 0;
    for (group, start) in stretches.chunks(MAX_REMOTES).zip(starts(&stretches).step_by(MAX_REMOTES))
    {
        let len: usize = group.iter().map(|stretch| stretch.len).sum();
        match read(tid, group, &mut buffer[start..start + len]) {
            Ok(copied) => {
                got = start + copied;
                if copied < len {
                    break;
                }
            }
            Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => {
                return Err(Errno::SRCH);
            }
            // A string that cannot be read says so below.
            Err(_) => break,
        }
    }
    for pointer in pointers {
        let mut before = 0;
        let stretch = stretches.iter().find(|stretch| {
            let inside = (stretch.at..stretch.at + stretch.len as u64).contains(pointer);
            before += if inside { 0 } else { stretch.len };
            inside
        });
        let start = stretch.map_or(got, |stretch| before + (pointer - stretch.at) as usize);
        let stop = stretch.map_or(got, |stretch| before + stretch.len).min(got);
        let piece = buffer.get(start..stop).unwrap_or_default();
        match piece.iter().position(|byte| *byte == 0) {
            Some(end) => list.extend(&piece[..end]),
            // From its beginning: it is long, or was not read with the others.
            None => {
                if !string(tid, *pointer, MAX_STRING, |piece| list.extend(piece))? {
                    return Err(Errno::TOOBIG);
                }
            }
        }
        list.finish();
        if list.area().len() + 8 * list.len() > MAX_AREA {
            return Err(Errno::TOOBIG);
        }
    }
    Ok(())
}

/// What to read so that the beginnings of these strings come over, in rising order.
fn stretches(pointers: &[u64]) -> Vec<Remote> {
    let mut sorted = pointers.to_vec();
    sorted.sort_unstable();
    let mut stretches: Vec<Remote> = Vec::with_capacity(4);
    for at in sorted {
        let end = at.saturating_add(to_page_end(at).min(FIRST));
        match stretches.last_mut() {
            Some(last) if at <= last.at + last.len as u64 + GAP => {
                last.len = last.len.max((end - last.at) as usize);
            }
            _ => stretches.push(Remote { at, len: (end - at) as usize }),
        }
    }
    stretches
}

/// Where each stretch starts in the buffer.
fn starts(stretches: &[Remote]) -> impl Iterator<Item = usize> {
    stretches.iter().scan(0, |next, stretch| {
        let start = *next;
        *next += stretch.len;
        Some(start)
    })
}

/// Hands out a string in pieces; `false` if it has no end within `max` bytes.
fn string(tid: Pid, at: u64, max: usize, mut piece: impl FnMut(&[u8])) -> Result<bool, Errno> {
    let mut buffer = [0u8; PAGE as usize];
    let mut seen = 0;
    while seen < max {
        let here = at.wrapping_add(seen as u64);
        let len = (to_page_end(here) as usize).min(max - seen);
        let got = fault(read(tid, &[Remote { at: here, len }], &mut buffer[..len]))?;
        if let Some(end) = buffer[..got].iter().position(|byte| *byte == 0) {
            piece(&buffer[..end]);
            return Ok(true);
        }
        if got < len {
            return Err(Errno::FAULT);
        }
        piece(&buffer[..got]);
        seen += got;
    }
    Ok(false)
}

/// Bytes from `at` to the end of its page, at least one.
fn to_page_end(at: u64) -> u64 {
    PAGE - at % PAGE
}

/// The errno of a failed read: what execve(2) says to an address it cannot read.
fn fault(result: io::Result<usize>) -> Result<usize, Errno> {
    result.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::SRCH) => Errno::SRCH,
        Some(Errno::PERM) => Errno::PERM,
        _ => Errno::FAULT,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Pid {
        rustix::process::getpid()
    }

    #[test]
    fn a_list_comes_over_whole() {
        let long = vec![b'x'; 100_000];
        let words: Vec<Vec<u8>> =
            (0..1000).map(|i| format!("argument {i}").into_bytes()).chain([long, vec![]]).collect();
        let owned: Vec<Vec<u8>> = words.iter().map(|w| [&w[..], &[0]].concat()).collect();
        let mut array: Vec<u64> = owned.iter().map(|w| w.as_ptr() as u64).collect();
        array.push(0);
        let list = strings(me(), array.as_ptr() as u64).expect("readable");
        assert_eq!(
            list.iter().collect::<Vec<_>>(),
            words.iter().map(|w| &w[..]).collect::<Vec<_>>()
        );
    }

    #[test]
    fn errors_are_the_kernel_s() {
        assert_eq!(path(me(), 16), Err(Errno::FAULT));
        assert_eq!(strings(me(), 16), Err(Errno::FAULT));
        assert_eq!(strings(me(), 0).map(|list| list.len()), Ok(0));
        let bad = [16u64, 0];
        assert_eq!(strings(me(), bad.as_ptr() as u64), Err(Errno::FAULT));
        let long = [&[b'x'; MAX_STRING][..], &[0]].concat();
        assert_eq!(path(me(), long.as_ptr() as u64), Err(Errno::NAMETOOLONG));
        let array = [long.as_ptr() as u64, 0];
        assert_eq!(strings(me(), array.as_ptr() as u64), Err(Errno::TOOBIG));
        let just = [long[1..].as_ptr() as u64, 0];
        assert_eq!(strings(me(), just.as_ptr() as u64).map(|list| list.len()), Ok(1));
    }
}
