//! Whether a file with a tool's name is that tool, and whether a file with another name is a tool.
//!
//! A file with a tool's name is trusted if only root can write it, and it either has that name itself or is
//! where the tool's name leads on this machine. It is also trusted if the policy pins it. A file with another
//! name is a tool if it is the same file as an installed one (a hard link, a bind mount, a rename) or a copy
//! with the same content.
//!
//! Known gaps. These are unknown programs: a copy with one byte changed, a copy of a tool that is not
//! installed in the folders below, a copy of a script, and a copy of a program with several names (hard links
//! of busybox), which tells by its name what to do. What such programs may reach is decided when they
//! connect.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use claw_classify::{Governed, Meant};
use claw_policy::{DomainRef, Grammar, Name, Policy};
use rustix::fs::{CWD, Mode, OFlags, fstatfs, openat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::identity::{Devices, Identity, Stat};
use super::last_name;
use super::shortage::unless_short;

/// Where tools are installed, in addition to the directories of `PATH` and those of PostgreSQL's versions.
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
/// `FUSE_SUPER_MAGIC`: a file's owner there is whatever the user who mounted it says.
const FUSE: u64 = 0x6573_5546;
/// How many files' digests are remembered.
const MAX_DIGESTS: usize = 1024;

/// A SHA-256 digest.
type Sum = [u8; 32];

/// The tools of this machine, and the digests computed so far. All sessions share it.
#[derive(Debug)]
pub(crate) struct Installed {
    known: Found,
    digests: Mutex<HashMap<Stat, Sum>>,
}

/// Which files are tools.
#[derive(Debug, Default)]
struct Found {
    /// The tools that a file is, because their names lead to it.
    installed: HashMap<Identity, Vec<Name>>,
    /// The files that have their tool's name, by size: the originals that a copy may match.
    originals: HashMap<u64, Vec<(PathBuf, Name)>>,
}

/// The tools that one policy can name: those of this machine, and those it declares.
#[derive(Debug)]
pub(crate) struct Tools {
    machine: Arc<Installed>,
    /// The tools that the policy declares.
    declared: Vec<Arc<Grammar>>,
    /// The files of the declared tools.
    own: Found,
    /// The digests that each pinned tool must have one of.
    pins: Vec<(Name, Vec<Sum>)>,
}

impl Installed {
    /// Looks for the governed tools that are installed now.
    ///
    /// # Errors
    /// A shortage.
    pub(crate) fn look(devices: &Devices) -> Result<Self, Errno> {
        let known = Found::look(claw_classify::Tools::BUILT_IN.all(), devices)?;
        Ok(Self { known, digests: Mutex::default() })
    }
}

impl Tools {
    /// The tools of `machine`, and those that `policy` declares and pins.
    ///
    /// # Errors
    /// A shortage.
    pub(crate) fn of(
        policy: &Policy,
        machine: &Arc<Installed>,
        devices: &Devices,
    ) -> Result<Self, Errno> {
        let declared = policy.declared().to_vec();
        let own = || declared.iter().map(|grammar| Governed::Declared(grammar));
        let all = claw_classify::Tools::with(&declared).all();
        let pins = all
            .filter_map(|tool| Some((tool.to_name(), policy.pins(tool.name())?.to_vec())))
            .collect();
        let own = if declared.is_empty() { Found::default() } else { Found::look(own(), devices)? };
        Ok(Self { machine: Arc::clone(machine), declared, own, pins })
    }

    /// The files of this machine's tools, then those of declared tools.
    fn found(&self) -> [&Found; 2] {
        [&self.machine.known, &self.own]
    }

    /// The tool that these names mean.
    pub(super) fn meant(&self, names: &[&[u8]]) -> Meant<'_> {
        claw_classify::Tools::with(&self.declared).meant(names)
    }

    /// The tool a program really is that goes by none of `names`, by inode or by content digest.
    ///
    /// # Errors
    /// A shortage.
    pub(super) fn disguised(
        &self,
        file: &OwnedFd,
        stat: &Stat,
        names: &[Vec<u8>],
    ) -> Result<Option<Name>, Errno> {
        // Few programs have the size of a tool, so most pay only for this look-up.
        let of_size = self.found().map(|found| found.originals.get(&stat.size));
        let mut originals = of_size.into_iter().flatten().flatten().peekable();
        if originals.peek().is_none() {
            return Ok(None);
        }
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        if !matches!(self.meant(&names), Meant::Nothing) {
            return Ok(None);
        }
        let Some(digest) = unless_short(self.digest(file, stat))? else { return Ok(None) };
        for (path, tool) in originals {
            if unless_short(self.digest_at(path))? == Some(digest) {
                return Ok(Some(tool.clone()));
            }
        }
        Ok(None)
    }

    /// Whether the file has a tool's name but is not trusted: another user than root could have made it, or
    /// it matches no pinned digest.
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
            let here = |found: &Found| {
                let tools = found.installed.get(&stat.identity);
                tools.is_some_and(|tools| tools.contains(&tool.to_name()))
            };
            self.found().into_iter().any(here)
        };
        if !roots_alone || !(own_name || installed()) {
            return Ok(true);
        }
        Ok(fstatfs(file)?.f_type as u64 & 0xffff_ffff == FUSE)
    }

    /// The digest of a file, read once for each state it is in.
    fn digest(&self, file: &OwnedFd, stat: &Stat) -> Result<Sum, Errno> {
        let digests = || self.machine.digests.lock().unwrap_or_else(PoisonError::into_inner);
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

impl Found {
    /// Looks in the folders of tools for those of `tools` that are governed.
    ///
    /// # Errors
    /// A shortage.
    fn look<'a>(
        tools: impl Iterator<Item = Governed<'a>>,
        devices: &Devices,
    ) -> Result<Self, Errno> {
        let mut found = Self::default();
        let folders = folders();
        let names = names_of_inodes(&folders);
        for tool in tools.filter(|tool| is_governed(*tool)) {
            let own: Vec<&str> = match tool {
                Governed::Known(tool) => tool.names.to_vec(),
                Governed::Declared(grammar) => grammar.names.iter().map(String::as_str).collect(),
            };
            for name in own {
                for folder in &folders {
                    found.add(tool, &folder.join(name), &names, devices)?;
                }
            }
        }
        Ok(found)
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
        if !known.contains(&tool.to_name()) {
            known.push(tool.to_name());
        }
        let Ok(target) = std::fs::canonicalize(path) else { return Ok(()) };
        // One file with the names of many programs is told apart by its name only.
        let many = || {
            let names = names.get(&stat.identity.ino);
            names.is_some_and(|names| names.iter().any(|name| !tool.goes_by(name)))
        };
        let own = last_name(target.as_os_str().as_encoded_bytes());
        if tool.goes_by(own) && unless_short(is_native(&target))? == Some(true) && !many() {
            let same_size = self.originals.entry(stat.size).or_default();
            if !same_size.iter().any(|(other, _)| *other == target) {
                same_size.push((target, tool.to_name()));
            }
        }
        Ok(())
    }
}

/// Whether a tool's actions are governed. Everyday programs are known by name alone.
fn is_governed(tool: Governed<'_>) -> bool {
    tool.domains().iter().any(DomainRef::governed)
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
