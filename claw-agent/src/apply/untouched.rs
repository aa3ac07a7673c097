//! Whether anybody has written to the memory of a new image before it was sealed.
//!
//! Input: an image at its exec stop that nobody else can reach any more. Output: that its memory is what the kernel made
//! of its files; its stack is compared apart. The kernel maps files privately: a page that was written to since has left
//! its file, which pagemap(5) tells. There are few of those at this moment, and each has an expected content: its file's
//! up to the end of initialized data and zeros from there, the vDSO's, or zeros where there is no file.
//!
//! Known gap: a page that a uprobe of the host's own was put into is taken for one that was written to.

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

/// Makes sure that this process may look at the files behind a mapping, whoever may read them by name.
///
/// # Errors
/// EPERM without CAP_CHECKPOINT_RESTORE and CAP_SYS_ADMIN.
pub(crate) fn may_check() -> io::Result<()> {
    let maps = Process::myself().and_then(|own| own.maps()).map_err(io::Error::other)?;
    let of_file = maps.into_iter().find(|map| matches!(map.pathname, MMapPath::Path(_)));
    let map = of_file.ok_or_else(|| io::Error::other("this process has no file mapped"))?;
    File::open(behind(getpid(), &map)).map(drop)
}

/// The file behind a mapping, whatever has its name by now.
fn behind(process: Pid, map: &MemoryMap) -> String {
    let (from, to) = map.address;
    format!("/proc/{}/map_files/{from:x}-{to:x}", process.as_raw_nonzero())
}

/// Compares every page that has left its file with what it must hold.
///
/// # Errors
/// [`StopError::Written`] with the address of one that holds something else.
pub(super) fn check(tid: Pid, memory: &File) -> Result<(), StopError> {
    let process = Process::new(tid.as_raw_nonzero().get()).map_err(io::Error::other)?;
    let pagemap = File::open(format!("/proc/{}/pagemap", tid.as_raw_nonzero()))?;
    for map in process.maps().map_err(io::Error::other)? {
        match &map.pathname {
            // Compared with what was judged.
            MMapPath::Stack => continue,
            // The kernel lets nobody write to these.
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

/// The addresses of the pages of a mapping that are there and not of its file. A file may claim to be as large as it
/// likes, so its entries are read a part at a time.
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

/// What a mapping's pages begin as.
enum Backing {
    File(Image),
    /// The kernel's own code for programs, the same for all of them.
    Vdso,
    Nothing,
}

impl Backing {
    /// Whether the kernel may have made `page`, which stands `distance` behind the beginning of its mapping; that begins
    /// `offset` behind the beginning of the file.
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
                // Not every kernel clears every tail.
                let cleared = data.is_some_and(|data| {
                    let data = data as usize;
                    page[..data] == expected[..data] && is_zero(&page[data..])
                });
                cleared || page == expected
            }
        })
    }
}

/// A file that a program is made of.
struct Image {
    file: File,
    /// Where in it initialized data ends that others follow: the kernel clears the rest of that page.
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

/// Fills what the file reaches of `bytes`.
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
