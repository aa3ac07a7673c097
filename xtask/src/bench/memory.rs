//! Resident memory of a running `claw`, from /proc (proc_pid_smaps(5), proc_pid_task(5)).

use std::fs;

use anyhow::{Context, Result};

/// Bytes resident in the process that was started as `claw`, and in its children of the same program. What it guards
/// is another program and does not count.
pub(crate) fn of_claw(pid: u32) -> Result<u64> {
    let program = program_of(pid)?;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .context("this kernel does not list the children of a process")?;
    let mut total = resident(pid)?;
    for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
        if program_of(child).is_ok_and(|other| other == program) {
            total += resident(child)?;
        }
    }
    Ok(total)
}

fn program_of(pid: u32) -> Result<std::path::PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).with_context(|| format!("process {pid} has ended"))
}

fn resident(pid: u32) -> Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
        .with_context(|| format!("process {pid} has ended"))?;
    parse_resident(&rollup).context("`/proc/PID/smaps_rollup` has no `Pss`")
}

/// `Pss:      1234 kB` gives bytes: resident pages, each divided among the processes that share it.
fn parse_resident(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_in_bytes() {
        assert_eq!(
            parse_resident("Rss:       4096 kB\nPss:       2048 kB\nPss_Anon:   512 kB\n"),
            Some(2 * 1024 * 1024)
        );
        assert_eq!(parse_resident(""), None);
    }

    #[test]
    fn a_process_has_memory() -> Result<()> {
        assert!(of_claw(std::process::id())? > 0);
        Ok(())
    }
}
