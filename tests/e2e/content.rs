//! Scripts and standard input: judged by their content, and read exactly as judged.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::postgres::{self, Database, ROWS};
use claw_tests::scenario::Scenario;

const READ: &str = "SELECT * FROM users;";
const DROP: &str = "DROP TABLE users;";
const LIMIT: usize = 1000;

/// Ways in which `$SQL` reaches `$PSQL`, as shell; `a.sql` holds it, `b.sql` includes that one, and
/// `unread` is a file that is no script.
const WAYS: [(&str, &str); 14] = [
    ("a here-document", "$PSQL <<END\n$SQL\nEND"),
    ("a here-string", "$PSQL <<<\"$SQL\""),
    ("a pipe", "printf '%s\\n' \"$SQL\" | $PSQL"),
    (
        "a slow pipe",
        "{ printf '%s' \"${SQL:0:4}\"; sleep 0.2; printf '%s\\n' \"${SQL:4}\"; } | $PSQL",
    ),
    ("a redirected file", "$PSQL < a.sql"),
    ("a file", "$PSQL -f a.sql"),
    ("a file in one word", "$PSQL --file=./a.sql"),
    ("a file by its whole path", "$PSQL -f\"$PWD/a.sql\""),
    ("a file that includes it", "$PSQL -f b.sql"),
    ("standard input that includes it", "$PSQL <<<'\\i a.sql'"),
    ("`-f -`", "$PSQL -f - < a.sql"),
    ("a substituted process", "$PSQL -f <(printf '%s\\n' \"$SQL\")"),
    (
        "a parent that writes once the child runs",
        "python3 -c 'import os, subprocess, sys\n\
         p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)\n\
         p.communicate(os.environ[\"SQL\"].encode())\n\
         sys.exit(p.returncode)' $PSQL",
    ),
    (
        "a socket",
        "python3 -c 'import os, socket, subprocess, sys\n\
         one, other = socket.socketpair()\n\
         one.sendall(os.environ[\"SQL\"].encode()); one.close()\n\
         sys.exit(subprocess.run(sys.argv[1:], stdin=other).returncode)' $PSQL",
    ),
];

fn call(way: &str, sql: &str, psql: &Path, folder: &Path, database: &Database) -> Call {
    std::fs::write(folder.join("a.sql"), format!("{sql}\n")).expect("writable");
    std::fs::write(folder.join("b.sql"), "\\i a.sql\n").expect("writable");
    let psql = format!("{} -X -A -t -v ON_ERROR_STOP=1", psql.display());
    Call::new(["/bin/bash", "-c", way])
        .cwd(folder)
        .envs(database.env())
        .env("PSQL", psql)
        .env("SQL", sql)
}

fn rows(ran: &Ran) -> usize {
    ran.out().lines().filter(|line| line.contains("|user ")).count()
}

#[test]
fn a_read_is_limited_however_it_is_given() {
    let database = postgres::database();
    for psql in [postgres::real_psql(), postgres::wrapper_psql()] {
        for (name, way) in WAYS {
            let scenario = Scenario::new(format!("SELECT through {name}, {}", psql.display()));
            let folder = tempfile::tempdir().expect("a temporary directory");
            let call = call(way, READ, &psql, folder.path(), &database);
            scenario.control(format!("without claw it gives all {ROWS} rows"));
            let bare = call.bare().exits(0);
            assert_eq!(rows(&bare), ROWS, "{}", bare.story());
            scenario.then(format!("under claw it gives {LIMIT}"));
            let ran = call.guarded(&Guard::with_policy("judging")).exits(0);
            assert_eq!(rows(&ran), LIMIT, "{}", ran.story());
        }
    }
}

#[test]
fn a_drop_is_denied_however_it_is_given() {
    for (name, way) in WAYS {
        let psql = postgres::wrapper_psql();
        let scenario = Scenario::new(format!("DROP through {name}"));
        let (control, guarded) = (postgres::database(), postgres::database());
        let folder = tempfile::tempdir().expect("a temporary directory");
        scenario.control("without claw the table is gone");
        let bare = call(way, DROP, &psql, folder.path(), &control).bare().exits(0);
        assert!(!control.has_users(), "{}", bare.story());
        scenario.then("under claw it is there, and psql's stderr says why");
        let call = call(way, DROP, &psql, folder.path(), &guarded);
        let ran = call.guarded(&Guard::with_policy("judging"));
        assert!(guarded.has_users(), "{}", ran.story());
        assert!(ran.err().contains("(claw rule sql-no-ddl:"), "{}", ran.story());
        assert_eq!(ran.only("deny").rule(), "sql-no-ddl", "{}", ran.story());
    }
}

