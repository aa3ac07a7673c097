//! Whether any process wrote to the memory of a new image before it was sealed.
//!
//! Input: an image at its exec stop that no other process can reach any more. Output: whether its memory is
//! what the kernel built from its files; the stack is compared elsewhere. The kernel maps files privately, so
//! a page that was written to is no longer a page of its file, and pagemap(5) shows that. There are few such
//! pages at this moment, and the content of each is known: the file's up to the end of initialized data and
//! zeros from there, the vDSO's, or zeros for a mapping without a file.
//!
//! Known gap: a page with a uprobe of the host's own counts as written to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use procfs::process::{MMapPath, MemoryMap, Process};
use rustix::param::page_size;
use rustix::process::{Pid, getpid};

use super::error::StopError;

/// Bits of an entry of /proc/PID/pagemap, Documentation/admin-guide/mm/pagemap.rst.
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const OF_FILE: u64 = 1 << 61;

/// How many of them are read at once.
const AT_ONCE: usize = 1024;

/// `PT_LOAD`, and where things stand in an ELF file of 64 bits: elf(5).
const PT_LOAD: u32 = 1;
const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;

/// Makes sure that this process may open the files behind a mapping, even those it may not read by name.
///
/// # Errors
/// EPERM without CAP_CHECKPOINT_RESTORE and CAP_SYS_ADMIN.
pub(crate) fn may_check() -> io::Result<()> {
    let maps = Process::myself().and_then(|own| own.maps()).map_err(io::Error::other)?;
    let of_file = maps.into_iter().find(|map| matches!(map.pathname, MMapPath::Path(_)));
    let map = of_file.ok_or_else(|| io::Error::other("this process has no file mapped"))?;
    File::open(behind(getpid(), &map)).map(drop)
}

/// The path of the mapped file itself in procfs, even if another file has its name by now.
fn behind(process: Pid, map: &MemoryMap) -> String {
    let (from, to) = map.address;
    format!("/proc/{}/map_files/{from:x}-{to:x}", process.as_raw_nonzero())
}

/// Compares every page that is no longer a page of its file with its expected content.
///
/// # Errors
/// [`StopError::Written`] with the address of a page that differs.
pub(super) fn check(tid: Pid, memory: &File) -> Result<(), StopError> {
    let process = Process::new(tid.as_raw_nonzero().get()).map_err(io::Error::other)?;
    let pagemap = File::open(format!("/proc/{}/pagemap", tid.as_raw_nonzero()))?;
    for map in process.maps().map_err(io::Error::other)? {
        match &map.pathname {
            // The stack is compared with what was judged.
            MMapPath::Stack => continue,
            // No process can write to these.
            MMapPath::Vvar | MMapPath::Vsyscall => continue,
            MMapPath::Other(name) if name.starts_with("vvar") => continue,
            _ => {}
        }
        let written = written(&pagemap, &map)?;
        if written.is_empty() {
            continue;
        }
        let backing = match &map.pathname {
            MMapPath::Vdso => Backing::Vdso,
            MMapPath::Path(_) => Backing::File(Image::open(&behind(tid, &map))?),
            _ => Backing::Nothing,
        };
        let mut page = vec![0; page_size()];
        for at in written {
            memory.read_exact_at(&mut page, at)?;
            if !backing.may_hold(&page, at - map.address.0, map.offset)? {
                return Err(StopError::Written(at));
            }
        }
    }
    Ok(())
}

/// The addresses of present pages of a mapping that do not belong to its file. A file may claim any size, so
/// the entries are read in parts.
fn written(pagemap: &File, map: &MemoryMap) -> io::Result<Vec<u64>> {
    let size = page_size() as u64;
    let (from, to) = map.address;
    let mut written = Vec::new();
    let mut entries = [0; 8 * AT_ONCE];
    for part in (from..to).step_by(AT_ONCE * page_size()) {
        let count = AT_ONCE.min(((to - part) / size) as usize);
        let entries = &mut entries[..8 * count];
        pagemap.read_exact_at(entries, 8 * (part / size))?;
        for (at, entry) in (part..).step_by(page_size()).zip(entries.chunks_exact(8)) {
            let entry = u64::from_ne_bytes(array(entry, 0));
            if entry & (PRESENT | SWAPPED) != 0 && entry & OF_FILE == 0 {
                written.push(at);
            }
        }
    }
    Ok(written)
}

/// The initial content of a mapping's pages.
enum Backing {
    File(Image),
    /// The kernel's own code for programs, the same for all of them.
    Vdso,
    Nothing,
}

impl Backing {
    /// Whether `page` can be the kernel's work. It is `distance` bytes into its mapping, which starts
    /// `offset` bytes into the file.
    fn may_hold(&self, page: &[u8], distance: u64, offset: u64) -> Result<bool, StopError> {
        let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        Ok(match self {
            Self::Nothing => is_zero(page),
            Self::Vdso => {
                let own = vdso()?;
                own.get(distance as usize..).and_then(|own| own.get(..page.len())) == Some(page)
            }
            Self::File(image) => {
                let at = offset + distance;
                let mut expected = vec![0; page.len()];
                read_up_to_end(&image.file, &mut expected, at)?;
                let data = image
                    .ends
                    .iter()
                    .filter_map(|end| end.checked_sub(at))
                    .find(|length| *length < page.len() as u64);
                // Some kernels do not clear every tail, so the file's bytes are accepted there too.
                let cleared = data.is_some_and(|data| {
                    let data = data as usize;
                    page[..data] == expected[..data] && is_zero(&page[data..])
                });
                cleared || page == expected
            }
        })
    }
}

/// An ELF file that is mapped into the image.
struct Image {
    file: File,
    /// The file offsets where initialized data ends and uninitialized data follows: the kernel clears the
    /// rest of that page.
    ends: Vec<u64>,
}

impl Image {
    fn open(path: &str) -> Result<Self, StopError> {
        let file = File::open(path)?;
        let mut header = [0; HEADER];
        read_up_to_end(&file, &mut header, 0)?;
        let (at, count) = (long(&header, 32), short(&header, 56));
        let mut table = vec![0; PROGRAM_HEADER * usize::from(count)];
        read_up_to_end(&file, &mut table, at)?;
        let ends = table
            .chunks_exact(PROGRAM_HEADER)
            .filter(|entry| word(entry, 0) == PT_LOAD && long(entry, 40) > long(entry, 32))
            .map(|entry| long(entry, 8).saturating_add(long(entry, 32)))
            .collect();
        Ok(Self { file, ends })
    }
}

/// This process's own vDSO.
fn vdso() -> Result<&'static [u8], StopError> {
    static OWN: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(own) = OWN.get() {
        return Ok(own);
    }
    let maps = Process::myself().and_then(|own| own.maps()).map_err(io::Error::other)?;
    let map = maps.into_iter().find(|map| map.pathname == MMapPath::Vdso);
    let (from, to) = map.ok_or(StopError::Malformed)?.address;
    let mut bytes = vec![0; (to - from) as usize];
    File::open("/proc/self/mem")?.read_exact_at(&mut bytes, from)?;
    Ok(OWN.get_or_init(|| bytes))
}

/// Fills `bytes` as far as the file reaches.
fn read_up_to_end(file: &File, bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(read) => {
                rest = &mut rest[read..];
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}
