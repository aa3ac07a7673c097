//! How a policy has psql start, on a live server: a read-only session, no start-up file, an end at the first error.

use std::ffi::OsStr;

use claw_tests::call::{Call, Ran};
use claw_tests::claw::{self, Guard};
use claw_tests::postgres::{self, Database};
use claw_tests::scenario::Scenario;

/// A function that the policy takes for a read, and that writes.
const NOTE: &str = "CREATE TABLE notes (n int); \
     CREATE FUNCTION note() RETURNS int LANGUAGE sql AS 'INSERT INTO notes VALUES (1) RETURNING n'";

fn noted() -> Database {
    let database = postgres::database();
    database.ask(NOTE);
    database
}

fn notes(database: &Database) -> String {
    database.ask("SELECT count(*) FROM notes")
}

/// A line of shell; `$PSQL` is the real psql, `$WRAPPER` Debian's.
fn shell(line: &str, database: &Database) -> Call {
    let uri = format!("postgresql://claw@127.0.0.1:{}/{}", database.port(), database.env()[3].1);
    let psql = format!("{} -A -t", postgres::real_psql().display());
    let wrapper = format!("{} -A -t", postgres::wrapper_psql().display());
    Call::new(["/bin/bash", "-c", line])
        .envs(database.env())
        .env("PSQL", psql)
        .env("WRAPPER", wrapper)
        .env("URI", uri)
}

fn lock() -> Guard {
    Guard::with_policy("second-lock")
}

/// The decision on the psql that connects: Debian's wrapper is judged before it.
fn decision(ran: &Ran) -> &claw_tests::record::Record {
    let all = ran.about("psql");
    all.last().copied().unwrap_or_else(|| panic!("no psql: {}", ran.story()))
}

#[test]
fn a_function_that_writes_fails_in_a_read_only_session() {
    for line in [
        "$PSQL -c 'SELECT note()'",
        "$WRAPPER -c 'SELECT note()'",
        "echo 'SELECT note()' | $PSQL",
        "PGOPTIONS='-c default_transaction_read_only=off' $PSQL -c 'SELECT note()'",
    ] {
        let scenario = Scenario::new(format!("a function writes that the policy allows: {line}"));
        let database = noted();
        scenario.control("without claw it writes, and where the policy asks for no such session");
        let bare = shell(line, &database).bare().exits(0);
        assert_eq!(notes(&database), "1", "{}", bare.story());
        let open = shell(line, &database).guarded(&Guard::with_policy("open")).exits(0);
        assert_eq!(notes(&database), "2", "{}", open.story());
        if line.starts_with("PGOPTIONS") {
            scenario.then(
                "a setting that the policy does not allow is denied, though it would be overridden",
            );
            let ran = shell(line, &database).guarded(&lock());
            assert_eq!(decision(&ran).verdict(), "deny", "{}", ran.story());
        } else {
            scenario.then("the server refuses it, and the audit says what ran");
            let ran = shell(line, &database).guarded(&lock());
            assert!(ran.err().contains("in a read-only transaction"), "{}", ran.story());
            let (first, last) = (ran.about("psql")[0], decision(&ran));
            assert_eq!(first.verdict(), "rewrite", "{}", ran.story());
            assert_eq!(first.field("env")["PGOPTIONS"], "-c default_transaction_read_only=on");
            assert!(last.is_proven(), "{}", ran.story());
        }
        assert_eq!(notes(&database), "2");
    }
}

