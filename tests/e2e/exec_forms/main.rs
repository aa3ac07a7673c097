//! Every way to start a program is held, judged and proven, and rewritten or denied if the policy says so.

mod filesystems;
mod languages;
mod scripts;
mod stage;

use claw_tests::call::Call;
use claw_tests::scenario::Scenario;
use claw_tests::sighting::Sighting;
use claw_tests::terminal::Terminal;
use claw_tests::tracee::{Linkage, program};

use stage::{Stage, assert_allowed, assert_denied, assert_rewritten, guard};

/// The forms of `spawn_forms.c` that start the file they are given.
const FORMS: [&str; 11] = [
    "execve",
    "fork",
    "vfork",
    "posix_spawn",
    "clone3",
    "go",
    "thread",
    "dirfd",
    "empty_path",
    "fexecve",
    "chdir",
];

const LINKAGES: [Linkage; 2] = [Linkage::Static, Linkage::Dynamic];

/// Has `spawn_forms` start `name` of the stage with `arguments`.
fn start(stage: &Stage, form: &str, linkage: Linkage, name: &str, arguments: &[&str]) -> Call {
    let mut argv = vec![program("spawn_forms", linkage).into_os_string(), form.into()];
    argv.push(stage.path(name).into());
    argv.push(name.into());
    argv.extend(arguments.iter().map(Into::into));
    Call::new(argv).cwd(stage.folder())
}

#[test]
fn every_form_runs_as_without_claw_and_is_proven() {
    for linkage in LINKAGES {
        let stage = Stage::new(linkage);
        for form in FORMS {
            let scenario = Scenario::new(format!("{form}, {linkage:?}"));
            let call = start(&stage, form, linkage, "witness", &["one", "", "two words"]);
            scenario.control("what the program sees of itself without claw");
            let bare = call.bare().exits(0);
            scenario.when("the same call is made under claw");
            let ran = call.guarded(&guard()).exits(0);
            scenario.then("it sees the same argv, cwd, terminal and descriptors, and no more");
            assert_eq!(Sighting::of(&ran).surroundings(), Sighting::of(&bare).surroundings());
            scenario.then("its record is proven and names its process");
            assert_allowed(&ran, "two words");
        }
    }
}

#[test]
fn every_form_keeps_the_exit_status() {
    let stage = Stage::new(Linkage::Static);
    for form in FORMS {
        let call = start(&stage, form, Linkage::Static, "witness", &[]).env("WITNESS_EXIT", "37");
        let _ = call.bare().exits(37);
        let _ = call.guarded(&guard()).exits(37);
    }
}

#[test]
fn every_form_is_rewritten_in_place() {
    for linkage in LINKAGES {
        let stage = Stage::new(linkage);
        for form in FORMS {
            let scenario = Scenario::new(format!("a rewritten {form}, {linkage:?}"));
            let call = start(&stage, form, linkage, "psql", &["-X", "-c", "SELECT * FROM users"]);
            let bare = Sighting::of(&call.bare().exits(0));
            scenario.control("without claw the statement is as it was");
            assert_eq!(bare.argv, ["psql", "-X", "-c", "SELECT * FROM users"]);
            let ran = call.guarded(&guard()).exits(0);
            scenario.then("under claw it has a limit, and all else is as it was");
            assert_rewritten(&ran, &bare);
        }
    }
}

#[test]
fn every_form_is_denied() {
    for linkage in LINKAGES {
        let stage = Stage::new(linkage);
        for form in FORMS {
            let scenario = Scenario::new(format!("a denied {form}, {linkage:?}"));
            for (name, arguments, rule) in [
                ("forbidden", &["x"][..], "no-forbidden"),
                ("psql", &["-X", "-c", "DROP TABLE t"], "sql-no-ddl"),
            ] {
                let call = start(&stage, form, linkage, name, arguments);
                scenario.control(format!("`{name}` runs without claw"));
                stage.assert_runs(&call);
                scenario.then("and not a single instruction of it does under claw");
                let ran = stage.assert_does_not_run(&call, &guard());
                assert_denied(&ran, rule);
            }
        }
    }
}

