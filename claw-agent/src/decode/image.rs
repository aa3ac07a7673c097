//! What the kernel will build from an exec: the file that will run and the arguments it will see,
//! after the chain of `#!` interpreters.
//!
//! Source: fs/exec.c, fs/binfmt_script.c and fs/binfmt_elf.c of Linux 6.1 to 6.18. Gap: a file of
//! another format or processor is answered ENOEXEC, so what binfmt_misc would run does not run.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use claw_classify::Meant;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::Pid;

use super::identity::{Devices, Identity, Stat};
use super::path::{Base, Resolved, View};
use super::shortage::unless_short;
use super::strings::Strings;
use super::tools::Tools;
use crate::sys::arch::ELF_MACHINE;

/// `BINPRM_BUF_SIZE`: how much of a file the kernel looks at.
const HEAD: usize = 256;
/// How many interpreters the kernel follows, `exec_binprm` in fs/exec.c.
const MAX_INTERPRETERS: usize = 5;
/// How many files' kinds are remembered.
const MAX_KNOWN: usize = 4096;

/// The kind of a file, by its first bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program of this processor.
    Native,
    /// A script: its interpreter and the one argument to it.
    Script(Vec<u8>, Option<Vec<u8>>),
    /// A file that does not run here.
    Unknown,
}

/// One file in the chain from the called file to the one that runs: the script itself, or an interpreter.
#[derive(Debug)]
pub(crate) struct Program {
    /// Its path without links.
    pub(crate) path: Vec<u8>,
    /// The names it is known by.
    pub(crate) names: Vec<Vec<u8>>,
    /// Its arguments as it would see them.
    pub(crate) argv: Strings,
    /// Whether it has the name of a tool but is not trusted to be that tool.
    pub(crate) untrusted: bool,
    /// The names of the programs that run it, if it is a script.
    pub(crate) interpreters: Vec<Vec<u8>>,
}

/// The image that will run.
#[derive(Debug)]
pub(crate) struct Image {
    /// The file.
    pub(crate) identity: Identity,
    /// The chain of programs, the called one first. The arguments of the last one are the image's.
    pub(crate) programs: Vec<Program>,
}

impl Image {
    /// An image of these programs; each is run by the ones after it.
    pub(crate) fn new(identity: Identity, mut programs: Vec<Program>) -> Self {
        let mut behind: Vec<Vec<u8>> = Vec::new();
        for program in programs.iter_mut().rev() {
            program.interpreters.clone_from(&behind);
            behind.extend_from_slice(&program.names);
        }
        Self { identity, programs }
    }

    /// The arguments of the image if the program at `index` saw `argv`.
    pub(crate) fn argv_with(&self, index: usize, argv: &Strings) -> Strings {
        let Some(last) = self.programs.last() else { return argv.clone() };
        if index + 1 == self.programs.len() {
            return argv.clone();
        }
        // A script's own path stays in place, and the arguments after it follow it.
        let kept = last.argv.len() + 1 - self.programs[index].argv.len().max(1);
        last.argv.iter().take(kept).chain(argv.iter().skip(1)).collect()
    }
}

/// Remembers the kinds of files, so that an exec need not read a known file again.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    known: Mutex<HashMap<Stat, Arc<Kind>>>,
}

impl Kinds {
    /// The kind of an open file. A changed file has a changed [`Stat`]. If two changes fall into one clock
    /// tick, the proof fails, because the image's arguments differ from the judged ones.
    fn of(&self, file: &OwnedFd, stat: &Stat) -> Result<Arc<Kind>, Errno> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(stat).cloned();
        if let Some(kind) = known {
            return Ok(kind);
        }
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let readable = openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut head = [0u8; HEAD];
        let mut filled = 0;
        while filled < HEAD {
            match rustix::io::pread(&readable, &mut head[filled..], filled as u64)? {
                0 => break,
                got => filled += got,
            }
        }
        let kind = Arc::new(Kind::from_head(&head));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(*stat, Arc::clone(&kind));
        Ok(kind)
    }
}

impl Kind {
    /// Reads the first bytes of a file, zeros where it is shorter.
    pub(crate) fn from_head(head: &[u8; HEAD]) -> Self {
        if head.starts_with(b"\x7fELF") {
            let machine = u16::from_le_bytes([head[18], head[19]]);
            return if machine == ELF_MACHINE { Self::Native } else { Self::Unknown };
        }
        if !head.starts_with(b"#!") {
            return Self::Unknown;
        }
        script(&head[2..]).unwrap_or(Self::Unknown)
    }
}

