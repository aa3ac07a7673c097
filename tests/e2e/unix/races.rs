//! A name that changes between the verdict and the call.

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;

use crate::stage::{LEVELS, Stage};

/// Tries of each race: the control wins thousands of them.
const TRIES: usize = 5_000;

/// Runs a race of `unix_reach.c` between two names.
fn race(stage: &Stage, guard: Option<&Guard>, form: &str, [name, other]: [&str; 2]) -> Ran {
    let program = stage.program().display().to_string();
    let call = Call::new([&program, form, name, other, &TRIES.to_string()]);
    guard.map_or_else(|| call.bare(), |guard| call.guarded(guard))
}

#[test]
fn a_name_that_changes_reaches_nothing_that_is_closed() {
    for level in LEVELS {
        let stage = Stage::new();
        let guard = level.guard(&stage.rules());
        let at = |name: &str| stage.folder().join(name).display().to_string();
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(stage.name(to, "stream"), at(name)).expect("a link");
        };
        link("open", "one");
        link("closed", "two");
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(stage.folder(), all).expect("ours");
        let (open, closed) = (stage.name("open", "stream"), stage.name("closed", "stream"));
        let (one, two) = (at("one"), at("two"));
        for (form, names) in [("swap", [open.as_str(), &closed]), ("flip", [&one, &two])] {
            let scenario = Scenario::new(format!("{form}, {}", level.name()));
            let before = stage.count("closed", "race");
            let bare = race(&stage, None, form, names).exits(0);
            let won = stage.count("closed", "race") - before;
            scenario.control(format!("without claw the closed one is reached {won} times"));
            assert!(won > 0, "{}", bare.story());

            let before = ["open", "closed"].map(|side| stage.count(side, "race"));
            let ran = race(&stage, Some(&guard), form, names).exits(0);
            let now = ["open", "closed"].map(|side| stage.count(side, "race"));
            scenario.then(format!("under claw never: {} tries of {TRIES} went through", ran.out()));
            assert_eq!(now[1], before[1], "{}", ran.out());
            assert!(now[0] > before[0], "{}", ran.out());
        }
    }
}
