//! Whether a file is the tool it is called, and whether one that is called otherwise is a tool.
//!
//! A file that goes by a tool's name is trusted if it belongs to root, nobody else may write it, and
//! it is called so itself or is where the tool's name leads on this machine; or if the policy pins
//! it. A file of another name is a tool if it is the same file as one that is installed here (a hard
//! link, a bind mount, another name by rename) or a copy with the same content.
//!
//! Known gaps: a copy with one byte changed is an unknown program, and so are a copy of a tool that is
//! not installed where this looks, a copy of a script, and one of a program that had several names
//! before (hard links of busybox): those tell by their name what they do. What such programs may
//! reach is decided where they connect.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use claw_classify::{Governed, Meant};
use claw_policy::{Grammar, Policy};
use rustix::fs::{CWD, Mode, OFlags, fstatfs, openat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::identity::{Devices, Identity, Stat};
use super::last_name;
use super::shortage::unless_short;

/// Where tools are installed, beside the directories of `PATH`; those of PostgreSQL's versions are found.
const FOLDERS: &[&str] = &[
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
    "/lib",
    "/lib64",
    "/snap/bin",
];
/// Where Debian keeps the programs of each version of PostgreSQL.
const POSTGRESQL: &str = "/usr/lib/postgresql";
/// `FUSE_SUPER_MAGIC`: files whose owner is whatever the one who mounted it says.
const FUSE: u64 = 0x6573_5546;
/// How many files' digests are remembered.
const MAX_DIGESTS: usize = 1024;

/// A SHA-256 digest.
type Sum = [u8; 32];

/// The tools of this machine.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    /// The tools that the policy declares.
    declared: Vec<&'static Grammar>,
    /// Which tools a file is, by where their names lead.
    installed: HashMap<Identity, Vec<&'static str>>,
    /// The files that are called as their tool is, by size: what a copy may be a copy of.
    originals: HashMap<u64, Vec<(PathBuf, &'static str)>>,
    /// The digests that each pinned tool must have one of.
    pins: Vec<(&'static str, Vec<Sum>)>,
    digests: Mutex<HashMap<Stat, Sum>>,
}

impl Tools {
    /// The governed tools that are installed now, and what `policy` pins.
    ///
    /// # Errors
    /// A shortage.
    pub(crate) fn installed(policy: &Policy, devices: &Devices) -> Result<Self, Errno> {
        let declared = policy.declared().to_vec();
        let all: Vec<Governed> = claw_classify::Tools::with(&declared).all().collect();
        let pins = all
            .iter()
            .filter_map(|tool| Some((tool.name(), policy.pins(tool.name())?.to_vec())))
            .collect();
        let mut tools = Self { declared, pins, ..Self::default() };
        let folders = folders();
        let names = names_of_inodes(&folders);
        for tool in all.into_iter().filter(|tool| is_governed(*tool)) {
            let own: Vec<&str> = match tool {
                Governed::Known(tool) => tool.names.to_vec(),
                Governed::Declared(grammar) => grammar.names.iter().map(String::as_str).collect(),
            };
            for name in own {
                for folder in &folders {
                    tools.add(tool, &folder.join(name), &names, devices)?;
                }
            }
        }
        Ok(tools)
    }

    /// The tool that names mean.
    pub(super) fn meant(&self, names: &[&[u8]]) -> Meant {
        claw_classify::Tools::with(&self.declared).meant(names)
    }

    fn add(
        &mut self,
        tool: Governed,
        path: &Path,
        names: &HashMap<u64, Vec<Vec<u8>>>,
        devices: &Devices,
    ) -> Result<(), Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let looked_at = openat(CWD, path, flags, Mode::empty())
            .and_then(|file| devices.stat(file.as_fd(), rustix::process::getpid()));
        let Some(stat) = unless_short(looked_at)? else { return Ok(()) };
        if !stat.regular || stat.mode & 0o111 == 0 {
            return Ok(());
        }
        let known = self.installed.entry(stat.identity).or_default();
        if !known.contains(&tool.name()) {
            known.push(tool.name());
        }
        let Ok(target) = std::fs::canonicalize(path) else { return Ok(()) };
        // One file behind the names of many programs tells by its name which it is.
        let many = || {
            let names = names.get(&stat.identity.ino);
            names.is_some_and(|names| names.iter().any(|name| !tool.goes_by(name)))
        };
        let own = last_name(target.as_os_str().as_encoded_bytes());
        if tool.goes_by(own) && unless_short(is_native(&target))? == Some(true) && !many() {
            let same_size = self.originals.entry(stat.size).or_default();
            if !same_size.iter().any(|(other, _)| *other == target) {
                same_size.push((target, tool.name()));
            }
        }
        Ok(())
    }

    /// The tool that a program is which goes by none of `names`, by what it is or by what it holds.
    ///
    /// # Errors
    /// A shortage.
    pub(super) fn disguised(
        &self,
        file: &OwnedFd,
        stat: &Stat,
        names: &[Vec<u8>],
    ) -> Result<Option<&'static str>, Errno> {
        // Hardly any program has the size of a tool: all others pay for this look-up alone.
        let Some(originals) = self.originals.get(&stat.size) else { return Ok(None) };
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        if !matches!(self.meant(&names), Meant::Nothing) {
            return Ok(None);
        }
        let Some(digest) = unless_short(self.digest(file, stat))? else { return Ok(None) };
        for (path, tool) in originals {
            if unless_short(self.digest_at(path))? == Some(digest) {
                return Ok(Some(*tool));
            }
        }
        Ok(None)
    }

    /// Whether the file is only called as a tool: it belongs to somebody who could have made it, or it is
    /// none of those that are pinned.
    ///
    /// # Errors
    /// A shortage.
    pub(super) fn is_untrusted(
        &self,
        file: &OwnedFd,
        stat: &Stat,
        names: &[Vec<u8>],
    ) -> Result<bool, Errno> {
        let words: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let tool = match self.meant(&words) {
            Meant::Nothing => return Ok(false),
            Meant::Tool(tool) => tool,
            Meant::Disputed(..) => return Ok(true),
        };
        if !is_governed(tool) {
            return Ok(false);
        }
        if let Some((_, digests)) = self.pins.iter().find(|(pinned, _)| *pinned == tool.name()) {
            let digest = unless_short(self.digest(file, stat))?;
            return Ok(digest.is_none_or(|digest| !digests.contains(&digest)));
        }
        let roots_alone = stat.owner == 0 && stat.mode & 0o022 == 0;
        let own_name = names.last().is_some_and(|own| tool.goes_by(own));
        let installed = || {
            let here = self.installed.get(&stat.identity);
            here.is_some_and(|tools| tools.contains(&tool.name()))
        };
        if !roots_alone || !(own_name || installed()) {
            return Ok(true);
        }
        Ok(fstatfs(file)?.f_type as u64 & 0xffff_ffff == FUSE)
    }

    /// The digest of a file, read once for each state it is in.
    fn digest(&self, file: &OwnedFd, stat: &Stat) -> Result<Sum, Errno> {
        let digests = || self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = digests().get(stat) {
            return Ok(*known);
        }
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let digest = sum(Path::new(&path))?;
        let mut digests = digests();
        if digests.len() >= MAX_DIGESTS {
            digests.clear();
        }
        digests.insert(*stat, digest);
        Ok(digest)
    }

    fn digest_at(&self, path: &Path) -> Result<Sum, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let file = openat(CWD, path, flags, Mode::empty())?;
        let stat = Devices::default().stat(file.as_fd(), rustix::process::getpid())?;
        self.digest(&file, &stat)
    }
}

