//! The command line: one file a command.

mod check;
mod log;
mod policy_test;
mod reference;
mod run;
mod tools;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// The exit status of a command that could not do what it was asked.
pub(crate) const FAILED: u8 = 2;

/// A firewall for AI agents: holds every program an agent starts until a policy has judged it
#[derive(Debug, Parser)]
#[command(name = "claw", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Test(policy_test::PolicyTest),
    Log(log::Log),
    Explain(log::Explain),
    Tools(tools::Tools),
    #[command(hide = true)]
    Reference(reference::Reference),
}

/// Parses the command line and runs what it says.
///
/// # Errors
/// What went wrong and what to do about it, for one line on stderr.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Run(run) => run.run(),
        Command::Check(check) => check.run(),
        Command::Test(test) => test.run(),
        Command::Log(log) => log.run(),
        Command::Explain(explain) => explain.run(),
        Command::Tools(tools) => tools.run(),
        Command::Reference(reference) => reference.run(Cli::command()),
    }
}
