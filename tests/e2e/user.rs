//! `claw run --user`: the command runs as another user than the one that guards it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use claw_tests::call::{Call, Ran};
use claw_tests::claw::{self, Guard};
use claw_tests::postgres::{self, ROWS};
use claw_tests::scenario::Scenario;
use tempfile::TempDir;

const NOBODY: u32 = 65534;
const LIMIT: usize = 1000;
/// Reaches front and supervisor, the command's parent, with the signal `$1`, and says which it reached.
const SIGNAL: &str = r#"
front=$(sed -n 's/^PPid:\t//p' /proc/$PPID/status)
kill "$1" "$PPID" && echo supervisor
kill "$1" "$front" && echo front
true
"#;
/// Ways to the policy, `$1`, the audit, `$2`, and the supervisor's place among what is killed for memory.
const WAYS: [&str; 7] = [
    "echo >>\"$1\"",
    "mv \"$1\" \"$1.moved\" && mv \"$1.moved\" \"$1\"",
    "chmod 644 \"$1\"",
    "cat \"$2\"/*.jsonl",
    "printf '' >>\"$2\"/*.jsonl",
    "echo >\"$2/new\"",
    ": >>/proc/$PPID/oom_score_adj",
];

/// A guard of the user `user`, or of root.
fn guard(policy: &str, user: Option<&str>) -> Guard {
    let guard = Guard::with_policy(policy);
    user.into_iter().fold(guard, |guard, user| guard.option("--user").option(user))
}

fn shell(script: &str) -> Call {
    Call::new(["/bin/sh", "-c", script])
}

/// The fields of an account in `/etc/passwd`.
fn account(name: &str) -> Vec<String> {
    let accounts = fs::read_to_string("/etc/passwd").expect("it can be read");
    let mut lines = accounts.lines().map(|line| line.split(':').map(str::to_owned).collect());
    lines.find(|fields: &Vec<_>| fields[0] == name).expect("the account is there")
}

#[test]
fn the_command_is_that_user_in_all_it_is_and_sees() {
    let scenario = Scenario::new("claw run --user");
    let who = shell(
        "id -u; id -g; id -G; echo $HOME $SHELL $USER $LOGNAME; grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status",
    );
    let none = ["Inh", "Prm", "Eff", "Amb"].map(|set| format!("Cap{set}:\t{:016x}", 0)).join("\n");
    scenario.control("without it the command is root, with root's rights");
    let root = who.guarded(&guard("open", None)).exits(0);
    assert!(root.out().starts_with("0\n0\n"), "{}", root.story());
    assert!(!root.out().ends_with(&none), "{}", root.story());
    for name in ["nobody", "postgres"] {
        let fields = account(name);
        let (uid, gid, home, its_shell) = (&fields[2], &fields[3], &fields[5], &fields[6]);
        scenario.then(format!("`{name}` and its number are that user, with its groups and home"));
        let groups = Call::new(["/usr/bin/id", "-G", name]).bare().exits(0).out();
        let expected = format!("{uid}\n{gid}\n{groups}\n{home} {its_shell} {name} {name}\n{none}");
        for user in [name, uid] {
            let ran = who.guarded(&guard("open", Some(user))).exits(0);
            assert_eq!(ran.out(), expected, "{}", ran.story());
            assert!(!ran.execs().is_empty(), "{}", ran.story());
            assert!(ran.records.iter().all(|record| record.level() == "proven"), "{}", ran.story());
        }
    }
    scenario.then("a number without an account is taken with its group");
    let ran = who.guarded(&guard("open", Some("4242:4243"))).exits(0);
    let expected = format!("4242\n4243\n4243\n/ /bin/sh 4242 4242\n{none}");
    assert_eq!(ran.out(), expected, "{}", ran.story());
}

