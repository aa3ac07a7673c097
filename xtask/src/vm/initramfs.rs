//! The archive that the kernel unpacks as its first root: this program with its libraries, modules, and the job.
//!
//! Format: "newc" of cpio(5), Documentation/driver-api/early-userspace/buffer-format.rst.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::guest::{self, Job};
use super::kernel::Kernel;
use crate::command;

/// `S_IFDIR` and `S_IFREG` of inode(7), with the permissions that everything here has.
const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_755;

/// Writes the archive.
pub(super) fn write(path: &Path, kernel: &Kernel, job: &Job) -> Result<()> {
    let file = fs::File::create(path).context("cannot make the initramfs")?;
    let mut archive = Archive { out: BufWriter::new(file), entries: 0, folders: BTreeSet::new() };
    for folder in guest::FOLDERS {
        archive.folder(Path::new(folder))?;
    }
    let program = env::current_exe().context("cannot find the path of xtask itself")?;
    archive.copy(&program, Path::new(guest::PROGRAM))?;
    for library in libraries(&program)? {
        archive.copy(&library, &library)?;
    }
    for module in &kernel.modules {
        let name = module.file_name().context("a module has a name")?;
        archive.copy(module, &Path::new(guest::MODULES).join(name))?;
    }
    archive.file(Path::new(guest::JOB), &job.to_bytes()?)?;
    archive.finish()
}

/// The loader and the shared libraries of a program, as ldd(1) lists them.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let listing = command::output(Command::new("ldd").arg(program))?;
    let mut found = Vec::new();
    for line in listing.lines() {
        // `libc.so.6 => /lib/…/libc.so.6 (0x…)`, or the loader's path alone.
        let path = line.split_whitespace().find(|word| word.starts_with('/'));
        found.extend(path.map(PathBuf::from));
    }
    Ok(found)
}

/// An archive under way.
struct Archive<W> {
    out: W,
    entries: u32,
    folders: BTreeSet<PathBuf>,
}

impl<W: Write> Archive<W> {
    fn copy(&mut self, from: &Path, to: &Path) -> Result<()> {
        let bytes = fs::read(from).with_context(|| format!("cannot read `{}`", from.display()))?;
        self.file(to, &bytes)
    }

    fn file(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        if let Some(parent) = path.parent() {
            self.folder(parent)?;
        }
        self.entry(FILE, path, bytes)
    }

    /// A folder and those above it, each once.
    fn folder(&mut self, path: &Path) -> Result<()> {
        let mut above: Vec<_> = path.ancestors().filter(|path| path.parent().is_some()).collect();
        above.reverse();
        for folder in above {
            if self.folders.insert(folder.to_owned()) {
                self.entry(FOLDER, folder, &[])?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        self.entry(0, Path::new("TRAILER!!!"), &[])?;
        Ok(self.out.flush()?)
    }

    fn entry(&mut self, mode: u32, path: &Path, bytes: &[u8]) -> Result<()> {
        let name = path.strip_prefix("/").unwrap_or(path).as_os_str().as_bytes();
        self.entries += 1;
        let size = u32::try_from(bytes.len()).context("too large for an initramfs")?;
        let length = u32::try_from(name.len() + 1)?;
        // Inode, mode, owner, group, links, time, size, two device numbers twice, length of the name, checksum.
        let head = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, length, 0];
        let head: String = head.iter().map(|field| format!("{field:08x}")).collect();
        self.padded(format!("070701{head}").as_bytes(), name, &[0])?;
        self.padded(&[], bytes, &[])
    }

    /// Writes three pieces and fills up to a multiple of four.
    fn padded(&mut self, head: &[u8], body: &[u8], tail: &[u8]) -> Result<()> {
        let length = head.len() + body.len() + tail.len();
        for piece in [head, body, tail, &[0; 3][..length.next_multiple_of(4) - length]] {
            self.out.write_all(piece)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_what_cpio_unpacks() -> Result<()> {
        let mut archive = Archive { out: Vec::new(), entries: 0, folders: BTreeSet::new() };
        archive.file(Path::new("/a/b/odd"), b"12345")?;
        archive.file(Path::new("/a/c"), b"")?;
        archive.entry(0, Path::new("TRAILER!!!"), &[])?;
        let bytes = archive.out;
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // Each name once, a folder before its content.
        let places: Vec<_> =
            ["a\0", "a/b\0", "a/b/odd\0", "a/c\0"].iter().map(|name| text.find(name)).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}");
        assert_eq!(text.matches("070701").count(), 5);
        assert!(text.starts_with("07070100000001000041ed"), "{text}");
        Ok(())
    }

    #[test]
    fn this_program_s_loader_is_among_its_libraries() -> Result<()> {
        let found = libraries(&env::current_exe()?)?;
        assert!(found.iter().any(|path| path.to_string_lossy().contains("ld-linux")), "{found:?}");
        Ok(())
    }
}
