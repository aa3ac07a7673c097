//! The guard itself: a guarded process cannot signal, read, trace or reprioritise it. This holds at both
//! levels, also if the supervisor runs as the same user, and if tracing is open.

use std::fs;

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::prompt::Prompt;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

/// A way of tests/programs/reach.c to a process by its number.
struct Way {
    name: &'static str,
    /// Whether a refusal is recorded: what the kernel or the filter refuses by itself is not.
    recorded: bool,
    /// Whether the call works on other processes as without claw. If not, a door is closed, or the call names
    /// its target behind a pointer or a descriptor.
    others: bool,
}

const fn held(name: &'static str) -> Way {
    Way { name, recorded: true, others: true }
}

const fn refused(name: &'static str) -> Way {
    Way { name, recorded: false, others: false }
}

const WAYS: [Way; 24] = [
    held("kill"),
    Way { others: false, ..held("group") },
    held("tkill"),
    held("tgkill"),
    held("queue"),
    held("queue-thread"),
    held("pidfd"),
    refused("folder"),
    held("owner"),
    refused("owner-ex"),
    held("limits"),
    held("limits-set"),
    held("affinity"),
    held("scheduler"),
    held("priority"),
    held("io-priority"),
    held("pages"),
    Way { others: true, ..refused("memory") },
    Way { others: true, ..refused("environment") },
    Way { others: false, ..held("advise") },
    refused("read-memory"),
    refused("write-memory"),
    refused("attach"),
    refused("seize"),
];

