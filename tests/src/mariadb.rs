//! A throwaway MariaDB server, in a temporary directory, as a user that is not root.
//!
//! It listens on a Unix socket alone and keeps every statement that it is sent in its general log. It ends with its
//! value, and with the test program however that ends: a shell holds it, which stops it when a pipe from there closes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::scenario;

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
        let (uid, gid) = account();
        let directory = tempfile::Builder::new()
            .prefix("claw-mariadb-")
            .tempdir()
            .expect("a temporary directory can be made")
            .keep();
        // Others reach the socket in it.
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o711))
            .expect("the directory is ours");
        chown(&directory, Some(uid), Some(gid)).expect("root can give a directory away");
        let mut install = Command::new(scenario::tool(&["/usr/bin/mariadb-install-db"]));
        install.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
        install.args(["--skip-test-db", "--skip-name-resolve"]);
        install.arg(format!("--datadir={}", directory.join("data").display()));
        // Temporary tables of two installations get in each other's way.
        install.env("TMPDIR", &directory);
        install.uid(uid).gid(gid).current_dir(&directory);
        let output = install.output().expect("`mariadb-install-db` starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`mariadb-install-db` failed: {complaint}");

        #[expect(clippy::zombie_processes, reason = "it outlives the test program by design")]
        let mut keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(scenario::tool(&["/usr/sbin/mariadbd"]))
            .arg(&directory)
            .uid(uid)
            .gid(gid)
            .current_dir("/")
            // Ctrl-C at the terminal must reach the tests first: the pipe tells the keeper.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`sh` starts");
        let lifeline = keeper.stdin.take().expect("stdin is piped");
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

    /// What it answers to statements of its administrator, rows as lines and columns parted by tabs.
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

/// The account that the package makes for the server.
fn account() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").expect("`/etc/passwd` can be read");
    let line = accounts.lines().find(|line| line.starts_with("mysql:"));
    let line = line.expect("no account `mysql`: run `cargo xtask setup`, which installs MariaDB");
    let mut ids = line.split(':').skip(2).map(|field| field.parse().expect("ids are numbers"));
    (ids.next().expect("a uid"), ids.next().expect("a gid"))
}
