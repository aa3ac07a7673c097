//! Malformed calls, bad policies and dying callers: each gets the kernel's answer or one clear line, and claw
//! continues.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use claw_tests::call::{Call, Ran};
use claw_tests::claw::{self, Guard};
use claw_tests::running::Running;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, copy_program, program};
use tempfile::TempDir;

/// Runs a command that leaves a file, under a policy that cannot be used: nothing may start.
fn refused(guard: &Guard) -> Ran {
    let folder = TempDir::new().expect("a temporary directory");
    let note = folder.path().join("note");
    let call = Call::new(["/usr/bin/touch".as_ref(), note.as_path()]);
    let _ = call.bare().exits(0);
    assert!(note.exists(), "the control leaves a file");
    fs::remove_file(&note).expect("the note");
    let ran = call.guarded(guard).exits(2);
    assert!(!note.exists(), "the command ran\n{}", ran.story());
    assert_eq!(ran.out(), "");
    assert!(!ran.err().contains("panicked"), "{}", ran.story());
    ran
}

#[test]
fn a_policy_with_errors_is_refused_with_all_of_them() {
    let scenario = Scenario::new("a policy with many errors");
    let policy = claw::policy("broken");
    let ran = refused(&Guard::with_policy("broken"));
    scenario.then("every one is told at once, with file, line and what was meant");
    for (line, what) in [
        (2, "expected `enforce` or `observe`"),
        (5, "did you mean `allow`"),
        (6, "did you mean `governed`"),
        (8, "a deny rule says why"),
        (9, "did you mean `sql-no-ddl`"),
        (10, "did you mean `psql`"),
        (12, "did you mean `effect`"),
        (18, "`limit_rows` is at least 1"),
        (21, "the id `limit` is already used on line 15"),
        (22, "`10.0.0.0/33` is not an address or a network"),
    ] {
        assert!(ran.err().contains(&format!("broken.toml:{line}")), "line {line}\n{}", ran.err());
        assert!(ran.err().contains(what), "line {line}: {what}\n{}", ran.err());
    }
    scenario.control("the file and its lines are as the test says");
    let text = fs::read_to_string(policy).expect("the broken policy");
    assert_eq!(text.lines().nth(9), Some("tools = [\"pslq\"]"));
}

#[test]
fn a_policy_that_is_no_toml_is_refused() {
    let folder = TempDir::new().expect("a temporary directory");
    let at = folder.path().join("policy.toml");
    for text in [
        &b"version = 1\n[defaults\n"[..],
        b"\xff\xfe",
        b"",
        b"version = 99\n",
        b"version = \"1\"\n",
    ] {
        fs::write(&at, text).expect("a new file");
        let ran = refused(&Guard::with_policy_file(&at));
        assert!(ran.err().contains("policy.toml"), "{}", ran.story());
    }
}

#[test]
fn a_policy_that_cannot_be_read_is_named_in_one_line() {
    let folder = TempDir::new().expect("a temporary directory");
    for path in [
        folder.path().join("missing.toml"),
        folder.path().to_owned(),
        folder.path().join("a/b.toml"),
    ] {
        let ran = refused(&Guard::with_policy_file(&path));
        assert!(ran.err().contains(&path.display().to_string()), "{}", ran.story());
        assert_eq!(ran.err().lines().count(), 1, "{}", ran.story());
    }
}

