//! What the kernel and this machine must offer for the end-to-end and race suites to mean anything.

use std::fs;
use std::path::Path;

use rustix::process::geteuid;

/// One thing that the suites require.
#[derive(Debug)]
struct Capability {
    what: &'static str,
    is_there: fn() -> bool,
}

const CAPABILITIES: &[Capability] = &[
    Capability { what: "root", is_there: || geteuid().is_root() },
    Capability {
        what: "a cgroup v2 mount",
        is_there: || {
            fs::read_to_string("/proc/self/mountinfo").is_ok_and(|text| has_cgroup2(&text))
        },
    },
    Capability {
        what: "the kernel's type information, /sys/kernel/btf/vmlinux",
        is_there: || Path::new("/sys/kernel/btf/vmlinux").exists(),
    },
    Capability {
        what: "seccomp user notification (Linux 5.0)",
        is_there: || {
            fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").is_ok_and(|actions| {
                actions.split_whitespace().any(|action| action == "user_notif")
            })
        },
    },
];

/// What this machine lacks.
pub(crate) fn missing() -> Vec<&'static str> {
    let lacking = CAPABILITIES.iter().filter(|capability| !(capability.is_there)());
    lacking.map(|capability| capability.what).collect()
}

/// Whether a cgroup v2 hierarchy is mounted anywhere, beside version 1 or alone (proc_pid_mountinfo(5): the file
/// system type follows the separator).
fn has_cgroup2(mountinfo: &str) -> bool {
    let kind = |line: &str| Some(line.split_once(" - ")?.1.starts_with("cgroup2 "));
    mountinfo.lines().any(|line| kind(line).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_mount_counts_and_version_1_alone_does_not() {
        let first = "30 25 0:26 / /sys/fs/cgroup/cpu rw,nosuid - cgroup cgroup rw,cpu\n";
        let unified = "31 25 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw\n";
        assert!(!has_cgroup2(first));
        assert!(has_cgroup2(&format!("{first}{unified}")));
    }
}
