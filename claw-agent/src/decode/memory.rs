//! Copies a path and string lists out of a held tracee, once, with the errors that the kernel's own
//! execve(2) would give.
//!
//! Input: addresses from the notification. Output: owned bytes. The tracee may change its memory at any time.
//! Only this copy counts, and the proof compares it with what runs.

use std::io;

use rustix::io::Errno;
use rustix::process::Pid;

use super::strings::Strings;
use crate::sys::memory::{MAX_REMOTES, Remote, read};

/// `PATH_MAX`, include/uapi/linux/limits.h, its NUL included.
const MAX_PATH: usize = 4096;
/// `MAX_ARG_STRLEN`, include/uapi/linux/binfmts.h: 32 pages, its NUL included.
const MAX_STRING: usize = 32 * PAGE as usize;
/// The most bytes that arguments, environment and their pointers may take: three quarters of `_STK_LIM`,
/// `bprm_stack_limits` in fs/exec.c. A tracee's own limit may be lower; the kernel then answers.
pub(crate) const MAX_AREA: usize = 6 << 20;
/// No stretch ends past the page its last string begins in, so that an unmapped neighbour spoils nothing.
const PAGE: u64 = 4096;
/// How many bytes of each string are read first; most arguments are shorter.
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

/// Reads two NULL-terminated arrays of strings, an argument list and an environment. A NULL array is
/// an empty one, as in execve(2).
///
/// # Errors
/// EFAULT, E2BIG, or ESRCH if the tracee is gone.
pub(crate) fn lists(tid: Pid, arrays: [u64; 2]) -> Result<[Strings; 2], Errno> {
    if let Some(lists) = lists_at_once(tid, arrays)? {
        return Ok(lists);
    }
    let [argv, envp] = arrays;
    Ok([strings(tid, argv)?, strings(tid, envp)?])
}

/// The ordinary case, in two calls: both arrays end on the page they begin on. `None` if they do not, or if
/// something cannot be read; then [`strings`] finds the right errno.
fn lists_at_once(tid: Pid, arrays: [u64; 2]) -> Result<Option<[Strings; 2]>, Errno> {
    let remotes = arrays.map(|at| Remote { at, len: whole_words(at) });
    let mut words = [0u8; 2 * PAGE as usize];
    let wanted = remotes[0].len + remotes[1].len;
    if arrays.contains(&0) || read(tid, &remotes, &mut words[..wanted]).ok() != Some(wanted) {
        return Ok(None);
    }
    let (argv, envp) = words[..wanted].split_at(remotes[0].len);
    let (Some(argv), Some(envp)) = (up_to_null(argv), up_to_null(envp)) else { return Ok(None) };
    let fetched = Fetched::read(tid, &[&argv[..], &envp].concat())?;
    let mut lists = [Strings::default(), Strings::default()];
    for (list, pointers) in lists.iter_mut().zip([argv, envp]) {
        fetched.append(tid, &pointers, list)?;
    }
    Ok(Some(lists))
}

/// Bytes of the words from `at` that end on its page, one word at least.
fn whole_words(at: u64) -> usize {
    let len = to_page_end(at).clamp(8, PAGE) as usize;
    len - len % 8
}

/// The pointers before the NULL; `None` if there is no NULL.
fn up_to_null(words: &[u8]) -> Option<Vec<u64>> {
    let mut pointers = pointers(words);
    let end = pointers.iter().position(|pointer| *pointer == 0)?;
    pointers.truncate(end);
    Some(pointers)
}

fn pointers(words: &[u8]) -> Vec<u64> {
    let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().unwrap_or_default());
    words.chunks_exact(8).map(word).collect()
}

/// Reads an array of any length.
fn strings(tid: Pid, array: u64) -> Result<Strings, Errno> {
    let mut list = Strings::default();
    if array == 0 {
        return Ok(list);
    }
    let mut at = array;
    let mut words = [0u8; PAGE as usize];
    loop {
        let wanted = whole_words(at);
        let got = fault(read(tid, &[Remote { at, len: wanted }], &mut words[..wanted]))?;
        let pointers = pointers(&words[..got - got % 8]);
        let end = pointers.iter().position(|pointer| *pointer == 0);
        let batch = &pointers[..end.unwrap_or(pointers.len())];
        Fetched::read(tid, batch)?.append(tid, batch, &mut list)?;
        if end.is_some() {
            return Ok(list);
        }
        if pointers.is_empty() {
            return Err(Errno::FAULT);
        }
        at = at.wrapping_add(8 * pointers.len() as u64);
    }
}