/// `load_script` in fs/binfmt_script.c; `None` for its ENOEXEC.
fn script(line: &[u8]) -> Option<Kind> {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let end = |byte: &u8| space(byte) || *byte == 0;
    let newline = line.iter().position(|byte| *byte == b'\n');
    let line = match newline {
        // The line is longer than the kernel reads, so the interpreter's name must end within the part it
        // reads.
        None => {
            let start = line.iter().position(|byte| !space(byte))?;
            line[start..].iter().position(end)?;
            &line[..line.len() - 1]
        }
        Some(newline) => &line[..newline],
    };
    let start = line.iter().position(|byte| !space(byte))?;
    let stop = line.iter().rposition(|byte| !space(byte)).map_or(start, |last| last + 1);
    let line = &line[start..stop];
    let name_end = line.iter().position(end).unwrap_or(line.len());
    let name = &line[..name_end];
    if name.is_empty() {
        return None;
    }
    let rest = &line[name_end..];
    // A NUL right behind the name ends everything, `next_terminator` in the same file.
    let argument = if rest.first() == Some(&0) {
        None
    } else {
        rest.iter().position(|byte| !space(byte)).map(|start| {
            let argument = &rest[start..];
            let end = argument.iter().position(|byte| *byte == 0).unwrap_or(argument.len());
            argument[..end].to_vec()
        })
    };
    Some(Kind::Script(name.to_vec(), argument))
}

/// What the decoder knows of files.
pub(super) struct Files<'a> {
    pub(super) kinds: &'a Kinds,
    pub(super) devices: &'a Devices,
    pub(super) tools: &'a Tools,
}

/// Programs that run a file they are given as their first argument; versions may follow the name.
const INTERPRETERS: &[&[u8]] = &[
    b"bash", b"busybox", b"dash", b"ksh", b"lua", b"luajit", b"node", b"nodejs", b"perl", b"php",
    b"python", b"ruby", b"sh", b"tclsh", b"zsh",
];

/// How the names of dynamic loaders begin (glibc's and musl's); they run the program given as an argument.
const LOADERS: [&[u8]; 3] = [b"ld-linux", b"ld.so", b"ld-musl"];

impl Files<'_> {
    /// One file in the chain, with every name it is known by.
    ///
    /// # Errors
    /// A shortage.
    fn program(
        &self,
        resolved: &Resolved,
        stat: &Stat,
        kind: &Kind,
        argv: Strings,
    ) -> Result<Program, Errno> {
        let Resolved { file, path, names } = resolved;
        let mut names = names.clone();
        let disguised = match kind {
            Kind::Native => self.tools.disguised(file, stat, &names)?,
            Kind::Script(..) | Kind::Unknown => None,
        };
        let untrusted = match disguised {
            Some(tool) => {
                names.push(tool.as_bytes().to_vec());
                stat.owner != 0
            }
            None => self.tools.is_untrusted(file, stat, &names)?,
        };
        Ok(Program { path: path.clone(), names, argv, untrusted, interpreters: Vec::new() })
    }

    /// The tool that an interpreter or a dynamic loader gets as an argument, as in `python3 /usr/bin/aws`. It
    /// is judged as if it had been called itself. A file that is not a tool is not looked at here.
    ///
    /// # Errors
    /// A shortage: then it is unknown which file it was given.
    fn script(&self, tracee: Pid, interpreter: &Program) -> Result<Option<Program>, Errno> {
        let version = |byte: &u8| byte.is_ascii_digit() || *byte == b'.' || *byte == b'-';
        let Some(own) = interpreter.names.last() else { return Ok(None) };
        let end = own.iter().position(version).unwrap_or(own.len());
        let loads = LOADERS.iter().any(|loader| own.starts_with(loader));
        if !loads && !INTERPRETERS.contains(&&own[..end]) {
            return Ok(None);
        }
        let argv = &interpreter.argv;
        let words = argv.iter().enumerate().skip(1).filter(|(_, word)| !word.starts_with(b"-"));
        for (at, word) in words {
            let looked_at = || -> Result<(Resolved, Stat), Errno> {
                let resolved = View::of(tracee).resolve(Base::Cwd, word)?;
                let stat = self.devices.stat(resolved.file.as_fd(), tracee)?;
                Ok((resolved, stat))
            };
            let Some((resolved, stat)) = unless_short(looked_at())?.filter(|(_, it)| it.regular)
            else {
                continue;
            };
            let Some(kind) = unless_short(self.kinds.of(&resolved.file, &stat))? else {
                return Ok(None);
            };
            let argv = argv.iter().skip(at).collect();
            let program = self.program(&resolved, &stat, &kind, argv)?;
            let names: Vec<&[u8]> = program.names.iter().map(Vec::as_slice).collect();
            return Ok(match self.tools.meant(&names) {
                Meant::Nothing => None,
                Meant::Tool(_) | Meant::Disputed(..) => Some(program),
            });
        }
        Ok(None)
    }
}

