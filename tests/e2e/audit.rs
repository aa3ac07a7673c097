//! The audit: complete, chained, private, and readable afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use claw_tests::call::{Call, Ran};
use claw_tests::claw::{self, Guard};
use claw_tests::record;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, copy_program, program};
use tempfile::TempDir;

/// How often a program becomes another one.
const LAST: usize = 300;

/// `claw … --audit DIR`, for the sub-commands that read the log.
fn read(words: &[&str], audit: &Path) -> Ran {
    let audit = audit.display().to_string();
    claw::claw(words.iter().copied().chain(["--audit", &audit]))
}

/// A session with an allowed, a rewritten and a denied call and a connection.
fn session(guard: &Guard) -> Ran {
    let folder = TempDir::new().expect("a temporary directory");
    for name in ["psql", "forbidden"] {
        copy_program(program("witness", Linkage::Static), folder.path().join(name));
    }
    let connect = program("connect_forms", Linkage::Static).display().to_string();
    let script = format!(
        "/bin/true; ./psql -c 'SELECT * FROM users'; ./forbidden; '{connect}' tcp 127.0.0.1 1; true"
    );
    Call::new(["/bin/sh", "-c", &script]).cwd(folder.path()).guarded(guard).exits(0)
}

#[test]
fn every_decision_is_one_line_with_who_what_when_and_why() {
    let scenario = Scenario::new("the lines of one session");
    let guard = Guard::with_policy("forms").option("--label").option("ticket=T-1");
    let ran = session(&guard);
    scenario.then("they are there as soon as claw has ended, in order, with nothing missing");
    for (at, record) in ran.records.iter().enumerate() {
        assert_eq!(record.field("seq"), at + 1, "{}", ran.story());
        assert!(!record.id().is_empty() && !record.reason().is_empty(), "{record}");
        assert!(record.field("time").as_str().is_some_and(|time| time.ends_with('Z')), "{record}");
        assert!(!record.level().is_empty() && !record.proof().is_empty(), "{record}");
        assert_eq!(record.field("labels")["ticket"], "T-1", "{record}");
    }
    let kinds: Vec<_> = ran.records.iter().map(|record| record.kind()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"start"), Some(&"end")), "{kinds:?}");
    scenario.then("each call has exactly one, with its verdict");
    for (word, verdict) in
        [("/bin/true", "allow"), ("SELECT * FROM users", "rewrite"), ("./forbidden", "deny")]
    {
        let about: Vec<_> = ran
            .execs()
            .into_iter()
            .filter(|record| record.asked().iter().any(|arg| arg == word))
            .collect();
        assert_eq!(about.len(), 1, "{word}\n{}", ran.story());
        assert_eq!(about[0].verdict(), verdict, "{word}\n{}", ran.story());
        assert!(
            about[0].pid() > 0 && !about[0].field("facts").is_null(),
            "{word}\n{}",
            ran.story()
        );
    }
    assert_eq!(ran.connects(([127, 0, 0, 1], 1).into()).len(), 1, "{}", ran.story());
    scenario.then("a rewritten one says what was asked for and what ran");
    let record = ran.only("rewrite");
    assert_eq!(record.asked(), ["./psql", "-c", "SELECT * FROM users"]);
    assert_eq!(record.argv(), ["./psql", "-X", "-c", "SELECT * FROM users LIMIT 1000"]);
    scenario.then("ids are not used twice");
    let mut ids: Vec<_> = ran.records.iter().map(|record| record.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), ran.records.len());
}

#[test]
fn records_stand_in_the_order_in_which_things_happened() {
    let scenario =
        Scenario::new("programs that become others at once, more of them than processors");
    let folder = TempDir::new().expect("a temporary directory");
    let again = folder.path().join("again");
    fs::write(&again, "[ $1 = 0 ] || exec /bin/sh \"$0\" $(($1 - 1))\n").expect("written");
    let again = again.display();
    let script = format!("for _ in 1 2 3 4 5 6 7 8; do /bin/sh '{again}' {LAST} & done; wait");
    let ran = Call::new(["/bin/sh", "-c", &script]).guarded(&Guard::with_policy("forms")).exits(0);
    let mut lives = BTreeMap::<i64, Vec<usize>>::new();
    for record in ran.execs() {
        if let [_, file, count] = &record.argv()[..]
            && *file == again.to_string()
        {
            let count = count.parse().expect("a number");
            lives.entry(record.pid()).or_default().push(count);
        }
    }
    scenario.then("of each process, every program stands behind the one it was before");
    assert_eq!(lives.len(), 8, "{lives:?}");
    for (pid, counts) in lives {
        assert_eq!(counts, (0..=LAST).rev().collect::<Vec<_>>(), "process {pid}");
    }
}

