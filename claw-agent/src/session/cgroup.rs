//! The session's own cgroup: where its processes start, and the means to end all of them at once.
//!
//! It only groups. The guard goes by lineage, so a process that leaves the cgroup stays guarded.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use procfs::process::Process;

/// A cgroup v2 directory made for one session.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
    /// The root of the tree, where the socket-address programs attach.
    pub(crate) root: File,
}

impl Cgroup {
    /// Makes a child of this process's own cgroup.
    ///
    /// # Errors
    /// If there is no cgroup v2 mount, or this process may not make a directory in it.
    pub(crate) fn create(session: &str) -> Result<Self> {
        let me = Process::myself().context("cannot read /proc/self")?;
        let mounts = me.mountinfo().context("cannot read /proc/self/mountinfo")?;
        let mount = mounts
            .into_iter()
            .find(|mount| mount.fs_type == "cgroup2")
            .ok_or_else(|| {
                anyhow!(
                    "no cgroup v2 is mounted; mount one: `mount -t cgroup2 none /sys/fs/cgroup/unified`"
                )
            })?
            .mount_point;
        let groups = me.cgroups().context("cannot read /proc/self/cgroup")?;
        let own = groups
            .into_iter()
            .find(|group| group.hierarchy == 0)
            .map(|group| group.pathname)
            .unwrap_or_default();
        // A cgroup outside this process's cgroup namespace is shown as `/../…`: start at the root.
        let own = own.trim_start_matches('/');
        let parent = if own.starts_with("..") { mount.clone() } else { mount.join(own) };
        let path = parent.join(format!("claw-{session}"));
        fs::create_dir(&path).with_context(|| {
            format!("cannot make the cgroup `{}`; run claw as root", path.display())
        })?;
        let root =
            File::open(&mount).with_context(|| format!("cannot open `{}`", mount.display()))?;
        Ok(Self { path, root })
    }

    /// Moves the calling process into it.
    ///
    /// # Errors
    /// As write(2) to `cgroup.procs`.
    pub(crate) fn join(&self) -> io::Result<()> {
        self.write("cgroup.procs", "0")
    }

    /// Kills every process in it (`cgroup.kill`, Linux 5.14).
    ///
    /// # Errors
    /// As write(2).
    pub(crate) fn kill(&self) -> io::Result<()> {
        self.write("cgroup.kill", "1")
    }

    /// Whether any process is in it or below it.
    pub(crate) fn is_populated(&self) -> bool {
        let events = fs::read_to_string(self.path.join("cgroup.events")).unwrap_or_default();
        events.lines().any(|line| line == "populated 1")
    }

    /// Removes it, and what the session's processes made below it. It stays where it is not empty.
    pub(crate) fn remove(&self) {
        remove(&self.path);
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        File::options().write(true).open(self.path.join(file))?.write_all(text.as_bytes())
    }
}

fn remove(path: &Path) {
    let children = fs::read_dir(path).into_iter().flatten().flatten();
    for child in children.filter(|child| child.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove(&child.path());
    }
    // A directory that is still in use stays.
    let _ = fs::remove_dir(path);
}
