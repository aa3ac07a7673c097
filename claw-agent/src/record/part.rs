//! One numbered file of the audit, with disk space reserved for records that are on their way.
//!
//! The reserve keeps the promise that nothing runs unrecorded: claw refuses calls as soon as it can reserve
//! no more, and the calls already let through still have their space. Known gap: on a file system that cannot
//! reserve space (fallocate(2)), claw notices a full disk only when a write fails, and the records of that
//! moment wait in memory.

use std::fs::{DirBuilder, File, OpenOptions, remove_file};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::{Errno, retry_on_intr};

use super::Settings;

/// The least reserve in bytes, on top of that for connections, and how many bytes are reserved at a time.
const LEAST: u64 = 512 << 10;
const MORE: u64 = 512 << 10;
/// How many bytes are written at once while records keep coming.
pub(super) const PENDING: usize = 64 << 10;
/// How often a disk that took nothing is tried again.
pub(super) const RETRY: Duration = Duration::from_millis(200);

/// Whether there is room for more records; shared with the threads that decide.
#[derive(Debug, Default)]
pub(super) struct Room {
    short: AtomicBool,
    /// Why there was no room, the first time.
    why: OnceLock<String>,
    /// How many calls were refused for lack of room and are not recorded yet.
    pub(super) refused: AtomicU64,
}

impl Room {
    /// Whether calls that would be recorded must be refused.
    pub(super) fn is_short(&self) -> bool {
        self.short.load(Ordering::Relaxed)
    }

    /// Why calls had to be refused, if they ever had.
    pub(super) fn why(&self) -> Option<&str> {
        self.why.get().map(String::as_str)
    }

    fn lacks(&self, error: &io::Error) {
        if !self.short.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the audit cannot be written; every call that would be recorded fails");
            self.why.get_or_init(|| error.to_string());
        }
    }
}

/// One file.
pub(super) struct Part {
    file: File,
    number: u32,
    /// The file's length once everything is written, in bytes.
    bytes: u64,
    /// Where the reserved space ends, in bytes.
    room_until: u64,
    /// Reserve more when fewer than this many bytes are left.
    least: u64,
    /// Bytes that are not written yet.
    pending: Vec<u8>,
    room: Arc<Room>,
}

impl Part {
    /// Creates the file and reserves space.
    ///
    /// # Errors
    /// As open(2) and fallocate(2); no file is left then.
    pub(super) fn open(settings: &Settings, number: u32, room: Arc<Room>) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&settings.folder)?;
        let path = settings.folder.join(format!("{}.{number:04}.jsonl", settings.session));
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        let least = LEAST + settings.for_connections;
        let pending = Vec::new();
        let mut part = Self { file, number, bytes: 0, room_until: 0, least, pending, room };
        match part.set_aside() {
            Ok(()) => Ok(part),
            Err(error) => {
                // The first error is the one to report.
                let _ = remove_file(path);
                Err(error)
            }
        }
    }

    /// Takes a line; opens the next part first if this one is full.
    pub(super) fn take(&mut self, settings: &Settings, line: &[u8]) {
        if self.bytes > 0 && self.bytes + line.len() as u64 > settings.part_bytes && self.flush() {
            // If the next part cannot be opened, keep writing to this one and try again at the next record.
            if let Ok(next) = Self::open(settings, self.number + 1, Arc::clone(&self.room)) {
                self.close();
                *self = next;
            }
        }
        self.pending.extend_from_slice(line);
        self.bytes += line.len() as u64;
        if self.pending.len() >= PENDING {
            self.flush();
        }
    }

    /// Whether another line can be taken. While the disk accepts nothing, records must not pile up in memory.
    pub(super) fn takes_more(&self) -> bool {
        self.pending.len() < PENDING
    }

    /// Writes pending bytes and reserves space for more. `false` if some bytes are still pending.
    pub(super) fn flush(&mut self) -> bool {
        if self.pending.is_empty() && !self.room.is_short() {
            return true;
        }
        match self.write_out().and_then(|()| self.set_aside()) {
            Ok(()) => self.room.short.store(false, Ordering::Relaxed),
            Err(error) => self.room.lacks(&error),
        }
        self.pending.is_empty()
    }

    /// Writes everything, waiting as long as it takes for disk space, and releases the unused reserve.
    pub(super) fn settle(&mut self) {
        while !self.flush() {
            std::thread::sleep(RETRY);
        }
        self.close();
    }

    fn close(&mut self) {
        if let Err(error) = self.file.set_len(self.bytes).and_then(|()| self.file.sync_data()) {
            tracing::error!(%error, "cannot sync the audit file");
        }
        self.room_until = 0;
    }

    fn write_out(&mut self) -> io::Result<()> {
        while !self.pending.is_empty() {
            match self.file.write(&self.pending) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => drop(self.pending.drain(..written)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        let written = self.bytes - self.pending.len() as u64;
        if self.room_until.checked_sub(written).is_some_and(|left| left >= self.least) {
            return Ok(());
        }
        let keep = FallocateFlags::KEEP_SIZE;
        let room = self.least + MORE;
        match retry_on_intr(|| fallocate(&self.file, keep, written, room)) {
            Ok(()) => self.room_until = written + room,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.room_until = u64::MAX,
            Err(errno) => return Err(errno.into()),
        }
        Ok(())
    }
}
