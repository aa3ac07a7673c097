//! Command lines of tools with a simple grammar: options of the program, words that name a command,
//! and then whatever the command takes.
//!
//! Input: an argument vector, the program's own options and a table of its commands. Output: the
//! command, and what comes after it. The program's own options may stand between the words that
//! name the command, with their values, so a value is never read as a command.
//!
//! Known gaps: whether an option of the command itself takes a value is not known here. Each word
//! that begins with `-` therefore counts as an option. That names more options than the program may
//! see, and never fewer.

use claw_policy::Set;
use memchr::{memchr, memrchr};

use crate::call::{Call, excerpt, text};

/// Commands by their path, one a line and sorted by bytes: `PATH`, `PATH<tab>EFFECT`, or
/// `PATH<tab>EFFECT<tab>OTHER PATH` for another name of a command. Lines that begin with `#` come first
/// and are comments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commands(pub(crate) &'static str);

/// One row of [`Commands`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// The path of the command in facts.
    pub(crate) path: &'static str,
    /// What it does; empty if the table does not say.
    pub(crate) effect: &'static str,
}

/// What [`Commands`] has for a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The command of that path, if it is one.
    pub(crate) row: Option<Row>,
    /// Whether there are commands below it.
    pub(crate) is_group: bool,
}

impl Entry {
    /// Whether the path is that of a command or of a group of them.
    pub(crate) fn is_known(self) -> bool {
        self.row.is_some() || self.is_group
    }
}

impl Commands {
    /// The entry for `path`.
    pub(crate) fn look_up(self, path: &str) -> Entry {
        let mut lines = self.at_least(path).lines();
        let mut line = lines.next().unwrap_or_default();
        let mut fields = line.split('\t');
        let row = fields.next().filter(|own| *own == path).map(|own| {
            let effect = fields.next().unwrap_or_default();
            Row { path: fields.next().unwrap_or(own), effect }
        });
        // A blank sorts after a tab, and nothing that a path may contain sorts before one.
        if row.is_some() {
            line = lines.next().unwrap_or_default();
        }
        let is_group = line.strip_prefix(path).is_some_and(|rest| rest.starts_with(' '));
        Entry { row, is_group }
    }

    /// The row of the command `path`.
    pub(crate) fn row(self, path: &str) -> Option<Row> {
        self.look_up(path).row
    }

    /// Every row, with the names that stand for other paths under their own.
    pub(crate) fn rows(self) -> impl Iterator<Item = Row> {
        self.0.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let mut fields = line.split('\t');
            Some(Row { path: fields.next()?, effect: fields.next().unwrap_or_default() })
        })
    }

    /// What the table says of the command `path`: the fields behind it, with tabs between.
    pub(crate) fn fields(self, path: &str) -> Option<&'static str> {
        let rest = self.at_least(path).lines().next()?.strip_prefix(path)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('\t') }
    }

    /// The table from the first line on that does not sort before `key`.
    fn at_least(self, key: &str) -> &'static str {
        let bytes = self.0.as_bytes();
        // Both are always at the beginning of a line.
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start = memrchr(b'\n', &bytes[low..middle]).map_or(low, |at| low + at + 1);
            let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |length| start + length);
            if &bytes[start..end] < key.as_bytes() {
                low = (end + 1).min(bytes.len());
            } else {
                high = start;
            }
        }
        self.0.get(low..).unwrap_or_default()
    }
}

/// What follows an option of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing, or `=value` in the same word.
    Nothing,
    /// A value, after `=` in the same word or in the next.
    Value,
    /// A value after `=` in the same word, and nowhere else.
    Glued,
}

/// One option of the program: its names with their dashes, the one for facts first.
#[derive(Debug)]
pub(crate) struct Opt {
    pub(crate) names: &'static [&'static str],
    pub(crate) takes: Takes,
}

/// An option without a value.
pub(crate) const fn switch(names: &'static [&'static str]) -> Opt {
    Opt { names, takes: Takes::Nothing }
}

/// An option with a value.
pub(crate) const fn valued(names: &'static [&'static str]) -> Opt {
    Opt { names, takes: Takes::Value }
}

/// An option of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Given<'a> {
    /// Its name without dashes.
    pub(crate) name: &'a [u8],
    /// Its value, if it is known to be one.
    pub(crate) value: Option<&'a [u8]>,
}

