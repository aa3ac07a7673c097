//! What throwaway servers of databases have in common: an account that is not root, a directory of their own, and a
//! shell that holds them and stops them when a pipe from the test program closes, however that ends.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};

/// A user and its group: these servers refuse to be root.
pub(crate) type Account = (u32, u32);

/// The account called `name`, which its `package` makes.
pub(crate) fn account(name: &str, package: &str) -> Account {
    let accounts = fs::read_to_string("/etc/passwd").expect("`/etc/passwd` can be read");
    let own = |line: &&str| line.split(':').next() == Some(name);
    let line = accounts.lines().find(own).unwrap_or_else(|| {
        panic!("no account `{name}`: run `cargo xtask setup`, which installs {package}")
    });
    let mut ids = line.split(':').skip(2).map(|field| field.parse().expect("ids are numbers"));
    (ids.next().expect("a uid"), ids.next().expect("a gid"))
}

/// An empty directory of that account's. Whoever holds the server removes it.
pub(crate) fn directory(prefix: &str, mode: u32, (uid, gid): Account) -> PathBuf {
    let directory = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir()
        .expect("a temporary directory can be made")
        .keep();
    fs::set_permissions(&directory, fs::Permissions::from_mode(mode))
        .expect("the directory is ours");
    chown(&directory, Some(uid), Some(gid)).expect("root can give a directory away");
    directory
}

/// Runs what makes a server's files.
pub(crate) fn prepare(program: &mut Command, (uid, gid): Account, directory: &Path) {
    let output = program.uid(uid).gid(gid).current_dir(directory).output();
    let output = output.unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?} failed: {complaint}");
}

/// Starts a shell that runs `script` with `words`; what it reads ends when the value is dropped.
pub(crate) fn keep<S: AsRef<OsStr>>(
    script: &str,
    words: impl IntoIterator<Item = S>,
    (uid, gid): Account,
) -> ChildStdin {
    #[expect(clippy::zombie_processes, reason = "it outlives the test program by design")]
    let mut keeper = Command::new("/bin/sh")
        .args(["-c", script, "keeper"])
        .args(words)
        .uid(uid)
        .gid(gid)
        .current_dir("/")
        // Ctrl-C at the terminal must reach the tests first: the pipe tells the keeper.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("`sh` starts");
    keeper.stdin.take().expect("stdin is piped")
}
