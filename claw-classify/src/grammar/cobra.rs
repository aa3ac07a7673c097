//! Command lines of programs made with cobra: cobra finds the command, pflag reads its options.
//!
//! Input: the words behind the program's name, and the [`Program`] with its table. Output: a [`Line`].
//!
//! A table has a row for each command, `command PATH ALIASES`, and for each option as [`options`](super::options)
//! reads it, with the command's path. `-` stands for no alias. A `switch` takes only a value that strconv.ParseBool
//! reads, and an `optional` value stands behind an equals sign alone.
//!
//! Sources: `Find`, `stripFlags` and `argsMinusFirstX` in spf13/cobra's command.go; `parseArgs` in spf13/pflag's
//! flag.go. There are no abbreviations.

use std::collections::HashMap;

use crate::call::{excerpt, text};
use crate::grammar::options::{Row, Takes};

#[derive(Debug, Default)]
struct Command {
    options: Vec<Row>,
    /// Names of sub-commands, aliases included, to the canonical one.
    children: HashMap<&'static str, &'static str>,
}

/// A program's commands and options, and where it differs from plain cobra.
#[derive(Debug)]
pub(crate) struct Program {
    name: &'static str,
    /// Every command by its path, the empty path for the program itself.
    commands: HashMap<&'static str, Command>,
    /// The options of all commands.
    global: Vec<Row>,
    own: Own,
}

/// What one program does in its own way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own {
    /// Whether `_` in an option's name is read as `-`: `WordSepNormalizeFunc` of k8s.io/component-base.
    pub(crate) joins_words: bool,
    /// Whether a word behind the command of this path, which has so many sub-commands, is foreign where it is none
    /// of them: the name of an alias or of a plugin.
    pub(crate) is_foreign: fn(&str, usize) -> bool,
    /// Commands that are given all their words as they are.
    pub(crate) raw: &'static [&'static str],
}

/// Why a command line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The command of this path, the last word of which is not the program's own: an alias, a plugin or an extension.
    Foreign(String),
    /// The program would refuse it, or is newer than the table.
    Refused(String),
}

/// A command line that was read.
#[derive(Debug, Default)]
pub(crate) struct Line<'a> {
    /// The command and its sub-commands, without aliases.
    pub(crate) path: String,
    /// The options given, in order, by their long names.
    pub(crate) options: Vec<(&'static str, Option<&'a [u8]>)>,
    /// Everything else, in order.
    pub(crate) words: Vec<&'a [u8]>,
    /// How many of `words` stand before `--`, where there is one.
    pub(crate) dash: Option<usize>,
}

impl<'a> Line<'a> {
    /// The option `name` as it was given last, with the value that stands behind it.
    pub(crate) fn last(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.options.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The value of an option: the last one given.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.last(name)?
    }

    /// The values of an option that may be given several times.
    pub(crate) fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        self.options.iter().filter(move |(known, _)| *known == name).filter_map(|(_, value)| *value)
    }

    /// Whether a boolean option is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.last(name).is_some_and(|value| value.and_then(boolean).unwrap_or(true))
    }
}

impl Program {
    /// The program `name`, whose commands and options stand in `table`. cobra adds the command `help` and the option
    /// `--help` to every program.
    pub(crate) fn new(name: &'static str, table: &'static str, own: Own) -> Self {
        let mut commands: HashMap<&'static str, Command> = HashMap::new();
        let mut global = Vec::new();
        let own_rows = ["command\thelp\t-", "flag\t*\thelp\th\tswitch"].into_iter();
        for line in own_rows.chain(table.lines().filter(|line| !line.starts_with('#'))) {
            match Row::of(line) {
                Some(row) if row.command == "*" => global.push(row),
                Some(row) => commands.entry(row.command).or_default().options.push(row),
                None => {
                    if let ["command", path, aliases] = line.split('\t').collect::<Vec<_>>()[..] {
                        let (parent, name) = path.rsplit_once(' ').unwrap_or(("", path));
                        commands.entry(path).or_default();
                        let children = &mut commands.entry(parent).or_default().children;
                        children.insert(name, name);
                        let aliases = aliases.split(',').filter(|alias| *alias != "-");
                        children.extend(aliases.map(|alias| (alias, name)));
                    }
                }
            }
        }
        Self { name, commands, global, own }
    }