/// The guards of both levels; at `held` claw is another process of the command's own user.
fn guards(policy: &str) -> [(&'static str, Guard); 2] {
    let guard = || Guard::with_policy(policy).option("--require").option("held");
    [("proven", guard()), ("held", guard().as_ordinary_user())]
}

/// `reach`, where the command finds it.
fn reach_under(level: &str, guard: &Guard) -> String {
    let reach = program("reach", Linkage::Static);
    let reach = if level == "held" { guard.staged(&reach) } else { reach };
    reach.display().to_string()
}

#[test]
fn the_supervisor_is_out_of_reach() {
    let bare = program("reach", Linkage::Static).display().to_string();
    // A parent that leads a session of its own, as the supervisor does.
    let parent = format!("setsid /bin/sh -c '\"{bare}\" \"$0\" $$; :' ");
    for way in &WAYS {
        let scenario = Scenario::new(format!("a process reaches for the supervisor: {}", way.name));
        scenario.control("without claw it reaches its parent");
        let bare = Call::new(["/bin/sh", "-c", &format!("{parent}{}", way.name)]).bare().exits(0);
        assert_eq!(bare.out(), "ok", "{}", bare.story());
        for policy in ["open", "tracing"] {
            for (level, guard) in guards(policy) {
                scenario.then(format!(
                    "{level}, `{policy}`: the parent is the supervisor, and the call fails"
                ));
                let script = format!("'{}' {} $PPID; :", reach_under(level, &guard), way.name);
                let ran = Call::new(["/bin/sh", "-c", &script]).guarded(&guard).exits(0);
                assert!(ran.records.iter().all(|r| r.level() == level), "{}", ran.story());
                assert!(
                    ["EPERM", "EACCES", "EBADF"].contains(&ran.out().as_str()),
                    "{}",
                    ran.story()
                );
                let tampers: Vec<_> = ran.records.iter().filter(|r| r.kind() == "tamper").collect();
                assert_eq!(tampers.len(), usize::from(way.recorded), "{}", ran.story());
                assert!(tampers.iter().all(|r| r.verdict() == "deny"), "{}", ran.story());
            }
        }
    }
}

#[test]
fn the_supervisor_keeps_a_session_and_a_group_of_its_own() {
    // The state, the parent, the group and the session, proc_pid_stat(5).
    let of = |pid: i32| -> [i32; 3] {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
        let (_, rest) = stat.rsplit_once(") ").expect("a name in brackets");
        let mut numbers = rest.split(' ').skip(1).map(|word| word.parse().expect("a number"));
        [(); 3].map(|()| numbers.next().expect("a field"))
    };
    for (level, guard) in guards("open") {
        let scenario = Scenario::new(format!("{level}: the processes of a session"));
        let mut shell = Prompt::start(&guard, &[]);
        let supervisor = shell.supervisor().as_raw_nonzero().get();
        let command: i32 = shell.says("echo $$").0.parse().expect("a number");
        let [parent, group, session] = of(command);
        scenario.then("the supervisor leads its own, and front and command are in another");
        assert_eq!(parent, supervisor);
        let [front, own_group, own_session] = of(supervisor);
        assert_eq!((own_group, own_session), (supervisor, supervisor));
        let [_, front_group, front_session] = of(front);
        assert_eq!((group, session), (front_group, front_session));
        assert!(group != own_group && session != own_session);
        let _ = shell.close();
    }
}

#[test]
fn an_ordinary_supervisor_is_not_put_first_when_memory_is_short() {
    let scenario =
        Scenario::new("held: /proc/PID/oom_score_adj of the parent, which runs as the same user");
    let write = "echo 500 >/proc/$PPID/oom_score_adj && echo wrote; true";
    let user = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let whole = format!("/bin/sh -c '{write}'; :");
    let control = Call::new(user.into_iter().chain(["/bin/sh", "-c", &whole])).bare();
    scenario.control("without claw a child writes its parent's");
    assert_eq!(control.out(), "wrote", "{}", control.story());
    scenario.then(
        "under claw the supervisor's cannot be had; as another user neither (tests/e2e/user.rs)",
    );
    let [_, (_, guard)] = guards("open");
    let ran = Call::new(["/bin/sh", "-c", write]).guarded(&guard).exits(0);
    assert_eq!(ran.out(), "", "{}", ran.story());
}

#[test]
fn nobody_is_reached_by_reaching_for_everybody() {
    for way in ["everybody", "priority-of-user"] {
        let scenario = Scenario::new(way);
        let bare = program("reach", Linkage::Static).display().to_string();
        scenario.control("without claw the kernel takes the call");
        let bare = Call::new([bare.as_str(), way, "1"]).bare().exits(0).out();
        assert!(["ok", "ESRCH"].contains(&bare.as_str()), "{bare}");
        for (level, guard) in guards("open") {
            scenario.then(format!("{level}: it fails, and is recorded"));
            let reach = reach_under(level, &guard);
            let ran = Call::new([reach.as_str(), way, "1"]).guarded(&guard).exits(0);
            assert_eq!(ran.out(), "EPERM", "{}", ran.story());
            assert_eq!(ran.only("deny").kind(), "tamper", "{}", ran.story());
        }
    }
}

#[test]
fn everybody_else_is_reached_as_without_claw() {
    let scenario = Scenario::new("a process and its own child");
    for way in WAYS.iter().filter(|way| way.others) {
        let script = |reach: &str| {
            format!(
                "sleep 60 & '{reach}' {} $!; kill $!; wait $!; echo $?; kill -0 4194399; :",
                way.name
            )
        };
        let bare = program("reach", Linkage::Static).display().to_string();
        let bare = Call::new(["/bin/sh", "-c", &script(&bare)]).bare().exits(0);
        scenario.control(format!("{}: without claw: {}", way.name, bare.out()));
        assert_eq!(bare.out(), "ok\n143", "{}", bare.story());
        for (level, guard) in guards("open") {
            scenario.then(format!("{level}: the same"));
            let line = script(&reach_under(level, &guard));
            let ran = Call::new(["/bin/sh", "-c", &line]).guarded(&guard).exits(0);
            assert_eq!(ran.out(), bare.out(), "{}", ran.story());
            assert!(ran.records.iter().all(|r| r.kind() != "tamper"), "{}", ran.story());
        }
    }
}
