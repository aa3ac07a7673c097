//! Where cgroups are.

use std::fs;
use std::path::PathBuf;

/// Where cgroup v2 is mounted: beside v1 on hybrid hosts.
///
/// # Panics
/// When it is not.
#[must_use]
pub fn root() -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
    let line =
        mounts.lines().find(|line| line.contains(" - cgroup2 ")).expect("cgroup v2 is mounted");
    line.split(' ').nth(4).expect("a mount point").into()
}