/// Listens, calls `then` at the first connection, and only then passes it on to the server.
fn detour(port: u16, then: impl FnOnce() + Send + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let own = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        let (client, _) = listener.accept().expect("psql connects");
        then();
        let server = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        let pump = |mut from: TcpStream, mut to: TcpStream| {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(got @ 1..) = from.read(&mut buffer) {
                    if to.write_all(&buffer[..got]).is_err() {
                        break;
                    }
                }
                // The other side may have closed it first.
                let _ = to.shutdown(Shutdown::Write);
            })
        };
        let clone = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
        pump(clone(&client), clone(&server));
        pump(server, client);
    });
    own
}

#[test]
fn a_script_that_changes_after_it_was_judged_is_read_as_it_was() {
    let scenario = Scenario::new("a script is rewritten once psql has connected");
    let folder = tempfile::tempdir().expect("a temporary directory");
    for way in ["$PSQL -f a.sql", "$PSQL < a.sql"] {
        let run = |database: &Database| {
            let script = folder.path().join("a.sql");
            let port = detour(database.port(), move || {
                std::fs::write(&script, DROP).expect("writable");
            });
            call(way, "SELECT 1 LIMIT 1;", &postgres::real_psql(), folder.path(), database)
                .env("PGHOST", "127.0.0.1")
                .env("PGPORT", port.to_string())
        };
        let (control, guarded) = (postgres::database(), postgres::database());
        scenario.control("without claw psql runs what the script says by then");
        let bare = run(&control).bare().exits(0);
        assert!(!control.has_users(), "{}", bare.story());
        scenario.then("under claw it runs what was judged");
        let ran = run(&guarded).guarded(&Guard::with_policy("judging")).exits(0);
        assert!(guarded.has_users(), "{}", ran.story());
        assert_eq!(ran.out(), "1", "{}", ran.story());
        let script = std::fs::read_to_string(folder.path().join("a.sql")).expect("readable");
        assert_eq!(script, DROP, "the attack took place");
    }
}

#[test]
fn a_start_up_file_runs_nothing_that_was_not_judged() {
    let scenario =
        Scenario::new("`~/.psqlrc`, there before psql starts or written once it has connected");
    let psql = postgres::real_psql();
    for early in [true, false] {
        let home = tempfile::tempdir().expect("a temporary directory");
        let run = |database: &Database| {
            let file = home.path().join(".psqlrc");
            let write = move || std::fs::write(&file, DROP).expect("writable");
            if early {
                write();
            }
            let port = detour(database.port(), write);
            Call::new([
                psql.as_os_str(),
                "-A".as_ref(),
                "-t".as_ref(),
                "-c".as_ref(),
                "SELECT 1 LIMIT 1".as_ref(),
            ])
            .envs(database.env())
            .env("HOME", home.path())
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", port.to_string())
        };
        let (control, guarded) = (postgres::database(), postgres::database());
        scenario.control("without claw psql runs it");
        let bare = run(&control).bare().exits(0);
        assert!(!control.has_users(), "{}", bare.story());
        std::fs::remove_file(home.path().join(".psqlrc")).expect("written");
        scenario.then("under claw the call is denied for it, or runs without it");
        let ran = run(&guarded).guarded(&Guard::with_policy("judging"));
        assert!(guarded.has_users(), "{}", ran.story());
        assert_eq!(ran.status.success(), !early, "{}", ran.story());
    }
}

#[test]
fn nobody_is_handed_what_he_may_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let scenario = Scenario::new("a script that the caller may not read");
    let database = postgres::database();
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("mode");
    let secret = folder.path().join("secret.sql");
    std::fs::write(&secret, "SELECT 'the secret' LIMIT 1;").expect("writable");
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).expect("mode");
    let psql = postgres::real_psql();
    let words = ["-X", "-A", "-t", "-f"].map(std::ffi::OsStr::new);
    let run = |user: &[&str]| {
        let argv = user.iter().map(std::ffi::OsStr::new).chain([psql.as_os_str()]);
        Call::new(argv.chain(words).chain([secret.as_os_str()])).envs(database.env())
    };
    scenario.control("its owner reads it, under claw too");
    let ran = run(&[]).guarded(&Guard::with_policy("judging")).exits(0);
    assert_eq!(ran.out(), "the secret", "{}", ran.story());
    scenario.then("another user is refused, by psql without claw and by claw with it");
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let bare = run(&nobody).bare();
    assert!(bare.err().contains("Permission denied"), "{}", bare.story());
    let ran = run(&nobody).guarded(&Guard::with_policy("judging"));
    assert_eq!(ran.out(), "", "{}", ran.story());
    assert!(!ran.status.success(), "{}", ran.story());
}
