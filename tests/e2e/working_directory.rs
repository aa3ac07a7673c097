//! Relative paths mean the same live as in `claw check`, and no process can move them to another folder after
//! the verdict.

use std::fs;
use std::path::{Path, PathBuf};

use claw_tests::call::{Call, Ran};
use claw_tests::claw::{Guard, binary, policy};
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};
use serde_json::Value;
use tempfile::TempDir;

const POLICY: &str = "working-directory";
const TRIES: usize = 200;

/// `home/`, `home/work/sub/` and `precious/`, with a file `a` in each.
fn folders() -> TempDir {
    let top = tempfile::tempdir_in("/var/lib").expect("a folder that is no temporary one to claw");
    for folder in ["home", "home/work", "home/work/sub", "precious"] {
        let folder = top.path().join(folder);
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("a"), "").expect("written");
    }
    top
}

/// The facts of the domain `file`.
fn of_files(facts: &Value) -> Vec<Value> {
    let actions = facts["actions"].as_array().map(Vec::as_slice).unwrap_or_default();
    actions.iter().filter(|action| action["domain"] == "file").cloned().collect()
}

/// What `claw check` says of the call in `folder`.
fn checked(words: &[&str], folder: &Path, home: &Path) -> Value {
    let policy = policy(POLICY).into_os_string();
    let argv = [binary().into(), "check".into(), "--policy".into(), policy, "--json".into()];
    let argv = argv.into_iter().chain(["--".into()]).chain(words.iter().map(Into::into));
    let ran = Call::new(argv).cwd(folder).env("HOME", home).bare();
    serde_json::from_str(&ran.out()).unwrap_or_else(|error| panic!("{error}: {}", ran.story()))
}

#[test]
fn a_live_call_has_the_facts_of_a_written_one() {
    let scenario = Scenario::new("file tools in several working directories");
    let calls: [&[&str]; 5] = [
        &["rm", "a"],
        &["rm", "-f", "../a", "sub/a"],
        &["rm", "-rf", "."],
        &["cp", "a", "../../copy"],
        &["find", ".", "-name", "a", "-delete"],
    ];
    let mut compared = 0;
    for folder in ["home", "home/work", "home/work/sub"] {
        for words in calls {
            let top = folders();
            let (home, folder) = (top.path().join("home"), top.path().join(folder));
            let check = checked(words, &folder, &home);
            let guard = Guard::with_policy(POLICY);
            let ran = Call::new(words).cwd(&folder).env("HOME", &home).guarded(&guard);
            let live = ran.execs()[0];
            scenario.then(format!("{words:?} in {}", folder.display()));
            assert_eq!(of_files(live.field("facts")), of_files(&check["facts"]), "{}", ran.story());
            assert_eq!(live.verdict(), check["verdict"], "{}", ran.story());
            compared += of_files(live.field("facts")).len();
        }
    }
    assert!(compared > 12, "facts of files in {compared} actions only");
}

/// What `rm a` would remove, as its record tells.
fn targets(ran: &Ran) -> Value {
    let rm = ran.execs().into_iter().rfind(|record| record.mentions("a")).expect("rm was called");
    of_files(rm.field("facts"))[0]["targets"].clone()
}

/// Runs `rm a` in a folder that no path leads to: its paths are opaque, and the rule about paths denies it.
fn is_not_known(script: &str, top: &Path, guard: &Guard) {
    let ran = Call::new(["bash", "-c", script]).cwd(top).guarded(guard);
    assert_eq!(targets(&ran)["opaque"], "the working directory is not known", "{}", ran.story());
    assert_eq!(ran.about("rm").last().expect("recorded").verdict(), "deny", "{}", ran.story());
}

#[test]
fn a_removed_folder_is_not_known() {
    let top = folders();
    let script = "mkdir gone && cd gone && rmdir ../gone && rm a";
    is_not_known(&format!("{script}; true"), top.path(), &Guard::with_policy(POLICY));
}

#[test]
fn a_folder_of_a_mount_that_was_taken_off_is_not_known() {
    let top = folders();
    let enter = "mount --bind home precious && cd precious && umount -l \"$OLDPWD\"/precious && exec \"$@\"";
    let guard = Guard::with_policy(POLICY).inside(["unshare", "-m", "sh", "-c", enter, "sh"]);
    is_not_known("rm a; true", top.path(), &guard);
    assert!(top.path().join("home/a").exists());
}

