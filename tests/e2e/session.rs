//! The session as a whole: who is under guard, for how long, and what is left when it is over.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use claw_tests::call::{Call, Ran};
use claw_tests::cgroup;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, copy_program, program};
use tempfile::TempDir;

fn cgroups() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![cgroup::root()];
    while let Some(folder) = open.pop() {
        // It may have been removed since it was listed.
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        open.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
        found.insert(folder);
    }
    found
}

/// A folder with the witness as `forbidden`, and the file it writes first of all.
fn forbidden() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a temporary directory");
    copy_program(program("witness", Linkage::Static), folder.path().join("forbidden"));
    let log = folder.path().join("log");
    (folder, log)
}

fn through(door: &str, folder: &Path) -> Call {
    let side_door = program("side_door", Linkage::Static);
    let (path, log) = (folder.join("forbidden"), folder.join("log"));
    let argv = [side_door.as_os_str(), door.as_ref(), path.as_os_str(), cgroup::root().as_os_str()]
        .map(ToOwned::to_owned);
    Call::new(argv).env("WITNESS_LOG", log)
}

/// Whether the forbidden program ran; forgets it.
fn ran(log: &Path) -> bool {
    let ran = log.exists();
    if ran {
        fs::remove_file(log).expect("the log");
    }
    ran
}

#[test]
fn leaving_the_cgroup_leaves_nothing() {
    for door in ["leave", "born-outside"] {
        let scenario = Scenario::new(format!("a process that goes to the root cgroup: {door}"));
        let (folder, log) = forbidden();
        let call = through(door, folder.path());
        scenario.control("without claw it runs what it likes from there");
        let bare = call.bare();
        assert!(ran(&log), "{}", bare.story());
        scenario.then("under claw it is still guarded");
        let guarded = call.guarded(&Guard::with_policy("forms"));
        assert!(!ran(&log), "{}", guarded.story());
    }
    let scenario = Scenario::new("a connection from the root cgroup");
    let listener = std::net::TcpListener::bind("127.0.9.7:17781").expect("loopback");
    let connect = program("connect_forms", Linkage::Static).display().to_string();
    let script = format!(
        "echo $$ >'{}/cgroup.procs'; '{connect}' tcp 127.0.9.7 17781",
        cgroup::root().display()
    );
    let call = Call::new(["/bin/sh", "-c", &script]);
    scenario.control("without claw it is made");
    assert!(call.bare().exits(0).out().ends_with("ok"));
    drop(listener.accept().expect("the control's connection"));
    scenario.then("under claw it is denied and recorded");
    let guarded = call.guarded(&Guard::with_policy("connect"));
    assert!(!guarded.out().ends_with("ok"), "{}", guarded.story());
    assert_eq!(guarded.connects(([127, 0, 9, 7], 17781).into()).len(), 1, "{}", guarded.story());
}

#[test]
fn other_system_call_numbers_lead_nowhere() {
    for door in ["int80", "x32"] {
        let scenario = Scenario::new(format!("execve by {door}"));
        let (folder, log) = forbidden();
        let call = through(door, folder.path());
        let bare = call.bare();
        scenario.control(format!("without claw: it runs: {}, {}", log.exists(), bare.out()));
        // A kernel without that ABI returns ENOSYS, so there is nothing to close.
        assert!(ran(&log) || bare.out().contains("ENOSYS"), "{}", bare.story());
        let guarded = call.guarded(&Guard::with_policy("forms"));
        scenario.then("under claw it does not run");
        assert!(!ran(&log), "{}", guarded.story());
    }
}

#[test]
fn a_second_listener_does_not_take_over() {
    let scenario = Scenario::new("a filter with a listener of the command's own");
    let (folder, log) = forbidden();
    let call = through("listener", folder.path());
    scenario.control("without claw it answers its own child's execve");
    let bare = call.bare().exits(0);
    assert!(ran(&log), "{}", bare.story());
    scenario.then("under claw it cannot");
    let guarded = call.guarded(&Guard::with_policy("forms"));
    assert!(!ran(&log), "{}", guarded.story());
}

#[test]
fn claw_in_claw_is_refused_in_one_line() {
    let scenario = Scenario::new("`claw run` under `claw run`");
    let guard = Guard::with_policy("open");
    let inner = Guard::with_policy("open");
    let command = inner.command(&["/bin/echo", "ran"]);
    let argv = std::iter::once(command.get_program()).chain(command.get_args());
    let call = Call::new(argv);
    scenario.control("the inner one alone works");
    assert_eq!(call.bare().exits(0).out(), "ran");
    scenario.then("inside another it says why not, and runs nothing unguarded");
    let ran = call.guarded(&guard);
    assert_ne!(ran.code(), Some(0), "{}", ran.story());
    assert_eq!(ran.out(), "", "{}", ran.story());
    assert_eq!(ran.err().lines().count(), 1, "{}", ran.story());
    assert!(ran.err().contains("claw run"), "{}", ran.story());
}

