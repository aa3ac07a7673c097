//! The key of the digests that stand for secrets in an audit folder.
//!
//! Equal secrets have equal digests within one folder, so that a reader can tell that the same password was
//! used twice. Without the key nobody can try out passwords against a digest. The key therefore stays in its
//! file and in the memory of the supervisor, which no guarded process can read.
//!
//! The file is created at first use, readable by its owner alone. It appears whole or not at all: sessions
//! that start at once each write a key under a name of their own and link it to the common name, and the
//! first link counts.
//!
//! Known gap: at the level `held` the command runs as the user who owns the file, and can read it.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, hard_link, remove_file};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use claw_common::hash::{self, of_parts};

/// The name of the file in the folder of the audit.
const NAME: &str = "secrets.key";
/// Its length in bytes.
const LENGTH: usize = 16;

/// The key of one audit folder.
#[derive(Clone, Copy)]
pub(super) struct Key(hash::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

impl Key {
    /// A well-known key for measuring the length of records: digests have the same length under every key.
    pub(super) const TO_MEASURE: Self = Self(hash::Key([0; 2]));

    /// The key of `folder`, made if there is none; `name` tells this session from others that start at the
    /// same time.
    ///
    /// # Errors
    /// As open(2), write(2) and link(2), or an error if another user owns the file or can read it.
    pub(super) fn of(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(NAME);
        match read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => make(folder, &path, name)?,
            known => return known,
        }
        read(&path)
    }

    /// Eight hexadecimal digits that are the same for equal values.
    pub(super) fn digest(self, value: &[u8]) -> String {
        let (hash, _) = of_parts(self.0, [value]);
        format!("{:08x}", hash >> 32)
    }
}

fn read(path: &Path) -> io::Result<Key> {
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let metadata = file.metadata()?;
    let own = metadata.uid() == rustix::process::geteuid().as_raw();
    if !metadata.is_file() || !own || metadata.mode() & 0o077 != 0 {
        return Err(unfit(path, "is not a file that its owner alone can read"));
    }
    let mut halves = [[0; LENGTH / 2]; 2];
    for half in &mut halves {
        file.read_exact(half).map_err(|_| unfit(path, "is too short"))?;
    }
    Ok(Key(hash::Key(halves.map(u64::from_ne_bytes))))
}

fn unfit(path: &Path, what: &str) -> io::Error {
    let path = path.display();
    io::Error::new(
        ErrorKind::InvalidData,
        format!("`{path}` {what}; remove it, and claw makes another"),
    )
}

fn make(folder: &Path, path: &Path, name: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut random = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let own = folder.join(format!("{NAME}.{name}"));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&own)
        .and_then(|mut file| file.write_all(&random).and_then(|()| file.sync_data()))
        .and_then(|()| match hard_link(&own, path) {
            // Another session was first: use its key.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    // The error above is the one to report.
    let _ = remove_file(&own);
    written
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn the_first_key_counts_whoever_makes_it() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = dir.path().join("audit");
        let start = Barrier::new(8);
        let (start, folder) = (&start, &*folder);
        let digests: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    scope.spawn(move || {
                        start.wait();
                        Key::of(folder, &number.to_string()).expect("a key").digest(b"hunter2")
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
        let files: Vec<_> = std::fs::read_dir(folder)
            .expect("there")
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        assert_eq!(files, [NAME], "nothing is left beside it");
        assert_eq!(std::fs::metadata(folder.join(NAME)).expect("there").mode() & 0o777, 0o600);
    }

    #[test]
    fn digests_tell_equal_values_and_folders_apart() {
        let (one, other) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("other"));
        let [one, other] = [one, other].map(|folder| Key::of(folder.path(), "a").expect("a key"));
        assert_eq!(one.digest(b"hunter2"), one.digest(b"hunter2"));
        assert_ne!(one.digest(b"hunter2"), one.digest(b"hunter3"));
        assert_ne!(one.digest(b"hunter2"), other.digest(b"hunter2"));
        assert_eq!(one.digest(b"").len(), 8);
    }

    #[test]
    fn a_key_that_others_could_know_is_refused() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join(NAME);
        Key::of(dir.path(), "a").expect("a key");
        let refused = || {
            let error = Key::of(dir.path(), "a").expect_err("unfit").to_string();
            error.replace(path.to_str().expect("UTF-8"), "KEY")
        };
        set_permissions(&path, Permissions::from_mode(0o640)).expect("changed");
        assert_eq!(
            refused(),
            "`KEY` is not a file that its owner alone can read; remove it, and claw makes another"
        );
        std::fs::write(&path, b"short").expect("written");
        set_permissions(&path, Permissions::from_mode(0o600)).expect("changed");
        assert_eq!(refused(), "`KEY` is too short; remove it, and claw makes another");
        std::fs::rename(&path, dir.path().join("elsewhere")).expect("moved");
        std::os::unix::fs::symlink("elsewhere", &path).expect("linked");
        assert!(refused().contains("symbolic link"), "{}", refused());
    }

    #[test]
    fn a_key_does_not_print() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let key = Key::of(dir.path(), "a").expect("a key");
        assert_eq!(format!("{key:?}"), "Key(***)");
    }
}
