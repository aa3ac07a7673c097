//! git's options, from the help of each command that the table has, the hidden ones included.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Commands whose help omits some options: `config` without a sub-command still reads the options from before
/// it had sub-commands.
const NOT_TOLD: [&str; 1] = ["config"];

/// `flag COMMAND NAME LETTER TAKES NO` of every option of the commands in `table`.
pub(super) fn rows(table: &str) -> Result<BTreeSet<String>> {
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    let commands: BTreeSet<&str> = rows.filter_map(|row| row.split('\t').nth(1)).collect();
    let mut found = BTreeSet::new();
    for command in commands {
        if NOT_TOLD.contains(&command) {
            let own = table.lines().filter(|row| row.split('\t').nth(1) == Some(command));
            found.extend(own.map(str::to_owned));
            continue;
        }
        found.extend(
            options(&help(command)?).iter().map(|option| format!("flag\t{command}\t{option}")),
        );
    }
    Ok(found)
}

/// What `git COMMAND --help-all` says. It ends with a status of its own and may write to either stream.
fn help(command: &str) -> Result<String> {
    let mut git = Command::new("git");
    git.args(command.split(' ')).arg("--help-all").stdin(Stdio::null());
    let output = git.output().context("cannot start `git`")?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).context("the help of git is not UTF-8")?;
    if !said.contains("usage: git") {
        bail!("`git {command} --help-all` shows no usage:\n{said}");
    }
    Ok(said)
}

/// The options of one help.
fn options(help: &str) -> Vec<String> {
    let lines: Vec<Shown<'_>> = help.lines().filter_map(Shown::read).collect();
    let is_shown = |name: &str| lines.iter().any(|other| other.name == name);
    // For an option that is on by default, the help shows the option that turns it off, then its own name.
    let has_opposite = |name: &str| name.strip_prefix("no-").is_some_and(is_shown);
    let own = lines.iter().filter(|shown| !is_shown(&format!("no-{}", shown.name)));
    own.map(|shown| {
        let no = if shown.negatable || has_opposite(shown.name) { "no" } else { "-" };
        format!("{}\t{}\t{}\t{no}", shown.name, shown.letter, shown.takes)
    })
    .collect()
}

/// An option as a line of the help shows it; `-` where it has no name or no letter, `NUM` for one that is a number.
#[derive(Debug, PartialEq, Eq)]
struct Shown<'a> {
    name: &'a str,
    letter: &'a str,
    takes: &'static str,
    negatable: bool,
}

impl<'a> Shown<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let shown = line.strip_prefix("    ").filter(|shown| shown.starts_with('-'))?;
        let shown = shown.split_once("  ").map_or(shown, |(shown, _)| shown);
        let (letter, long) = match shown.split_once(", --") {
            Some((short, long)) => (short.strip_prefix('-')?, Some(long)),
            None => ("-", shown.strip_prefix("--")),
        };
        let (name, letter, rest, negatable) = match long {
            Some(long) => {
                let (own, negatable) =
                    long.strip_prefix("[no-]").map_or((long, false), |own| (own, true));
                let end = own.find([' ', '=', '[']).unwrap_or(own.len());
                (&own[..end], letter, &own[end..], negatable)
            }
            None if shown == "-NUM" => ("-", "NUM", "", false),
            None => ("-", shown.get(1..2)?, &shown[2..], false),
        };
        // One blank separates a long option from the name of its value.
        let takes = match rest.strip_prefix([' ', '=']).unwrap_or(rest).as_bytes().first() {
            Some(b'[') => "optional",
            Some(b'<' | b'(') => "value",
            _ => "none",
        };
        Some(Self { name, letter, takes, negatable })
    }
}

#[cfg(test)]
mod tests {
    use super::options;

    #[test]
    fn lines_of_the_help() {
        let help = "usage: git push [<options>]\n\n    -v, --[no-]verbose    be more verbose\n    \
            --[no-]repo <repository>\n                          repository\n    \
            --[no-]signed[=(yes|no)]\n    --no-verify           bypass pre-push hook\n    \
            --verify              opposite of --no-verify\n    --[no-]reject-shallow don't clone\n    -4, --ipv4            use IPv4\n    \
            -O[<file>]            open\n    -C <n>                lines\n    -NUM                  of them\n";
        assert_eq!(
            options(help),
            [
                "verbose\tv\tnone\tno",
                "repo\t-\tvalue\tno",
                "signed\t-\toptional\tno",
                "no-verify\t-\tnone\tno",
                "reject-shallow\t-\tnone\tno",
                "ipv4\t4\tnone\t-",
                "-\tO\toptional\t-",
                "-\tC\tvalue\t-",
                "-\tNUM\tnone\t-",
            ]
        );
    }
}
