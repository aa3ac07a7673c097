//! Resolves a path as the tracee would: with its root, working directory and mounts, and with `/proc/self`
//! meaning the tracee, not the supervisor.
//!
//! Output: the open file and every name it is known by on the way. Nothing here needs to win a race: if the
//! tracee moves a file, the proof finds that another file runs than was judged.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags, fstatfs, openat, openat2, readlinkat,
    statx,
};
use rustix::io::Errno;
use rustix::process::Pid;

use super::proc;
use super::shortage::unless_short;

/// How many symbolic links one path may pass, `MAXSYMLINKS` in include/linux/namei.h.
pub(super) const MAX_LINKS: usize = 40;
/// `PROC_SUPER_MAGIC`.
const PROC: u64 = 0x9fa0;
/// The inode number of the root of procfs, `PROC_ROOT_INO` in include/linux/proc_ns.h.
const PROC_ROOT_INODE: u64 = 1;

/// Where a relative path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// The working directory.
    Cwd,
    /// A descriptor of the tracee.
    Descriptor(i32),
}

/// A file that a path leads to.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The file, `O_PATH`.
    pub(crate) file: OwnedFd,
    /// Its path without links, as the supervisor's own root shows it.
    pub(crate) path: Vec<u8>,
    /// The last names it is known by: as called, of each link on the way, of the file itself.
    pub(crate) names: Vec<Vec<u8>>,
}

/// The file system as a tracee sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    tracee: Pid,
}

impl View {
    /// The view of the thread `tracee`.
    pub(crate) fn of(tracee: Pid) -> Self {
        Self { tracee }
    }

