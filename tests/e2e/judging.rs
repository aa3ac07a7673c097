//! What a denied, limited or allowed call of a governed tool does and leaves, however it is started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::postgres::{self, Database, ROWS};
use claw_tests::scenario::{Scenario, tool};
use claw_tests::tracee::{Linkage, program};

const DROP: &str = "DROP TABLE users";
const READ: &str = "SELECT * FROM users";
const LIMIT: usize = 1000;

/// A way to start a command: the argv that has `sh`, `python3` and the like run `command`.
type Way = fn(command: &[&str]) -> (Vec<OsString>, String);

fn argv<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<OsString> {
    words.into_iter().map(OsString::from).collect()
}

/// The command as one line of shell.
fn quoted(command: &[&str]) -> String {
    let quote = |word: &&str| format!("'{}'", word.replace('\'', r"'\''"));
    command.iter().map(quote).collect::<Vec<_>>().join(" ")
}

fn direct(command: &[&str]) -> (Vec<OsString>, String) {
    (argv(command.iter().copied()), String::new())
}

fn bash_c(command: &[&str]) -> (Vec<OsString>, String) {
    (argv(["/bin/bash", "-c", &format!("cd /; {}", quoted(command))]), String::new())
}

fn nested_shells(command: &[&str]) -> (Vec<OsString>, String) {
    let inner = quoted(&["sh", "-c", &format!("{} && true", quoted(command))]);
    (argv(["/bin/bash", "-c", &format!("({inner}) | cat; exit ${{PIPESTATUS[0]}}")]), String::new())
}

fn sh_heredoc(command: &[&str]) -> (Vec<OsString>, String) {
    (argv(["/bin/sh"]), format!("sh <<'END'\n{}\nEND\n", quoted(command)))
}

fn xargs(command: &[&str]) -> (Vec<OsString>, String) {
    let (last, front) = command.split_last().expect("a command");
    let words = ["/usr/bin/xargs", "-0"].into_iter().chain(front.iter().copied());
    (argv(words), format!("{last}\0"))
}

fn env(command: &[&str]) -> (Vec<OsString>, String) {
    let words = ["/usr/bin/env", "-u", "HOME", "A=B"].into_iter().chain(command.iter().copied());
    (argv(words), String::new())
}

fn python(command: &[&str]) -> (Vec<OsString>, String) {
    tool(&["/usr/bin/python3"]);
    let program = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)";
    (
        argv(["/usr/bin/python3", "-c", program].into_iter().chain(command.iter().copied())),
        String::new(),
    )
}

fn perl(command: &[&str]) -> (Vec<OsString>, String) {
    tool(&["/usr/bin/perl"]);
    let program = "exit(system(@ARGV) >> 8)";
    (
        argv(["/usr/bin/perl", "-e", program].into_iter().chain(command.iter().copied())),
        String::new(),
    )
}

fn through_c(linkage: Linkage, form: &str, command: &[&str]) -> (Vec<OsString>, String) {
    let mut words = vec![program("spawn_forms", linkage).into_os_string()];
    words.extend(argv([form, command[0]]));
    words.extend(argv(command.iter().copied()));
    (words, String::new())
}

fn static_c(command: &[&str]) -> (Vec<OsString>, String) {
    through_c(Linkage::Static, "fork", command)
}

fn dynamic_c(command: &[&str]) -> (Vec<OsString>, String) {
    through_c(Linkage::Dynamic, "posix_spawn", command)
}

const WAYS: [(&str, Way); 10] = [
    ("direct", direct),
    ("bash -c", bash_c),
    ("nested shells", nested_shells),
    ("sh heredoc", sh_heredoc),
    ("xargs", xargs),
    ("env", env),
    ("python subprocess", python),
    ("perl system", perl),
    ("static C", static_c),
    ("dynamic C", dynamic_c),
];