/// Whether what a tool does is governed: everyday programs are known by name alone.
fn is_governed(tool: Governed) -> bool {
    tool.domains().iter().any(|of| of.governed)
}

/// The names that files have in these folders, by inode number; symbolic links are files of their own.
fn names_of_inodes(folders: &[PathBuf]) -> HashMap<u64, Vec<Vec<u8>>> {
    use std::os::unix::fs::DirEntryExt;
    let mut names = HashMap::<u64, Vec<Vec<u8>>>::new();
    for folder in folders {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().into_encoded_bytes();
            names.entry(entry.ino()).or_default().push(name);
        }
    }
    names
}

/// Whether a file is a program and not a script.
fn is_native(path: &Path) -> Result<bool, Errno> {
    let mut magic = [0; 4];
    match File::open(path).and_then(|mut file| file.read_exact(&mut magic)) {
        Ok(()) => Ok(magic == *b"\x7fELF"),
        Err(error) => Err(errno(&error)),
    }
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(PathBuf::from).collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path).filter(|folder| folder.is_absolute()));
    let versions = std::fs::read_dir(POSTGRESQL).into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.sort();
    folders.dedup();
    folders
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

fn sum(path: &Path) -> Result<Sum, Errno> {
    let mut file = File::open(path).map_err(|error| errno(&error))?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 17];
    loop {
        match file.read(&mut part).map_err(|error| errno(&error))? {
            0 => return Ok(hash.finalize().into()),
            got => hash.update(&part[..got]),
        }
    }
}

#[cfg(test)]
mod tests;
