//! The other side of the proof: nobody who plays fair is killed, however many exec at once.

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

use crate::arena::{Arena, tries};

const THREADS: usize = 16;

#[test]
fn honest_execs_of_many_threads_are_never_killed() {
    let arena = Arena::new();
    let each = tries().div_ceil(THREADS * 2);
    let total = THREADS * each;
    let crowd = || {
        let counts = [THREADS.to_string().into(), each.to_string().into()];
        let mut argv = vec![program("exec_crowd", Linkage::Static)];
        argv.extend(counts);
        argv.push(arena.psql());
        Call::new(argv)
    };
    let scenario = Scenario::new("many threads exec at once");
    scenario.given(format!("{THREADS} threads that start {each} programs each"));
    let (bare, _) = arena.run(crowd(), None);
    scenario.control(format!("bare: {bare:?}"));
    assert_eq!(bare.good, total, "{bare:?}");

    for guard in [Guard::with_policy("races"), Guard::with_policy("races").without_capabilities()] {
        let (guarded, ran) = arena.run(crowd(), Some(&guard));
        scenario.when(format!("under claw: {guarded:?}"));
        scenario.then("every one ran, none was killed, and each has one record");
        assert_eq!((guarded.good, guarded.killed), (total, 0), "{guarded:?}");
        assert_eq!((guarded.evil, guarded.failed, guarded.denied), (0, 0, 0), "{guarded:?}");
        let mut judged: Vec<_> = ran
            .records
            .iter()
            .filter(|record| record.mentions("SELECT"))
            .map(|record| record.argv().pop().unwrap_or_default())
            .collect();
        judged.sort();
        judged.dedup();
        assert_eq!(judged.len(), total, "each statement was judged");
    }
}