/// Debian's wrapper and the program it wraps.
fn psqls() -> [PathBuf; 2] {
    [postgres::wrapper_psql(), postgres::real_psql()]
}

fn call(way: Way, psql: &Path, statement: &str, database: &Database) -> Call {
    let psql = psql.to_str().expect("the path is ASCII");
    let (argv, stdin) = way(&[psql, "-X", "-A", "-t", "-c", statement]);
    Call::new(argv).stdin(stdin).envs(database.env())
}

/// How many rows of `users` a run printed.
fn rows(ran: &Ran) -> usize {
    ran.out().lines().filter(|line| line.contains("|user ")).count()
}

/// A DROP that is denied, for one way and one `psql`.
fn drop_is_denied(name: &str, way: Way, psql: &Path) {
    let scenario = Scenario::new(format!("DROP through {name}, {}", psql.display()));
    scenario.given("two databases with the table `users`");
    let (control, guarded) = (postgres::database(), postgres::database());
    assert!(control.has_users() && guarded.has_users());

    scenario.control("the same call without claw drops the table");
    let bare = call(way, psql, DROP, &control).bare().exits(0);
    assert!(!control.has_users(), "{}", bare.story());

    scenario.when("the call is made under claw");
    let ran = call(way, psql, DROP, &guarded).guarded(&Guard::with_policy("judging"));

    scenario.then("the table is still there, asked over another connection");
    assert!(guarded.has_users(), "{}", ran.story());
    scenario.then("the tool says why on its stderr, in its own words, and fails");
    assert!(
        ran.err().contains("psql: error: ")
            && ran.err().contains("(claw rule sql-no-ddl: schema changes go through migrations)"),
        "{}",
        ran.story()
    );
    assert!(ran.out().lines().all(|line| line.starts_with("spawned ")), "{}", ran.story());
    let status = if name == "xargs" { 123 } else { 1 };
    let ran = ran.exits(status);
    scenario.then("one record says so");
    let record = ran.only("deny");
    assert_eq!(
        (record.rule(), record.reason()),
        ("sql-no-ddl", "schema changes go through migrations")
    );
    assert!(record.mentions(DROP), "{}", ran.story());
}

/// A SELECT that is limited, for one way and one `psql`.
fn select_is_limited(name: &str, way: Way, psql: &Path, database: &Database) {
    let scenario = Scenario::new(format!("SELECT through {name}, {}", psql.display()));
    scenario.control(format!("the same call without claw gives all {ROWS} rows"));
    let bare = call(way, psql, READ, database).bare().exits(0);
    assert_eq!(rows(&bare), ROWS, "{}", bare.story());

    scenario.when("the call is made under claw");
    let ran = call(way, psql, READ, database).guarded(&Guard::with_policy("judging")).exits(0);

    scenario.then(format!("it gives {LIMIT} rows"));
    assert_eq!(rows(&ran), LIMIT, "{}", ran.story());
    scenario.then("a record says which rule rewrote it, and it is proven");
    let rewrites: Vec<_> =
        ran.records.iter().filter(|record| record.verdict() == "rewrite").collect();
    assert!(!rewrites.is_empty(), "{}", ran.story());
    for record in rewrites {
        assert_eq!(record.rule(), "sql-row-limit");
        assert!(record.is_proven(), "{}", ran.story());
    }
}

#[test]
fn a_drop_is_denied_through_the_real_psql() {
    for (name, way) in WAYS {
        drop_is_denied(name, way, &postgres::real_psql());
    }
}

#[test]
fn a_drop_is_denied_through_debians_wrapper() {
    for (name, way) in WAYS {
        drop_is_denied(name, way, &postgres::wrapper_psql());
    }
}

#[test]
fn a_select_is_limited_through_the_real_psql() {
    let database = postgres::database();
    for (name, way) in WAYS {
        select_is_limited(name, way, &postgres::real_psql(), &database);
    }
}