#[test]
fn a_rewrite_takes_any_length() {
    let stage = Stage::new(Linkage::Dynamic);
    let scenario = Scenario::new("a rewritten argv that is much longer than a page");
    let long = format!("SELECT * FROM users WHERE name <> '{}'", "x".repeat(100_000));
    for form in ["vfork", "posix_spawn", "go", "thread"] {
        let call = start(
            &stage,
            form,
            Linkage::Dynamic,
            "psql",
            &["-X", "-c", &long, "-c", "SELECT * FROM a"],
        );
        let bare = Sighting::of(&call.bare().exits(0));
        scenario.control("without claw both statements arrive as they are");
        assert_eq!(bare.argv[3], long);
        scenario.then("under claw both have a limit");
        let ran = call.guarded(&guard()).exits(0);
        let seen = Sighting::of(&ran);
        for at in [3, 5] {
            assert!(seen.argv[at].ends_with("LIMIT 1000"), "{}", ran.story());
        }
        assert!(seen.argv[3].len() > long.len(), "{}", ran.story());
    }
}

#[test]
fn a_rewrite_keeps_the_terminal() {
    let scenario = Scenario::new("a rewritten program on a terminal");
    let stage = Stage::new(Linkage::Dynamic);
    let psql = stage.path("psql");
    let guard = guard();
    let command = guard.command(&[
        psql.as_os_str(),
        "-X".as_ref(),
        "-c".as_ref(),
        "SELECT * FROM users".as_ref(),
    ]);
    let mut terminal = Terminal::start(&command, 24, 200);
    scenario.then("it has the terminal as its own, and its statement has a limit");
    terminal.shows("tty /dev/pts/");
    terminal.shows("arg 3 SELECT * FROM users LIMIT 1000");
    assert_eq!(terminal.ends().code(), Some(0), "{}", terminal.seen());
}

#[test]
fn a_program_in_memory_is_judged_as_unknown_or_refused() {
    let scenario = Scenario::new("a memfd");
    let stage = Stage::new(Linkage::Static);
    let call = start(&stage, "memfd", Linkage::Static, "witness", &["in memory"]);
    scenario.control("without claw it runs");
    let bare = Sighting::of(&call.bare().exits(0));
    let ran = call.guarded(&guard());
    scenario.then("under claw it is proven, or it does not run and says so");
    if ran.about("in memory").iter().any(|record| record.verdict() == "allow") {
        assert_allowed(&ran, "in memory");
        assert_eq!(Sighting::of(&ran).surroundings(), bare.surroundings());
    } else {
        assert_ne!(ran.code(), Some(0), "{}", ran.story());
        assert!(ran.out().lines().all(|line| line.starts_with("becomes ")), "{}", ran.story());
    }
}

#[test]
fn a_chroot_is_judged_inside() {
    let scenario = Scenario::new("a static program in a root of its own");
    let stage = Stage::new(Linkage::Static);
    let call =
        |name: &str, arguments: &[&str]| start(&stage, "chroot", Linkage::Static, name, arguments);
    let bare = Sighting::of(&call("witness", &["inside"]).bare().exits(0));
    scenario.control("without claw it sees `/` as its directory");
    assert_eq!(bare.cwd, "/");
    let ran = call("witness", &["inside"]).guarded(&guard()).exits(0);
    scenario.then("under claw it runs just so, and is proven");
    assert_eq!(Sighting::of(&ran).surroundings(), bare.surroundings());
    assert_allowed(&ran, "inside");
    scenario.then("`forbidden` in there is found and denied");
    let ran = stage.assert_does_not_run(&call("forbidden", &["x"]), &guard());
    assert_denied(&ran, "no-forbidden");
    scenario.then("`psql` in there is rewritten");
    let call = call("psql", &["-X", "-c", "SELECT * FROM users"]);
    let bare = Sighting::of(&call.bare().exits(0));
    assert_rewritten(&call.guarded(&guard()).exits(0), &bare);
}
