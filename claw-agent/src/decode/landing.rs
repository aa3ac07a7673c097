//! Where the files of a call land: the folders round it, and paths without their links.

use claw_classify::Ground;
use rustix::fs::readlinkat;
use rustix::io::Errno;

use super::Snapshot;
use super::path::{Base, MAX_LINKS, View, split_last};

impl Ground for Snapshot {
    fn start(&self) -> Option<&[u8]> {
        self.start.as_deref()
    }

    fn working_directory(&self) -> Option<&[u8]> {
        let proven = self.working_directory.as_ref().map(|folder| folder.path.as_slice());
        proven.or(self.unproven_directory.as_deref())
    }

    fn real(&self, path: &[u8]) -> Option<Vec<u8>> {
        // At its exec stop a thread has the number of its process.
        landing(View::of(self.process), path.to_vec()).ok()
    }
}

/// The path without links of the file that is written at `path`, which need not exist. A link at its end that leads
/// nowhere is followed: open(2) makes the file that it names.
fn landing(view: View, mut path: Vec<u8>) -> Result<Vec<u8>, Errno> {
    // What comes below `path` and is not there, the innermost first.
    let mut missing: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    let there = loop {
        match view.resolve(Base::Cwd, &path) {
            Ok(found) => break view.path_of(&found.file)?,
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
        let (parent, name) = split_last(&path);
        if matches!(name, b"" | b"." | b"..") {
            return Err(Errno::NOENT);
        }
        let folder = match view.resolve(Base::Cwd, parent) {
            Ok(found) => found.file,
            // Nothing is there, so no links are below it.
            Err(Errno::NOENT) => {
                missing.push(name.to_vec());
                path = parent.to_vec();
                continue;
            }
            Err(error) => return Err(error),
        };
        match readlinkat(&folder, name, Vec::new()) {
            _ if links == MAX_LINKS => return Err(Errno::LOOP),
            Ok(link) if link.as_bytes().starts_with(b"/") => path = link.into_bytes(),
            Ok(link) => path = [&view.path_of(&folder)?, &b"/"[..], link.as_bytes()].concat(),
            Err(Errno::NOENT) => {
                missing.push(name.to_vec());
                break view.path_of(&folder)?;
            }
            Err(error) => return Err(error),
        }
        links += 1;
    };
    let below = missing.into_iter().rev();
    Ok(below.fold(there, |path, name| [&path, &b"/"[..], &name].concat()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_also_where_they_lead_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("its path");
        std::fs::create_dir(real.join("there")).expect("a folder");
        std::fs::write(real.join("there/file"), "").expect("a file");
        symlink(real.join("there"), real.join("folder")).expect("a link");
        symlink("there/file", real.join("file")).expect("a link");
        symlink("folder/missing", real.join("dangling")).expect("a link");
        symlink("loop", real.join("loop")).expect("a link");
        let view = View::of(rustix::process::getpid());
        let land = |name: &str| {
            let path = real.join(name).into_os_string().into_encoded_bytes();
            let found = landing(view, path).map(|path| String::from_utf8(path).expect("UTF-8"));
            found.map(|path| path.replacen(real.to_str().expect("UTF-8"), "", 1))
        };
        for (name, expected) in [
            ("there/file", "/there/file"),
            ("file", "/there/file"),
            ("folder/file", "/there/file"),
            ("folder/new", "/there/new"),
            ("folder/a/b", "/there/a/b"),
            ("dangling", "/there/missing"),
            ("folder/../new", "/new"),
        ] {
            assert_eq!(land(name).as_deref(), Ok(expected), "{name}");
        }
        let deep = "a/".repeat(1500) + "b";
        assert_eq!(land(&deep), Ok(format!("/{deep}")));
        assert_eq!(land("loop"), Err(Errno::LOOP));
        assert_eq!(land("there/file/x"), Err(Errno::NOTDIR));
    }
}