/// A command line that was read.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// The command; empty if none is named.
    pub(crate) path: &'static str,
    /// Its effect in the table.
    pub(crate) effect: &'static str,
    /// The options given, those of the program under their first name.
    pub(crate) options: Vec<Given<'a>>,
    /// How many of them come before the command or between its words.
    pub(crate) own: usize,
    /// Where in the argument vector the words after the command begin.
    pub(crate) rest: usize,
}

/// Where the program's own options are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before the last word of the command. After it, the same letters may mean other options.
    Before,
    /// Anywhere.
    Anywhere,
}

impl<'a> Line<'a> {
    /// The value of the program's option `name`, the last one given.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.options
            .iter()
            .take(self.own)
            .rev()
            .find(|given| given.name == name.as_bytes())
            .and_then(|given| given.value)
    }

    /// Whether the option `name` is given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.options.iter().any(|given| given.name == name.as_bytes())
    }

    /// The names of all options, for facts.
    pub(crate) fn names(&self) -> Set {
        self.options.iter().map(|given| text(given.name)).collect()
    }
}

/// The words of a call after the first, for people.
pub(crate) fn said(argv: &[&[u8]]) -> String {
    excerpt(&argv.iter().skip(1).map(|word| text(word)).collect::<Vec<_>>().join(" "))
}

/// The option that `word` begins, and the value that is in the word: `--name`, `--name=value`, and
/// for one letter `-n`, `-nvalue`, `-n=value`.
pub(crate) fn find<'a>(
    options: &'static [Opt],
    word: &'a [u8],
) -> Option<(&'static Opt, Option<&'a [u8]>)> {
    let named = |name: &[u8]| {
        options.iter().find(|opt| opt.names.iter().any(|known| known.as_bytes() == name))
    };
    if let Some(opt) = named(word) {
        return Some((opt, None));
    }
    if let Some(at) = word.iter().position(|&byte| byte == b'=')
        && let Some(opt) = named(&word[..at])
    {
        return Some((opt, Some(&word[at + 1..])));
    }
    let letter = word.get(..2).filter(|_| !word.starts_with(b"--"))?;
    let opt = named(letter)?;
    match opt.takes {
        Takes::Value => Some((opt, Some(&word[2..]))),
        Takes::Nothing | Takes::Glued => None,
    }
}

/// Reads `argv` from its second word on. `start` is a path to begin below, usually the empty one. A
/// call that only asks for a command's help is `local`.
///
/// # Errors
/// If an option before the command is not known or lacks its value, or if a word is no command.
pub(crate) fn read<'a>(
    argv: &'a [&'a [u8]],
    commands: Commands,
    options: &'static [Opt],
    place: Place,
    start: &str,
) -> Result<Line<'a>, String> {
    let mut given = Vec::new();
    let mut path = start.to_owned();
    let mut entry = commands.look_up(&path);
    let mut at = 1;
    while let Some(&word) = argv.get(at) {
        if !path.is_empty() && !entry.is_group {
            break;
        }
        if word.len() > 1 && word[0] == b'-' {
            at += 1;
            let (opt, glued) = find(options, word).ok_or_else(|| {
                format!("before the command stands an option that is not known: `{}`", shown(word))
            })?;
            let value = match (opt.takes, glued) {
                (Takes::Value, None) => {
                    let value = argv.get(at).copied();
                    at += 1;
                    Some(
                        value
                            .ok_or_else(|| format!("the option `{}` has no value", shown(word)))?,
                    )
                }
                (Takes::Glued, None) => {
                    return Err(format!("the option `{}` has no value", shown(word)));
                }
                (_, glued) => glued,
            };
            let name = opt.names[0].trim_start_matches('-').as_bytes();
            given.push(Given { name, value });
            continue;
        }
        let Ok(name) = str::from_utf8(word) else { break };
        let child = if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
        let below = commands.look_up(&child);
        if name.contains([' ', '\t', '\n']) || !below.is_known() {
            break;
        }
        (path, entry) = (child, below);
        at += 1;
    }
    let next = argv.get(at).copied();
    let row = match entry.row {
        Some(row) => row,
        // A group of commands by itself prints its help.
        None if next.is_none() || next == Some(b"--help") || next == Some(b"-h") => {
            Row { path: "", effect: "local" }
        }
        None => {
            let name = shown(next.unwrap_or_default());
            return Err(format!(
                "`{name}` is no command that is known, perhaps a plugin or an alias"
            ));
        }
    };
    let mut own = given.len();
    let mut words = argv.get(at..).unwrap_or_default().iter().copied();
    while let Some(word) = words.next() {
        if word == b"--" {
            break;
        }
        if word.len() < 2 || word[0] != b'-' {
            continue;
        }
        match find(options, word).filter(|_| place == Place::Anywhere) {
            Some((opt, glued)) => {
                let name = opt.names[0].trim_start_matches('-').as_bytes();
                let next = (opt.takes == Takes::Value).then(|| words.clone().next()).flatten();
                given.insert(own, Given { name, value: glued.or(next) });
                own += 1;
            }
            None => given.push(loose(word)),
        }
    }
    // The word directly after a command is never another option's value.
    let helps = matches!(next, Some(b"--help" | b"-help"));
    let effect = if helps { "local" } else { row.effect };
    Ok(Line { path: row.path, effect, options: given, own, rest: at })
}

