//! A throwaway PostgreSQL server: its own data folder, port and passwords, gone when it is dropped.
//!
//! PostgreSQL refuses to run as root, so root starts it as another user with setpriv(1), which also asks the
//! kernel to stop the server when this process dies without cleaning up.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::command;

/// How long a server may take to accept connections, and to stop. Debian's takes half a second for either.
const PATIENCE: Duration = Duration::from_secs(20);
/// The role and database that a guarded program gets.
const AGENT: &str = "agent";
const DATABASE: &str = "shop";

/// A server that runs for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
    admin_password: String,
    agent_password: String,
}

impl Server {
    /// Creates a cluster in a temporary folder and starts it on a loopback port of its own, with a role `agent`
    /// that owns the database `shop`.
    pub(crate) fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// [`Self::start`], with settings of the server, `name=value` each.
    pub(crate) fn start_with(settings: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("claw-postgres-").tempdir()?;
        let owner = Owner::choose()?;
        owner.give(folder.path())?;
        let (admin_password, agent_password) = (password()?, password()?);
        let secret = folder.path().join("password");
        fs::write(&secret, &admin_password)?;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
        owner.give(&secret)?;
        let data = folder.path().join("data");
        let mut initdb = owner.command(&program("initdb")?);
        initdb.args(["--auth=scram-sha-256", "--username=postgres", "--encoding=UTF8"]);
        initdb.args(["--locale=C", "--no-sync", "--pwfile"]).arg(&secret).arg(&data);
        command::output(&mut initdb).context("cannot create a PostgreSQL cluster")?;
        fs::remove_file(&secret)?;

        let port = free_port()?;
        let log = File::create(folder.path().join("log"))?;
        let mut postgres = owner.command(&program("postgres")?);
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path());
        postgres.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-F"]);
        for setting in settings {
            postgres.args(["-c", setting]);
        }
        postgres.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = postgres.spawn().context("cannot start the PostgreSQL server")?;
        let mut server = Self { child, folder, port, admin_password, agent_password };
        server.wait_until_ready()?;
        server.admin(
            "postgres",
            &format!("CREATE ROLE {AGENT} LOGIN PASSWORD '{}'", server.agent_password),
        )?;
        server.admin("postgres", &format!("CREATE DATABASE {DATABASE} OWNER {AGENT}"))?;
        Ok(server)
    }

    /// The variables with which `psql` reaches the database as the agent, by name and value.
    pub(crate) fn agent_environment(&self) -> [(&'static str, String); 5] {
        [
            ("PGHOST", Ipv4Addr::LOCALHOST.to_string()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", AGENT.to_owned()),
            ("PGDATABASE", DATABASE.to_owned()),
            ("PGPASSWORD", self.agent_password.clone()),
        ]
    }

    /// Runs SQL as the agent's role over a connection of our own that nothing guards, and gives the rows,
    /// one a line.
    pub(crate) fn query(&self, sql: &str) -> Result<String> {
        let mut psql = Command::new(program("psql")?);
        psql.envs(self.agent_environment()).args(["-X", "-A", "-t", "-q"]);
        let rows = command::output(psql.args(["-v", "ON_ERROR_STOP=1", "-c", sql]))?;
        Ok(rows.trim_end().to_owned())
    }

    /// The port it listens on, on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The variables with which `psql` reaches a database as the superuser, but for the host.
    pub(crate) fn admin_environment(&self, database: &str) -> [(&'static str, String); 4] {
        [
            ("PGPORT", self.port.to_string()),
            ("PGUSER", "postgres".to_owned()),
            ("PGDATABASE", database.to_owned()),
            ("PGPASSWORD", self.admin_password.clone()),
        ]
    }

    /// Runs SQL as the superuser, and gives the rows, one a line.
    pub(crate) fn admin(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = Command::new(program("psql")?);
        psql.env("PGPASSWORD", &self.admin_password).arg("-h").arg(self.folder.path());
        psql.args(["-p", &self.port.to_string(), "-U", "postgres", "-d", database]);
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"]);
        command::output(psql.args(["-c", sql]))
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            let last = match self.admin("postgres", "SELECT 1") {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if let Some(status) = self.child.try_wait()? {
                bail!("the PostgreSQL server stopped: {status}\n{}", self.log());
            }
            if start.elapsed() > PATIENCE {
                return Err(last.context(format!("PostgreSQL does not answer\n{}", self.log())));
            }
            sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    /// Stops the server before its folder is removed. The data is disposable, so this is an immediate
    /// shutdown.
    fn drop(&mut self) {
        // SIGQUIT is PostgreSQL's immediate shutdown; its children stop by themselves.
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            // It fails only if the server has stopped already, which the loop below notices.
            let _ = kill_process(pid, Signal::QUIT);
        }
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > PATIENCE {
                drop(self.child.kill());
                drop(self.child.wait());
                return;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

/// A program of the newest PostgreSQL that is installed: Debian keeps them outside `PATH`, by version.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    let version = |path: &Path| {
        path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok())
    };
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = installed
        .map(|entry| entry.path())
        .filter(|path| command::is_executable(&path.join("bin").join(name)))
        .max_by_key(|path| version(path));
    newest
        .map(|folder| folder.join("bin").join(name))
        .or_else(|| command::find(name))
        .with_context(|| format!("PostgreSQL's `{name}` is not installed; run `cargo xtask setup`"))
}

/// Who runs the server.
#[derive(Debug, Clone, Copy)]
enum Owner {
    /// We are not root: ourselves.
    Ourselves,
    /// We are root: this user and group.
    Other { uid: u32, gid: u32 },
}

impl Owner {
    /// Debian's `postgres` user where there is one, else `nobody`.
    fn choose() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        ids(&users, "postgres")
            .or_else(|| ids(&users, "nobody"))
            .map(|(uid, gid)| Self::Other { uid, gid })
            .context("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")
    }

    fn give(self, path: &Path) -> Result<()> {
        let Self::Other { uid, gid } = self else { return Ok(()) };
        chown(path, Some(uid), Some(gid))
            .with_context(|| format!("cannot give `{}` to user {uid}", path.display()))
    }

    /// A program to run as this user, from a folder that it may enter, dying when we do.
    fn command(self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.current_dir("/").args(["--pdeathsig", "QUIT"]);
        if let Self::Other { uid, gid } = self {
            command.args(["--reuid", &uid.to_string(), "--regid", &gid.to_string()]);
            command.arg("--clear-groups");
        }
        command.arg("--").arg(program);
        command
    }
}

/// User and group id of a user, from the text of passwd(5).
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        Some((uid.parse().ok()?, gid.parse().ok()?))
    })
}

/// A port that was free when it was asked for.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// 128 random bits in hexadecimal.
fn password() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes).context("cannot read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_from_the_line_of_that_very_user() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:7::/:\npostgres:x:101:104:,,,:/var:/bin/bash\n";
        assert_eq!(ids(users, "postgres"), Some((101, 104)));
        assert_eq!(ids(users, "nobody"), None);
    }

    #[test]
    fn a_server_answers_as_the_agent_and_is_gone_afterwards() -> Result<()> {
        let server = Server::start()?;
        assert_eq!(server.query("SELECT current_user, current_database()")?, "agent|shop");
        let (folder, port) = (server.folder.path().to_path_buf(), server.port);
        drop(server);
        assert!(!folder.exists(), "the data folder is left behind");
        assert!(
            std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(),
            "the server still listens"
        );
        Ok(())
    }
}
