//! `claw run --observe`: the same verdicts, recorded as what would have been, and nothing is held.

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::postgres::{self, ROWS};
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

fn observing(policy: &str) -> Guard {
    Guard::with_policy(policy).observing()
}

#[test]
fn a_drop_happens_and_is_recorded_as_denied() {
    let scenario = Scenario::new("an observed DROP");
    let call = |database: &postgres::Database| {
        let psql = postgres::real_psql().display().to_string();
        let script = format!("'{psql}' -X -q -c 'DROP TABLE users'");
        Call::new(["/bin/bash", "-c", &script]).envs(database.env())
    };
    let (control, observed) = (postgres::database(), postgres::database());
    scenario.control("without claw the table is gone");
    let bare = call(&control).bare().exits(0);
    assert!(!control.has_users(), "{}", bare.story());

    scenario.when("the same is observed");
    let guard = observing("judging");
    let ran = call(&observed).guarded(&guard).exits(0);
    scenario.then("the table is gone too, and the tool said what it always says");
    assert!(!observed.has_users(), "{}", ran.story());
    assert_eq!((ran.out(), ran.err()), (bare.out(), bare.err()));
    scenario.then("the record says what would have been");
    let record = ran.only("deny");
    assert_eq!((record.rule(), record.level()), ("sql-no-ddl", "observed"), "{}", ran.story());
    assert!(record.mentions("DROP TABLE users"), "{}", ran.story());
    assert_eq!(record.proof(), "none", "{}", ran.story());
}

#[test]
fn a_select_is_not_limited() {
    let scenario = Scenario::new("an observed SELECT");
    let database = postgres::database();
    let call = database.psql("SELECT * FROM users");
    scenario.control(format!("without claw it gives {ROWS} rows"));
    assert_eq!(call.bare().exits(0).out().lines().count(), ROWS);
    let ran = call.guarded(&observing("judging")).exits(0);
    scenario.then("observed too, and the record says `rewrite`");
    assert_eq!(ran.out().lines().count(), ROWS);
    assert_eq!(ran.only("rewrite").rule(), "sql-row-limit", "{}", ran.story());
}

#[test]
fn a_connection_is_made_and_recorded_as_denied() {
    let scenario = Scenario::new("an observed connection");
    let listener = std::net::TcpListener::bind("127.0.9.5:17771").expect("loopback");
    let program = program("connect_forms", Linkage::Static).display().to_string();
    let call = Call::new([&*program, "tcp", "127.0.9.5", "17771"]);
    scenario.control("without claw it arrives");
    assert_eq!(call.bare().exits(0).out(), "ok");
    drop(listener.accept().expect("the control's connection"));
    let ran = call.guarded(&observing("connect")).exits(0);
    scenario.then("observed too, and the record says `deny`");
    assert_eq!(ran.out(), "ok", "{}", ran.story());
    let records = ran.connects(([127, 0, 9, 5], 17771).into());
    assert_eq!(records.len(), 1, "{}", ran.story());
    assert_eq!(
        (records[0].verdict(), records[0].rule()),
        ("deny", "no-network"),
        "{}",
        ran.story()
    );
    assert_eq!(records[0].level(), "observed", "{}", ran.story());
}

#[test]
fn nothing_is_held() {
    let scenario = Scenario::new("the seccomp state of an observed command");
    let call =
        Call::new(["/bin/grep", "-E", "^(Seccomp|NoNewPrivs|TracerPid):", "/proc/self/status"]);
    let bare = call.bare().exits(0);
    scenario.control(format!("without claw: {}", bare.out().replace(['\n', '\t'], " ")));
    scenario.then("observed, it is the same: no filter, no tracer");
    let ran = call.guarded(&observing("open")).exits(0);
    assert_eq!(ran.out(), bare.out(), "{}", ran.story());
    scenario.then("guarded, it has a filter");
    let held = call.guarded(&Guard::with_policy("open")).exits(0);
    assert!(held.out().contains("Seccomp:\t2"), "{}", held.story());
}

#[test]
fn a_policy_can_ask_to_observe() {
    let scenario = Scenario::new("`mode = \"observe\"` in the policy");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let policy = folder.path().join("observing.toml");
    let text = std::fs::read_to_string(claw_tests::claw::policy("judging")).expect("a policy");
    let text = text.replace("version = 1\n", "version = 1\nmode = \"observe\"\n");
    std::fs::write(&policy, text).expect("a new file");
    let database = postgres::database();
    scenario.control("the same policy without the mode keeps the table");
    let call = database.psql("DROP TABLE users");
    let _ = call.guarded(&Guard::with_policy("judging")).exits(1);
    assert!(database.has_users());
    scenario.then("with it the table is gone and the record says `deny`");
    let ran = call.guarded(&Guard::with_policy_file(&policy)).exits(0);
    assert!(!database.has_users(), "{}", ran.story());
    assert_eq!(ran.only("deny").rule(), "sql-no-ddl", "{}", ran.story());
}