/// A word after the command that may be an option.
fn loose(word: &[u8]) -> Given<'_> {
    let dashes = word.iter().take_while(|&&byte| byte == b'-').count();
    let bare = &word[dashes..];
    match bare.iter().position(|&byte| byte == b'=') {
        Some(equals) => Given { name: &bare[..equals], value: Some(&bare[equals + 1..]) },
        None => Given { name: bare, value: None },
    }
}

fn shown(word: &[u8]) -> String {
    excerpt(&text(word))
}

/// The variables whose names begin, in whatever case, with one of `beginnings`, except the
/// `harmless` ones. `beginnings` are in lower case.
pub(crate) fn variables(call: &Call<'_>, beginnings: &[&str], harmless: &[&str]) -> Set {
    let names = call.env.iter().filter_map(|entry| entry.split(|&byte| byte == b'=').next());
    let begins = |name: &[u8], begin: &str| {
        name.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin.as_bytes()))
    };
    names
        .filter(|name| beginnings.iter().any(|begin| begins(name, begin)))
        .map(text)
        .filter(|name| !harmless.contains(&&**name))
        .collect()
}

/// Whether `value`, of a variable that names a pager, names one that only shows what it is given.
pub(crate) fn plain_pager(value: &[u8]) -> bool {
    let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let Some(program) = words.next() else { return true };
    matches!(program, b"cat" | b"less" | b"more" | b"/bin/cat" | b"/usr/bin/less")
        && words.all(|word| {
            word.len() > 1
                && word[0] == b'-'
                && word[1..].iter().all(|&byte| b"RFSXEKMQ".contains(&byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: Commands = Commands(
        "# A comment\n# Another\nimage\tread\nimage ls\tread\nimage rm\tdestroy\nimages\tread\timage ls\nrun\texec\n",
    );
    const OPTIONS: &[Opt] = &[
        switch(&["--debug", "-D"]),
        valued(&["--host", "-H"]),
        Opt { names: &["-chdir"], takes: Takes::Glued },
    ];

    fn shown(words: &str) -> String {
        let argv: Vec<&[u8]> =
            std::iter::once("x").chain(words.split_whitespace()).map(str::as_bytes).collect();
        match read(&argv, COMMANDS, OPTIONS, Place::Before, "") {
            Err(_) => "error".to_owned(),
            Ok(line) => {
                let options = line.options.iter().map(|given| {
                    let value = given.value.map(|value| format!("={}", text(value)));
                    format!(" {}{}", text(given.name), value.unwrap_or_default())
                });
                format!("{} {}{}", line.path, line.effect, options.collect::<String>())
            }
        }
    }

    #[test]
    fn commands_are_found_after_options() {
        for (words, expected) in [
            ("images", "image ls read"),
            ("-D image -H rm ls", "image ls read debug host=rm"),
            ("-Hx --host=y image rm a", "image rm destroy host=x host=y"),
            ("image", "image read"),
            ("image frob", "image read"),
            ("run --rm -v=/:/x image", "run exec rm v=/:/x"),
            ("run -- --rm", "run exec"),
            ("run --help", "run local help"),
            ("run -v --help", "run exec v help"),
            ("-chdir=x images", "image ls read chdir=x"),
            ("-chdir x images", "error"),
            ("--frob images", "error"),
            ("frob", "error"),
            ("-H", "error"),
            ("", " local"),
        ] {
            assert_eq!(shown(words), expected, "{words}");
        }
    }

    #[test]
    fn pagers() {
        for value in ["", "cat", "less -FRX", "  more "] {
            assert!(plain_pager(value.as_bytes()), "{value}");
        }
        for value in ["sh -c id", "less -o x", "less;id", "less +!id", "/tmp/cat", "cat x"] {
            assert!(!plain_pager(value.as_bytes()), "{value}");
        }
    }
}
