//! Installing Debian packages with apt-get.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use crate::command;

/// Whether this machine installs software with apt-get.
pub(crate) fn is_here() -> bool {
    Path::new("/etc/debian_version").exists() && command::find("apt-get").is_some()
}

/// Installs packages, showing apt-get's own progress. Package lists are fetched only where apt knows no
/// candidate for one of the packages, or where what it knows is so old that a download fails.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if !geteuid().is_root() {
        bail!(
            "installing packages needs root: run `sudo apt-get install {}`, then this again",
            packages.join(" ")
        );
    }
    let mut fresh = false;
    if !without_candidate(packages)?.is_empty() {
        update()?;
        fresh = true;
        let unknown = without_candidate(packages)?;
        if !unknown.is_empty() {
            bail!(
                "apt has no candidate for `{}`: the archives this project needs are Debian 12's `main` and \
                 `bookworm-security`; see /etc/apt/sources.list.d",
                unknown.join("`, `")
            );
        }
    }
    match install_once(packages) {
        Ok(()) => Ok(()),
        Err(_) if !fresh => {
            update()?;
            install_once(packages)
        }
        Err(error) => Err(error),
    }
}

fn install_once(packages: &[&str]) -> Result<()> {
    let mut apt = apt_get();
    apt.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    command::run(&mut apt)
}

/// Fetches the package lists.
pub(crate) fn update() -> Result<()> {
    let mut apt = apt_get();
    command::run(apt.arg("update")).context("cannot fetch Debian's package lists")
}

fn apt_get() -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "Dpkg::Use-Pty=0", "-q"]);
    apt
}

/// Those packages that apt could not install from what it knows now.
fn without_candidate<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut unknown = Vec::new();
    for &package in packages {
        let mut policy = Command::new("apt-cache");
        let text = command::output(policy.env("LC_ALL", "C").args(["policy", package]))?;
        if !has_candidate(&text) {
            unknown.push(package);
        }
    }
    Ok(unknown)
}

/// Reads the answer of `apt-cache policy`, which is empty for a package that no list names.
fn has_candidate(policy: &str) -> bool {
    let candidate = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "));
    candidate.is_some_and(|version| version != "(none)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_no_list_names_has_no_candidate() {
        assert!(has_candidate("gcc:\n  Installed: (none)\n  Candidate: 4:12.2.0-3\n"));
        assert!(!has_candidate("rustc-web:\n  Installed: (none)\n  Candidate: (none)\n"));
        assert!(!has_candidate(""));
    }
}
