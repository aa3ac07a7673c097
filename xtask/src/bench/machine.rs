//! A description of the machine, without which the figures mean nothing.

use std::fs;

use anyhow::Result;

use crate::command;
use crate::workspace::Workspace;

/// One line: processor, cores, memory, kernel, and the version of claw.
pub(crate) fn describe(workspace: &Workspace) -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cores = std::thread::available_parallelism()?;
    let commit = command::output(workspace.command("git").args(["rev-parse", "--short", "HEAD"]))
        .unwrap_or_else(|_| "no commit".to_owned());
    Ok(format!(
        "{}{}, {cores} cores, {} GiB, Linux {}, claw {}",
        field(&cpu, "model name").unwrap_or("an unnamed processor"),
        if is_virtual(&cpu) { " (virtual machine)" } else { "" },
        gibibytes(&memory).unwrap_or_default(),
        kernel.trim(),
        commit.trim(),
    ))
}

/// The value of `NAME : VALUE`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.split_once(':')?.1.trim()))
}

/// Hypervisors tell their guests by a processor flag.
fn is_virtual(cpuinfo: &str) -> bool {
    field(cpuinfo, "flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"))
}

fn gibibytes(meminfo: &str) -> Option<u64> {
    let kibibytes: u64 = field(meminfo, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes.div_ceil(1024 * 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_read_from_proc() {
        let cpu =
            "processor\t: 0\nmodel name\t: Some CPU @ 2.5GHz\nflags\t\t: fpu hypervisor lahf\n";
        assert_eq!(field(cpu, "model name"), Some("Some CPU @ 2.5GHz"));
        assert!(is_virtual(cpu));
        assert_eq!(gibibytes("MemTotal:       24600000 kB\n"), Some(24));
    }
}
