//! The commands of the AWS command line, from the tables that it builds them with.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;

/// Prints every command of two words, one a line. A third word is read as an operand.
const LIST: &str = r#"
from awscli.clidriver import create_clidriver
def below(path, command):
    if len(path) == 2:
        print(' '.join(path))
        return
    table = getattr(command, 'subcommand_table', None)
    if not isinstance(table, dict) and hasattr(command, '_get_command_table'):
        table = command._get_command_table()
    for name, sub in (table if isinstance(table, dict) else {}).items():
        below(path + [name], sub)
for name, command in create_clidriver()._get_command_table().items():
    below([name], command)
"#;

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
