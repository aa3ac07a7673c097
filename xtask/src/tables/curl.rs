//! curl's options, from its help, which shows a value for options that take one. To find out whether a switch
//! has a twin that turns it off, this runs curl with the twin.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::command;

/// `flag * NAME LETTER TAKES NO` of every option.
pub(super) fn rows() -> Result<BTreeSet<String>> {
    let help = command::output(Command::new("curl").args(["--help", "all"]))?;
    // The word after `--help` is a topic, not a value.
    let options = help.lines().filter_map(option).filter(|(name, ..)| *name != "help");
    options.map(row).collect()
}

fn row((name, letter, value): (&str, &str, bool)) -> Result<String> {
    let (takes, no) = match value {
        true => ("value", "-"),
        false if has_twin(name)? => ("none", "no"),
        false => ("none", "-"),
    };
    Ok(format!("flag\t*\t{name}\t{letter}\t{takes}\t{no}"))
}

/// Whether curl knows `--no-NAME`.
fn has_twin(name: &str) -> Result<bool> {
    let mut curl = Command::new("curl");
    curl.arg(format!("--no-{name}")).stdin(Stdio::null());
    let output = curl.output().context("cannot start `curl`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(!said.contains("isn't a boolean") && !said.contains("is unknown"))
}

/// Name, letter, and whether it takes a value.
fn option(line: &str) -> Option<(&str, &str, bool)> {
    let line = line.trim_start();
    let (letter, rest) = match line.split_once(", --") {
        Some((short, rest)) => (short.strip_prefix('-')?, rest),
        None => ("-", line.strip_prefix("--")?),
    };
    let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    // For an option that is on by default, the help shows the twin.
    let own = name.strip_prefix("no-").unwrap_or(name);
    Some((own, letter, rest.starts_with(['<', '['])))
}

#[cfg(test)]
mod tests {
    use super::option;

    #[test]
    fn lines_of_the_help() {
        let data = option(" -d, --data <data>          HTTP POST data");
        assert_eq!(data, Some(("data", "d", true)));
        let any = option("     --anyauth              Pick any method");
        assert_eq!(any, Some(("anyauth", "-", false)));
        assert_eq!(option("Usage: curl [options...] <url>"), None);
    }
}