#[test]
fn a_select_is_limited_through_debians_wrapper() {
    let database = postgres::database();
    for (name, way) in WAYS {
        select_is_limited(name, way, &postgres::wrapper_psql(), &database);
    }
}

#[test]
fn a_second_statement_does_not_hide_behind_the_first() {
    let scenario = Scenario::new("several statements in one call");
    let spellings: [&[&str]; 6] = [
        &["-c", "SELECT 1; DROP TABLE users"],
        &["-c", "SELECT 1", "-c", DROP],
        &["--command=SELECT 1", "--command", DROP],
        &["-Atc", "SELECT 1", "-XqcDROP TABLE users"],
        &["-c", "/* SELECT */ dRoP /* a comment */ tAbLe users -- SELECT"],
        &["-c", "BEGIN", "-c", "DROP TABLE users CASCADE", "-c", "COMMIT"],
    ];
    for psql in psqls() {
        for spelling in spellings {
            scenario.given(format!("{} {spelling:?}", psql.display()));
            let run = |database: &Database| {
                let words = spelling.iter().map(OsString::from);
                let argv = [psql.clone().into_os_string(), "-X".into()].into_iter().chain(words);
                Call::new(argv).envs(database.env())
            };
            let (control, guarded) = (postgres::database(), postgres::database());
            scenario.control("it drops the table without claw");
            let bare = run(&control).bare().exits(0);
            assert!(!control.has_users(), "{}", bare.story());
            scenario.then("it does not under claw");
            let ran = run(&guarded).guarded(&Guard::with_policy("judging")).exits(1);
            assert!(guarded.has_users(), "{}", ran.story());
            assert!(ran.err().contains("claw rule"), "{}", ran.story());
        }
    }
}

#[test]
fn a_denial_can_be_a_bare_errno() {
    let scenario = Scenario::new("the policy wants the guard unseen");
    let (control, guarded) = (postgres::database(), postgres::database());
    let psql = postgres::real_psql();
    scenario.control("the call drops the table without claw");
    let bare = call(bash_c, &psql, DROP, &control).bare().exits(0);
    assert!(!control.has_users(), "{}", bare.story());
    scenario.when("it is made under a policy with `denial.style = \"errno\"`");
    let ran = call(bash_c, &psql, DROP, &guarded).guarded(&Guard::with_policy("errno")).exits(126);
    scenario.then("the shell sees EPERM, and no word of claw");
    assert!(guarded.has_users(), "{}", ran.story());
    assert!(ran.err().contains("Operation not permitted"), "{}", ran.story());
    assert!(!ran.err().contains("claw"), "{}", ran.story());
    assert_eq!(ran.only("deny").rule(), "sql-no-ddl");
}

#[test]
fn a_denied_call_keeps_its_process_and_its_stderr() {
    let scenario = Scenario::new("a denial is the tool's own");
    let database = postgres::database();
    scenario
        .given("a shell that sends the tool's stdout and stderr to two files and prints its pid");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let script = format!(
        "cd '{}'; '{}' -X -c '{DROP}' >out 2>err & echo $!; wait $!; echo $?",
        folder.path().display(),
        postgres::real_psql().display()
    );
    let call = Call::new(["/bin/sh", "-c", &script]).envs(database.env());
    let ran = call.guarded(&Guard::with_policy("judging")).exits(0);
    scenario.then("the very process that called psql ends with psql's status");
    let (pid, status) =
        ran.out().split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("two lines");
    assert_eq!(status, "1", "{}", ran.story());
    assert_eq!(ran.only("deny").pid().to_string(), pid, "{}", ran.story());
    scenario.then("what it says is in the tool's stderr, and nowhere else");
    let read = |name| std::fs::read_to_string(folder.path().join(name)).expect("the shell made it");
    assert!(read("err").starts_with("psql: error: "), "{}", read("err"));
    assert_eq!(read("out"), "");
    assert_eq!(ran.err(), "", "{}", ran.story());
    scenario.control("without claw the same shell drops the table");
    let bare = call.bare().exits(0);
    assert!(bare.out().ends_with("\n0") && !database.has_users(), "{}", bare.story());
}

