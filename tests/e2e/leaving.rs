//! Ways to leave where the guard has put a process: cgroups, namespaces, roots, parents. A process that
//! leaves stays guarded, for programs and for connections, as root and with mounts open.
//!
//! `clone3` into another cgroup, and ways as an ordinary user, are tried in `session.rs` and in the escape suite.
//! Everything that mounts does so in a mount namespace of its own.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use claw_tests::call::{Call, Ran};
use claw_tests::cgroup;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, copy_program, program};
use tempfile::TempDir;

/// The ways of tests/programs/leave.c.
const WAYS: [&str; 11] = [
    "cgroup",
    "cgroup-namespace",
    "unshare",
    "setns",
    "chroot",
    "pivot_root",
    "mount",
    "double-fork",
    "setsid",
    "daemon",
    "orphan",
];

/// Generous: it bounds a hang and measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A root with everything that is run.
struct Stage {
    folder: TempDir,
    /// An unguarded process in namespaces of its own.
    other: Child,
}

impl Stage {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        for (source, name) in [("witness", "forbidden"), ("connect_forms", "connect")] {
            copy_program(program(source, Linkage::Static), folder.path().join(name));
        }
        let own = ["--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts", "--cgroup"];
        // A process cannot join one with more rights than its own, and a guarded process has fewer rights
        // than root.
        let other = Command::new("/usr/bin/unshare")
            .args(own)
            .args(["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"])
            .args(["/bin/sleep", "1000"])
            .stdout(Stdio::null())
            .spawn()
            .expect("`unshare` starts");
        Self { folder, other }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The first process in the namespaces of the other.
    fn other(&self) -> String {
        let id = self.other.id();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
            let child = children.expect("it lives").trim().to_owned();
            if !child.is_empty() {
                return child;
            }
            assert!(Instant::now() < deadline, "`unshare` has no child");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Runs a program of the stage with `words` after leaving by `way`.
    fn call(&self, way: &str, name: &str, words: &[&str]) -> Call {
        let place = match way {
            "cgroup" => cgroup::root().display().to_string(),
            "setns" => self.other(),
            _ => self.path().display().to_string(),
        };
        let rooted = ["chroot", "pivot_root"].contains(&way);
        let root = if rooted { PathBuf::from("/") } else { self.path().to_owned() };
        let at = |name: &str| root.join(name).display().to_string();
        let leave = program("leave", Linkage::Static).display().to_string();
        let argv = [leave, way.to_owned(), place, at(name)];
        let words = words.iter().map(|&word| word.to_owned());
        Call::new(argv.into_iter().chain(words)).env("WITNESS_LOG", at("log"))
    }

    /// Whether the witness ran; forgets it.
    fn ran(&self) -> bool {
        fs::remove_file(self.path().join("log")).is_ok()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.other.kill();
        let _ = self.other.wait();
    }
}

/// The guards of both levels, with all of root's rights. Where no cgroup v2 is mounted there is no kernel side.
fn levels() -> [(&'static str, Guard); 2] {
    let guard = || Guard::with_policy("leaving").option("--require").option("held");
    let away = format!("umount --lazy '{}' && exec \"$@\"", cgroup::root().display());
    let held = guard().inside(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", &away, "sh"]);
    [("proven", guard()), ("held", held)]
}

/// Runs it under claw, and waits for the end of the session, which may come after the command's.
fn guarded(call: &Call, level: &str, guard: &Guard) -> Ran {
    let mut ran = call.guarded(guard);
    let deadline = Instant::now() + PATIENCE;
    while guard.records().last().is_none_or(|record| record.kind() != "end") {
        assert!(Instant::now() < deadline, "{}", ran.story());
        std::thread::sleep(Duration::from_millis(10));
    }
    ran.records = guard.records();
    assert!(ran.records.iter().all(|record| record.level() == level), "{}", ran.story());
    ran
}

/// Waits until `what` holds: what has lost its parent is not waited for by the command.
fn comes_about(mut what: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !what() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Without cgroup v2 there is no such cgroup to go to.
fn is_there(way: &str, level: &str) -> bool {
    way != "cgroup" || level == "proven"
}

#[test]
fn whoever_leaves_runs_nothing_that_is_forbidden() {
    let stage = Stage::new();
    for way in WAYS {
        let scenario = Scenario::new(format!("{way}, and then a forbidden program"));
        let call = stage.call(way, "forbidden", &[]);
        scenario.control("without claw it runs");
        let bare = call.bare();
        assert!(comes_about(|| stage.ran()), "{}", bare.story());
        for (level, guard) in levels().into_iter().filter(|(level, _)| is_there(way, level)) {
            scenario.then(format!("{level}: it does not, and that is recorded"));
            let ran = guarded(&call, level, &guard);
            assert!(!stage.ran(), "{}", ran.story());
            assert_eq!(ran.only("deny").rule(), "no-forbidden", "{}", ran.story());
        }
    }
}

#[test]
fn whoever_leaves_reaches_nothing_that_is_closed() {
    let stage = Stage::new();
    for (way, port) in WAYS.into_iter().zip(17871..) {
        let scenario = Scenario::new(format!("{way}, and then a connection to a closed network"));
        let listener = TcpListener::bind(("127.0.9.7", port)).expect("loopback");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let call = stage.call(way, "connect", &["tcp", "127.0.9.7", &port.to_string()]);
        scenario.control("without claw it is made");
        let bare = call.bare();
        assert!(comes_about(|| listener.accept().is_ok()), "{}", bare.story());
        for (level, guard) in levels().into_iter().filter(|(level, _)| is_there(way, level)) {
            scenario.then(format!("{level}: it is not, and that is recorded"));
            let ran = guarded(&call, level, &guard);
            let nobody = listener.accept().map(drop).map_err(|error| error.kind());
            assert_eq!(nobody, Err(ErrorKind::WouldBlock), "{}", ran.story());
            assert_eq!(ran.only("deny").rule(), "no-network", "{}", ran.story());
            assert_eq!(ran.connects(([127, 0, 9, 7], port).into()).len(), 1, "{}", ran.story());
        }
    }
}
