//! What a new image would read: files it names and its standard input, read at its exec stop, when its
//! descriptors are its own and nobody else can change what they lead to.
//!
//! Everything is read as the tracee could: with its user and groups, from its root and working
//! directory. Known gap: a file that only a capability of the tracee's opens is not read.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, SealFlags, SeekFrom, openat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::path::{Base, View};
use crate::sys::file_identity::FileIdentity;

/// The most that one call may name, all files and standard input together, in bytes: what is judged
/// takes time with its length, and the call waits.
const MAX_CONTENT: usize = 1 << 20;
/// How long pipes are read that do not end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a path or standard input turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It cannot be read whole: too long, too slow, not permitted, or not something with an end.
    Unreadable,
    /// There is no such file.
    Absent,
    /// A terminal.
    Terminal,
    /// A folder, by its path without links as the program sees it.
    Folder(Vec<u8>),
    /// Exactly these bytes.
    Content {
        /// The bytes.
        bytes: Vec<u8>,
        /// Whether nobody can change them any more: a sealed file in memory.
        sealed: bool,
    },
}

impl Found {
    fn of(bytes: Vec<u8>, sealed: bool) -> Self {
        Self::Content { bytes, sealed }
    }
}

/// Reads what one stopped image names.
#[derive(Debug)]
pub(crate) struct Contents {
    tracee: Pid,
    identity: FileIdentity,
    left: usize,
    deadline: Option<Instant>,
}

impl Contents {
    /// The content that `tracee`, which is stopped, has before it.
    ///
    /// # Errors
    /// If it is gone.
    pub(crate) fn of(tracee: Pid) -> io::Result<Self> {
        let status = procfs::process::Process::new(tracee.as_raw_nonzero().get())
            .and_then(|process| process.status())
            .map_err(io::Error::other)?;
        let identity =
            FileIdentity { user: status.fuid, group: status.fgid, groups: status.groups };
        Ok(Self { tracee, identity, left: MAX_CONTENT, deadline: None })
    }

    /// The file at `path`, as the tracee would find it.
    pub(crate) fn file(&mut self, path: &[u8]) -> Found {
        self.open(path).unwrap_or_else(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR => Found::Absent,
            _ => Found::Unreadable,
        })
    }

    /// What the tracee's descriptor 0 holds from where it stands to its end.
    pub(crate) fn stdin(&mut self) -> Found {
        self.descriptor(0).unwrap_or(Found::Unreadable)
    }

    fn open(&mut self, path: &[u8]) -> Result<Found, Errno> {
        // A supervisor that reads with more rights than the tracee would hand it what it may not see.
        let assumed = self.identity.assume().map_err(|_| Errno::PERM)?;
        let view = View::of(self.tracee);
        let file = view.resolve(Base::Cwd, path)?.file;
        if kind(&file)? == FileType::Directory {
            return Ok(Found::Folder(view.path_of(&file)?));
        }
        // Opening another device may do something.
        let readable = match kind(&file)? {
            FileType::RegularFile | FileType::Fifo => reopen(&file)?,
            _ => file,
        };
        drop(assumed);
        self.read(readable, false)
    }

    fn descriptor(&mut self, number: i32) -> Result<Found, Errno> {
        let process = pidfd_open(self.tracee, PidfdFlags::empty())?;
        let file = match pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) {
            Err(Errno::BADF) => return Ok(Found::of(Vec::new(), true)),
            file => file?,
        };
        match kind(&file)? {
            // A pipe's own descriptor may be read by others meanwhile, and must not make us wait.
            FileType::Fifo => {
                let own = reopen(&file)?;
                self.read(own, true)
            }
            _ => self.read(file, true),
        }
    }

    /// Reads an open file to its end; `from_here`: from where it stands, and it stands at its end
    /// afterwards, as if the program had read it.
    fn read(&mut self, file: OwnedFd, from_here: bool) -> Result<Found, Errno> {
        let stat = rustix::fs::fstat(&file)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.regular(file, from_here),
            FileType::Fifo | FileType::Socket => self.stream(&file),
            FileType::CharacterDevice => Ok(device(stat.st_rdev)),
            _ => Ok(Found::Unreadable),
        }
    }

    fn regular(&mut self, file: OwnedFd, from_here: bool) -> Result<Found, Errno> {
        let from = if from_here { rustix::fs::tell(&file)? } else { 0 };
        let needed = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK;
        let sealed = rustix::fs::fcntl_get_seals(&file).is_ok_and(|seals| seals.contains(needed));
        let file = File::from(file);
        let mut bytes = Vec::new();
        let mut part = [0; 1 << 14];
        loop {
            let at = from + bytes.len() as u64;
            let got = file.read_at(&mut part, at).map_err(|error| errno(&error))?;
            if got == 0 {
                break;
            }
            if got > self.left {
                return Ok(Found::Unreadable);
            }
            self.left -= got;
            bytes.extend_from_slice(&part[..got]);
        }
        if from_here && !sealed {
            rustix::fs::seek(&file, SeekFrom::Start(from + bytes.len() as u64))?;
        }
        Ok(Found::of(bytes, sealed && from == 0))
    }

    fn stream(&mut self, file: &OwnedFd) -> Result<Found, Errno> {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + PATIENCE);
        let mut bytes = Vec::new();
        let mut part = [0; 1 << 14];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = Timespec::try_from(left).unwrap_or_default();
            match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&wait)) {
                Ok(0) => return Ok(Found::Unreadable),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error),
            }
            let got = match receive(file, &mut part) {
                Ok(got) => got,
                Err(Errno::INTR | Errno::AGAIN) => continue,
                Err(error) => return Err(error),
            };
            if got == 0 {
                return Ok(Found::of(bytes, false));
            }
            if got > self.left {
                return Ok(Found::Unreadable);
            }
            self.left -= got;
            bytes.extend_from_slice(&part[..got]);
        }
    }
}

