//! Command lines of programs whose options are all known: words that name a command, options
//! before, between and after them, and operands.
//!
//! Input: an argument vector and the program's [`Table`]. Output: a [`Line`]. An option that is not
//! known could take the next word. Before the command that makes the whole line unreadable; after
//! it, the line says so.

use claw_policy::Set;
use memchr::memmem;

use crate::call::{excerpt, text};
use crate::grammar::subcommands::Commands;

/// A program's commands and options.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its commands with their effects.
    pub(crate) commands: Commands,
    /// The command that the program's own name stands for, usually none.
    pub(crate) start: &'static str,
    /// Whether an unambiguous beginning of a command is that command.
    pub(crate) short_commands: bool,
    /// How a word is read that is no command.
    pub(crate) other: Other,
    /// Words before a command that say where it is carried out, and how many words of their own
    /// follow. They count as options.
    pub(crate) prefixes: &'static [(&'static str, usize)],
    /// The first letter of a word before the command that chooses the program's own version.
    pub(crate) version_mark: Option<u8>,
    /// What happens if no command is named: a command, or nothing, which shows help.
    pub(crate) bare: &'static str,
    /// Commands whose first operand ends the options.
    pub(crate) stops: &'static [&'static str],
    /// Commands that pass on whatever follows them.
    pub(crate) hands_on: &'static [&'static str],
    /// Options, and those that a command has in addition or instead.
    pub(crate) options: Options,
    pub(crate) of: &'static [(&'static str, Options)],
    /// How options are spelled.
    pub(crate) spelling: Spelling,
}

/// Options, separated by blanks; the names of one are separated by commas, the one for facts first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Those without a value.
    pub(crate) switches: &'static str,
    /// Those with one.
    pub(crate) values: &'static str,
}

/// No options.
pub(crate) const NO_OPTIONS: Options = Options { switches: "", values: "" };

/// How a program reads options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `--name`, `-abc`; an unknown option is refused.
    Strict,
    /// As `Strict`, and unambiguous beginnings of long names are accepted.
    Abbreviated,
    /// As `Abbreviated`, and an unknown option is a switch (nopt).
    Lenient,
    /// One dash or two before a whole name, no bundles (Go's flag).
    Single,
}

/// How a word is read that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Other {
    /// Nothing that is known.
    Opaque,
    /// A script or plugin that is run.
    Runs,
}

/// A program with nothing special.
pub(crate) const PLAIN: Table = Table {
    commands: Commands(""),
    start: "",
    short_commands: false,
    other: Other::Opaque,
    prefixes: &[],
    version_mark: None,
    bare: "",
    stops: &[],
    hands_on: &[],
    options: NO_OPTIONS,
    of: &[],
    spelling: Spelling::Strict,
};

impl Options {
    /// The option called `name`, with its dashes: its first name, and whether it takes a value.
    fn named(self, name: &str) -> Option<(&'static str, bool)> {
        first_of(self.values, name)
            .map(|first| (first, true))
            .or_else(|| first_of(self.switches, name).map(|first| (first, false)))
    }

    /// Every name of every option.
    fn names(self) -> impl Iterator<Item = &'static str> {
        let list =
            |list: &'static str| list.split_ascii_whitespace().flat_map(|names| names.split(','));
        list(self.values).chain(list(self.switches))
    }
}

