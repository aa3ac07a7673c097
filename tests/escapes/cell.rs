//! Where attempts take place, so that nothing adversarial touches the machine.
//!
//! A cell is a mount, a network and an IPC namespace of its own, held by a shell. `/tmp`, `/var/tmp` and `/dev/shm` are
//! fresh there, the network is loopback alone, and a throwaway PostgreSQL and the servers of [`services`]
//! listen on it. Agents run as users that exist there alone, one for each theme and each test program, so that what
//! they may signal or trace is their own. Every run is in a cgroup, by which it is ended.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use claw_tests::{cgroup, claw, postgres, scenario};
use tempfile::TempDir;

use crate::services::{self, Heard, Side};

/// Holds the namespaces until its stdin closes.
const HOLDER: &str = include_str!("cell.sh");

/// Starts the holder in namespaces of its own and cleans up after it, however the test program ends.
const KEEPER: &str = r#"
folder=$1 cgroup=$2; shift 2
unshare --mount --net --ipc --propagation private /bin/sh -c "$1" holder "$folder" "$2" "$3"
rm -rf "$folder"
find "$cgroup" -depth -type d -exec rmdir {} +
"#;

/// How many themes a test program can have.
const THEMES: u32 = 32;

/// The namespaces with everything in them.
pub(crate) struct Cell {
    folder: PathBuf,
    /// The process that holds the namespaces.
    holder: u32,
    cgroup: PathBuf,
    heard: Heard,
    /// Closing it ends the cell.
    _lifeline: ChildStdin,
}

/// The cell of this test program, which the first call makes.
pub(crate) fn cell() -> &'static Cell {
    static CELL: LazyLock<Cell> = LazyLock::new(Cell::new);
    &CELL
}

impl Cell {
    fn new() -> Self {
        let folder = TempDir::with_prefix("claw-escapes-").expect("a temporary directory").keep();
        open_to_all(&folder);
        for name in ["bin", "rooms", "audit"] {
            fs::create_dir(folder.join(name)).expect("a new directory");
            open_to_all(&folder.join(name));
        }
        fs::write(folder.join("bin/claw"), "").expect("the folder is ours");
        fs::copy(claw::policy("escapes"), folder.join("policy.toml")).expect("the folder is ours");
        let mut accounts = fs::read_to_string("/etc/passwd").expect("`/etc/passwd` can be read");
        for theme in 0..THEMES {
            let (name, id) = (format!("agent{theme}"), agent(theme));
            accounts += &format!("{name}:x:{id}:{id}::/tmp:/bin/sh\n");
        }
        fs::write(folder.join("passwd"), accounts).expect("the folder is ours");

        let programs = postgres::real_psql();
        let programs = programs.parent().expect("a program lies in a directory");
        let cgroup = cgroup::root().join(format!("claw-escapes-{}", std::process::id()));
        fs::create_dir(&cgroup).expect("root can make a cgroup");
        #[expect(clippy::zombie_processes, reason = "it outlives the test program by design")]
        let mut keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER, "keeper"])
            .args([folder.as_path(), &cgroup])
            .arg(HOLDER)
            .args([programs, claw::binary()])
            // Ctrl-C at the terminal must reach the tests first: the pipe tells the holder.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`sh` starts");
        let mut ready = String::new();
        let out = keeper.stdout.take().expect("stdout is piped");
        BufReader::new(out).read_line(&mut ready).expect("the holder says a line");
        let holder = ready.strip_prefix("ready ").and_then(|pid| pid.trim_end().parse().ok());
        let holder: u32 = holder.expect("the cell is not made; its reason is above");
        let network = File::open(format!("/proc/{holder}/ns/net"));
        let heard = services::start(network.expect("the holder lives"), &folder);
        let lifeline = keeper.stdin.take().expect("stdin is piped");
        Self { folder, holder, cgroup, heard, _lifeline: lifeline }
    }

    /// A directory that has the same path in the cell and outside, and that only root can write.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the servers have heard.
    pub(crate) fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Queries the database over an unguarded connection.
    ///
    /// # Panics
    /// When the statements fail.
    #[track_caller]
    pub(crate) fn ask(&self, statements: &str) -> String {
        let psql = postgres::real_psql();
        let output = Command::new(psql)
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "claw", "-d", "postgres"])
            .args(["-c", statements, "-h"])
            .arg(self.folder().join("pg").join(Side::Open.name()))
            .output()
            .expect("`psql` starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statements}: {complaint}");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The words that start a command in the cell and in a new cgroup called `name`.
    pub(crate) fn enter(&self, name: &str) -> (Vec<String>, Group) {
        let group = Group(self.cgroup.join(name));
        fs::create_dir(&group.0).expect("root can make a cgroup");
        let namespace = |name| format!("--{name}=/proc/{}/ns/{name}", self.holder);
        let join = "echo 0 >\"$1/cgroup.procs\" && shift && exec \"$@\"";
        let mut words: Vec<String> = ["/bin/sh", "-c", join, "enter"].map(str::to_owned).into();
        words.push(group.0.display().to_string());
        words.push(scenario::tool(&["/usr/bin/nsenter"]).display().to_string());
        words.push(namespace("net"));
        words.push(namespace("ipc"));
        words.push(format!("--mount=/proc/{}/ns/mnt", self.holder));
        words.push("--".to_owned());
        (words, group)
    }
}

/// The cgroup of one run.
pub(crate) struct Group(PathBuf);

impl Group {
    /// Waits until nothing runs in it, for as long as `patience`; then ends what does.
    pub(crate) fn settle(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.is_populated() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        // It is empty already, or gone, where nothing had to be ended.
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        while self.is_populated() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_populated(&self) -> bool {
        let events = fs::read_to_string(self.0.join("cgroup.events")).unwrap_or_default();
        events.lines().any(|line| line == "populated 1")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
        remove(&self.0);
    }
}

/// Removes a cgroup and what was made below it.
fn remove(group: &Path) {
    let children = fs::read_dir(group).into_iter().flatten().flatten();
    for child in children.filter(|child| child.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove(&child.path());
    }
    // The cgroup of a process that is still ending outlives the test for a moment.
    let _ = fs::remove_dir(group);
}

/// The user that the agents of the theme with this number run as: this test program's and nobody else's.
pub(crate) fn agent(theme: u32) -> u32 {
    const FIRST: u32 = 200_000;
    FIRST + std::process::id() % 50_000 * THEMES + theme
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("the directory is ours");
}
