//! The supervisor has no descriptors left, or a few too few: it refuses what it cannot look at, and never
//! mistakes it for something else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use claw_tests::postgres;
use claw_tests::prompt::Prompt;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::copy_program;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;

use crate::{levels, psql, verify};

/// The most spare descriptors that are tried: more than one look-up needs at a time.
const MOST: usize = 10;

/// Leaves `process` exactly `spare` descriptors to open; what it had before is returned.
fn leave(process: Pid, spare: usize) -> Rlimit {
    let entries = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero()));
    let numbers = entries.expect("the supervisor lives").flatten().map(|entry| entry.file_name());
    let used: Vec<u64> =
        numbers.filter_map(|name| name.to_str().and_then(|name| name.parse().ok())).collect();
    let free = (0..).filter(|number| !used.contains(number)).nth(spare);
    let maximum = rustix::process::getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit { current: free, maximum };
    prlimit(Some(process), Resource::Nofile, limit).expect("root may")
}

/// Names by which a tool is known only after a look at files: a link, a copy, and what an interpreter is given.
fn disguises(folder: &TempDir) -> [(&'static str, String); 4] {
    let at = |name: &str| folder.path().join(name).display().to_string();
    let real = postgres::real_psql();
    symlink(&real, at("link")).expect("a new link");
    copy_program(&real, at("copy"));
    let drop = "-X -c 'DROP TABLE users'";
    // A tool that is a script and starts no other program.
    let script = "#!/usr/bin/python3\nimport os\nopen(os.environ['LEFT'], 'w')\n";
    fs::write(at("kubectl"), script).expect("a new file");
    fs::set_permissions(at("kubectl"), fs::Permissions::from_mode(0o755)).expect("ours");
    [
        ("a link", format!("'{}' {drop}", at("link"))),
        ("a copy", format!("'{}' {drop}", at("copy"))),
        ("the loader", format!("/lib64/ld-linux-x86-64.so.2 '{}' {drop}", real.display())),
        ("an interpreter", format!("/usr/bin/python3 '{}' delete pod x", at("kubectl"))),
    ]
}

#[test]
fn too_few_descriptors_make_no_verdict_milder() {
    for (level, guard) in levels("judging") {
        let database = postgres::database();
        let folder = TempDir::new().expect("a temporary directory");
        let left = folder.path().join("left");
        let ways = disguises(&folder);
        let env: Vec<_> =
            database.env().into_iter().chain([("LEFT", left.display().to_string())]).collect();
        let mut shell = Prompt::start(&guard, &env);
        let supervisor = shell.supervisor();
        for (name, line) in &ways {
            for spare in 0..MOST {
                let scenario =
                    Scenario::new(format!("{level}: {name}, with {spare} descriptors to spare"));
                let before = leave(supervisor, spare);
                let (said, status) = shell.says(line);
                prlimit(Some(supervisor), Resource::Nofile, before).expect("root may");
                scenario.then("it does not run");
                assert_ne!(status, 0, "{said}");
                assert!(database.has_users(), "{said}");
                assert!(!left.exists(), "{said}");
            }
        }
        let scenario = Scenario::new(format!("{level}: with all of them back"));
        scenario.then("what is allowed runs, and what is denied is denied by its rule");
        let (said, status) = shell.says(&psql("SELECT 7"));
        assert_eq!((said.as_str(), status), ("7", 0));
        for (name, line) in &ways {
            let (said, _) = shell.says(line);
            assert!(said.contains("claw rule"), "{name}: {said}");
        }
        let _ = shell.close();
        scenario.then("each refusal for want of a descriptor is recorded, and the chain holds");
        let lacking = |record: &&claw_tests::record::Record| record.reason().contains("lacks");
        let records = guard.records();
        let refused: Vec<_> = records.iter().filter(lacking).collect();
        // With no spare descriptor, claw can look at none of them.
        assert!(refused.len() >= ways.len(), "{records:#?}");
        assert!(refused.iter().all(|record| record.verdict() == "deny"), "{refused:#?}");
        verify(&guard);
        scenario.control("without claw each of them runs");
        for (name, line) in &ways {
            let database = postgres::database();
            let _ = fs::remove_file(&left);
            let call = claw_tests::call::Call::new(["/bin/sh", "-c", line.as_str()]);
            let bare = call.envs(database.env()).env("LEFT", &left).bare().exits(0);
            assert!(left.exists() || !database.has_users(), "{name}: {}", bare.story());
        }
    }
}

#[test]
fn connections_without_descriptors_are_refused_and_recorded() {
    let scenario = Scenario::new("held: a connection on behalf, with no descriptor to take it by");
    let [_, (_, guard)] = levels("connect");
    let server = crate::listener(17831);
    let forms = claw_tests::tracee::program("connect_forms", claw_tests::tracee::Linkage::Static);
    let line = format!("'{}' tcp 127.0.10.7 17831", forms.display());
    let other = std::net::TcpListener::bind("127.0.10.7:17831").expect("loopback");
    other.set_nonblocking(true).expect("a socket can be non-blocking");
    let mut shell = Prompt::start(&guard, &[]);
    let supervisor = shell.supervisor();
    scenario.control("it is allowed, and made");
    assert_eq!(shell.says(&line).0, "ok");
    assert_eq!(crate::callers(&other), 1);
    // The program is running by then: it waits for a file.
    let folder = TempDir::new().expect("a temporary directory");
    let go = folder.path().join("go");
    let python = format!(
        "import os, socket, time\nprint('ready', flush=True)\nwhile not os.path.exists('{}'): time.sleep(0.01)\n\
         for to in [('127.0.10.7', 17831), ('127.0.9.7', 17831)]:\n try: socket.create_connection(to)\n \
         except OSError as error: print(error.errno)\n",
        go.display()
    );
    shell.tell(&format!("/usr/bin/python3 -c \"{python}\""));
    shell.wait_for("ready");
    let before = leave(supervisor, 0);
    fs::write(&go, "").expect("a new file");
    let (said, _) = shell.answer();
    prlimit(Some(supervisor), Resource::Nofile, before).expect("root may");
    scenario.then("neither is made, and the caller is told to try again");
    let again = rustix::io::Errno::AGAIN.raw_os_error();
    assert_eq!(said, format!("ready\n{again}\n{again}"));
    assert_eq!((crate::callers(&other), crate::callers(&server)), (0, 0));
    scenario.then("with descriptors, all is as ever");
    assert_eq!(shell.says(&line).0, "ok");
    assert_eq!(crate::callers(&other), 1);
    let _ = shell.close();
    let records = guard.records();
    let lacking = records.iter().filter(|record| record.reason().contains("lacks"));
    assert_eq!(lacking.filter(|record| record.kind() == "connect").count(), 2, "{records:#?}");
    verify(&guard);
}
