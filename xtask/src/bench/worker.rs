//! The program that is measured, bare or under `claw run`: it repeats a piece of work and reports how long
//! each repetition took.
//!
//! It reads one order a line (`WORK COUNT`) and answers with one line of nanoseconds, so that one process under claw
//! serves a whole measurement and the two sides can take turns. It is `cargo xtask bench-worker`, hidden because
//! only the bench starts it.

use std::io::{self, BufRead, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::postgres;

/// Threads that ask for decisions at once.
pub(crate) const CALLERS: usize = 64;
/// The statement that is judged and left as it is.
const JUDGED: &str = "SELECT id FROM users LIMIT 5";
/// The statement that gets a limit.
const REWRITTEN: &str = "SELECT id FROM users";
/// The statement that is denied.
const DENIED: &str = "DROP TABLE users";

/// A piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Start /bin/true and wait for it. One sample each.
    Spawn,
    /// Start the real psql, which fails at once because its server is not there. One sample each.
    Judged,
    /// The same with a statement that claw rewrites. One sample each.
    Rewritten,
    /// Connect over TCP to a listener on loopback. One sample each.
    Stream,
    /// Connect a datagram socket to a loopback address: the same hook without a handshake. One sample each.
    Datagram,
    /// Compile a program of many small files. One sample each.
    Build,
    /// Denied execs by [`CALLERS`] threads, which share the count. One sample for all.
    Decisions,
    /// Start sleeping children and keep them. One sample, without meaning.
    Sleepers,
}

/// The words that orders use.
const WORDS: [(Work, &str); 8] = [
    (Work::Spawn, "spawn"),
    (Work::Judged, "judged"),
    (Work::Rewritten, "rewritten"),
    (Work::Stream, "stream"),
    (Work::Datagram, "datagram"),
    (Work::Build, "build"),
    (Work::Decisions, "decisions"),
    (Work::Sleepers, "sleepers"),
];

impl Work {
    /// The word for it in an order.
    pub(crate) fn word(self) -> &'static str {
        WORDS.iter().find(|(work, _)| *work == self).map_or("", |(_, word)| word)
    }
}

impl FromStr for Work {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = WORDS.iter().find(|(_, word)| *word == text);
        found.map(|(work, _)| *work).with_context(|| format!("no work is called `{text}`"))
    }
}

/// What the work needs to know.
#[derive(Debug, clap::Args)]
pub(crate) struct Surroundings {
    /// The TCP port of the listener.
    #[arg(long)]
    port: u16,
    /// The folder of the program to compile.
    #[arg(long)]
    sources: PathBuf,
}

/// Serves orders until standard input ends.
pub(crate) fn serve(surroundings: &Surroundings) -> Result<()> {
    let mut answers = io::stdout().lock();
    let psql = postgres::program("psql")?;
    let mut crowd = Sleepers::default();
    for order in io::stdin().lock().lines() {
        let order = order?;
        let (work, count) = order.split_once(' ').context("an order is a work and a count")?;
        let (work, count) = (work.parse()?, count.parse()?);
        let samples = perform(work, count, surroundings, &psql, &mut crowd)?;
        let line = samples.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        writeln!(answers, "{line}")?;
        answers.flush()?;
    }
    Ok(())
}

fn perform(
    work: Work,
    count: usize,
    at: &Surroundings,
    psql: &Path,
    crowd: &mut Sleepers,
) -> Result<Vec<u64>> {
    match work {
        Work::Spawn => repeat(count, || wait(&mut Command::new("/bin/true"), 0)),
        Work::Judged => repeat(count, || wait(&mut query(psql, JUDGED), 2)),
        Work::Rewritten => repeat(count, || wait(&mut query(psql, REWRITTEN), 2)),
        Work::Stream => repeat(count, || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, at.port)).context("cannot connect").map(drop)
        }),
        Work::Datagram => {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            repeat(count, || {
                socket.connect((Ipv4Addr::LOCALHOST, at.port)).context("cannot connect")
            })
        }
        Work::Build => repeat(count, || {
            let mut make = Command::new("make");
            wait(make.args(["--silent", "--always-make", "-j2", "-C"]).arg(&at.sources), 0)
        }),
        Work::Decisions => decisions(count, psql),
        Work::Sleepers => crowd.start(count).map(|()| vec![0]),
    }
}

/// Does the work `count` times, timing each.
fn repeat(count: usize, mut work: impl FnMut() -> Result<()>) -> Result<Vec<u64>> {
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        work()?;
        samples.push(nanoseconds(start));
    }
    Ok(samples)
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Runs a command to its end. Another exit status than the expected one would mean that something else was timed.
fn wait(command: &mut Command, expected: i32) -> Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if status.code() != Some(expected) {
        bail!("{command:?} ended with {status}, not with exit status {expected}");
    }
    Ok(())
}

/// psql with a statement and no server: the socket's folder does not exist.
fn query(psql: &Path, statement: &str) -> Command {
    let mut command = Command::new(psql);
    command.args(["-X", "-h", "/nonexistent", "-d", "shop", "-c", statement]);
    command
}

/// Times `count` denied execs from [`CALLERS`] threads. A denied execve returns into the thread that called it, so
/// this measures decisions and not forks.
fn decisions(count: usize, psql: &Path) -> Result<Vec<u64>> {
    let each = count.div_ceil(CALLERS);
    let start = Instant::now();
    let denied = thread::scope(|scope| {
        let callers: Vec<_> =
            (0..CALLERS).map(|_| scope.spawn(|| denied_execs(each, psql))).collect();
        callers.into_iter().all(|caller| caller.join().unwrap_or(false))
    });
    if !denied {
        bail!("an exec that should have been denied failed in another way");
    }
    Ok(vec![nanoseconds(start)])
}

/// Whether each of `count` execs was denied. An exec that is not denied replaces this process, and the bench
/// notices that it ends.
fn denied_execs(count: usize, psql: &Path) -> bool {
    (0..count).all(|_| query(psql, DENIED).exec().kind() == io::ErrorKind::PermissionDenied)
}

/// Children that live until the worker ends, while the bench looks at claw's memory.
#[derive(Debug, Default)]
struct Sleepers(Vec<Child>);

impl Sleepers {
    fn start(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let mut sleep = Command::new("/bin/sleep");
            sleep.arg("600").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            self.0.push(sleep.spawn().context("cannot start `sleep`")?);
        }
        Ok(())
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_is_found_by_its_word() -> Result<()> {
        for (work, word) in WORDS {
            assert_eq!(word.parse::<Work>()?, work);
            assert_eq!(work.word(), word);
        }
        let unknown = "dance".parse::<Work>().expect_err("no such work").to_string();
        assert_eq!(unknown, "no work is called `dance`");
        Ok(())
    }

    #[test]
    fn work_is_timed_once_for_each_time() -> Result<()> {
        let mut done = 0;
        let samples = repeat(3, || {
            done += 1;
            Ok(())
        })?;
        assert_eq!((samples.len(), done), (3, 3));
        Ok(())
    }

    #[test]
    fn another_exit_status_is_not_timed_as_if_it_were_right() {
        assert!(wait(&mut Command::new("/bin/true"), 0).is_ok());
        let failed = wait(&mut Command::new("/bin/false"), 0).expect_err("another status");
        assert!(failed.to_string().contains("not with exit status 0"), "{failed}");
    }
}