/// Follows the interpreters from the called file to the one that runs.
///
/// `called` is the path that the kernel passes to an interpreter: as given, or `/dev/fd/N/…`.
///
/// # Errors
/// As execve(2): EACCES, ENOEXEC, ELOOP, and the interpreter's own ENOENT; a shortage.
pub(crate) fn follow(
    tracee: Pid,
    resolved: Resolved,
    called: Vec<u8>,
    mut argv: Strings,
    of: &Files<'_>,
) -> Result<Image, Errno> {
    if argv.len() == 0 {
        // Linux 5.18 and later give a program without arguments an empty first one.
        argv.push(b"");
    }
    let mut programs = Vec::with_capacity(1);
    let mut resolved = resolved;
    let mut called = called;
    loop {
        let stat = of.devices.stat(resolved.file.as_fd(), tracee)?;
        if stat.link {
            return Err(Errno::LOOP);
        }
        // No user may execute a file without an execute bit, not even root.
        if !stat.regular || stat.mode & 0o111 == 0 {
            return Err(Errno::ACCESS);
        }
        let kind = of.kinds.of(&resolved.file, &stat)?;
        let program = |argv| of.program(&resolved, &stat, &kind, argv);
        let (interpreter, argument) = match &*kind {
            Kind::Unknown if stat.mode & 0o001 != 0 => return Err(Errno::NOEXEC),
            // If only some users may execute it, the kernel refuses the others with the right errno. The
            // proof still guards what runs.
            Kind::Native | Kind::Unknown => {
                let last = program(argv)?;
                if programs.is_empty()
                    && let Some(script) = of.script(tracee, &last)?
                {
                    programs.push(script);
                }
                programs.push(last);
                return Ok(Image::new(stat.identity, programs));
            }
            Kind::Script(interpreter, argument) => (interpreter.clone(), argument.clone()),
        };
        if programs.len() == MAX_INTERPRETERS {
            return Err(Errno::LOOP);
        }
        let mut next = Strings::default();
        next.push(&interpreter);
        argument.iter().for_each(|argument| next.push(argument));
        next.push(&called);
        argv.iter().skip(1).for_each(|argument| next.push(argument));
        programs.push(program(argv)?);
        resolved = View::of(tracee).resolve(Base::Cwd, &interpreter)?;
        called = interpreter;
        argv = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(head: &[u8]) -> Kind {
        let mut bytes = [0u8; HEAD];
        bytes[..head.len()].copy_from_slice(head);
        Kind::from_head(&bytes)
    }

    fn scripted(name: &str, argument: Option<&str>) -> Kind {
        Kind::Script(name.into(), argument.map(Into::into))
    }

    #[test]
    fn the_first_line_is_read_as_the_kernel_reads_it() {
        assert_eq!(kind(b"#!/bin/sh\necho"), scripted("/bin/sh", None));
        assert_eq!(kind(b"#! \t/bin/sh \t\n"), scripted("/bin/sh", None));
        assert_eq!(kind(b"#!/usr/bin/env -S a  b \n"), scripted("/usr/bin/env", Some("-S a  b")));
        assert_eq!(kind(b"#!/bin/sh"), scripted("/bin/sh", None));
        assert_eq!(kind(b"#!/bin/sh -x\0y\n"), scripted("/bin/sh", Some("-x")));
        assert_eq!(kind(b"#!\n"), Kind::Unknown);
        assert_eq!(kind(b"#!   \n"), Kind::Unknown);
        assert_eq!(kind(b"echo"), Kind::Unknown);
        let long = [b"#!/".as_slice(), &[b'x'; HEAD - 3]].concat();
        assert_eq!(kind(&long), Kind::Unknown);
        let long_argument = [b"#!/bin/sh ".as_slice(), &[b'x'; HEAD - 10]].concat();
        assert_eq!(kind(&long_argument), scripted("/bin/sh", Some(&"x".repeat(HEAD - 11))));
    }

    #[test]
    fn programs_of_another_processor_do_not_run() {
        let mut head = [0u8; 64];
        head[..4].copy_from_slice(b"\x7fELF");
        head[18] = ELF_MACHINE as u8;
        assert_eq!(kind(&head), Kind::Native);
        head[18] = 3;
        assert_eq!(kind(&head), Kind::Unknown);
    }

    #[test]
    fn a_changed_argument_lands_behind_the_script() {
        let list = |words: &[&str]| words.iter().map(|word| word.as_bytes()).collect::<Strings>();
        let program = |argv: &[&str]| Program {
            path: vec![],
            names: vec![],
            argv: list(argv),
            untrusted: false,
            interpreters: Vec::new(),
        };
        let image = Image {
            identity: Identity { dev: 0, ino: 0 },
            programs: vec![
                program(&["psql", "-c", "SELECT 1"]),
                program(&["/usr/bin/perl", "-w", "/usr/bin/psql", "-c", "SELECT 1"]),
            ],
        };
        assert_eq!(
            image.argv_with(0, &list(&["psql", "-c", "SELECT 1 LIMIT 1", "-X"])),
            list(&["/usr/bin/perl", "-w", "/usr/bin/psql", "-c", "SELECT 1 LIMIT 1", "-X"])
        );
        assert_eq!(
            image.argv_with(1, &list(&["/usr/bin/perl", "x"])),
            list(&["/usr/bin/perl", "x"])
        );
    }
}