/// The beginnings of many strings. They are usually close together, so a few stretches cover most of them.
/// The rest of a long string is read by itself.
struct Fetched {
    stretches: Vec<Remote>,
    buffer: Vec<u8>,
    /// How many bytes of the buffer were filled.
    got: usize,
}

impl Fetched {
    /// Reads the [`stretches`]. Unreadable ones are missing.
    fn read(tid: Pid, pointers: &[u64]) -> Result<Self, Errno> {
        let stretches = stretches(pointers);
        let mut buffer = vec![0u8; stretches.iter().map(|stretch| stretch.len).sum()];
        let mut got = 0;
        for group in stretches.chunks(MAX_REMOTES) {
            let len: usize = group.iter().map(|stretch| stretch.len).sum();
            match read(tid, group, &mut buffer[got..got + len]) {
                Ok(copied) => {
                    got += copied;
                    if copied < len {
                        break;
                    }
                }
                Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => {
                    return Err(Errno::SRCH);
                }
                Err(_) => break,
            }
        }
        Ok(Self { stretches, buffer, got })
    }

    /// Appends the strings at `pointers`, which are among those that were read.
    fn append(&self, tid: Pid, pointers: &[u64], list: &mut Strings) -> Result<(), Errno> {
        for pointer in pointers {
            let piece = self.piece(*pointer);
            match piece.iter().position(|byte| *byte == 0) {
                Some(end) => list.extend(&piece[..end]),
                // Read this string from its beginning: it is long, or was not read with the others.
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

    /// The bytes that were read from `pointer` to the end of its stretch.
    fn piece(&self, pointer: u64) -> &[u8] {
        let mut before = 0;
        for stretch in &self.stretches {
            if (stretch.at..stretch.at + stretch.len as u64).contains(&pointer) {
                let start = before + (pointer - stretch.at) as usize;
                let stop = (before + stretch.len).min(self.got);
                return self.buffer.get(start..stop).unwrap_or_default();
            }
            before += stretch.len;
        }
        &[]
    }
}

/// The stretches that cover the beginnings of these strings, in rising order.
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

/// Maps a failed read to the errno that execve(2) gives for an unreadable address.
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
        let at = array.as_ptr() as u64;
        for arrays in [[at, at], [at, 0], [0, at], [0, 0]] {
            let lists = lists(me(), arrays).expect("readable");
            for (read, array) in lists.iter().zip(arrays) {
                assert_eq!(read.len(), if array == 0 { 0 } else { list.len() });
            }
        }
    }

    #[test]
    fn ordinary_lists_come_over_at_once() {
        let list = |words: &[&str]| -> Vec<Vec<u8>> {
            words.iter().map(|word| [word.as_bytes(), &[0]].concat()).collect()
        };
        let (argv, env) = (list(&["psql", "", "-c"]), list(&["A=1", "B=2"]));
        let array = |list: &[Vec<u8>]| -> Vec<u64> {
            list.iter().map(|word| word.as_ptr() as u64).chain([0]).collect()
        };
        // Each array is on one page, as an ordinary caller's is.
        let (argv_array, env_array) = (array(&argv), array(&env));
        let arrays = [argv_array.as_ptr() as u64, env_array.as_ptr() as u64];
        if let Some([argv, env]) = lists_at_once(me(), arrays).expect("readable") {
            assert_eq!(argv.area(), b"psql\0\0-c\0");
            assert_eq!(env.area(), b"A=1\0B=2\0");
        } else {
            // The allocator put one of them across a page's end; the slower path reads the same.
            let [argv, env] = lists(me(), arrays).expect("readable");
            assert_eq!((argv.len(), env.len()), (3, 2));
        }
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
