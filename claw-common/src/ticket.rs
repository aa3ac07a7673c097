//! The ticket: the supervisor writes down what it judged, and the kernel proof compares the new image with
//! it.

/// The image that must run after an exec. If another one does, the process is killed before its first
/// instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// [`crate::hash`] over the new image's argument area, and its environment if [`Ticket::with_env`] is
    /// set.
    pub hash: u64,
    /// Bytes of the hashed area.
    pub len: u64,
    /// Bytes of the argument area alone, so that an argument cannot pass for a variable.
    pub arg_len: u64,
    /// The inode number of the file that must be running.
    pub ino: u64,
    /// Its super block's device in the kernel's own encoding; see [`device`].
    pub dev: u32,
    /// Whether the environment is part of the hashed area.
    pub with_env: bool,
    /// Whether the new image's memory is closed to other guarded processes.
    pub sealed: bool,
    /// Whether the new image must have a certain [`WorkingDirectory`], for itself alone.
    pub with_directory: bool,
}

/// The identity of a directory, and the mount it was reached through: from another mount, `..` leads
/// elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkingDirectory {
    /// The inode number.
    pub ino: u64,
    /// Its super block's device in the kernel's own encoding; see [`device`].
    pub dev: u32,
    /// The id of its mount, as mountinfo shows it: `mnt_id` of `struct mount`.
    pub mount: u32,
}

/// Where the flags are in a ticket's fifth word; the device is below.
const WITH_ENV: u64 = 1 << 32;
const SEALED: u64 = 1 << 33;
const WITH_DIRECTORY: u64 = 1 << 34;

/// How many tickets can be out at once: one for each thread that is between its answer and its new image, or
/// whose last exec failed by itself.
pub const TICKETS_AT_ONCE: u32 = 16 << 10;

/// Words of a ticket in the map.
pub const TICKET_WORDS: usize = 7;

impl Ticket {
    /// The map's form, with the directory that [`Ticket::with_directory`] speaks of.
    #[must_use]
    pub const fn to_words(self, directory: Option<WorkingDirectory>) -> [u64; TICKET_WORDS] {
        let with_env = if self.with_env { WITH_ENV } else { 0 };
        let sealed = if self.sealed { SEALED } else { 0 };
        let (with_directory, [number, reached]) = match directory {
            Some(directory) => (WITH_DIRECTORY, directory.to_words()),
            None => (0, [0, 0]),
        };
        let flags = self.dev as u64 | with_env | sealed | with_directory;
        [self.hash, self.len, self.arg_len, self.ino, flags, number, reached]
    }

    /// From the map's form. The directory is not copied: the kernel side has little stack, and
    /// [`WorkingDirectory::from_words`] reads it.
    #[inline(always)]
    #[must_use]
    pub const fn from_words(words: &[u64; TICKET_WORDS]) -> Self {
        let [hash, len, arg_len, ino, flags, ..] = *words;
        Self {
            hash,
            len,
            arg_len,
            ino,
            dev: flags as u32,
            with_env: flags & WITH_ENV != 0,
            sealed: flags & SEALED != 0,
            with_directory: flags & WITH_DIRECTORY != 0,
        }
    }
}

impl WorkingDirectory {
    const fn to_words(self) -> [u64; 2] {
        [self.ino, (self.mount as u64) << 32 | self.dev as u64]
    }

    /// That of a ticket in the map's form.
    #[inline(always)]
    #[must_use]
    pub const fn from_words(words: &[u64; TICKET_WORDS]) -> Self {
        let [.., ino, reached] = *words;
        Self { ino, dev: reached as u32, mount: (reached >> 32) as u32 }
    }
}

/// The kernel's encoding of a device number, `MKDEV` in include/linux/kdev_t.h: 12 bits of major,
/// 20 bits of minor.
#[inline(always)]
#[must_use]
pub const fn device(major: u32, minor: u32) -> u32 {
    major << 20 | minor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_every_field() {
        let directory =
            WorkingDirectory { ino: u64::MAX - 2, dev: device(8, 1), mount: u32::MAX - 3 };
        for (with_env, sealed, with_directory) in
            [(false, false, false), (false, true, true), (true, false, true), (true, true, false)]
        {
            let ticket = Ticket {
                hash: u64::MAX - 1,
                len: 3,
                arg_len: 2,
                ino: 1 << 40,
                dev: device(254, 0xf_ffff),
                with_env,
                sealed,
                with_directory,
            };
            let words = ticket.to_words(with_directory.then_some(directory));
            assert_eq!(Ticket::from_words(&words), ticket);
            assert_eq!(WorkingDirectory::from_words(&words) == directory, with_directory);
        }
    }
}