#[test]
fn a_folder_of_an_overlay_is_proven_like_any_other() {
    let scenario = Scenario::new("working directories on overlayfs");
    let top = tempfile::tempdir_in("/dev/shm").expect("overlayfs takes tmpfs as its upper layer");
    let make = |path: &str| {
        let path = top.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, "").expect("written");
    };
    for path in ["low/lower/a", "low/both/a", "up/both/b", "up/upper/a", "work/x", "all/x"] {
        make(path);
    }
    let mount = "cd \"$0\" && rm work/x all/x && mount -t overlay overlay \
                 -o lowerdir=low,upperdir=up,workdir=work all && exec \"$@\"";
    for folder in ["lower", "both", "upper"] {
        let guard = Guard::with_policy(POLICY).inside([
            "unshare",
            "-m",
            "sh",
            "-c",
            mount,
            top.path().to_str().expect("ASCII"),
        ]);
        let script = format!("cd all/{folder} && rm a && ls");
        let ran = Call::new(["bash", "-c", &script]).guarded(&guard);
        scenario.then(format!("{folder}: the file is removed, by a path that is known"));
        make("work/x");
        make("all/x");
        let target = top.path().join("all").join(folder).join("a");
        assert_eq!(targets(&ran), serde_json::json!([target]), "{}", ran.story());
        assert_eq!(ran.code(), Some(0), "{}", ran.story());
    }
}

/// How the tries of `shared_directory` ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ended {
    good: usize,
    evil: usize,
    killed: usize,
    failed: usize,
    denied: usize,
}

fn ended(ran: &Ran) -> Ended {
    let out = ran.out();
    let words: Vec<&str> = out.split_whitespace().collect();
    let of = |name: &str| {
        let at = words.iter().position(|word| *word == name);
        let number = at.and_then(|at| words.get(at + 1)?.parse().ok());
        number.unwrap_or_else(|| panic!("no `{name}`: {}", ran.story()))
    };
    Ended {
        good: of("good"),
        evil: of("evil"),
        killed: of("killed"),
        failed: of("failed"),
        denied: of("denied"),
    }
}

/// Tries of one way of sharing, from a folder where removing is allowed to one where it is not.
fn share(way: &str, top: &Path) -> Call {
    let folder = |name: &str| top.join(name).into_os_string();
    let attacker: PathBuf = program("shared_directory", Linkage::Static);
    Call::new([
        attacker.into_os_string(),
        way.into(),
        TRIES.to_string().into(),
        folder("home"),
        folder("precious"),
    ])
}

#[test]
fn who_shares_the_working_directory_never_moves_a_verdict_to_another() {
    for way in ["peer", "thread"] {
        let scenario =
            Scenario::new(format!("a {way} changes the working directory of `rm victim`"));
        let top = folders();
        let bare = ended(&share(way, top.path()).bare().exits(0));
        scenario.control(format!("without claw: {bare:?}"));
        assert!(bare.evil > 0, "the race cannot be won at all: {bare:?}");
        let guard = Guard::with_policy(POLICY);
        let ran = share(way, top.path()).guarded(&guard).exits(0);
        let guarded = ended(&ran);
        scenario.then(format!("under claw the folder that is kept keeps its file: {guarded:?}"));
        assert_eq!(guarded.evil, 0, "{guarded:?}");
        assert_eq!(ran.execs().iter().filter(|exec| exec.mentions("victim")).count(), TRIES);
        let killed = ran.records.iter().filter(|record| record.kind() == "killed");
        let shared =
            "its working directory is not the one that was judged, or another process shares it";
        assert_eq!(
            killed.filter(|record| record.reason().ends_with(shared)).count(),
            guarded.killed
        );
        assert!(guarded.killed > 0, "nothing was there to be caught: {guarded:?}");
    }
}

#[test]
fn threads_that_only_wait_cost_a_call_nothing() {
    let top = folders();
    let guard = Guard::with_policy(POLICY);
    let ran = share("still", top.path()).guarded(&guard).exits(0);
    assert_eq!(ended(&ran), Ended { good: TRIES, ..Ended::default() }, "{}", ran.err());
}

#[test]
fn without_the_kernel_s_proof_the_folder_is_not_known() {
    let top = folders();
    let guard = Guard::with_policy(POLICY).without_capabilities();
    let ran = Call::new(["bash", "-c", "rm a; true"]).cwd(top.path()).guarded(&guard);
    assert_eq!(ran.records[0].level(), "held", "{}", ran.story());
    assert_eq!(targets(&ran)["opaque"], "the working directory is not known", "{}", ran.story());
}
