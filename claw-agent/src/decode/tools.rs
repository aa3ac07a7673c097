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
/// Where git keeps the programs that it starts itself, and Google's package its own.
const OTHERS: &[&str] = &[
    "/usr/lib/git-core",
    "/usr/libexec/git-core",
    "/usr/local/lib/git-core",
    "/usr/local/libexec/git-core",
    "/usr/lib/google-cloud-sdk/bin",
];
/// Where dpkg lists the files of each package.
const PACKAGES: &str = "/var/lib/dpkg/info";
/// The groups of tools whose packages hold other clients of the same server.
const KIN: &[&str] = &["databases", "clusters", "clouds"];
/// How many files' digests are remembered.
const MAX_DIGESTS: usize = 1024;

/// A SHA-256 digest.
type Sum = [u8; 32];

/// The tools of this machine, and the digests computed so far. All sessions share it.
#[derive(Debug)]
pub(crate) struct Installed {
    known: Found,
    /// `/bin/sh`, where root alone can have made it.
    shell: Option<Identity>,
    digests: Mutex<HashMap<Stat, Sum>>,
}

/// Which files are tools.
#[derive(Debug, Default)]
struct Found {
    /// The tools that a file is, because their names lead to it.
    installed: HashMap<Identity, Vec<Name>>,
    /// The files that have their tool's name, by size: the originals that a copy may match.
    originals: HashMap<u64, Vec<(PathBuf, Name)>>,
    /// Files that only their neighbours tell of: programs in the package of a tool, and programs that stand next to one
    /// and begin with its name.
    siblings: HashMap<Identity, Name>,
    /// The tools that a process speaks for which runs such a file, where root alone can have made it.
    speakers: HashMap<Identity, Name>,
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
        let known = Found::look(claw_classify::Tools::BUILT_IN, devices, |_| true)?;
        let shell = looked_at(Path::new("/bin/sh"), devices)?;
        let shell = shell.filter(|stat| stat.owner == 0 && stat.mode & 0o022 == 0);
        let shell = shell.map(|stat| stat.identity);
        Ok(Self { known, shell, digests: Mutex::default() })
    }

    /// Whether the file is `/bin/sh`, where root alone can have made it.
    pub(super) fn is_shell(&self, file: Identity) -> bool {
        self.shell == Some(file)
    }

    /// The tool that a process speaks for which runs this file.
    pub(super) fn speaker(&self, file: Identity) -> Option<Name> {
        self.known.speakers.get(&file).cloned()
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
        let all = claw_classify::Tools::with(&declared);
        let pins = all
            .all()
            .filter_map(|tool| Some((tool.to_name(), policy.pins(tool.name())?.to_vec())))
            .collect();
        let own = if declared.is_empty() {
            Found::default()
        } else {
            Found::look(all, devices, |tool| matches!(tool, Governed::Declared(_)))?
        };
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
        let kin = || self.machine.known.siblings.get(&stat.identity);
        let words = || names.iter().map(Vec::as_slice).collect::<Vec<_>>();
        if let Some(kin) = kin().filter(|_| matches!(self.meant(&words()), Meant::Nothing)) {
            return Ok(Some(kin.clone()));
        }
        // Few programs have the size of a tool, so most pay only for this look-up.
        let of_size = self.found().map(|found| found.originals.get(&stat.size));
        let mut originals = of_size.into_iter().flatten().flatten().peekable();
        if originals.peek().is_none() {
            return Ok(None);
        }
        if !matches!(self.meant(&words()), Meant::Nothing) {
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
        let own_name = names.last().is_some_and(
            |own| matches!(self.meant(&[own]), Meant::Tool(own) if own.name() == tool.name()),
        );
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
    /// Looks where tools are installed for those of `tools` that are governed and `wanted`.
    ///
    /// # Errors
    /// A shortage.
    fn look(
        tools: claw_classify::Tools<'_>,
        devices: &Devices,
        wanted: impl Fn(Governed<'_>) -> bool,
    ) -> Result<Self, Errno> {
        let mut found = Self::default();
        let programs = programs();
        let names = names_of_inodes(&programs);
        let mut of_kin = Vec::new();
        for (path, _) in &programs {
            let name = last_name(path.as_os_str().as_encoded_bytes());
            let Meant::Tool(tool) = tools.meant(&[name]) else { continue };
            if !is_governed(tool) || !wanted(tool) {
                continue;
            }
            let Some(stat) = looked_at(path, devices)? else { continue };
            found.add(tools, tool, path, &stat, &names)?;
            let roots_alone = stat.owner == 0 && stat.mode & 0o022 == 0;
            if let Some(speaks) = tools.speaks_for(name).filter(|_| roots_alone) {
                found.speakers.insert(stat.identity, speaks.into());
            }
            if let Governed::Known(known) = tool
                && known.can.family.groups().iter().any(|group| KIN.contains(group))
                && let Some(kin) = tools.unread_kin(known.name)
            {
                of_kin.push((path.clone(), kin));
            }
        }
        for (path, kin) in kin(&of_kin, &programs) {
            let name = last_name(path.as_os_str().as_encoded_bytes());
            let known = tools.is_no_client(name) || !matches!(tools.meant(&[name]), Meant::Nothing);
            if let Some(stat) = looked_at(&path, devices)?.filter(|_| !known) {
                found.siblings.insert(stat.identity, kin.into());
            }
        }
        // One file behind many names, of which one is a tool's, is no sibling.
        let Self { installed, siblings, .. } = &mut found;
        siblings.retain(|file, _| !installed.contains_key(file));
        Ok(found)
    }

    fn add(
        &mut self,
        tools: claw_classify::Tools<'_>,
        tool: Governed<'_>,
        path: &Path,
        stat: &Stat,
        names: &HashMap<u64, Vec<Vec<u8>>>,
    ) -> Result<(), Errno> {
        let known = self.installed.entry(stat.identity).or_default();
        if !known.contains(&tool.to_name()) {
            known.push(tool.to_name());
        }
        let Ok(target) = std::fs::canonicalize(path) else { return Ok(()) };
        let goes_by = |name: &[u8]| matches!(tools.meant(&[name]), Meant::Tool(known) if known.name() == tool.name());
        // One file with the names of many programs is told apart by its name only.
        let many = || {
            let names = names.get(&stat.identity.ino);
            names.is_some_and(|names| names.iter().any(|name| !goes_by(name)))
        };
        let own = last_name(target.as_os_str().as_encoded_bytes());
        if goes_by(own) && unless_short(is_native(&target))? == Some(true) && !many() {
            let same_size = self.originals.entry(stat.size).or_default();
            if !same_size.iter().any(|(other, _)| *other == target) {
                same_size.push((target, tool.to_name()));
            }
        }
        Ok(())
    }
}

/// A file that can be executed.
///
/// # Errors
/// A shortage.
fn looked_at(path: &Path, devices: &Devices) -> Result<Option<Stat>, Errno> {
    let looked_at = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .and_then(|file| devices.stat(file.as_fd(), rustix::process::getpid()));
    Ok(unless_short(looked_at)?.filter(|stat| stat.regular && stat.mode & 0o111 != 0))
}

/// The programs that only the tools next to them tell of, each with the tool that stands for it: those in the packages
/// of `tools`, and those that begin with a tool's name and a separator.
fn kin(
    tools: &[(PathBuf, &'static str)],
    programs: &[(PathBuf, u64)],
) -> Vec<(PathBuf, &'static str)> {
    let mut found = Vec::new();
    for (tool, kin) in tools {
        let name = tool.as_os_str().as_encoded_bytes();
        let beside = programs.iter().filter(|(path, _)| {
            let rest = path.as_os_str().as_encoded_bytes().strip_prefix(name);
            // A name of one or two letters begins too many others.
            let long = last_name(name).len() > 2;
            long && rest.is_some_and(|rest| matches!(rest.first(), Some(b'-' | b'_' | b'.')))
        });
        found.extend(beside.map(|(path, _)| (path.clone(), *kin)));
    }
    for list in std::fs::read_dir(PACKAGES).into_iter().flatten().flatten() {
        let path = list.path();
        if path.extension().is_none_or(|end| end != "list") {
            continue;
        }
        let Ok(files) = std::fs::read_to_string(&path) else { continue };
        let is_program = |path: &&str| path.contains("bin/");
        let of_tool = |path: &str| tools.iter().find(|(tool, _)| tool == Path::new(path));
        let Some((_, kin)) = files.lines().filter(is_program).find_map(of_tool) else { continue };
        let folder = |path: &&str| {
            let folder = Path::new(path).parent().and_then(Path::file_name);
            folder.is_some_and(|folder| folder == "bin" || folder == "sbin")
        };
        found.extend(files.lines().filter(folder).map(|path| (PathBuf::from(path), *kin)));
    }
    found
}

/// Whether a tool's actions are governed. Everyday programs are known by name alone.
fn is_governed(tool: Governed<'_>) -> bool {
    tool.domains().iter().any(DomainRef::governed)
}

/// What stands in the folders where programs are installed, with its inode number.
fn programs() -> Vec<(PathBuf, u64)> {
    use std::os::unix::fs::DirEntryExt;
    let mut found = Vec::new();
    for folder in folders() {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        found.extend(entries.map(|entry| (entry.path(), entry.ino())));
    }
    found
}

/// The names that files have, by inode number; symbolic links are files of their own.
fn names_of_inodes(programs: &[(PathBuf, u64)]) -> HashMap<u64, Vec<Vec<u8>>> {
    let mut names = HashMap::<u64, Vec<Vec<u8>>>::new();
    for (path, inode) in programs {
        let name = last_name(path.as_os_str().as_encoded_bytes()).to_vec();
        names.entry(*inode).or_default().push(name);
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
    let mut folders: Vec<PathBuf> = FOLDERS.iter().chain(OTHERS).map(PathBuf::from).collect();
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