#[test]
fn verdicts_and_rewrites_are_the_same() {
    let scenario = Scenario::new("psql as nobody");
    let database = postgres::database();
    let guard = guard("judging", Some("nobody"));
    scenario.then("a denied statement does nothing");
    let ran = database.psql("DROP TABLE users").guarded(&guard);
    assert_ne!(ran.code(), Some(0), "{}", ran.story());
    assert_eq!(ran.only("deny").rule(), "sql-no-ddl", "{}", ran.story());
    assert!(database.has_users());
    scenario.then("a rewritten one is rewritten");
    let read = database.psql("SELECT * FROM users");
    assert_eq!(read.bare().exits(0).out().lines().count(), ROWS);
    let ran = read.guarded(&guard).exits(0);
    assert_eq!(ran.out().lines().count(), LIMIT, "{}", ran.story());
    assert_eq!(ran.only("rewrite").rule(), "sql-row-limit", "{}", ran.story());
    scenario.then("a script and a here-document are judged, and read as they were judged");
    let psql = postgres::real_psql();
    let psql = format!("{} -X -A -t", psql.display());
    let folder = TempDir::with_prefix("claw-user-").expect("a temporary directory");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("it is ours");
    fs::write(folder.path().join("a.sql"), "SELECT * FROM users;\n").expect("there is room");
    for way in [format!("{psql} -f a.sql"), format!("{psql} <<END\nSELECT * FROM users;\nEND")] {
        let call = shell(&way).cwd(folder.path()).envs(database.env());
        assert_eq!(call.bare().exits(0).out().lines().count(), ROWS);
        let ran = call.guarded(&guard).exits(0);
        assert_eq!(ran.out().lines().count(), LIMIT, "{}", ran.story());
    }
    scenario.control("the table can be dropped");
    database.ask("DROP TABLE users");
    assert!(!database.has_users());
}

/// Tries each of [`WAYS`] on a policy file and an audit of its own; how each ended.
fn try_ways(user: Option<&str>) -> (Vec<bool>, Ran, String) {
    let folder = TempDir::with_prefix("claw-policy-").expect("a temporary directory");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("it is ours");
    let policy = folder.path().join("policy.toml");
    fs::copy(claw::policy("open"), &policy).expect("there is room");
    fs::set_permissions(&policy, Permissions::from_mode(0o644)).expect("it is ours");
    let guard = Guard::with_policy_file(&policy);
    let guard = user.into_iter().fold(guard, |guard, user| guard.option("--user").option(user));
    let attempt = |way: &&str| format!("({way}) >/dev/null 2>&1 && echo yes || echo no\n");
    let script = WAYS.iter().map(attempt).collect::<String>();
    let words = ["/bin/sh", "-c", &script, "sh"].map(PathBuf::from);
    let argv = words.into_iter().chain([policy.clone(), guard.audit().to_owned()]);
    let ran = Call::new(argv).guarded(&guard).exits(0);
    let could = ran.out().lines().map(|line| line == "yes").collect();
    (could, ran, fs::read_to_string(&policy).expect("it is still there"))
}

#[test]
fn policy_and_audit_are_out_of_reach() {
    let scenario = Scenario::new("a command that goes for the policy and the audit");
    let before = fs::read_to_string(claw::policy("open")).expect("it can be read");
    scenario.control("as root it can do everything");
    let (could, ran, after) = try_ways(None);
    assert_eq!(could, [true; WAYS.len()], "{}", ran.story());
    assert_ne!(after, before);
    scenario.then("as another user it can do nothing");
    let (could, ran, after) = try_ways(Some("nobody"));
    assert_eq!(could, [false; WAYS.len()], "{}", ran.story());
    assert_eq!(after, before);
}

#[test]
fn supervisor_and_front_are_out_of_reach() {
    let scenario = Scenario::new("a command that kills its guard");
    let signal = |signal| Call::new(["/bin/sh", "-c", SIGNAL, "sh", signal]);
    scenario.control("as root, with nothing held, signals reach supervisor and front");
    let ran = signal("-0").guarded(&guard("open", None).observing()).exits(0);
    assert_eq!(ran.out(), "supervisor\nfront", "{}", ran.story());
    for observing in [true, false] {
        scenario.then(format!("as another user they do not; nothing held: {observing}"));
        let guard = guard("open", Some("nobody"));
        let ran = signal("-9").guarded(&if observing { guard.observing() } else { guard }).exits(0);
        assert_eq!(ran.out(), "", "{}", ran.story());
        assert_eq!(ran.err().matches("not permitted").count(), 2, "{}", ran.story());
        assert_eq!(ran.records.last().map(|record| record.kind()), Some("end"), "{}", ran.story());
    }
}

#[test]
fn it_works_without_the_kernel_side() {
    let scenario = Scenario::new("claw run --user at the level `held`");
    let database = postgres::database();
    // The capabilities that are left allow becoming another user and tracing it.
    let root = ["/usr/bin/setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin"];
    let guard = guard("judging", Some("nobody")).inside(root);
    let ran = shell("id -u").guarded(&guard).exits(0);
    assert_eq!(ran.out(), "65534", "{}", ran.story());
    assert!(ran.records.iter().all(|record| record.level() == "held"), "{}", ran.story());
    scenario.then("a denied statement does nothing, and a rewritten one is rewritten");
    let ran = database.psql("DROP TABLE users").guarded(&guard);
    assert_eq!(ran.only("deny").rule(), "sql-no-ddl", "{}", ran.story());
    assert!(database.has_users());
    let ran = database.psql("SELECT * FROM users").guarded(&guard).exits(0);
    assert_eq!(ran.out().lines().count(), LIMIT, "{}", ran.story());
}

