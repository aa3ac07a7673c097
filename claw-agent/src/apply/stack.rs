//! The initial stack of a new image, System V psABI section 3.4.1: read and compared with what was
//! judged, and built anew with other strings.

use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::process::Pid;

use super::error::StopError;
use crate::decode::Strings;

/// The most bytes of an initial stack that are read.
const MAX_STACK: usize = 8 << 20;

/// The contents of the new stack: argc, argv, envp and the auxiliary vector.
pub(super) struct InitialStack {
    auxiliary: Vec<u64>,
}

impl InitialStack {
    /// Reads it and compares arguments and environment with what was judged.
    pub(super) fn read(
        memory: &File,
        at: u64,
        argv: &Strings,
        env: &Strings,
    ) -> Result<Self, StopError> {
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

    /// Compares the auxiliary vector with the kernel's own copy, and the string in it that chooses libraries with the
    /// processor's name. (`AT_EXECFN` chooses nothing.)
    pub(super) fn compare_auxiliary(&self, tid: Pid, memory: &File) -> Result<(), StopError> {
        let own = std::fs::read(format!("/proc/{}/auxv", tid.as_raw_nonzero()))?;
        let words =
            own.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
        if !words.take(self.auxiliary.len()).eq(self.auxiliary.iter().copied()) {
            return Err(StopError::Mismatch);
        }
        let platform = self.auxiliary.chunks_exact(2).find(|pair| pair[0] == libc::AT_PLATFORM);
        if let Some(&[_, at]) = platform {
            let name = rustix::system::uname();
            let expected = name.machine().to_bytes_with_nul();
            let mut found = vec![0; expected.len()];
            memory.read_exact_at(&mut found, at)?;
            if found != expected {
                return Err(StopError::Written(at));
            }
        }
        Ok(())
    }

    /// A new initial stack below `top`: its address, 16-byte aligned, and its bytes.
    pub(super) fn rebuilt(&self, top: u64, argv: &Strings, env: &Strings) -> (u64, Vec<u8>) {
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

/// Reads words one by one. Initial stacks are short, so reading whole pages would save little.
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
