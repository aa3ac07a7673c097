//! Where a tool is run: a home, a working folder with known files, and an environment with nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use claw_tests::call::Ran;
use claw_tests::running::Running;
use tempfile::TempDir;

use crate::claw::{Claw, Judged};
use crate::line::Line;

/// A tool that takes longer than this hangs; generous, because nothing is measured.
const PATIENCE: &str = "20";

/// What standard input holds unless a place is told otherwise.
pub(crate) const STDIN: &str = "MARK(-)";

/// One place, used for one line after the other.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
    claw: Claw,
    /// Below the working folder, where lines are run.
    inside: &'static str,
    stdin: String,
}

impl Place {
    /// An empty place.
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("claw-differential-").expect("a temporary folder");
        fs::create_dir(folder.path().join("home")).expect("writable");
        Self { folder, claw: Claw::start(), inside: "", stdin: STDIN.to_owned() }
    }

    /// The same, with lines run in `inside` of the working folder.
    pub(crate) fn inside(mut self, inside: &'static str) -> Self {
        self.inside = inside;
        self
    }

    /// Sets the standard input of the lines from now on.
    pub(crate) fn feeds(&mut self, stdin: &str) {
        stdin.clone_into(&mut self.stdin);
    }

    /// Everything of this place.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The home folder.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The working folder.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Makes the working folder anew, with these files.
    pub(crate) fn lay_out(&self, files: &[(&str, String)]) {
        let work = self.work();
        if work.exists() {
            fs::remove_dir_all(&work).expect("ours to remove");
        }
        fs::create_dir(&work).expect("writable");
        for (name, content) in files {
            let path = work.join(name);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("writable");
            fs::write(path, content).expect("writable");
        }
    }

    /// The environment of a line: a home, a path, and what the line sets.
    pub(crate) fn env(&self, line: &Line) -> Vec<(String, String)> {
        let path = std::env::var("PATH").expect("the tools are found on PATH");
        let home = text(&self.home());
        let fixed = [("PATH", path), ("HOME", home), ("LC_ALL", "C.UTF-8".to_owned())];
        let fixed = fixed.map(|(name, value)| (name.to_owned(), value));
        fixed.into_iter().chain(line.env.iter().cloned()).collect()
    }

    /// What claw says of the line, knowing `files` by the names that the line has for them.
    pub(crate) fn judge(&mut self, line: &Line, files: &[(&str, String)]) -> Judged {
        let env = self.env(line);
        let work = text(&self.work().join(self.inside));
        let mut known = BTreeMap::new();
        for (name, content) in files {
            known.insert((*name).to_owned(), content.clone());
            known.insert(format!("{work}/{name}"), content.clone());
        }
        self.claw.judge(&line.argv, &env, &work, Some(&self.stdin), &known)
    }

    /// Runs the line. A tool that waits for something is ended, with the status of `timeout`.
    pub(crate) fn run(&self, line: &Line) -> Ran {
        self.run_with(line, &[])
    }

    /// The same with variables that only the tool gets, not claw.
    pub(crate) fn run_with(&self, line: &Line, aside: &[(&str, String)]) -> Ran {
        let mut command = Command::new("timeout");
        command.args(["-k", "1", PATIENCE]).args(&line.argv);
        command.env_clear().envs(self.env(line));
        command.envs(aside.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.work().join(self.inside));
        let mut running = Running::start(command);
        running.feed(self.stdin.as_bytes().to_vec());
        running.finish(Duration::from_secs(120))
    }

    /// The files below the working folder and their content.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.work())
    }
}

/// The files below a folder and their content.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    gather(folder, "", &mut found);
    found
}

fn gather(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            gather(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(entry.path()).unwrap_or_default());
        }
    }
}

/// A path of ours as text.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("the path is ASCII").to_owned()
}

/// The version of `tool`: the first line that it prints with `arguments`.
pub(crate) fn version(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output();
    let output = output.unwrap_or_else(|error| {
        panic!("`{tool}` cannot be started ({error}): `cargo xtask setup` installs it")
    });
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().unwrap_or_else(|| panic!("`{tool}` has no version")).trim().to_owned()
}