#[test]
fn the_log_is_private() {
    let scenario = Scenario::new("the modes of the log's files and folder");
    let parent = TempDir::new().expect("a temporary directory");
    let folder = parent.path().join("made/by/claw");
    let open = claw::policy("open");
    let call = |umask: &str| {
        let line = format!("umask {umask}; exec \"$@\"");
        let argv = [
            "/bin/sh".as_ref(),
            "-c".as_ref(),
            line.as_ref(),
            "sh".as_ref(),
            claw::binary().as_os_str(),
        ];
        let options = [
            "run".as_ref(),
            "--policy".as_ref(),
            open.as_os_str(),
            "--audit".as_ref(),
            folder.as_os_str(),
        ];
        Call::new(argv.into_iter().chain(options).chain(["--".as_ref(), "/bin/true".as_ref()]))
    };
    for umask in ["000", "022"] {
        let _ = call(umask).bare().exits(0);
    }
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    scenario.then("nobody else can read them, whatever the umask");
    assert_eq!(mode(&folder), 0o700);
    let files = record::files(&folder);
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn what_was_changed_or_removed_is_found() {
    let scenario = Scenario::new("`claw log verify`");
    let guard = Guard::with_policy("forms");
    session(&guard);
    session(&guard);
    scenario.control("an untouched log verifies");
    let _ = read(&["log", "verify"], guard.audit()).exits(0);
    let [file, _] = &record::files(guard.audit())[..] else { panic!("one file a session") };
    let whole = fs::read(file).expect("the log");
    let lines: Vec<_> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let found = |what: &str, bytes: &[u8]| {
        fs::write(file, bytes).expect("root can write it");
        let ran = read(&["log", "verify"], guard.audit());
        assert_eq!(ran.code(), Some(1), "{what}: {}", ran.story());
        let name = file.file_name().and_then(|name| name.to_str()).expect("ASCII");
        let said = format!("{}{}", ran.out(), ran.err());
        assert!(said.contains(name), "{what}: {}", ran.story());
    };
    scenario.then("a changed byte is found wherever it is");
    for at in (0..whole.len()).step_by(whole.len() / 25) {
        let mut changed = whole.clone();
        changed[at] = if changed[at] == b'7' { b'8' } else { b'7' };
        found(&format!("byte {at}"), &changed);
    }
    scenario.then("a removed line is found, the first and the last included");
    for missing in 0..lines.len() {
        let mut left = lines.clone();
        left.remove(missing);
        found(&format!("without line {missing}"), &left.concat());
    }
    scenario.then("so are two lines that changed places, and one that is there twice");
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    found("swapped lines", &swapped.concat());
    let mut twice = lines.clone();
    twice.insert(2, lines[1]);
    found("a line twice", &twice.concat());
    scenario.then("an untouched log verifies again");
    fs::write(file, &whole).expect("root can write it");
    let _ = read(&["log", "verify"], guard.audit()).exits(0);
}

#[test]
fn explain_names_the_rule_and_the_reason() {
    let scenario = Scenario::new("`claw explain ID`");
    let guard = Guard::with_policy("forms");
    let ran = session(&guard);
    for (verdict, rule, reason) in [
        ("deny", "no-forbidden", "this program does not run here"),
        ("rewrite", "sql-row-limit", "reads return at most 1000 rows"),
    ] {
        let explained = read(&["explain", ran.only(verdict).id()], guard.audit()).exits(0);
        scenario.then(format!("it says {verdict}, {rule}, why, and where the rule stands"));
        for word in [verdict, rule, reason, "forms.toml:"] {
            assert!(explained.out().contains(word), "{word}\n{}", explained.story());
        }
    }
    scenario.control("an id that is not there is an error");
    let ran = read(&["explain", "no-such-id"], guard.audit()).exits(2);
    assert!(ran.err().contains("no-such-id"), "{}", ran.story());
}

#[test]
fn the_log_can_be_listed() {
    let scenario = Scenario::new("`claw log`");
    let guard = Guard::with_policy("forms");
    session(&guard);
    let ran = read(&["log"], guard.audit()).exits(0);
    scenario.then("it shows the denied, the rewritten and the allowed");
    for word in ["forbidden", "no-forbidden", "sql-row-limit", "/bin/true", "127.0.0.1:1"] {
        assert!(ran.out().contains(word), "{word}\n{}", ran.story());
    }
}

#[test]
fn many_records_under_back_pressure_are_all_there() {
    let scenario = Scenario::new("records faster than a small disk takes them");
    let guard = Guard::with_policy("open");
    let script =
        "for i in $(seq 8); do (for j in $(seq 250); do /bin/true $i-$j; done) & done; wait";
    let ran = Call::new(["/bin/sh", "-c", script]).guarded(&guard).exits(0);
    scenario.then("not one is missing");
    let mut words: Vec<_> = ran
        .records
        .iter()
        .filter(|record| record.asked().first().is_some_and(|word| word == "/bin/true"))
        .map(|record| record.asked()[1].clone())
        .collect();
    assert_eq!(words.len(), 8 * 250);
    words.sort();
    words.dedup();
    assert_eq!(words.len(), 8 * 250);
    let _ = read(&["log", "verify"], guard.audit()).exits(0);
}

#[test]
fn a_log_in_parts_is_one_chain() {
    let scenario = Scenario::new("a log that is closed at a mebibyte and goes on in the next part");
    let guard = Guard::with_policy("open").option("--audit-part-mib").option("1");
    let long = "x".repeat(20_000);
    let script = "for i in $(seq 200); do /bin/true $i \"$1\"; done";
    let _ = Call::new(["/bin/sh", "-c", script, "sh", &long]).guarded(&guard).exits(0);
    let parts = record::files(guard.audit());
    scenario.then("there are several parts, none much longer than that");
    assert!(parts.len() >= 4, "{parts:?}");
    for part in &parts {
        let metadata = fs::metadata(part).expect("it is there");
        assert!(metadata.len() <= 1 << 20, "{}: {}", part.display(), metadata.len());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{}", part.display());
    }
    scenario.then("nothing is missing between them");
    for (at, record) in guard.records().iter().enumerate() {
        assert_eq!(record.field("seq"), at + 1);
    }
    let _ = read(&["log", "verify"], guard.audit()).exits(0);
    scenario.then("a part that is gone is found, whichever it is");
    for part in &parts {
        let text = fs::read(part).expect("it is there");
        fs::remove_file(part).expect("root can remove it");
        let ran = read(&["log", "verify"], guard.audit());
        assert_eq!(ran.code(), Some(1), "{}: {}", part.display(), ran.story());
        fs::write(part, text).expect("root can write it");
    }
    let _ = read(&["log", "verify"], guard.audit()).exits(0);
}

#[test]
fn the_log_shows_what_is_asked_for_and_who_connected() {
    let guard = Guard::with_policy("connect").option("--label").option("team=a");
    let connect = program("connect_forms", Linkage::Static);
    let name = connect.file_name().expect("a name").to_string_lossy().into_owned();
    let path = connect.display().to_string();
    let ran = Call::new([path.as_str(), "tcp", "127.0.9.7", "9"]).guarded(&guard).exits(0);
    let log = |options: &[&str]| {
        let words: Vec<&str> = ["log"].into_iter().chain(options.iter().copied()).collect();
        read(&words, guard.audit()).exits(0).out()
    };
    let denied = log(&["--denied"]);
    assert_eq!(denied.lines().count(), 1, "{denied}");
    let pid = ran.records.iter().find(|record| record.kind() == "connect").expect("one").pid();
    let by = format!("connect tcp 127.0.9.7:9 by {name}, process {pid}  [no-network]");
    assert!(denied.contains(&by), "{denied}");
    assert_eq!(log(&["--denied", "--program", &name]), denied);
    assert_eq!(log(&["--denied", "--program", "cat"]), "");
    assert_eq!(log(&["--denied", "--label", "team=b"]), "");
    assert_eq!(log(&["--denied", "--since", "1h", "--label", "team=a"]), denied);
    assert_eq!(log(&["--since", "2099-01-01T00:00:00Z"]), "");
}
