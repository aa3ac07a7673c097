//! This machine's files for the guest: virtiofsd over a read-only view of them.
//!
//! The view is made in a mount namespace of its own: bind mounts that are read-only whatever the guest asks for, as
//! virtiofsd has no such option. It ends with the machine that uses it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Where Debian puts it: 12 in the first place, 13 in the second.
pub(crate) const FILE_SERVERS: [&str; 2] = ["/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"];

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the view at `$1` of the mounts that follow the socket and the program, and serves it.
const SERVE: &str = r#"
set -eu
view=$1 socket=$2 program=$3
shift 3
for mount in "$@"; do
    mount --bind "$mount" "$view$mount"
    mount -o remount,bind,ro "$view$mount"
done
exec "$program" --socket-path="$socket" -o source="$view" -o sandbox=chroot -o cache=always \
    -o announce_submounts -o log_level=warn
"#;

/// A server of this machine's files.
#[derive(Debug)]
pub(super) struct Share {
    child: Child,
    socket: PathBuf,
}

impl Share {
    /// Serves `mounts` on a socket in `folder`.
    pub(super) fn start(folder: &Path, mounts: &BTreeSet<PathBuf>) -> Result<Self> {
        let program = FILE_SERVERS
            .into_iter()
            .find(|path| Path::new(path).exists())
            .context("`virtiofsd` is not installed; run `cargo xtask setup`")?;
        let (view, socket) = (folder.join("view"), folder.join("files.socket"));
        let log = fs::File::create(folder.join("files.log"))?;
        fs::create_dir(&view)?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"]);
        command.args(["sh", "-c", SERVE, "serve"]).args([&view, &socket]).arg(program).args(mounts);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().context("cannot start `setpriv`")?;
        let mut share = Self { child, socket };
        let deadline = Instant::now() + PATIENCE;
        while !share.socket.exists() {
            if share.child.try_wait()?.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(folder.join("files.log")).unwrap_or_default();
                bail!("virtiofsd does not start: {}", log.trim_end());
            }
            sleep(Duration::from_millis(10));
        }
        Ok(share)
    }

    /// Where it listens.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // It ends by itself with the machine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The mount points that hold what the guest needs, those above before those below.
pub(super) fn mounts(workspace: &Workspace) -> Result<BTreeSet<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("cannot read the mounts")?;
    let points: Vec<PathBuf> =
        table.lines().filter_map(|line| Some(line.split(' ').nth(4)?.into())).collect();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let needed = ["/", "/usr", "/etc", "/var", "/opt"].map(PathBuf::from);
    let own = [&workspace.root, &workspace.target].map(PathBuf::clone);
    Ok(needed.iter().chain(&own).chain(&home).filter_map(|path| holder(&points, path)).collect())
}

/// The mount point that a path is below.
fn holder(points: &[PathBuf], path: &Path) -> Option<PathBuf> {
    let above = points.iter().filter(|point| path.starts_with(point));
    above.max_by_key(|point| point.components().count()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_held_by_the_innermost_mount_above_it() {
        let points = ["/", "/home", "/home/u/src", "/homes"].map(PathBuf::from);
        let holder = |path: &str| holder(&points, Path::new(path));
        assert_eq!(holder("/home/u/src/claw"), Some("/home/u/src".into()));
        assert_eq!(holder("/home/u/srcs"), Some("/home".into()));
        assert_eq!(holder("/usr"), Some("/".into()));
    }
}
