//! The commands of development, run as `cargo xtask COMMAND`.
//!
//! Two are enough for most people: `cargo xtask run` shows claw at work and `cargo xtask test` runs every test;
//! both bring what the machine lacks. The others are the parts those two are made of.

mod bench;
mod build;
mod catalogue;
mod command;
mod demo;
mod ebpf;
mod escapes;
mod fuzz;
mod install;
mod interrupt;
mod postgres;
mod reference;
mod report;
mod run;
mod setup;
mod soundness;
mod tables;
mod test;
mod vm;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::bench::worker::{self, Surroundings};
use crate::interrupt::Interrupted;
use crate::setup::Set;
use crate::test::Selection;
use crate::workspace::Workspace;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The commands of development for claw")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what this machine lacks
    Setup {
        /// For what: each holds the ones before it
        #[arg(value_enum, default_value = "test")]
        set: Set,
        /// Only say what is missing, and fail if anything is
        #[arg(long)]
        check: bool,
    },
    /// Compile the eBPF programs
    Ebpf,
    /// Compile the eBPF programs and the release build of `claw`
    Build,
    /// Set up, build without optimisation, and guard a program with the starter policy; without one, show claw at work
    Run {
        /// The program and its arguments, after `--`
        #[arg(last = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Run every test and check, end-to-end ones included
    Test {
        /// Only tests whose name contains this; leaves out formatting, lints and other checks of the whole
        filter: Option<String>,
        /// Go on where this machine lacks something, and say what was not run
        #[arg(long)]
        allow_missing: bool,
    },
    /// Run a command on one of Debian's kernels, in an emulated machine that sees this machine's files
    Vm(vm::Options),
    /// Be process 1 of that machine
    #[command(hide = true)]
    VmGuest,
    /// Measure what claw costs, beside the same work unguarded
    Bench(bench::Options),
    /// Serve the bench with work to measure
    #[command(hide = true)]
    BenchWorker(Surroundings),
    /// Write the catalogue of PostgreSQL's own functions, from a throwaway server
    Catalogue(catalogue::Options),
    /// Write docs/TOOLS.md and docs/CLI.md from what `claw` says of itself
    Tables(tables::Options),
    /// Run PostgreSQL's own regression suite, and hold what claw calls a read against what the server says
    Soundness(soundness::Options),
    /// Try to get around claw in every way the suites know, races included, and write docs/SECURITY-RESULTS.md
    Escapes(escapes::Options),
    /// Make up calls and SQL texts, and look for one of which something false is said
    Fuzz(fuzz::Options),
    /// Write manual pages and shell completions to target/reference
    Reference,
    /// Install `claw`, its manual pages and completions, and the policies that come with it
    Install {
        /// Where to: the program goes to DIR/bin, the rest below DIR/share
        #[arg(long, value_name = "DIR", default_value = "/usr/local")]
        root: PathBuf,
    },
}

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(error) => {
            report::step("error", &format!("{error:#}"));
            // The status that a shell reports for a program ended by Ctrl-C: 128 + SIGINT.
            if error.is::<Interrupted>() { ExitCode::from(130) } else { ExitCode::FAILURE }
        }
    }
}

fn start() -> Result<ExitCode> {
    match Arguments::parse().task {
        // The guest runs before the checkout is mounted, so it cannot locate a workspace.
        Task::VmGuest => vm::guest::run().map(|()| ExitCode::SUCCESS),
        task => perform(task),
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    match task {
        Task::VmGuest => vm::guest::run()?,
        Task::Vm(options) => return vm::run(&workspace, &options),
        Task::Setup { set, check: true } => setup::check(&workspace, set)?,
        Task::Setup { set, check: false } => setup::install(&workspace, set)?,
        Task::Ebpf => ebpf::build(&workspace)?,
        Task::Build => build::build(&workspace)?,
        Task::Run { command } => run::run(&workspace, &command)?,
        Task::Test { filter, allow_missing } => {
            return test::test(&workspace, &Selection { filter, allow_missing });
        }
        Task::Bench(options) => bench::bench(&workspace, &options)?,
        Task::Escapes(options) => return escapes::escapes(&workspace, &options),
        Task::BenchWorker(surroundings) => worker::serve(&surroundings)?,
        Task::Catalogue(options) => catalogue::catalogue(&workspace, &options)?,
        Task::Fuzz(options) => fuzz::fuzz(&workspace, &options)?,
        Task::Tables(options) => tables::tables(&workspace, &options)?,
        Task::Soundness(options) => return soundness::soundness(&workspace, &options),
        Task::Reference => {
            build::build(&workspace)?;
            reference::write(&workspace)?;
        }
        Task::Install { root } => {
            setup::install(&workspace, Set::Build)?;
            build::build(&workspace)?;
            let reference = reference::write(&workspace)?;
            install::install(&workspace, &reference, &root)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
