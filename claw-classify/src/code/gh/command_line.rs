//! A command line as gh reads it: cobra finds the command, pflag reads its options.
//!
//! Sources: `Find` and `stripFlags` in spf13/cobra's command.go, `parseArgs` in spf13/pflag's flag.go.
//! There are no abbreviations. Options between the program and the command, as in `gh -R o/r pr list`,
//! are passed over as cobra passes over them: what the program itself does not know takes a value.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::call::{excerpt, text};

#[derive(Debug, Clone, Copy)]
struct Opt {
    long: &'static str,
    short: Option<u8>,
    /// Whether it always takes a value; if not, only as `--option=value`.
    valued: bool,
}

#[derive(Debug, Default)]
struct Command {
    options: Vec<Opt>,
    /// Names of sub-commands, aliases included, to the canonical one.
    children: HashMap<&'static str, &'static str>,
}

/// Every command by its path, the empty path for gh itself.
static COMMANDS: LazyLock<HashMap<&'static str, Command>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Command> = HashMap::new();
    for line in include_str!("options.tsv").lines().filter(|line| !line.starts_with('#')) {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["command", path, aliases] => {
                let (parent, name) = path.rsplit_once(' ').unwrap_or(("", path));
                table.entry(path).or_default();
                let children = &mut table.entry(parent).or_default().children;
                children.insert(name, name);
                let aliases = aliases.split(',').filter(|alias| *alias != "-");
                children.extend(aliases.map(|alias| (alias, name)));
            }
            ["flag", path, long, short, takes] if path != "*" => {
                let short = short.bytes().next().filter(|&letter| letter != b'-');
                let opt = Opt { long, short, valued: takes == "value" };
                table.entry(path).or_default().options.push(opt);
            }
            _ => {}
        }
    }
    // cobra adds it to every program.
    table.entry("").or_default().children.insert("help", "help");
    table
});

/// The options of all commands. `-h` is `--help` where the command does not use the letter itself.
const GLOBAL: &[Opt] = &[
    Opt { long: "help", short: Some(b'h'), valued: false },
    Opt { long: "repo", short: Some(b'R'), valued: true },
    Opt { long: "version", short: None, valued: false },
];

/// A command line that was read.
#[derive(Debug, Default)]
pub(super) struct CommandLine<'a> {
    /// The command and its sub-commands, without aliases.
    pub(super) path: String,
    /// The options given, in order, by their long names.
    pub(super) options: Vec<(&'static str, Option<&'a [u8]>)>,
    /// Everything else, in order.
    pub(super) words: Vec<&'a [u8]>,
}

impl<'a> CommandLine<'a> {
    /// The value of an option: the last one given.
    pub(super) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.options.iter().rev().find(|(known, _)| *known == name)?.1
    }

    /// The values of an option that may be given several times.
    pub(super) fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        self.options.iter().filter(move |(known, _)| *known == name).filter_map(|(_, value)| *value)
    }

    /// Whether a boolean option is on, as strconv.ParseBool reads its value; what it cannot read is
    /// taken for on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        let last = self.options.iter().rev().find(|(known, _)| *known == name);
        last.is_some_and(|(_, value)| {
            !matches!(value, Some(b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False"))
        })
    }
}

fn long(command: &Command, name: &[u8]) -> Option<Opt> {
    command.options.iter().chain(GLOBAL).find(|opt| opt.long.as_bytes() == name).copied()
}

fn short(command: &Command, letter: u8) -> Option<Opt> {
    command.options.iter().chain(GLOBAL).find(|opt| opt.short == Some(letter)).copied()
}

/// Whether cobra, looking for the command, takes the next word for this word's value. gh itself has
/// only `--help` and `--version`, so that every other option does.
fn swallows(command: &Command, path: &str, word: &[u8]) -> bool {
    if word.contains(&b'=') {
        return false;
    }
    let opt = match word {
        [b'-', b'-', name @ ..] => long(command, name),
        [b'-', letter] => short(command, *letter),
        _ => return false,
    };
    match opt {
        Some(opt) if path.is_empty() => !matches!(opt.long, "help" | "version"),
        Some(opt) => opt.valued,
        None => true,
    }
}

/// The place of the first word that is neither an option nor an option's value.
fn first_word(command: &Command, path: &str, words: &[&[u8]]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if *word == b"--" {
            return None;
        }
        if swallows(command, path, word) {
            at += 2;
        } else if word.is_empty() || word.starts_with(b"-") {
            at += 1;
        } else {
            return Some(at);
        }
    }
    None
}

/// Why a command line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// The word is no command of gh's own: an alias or an extension, with the words after it.
    Foreign(String),
    /// gh would refuse it, or is newer than the table.
    Refused(String),
}

