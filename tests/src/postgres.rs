//! A throwaway PostgreSQL server: one per test program, in a temporary directory, as a user that is not root.
//!
//! It listens on loopback alone, trusts everyone there, and ends with the test program however that ends: a
//! shell holds it, which stops it when a pipe from the test program closes.

use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::scenario;
use crate::server;

/// How many rows the table `users` has.
pub const ROWS: usize = 5000;

/// Runs the server until stdin closes, then stops it at once and removes its directory.
const KEEPER: &str = r#"
set -u
"$1/postgres" -D "$2/data" -k "$2" -p "$3" -c listen_addresses=127.0.0.1 -c fsync=off \
    -c full_page_writes=off -c max_connections=50 -c log_statement=all >"$2/log" 2>&1 </dev/null &
server=$!
read -r _
kill -QUIT "$server"
wait "$server"
rm -r "$2/data" "$2/log" && rmdir "$2"
"#;

/// The running server.
#[derive(Debug)]
pub struct Server {
    port: u16,
    directory: PathBuf,
    /// Closing it stops the server.
    _lifeline: ChildStdin,
}

/// A database of its own for one test, with the table `users`.
#[derive(Debug)]
pub struct Database {
    name: String,
    port: u16,
}

/// A fresh database on this test program's server, which the first call starts.
#[must_use]
pub fn database() -> Database {
    static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
    SERVER.database()
}

/// The real `psql`, not Debian's wrapper.
///
/// # Panics
/// When PostgreSQL is not installed.
#[must_use]
pub fn real_psql() -> PathBuf {
    programs().join("psql")
}

/// Debian's wrapper, a Perl script that starts the real `psql`.
#[must_use]
pub fn wrapper_psql() -> PathBuf {
    scenario::tool(&["/usr/bin/psql"])
}

/// The directory of the newest installed PostgreSQL's programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .map(|version| version.path().join("bin"))
        .filter(|directory| directory.join("postgres").is_file())
        .max()
        .expect("PostgreSQL is not installed: run `cargo xtask setup`, which installs it")
}

impl Server {
    fn start() -> Self {
        let account = server::account("postgres", "PostgreSQL");
        let directory = server::directory("claw-postgres-", 0o700, account);
        let mut initdb = Command::new(programs().join("initdb"));
        initdb.args(["--no-sync", "-A", "trust", "-U", "claw", "-E", "UTF8", "--locale=C", "-D"]);
        initdb.arg(directory.join("data"));
        server::prepare(&mut initdb, account, &directory);
        let port = free_port();
        let words: [OsString; 3] =
            [programs().into(), directory.clone().into(), port.to_string().into()];
        let lifeline = server::keep(KEEPER, words, account);
        let server = Self { port, directory, _lifeline: lifeline };
        server.wait_until_ready();
        let rows = format!(
            "CREATE TABLE users AS SELECT n AS id, 'user ' || n AS name FROM generate_series(1, {ROWS}) n"
        );
        server.template().ask(&rows);
        server
    }

    /// The database that the others are copies of.
    fn template(&self) -> Database {
        Database { name: "template1".to_owned(), port: self.port }
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let ready = || {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
                && self.template().psql("SELECT 1").bare().status.success()
        };
        while !ready() {
            assert!(Instant::now() < deadline, "the server does not start:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn database(&self) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let postgres = Database { name: "postgres".to_owned(), port: self.port };
        postgres.ask(&format!("CREATE DATABASE {name}"));
        Database { name, port: self.port }
    }
}

impl Database {
    /// The environment that makes `psql` without options connect here.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 4] {
        [
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", "claw".to_owned()),
            ("PGDATABASE", self.name.clone()),
        ]
    }

    /// The server's port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The real `psql` with one statement, unaligned and without headings.
    #[must_use]
    pub fn psql(&self, statement: &str) -> Call {
        let psql = real_psql();
        let words = ["-X", "-A", "-t", "-c", statement].map(Path::new);
        let argv = std::iter::once(psql.as_path()).chain(words);
        Call::new(argv).envs(self.env())
    }

    /// What an unguarded connection answers to `statement`.
    ///
    /// # Panics
    /// When the statement fails.
    #[track_caller]
    pub fn ask(&self, statement: &str) -> String {
        self.psql(statement).bare().exits(0).out()
    }

    /// Whether the table `users` is there, asked over an unguarded connection.
    #[must_use]
    #[track_caller]
    pub fn has_users(&self) -> bool {
        self.ask("SELECT to_regclass('users') IS NOT NULL") == "t"
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
