//! The commands of the AWS command line, from the tables that it builds them with, its service models and IAM's
//! reference.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;

/// Prints the table. It needs `policy_sentry` next to awscli, which is in PyPI.
const LIST: &str = include_str!("aws.py");

/// Every command.
pub(super) fn rows() -> Result<BTreeSet<String>> {
    let aws = command::find("aws").context("`aws` is not installed")?;
    // The `aws` of a package starts with its own Python; that of a version manager, with a shell.
    let first = fs::read(&aws)?;
    let first = String::from_utf8_lossy(first.split(|&byte| byte == b'\n').next().unwrap_or(&[]));
    let own = first.strip_prefix("#!").map(str::trim).filter(|path| path.contains("python"));
    let mut words = own.unwrap_or("python3").split_whitespace();
    let mut python = Command::new(words.next().unwrap_or("python3"));
    let listed = command::output(python.args(words).args(["-c", LIST]))?;
    Ok(listed.lines().map(str::to_owned).collect())
}