/// The first name of the option in `list` that is called `name`.
fn first_of(list: &'static str, name: &str) -> Option<&'static str> {
    let ends = |byte: u8| byte == b',' || byte.is_ascii_whitespace();
    if name.is_empty() || name.bytes().any(ends) {
        return None;
    }
    let bytes = list.as_bytes();
    let is_whole = |at: &usize| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        [before, bytes.get(at + name.len())].into_iter().flatten().all(|&byte| ends(byte))
    };
    let at = memmem::find_iter(bytes, name).find(is_whole)?;
    let start = list[..at].rfind(|byte: char| byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
    list[start..].split(|byte: char| byte == ',' || byte.is_ascii_whitespace()).next()
}

impl Table {
    /// The option `name` of the command `path`.
    fn option(&self, path: &str, name: &str) -> Option<(&'static str, bool)> {
        self.tables(path).find_map(|options| options.named(name))
    }

    /// The only option whose long name `name` begins.
    fn abbreviated(&self, path: &str, name: &str) -> Option<(&'static str, bool)> {
        let begun = self
            .tables(path)
            .flat_map(Options::names)
            .filter(|known| name.len() > 2 && known.starts_with("--") && known.starts_with(name));
        let mut found = begun.filter_map(|known| self.option(path, known));
        let first = found.next()?;
        found.all(|(other, _)| other == first.0).then_some(first)
    }

    fn tables<'a>(&'a self, path: &'a str) -> impl Iterator<Item = Options> + 'a {
        let own =
            self.of.iter().filter(move |(of, _)| covers(of, path)).map(|(_, options)| *options);
        own.chain([self.options])
    }
}

/// Whether an entry of a table means the command `path`: the same, or its beginning if the entry
/// ends in a blank.
pub(crate) fn covers(entry: &str, path: &str) -> bool {
    entry == path || (entry.ends_with(' ') && path.starts_with(entry))
}

/// A command line that was read.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) command: String,
    pub(crate) effect: &'static str,
    /// The options by their first name without dashes, with their values.
    pub(crate) given: Vec<(String, Option<&'a [u8]>)>,
    pub(crate) operands: Vec<&'a [u8]>,
    /// The first option that is not known.
    pub(crate) unknown: Option<String>,
}

impl<'a> Line<'a> {
    /// Reads `argv` from its second word on.
    ///
    /// # Errors
    /// If an option before the command is not known, if one lacks its value, or if a word is no
    /// command.
    pub(crate) fn read(argv: &[&'a [u8]], table: &'static Table) -> Result<Self, String> {
        let mut line = Self {
            command: table.start.to_owned(),
            effect: "local",
            given: Vec::new(),
            operands: Vec::new(),
            unknown: None,
        };
        let mut named = !table.start.is_empty();
        let mut words = argv.iter().copied().skip(1);
        while let Some(word) = words.next() {
            if word == b"--" {
                line.operands.extend(words);
                break;
            }
            if word.len() > 1 && word[0] == b'-' {
                line.option(word, &mut words, table)?;
                continue;
            }
            if line.command.is_empty()
                && table.version_mark.is_some_and(|mark| word.first() == Some(&mark))
            {
                continue;
            }
            if !named {
                let longer = below(&line.command, &text(word));
                if let Some((prefix, own)) = table.prefixes.iter().find(|(of, _)| *of == longer) {
                    line.command.clear();
                    line.given.push(((*prefix).to_owned(), None));
                    (0..*own).for_each(|_| _ = words.next());
                    continue;
                }
                let (command, more) = next(table, &line.command, word)?;
                if let Some(command) = command {
                    line.command = command;
                    named = !more;
                    if table.hands_on.iter().any(|of| covers(of, &line.command)) {
                        line.operands.extend(words);
                        break;
                    }
                    continue;
                }
                if line.command.is_empty() {
                    // A script or a plugin: everything after it is its own.
                    line.command = text(word).into_owned();
                    line.effect = "run";
                    line.operands.push(word);
                    return Ok(line);
                }
                named = true;
            }
            line.operands.push(word);
            if table.stops.iter().any(|of| covers(of, &line.command)) {
                line.operands.extend(words);
                break;
            }
        }
        line.settle(table)?;
        Ok(line)
    }

    /// Finds the row of the command, now that it has no more words.
    fn settle(&mut self, table: &Table) -> Result<(), String> {
        let nothing = self.command == table.start && self.operands.is_empty();
        let about = nothing && (self.has("version") || self.has("help"));
        if self.command.is_empty() && !about {
            table.bare.clone_into(&mut self.command);
        }
        match table.commands.row(&self.command) {
            Some(row) => {
                row.path.clone_into(&mut self.command);
                self.effect = row.effect;
            }
            // A group of commands by itself shows its help.
            None if self.operands.is_empty() => {}
            None => {
                let word = shown(self.operands[0]);
                return Err(format!("`{word}` is no command of `{}` that is known", self.command));
            }
        }
        if about || (self.has("help") && self.unknown.is_none()) {
            self.effect = "local";
        }
        Ok(())
    }

    /// Whether the option `name` is given, and not negated after that: `--no-name`, `--name=false`.
    pub(crate) fn has(&self, name: &str) -> bool {
        let mut last = self.given.iter().rev().filter_map(|(given, _)| {
            let off = given.strip_prefix("no-") == Some(name);
            (off || given == name).then_some(!off)
        });
        last.next().unwrap_or(false)
    }

    /// The value of the option `name`, the last one given.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.given.iter().rev().find(|(given, _)| given == name).and_then(|(_, value)| *value)
    }

    /// The names of all options, for facts.
    pub(crate) fn names(&self) -> Set {
        self.given.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Reads the options of one word, with a value that is in the next.
    fn option(
        &mut self,
        word: &'a [u8],
        words: &mut (impl Iterator<Item = &'a [u8]> + Clone),
        table: &'static Table,
    ) -> Result<(), String> {
        let equals = word.iter().position(|&byte| byte == b'=');
        let name = text(&word[..equals.unwrap_or(word.len())]);
        let single = table.spelling == Spelling::Single;
        let name = if single && name.starts_with("--") { &name[1..] } else { &*name };
        let glued = equals.map(|equals| &word[equals + 1..]);
        let long = name.starts_with("--");
        let abbreviates = matches!(table.spelling, Spelling::Abbreviated | Spelling::Lenient);
        let found = table
            .option(&self.command, name)
            .or_else(|| table.abbreviated(&self.command, name).filter(|_| abbreviates));
        if let Some((first, takes)) = found {
            return self.take(first, takes, glued, words, table);
        }
        let negated = name.strip_prefix("--no-").map(|name| format!("--{name}"));
        if let Some((first, _)) = negated.and_then(|name| table.option(&self.command, &name)) {
            self.given.push((format!("no-{}", first.trim_start_matches('-')), None));
            return Ok(());
        }
        if !long && !single && self.letters(word, words, table)? {
            return Ok(());
        }
        let name = name.trim_start_matches('-').to_owned();
        if table.spelling != Spelling::Lenient {
            if self.command.is_empty() {
                return Err(format!(
                    "before the command stands an option that is not known: `{}`",
                    shown(word)
                ));
            }
            self.unknown.get_or_insert_with(|| shown(word));
        }
        self.given.push((name, glued));
        Ok(())
    }

    fn take(
        &mut self,
        first: &'static str,
        takes: bool,
        glued: Option<&'a [u8]>,
        words: &mut (impl Iterator<Item = &'a [u8]> + Clone),
        table: &Table,
    ) -> Result<(), String> {
        let mut value = glued;
        if value.is_none() && takes {
            value = Some(words.next().ok_or_else(|| format!("the option `{first}` has no value"))?);
        }
        // nopt gives a switch the `true` or `false` that follows.
        if !takes
            && value.is_none()
            && table.spelling == Spelling::Lenient
            && matches!(words.clone().next(), Some(b"true" | b"false"))
        {
            value = words.next();
        }
        let name = first.trim_start_matches('-');
        match value {
            Some(b"false" | b"0") if !takes => self.given.push((format!("no-{name}"), None)),
            _ => self.given.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// Reads `-abc`, and says whether all of it is known.
    fn letters(
        &mut self,
        word: &'a [u8],
        words: &mut (impl Iterator<Item = &'a [u8]> + Clone),
        table: &'static Table,
    ) -> Result<bool, String> {
        let before = self.given.len();
        for at in 1..word.len() {
            let name = format!("-{}", char::from(word[at]));
            let Some((first, takes)) = table.option(&self.command, &name) else {
                self.given.truncate(before);
                return Ok(false);
            };
            let rest = &word[at + 1..];
            if takes {
                let glued = rest.strip_prefix(b"=").unwrap_or(rest);
                self.take(first, true, Some(glued).filter(|_| !rest.is_empty()), words, table)?;
                return Ok(true);
            }
            self.take(first, false, None, &mut std::iter::empty(), table)?;
        }
        Ok(true)
    }
}

/// The path of a command from its own name and the path above it.
fn below(before: &str, name: &str) -> String {
    if before.is_empty() { name.to_owned() } else { format!("{before} {name}") }
}

/// The command after `word`, and whether more words of it may follow; none if `word` is not one of
/// them.
fn next(table: &Table, before: &str, word: &[u8]) -> Result<(Option<String>, bool), String> {
    let unknown = || format!("`{}` is no command that is known", shown(word));
    let Ok(word) = str::from_utf8(word) else { return Err(unknown()) };
    let commands = table.commands;
    let mut path = below(before, word);
    let mut entry = commands.look_up(&path);
    if word.contains([' ', '\t', '\n']) || !entry.is_known() {
        let meant = table.short_commands.then(|| begun(table, before, word)).flatten();
        match meant {
            Some(name) => {
                path = below(before, name);
                entry = commands.look_up(&path);
            }
            None if before.is_empty() && table.other == Other::Opaque => return Err(unknown()),
            None => return Ok((None, false)),
        }
    }
    // A command below another name is below the canonical name as well.
    if let Some(row) = entry.row
        && row.path != path
    {
        row.path.clone_into(&mut path);
        entry = commands.look_up(&path);
    }
    Ok((Some(path), entry.is_group))
}

/// The only command below `before` whose last word begins with `word`, by any of its names.
fn begun(table: &Table, before: &str, word: &str) -> Option<&'static str> {
    let commands = table.commands;
    let below = commands.0.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let path = line.split('\t').next()?;
        let path = match before {
            "" => path,
            before => path.strip_prefix(before)?.strip_prefix(' ')?,
        };
        path.split(' ').next().filter(|name| name.starts_with(word))
    });
    let canonical = |name: &'static str| match before {
        "" => commands.row(name).map_or(name, |row| row.path),
        _ => name,
    };
    let mut found = below;
    let first = found.next()?;
    found.all(|other| canonical(other) == canonical(first)).then_some(first)
}

fn shown(word: &[u8]) -> String {
    excerpt(&text(word))
}

#[cfg(test)]
mod tests;