#[test]
fn an_audit_folder_that_cannot_be_made_is_named() {
    let scenario = Scenario::new("an audit folder below a file");
    let ran = claw::claw([
        "run".as_ref(),
        "--policy".as_ref(),
        claw::policy("open").as_os_str(),
        "--audit".as_ref(),
        "/etc/passwd/audit".as_ref(),
        "--".as_ref(),
        "/bin/echo".as_ref(),
        "ran".as_ref(),
    ]);
    scenario.then("nothing runs, and it is named");
    assert!(ran.code().is_some_and(|code| code != 0), "{}", ran.story());
    assert_eq!(ran.out(), "");
    assert!(ran.err().contains("/etc/passwd/audit"), "{}", ran.story());
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused() {
    for words in [
        &["run"][..],
        &["run", "--"],
        &["run", "--no-such-option", "--", "true"],
        &["no-such-command"],
    ] {
        let ran = claw::claw(words).exits(2);
        assert_eq!(ran.out(), "", "{}", ran.story());
        assert!(ran.err().contains("error:"), "{}", ran.story());
    }
}

/// What `errno_of` says of a case, bare and guarded.
fn compare(scenario: &Scenario, call: &Call) -> (String, Ran) {
    let bare = call.bare().exits(0).out();
    let ran = call.guarded(&Guard::with_policy("open"));
    scenario.then(format!("the kernel says `{bare}`, and so does claw"));
    let ran = ran.exits(0);
    assert_eq!(ran.out(), bare, "{}", ran.story());
    (bare, ran)
}

#[test]
fn odd_arguments_are_judged_or_answered_as_by_the_kernel() {
    const CASES: [(&str, &str); 29] = [
        ("empty-path", "ENOENT"),
        ("null-path", "EFAULT"),
        ("unreadable-path", "EFAULT"),
        ("path-runs-off", "EFAULT"),
        ("long-path", "ENAMETOOLONG"),
        ("long-name", "ENAMETOOLONG"),
        ("bad-dirfd", "EBADF"),
        ("bad-flags", "EINVAL"),
        ("dirfd-is-file", "ENOTDIR"),
        ("null-argv", "argc 1 bytes 0"),
        ("empty-argv", "argc 1 bytes 0"),
        ("null-envp", "argc 1 bytes 4"),
        ("unreadable-argv", "EFAULT"),
        ("argv-runs-off", "EFAULT"),
        ("unreadable-argument", "EFAULT"),
        ("argument-runs-off", "EFAULT"),
        ("argument-at-edge", "argc 2 bytes 8"),
        ("kernel-argument", "EFAULT"),
        ("unreadable-envp", "EFAULT"),
        ("unreadable-variable", "EFAULT"),
        ("not-utf8", "argc 2 bytes 18"),
        ("empty-argument", "argc 2 bytes 4"),
        ("longest-argument", "argc 2 bytes 131075"),
        ("too-long-argument", "E2BIG"),
        ("hundred-thousand", "argc 100001 bytes 400004"),
        ("too-much", "E2BIG"),
        ("many-variables", "argc 1 bytes 4"),
        ("too-long-variable", "E2BIG"),
        ("no-equals", "argc 1 bytes 4"),
    ];
    for linkage in [Linkage::Static, Linkage::Dynamic] {
        let errno_of = program("errno_of", linkage);
        for (case, expected) in CASES {
            let scenario = Scenario::new(format!("execve with {case}, {linkage:?}"));
            let call = Call::new([errno_of.as_os_str(), case.as_ref()]);
            let (bare, ran) = compare(&scenario, &call);
            scenario.control(format!("the kernel is expected to say {expected}"));
            assert!(bare.starts_with(expected), "{bare}");
            if expected.starts_with("argc") {
                scenario.then("what ran was judged and proven");
                let execs = ran.execs();
                assert_eq!(execs.len(), 2, "{}", ran.story());
                assert!(execs.iter().all(|record| record.is_proven()), "{}", ran.story());
            }
        }
    }
}

/// A folder with every kind of file that a path can wrongly lead to.
fn wrong_paths() -> (TempDir, Vec<&'static str>) {
    let folder = TempDir::new().expect("a temporary directory");
    let at = |name: &str| folder.path().join(name);
    let file = |name: &str, bytes: &[u8], mode: u32| {
        fs::write(at(name), bytes).expect("a new file");
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).expect("ours");
    };
    let elf = fs::read(program("witness", Linkage::Static)).expect("the witness is compiled");
    file("not-executable", &elf, 0o644);
    file("not-executable-text", b"echo hello\n", 0o644);
    file("text", b"echo hello\n", 0o755);
    file("empty", b"", 0o755);
    file("cut-elf", &elf[..64], 0o755);
    let mut other = elf;
    // e_machine of elf(5): AArch64 on a machine that is none, or the other way round.
    other[18] = if other[18] == 183 { 62 } else { 183 };
    file("other-machine", &other, 0o755);
    fs::create_dir(at("folder")).expect("a new folder");
    symlink("nowhere", at("dangling")).expect("a new link");
    symlink("loop", at("loop")).expect("a new link");
    let names = vec![
        "missing",
        "not-executable",
        "not-executable-text",
        "text",
        "empty",
        "cut-elf",
        "other-machine",
        "folder",
        "dangling",
        "loop",
        "text/below",
        "missing/below",
        "folder/",
        "not-executable/",
        "folder/../missing",
    ];
    (folder, names)
}

