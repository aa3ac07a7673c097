//! `cargo xtask soundness`: compares what claw calls a read with what a real server does.
//!
//! Input: PostgreSQL's own regression suite, from Debian's source package or a folder; none of it is kept
//! here. psql runs it on a throwaway server, through a relay (`relay`) that sees each text as psql sends it
//! and asks the server what it did (`truth`). The same texts go to `claw check` (`verdict`). Output: a report,
//! and under `target/soundness` every text with both answers.
//!
//! A text is unsound if claw calls it `read` and the server shows otherwise. The goal is none. A text that is
//! a read on the server, but that claw does not call one, costs an agent a denial. The goal is below three in
//! a hundred, not counting functions that the suite defines itself, because a policy lists a database's own
//! functions.
//!
//! Known gaps: a text that the server refuses shows nothing. Effects that leave no trace in the transaction,
//! the session or the server's catalogue (a signal to another backend, a reset counter) are not seen.

mod generate;
mod relay;
mod report;
mod source;
mod truth;
mod verdict;
mod wire;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build;
use crate::postgres::{self, Server};
use crate::report::step;
use crate::workspace::Workspace;
pub(crate) use generate::generated;
use source::Suite;
use truth::Record;

/// How long one file of the suite may take. The longest takes some seconds.
const PATIENCE: Duration = Duration::from_secs(240);
/// The database of the suite; some files name it.
const DATABASE: &str = "regression";
/// Nothing but the suite may use up transaction ids, which tell what wrote.
const SETTINGS: &[&str] = &["autovacuum=off", "max_prepared_transactions=2", "log_statement=none"];

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folder `src/test/regress` of a PostgreSQL source tree; without it, Debian's source package is fetched
    #[arg(long, value_name = "DIR")]
    sql: Option<PathBuf>,
    /// Only the first N files of the schedule: enough to see that it runs
    #[arg(long, value_name = "N")]
    first: Option<usize>,
    /// In place of the suite: this many statements, made by chance, whose calls the server reports
    #[arg(long, value_name = "N")]
    generate: Option<usize>,
    /// The seed of the statements
    #[arg(long, value_name = "SEED", default_value_t = 1, requires = "generate")]
    seed: u64,
}

/// Runs the suite and reports. The exit status is success when both goals are reached.
pub(crate) fn soundness(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    build::build(workspace)?;
    if let Some(count) = options.generate {
        generated(workspace, count, options.seed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = workspace.path("target/soundness");
    fs::create_dir_all(&folder)?;
    let suite = match &options.sql {
        Some(folder) => Suite::at(folder)?,
        None => Suite::fetch(&folder)?,
    };
    let records = record(&suite, options.first.unwrap_or(usize::MAX))?;
    let verdicts = verdict::ask(workspace, &folder, &records)?;
    let report = report::Report::of(&records, &verdicts);
    report.write(&folder.join("answers.jsonl"), &records, &verdicts)?;
    step("soundness", &format!("\n\n{report}"));
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the files of the suite one after the other, and gives what each text did.
fn record(suite: &Suite, files: usize) -> Result<Vec<Record>> {
    let server = Server::start_with(SETTINGS)?;
    server.admin("postgres", &format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
    let results = tempfile::Builder::new().prefix("claw-soundness-").tempdir()?;
    // The server writes to this folder as its own user.
    fs::set_permissions(results.path(), fs::Permissions::from_mode(0o777))?;
    let inner = results.path().join("results");
    fs::create_dir(&inner)?;
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o777))?;
    let mut records = Vec::new();
    for name in suite.schedule()?.into_iter().take(files) {
        let before = records.len();
        records.extend(file(suite, &server, results.path(), &name)?);
        step("soundness", &format!("{name}: {} texts", records.len() - before));
    }
    Ok(records)
}

/// Runs one file through a relay of its own.
fn file(suite: &Suite, server: &Server, results: &Path, name: &str) -> Result<Vec<Record>> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    let records = Arc::new(Mutex::new(Vec::new()));
    let (into, upstream, file) = (Arc::clone(&records), server.port(), name.to_owned());
    // The thread waits for connections until this program ends. There are a few hundred such threads.
    thread::spawn(move || relay::serve(&listener, upstream, &file, &into));
    let mut psql = Command::new(postgres::program("psql")?);
    psql.envs(server.admin_environment(DATABASE)).env("PGPORT", port.to_string());
    psql.env("PGHOST", "127.0.0.1").env("PGSSLMODE", "disable").env("PGGSSENCMODE", "disable");
    psql.env("PGTZ", "America/Los_Angeles").env("PGDATESTYLE", "Postgres, MDY");
    psql.env("PGOPTIONS", "-c intervalstyle=postgres_verbose").env("LC_ALL", "C");
    psql.env("PG_ABS_SRCDIR", suite.folder()).env("PG_ABS_BUILDDIR", results);
    psql.env("PG_LIBDIR", "/nonexistent").env("PG_DLSUFFIX", ".so");
    psql.args(["-X", "-q", "-v", "HIDE_TABLEAM=on", "-v", "HIDE_TOAST_COMPRESSION=on", "-f"]);
    psql.arg(suite.script(name)).current_dir(results);
    psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = psql.spawn().context("cannot start `psql`")?;
    wait(&mut child, name)?;
    let mut records =
        records.lock().map_err(|_| anyhow::anyhow!("the relay of `{name}` failed"))?;
    Ok(std::mem::take(&mut *records))
}

fn wait(child: &mut Child, name: &str) -> Result<()> {
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("`{name}` does not end after {} s", PATIENCE.as_secs());
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}
