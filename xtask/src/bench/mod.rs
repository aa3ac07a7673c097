//! `cargo xtask bench`: what claw costs, as a ratio to the same work unguarded, measured side by side.
//!
//! One process under `claw run` and one without take turns at the same work (`paired`, `worker`), so that
//! changes in the machine's speed affect both. The output is a table of goals and figures, with a description
//! of the machine.

mod machine;
mod memory;
mod paired;
mod table;
pub(crate) mod worker;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

use crate::build;
use crate::command;
use crate::report;
use crate::workspace::Workspace;
use paired::{Pair, Plan, Worker};
use table::Row;
use worker::Work;

/// C files of the build that is measured: with make's shell, gcc, cc1 and as, four execs each.
const SOURCES: usize = 300;
/// Execs for the rate of decisions.
const DECISIONS: usize = 64_000;
/// Sleeping children for the memory of one guarded process.
const SLEEPERS: usize = 400;

/// How much to measure, and where to put it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A tenth of the work: enough to see that it runs, not for publishing
    #[arg(long)]
    quick: bool,
    /// Write the table to this file as well, such as docs/PERFORMANCE.md
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Leave out the benches of the pure crates
    #[arg(long)]
    paired_only: bool,
}

/// Builds, measures and reports.
pub(crate) fn bench(workspace: &Workspace, options: &Options) -> Result<()> {
    build::build(workspace)?;
    // The worker is xtask in the release profile: an unoptimised one would put its own slowness on both sides.
    command::run(workspace.cargo().args(["build", "--release", "--package", "xtask"]))?;
    if !options.paired_only {
        pure_crates(workspace)?;
    }
    let rows = measure(workspace, if options.quick { 10 } else { 1 })?;
    let text = table::render(&rows, &machine::describe(workspace)?);
    report::step("bench", &format!("\n\n{text}"));
    if let Some(path) = &options.write {
        fs::write(path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// Runs the benches of the crates that are pure code, where they have any.
fn pure_crates(workspace: &Workspace) -> Result<()> {
    for package in ["claw-classify", "claw-policy", "claw-common"] {
        if workspace.path(package).join("benches").is_dir() {
            report::step("bench", package);
            command::run(workspace.cargo().args(["bench", "--package", package, "--benches"]))?;
        }
    }
    Ok(())
}

fn measure(workspace: &Workspace, divisor: usize) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let sources = folder.path().join("sources");
    write_sources(&sources)?;
    let arena = Arena { workspace, folder: folder.path(), port: accept_forever()?, sources };
    let idle = memory::of_claw(arena.guarded("idle")?.settle()?)?;
    let mut pair = arena.pair()?;
    let mut paired = |what: &'static str, work, rounds: usize, each| {
        report::step("bench", what);
        pair.measure(work, Plan { rounds: (rounds / divisor).max(1), each })
    };
    let mut rows = vec![
        Row::latency("an allowed, ungoverned exec", &paired("exec", Work::Spawn, 100, 50)?)
            .goal("25 us / 100 us; 1.05 x"),
        Row::latency("a governed `psql -c`", &paired("psql", Work::Judged, 50, 20)?)
            .goal("120 us p50"),
        Row::latency("a rewritten `psql -c`", &paired("rewrite", Work::Rewritten, 50, 20)?)
            .goal("400 us p50"),
        Row::latency("an allowed TCP connect", &paired("connect", Work::Stream, 100, 100)?)
            .goal("1 us"),
        Row::latency("an allowed UDP connect", &paired("connect", Work::Datagram, 100, 100)?)
            .goal("1 us"),
        Row::latency("`make`, 1,200 execs", &paired("make", Work::Build, 6, 1)?).goal("1.03 x"),
    ];
    report::step("bench", "decisions");
    let count = DECISIONS / divisor;
    let took = pair.guarded.perform(Work::Decisions, count)?;
    rows.push(Row::rate("decisions a second, 64 callers", count, &took).goal("20,000"));
    drop(pair);
    rows.extend(held(&arena, divisor)?);
    report::step("bench", "memory");
    let mut crowd = arena.guarded("crowd")?;
    let before = memory::of_claw(crowd.settle()?)?;
    crowd.perform(Work::Sleepers, SLEEPERS)?;
    let each = memory::of_claw(crowd.pid())?.saturating_sub(before) / SLEEPERS as u64;
    rows.push(Row::memory(idle, each).goal("30 MiB / 1 KiB"));
    Ok(rows)
}

/// The same work without a kernel side: claw without capabilities guards at the level `held`.
fn held(arena: &Arena<'_>, divisor: usize) -> Result<Vec<Row>> {
    let mut pair = Pair { bare: arena.bare()?, guarded: arena.without_capabilities("held")? };
    let mut paired = |what: &'static str, work, rounds: usize, each| {
        report::step("bench", what);
        pair.measure(work, Plan { rounds: (rounds / divisor).max(1), each })
    };
    Ok(vec![
        Row::latency("`held`: an allowed exec", &paired("held: exec", Work::Spawn, 100, 50)?),
        Row::latency(
            "`held`: a rewritten `psql -c`",
            &paired("held: rewrite", Work::Rewritten, 50, 20)?,
        ),
        Row::latency(
            "`held`: an allowed TCP connect",
            &paired("held: connect", Work::Stream, 100, 100)?,
        ),
        Row::latency(
            "`held`: an allowed UDP connect",
            &paired("held: connect", Work::Datagram, 100, 100)?,
        ),
        Row::latency("`held`: `make`, 1,200 execs", &paired("held: make", Work::Build, 6, 1)?),
    ])
}

