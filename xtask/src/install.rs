//! `cargo xtask install`: the one binary, its manual pages and completions, and the policies it comes with.
//!
//! `ROOT/bin/claw`, `ROOT/share/man/man1`, the folders where bash, zsh and fish look for completions, and
//! `ROOT/share/claw/policies/*.toml`. The policies are examples to start from, so they go to
//! `share` and are replaced by the next installation; a policy in force belongs elsewhere, under its owner's care.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use crate::reference::Reference;
use crate::report;

/// Where each shell looks for completions below `share`, and the file that `clap_complete` writes for it.
const COMPLETIONS: [(&str, &str); 3] = [
    ("claw.bash", "bash-completion/completions/claw"),
    ("_claw", "zsh/site-functions/_claw"),
    ("claw.fish", "fish/vendor_completions.d/claw.fish"),
];

/// Copies the binary, the policies and the `reference` below `root`. Each file appears whole or not at all, so a
/// `claw` that is being started meanwhile is the old one or the new one.
pub(crate) fn install(
    claw: &Path,
    policies: &Path,
    reference: &Reference,
    root: &Path,
) -> Result<()> {
    place(claw, &root.join("bin/claw"), 0o755)?;
    let share = root.join("share");
    place_all(policies, "toml", &share.join("claw/policies"))?;
    place_all(&reference.man, "1", &share.join("man/man1"))?;
    for (made, installed) in COMPLETIONS {
        place(&reference.completions.join(made), &share.join(installed), 0o644)?;
    }
    Ok(())
}

/// Copies those files of a folder that have the extension.
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

/// Copies one file to its place by way of a temporary one beside it.
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
        let (claw, policies) = (folder.path().join("built"), folder.path().join("policies"));
        fs::write(&claw, b"new")?;
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

        install(&claw, &policies, &reference, &root)?;

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
        assert_eq!(fs::read_dir(root.join("bin"))?.count(), 1, "a partial file is left behind");
        Ok(())
    }

    #[test]
    fn a_missing_binary_leaves_the_old_one_in_place() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        fs::create_dir(root.join("bin"))?;
        fs::write(root.join("bin/claw"), b"old")?;
        let reference = Reference::below(root)?;
        let failed = install(&root.join("no-such-build"), root, &reference, root).unwrap_err();
        assert!(failed.to_string().starts_with("cannot install"), "{failed}");
        assert_eq!(fs::read(root.join("bin/claw"))?, b"old");
        Ok(())
    }
}
