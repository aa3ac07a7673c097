//! The other side of the proof: no honest program is killed or answered wrongly, however many exec at once.

use std::env;
use std::time::Duration;

use claw_tests::call::{Call, Ran};
use claw_tests::record::Record;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};
use serde_json::json;

use crate::arena::{Arena, LEVELS, count, guard_at, turn};
use crate::results::{announce, leave};

const THREADS: usize = 64;

/// The calls that take turns, and the verdict of each.
const KINDS: [(&str, &str); 4] =
    [("ungoverned", "allow"), ("allowed", "allow"), ("limited", "rewrite"), ("denied", "deny")];

/// How long programs are started.
fn seconds() -> u64 {
    const USUAL: u64 = 3;
    env::var("CLAW_FLOOD_SECONDS").map_or(USUAL, |text| {
        text.parse().unwrap_or_else(|_| panic!("`CLAW_FLOOD_SECONDS` is a number, not `{text}`"))
    })
}

#[test]
fn a_flood_of_honest_execs_is_answered_rightly() {
    let _turn = turn();
    let seconds = seconds();
    let arena = Arena::with("words");
    let flood = |bare: Option<&str>| {
        let mut argv = vec![program("flood", Linkage::Static).into_os_string()];
        argv.extend([THREADS.to_string().into(), seconds.to_string().into()]);
        argv.push(arena.path().into());
        argv.extend(bare.map(Into::into));
        Call::new(argv).patience(Duration::from_secs(seconds * 4 + 120))
    };
    let scenario = Scenario::new(format!("{THREADS} threads start programs for {seconds} s"));
    scenario
        .given("calls that are ungoverned, allowed, limited and denied, each with its own words");
    let bare = flood(Some("bare")).bare().exits(0);
    scenario.control(format!("bare, every one runs as it was asked for: {}", bare.out()));
    assert_eq!(mistakes(&bare), [0; 3], "{}", bare.story());

    for level in LEVELS {
        let guard = guard_at(level, "flood", Vec::new());
        let ran = flood(None).guarded(&guard).exits(0);
        scenario.when(format!("under claw, {level}: {}", ran.out()));
        announce(&format!("{THREADS} threads for {seconds} s, {level}: {}", ran.out()));
        let [killed, failed, wrong] = mistakes(&ran);
        let started: usize = KINDS.iter().map(|(kind, _)| count(&ran, kind)).sum();
        let result = json!({
            "level": level, "threads": THREADS, "seconds": seconds, "started": started,
            "killed": killed, "failed": failed, "wrong": wrong,
        });
        leave(&format!("flood-{level}"), &json!({ "flood": result }));
        scenario.then("none is killed, each runs as it was judged, and each has one record");
        assert_eq!([killed, failed, wrong], [0; 3], "{}", shortened(&ran));
        assert!(ran.records.iter().all(|record| record.level() == level), "{}", ran.err());
        let is_call = |record: &&&Record| record.asked().iter().any(|word| word == "-c");
        for verdict in ["allow", "rewrite", "deny"] {
            let of_verdict = KINDS.iter().filter(|kind| kind.1 == verdict);
            let expected: usize = of_verdict.map(|(kind, _)| count(&ran, kind)).sum();
            let execs = ran.execs();
            let recorded = execs.iter().filter(is_call).filter(|one| one.verdict() == verdict);
            assert_eq!(recorded.count(), expected, "`{verdict}`: {}", ran.out());
        }
    }
}

/// How many programs were killed, did not start, and printed something wrong.
fn mistakes(ran: &Ran) -> [usize; 3] {
    ["killed", "failed", "wrong"].map(|name| count(ran, name))
}

fn shortened(ran: &Ran) -> String {
    ran.err().lines().take(20).collect::<Vec<_>>().join("\n")
}
