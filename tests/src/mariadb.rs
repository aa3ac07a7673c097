//! A throwaway MariaDB server, in a temporary directory, as a user that is not root.
//!
//! It listens on a Unix socket alone and keeps every statement that it is sent in its general log. It ends with its
//! value, and with the test program however that ends: a shell holds it, which stops it when a pipe from there closes.

use std::fs;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::scenario;
use crate::server;

/// Runs the server until stdin closes, then stops it at once and removes its directory.
const KEEPER: &str = r#"
set -u
"$1" --no-defaults --datadir="$2/data" --socket="$2/socket" --pid-file="$2/pid" --tmpdir="$2" --skip-networking \
    --general-log --log-output=TABLE --innodb-flush-log-at-trx-commit=0 --innodb-fast-shutdown=2 \
    >"$2/log" 2>&1 </dev/null &
server=$!
read -r _
kill -KILL "$server"
wait "$server"
rm -r "$2"
"#;

/// The running server.
#[derive(Debug)]
pub struct Server {
    directory: PathBuf,
    /// Closing it stops the server.
    _lifeline: ChildStdin,
}

impl Server {
    /// Starts one.
    ///
    /// # Panics
    /// When MariaDB is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let account = server::account("mysql", "MariaDB");
        // Others reach the socket in it.
        let directory = server::directory("claw-mariadb-", 0o711, account);
        let mut install = Command::new(scenario::tool(&["/usr/bin/mariadb-install-db"]));
        install.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
        install.args(["--skip-test-db", "--skip-name-resolve"]);
        install.arg(format!("--datadir={}", directory.join("data").display()));
        // The temporary tables of two installations would collide.
        install.env("TMPDIR", &directory);
        server::prepare(&mut install, account, &directory);
        let words = [&scenario::tool(&["/usr/sbin/mariadbd"]), &directory];
        let lifeline = server::keep(KEEPER, words, account);
        let server = Self { directory, _lifeline: lifeline };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !server.client("SELECT 1").status.success() {
            let log = fs::read_to_string(server.directory.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "the server does not start:\n{log}");
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    /// The folder of its databases.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// What it answers to statements of its administrator, rows as lines, and columns separated by tabs.
    ///
    /// # Panics
    /// When a statement fails.
    #[track_caller]
    pub fn ask(&self, statements: &str) -> String {
        let output = self.client(statements);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{statements}`: {complaint}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn client(&self, statements: &str) -> Output {
        Command::new(scenario::tool(&["/usr/bin/mariadb"]))
            .args(["--no-defaults", "-uroot", "-BN", "-e", statements, "-S"])
            .arg(self.socket())
            .stdin(Stdio::null())
            .output()
            .expect("`mariadb` starts")
    }
}
