//! Limits on the guarded tree: too few processes, too little memory. A program may fail then, but no verdict
//! gets milder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use claw_tests::call::Call;
use claw_tests::postgres;
use claw_tests::prompt::Prompt;
use claw_tests::record::Record;
use claw_tests::scenario::Scenario;
use rustix::process::{Pid, Signal, kill_process};

use crate::{forms, levels, psql, tool, verify, witnessed};

/// Generous: it bounds a hang and measures nothing.
const PATIENCE: Duration = Duration::from_secs(120);

/// A cgroup of the test's own in which a controller limits what there is, of cgroup v1 or v2.
struct Limited(PathBuf);

impl Limited {
    /// `controller` is `pids` or `memory`; `files` are the names of its limit in v2 and in v1.
    fn new(controller: &str, files: [&str; 2], limit: &str) -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
        let place = |line: &str| PathBuf::from(line.split(' ').nth(4).expect("a mount point"));
        let old = mounts.lines().find(|line| {
            line.contains(" - cgroup ") && line.split([' ', ',']).any(|word| word == controller)
        });
        let new = mounts.lines().find(|line| line.contains(" - cgroup2 "));
        let (root, file) = match (old, new) {
            (Some(line), _) => (place(line), files[1]),
            (None, Some(line)) => {
                let root = place(line);
                let all = root.join("cgroup.subtree_control");
                fs::write(all, format!("+{controller}")).expect("root may have the controller");
                (root, files[0])
            }
            (None, None) => panic!("no cgroup is mounted"),
        };
        let path = root.join(format!("claw-limits-{}-{controller}", std::process::id()));
        fs::create_dir(&path).expect("root can make a cgroup");
        let limited = Self(path);
        limited.limit(file, limit);
        limited
    }

    fn limit(&self, file: &str, limit: &str) {
        fs::write(self.0.join(file), limit).expect("a limit can be set");
    }

    fn procs(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }

    fn processes(&self) -> Vec<Pid> {
        let text = fs::read_to_string(self.procs()).unwrap_or_default();
        text.lines().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while fs::remove_dir(&self.0).is_err() && Instant::now() < deadline {
            for process in self.processes() {
                // It may have ended.
                let _ = kill_process(process, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_fork_bomb_changes_no_verdict() {
    const DENIED: usize = 200;
    for ((level, guard), shared) in levels("forms")
        .into_iter()
        .zip([false; 2])
        .chain(levels("forms").into_iter().zip([true; 2]))
    {
        let whose = if shared { "claw's limit of processes too" } else { "its limit of processes" };
        let scenario = Scenario::new(format!("{level}: a fork bomb that fills {whose}"));
        let folder = forms();
        let at = |name: &str| folder.path().join(name);
        let cgroup = Limited::new("pids", ["pids.max", "pids.max"], "64");
        let (log, stop) = (at("log"), at("stop"));
        let line = |log: &Path, stop: &Path| {
            format!(
                "echo $$ >'{}' && WITNESS_LOG='{}' exec '{}' '{}' '{}' '{}' >'{}' 2>&1",
                cgroup.procs().display(),
                log.display(),
                tool("bomb").display(),
                stop.display(),
                at("forbidden").display(),
                at("harmless").display(),
                at("out").display(),
            )
        };
        let mut shell = Prompt::start(&guard, &[]);
        if shared {
            for process in shell.supervisor_and_front() {
                fs::write(cgroup.procs(), process.as_raw_nonzero().to_string()).expect("root may");
            }
        }
        shell.tell(&format!("/bin/sh -c \"{}\"", line(&log, &stop).replace('$', "\\$")));
        let deadline = Instant::now() + PATIENCE;
        let denied = || guard.records().iter().filter(|record| record.verdict() == "deny").count();
        while denied() < DENIED {
            assert!(Instant::now() < deadline, "{:#?}", guard.records());
            std::thread::sleep(Duration::from_millis(50));
        }
        fs::write(&stop, "").expect("a new file");
        let _ = shell.answer();
        let out = fs::read_to_string(at("out")).expect("what they said");
        scenario.given("processes that could not be started for that limit");
        assert!(out.contains("refused some"), "{out}");
        scenario.then("what is forbidden has not run, and what has was judged");
        let logged = witnessed(&log);
        let is_forbidden = |line: &&String| line.contains("forbidden");
        assert_eq!(logged.iter().filter(is_forbidden).count(), 0, "{logged:#?}");
        assert!(!logged.is_empty());
        scenario.then("the next calls are served");
        let harmless = format!("'{}'", at("harmless").display());
        assert_eq!(shell.says(&harmless).1, 0);
        let _ = shell.close();
        let records = guard.records();
        let allowed = records
            .iter()
            .filter(|record| record.mentions("harmless") && record.verdict() == "allow");
        let allowed: Vec<_> = allowed.map(|record| record.pid().to_string()).collect();
        for line in logged {
            let pid = line.split(' ').next().unwrap_or_default();
            assert!(allowed.iter().any(|judged| judged == pid), "{line}");
        }
        assert!(records.iter().all(|record| record.kind() != "killed"), "{records:#?}");
        verify(&guard);

        scenario.control("without claw the bomb starts what is forbidden");
        let (log, stop) = (at("bare.log"), at("bare.stop"));
        let bare = std::thread::scope(|scope| {
            let call = Call::new(["/bin/sh", "-c", &line(&log, &stop)]);
            let bare = scope.spawn(move || call.bare());
            let deadline = Instant::now() + PATIENCE;
            let seen = || witnessed(&log).iter().any(|line| line.contains("forbidden"));
            while !seen() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(10));
            }
            fs::write(&stop, "").expect("a new file");
            bare.join().expect("it runs to its end")
        });
        assert!(witnessed(&log).iter().any(|line| line.contains("forbidden")), "{}", bare.story());
    }
}

#[test]
fn too_little_memory_makes_no_verdict_milder() {
    // Kibibytes of address space, of stack, and of a memory cgroup: from less than any program needs to enough.
    const SPACE: [u32; 9] = [64, 1024, 4096, 8192, 12_288, 16_384, 20_480, 32_768, 1 << 20];
    const STACK: [u32; 5] = [16, 64, 136, 256, 8192];
    const MEMORY: [u32; 8] = [128, 512, 1024, 2048, 4096, 8192, 16_384, 1 << 18];
    for (level, guard) in levels("judging") {
        let database = postgres::database();
        let cgroup = Limited::new("memory", ["memory.max", "memory.limit_in_bytes"], "1073741824");
        let file = if cgroup.0.join("memory.max").exists() {
            "memory.max"
        } else {
            "memory.limit_in_bytes"
        };
        let mut shell = Prompt::start(&guard, &database.env());
        let join = format!("echo $$ >'{}'", cgroup.procs().display());
        let limits = SPACE.map(|limit| ("space", limit, format!("ulimit -v {limit}")));
        let limits = limits
            .into_iter()
            .chain(STACK.map(|limit| ("stack", limit, format!("ulimit -s {limit}"))));
        let mut ended = BTreeMap::<_, [bool; 2]>::new();
        let limits = limits.chain(MEMORY.map(|limit| ("memory", limit, join.clone())));
        for (what, limit, before) in limits {
            let scenario = Scenario::new(format!("{level}: psql with {limit} KiB of {what}"));
            if what == "memory" {
                // Processes that ended may be charged a moment longer.
                let deadline = Instant::now() + PATIENCE;
                let bytes = (u64::from(limit) << 10).to_string();
                while fs::write(cgroup.0.join(file), &bytes).is_err() {
                    assert!(Instant::now() < deadline, "the limit cannot be set");
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            let run = |statement: &str| {
                let statement = psql(statement);
                format!("/bin/sh -c \"{before} && exec {statement}\"").replace("$$", "\\$\\$")
            };
            let (said, status) = shell.says(&run("DROP TABLE users"));
            scenario.then("a denied statement does nothing");
            assert!(status != 0 && database.has_users(), "{said}");
            scenario.then("a rewritten one returns what it may, or nothing");
            let (said, status) = shell.says(&run("SELECT id FROM users"));
            let rows = said.lines().filter(|line| line.parse::<u32>().is_ok()).count();
            assert!(rows <= 1000, "{rows} rows");
            scenario.given(format!("it ends with {status}, and {rows} rows"));
            ended.entry(what).or_default()[usize::from(status == 0)] = true;
        }
        // For each kind of limit, one value was too little and one was enough.
        assert!(ended.values().all(|ended| *ended == [true; 2]), "{ended:?}");
        let scenario = Scenario::new(format!("{level}: and with no such limit"));
        scenario.then("it runs, and is recorded as ever");
        let (said, status) = shell.says(&psql("SELECT id FROM users"));
        assert_eq!((said.lines().count(), status), (1000, 0));
        let _ = shell.close();
        let records = guard.records();
        let dropping = |record: &&Record| {
            record.asked().first().is_some_and(|word| word.ends_with("psql"))
                && record.mentions("DROP")
        };
        let dropping: Vec<_> = records.iter().filter(dropping).collect();
        assert!(!dropping.is_empty());
        assert!(dropping.iter().all(|record| record.verdict() == "deny"), "{dropping:#?}");
        verify(&guard);
        scenario.control("without claw the statement drops the table where there is memory for it");
        let line = format!("ulimit -v {}; {}", 1 << 20, psql("DROP TABLE users"));
        let bare = Call::new(["/bin/sh", "-c", &line]).envs(database.env()).bare().exits(0);
        assert!(!database.has_users(), "{}", bare.story());
    }
}