/// Reads a command line without its first word.
///
/// # Errors
/// When a command or an option is not known, or a value is missing.
pub(super) fn read<'a>(words: &[&'a [u8]]) -> Result<CommandLine<'a>, Unread> {
    let mut words: Vec<&'a [u8]> = words.to_vec();
    let mut path = String::new();
    let none = Command::default();
    loop {
        let command = COMMANDS.get(path.as_str()).unwrap_or(&none);
        if command.children.is_empty() {
            break;
        }
        let Some(at) = first_word(command, &path, &words) else { break };
        let child = str::from_utf8(words[at]).ok().and_then(|name| command.children.get(name));
        let Some(child) = child else {
            if path.is_empty() || command.children.len() > 1 {
                let name = format!("{path} {}", excerpt(&text(words[at])));
                return Err(Unread::Foreign(name.trim_start().to_owned()));
            }
            break;
        };
        words.remove(at);
        if !path.is_empty() {
            path.push(' ');
        }
        path.push_str(child);
    }
    let command = COMMANDS.get(path.as_str()).unwrap_or(&none);
    let mut line = CommandLine { path, ..CommandLine::default() };
    if line.path == "help" {
        return Ok(line);
    }
    if line.path == "extension exec" {
        // All of it is the extension's, `--help` too: this command reads no options.
        line.words = words;
        return Ok(line);
    }
    options(command, &words, &mut line).map_err(Unread::Refused)?;
    Ok(line)
}

fn options<'a>(
    command: &Command,
    words: &[&'a [u8]],
    line: &mut CommandLine<'a>,
) -> Result<(), String> {
    let unknown = |word: &[u8]| {
        format!("gh is given an option that is not known: `{}`", excerpt(&text(word)))
    };
    let missing = |word: &[u8]| format!("the option `{}` has no value", excerpt(&text(word)));
    let mut rest = words.iter().copied();
    while let Some(word) = rest.next() {
        if word == b"--" {
            line.words.extend(rest);
            return Ok(());
        }
        if let Some(name) = word.strip_prefix(b"--") {
            let equals = name.iter().position(|&byte| byte == b'=');
            let (name, glued) = match equals {
                Some(at) => (&name[..at], Some(&name[at + 1..])),
                None => (name, None),
            };
            let opt = long(command, name).ok_or_else(|| unknown(word))?;
            let value = match glued {
                None if opt.valued => Some(rest.next().ok_or_else(|| missing(word))?),
                glued => glued,
            };
            line.options.push((opt.long, value));
        } else if word.len() > 1 && word[0] == b'-' {
            let mut letters = &word[1..];
            while let [letter, after @ ..] = letters {
                let opt = short(command, *letter).ok_or_else(|| unknown(word))?;
                letters = after;
                let value = match after {
                    [b'=', value @ ..] if !value.is_empty() => Some(value),
                    _ if !opt.valued => {
                        line.options.push((opt.long, None));
                        continue;
                    }
                    [] => Some(rest.next().ok_or_else(|| missing(word))?),
                    value => Some(value),
                };
                line.options.push((opt.long, value));
                break;
            }
        } else {
            line.words.push(word);
        }
    }
    Ok(())
}

/// The paths of all commands, for the tests of what each does.
#[cfg(test)]
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    COMMANDS.keys().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_gh_does() {
        for (words, expected) in [
            ("pr list", "pr list"),
            ("-R o/r pr view 1", "pr view --repo=o/r 1"),
            ("pr -R o/r view 1", "pr view --repo=o/r 1"),
            ("--repo=o/r pr ls", "pr list --repo=o/r"),
            ("api -iXPUT x", "api --include --method=PUT x"),
            ("api -X=DELETE x", "api --method=DELETE x"),
            ("api x -f a=b -fc=d", "api --raw-field=a=b --raw-field=c=d x"),
            ("auth status -t", "auth status --show-token"),
            ("auth status -h github.com", "auth status --hostname=github.com"),
            ("search prs -- -label:bug", "search prs -label:bug"),
            ("pr list --frob", "refused"),
            ("pr list --lim 3", "refused"),
            ("pr list -L", "refused"),
            ("pr frob", "foreign"),
            ("frob pr list", "foreign"),
            ("rs check", "ruleset check"),
            ("extension exec x --help", "extension exec x --help"),
            ("help pr merge", "help"),
            ("--version", " --version"),
            ("", ""),
        ] {
            let words_given: Vec<&[u8]> = words.split_whitespace().map(str::as_bytes).collect();
            let found = match read(&words_given) {
                Err(Unread::Foreign(_)) => "foreign".to_owned(),
                Err(Unread::Refused(_)) => "refused".to_owned(),
                Ok(line) => {
                    let mut shown = line.path.clone();
                    for (name, value) in &line.options {
                        let value = value.map(|value| format!("={}", text(value)));
                        shown += &format!(" --{name}{}", value.unwrap_or_default());
                    }
                    for word in &line.words {
                        shown += &format!(" {}", text(word));
                    }
                    shown
                }
            };
            assert_eq!(found, expected, "{words}");
        }
    }
}
