//! `cargo xtask install`: the one binary, its symbols, its manual pages and completions, and the policies it comes
//! with.
//!
//! `ROOT/bin/claw`, stripped; `ROOT/bin/.debug/claw.debug`, where gdb(1) finds its symbols by itself;
//! `ROOT/share/man/man1`, the folders where bash, zsh and fish look for completions, and
//! `ROOT/share/claw/policies/*.toml`. The policies are examples to start from, so they go to
//! `share` and are replaced by the next installation; a policy in force belongs elsewhere, under its owner's care.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use crate::command;
use crate::reference::Reference;
use crate::report;
use crate::workspace::Workspace;

/// Where each shell looks for completions below `share`, and the file that `clap_complete` writes for it.
const COMPLETIONS: [(&str, &str); 3] = [
    ("claw.bash", "bash-completion/completions/claw"),
    ("_claw", "zsh/site-functions/_claw"),
    ("claw.fish", "fish/vendor_completions.d/claw.fish"),
];

/// Installs the release build and its `reference` below `root`.
pub(crate) fn install(workspace: &Workspace, reference: &Reference, root: &Path) -> Result<()> {
    let folder = tempfile::tempdir_in(&workspace.target)?;
    let parts = part(&workspace.claw(), folder.path())?;
    put(&parts, &workspace.path("policies"), reference, root)
}

/// A program without its symbols, and its symbols.
struct Parts {
    program: PathBuf,
    symbols: PathBuf,
}

/// Splits a program and its symbols into two files in `folder`. The program names the file with its symbols.
fn part(claw: &Path, folder: &Path) -> Result<Parts> {
    let (program, symbols) = (folder.join("claw"), folder.join("claw.debug"));
    let objcopy = |options: &[&str], from: &Path, to: &Path| {
        let mut objcopy = Command::new("objcopy");
        // objcopy resolves the link to the symbols from the current folder.
        command::run(objcopy.current_dir(folder).args(options).arg(from).arg(to))
    };
    objcopy(&["--only-keep-debug"], claw, &symbols)?;
    objcopy(&["--strip-all", "--add-gnu-debuglink=claw.debug"], claw, &program)?;
    Ok(Parts { program, symbols })
}

/// Copies the parts, the policies and the `reference` below `root`. Each file appears whole or not at all, so a
/// `claw` that is being started meanwhile is the old one or the new one. The symbols come first: they fit one
/// program alone.
fn put(parts: &Parts, policies: &Path, reference: &Reference, root: &Path) -> Result<()> {
    place(&parts.symbols, &root.join("bin/.debug/claw.debug"), 0o644)?;
    place(&parts.program, &root.join("bin/claw"), 0o755)?;
    let share = root.join("share");
    place_all(policies, "toml", &share.join("claw/policies"))?;
    place_all(&reference.man, "1", &share.join("man/man1"))?;
    for (made, installed) in COMPLETIONS {
        place(&reference.completions.join(made), &share.join(installed), 0o644)?;
    }
    Ok(())
}

/// Copies the files of a folder that have this extension.
fn place_all(folder: &Path, extension: &str, to: &Path) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if let Some(name) = path.file_name()
            && path.extension().is_some_and(|its| its == extension)
        {
            place(&path, &to.join(name), 0o644)?;
        }
    }
    Ok(())
}

/// Copies one file to its place through a temporary file next to it.
fn place(from: &Path, to: &Path, mode: u32) -> Result<()> {
    copy(from, to, mode).with_context(|| {
        format!("cannot install `{}`; run this as a user who may write there", to.display())
    })?;
    report::step("install", &to.display().to_string());
    Ok(())
}

fn copy(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    let folder = to.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut partial = NamedTempFile::new_in(folder)?;
    io::copy(&mut File::open(from)?, partial.as_file_mut())?;
    partial.as_file().set_permissions(Permissions::from_mode(mode))?;
    partial.as_file().sync_all()?;
    partial.persist(to)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_copied_to_its_place_and_only_the_binary_is_executable() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (program, symbols) = (folder.path().join("built"), folder.path().join("symbols"));
        let policies = folder.path().join("policies");
        fs::write(&program, b"new")?;
        fs::write(&symbols, b"symbols")?;
        fs::create_dir(&policies)?;
        fs::write(policies.join("starter.toml"), b"version = 1")?;
        fs::write(policies.join("README.md"), b"not a policy")?;
        let reference = Reference::below(folder.path())?;
        fs::write(reference.man.join("claw.1"), b"page")?;
        for (made, _) in COMPLETIONS {
            fs::write(reference.completions.join(made), made)?;
        }
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("bin"))?;
        fs::write(root.join("bin/claw"), b"old")?;

        put(&Parts { program, symbols }, &policies, &reference, &root)?;

        let installed = root.join("bin/claw");
        assert_eq!(fs::read(&installed)?, b"new");
        assert_eq!(installed.metadata()?.permissions().mode() & 0o777, 0o755);
        let shared = root.join("share/claw/policies");
        assert_eq!(fs::read(shared.join("starter.toml"))?, b"version = 1");
        assert_eq!(fs::read_dir(shared)?.count(), 1);
        assert_eq!(fs::read(root.join("share/man/man1/claw.1"))?, b"page");
        for (made, installed) in COMPLETIONS {
            assert_eq!(fs::read(root.join("share").join(installed))?, made.as_bytes());
        }
        assert_eq!(fs::read(root.join("bin/.debug/claw.debug"))?, b"symbols");
        assert_eq!(fs::read_dir(root.join("bin"))?.count(), 2, "a partial file is left behind");
        Ok(())
    }

    #[test]
    fn what_is_installed_is_small_and_names_its_symbols() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let whole = std::env::current_exe()?;
        let parts = part(&whole, folder.path())?;
        let sections = |file: &Path| command::output(Command::new("objdump").arg("-h").arg(file));
        assert!(sections(&whole)?.contains(".debug_line"), "the control has symbols");
        let program = sections(&parts.program)?;
        assert!(program.contains(".gnu_debuglink") && !program.contains(".debug_line"));
        assert!(sections(&parts.symbols)?.contains(".debug_line"));
        assert!(fs::metadata(&parts.program)?.len() < fs::metadata(&whole)?.len() / 2);
        Ok(())
    }

    #[test]
    fn a_missing_binary_leaves_the_old_one_in_place() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        fs::create_dir(root.join("bin"))?;
        fs::write(root.join("bin/claw"), b"old")?;
        let missing = || root.join("no-such-build");
        let reference = Reference::below(root)?;
        let parts = Parts { program: missing(), symbols: missing() };
        let failed = put(&parts, root, &reference, root).unwrap_err();
        assert!(failed.to_string().starts_with("cannot install"), "{failed}");
        assert_eq!(fs::read(root.join("bin/claw"))?, b"old");
        Ok(())
    }
}
