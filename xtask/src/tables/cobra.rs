//! Programs whose command lines are cobra's: gh by its reference, kubectl by the help of each command.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::command;

/// gh's commands and options. The reference does not list the options that every command has.
pub(super) fn gh() -> Result<BTreeSet<String>> {
    let reference = command::output(Command::new("gh").args(["help", "reference"]))?;
    Ok(of_reference(&reference))
}

fn of_reference(reference: &str) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    let mut path = String::new();
    for line in reference.lines() {
        if let Some((_, title)) = line.split_once("# `gh ") {
            let words = title.split_whitespace().map(|word| word.trim_matches('`'));
            let plain = |word: &&str| word.starts_with(|first: char| first.is_ascii_lowercase());
            path = words.take_while(plain).collect::<Vec<_>>().join(" ");
            continue;
        }
        let Some((name, letter, rest)) = flag(line).filter(|_| !path.is_empty()) else { continue };
        // The table has this option for every command, listed or not.
        if name == "repo" {
            continue;
        }
        // A switch in 2.23; later releases also take a value behind `=`, and the table says so.
        if path == "browse" && name == "commit" {
            continue;
        }
        // A value's name follows the option's after one blank.
        let takes = if rest.starts_with("  ") || rest.is_empty() { "switch" } else { "value" };
        rows.insert(format!("flag\t{path}\t{name}\t{letter}\t{takes}"));
    }
    rows
}

/// `-x, --name REST` or `--name REST`.
fn flag(line: &str) -> Option<(&str, &str, &str)> {
    let line = line.trim_start();
    let (letter, rest) = match line.split_once(", --") {
        Some((short, rest)) if short.len() == 2 => (short.strip_prefix('-')?, rest),
        _ => ("-", line.strip_prefix("--")?),
    };
    let end = rest.find([' ', '=', ':']).unwrap_or(rest.len());
    Some((&rest[..end], letter, &rest[end..]))
}

/// kubectl's commands, their aliases and their options.
pub(super) fn kubectl() -> Result<BTreeSet<String>> {
    let mut rows = BTreeSet::new();
    let mut below = vec![String::new()];
    while let Some(path) = below.pop() {
        let words: Vec<&str> = path.split_whitespace().collect();
        let help = command::output(Command::new("kubectl").args(&words).arg("--help"))?;
        if !path.is_empty() {
            rows.insert(format!("command\t{path}\t{}", aliases(&help)));
            options(&path, &words, &help, &mut rows)?;
        }
        below.extend(commands(&help).map(|name| format!("{path} {name}").trim_start().to_owned()));
    }
    let global = command::output(Command::new("kubectl").arg("options"))?;
    options("*", &["version"], &global, &mut rows)?;
    Ok(rows)
}

/// The commands that a help lists, below headings that end in `Commands:` and the like.
fn commands(help: &str) -> impl Iterator<Item = &str> {
    let mut listed = false;
    help.lines().filter_map(move |line| {
        if line.ends_with(':') && !line.starts_with(' ') {
            listed = line.contains("Commands");
        }
        let name = line.strip_prefix("  ").filter(|_| listed)?.split_whitespace().next()?;
        // These run plug-ins, which differ from machine to machine.
        (name != "plugin" && name != "krew").then_some(name)
    })
}

fn aliases(help: &str) -> String {
    let listed = help.split_once("\nAliases:\n").and_then(|(_, rest)| rest.lines().next());
    let others: Vec<&str> = listed.into_iter().flat_map(|line| line.split(", ")).skip(1).collect();
    if others.is_empty() { "-".to_owned() } else { others.join(",") }
}

fn options(of: &str, words: &[&str], help: &str, rows: &mut BTreeSet<String>) -> Result<()> {
    for (name, letter, rest) in help.lines().filter(|line| line.ends_with(':')).filter_map(flag) {
        let switch = matches!(rest, "=false:" | "=true:");
        let takes = if switch {
            "switch"
        } else if needs_value(words, name)? {
            "value"
        } else {
            "optional"
        };
        rows.insert(format!("flag\t{of}\t{name}\t{letter}\t{takes}"));
    }
    Ok(())
}

/// Whether the command refuses the option as its last word.
fn needs_value(words: &[&str], name: &str) -> Result<bool> {
    let mut kubectl = Command::new("kubectl");
    kubectl.args(words).arg("--help").arg(format!("--{name}")).stdin(Stdio::null());
    let output = kubectl.output().context("cannot start `kubectl`")?;
    Ok(String::from_utf8_lossy(&output.stderr).contains("flag needs an argument"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read() {
        let reference = "## `gh api <endpoint> [flags]`\n\nAsk\n\n  -F, --field key=value   Add\n  -i, --include           Include\n      --silent\n### `gh pr list [flags]`\n      --json fields   Output\n";
        let rows: Vec<String> =
            of_reference(reference).into_iter().map(|row| row.replace('\t', " ")).collect();
        let expected = [
            "flag api field F value",
            "flag api include i switch",
            "flag api silent - switch",
            "flag pr list json - value",
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_help_is_read() {
        let help = "About\n\nAliases:\nconfigmap, cm\n\nAvailable Commands:\n  tls     Make\n  plugin  Other\n\nOptions:\n    --a=false:\n";
        assert_eq!(aliases(help), "cm");
        assert_eq!(commands(help).collect::<Vec<_>>(), ["tls"]);
        assert_eq!(flag("    -f, --filename=[]:"), Some(("filename", "f", "=[]:")));
    }
}