#[test]
fn what_reads_reads_on() {
    let scenario = Scenario::new("a read in a read-only session");
    let database = postgres::database();
    scenario.then("the server says that the session is read-only, and answers");
    let line = "$WRAPPER -c 'SHOW transaction_read_only' -c 'SELECT count(*) FROM users'";
    let guard = lock();
    let ran = shell(line, &database).guarded(&guard).exits(0);
    assert_eq!(ran.out(), format!("on\n{}", postgres::ROWS), "{}", ran.story());
    scenario.then("`claw explain` shows what was changed in the environment");
    let record = ran.about("psql")[0].id().to_owned();
    let words = [OsStr::new("explain"), OsStr::new(&record), OsStr::new("--audit")];
    let argv = std::iter::once(claw::binary().as_os_str()).chain(words);
    let told = Call::new(argv.chain([guard.audit().as_os_str()])).bare().exits(0).out();
    assert!(told.contains("+ PGOPTIONS=\"-c default_transaction_read_only=on\""), "{told}");
}

#[test]
fn options_from_elsewhere_are_refused() {
    for options in ["?options=-c%20application_name%3Dx", "?options="] {
        let line = format!("$PSQL \"$URI{options}\" -c 'SELECT note()'");
        let scenario = Scenario::new(format!("the connection string has the options: {options}"));
        let database = noted();
        scenario.control("there PGOPTIONS is not looked at");
        let with = format!("PGOPTIONS='-c default_transaction_read_only=on' {line}");
        let bare = shell(&with, &database).bare().exits(0);
        assert_eq!(notes(&database), "1", "{}", bare.story());
        scenario.then("it is denied");
        let ran = shell(&line, &database).guarded(&lock());
        assert_eq!(decision(&ran).verdict(), "deny", "{}", ran.story());
        assert_eq!(notes(&database), "1");
    }
}

#[test]
fn what_would_undo_it_is_for_the_rules() {
    for undo in ["SET default_transaction_read_only = off", "BEGIN READ WRITE"] {
        let scenario = Scenario::new(format!("a session is made writable again: {undo}"));
        let database = noted();
        let line = format!("$PSQL -c '{undo}' -c 'SELECT note()' -c 'COMMIT'");
        scenario.control("the server lets it");
        let with = format!("PGOPTIONS='-c default_transaction_read_only=on' {line}");
        let bare = shell(&with, &database).bare();
        assert_eq!(notes(&database), "1", "{}", bare.story());
        scenario.then("the statement is denied as it would be anywhere");
        let ran = shell(&line, &database).guarded(&lock());
        assert_eq!(decision(&ran).verdict(), "deny", "{}", ran.story());
        assert_eq!(notes(&database), "1");
    }
}

#[test]
fn no_start_up_file_is_read() {
    let scenario = Scenario::new("a start-up file that PSQLRC names");
    let database = postgres::database();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let line = "echo '\\echo started' > rc; PSQLRC=$PWD/rc $PSQL -c 'SELECT 1'";
    let call = || shell(line, &database).cwd(folder.path());
    scenario.control("without claw it is read, and where the policy does not ask for -X");
    assert_eq!(call().bare().exits(0).out(), "started\n1");
    assert_eq!(call().guarded(&Guard::with_policy("open")).exits(0).out(), "started\n1");
    scenario.then("it is not read");
    let ran = call().guarded(&lock()).exits(0);
    assert_eq!(ran.out(), "1", "{}", ran.story());
    assert!(decision(&ran).argv().contains(&"-X".to_owned()), "{}", ran.story());
}

#[test]
fn a_script_ends_at_its_first_error() {
    for line in [
        "printf 'SELECT 1/0;\\nSELECT 2;\\n' | $PSQL",
        "printf 'SELECT 1/0;\\nSELECT 2;\\n' > a.sql; $WRAPPER -f a.sql",
    ] {
        let scenario = Scenario::new(format!("a script with an error: {line}"));
        let database = postgres::database();
        let folder = tempfile::tempdir().expect("a temporary directory");
        let call = || shell(line, &database).cwd(folder.path());
        scenario.control("without claw it goes on");
        assert_eq!(call().bare().exits(0).out(), "2");
        scenario.then("it ends there, with psql's own status for that");
        let ran = call().guarded(&lock()).exits(3);
        assert_eq!(ran.out(), "", "{}", ran.story());
    }
}