    /// Reads the words behind the program's name.
    ///
    /// # Errors
    /// When a command or an option is not known, or a value is missing or is no boolean.
    pub(crate) fn read<'a>(&self, words: &[&'a [u8]]) -> Result<Line<'a>, Unread> {
        let mut words = words.to_vec();
        let mut path = String::new();
        let none = Command::default();
        let command = loop {
            let command = self.commands.get(path.as_str()).unwrap_or(&none);
            if command.children.is_empty() {
                break command;
            }
            let Some(at) = self.first_word(command, &words) else { break command };
            let child = str::from_utf8(words[at]).ok().and_then(|name| command.children.get(name));
            let Some(child) = child else {
                if (self.own.is_foreign)(&path, command.children.len()) {
                    let name = format!("{path} {}", excerpt(&text(words[at])));
                    return Err(Unread::Foreign(name.trim_start().to_owned()));
                }
                break command;
            };
            words.remove(at);
            if !path.is_empty() {
                path.push(' ');
            }
            path.push_str(child);
        };
        let mut line = Line { path, ..Line::default() };
        if self.own.raw.contains(&line.path.as_str()) {
            line.words = words;
        } else {
            self.options(command, &words, &mut line).map_err(Unread::Refused)?;
        }
        Ok(line)
    }

    /// The paths of all commands, for the tests of what each does.
    #[cfg(test)]
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.commands.keys().copied()
    }

    /// The option that a long name means in a command.
    fn long(&self, command: &Command, name: &[u8]) -> Option<Row> {
        let read = |&byte: &u8| if byte == b'_' && self.own.joins_words { b'-' } else { byte };
        let mut known = command.options.iter().chain(&self.global);
        known.find(|opt| opt.long.bytes().eq(name.iter().map(read))).copied()
    }

    fn short(&self, command: &Command, letter: u8) -> Option<Row> {
        let mut known = command.options.iter().chain(&self.global);
        known.find(|opt| opt.letter() == Some(letter)).copied()
    }

    /// Whether cobra, looking for the command, takes the next word for this word's value. What it does not
    /// know it takes for an option with a value.
    fn swallows(&self, command: &Command, word: &[u8]) -> bool {
        if word.contains(&b'=') {
            return false;
        }
        let opt = match word {
            [b'-', b'-', name @ ..] => self.long(command, name),
            [b'-', letter] => self.short(command, *letter),
            _ => return false,
        };
        opt.is_none_or(|opt| opt.takes == Takes::Value)
    }

    /// The place of the first word that is neither an option nor an option's value.
    fn first_word(&self, command: &Command, words: &[&[u8]]) -> Option<usize> {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            if *word == b"--" {
                return None;
            }
            if self.swallows(command, word) {
                at += 2;
            } else if word.is_empty() || word.starts_with(b"-") {
                at += 1;
            } else {
                return Some(at);
            }
        }
        None
    }

    fn options<'a>(
        &self,
        command: &Command,
        words: &[&'a [u8]],
        line: &mut Line<'a>,
    ) -> Result<(), String> {
        let unknown = |word: &[u8]| {
            let word = excerpt(&text(word));
            format!("{} is given an option that is not known: `{word}`", self.name)
        };
        let mut rest = words.iter().copied();
        while let Some(word) = rest.next() {
            if word == b"--" {
                line.dash = Some(line.words.len());
                line.words.extend(rest);
                return Ok(());
            }
            if let Some(name) = word.strip_prefix(b"--") {
                let equals = name.iter().position(|&byte| byte == b'=');
                let (name, glued) = match equals {
                    Some(at) => (&name[..at], Some(&name[at + 1..])),
                    None => (name, None),
                };
                let opt = self.long(command, name).ok_or_else(|| unknown(word))?;
                line.options.push((opt.long, value(opt, word, glued, &mut rest)?));
            } else if word.len() > 1 && word[0] == b'-' {
                let mut letters = &word[1..];
                while let [letter, after @ ..] = letters {
                    let opt = self.short(command, *letter).ok_or_else(|| unknown(word))?;
                    let glued = match after {
                        [b'=', value @ ..] if !value.is_empty() => Some(value),
                        [_, ..] if opt.takes == Takes::Value => Some(after),
                        _ => None,
                    };
                    line.options.push((opt.long, value(opt, word, glued, &mut rest)?));
                    letters = if glued.is_some() { &[] } else { after };
                }
            } else {
                line.words.push(word);
            }
        }
        Ok(())
    }
}

/// The value of `opt`, which `word` gives with the value `glued` to it.
fn value<'a>(
    opt: Row,
    word: &[u8],
    glued: Option<&'a [u8]>,
    rest: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Option<&'a [u8]>, String> {
    match (opt.takes, glued) {
        (Takes::Switch, Some(glued)) if boolean(glued).is_none() => {
            Err(format!("the value of the option `{}` is no boolean", excerpt(&text(word))))
        }
        (Takes::Value, None) => match rest.next() {
            Some(value) => Ok(Some(value)),
            None => Err(format!("the option `{}` has no value", excerpt(&text(word)))),
        },
        (_, glued) => Ok(glued),
    }
}

/// The value of a boolean option, where strconv.ParseBool can read it.
fn boolean(value: &[u8]) -> Option<bool> {
    match value {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Some(true),
        b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What `words` were read as, for tables of command lines.
    pub(crate) fn shown(program: &Program, words: &str) -> String {
        let given: Vec<&[u8]> = words.split_whitespace().map(str::as_bytes).collect();
        let line = match program.read(&given) {
            Err(Unread::Foreign(_)) => return "foreign".to_owned(),
            Err(Unread::Refused(_)) => return "refused".to_owned(),
            Ok(line) => line,
        };
        let mut shown = line.path.clone();
        for (name, value) in &line.options {
            let value = value.map(|value| format!("={}", text(value)));
            shown += &format!(" --{name}{}", value.unwrap_or_default());
        }
        for (at, word) in line.words.iter().enumerate() {
            if line.dash == Some(at) {
                shown += " --";
            }
            shown += &format!(" {}", text(word));
        }
        shown
    }

    #[test]
    fn switches_take_booleans_alone_and_optional_values_only_with_an_equals_sign() {
        let table = "command\tget\tg\nflag\tget\tall\ta\tswitch\nflag\tget\tdry-run\td\toptional\nflag\t*\tname\tn\tvalue\n";
        let own = Own { joins_words: false, is_foreign: |_, _| true, raw: &[] };
        let program = Program::new("x", table, own);
        for (words, expected) in [
            ("g --all=maybe", "refused"),
            ("g -a=maybe", "refused"),
            ("g --all=F -a=1", "get --all=F --all=1"),
            ("g --all maybe", "get --all maybe"),
            ("g --dry-run=maybe -d=x", "get --dry-run=maybe --dry-run=x"),
            ("g --dry-run server", "get --dry-run server"),
            ("g -dan=x", "get --dry-run --all --name=x"),
            ("g -n=", "get --name=="),
            ("g -a=", "refused"),
            ("g --dry_run", "refused"),
            ("-n g g", "get --name=g"),
            ("--frob g get", "refused"),
        ] {
            assert_eq!(shown(&program, words), expected, "{words}");
        }
    }
}