/// Runs a command as nobody that leaves a file; what happened, and whether the file is there.
fn leaves_file(guard: &Guard) -> (Ran, bool) {
    let folder = TempDir::with_prefix("claw-user-").expect("a temporary directory");
    chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root can give a directory away");
    let file = folder.path().join("ran");
    let ran = Call::new(["/usr/bin/touch".into(), file.clone()]).guarded(guard);
    (ran, file.exists())
}

#[test]
fn who_could_change_the_policy_or_the_audit_is_refused() {
    let scenario = Scenario::new("claw run --user of somebody who could write what guards it");
    scenario.control("a user who cannot is taken");
    let nobody = || guard("open", Some("nobody"));
    let (ran, there) = leaves_file(&nobody());
    assert!(there, "{}", ran.story());

    let owned = nobody();
    chown(owned.audit(), Some(NOBODY), None).expect("root can give a directory away");
    let open = nobody();
    fs::set_permissions(open.audit(), Permissions::from_mode(0o777)).expect("it is ours");
    let policy = TempDir::with_prefix("claw-policy-").expect("a temporary directory");
    let file = policy.path().join("policy.toml");
    fs::copy(claw::policy("open"), &file).expect("there is room");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).expect("it is ours");
    let rewritable = Guard::with_policy_file(&file).option("--user").option("nobody");
    for (guard, what, path) in [
        (&owned, "audit", owned.audit()),
        (&open, "audit", open.audit()),
        (&rewritable, "policy", file.as_path()),
    ] {
        scenario.then(format!("one who can write the {what} is refused, and told why"));
        let (ran, there) = leaves_file(guard);
        assert_eq!((ran.code(), there), (Some(2), false), "{}", ran.story());
        let why = format!("user `nobody` can change the {what} `{}`", path.display());
        assert!(ran.err().contains(&why) && ran.err().contains("chown"), "{}", ran.story());
    }
}

#[test]
fn what_cannot_be_is_said() {
    let scenario = Scenario::new("claw run --user of nobody there is");
    for (user, why) in [
        ("no-such-user", "there is no user `no-such-user`"),
        ("4242", "say `--user 4242:GID`"),
        ("nobody:nogroup", "`nogroup` is not the number"),
        ("root", "is root"),
    ] {
        let ran = shell("true").guarded(&guard("open", Some(user))).exits(2);
        assert!(ran.err().contains(why), "{}", ran.story());
    }
    scenario.then("whoever is not root is told who has to start it");
    let guard = Guard::with_policy("open").as_ordinary_user().option("--user").option("nobody");
    let ran = shell("true").guarded(&guard).exits(2);
    assert!(ran.err().contains("`--user` needs root"), "{}", ran.story());
}

#[test]
fn what_root_has_open_stays_root_s() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("root-s");
    let open = format!("exec 9<>{}; exec \"$@\"", file.display());
    let script = shell("printf owned >&9");
    let write = |guard: Option<Guard>| {
        fs::write(&file, "").expect("written");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("changed");
        let ran = match guard {
            Some(guard) => script.guarded(&guard.inside(["/bin/bash", "-c", &open, "bash"])),
            None => {
                let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
                let words = ["/bin/bash", "-c", &open, "bash"].into_iter().chain(user);
                Call::new(words.chain(["/bin/sh", "-c", "printf owned >&9"])).bare()
            }
        };
        (fs::read_to_string(&file).expect("read"), ran)
    };
    let scenario =
        Scenario::new("a file that root has open when it starts a command as another user");
    scenario.control("without claw the command writes to it");
    assert_eq!(write(None).0, "owned");
    scenario.then("under claw it cannot");
    let (content, ran) = write(Some(guard("open", Some("nobody"))));
    assert_eq!(content, "", "{}", ran.story());
    assert_ne!(ran.code(), Some(0), "{}", ran.story());
    scenario.then("unless root says so");
    let (content, ran) = write(Some(guard("open", Some("nobody")).option("--keep-fd").option("9")));
    assert_eq!(content, "owned", "{}", ran.story());
}