#[test]
fn two_sessions_do_not_mix() {
    let scenario = Scenario::new("two sessions at once with different policies");
    let (folder, _) = forbidden();
    let path = folder.path().join("forbidden").display().to_string();
    let script = format!("echo ready; read line; '{path}'");
    let guards = [Guard::with_policy("forms"), Guard::with_policy("open")];
    let mut runs = guards.each_ref().map(|guard| {
        let mut running = Call::new(["/bin/sh", "-c", &script]).start_guarded(guard);
        running.wait_for("ready");
        running
    });
    for running in &mut runs {
        running.feed(b"\n".to_vec());
    }
    let [strict, open] = runs.map(|running| running.finish(Duration::from_secs(60)));
    scenario.then("each has its own verdict and its own records");
    assert!(strict.err().contains("(claw rule no-forbidden: "), "{}", strict.story());
    assert!(open.out().contains("argc 1"), "{}", open.story());
    for (guard, verdict) in guards.iter().zip(["deny", "allow"]) {
        let records = guard.records();
        let about: Vec<_> = records.iter().filter(|record| record.asked() == [&*path]).collect();
        assert_eq!(about.len(), 1, "{records:#?}");
        assert_eq!(about[0].verdict(), verdict);
    }
}

#[test]
fn nothing_is_left_behind() {
    let scenario = Scenario::new("what there is after a session");
    let before = cgroups();
    let leftovers = |ran: &Ran| {
        let new: Vec<_> = cgroups().difference(&before).cloned().collect();
        // Other tests of this program have sessions of their own at the same time: theirs are populated.
        let empty: Vec<_> = new
            .into_iter()
            .filter(|path| {
                let events = fs::read_to_string(path.join("cgroup.events")).unwrap_or_default();
                events.contains("populated 0")
            })
            .collect();
        (empty, ran.code())
    };
    for script in ["true", "exit 3", "kill -9 $$", "/bin/true & /bin/true & wait"] {
        let guard = Guard::with_policy("open");
        let ran = Call::new(["/bin/sh", "-c", script]).guarded(&guard);
        // The supervisor removes the cgroup after the command's status is told.
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        let mut left = leftovers(&ran);
        while !left.0.is_empty() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
            left = leftovers(&ran);
        }
        scenario.then(format!("after `{script}` no empty cgroup is left"));
        assert!(left.0.is_empty(), "{left:?}");
    }
}

#[test]
fn the_policy_and_the_log_are_not_in_the_commands_hands() {
    let scenario = Scenario::new("what the command inherits of claw");
    let guard = Guard::with_policy("open");
    let script = "ls -l /proc/self/fd; env";
    let ran = Call::new(["/bin/sh", "-c", script]).guarded(&guard).exits(0);
    scenario.then("no descriptor and no variable leads to the policy, the log or the kernel side");
    for word in ["policies", "bpf", "seccomp", "claw-audit"] {
        let found = ran.out().lines().any(|line| line.contains(word));
        assert!(!found, "{word}\n{}", ran.story());
    }
}

#[test]
fn nobody_guarded_reaches_the_supervisor_where_the_third_lock_is() {
    let scenario = Scenario::new("a signal to the parent, and its memory");
    let script = "kill -0 $PPID && echo signalled; head -c0 /proc/$PPID/mem && echo opened; true";
    let call = Call::new(["/bin/sh", "-c", script]);
    scenario.control("without claw root does both");
    assert_eq!(call.bare().exits(0).out(), "signalled\nopened");
    let guard = Guard::with_policy("doors-open");
    let ran = call.guarded(&guard).exits(0);
    let records = guard.records();
    let start = records.iter().find(|record| record.kind() == "start").expect("a start record");
    let lock = start.field("outcome").as_str().unwrap_or_default().starts_with("third lock");
    scenario
        .then("the start record says whether there is the lock, and where there is, neither works");
    let demanded = std::env::var_os("CLAW_THIRD_LOCK").is_some();
    assert!(lock || !demanded, "this kernel is to have it: {start}");
    assert!(!lock || ran.out().is_empty(), "{}", ran.story());
}

#[test]
fn without_a_policy_the_starter_policy_holds_and_claw_says_so() {
    let audit = tempfile::tempdir().expect("a temporary directory");
    let hide = "if [ -d /etc/claw ]; then mount -t tmpfs none /etc/claw; fi; exec \"$@\"";
    let call = |words: &[&str]| {
        let claw = [claw_tests::claw::binary().as_os_str(), "run".as_ref(), "--audit".as_ref()];
        let argv = ["unshare", "-m", "sh", "-c", hide, "sh"].map(std::ffi::OsStr::new).into_iter();
        let argv = argv.chain(claw).chain([audit.path().as_os_str(), "--".as_ref()]);
        Call::new(argv.chain(words.iter().map(std::ffi::OsStr::new))).bare()
    };
    let denied = call(&["psql", "-X", "-c", "DROP TABLE users"]);
    assert!(denied.err().contains("the built-in starter policy holds"), "{}", denied.story());
    assert!(denied.err().contains("claw rule sql-no-ddl"), "{}", denied.story());
    let allowed = call(&["echo", "hello"]).exits(0);
    assert_eq!(allowed.out(), "hello", "{}", allowed.story());
}
