//! The audit's disk is full: a call that cannot be recorded does not run.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::prompt::Prompt;
use claw_tests::record::{self, Record};
use claw_tests::scenario::Scenario;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;

use crate::{callers, go_on, listener, stop, tool, verify, verify_folder};

/// How long claw may take to notice that there is room again. It only bounds a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// The size of a disk with room for claw's reserve and little more.
const ROOMY: &str = "16m";

/// Puts a small disk of `$2` bytes over the folder `$1`, in a mount namespace of its own, runs the rest there, and
/// leaves what was written where the folder is without the disk.
const SMALL_DISK: &str = r#"
audit=$1 size=$2
shift 2
cd "$audit"
mount -t tmpfs -o "size=$size,mode=700" none "$audit" || exit 99
(cd / && exec "$@")
status=$?
cp "$audit"/*.jsonl . 2>/dev/null
exit $status
"#;

/// The guards of both levels, with their audit on a small disk.
fn levels(policy: &str, size: &str) -> [(&'static str, Guard); 2] {
    let guard = |level: &str, more: &[&str]| {
        let guard = Guard::with_policy(policy).option("--require").option(level);
        let audit = guard.audit().display().to_string();
        let unshare = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", SMALL_DISK, "sh"];
        guard.inside(unshare.iter().chain(&[audit.as_str(), size]).chain(more))
    };
    let none = ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    [("proven", guard("proven", &[])), ("held", guard("held", &none))]
}

/// Where `path` is in the mount namespace of `process`.
fn seen_by(process: Pid, path: &Path) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", process.as_raw_nonzero()));
    root.join(path.strip_prefix("/").expect("an absolute path"))
}

/// Writes until the disk is full.
fn fill(path: &Path) {
    let mut file = File::create(path).expect("there is room for a name");
    while file.write_all(&[0; 4096]).is_ok() {}
}

/// Takes up connections to an open address until one is refused, and then some more; says how many were made.
const CONNECTS: &str = r#"
import os, socket, sys, time
print('ready', flush=True)
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
made = after = 0
def go():
    try: socket.create_connection(('127.0.9.7', int(sys.argv[2]))).close()
    except OSError: return False
    return True
while go(): made += 1
for _ in range(20): after += go()
open(sys.argv[3], 'w').write(f'{made} {after}')
"#;

#[test]
fn what_cannot_be_recorded_does_not_run() {
    for ((level, guard), port) in levels("open", ROOMY).into_iter().zip([17861, 17862]) {
        let scenario = Scenario::new(format!("{level}: the audit's disk is full for a while"));
        let folder = TempDir::new().expect("a temporary directory");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("connects.py"), CONNECTS).expect("a new file");
        let there = listener(port);
        let mut shell = Prompt::start(&guard, &[]);
        let supervisor = shell.supervisor();
        // A program that is already running can only make connections.
        let words = [at("connects.py"), at("go"), PathBuf::from(port.to_string()), at("said")];
        let words = words.map(|word| word.display().to_string()).join(" ");
        shell.tell(&format!("/usr/bin/python3 {words} 3>&2 &"));
        shell.wait_for("ready");
        let _ = shell.answer();

        let ballast = seen_by(supervisor, guard.audit()).join("ballast");
        fill(&ballast);
        let long = "x".repeat(20_000);
        let mut started = 0;
        let (said, status) = loop {
            let (said, status) = shell.says(&format!("/bin/true {started} {long}"));
            if status != 0 {
                break (said, status);
            }
            started += 1;
            assert!(started < 1000, "it goes on for ever");
        };
        scenario.then(format!("after {started} further programs none starts: {said}"));
        assert_eq!(status, 126, "{said}");
        let note = at("note").display().to_string();
        let _ = shell.says(&format!("/usr/bin/touch '{note}'"));
        assert!(!at("note").exists());
        scenario.then("and no connection is made");
        fs::write(at("go"), "").expect("a new file");
        let deadline = Instant::now() + PATIENCE;
        let mut arrived = 0;
        while !at("said").exists() || fs::read(at("said")).expect("a file").is_empty() {
            assert!(Instant::now() < deadline, "the program goes on connecting: {arrived}");
            arrived += callers(&there);
            std::thread::sleep(Duration::from_millis(10));
        }
        arrived += callers(&there);
        let said = fs::read_to_string(at("said")).expect("a file");
        let (made, after) = said.split_once(' ').expect("two numbers");
        assert_eq!(after, "0", "{said}");
        assert_eq!(arrived.to_string(), made);

        fs::remove_file(&ballast).expect("root may");
        let deadline = Instant::now() + PATIENCE;
        while shell.says(&format!("/usr/bin/touch '{note}'")).1 != 0 {
            assert!(Instant::now() < deadline, "no room is found");
            std::thread::sleep(Duration::from_millis(10));
        }
        scenario.control("with room again, the same runs");
        assert!(at("note").exists());
        let connect = format!("'{}' tcp 127.0.9.7 {port}", tool("connect_forms").display());
        let deadline = Instant::now() + PATIENCE;
        while shell.says(&connect).0 != "ok" {
            assert!(Instant::now() < deadline, "connections stay shut");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(callers(&there), 1);
        let ran = shell.close();
        scenario.then("claw has said so once");
        assert_eq!(ran.err().matches("the audit cannot be written").count(), 1, "{}", ran.story());
        scenario.then("all that ran is recorded, and how much did not");
        let records = record::records(guard.audit());
        let count = |wanted: &dyn Fn(&Record) -> bool| {
            records.iter().filter(|record| record.verdict() == "allow" && wanted(record)).count()
        };
        assert_eq!(count(&|record| record.mentions("xxxx")), started);
        assert_eq!(count(&|record| record.mentions(&note)), 1);
        let to = format!("127.0.9.7:{port}");
        assert_eq!(
            count(&|record| record.to() == to).to_string(),
            (made.parse::<usize>().expect("a number") + 1).to_string()
        );
        let lost = records.iter().filter(|record| record.kind() == "lost");
        let counted: u64 = lost.filter_map(|record| record.field("count").as_u64()).sum();
        // The last of the programs, the first `touch`, and the connections.
        assert!(counted >= 2 + 21, "{counted}");
        verify(&guard);
    }
}

/// Waits for the file `$1`; then takes up connections until one is refused, and then some more; says how many were made.
const DATAGRAMS: &str = r#"
import os, socket, sys, time
print('ready', flush=True)
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
made = after = tried = 0
def go():
    try: datagrams.connect(('127.0.9.7', 9))
    except OSError: return False
    return True
while made < 200_000 and go(): made += 1
for _ in range(20): after += go()
print(made, after, flush=True)
"#;

#[test]
fn a_connection_that_is_made_has_room_on_the_disk() {
    let [(_, guard), _] = levels("open", ROOMY);
    let scenario = Scenario::new("proven: the disk is full, and the supervisor does not run");
    let folder = TempDir::new().expect("a temporary directory");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("connects.py"), DATAGRAMS).expect("a new file");
    let mut shell = Prompt::start(&guard, &[]);
    let supervisor = shell.supervisor();
    let words = [at("connects.py"), at("go")].map(|word| word.display().to_string()).join(" ");
    shell.tell(&format!("/usr/bin/python3 {words}"));
    shell.wait_for("ready");
    let audit = seen_by(supervisor, guard.audit());
    fill(&audit.join("ballast"));
    // With the supervisor stopped, nothing tells the kernel side that there is no room.
    stop(supervisor);
    fs::write(at("go"), "").expect("a new file");
    let (said, _) = shell.answer();
    go_on(supervisor);
    let said = said.rsplit('\n').next().expect("a line");
    let (made, after) = said.split_once(' ').expect("two numbers");
    scenario.then(format!("{made} connections are made, and then none"));
    assert_eq!(after, "0");
    let made = made.parse::<usize>().expect("a number");
    assert!(made > 0);

    scenario.then("every one of them is recorded, though the disk stays full");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let records = record::records(&audit);
        let of_it = |record: &&Record| record.to() == "127.0.9.7:9" && record.verdict() == "allow";
        let recorded = records.iter().filter(of_it).count();
        if recorded == made {
            break;
        }
        assert!(Instant::now() < deadline, "{recorded} of {made} are recorded");
        std::thread::sleep(Duration::from_millis(10));
    }
    fs::remove_file(audit.join("ballast")).expect("root may");
    let _ = shell.close();
    verify(&guard);
}

/// The one part of the audit.
fn part(guard: &Guard) -> PathBuf {
    record::files(guard.audit()).pop().expect("a part")
}

#[test]
fn a_part_that_may_not_grow_is_a_disk_that_is_full() {
    for (level, guard) in crate::levels("open") {
        let scenario =
            Scenario::new(format!("{level}: a limit on the size of the supervisor's files"));
        let mut shell = Prompt::start(&guard, &[]);
        let supervisor = shell.supervisor();
        let size = fs::metadata(part(&guard)).expect("it is there").len();
        let maximum = rustix::process::getrlimit(Resource::Fsize).maximum;
        let limit = |current| {
            prlimit(Some(supervisor), Resource::Fsize, Rlimit { current, maximum })
                .expect("root may");
        };
        limit(Some(size));
        let deadline = Instant::now() + PATIENCE;
        let mut started = 0;
        while shell.says(&format!("/bin/true n{started}")).1 == 0 {
            started += 1;
            assert!(Instant::now() < deadline, "it goes on for ever");
        }
        scenario.then(format!("nothing starts any more, after {started}"));
        assert_eq!(shell.says("/bin/true refused").1, 126);
        limit(maximum);
        let deadline = Instant::now() + PATIENCE;
        while shell.says("/bin/true again").1 != 0 {
            assert!(Instant::now() < deadline, "no room is found");
            std::thread::sleep(Duration::from_millis(10));
        }
        scenario.then("without the limit it goes on, and what ran before is recorded");
        let ran = shell.close();
        assert_eq!(ran.err().matches("the audit cannot be written").count(), 1, "{}", ran.story());
        let records = guard.records();
        let numbered = |record: &&Record| {
            record.argv().get(1).is_some_and(|word| {
                word.strip_prefix('n').is_some_and(|n| n.parse::<u32>().is_ok())
            })
        };
        assert_eq!(records.iter().filter(numbered).count(), started);
        assert!(records.iter().any(|record| record.kind() == "lost"), "{records:#?}");
        verify(&guard);
    }
}

#[test]
fn a_disk_that_is_full_from_the_start_starts_nothing() {
    // A disk smaller than the reserve.
    for ((level, guard), (_, roomy)) in
        levels("open", "256k").into_iter().zip(levels("open", ROOMY))
    {
        let scenario = Scenario::new(format!("{level}: no room in the audit's folder"));
        let folder = TempDir::new().expect("a temporary directory");
        let note = folder.path().join("note");
        let touch = |guard: &Guard| -> Ran {
            let call = Call::new(["/usr/bin/touch".as_ref(), note.as_os_str()]);
            call.guarded(guard)
        };
        let ran = touch(&guard).exits(2);
        scenario.then("the command does not start, and the folder is named");
        assert!(!note.exists(), "{}", ran.story());
        assert!(ran.err().contains(&guard.audit().display().to_string()), "{}", ran.story());
        verify_folder(guard.audit());
        scenario.control("with room it does");
        let ran = touch(&roomy).exits(0);
        assert!(note.exists(), "{}", ran.story());
        verify(&roomy);
    }
}