/// Where measurements take place.
struct Arena<'a> {
    workspace: &'a Workspace,
    folder: &'a Path,
    port: u16,
    sources: PathBuf,
}

impl Arena<'_> {
    fn pair(&self) -> Result<Pair> {
        Ok(Pair { bare: self.bare()?, guarded: self.guarded("pair")? })
    }

    fn bare(&self) -> Result<Worker> {
        let mut command = self.workspace.command(self.worker());
        self.arguments(&mut command);
        Worker::start(command)
    }

    fn guarded(&self, audit: &str) -> Result<Worker> {
        self.under(self.workspace.command(self.workspace.claw()), audit)
    }

    fn without_capabilities(&self, audit: &str) -> Result<Worker> {
        let mut command = self.workspace.command("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(self.workspace.claw());
        self.under(command, audit)
    }

    /// Starts a worker under the claw that `command` starts.
    fn under(&self, mut command: Command, audit: &str) -> Result<Worker> {
        command.args(["run", "--policy"]).arg(self.workspace.path("xtask/src/bench/policy.toml"));
        command.arg("--audit").arg(self.folder.join(audit)).arg("--").arg(self.worker());
        self.arguments(&mut command);
        Worker::start(command)
    }

    fn worker(&self) -> PathBuf {
        self.workspace.target.join("release/xtask")
    }

    fn arguments(&self, command: &mut Command) {
        command.arg("bench-worker").args(["--port", &self.port.to_string(), "--sources"]);
        command.arg(&self.sources);
    }
}

/// A loopback port behind which a thread accepts and closes connections for as long as this process lives.
fn accept_forever() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || listener.incoming().for_each(drop));
    Ok(port)
}

/// A program of many small C files and its Makefile.
fn write_sources(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let objects: Vec<String> = (0..SOURCES).map(|n| format!("part{n}.o")).collect();
    for number in 0..SOURCES {
        let text = format!("int part{number}(int x) {{ return x * {number} + 1; }}\n");
        fs::write(folder.join(format!("part{number}.c")), text)?;
    }
    // Force a shell: make execs a plain command without one, and real projects seldom have only plain
    // commands.
    let makefile =
        format!("all: {}\n%.o: %.c\n\t@cd . && gcc -O1 -c -o $@ $<\n", objects.join(" "));
    fs::write(folder.join("Makefile"), makefile)?;
    Ok(())
}