/// Reads without waiting.
fn receive(file: &OwnedFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    match kind(file)? {
        FileType::Socket => {
            rustix::net::recv(file, buffer, rustix::net::RecvFlags::DONTWAIT).map(|(_, got)| got)
        }
        _ => rustix::io::read(file, buffer),
    }
}

fn kind(file: &OwnedFd) -> Result<FileType, Errno> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(file)?.st_mode))
}

/// A description of one's own of an open file, to read without waiting.
fn reopen(file: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    openat(CWD, format!("/proc/self/fd/{}", file.as_raw_fd()), flags, Mode::empty())
}

/// What a character device holds, by its number: Documentation/admin-guide/devices.txt.
fn device(number: u64) -> Found {
    match (rustix::fs::major(number), rustix::fs::minor(number)) {
        (1, 3) => Found::of(Vec::new(), true),
        // Consoles and serial lines, `/dev/tty` itself, pseudo-terminals.
        (4 | 5 | 136..=143, _) => Found::Terminal,
        _ => Found::Unreadable,
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn mine() -> Contents {
        Contents::of(rustix::process::getpid()).expect("this process")
    }

    fn content(bytes: &[u8]) -> Found {
        Found::of(bytes.to_vec(), false)
    }

    #[test]
    fn files_are_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.sql");
        let name = path.to_str().expect("UTF-8").as_bytes();
        assert_eq!(mine().file(name), Found::Absent);
        std::fs::write(&path, "SELECT 1").expect("writable");
        assert_eq!(mine().file(name), content(b"SELECT 1"));
        assert_eq!(mine().file(b"/dev/null"), Found::of(vec![], true));
        assert_eq!(mine().file(b"/dev/zero"), Found::Unreadable);
        assert_eq!(mine().file(b"/tmp/."), Found::Folder(b"/tmp".to_vec()));
        std::fs::write(&path, vec![b' '; MAX_CONTENT]).expect("writable");
        assert!(matches!(mine().file(name), Found::Content { .. }));
        std::fs::write(&path, vec![b' '; MAX_CONTENT + 1]).expect("writable");
        assert_eq!(mine().file(name), Found::Unreadable);
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_its_own_way_of_waiting_is_kept() {
        let (reader, mut writer) = io::pipe().expect("pipe");
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let writing = std::thread::spawn(move || {
            for part in ["SELECT", " 1"] {
                writer.write_all(part.as_bytes()).expect("written");
                std::thread::yield_now();
            }
        });
        assert_eq!(mine().file(path.as_bytes()), content(b"SELECT 1"));
        writing.join().expect("the writer");
        let flags = rustix::fs::fcntl_getfl(&reader).expect("flags");
        assert!(!flags.contains(OFlags::NONBLOCK));
    }

    #[test]
    fn a_sealed_file_is_known_as_one() {
        let file = rustix::fs::memfd_create(c"x", rustix::fs::MemfdFlags::ALLOW_SEALING);
        let mut file = File::from(file.expect("a file in memory"));
        file.write_all(b"x").expect("written");
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        assert_eq!(mine().file(path.as_bytes()), content(b"x"));
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK;
        rustix::fs::fcntl_add_seals(&file, seals).expect("sealed");
        assert_eq!(mine().file(path.as_bytes()), Found::of(b"x".to_vec(), true));
    }

    #[test]
    fn a_socket_is_read_to_its_end() {
        let (mut one, other) = std::os::unix::net::UnixStream::pair().expect("sockets");
        one.write_all(b"SELECT 1").expect("written");
        drop(one);
        let mut contents = mine();
        assert_eq!(contents.read(other.into(), true), Ok(content(b"SELECT 1")));
    }
}