#[test]
fn paths_that_lead_nowhere_fail_as_without_claw() {
    let (folder, names) = wrong_paths();
    let errno_of = program("errno_of", Linkage::Static);
    for name in names
        .into_iter()
        .map(Path::new)
        .chain([Path::new("/proc/self/mem"), Path::new("/dev/null")])
    {
        for case in ["path", "path-at", "path-nofollow"] {
            let scenario = Scenario::new(format!("{case} of `{}`", name.display()));
            let call = Call::new([errno_of.as_os_str(), case.as_ref(), name.as_os_str()])
                .cwd(folder.path());
            let (bare, _) = compare(&scenario, &call);
            assert!(bare.starts_with('E'), "the control fails too: {bare}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_arrive_unchanged() {
    use std::os::unix::ffi::OsStrExt;
    let scenario = Scenario::new("argv of every byte");
    let every: Vec<u8> = (1..=255).collect();
    let word = std::ffi::OsStr::from_bytes(&every);
    let call = Call::new(["/usr/bin/printf".as_ref(), "%s".as_ref(), word]);
    scenario.control("printf(1) gives them back");
    assert_eq!(call.bare().exits(0).stdout, every);
    let ran = call.guarded(&Guard::with_policy("open")).exits(0);
    assert_eq!(ran.stdout, every, "{}", ran.story());
    scenario.then("the record is valid JSON all the same");
    assert!(ran.execs().iter().all(|record| record.is_proven()), "{}", ran.story());
}

#[test]
fn a_governed_tool_with_unreadable_words_is_not_let_through() {
    let scenario = Scenario::new("psql with bytes that are no text");
    use std::os::unix::ffi::OsStrExt;
    let folder = TempDir::new().expect("a temporary directory");
    let psql = folder.path().join("psql");
    copy_program(program("witness", Linkage::Static), &psql);
    for statement in [&b"SELECT 1; DROP TABLE users -- \xff"[..], b"DR\xffOP TABLE users", b"\xff"]
    {
        let statement = std::ffi::OsStr::from_bytes(statement);
        let call = Call::new([psql.as_os_str(), "-c".as_ref(), statement]);
        scenario.control("it runs without claw");
        let _ = call.bare().exits(0);
        scenario.then("it is denied under claw");
        let ran = call.guarded(&Guard::with_policy("judging")).exits(1);
        assert_eq!(ran.only("deny").kind(), "exec", "{}", ran.story());
    }
}

/// How many descriptors claw holds at rest: the same for a while. Descriptors of dead callers are closed once
/// claw notices their end.
fn at_rest(running: &Running) -> usize {
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut last, mut same) = (running.descriptors(), 0);
    while same < 10 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
        let open = running.descriptors();
        same = if open == last { same + 1 } else { 0 };
        last = open;
    }
    last
}

#[test]
fn a_thousand_deaths_leave_no_trace() {
    let scenario = Scenario::new("processes that are killed while they are held");
    let folder = TempDir::new().expect("a temporary directory");
    let at = |name: &str| folder.path().join(name).display().to_string();
    for name in ["forbidden", "psql", "harmless"] {
        copy_program(program("witness", Linkage::Static), at(name));
    }
    let storm = program("storm", Linkage::Static).display().to_string();
    let (log, harmless) = (at("log"), at("harmless"));
    let script = format!(
        "'{storm}' 100 20 '{harmless}' | grep ^killed; echo warm; read x; '{storm}' 1000 100 '{harmless}' | grep ^killed; echo over; read x; \
         export WITNESS_LOG='{log}'; '{}'; '{}' -c 'SELECT * FROM users'; echo end",
        at("forbidden"),
        at("psql"),
    );
    scenario.control("the storm ends without claw, and then both programs run");
    let call = Call::new(["/bin/sh", "-c", &script]).stdin("\n\n");
    let bare = call.bare().exits(0);
    assert!(bare.out().contains("killed 1000") && bare.out().contains("\nend"), "{}", bare.story());
    assert_eq!(fs::read_to_string(&log).expect("the log").lines().count(), 2);
    fs::remove_file(&log).expect("the log");

    let guard = Guard::with_policy("forms");
    let mut running = Call::new(["/bin/sh", "-c", &script]).start_guarded(&guard);
    running.wait_for("warm");
    let before = at_rest(&running);
    assert!(before > 0, "claw has descriptors");
    running.say("\n");
    running.wait_for("over");
    let after = at_rest(&running);
    scenario.then(format!("claw has no more descriptors than before: {before}, then {after}"));
    assert!(after <= before, "{before} descriptors became {after}");
    running.feed(b"\n".to_vec());
    let ran = running.finish(Duration::from_secs(120)).exits(0);
    scenario.then("what comes after is judged rightly");
    let lines = fs::read_to_string(&log).expect("the log");
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains("SELECT * FROM users LIMIT 1000"), "{lines}");
    assert!(ran.err().contains("(claw rule no-forbidden: "), "{}", ran.story());
    scenario.then("nobody was killed by the proof");
    let killed = guard.records().iter().filter(|record| record.kind() == "killed").count();
    assert_eq!(killed, 0);
}

#[test]
fn thousands_of_starts_leave_no_descriptor() {
    let scenario = Scenario::new("a long run of short programs");
    let script = "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done; echo warm; read x; \
                  while [ $i -lt 2300 ]; do /bin/true; i=$((i+1)); done; echo over; read x";
    let guard = Guard::with_policy("open");
    let mut running = Call::new(["/bin/sh", "-c", script]).start_guarded(&guard);
    running.wait_for("warm");
    let before = at_rest(&running);
    running.say("\n");
    running.wait_for("over");
    let after = at_rest(&running);
    scenario.then(format!("claw has no more descriptors than before: {before}, then {after}"));
    assert!(before > 0 && after <= before, "{before} descriptors became {after}");
    running.feed(b"\n".to_vec());
    let ran = running.finish(Duration::from_secs(60)).exits(0);
    let trues = guard.records().iter().filter(|record| record.asked() == ["/bin/true"]).count();
    assert_eq!(trues, 2300, "each start has its record\n{}", ran.story());
}