#[test]
fn kubectl_delete_is_denied_and_get_runs() {
    let scenario = Scenario::new("kubectl");
    let kubectl = tool(&["/usr/bin/kubectl", "/usr/local/bin/kubectl"]);
    let kubectl = kubectl.to_str().expect("the path is ASCII");
    let home = tempfile::tempdir().expect("a temporary directory");
    let run = |way: Way, words: &[&str]| {
        let command: Vec<_> =
            [kubectl, "--request-timeout=2s"].into_iter().chain(words.iter().copied()).collect();
        let (argv, stdin) = way(&command);
        Call::new(argv).stdin(stdin).env("HOME", home.path())
    };
    for (name, way) in WAYS {
        scenario.given(format!("kubectl through {name}, and no cluster"));
        scenario.control("without claw both reach for the cluster and fail in kubectl's own words");
        let delete = run(way, &["delete", "pod", "web"]);
        let get = run(way, &["get", "pods"]);
        let own_words =
            |ran: &Ran| ran.err().contains("refused") || ran.err().contains("localhost:8080");
        let bare = delete.bare();
        assert!(own_words(&bare), "{}", bare.story());
        let bare_get = get.bare();
        assert!(own_words(&bare_get), "{}", bare_get.story());

        scenario.then("under claw the delete never starts");
        let ran = delete.guarded(&Guard::with_policy("judging"));
        assert!(!own_words(&ran), "{}", ran.story());
        assert!(
            ran.err().contains("error: ")
                && ran.err().contains("(claw rule kube-no-delete: nothing is deleted from here)"),
            "{}",
            ran.story()
        );
        let ran = ran.exits(if name == "xargs" { 123 } else { 1 });
        assert_eq!(ran.only("deny").rule(), "kube-no-delete");

        scenario.then("and the get fails as it does without claw");
        let ran = get.guarded(&Guard::with_policy("judging"));
        assert!(own_words(&ran), "{}", ran.story());
        assert_eq!(ran.status, bare_get.status, "{}", ran.story());
        assert!(ran.execs().iter().all(|record| record.verdict() == "allow"), "{}", ran.story());
    }
}

#[test]
fn what_no_rule_covers_takes_the_default() {
    let scenario = Scenario::new("a governed tool and no rule");
    let database = postgres::database();
    scenario.given("a policy that names reads and schema changes, and a DELETE");
    let call = database.psql("DELETE FROM users WHERE id <= 10");
    let ran = call.guarded(&Guard::with_policy("judging")).exits(1);
    scenario.then("nothing is deleted and the record names the default");
    assert_eq!(database.ask("SELECT count(*) FROM users"), ROWS.to_string(), "{}", ran.story());
    assert_eq!(ran.only("deny").rule(), "", "{}", ran.story());
    scenario.control("without claw the rows are deleted");
    call.bare().exits(0);
    assert_eq!(database.ask("SELECT count(*) FROM users"), (ROWS - 10).to_string());
}

#[test]
fn unreadable_sql_is_denied() {
    let scenario = Scenario::new("SQL that cannot be read");
    let database = postgres::database();
    for statement in ["SELEKT 1", "SELECT 1; \\! true", "SELECT 'open"] {
        scenario.given(format!("the statement {statement:?}"));
        let ran = database.psql(statement).guarded(&Guard::with_policy("judging")).exits(1);
        scenario.then("psql does not run");
        assert!(ran.err().contains("claw"), "{}", ran.story());
    }
    scenario.control("what can be read runs");
    let ran = database.psql("SELECT 1").guarded(&Guard::with_policy("judging")).exits(0);
    assert_eq!(ran.out(), "1", "{}", ran.story());
}
