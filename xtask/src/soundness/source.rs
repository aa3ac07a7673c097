//! PostgreSQL's regression suite: where it comes from, and the order of its files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::command;
use crate::report::step;

/// Debian 12's source package, of the release that the tests' server is of.
const PACKAGE: &str = "postgresql-15";

/// The folder `src/test/regress` of a source tree.
#[derive(Debug)]
pub(super) struct Suite {
    folder: PathBuf,
    /// A copy that goes with this value.
    _copy: Option<TempDir>,
}

impl Suite {
    /// The suite in `folder`.
    pub(super) fn at(folder: &Path) -> Result<Self> {
        let folder = folder
            .canonicalize()
            .with_context(|| format!("there is no folder `{}`", folder.display()))?;
        if !folder.join("parallel_schedule").is_file() {
            bail!(
                "`{}` holds no `parallel_schedule`: give `src/test/regress` of a PostgreSQL source tree",
                folder.display()
            );
        }
        Ok(Self { folder, _copy: None })
    }

    /// The suite of Debian's source package, fetched with apt-get into `folder` unless it is there. Neither
    /// apt's own lists nor its configuration are touched.
    pub(super) fn fetch(folder: &Path) -> Result<Self> {
        let unpacked = folder.join("postgresql");
        if !unpacked.join("src/test/regress/parallel_schedule").is_file() {
            step("soundness", &format!("fetching the source package `{PACKAGE}`"));
            let archive = download(&folder.join("apt"))?;
            fs::create_dir_all(&unpacked)?;
            let mut tar = Command::new("tar");
            tar.args(["--extract", "--strip-components=1", "--wildcards", "--directory"]);
            tar.arg(&unpacked).arg("--file").arg(archive).arg("*/src/test/regress/*");
            command::run(&mut tar)?;
        }
        readable(&unpacked.join("src/test/regress"))
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of one test.
    pub(super) fn script(&self, name: &str) -> PathBuf {
        self.folder.join("sql").join(format!("{name}.sql"))
    }

    /// The tests in the order of `parallel_schedule`; those of one group follow each other.
    pub(super) fn schedule(&self) -> Result<Vec<String>> {
        let path = self.folder.join("parallel_schedule");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let names: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("test:"))
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .filter(|name| self.script(name).is_file())
            .collect();
        if names.is_empty() {
            bail!("`{}` names no test that is there", path.display());
        }
        Ok(names)
    }
}

/// The server runs as another user and reads the suite's data: it is copied to where that user may go.
fn readable(regress: &Path) -> Result<Suite> {
    let copy = tempfile::Builder::new().prefix("claw-regress-").tempdir()?;
    let mut cp = Command::new("cp");
    cp.args(["--recursive", "--no-target-directory"]).arg(regress).arg(copy.path());
    command::run(&mut cp)?;
    command::run(Command::new("chmod").args(["--recursive", "a+rX"]).arg(copy.path()))?;
    let suite = Suite::at(copy.path())?;
    Ok(Suite { _copy: Some(copy), ..suite })
}

/// Downloads the source archive and gives its path.
fn download(apt: &Path) -> Result<PathBuf> {
    for folder in ["lists/partial", "cache/archives/partial", "source"] {
        fs::create_dir_all(apt.join(folder))?;
    }
    let sources = apt.join("source.list");
    fs::write(&sources, deb_src()?)?;
    let apt_get = || {
        let mut command = Command::new("apt-get");
        for (name, path) in [
            ("Dir::Etc::SourceList", sources.clone()),
            ("Dir::Etc::SourceParts", "-".into()),
            ("Dir::State::Lists", apt.join("lists")),
            ("Dir::Cache", apt.join("cache")),
            // It downloads as root into folders of root's.
            ("APT::Sandbox::User", "root".into()),
        ] {
            command.arg("-o").arg(format!("{name}={}", path.display()));
        }
        command.current_dir(apt.join("source"));
        command
    };
    command::run(apt_get().arg("update"))?;
    command::run(apt_get().args(["source", "--download-only", PACKAGE]))?;
    let files = fs::read_dir(apt.join("source"))?.flatten().map(|entry| entry.path());
    let archive = files.into_iter().find(|path| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.contains(".orig.tar."))
    });
    archive.context("apt-get fetched no source archive")
}

/// The machine's own Debian archives, as archives of source packages. Not the security archive: not every mirror
/// keeps its sources.
fn deb_src() -> Result<String> {
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "--format", "deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)"]);
    command.args(["Created-By: Packages", "Label: Debian"]);
    let lines = command::output(&mut command)?;
    if lines.trim().is_empty() {
        bail!("apt knows no archive of Debian's; give a source tree with `--sql DIR`");
    }
    Ok(lines)
}