    /// Opens one of the tracee's own links in procfs: `root`, `cwd`, `fd/N`.
    pub(crate) fn own(self, link: &str) -> Result<OwnedFd, Errno> {
        let path = format!("{}/{link}", self.tracee.as_raw_nonzero());
        openat(proc::root()?, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
    }

    /// Resolves `path` and follows it to its end.
    ///
    /// # Errors
    /// As open(2): ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EBADF for a descriptor that is not open.
    pub(crate) fn resolve(self, base: Base, path: &[u8]) -> Result<Resolved, Errno> {
        self.look_up(base, path, true)
    }

    /// Resolves `path` from the working directory, with the rights that `assume` gives this thread while its
    /// result lives. The tracee's starting folder is looked up before that.
    ///
    /// # Errors
    /// As [`View::resolve`] and `assume`, and EACCES.
    pub(crate) fn resolve_as<A>(
        self,
        path: &[u8],
        assume: impl FnOnce() -> Result<A, Errno>,
    ) -> Result<Resolved, Errno> {
        let absolute = path.first() == Some(&b'/');
        let root = self.own("root")?;
        let start = if absolute { root.try_clone() } else { Ok(self.own("cwd")?) };
        let start = start.map_err(|_| Errno::MFILE)?;
        let _assumed = assume()?;
        self.look_up_from(start, Some(root), path, true)
    }

    /// Resolves `path`, but not a link in its last place: AT_SYMLINK_NOFOLLOW.
    ///
    /// # Errors
    /// As [`View::resolve`]; ELOOP for a link in the last place.
    pub(crate) fn resolve_no_link(self, base: Base, path: &[u8]) -> Result<Resolved, Errno> {
        self.look_up(base, path, false)
    }

    fn look_up(self, base: Base, path: &[u8], follow: bool) -> Result<Resolved, Errno> {
        let absolute = path.first() == Some(&b'/');
        let start = if absolute { self.own("root")? } else { self.base(base)? };
        self.look_up_from(start, None, path, follow)
    }

    /// Looks `path` up from `start`. `root` is the tracee's, if it is open already.
    fn look_up_from(
        self,
        start: OwnedFd,
        root: Option<OwnedFd>,
        path: &[u8],
        follow: bool,
    ) -> Result<Resolved, Errno> {
        if path.is_empty() {
            return Err(Errno::NOENT);
        }
        let absolute = path[0] == b'/';
        let within = if absolute { ResolveFlags::IN_ROOT } else { ResolveFlags::BENEATH };
        let no_link = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        let flags = OFlags::PATH | OFlags::CLOEXEC | no_link;
        let resolve = within | ResolveFlags::NO_MAGICLINKS;
        let file = match openat2(&start, path, flags, Mode::empty(), resolve) {
            Ok(file) => file,
            // A magic link, a path that leaves `start`, or a rename meanwhile: walk step by step.
            Err(Errno::LOOP | Errno::XDEV | Errno::AGAIN) => {
                return self.walk(start, root, path, follow);
            }
            // `/proc/self` on the way was the supervisor's. A link of another name that leads there
            // stays an error here, which runs nothing.
            Err(_) if path.starts_with(b"/dev/") || path.starts_with(b"/proc/") => {
                return self.walk(start, root, path, follow);
            }
            Err(error) => return Err(error),
        };
        if fstatfs(&file)?.f_type as u64 == PROC {
            return self.walk(start, root, path, follow);
        }
        if !follow && is_link(&file)? {
            return Err(Errno::LOOP);
        }
        let target = real_path(&file)?;
        let mut names = vec![last_name(path).to_vec()];
        if last_name(&target) != names[0] {
            self.link_names(&start, within, path, &mut names)?;
        }
        Ok(finish(file, target, names))
    }

    /// The file behind a descriptor of the tracee.
    ///
    /// # Errors
    /// EBADF if it is not open.
    pub(crate) fn descriptor(self, number: i32) -> Result<Resolved, Errno> {
        let file = self.base(Base::Descriptor(number))?;
        let path = real_path(&file)?;
        Ok(finish(file, path, Vec::new()))
    }

    /// The program that the tracee runs.
    pub(crate) fn running(self) -> Option<Resolved> {
        let file = self.own("exe").ok()?;
        let path = real_path(&file).ok()?;
        Some(finish(file, path, Vec::new()))
    }

    /// The path of an open file as the tracee would write it: below its root, absolute and without links. The
    /// kernel's text can name another file than this one, if a mount was detached or the file was removed.
    ///
    /// # Errors
    /// As readlink(2); ENOENT for what lies outside the root.
    pub(crate) fn path_of(self, file: &OwnedFd) -> Result<Vec<u8>, Errno> {
        let root = self.own("root")?;
        let (path, above) = (link_text(file)?, link_text(&root)?);
        below(&path, &above).map(<[u8]>::to_vec).ok_or(Errno::NOENT)
    }

    fn base(self, base: Base) -> Result<OwnedFd, Errno> {
        match base {
            Base::Cwd => self.own("cwd"),
            Base::Descriptor(number) => {
                unless_short(self.own(&format!("fd/{number}")))?.ok_or(Errno::BADF)
            }
        }
    }

    /// The names of the links that `path` ends in, one leading to the next.
    ///
    /// # Errors
    /// A shortage.
    fn link_names(
        self,
        start: &OwnedFd,
        within: ResolveFlags,
        path: &[u8],
        names: &mut Vec<Vec<u8>>,
    ) -> Result<(), Errno> {
        let mut path = path.to_vec();
        for _ in 0..MAX_LINKS {
            let (parent, name) = split_last(&path);
            let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
            let link = openat2(start, parent, flags, Mode::empty(), within)
                .and_then(|parent| readlinkat(&parent, name, Vec::new()));
            let Some(link) = unless_short(link)? else { return Ok(()) };
            let link = link.into_bytes();
            names.push(last_name(&link).to_vec());
            path = if link.starts_with(b"/") { link } else { [parent, b"/", &link].concat() };
        }
        Ok(())
    }

    /// Resolves step by step, for paths that openat2(2) cannot resolve for another process.
    fn walk(
        self,
        start: OwnedFd,
        root: Option<OwnedFd>,
        path: &[u8],
        follow: bool,
    ) -> Result<Resolved, Errno> {
        let root = match root {
            Some(root) => root,
            None if path.starts_with(b"/") => start.try_clone().map_err(|_| Errno::MFILE)?,
            None => self.own("root")?,
        };
        let mut here = start;
        let mut names = vec![last_name(path).to_vec()];
        let mut left = components(path);
        let mut links = 0;
        while let Some(name) = left.pop() {
            if name == b".." {
                if !same(&here, &root)? {
                    here = step(&here, b"..", ResolveFlags::empty(), OFlags::DIRECTORY)?;
                }
                continue;
            }
            let last = left.is_empty();
            let next = step(&here, &name, ResolveFlags::empty(), OFlags::NOFOLLOW)?;
            if !is_link(&next)? {
                here = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS || (last && !follow) {
                return Err(Errno::LOOP);
            }
            let in_proc = fstatfs(&here)?.f_type as u64 == PROC;
            if in_proc
                && step(&here, &name, ResolveFlags::NO_MAGICLINKS, OFlags::empty()).err()
                    == Some(Errno::LOOP)
            {
                // A magic link leads straight to a file, whatever its text says.
                here = step(&here, &name, ResolveFlags::empty(), OFlags::empty())?;
                continue;
            }
            let link = match self.proc_self(&here, &name, in_proc)? {
                Some(own) => own,
                None => readlinkat(&here, &name[..], Vec::new())?.into_bytes(),
            };
            if last {
                names.push(last_name(&link).to_vec());
            }
            if link.starts_with(b"/") {
                here = root.try_clone().map_err(|_| Errno::MFILE)?;
            }
            left.extend(components(&link));
        }
        let path = real_path(&here)?;
        Ok(finish(here, path, names))
    }

    /// The target of `/proc/self` or `/proc/thread-self` for the tracee; `None` for any other link.
    fn proc_self(
        self,
        dir: &OwnedFd,
        name: &[u8],
        in_proc: bool,
    ) -> Result<Option<Vec<u8>>, Errno> {
        let thread = name == b"thread-self";
        if !in_proc || !(thread || name == b"self") || inode(dir)? != PROC_ROOT_INODE {
            return Ok(None);
        }
        let (group, thread_id) = self.numbers_in(dir)?;
        Ok(Some(if thread {
            format!("{group}/task/{thread_id}").into_bytes()
        } else {
            group.to_string().into_bytes()
        }))
    }

    /// The tracee's number in the procfs at `dir`. The tracee has one number in each nested pid namespace;
    /// this is the first, from the outermost, whose entry there shows the same numbers.
    fn numbers_in(self, dir: &OwnedFd) -> Result<(i32, i32), Errno> {
        let status = |path: &str, from: &dyn AsFd| -> Result<String, Errno> {
            let file = openat(from, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
            std::io::read_to_string(std::fs::File::from(file)).map_err(|_| Errno::SRCH)
        };
        let mine = status(&format!("/proc/{}/status", self.tracee.as_raw_nonzero()), &CWD)?;
        let groups = numbers(&mine, "NStgid:");
        let threads = numbers(&mine, "NSpid:");
        for depth in 0..groups.len() {
            let there = status(&format!("{}/status", groups[depth]), dir).unwrap_or_default();
            if numbers(&there, "NStgid:") == groups[depth..] {
                return Ok((groups[depth], *threads.get(depth).ok_or(Errno::SRCH)?));
            }
        }
        Err(Errno::NOENT)
    }
}

/// The numbers in the line of /proc/PID/status that starts with `key`.
fn numbers(status: &str, key: &str) -> Vec<i32> {
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn finish(file: OwnedFd, path: Vec<u8>, mut names: Vec<Vec<u8>>) -> Resolved {
    names.push(last_name(&path).to_vec());
    let mut seen: Vec<Vec<u8>> = Vec::with_capacity(names.len());
    names.retain(|name| {
        !name.is_empty() && !seen.contains(name) && {
            seen.push(name.clone());
            true
        }
    });
    Resolved { file, path, names }
}

/// `path` as a process with its root at `root` sees it.
fn below<'p>(path: &'p [u8], root: &[u8]) -> Option<&'p [u8]> {
    let root = root.strip_suffix(b"/").unwrap_or(root);
    match path.strip_prefix(root)? {
        [] => Some(b"/"),
        rest => rest.starts_with(b"/").then_some(rest),
    }
}

/// The link text of an open file in the supervisor's procfs.
fn link_text(file: &OwnedFd) -> Result<Vec<u8>, Errno> {
    let number = file.as_raw_fd().to_string();
    let own = proc::own_descriptors()?;
    readlinkat(own, number, Vec::new()).map(CString::into_bytes)
}

/// The path of an open file as the supervisor's procfs shows it.
fn real_path(file: &OwnedFd) -> Result<Vec<u8>, Errno> {
    let path = unless_short(link_text(file))?.unwrap_or_default();
    Ok(path.strip_suffix(b" (deleted)").map(<[u8]>::to_vec).unwrap_or(path))
}

/// The components of a path, last first, so that they can be taken off the end; a trailing slash
/// asks for a directory and becomes a `.`.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
        .collect();
    if path.ends_with(b"/") || path.ends_with(b"/.") {
        parts.push(b".".to_vec());
    }
    parts.reverse();
    parts
}

fn step(
    dir: &OwnedFd,
    name: &[u8],
    resolve: ResolveFlags,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    openat2(dir, name, OFlags::PATH | OFlags::CLOEXEC | flags, Mode::empty(), resolve)
}

fn is_link(file: &OwnedFd) -> Result<bool, Errno> {
    let stat = rustix::fs::fstat(file)?;
    Ok(rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Symlink)
}

fn inode(file: &OwnedFd) -> Result<u64, Errno> {
    Ok(rustix::fs::fstat(file)?.st_ino)
}

/// Whether two directories are the same place in the tree: the same file under the same mount.
fn same(one: &OwnedFd, other: &OwnedFd) -> Result<bool, Errno> {
    let place = |file: BorrowedFd<'_>| -> Result<(u32, u32, u64, u64), Errno> {
        let mask = StatxFlags::INO | StatxFlags::MNT_ID;
        let stat = statx(file, c"", AtFlags::EMPTY_PATH, mask)?;
        Ok((stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino, stat.stx_mnt_id))
    };
    Ok(place(one.as_fd())? == place(other.as_fd())?)
}

/// The part after the last slash, trailing slashes aside.
pub(crate) fn last_name(path: &[u8]) -> &[u8] {
    split_last(path).1
}

/// The directory part (`.` or `/` if there is none) and the last name.
pub(super) fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let path = &path[..end];
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => (b"/", &path[1..]),
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b".", path),
    }
}

#[cfg(test)]
mod tests;
