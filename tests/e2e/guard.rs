//! The guard itself: what runs under it cannot signal, read or reprioritise it.

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

/// The ways of tests/programs/reach.c to a process by its number, and whether a refusal is recorded: what
/// the kernel or the filter refuses by itself is not.
const WAYS: [(&str, bool); 18] = [
    ("kill", true),
    ("group", true),
    ("tkill", true),
    ("tgkill", true),
    ("queue", true),
    ("queue-thread", true),
    ("pidfd", true),
    ("folder", false),
    ("owner", true),
    ("owner-ex", false),
    ("limits", true),
    ("affinity", true),
    ("scheduler", true),
    ("priority", true),
    ("io-priority", true),
    ("pages", true),
    ("memory", false),
    ("environment", false),
];

#[test]
fn the_supervisor_is_out_of_reach() {
    let reach = program("reach", Linkage::Static).display().to_string();
    // A parent that leads a session of its own, as the supervisor does.
    let parent = format!("setsid /bin/sh -c '\"{reach}\" \"$0\" $$; :' ");
    for (way, recorded) in WAYS {
        let scenario = Scenario::new(format!("a process reaches for the supervisor: {way}"));
        scenario.control("without claw it reaches its parent");
        let bare = Call::new(["/bin/sh", "-c", &format!("{parent}{way}")]).bare().exits(0);
        assert_eq!(bare.out(), "ok", "{}", bare.story());
        scenario.then("under claw the parent is the supervisor, and the call fails");
        let script = format!("'{reach}' {way} $PPID; :");
        let ran = Call::new(["/bin/sh", "-c", &script]).guarded(&Guard::with_policy("open"));
        let ran = ran.exits(0);
        assert!(["EPERM", "EACCES", "EBADF"].contains(&ran.out().as_str()), "{}", ran.story());
        let tampers: Vec<_> = ran.records.iter().filter(|r| r.kind() == "tamper").collect();
        assert_eq!(tampers.len(), usize::from(recorded), "{}", ran.story());
        assert!(tampers.iter().all(|r| r.verdict() == "deny"), "{}", ran.story());
    }
}

#[test]
fn nobody_is_reached_by_reaching_for_everybody() {
    let reach = program("reach", Linkage::Static).display().to_string();
    for way in ["everybody", "priority-of-user"] {
        let scenario = Scenario::new(way);
        let call = Call::new([reach.as_str(), way, "1"]);
        scenario.control("without claw the kernel takes the call");
        let bare = call.bare().exits(0).out();
        assert!(["ok", "ESRCH"].contains(&bare.as_str()), "{bare}");
        scenario.then("under claw it fails, and is recorded");
        let ran = call.guarded(&Guard::with_policy("open")).exits(0);
        assert_eq!(ran.out(), "EPERM", "{}", ran.story());
        assert_eq!(ran.only("deny").kind(), "tamper", "{}", ran.story());
    }
}

#[test]
fn everybody_else_is_reached_as_without_claw() {
    let scenario = Scenario::new("a process and its own child");
    let reach = program("reach", Linkage::Static).display().to_string();
    for (way, _) in
        WAYS.into_iter().filter(|(way, _)| !["group", "folder", "owner-ex"].contains(way))
    {
        let script =
            format!("sleep 60 & '{reach}' {way} $!; kill $!; wait $!; echo $?; kill -0 4194399; :");
        let call = Call::new(["/bin/sh", "-c", &script]);
        let bare = call.bare().exits(0);
        scenario.control(format!("{way}: without claw: {}", bare.out()));
        assert_eq!(bare.out(), "ok\n143", "{}", bare.story());
        scenario.then("under claw the same");
        let ran = call.guarded(&Guard::with_policy("open")).exits(0);
        assert_eq!(ran.out(), bare.out(), "{}", ran.story());
        assert!(ran.records.iter().all(|r| r.kind() != "tamper"), "{}", ran.story());
    }
}
