//! Tools that claw does not know, read by the grammar that the policy declares.
//!
//! Input: the call and the grammar. Output: one action of the grammar's own domain.
//!
//! Conventions differ between programs (getopt_long(3), Go's flag and pflag, Python's argparse,
//! Rust's clap), and the policy's author may not know which one a tool follows. Spellings that they
//! read in different ways are therefore opaque: a separate value that begins with `-`, `-x=value`,
//! an option that takes one value and is given twice, a letter after `-c` if `-c` may take a value.
//!
//! Known gaps: the environment and configuration files of such a tool are not read. If an
//! interpreter is given the tool's script in its words, only a live call shows that.

use claw_policy::grammar::{Argument, Arguments, Command, Count, Grammar, OptionDef, Takes};
use claw_policy::{Action, Value};

use crate::call::{Call, excerpt, text};
use crate::grammar::subcommands::said;

/// What a call of a declared tool asks for.
pub(crate) fn classify(call: &Call<'_>, grammar: &Grammar) -> Action {
    let read = Line::read(call.argv, grammar).and_then(|line| line.action(call, grammar));
    read.unwrap_or_else(|reason| Action::opaque(&grammar.domain, said(call.argv), reason))
}

/// A command line that was read.
struct Line<'a, 'g> {
    command: Option<&'g Command>,
    /// The options in the order they stand.
    options: Vec<(&'g OptionDef, Option<&'a [u8]>)>,
    arguments: Vec<&'a [u8]>,
}

impl<'a, 'g> Line<'a, 'g> {
    fn read(argv: &[&'a [u8]], grammar: &'g Grammar) -> Result<Self, String> {
        let mut line = Self { command: None, options: Vec::new(), arguments: Vec::new() };
        let mut words = argv.iter().copied().skip(1);
        // The words of the command so far; none once an argument followed it.
        let mut path = (!grammar.commands.is_empty()).then(String::new);
        let mut options_end = false;
        while let Some(word) = words.next() {
            if !options_end && word == b"--" {
                options_end = true;
                line.settle(path.as_deref())?;
                path = None;
            } else if !options_end && word.len() > 1 && word[0] == b'-' {
                line.option(word, &mut words, grammar)?;
            } else {
                path = line.extend(path, word, grammar)?;
                if path.is_none() {
                    line.arguments.push(word);
                    options_end |= grammar.options_first;
                }
            }
        }
        line.settle(path.as_deref())?;
        Ok(line)
    }

    /// Takes `word` as the next of the command's words, or ends the command before it.
    fn extend(
        &mut self,
        path: Option<String>,
        word: &[u8],
        grammar: &'g Grammar,
    ) -> Result<Option<String>, String> {
        let Some(before) = path else { return Ok(None) };
        let name = str::from_utf8(word).ok().filter(|name| !name.contains(' '));
        let longer = name.map(|name| match before.as_str() {
            "" => name.to_owned(),
            before => format!("{before} {name}"),
        });
        let begins = |command: &Command, longer: &str| {
            command.spellings().any(|words| {
                words
                    .strip_prefix(longer)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })
        };
        let known =
            longer.filter(|longer| grammar.commands.iter().any(|command| begins(command, longer)));
        match known {
            Some(longer) => {
                self.command = grammar.commands.iter().find(|command| command.goes_by(&longer));
                Ok(Some(longer))
            }
            None if self.command.is_some() => Ok(None),
            None => Err(format!("`{}` is no command that the policy declares", shown(word))),
        }
    }

    /// Ends the words of the command, if it has any.
    fn settle(&self, path: Option<&str>) -> Result<(), String> {
        match (path, self.command) {
            (Some(_), None) => Err("no command is named".to_owned()),
            _ => Ok(()),
        }
    }

    /// The options that may stand here.
    fn known(&self, grammar: &'g Grammar) -> impl Iterator<Item = &'g OptionDef> + Clone {
        grammar.options.iter().chain(self.command.into_iter().flat_map(|command| &command.options))
    }

    /// Reads the option or options of one word, with a value that is in the next.
    fn option(
        &mut self,
        word: &'a [u8],
        words: &mut impl Iterator<Item = &'a [u8]>,
        grammar: &'g Grammar,
    ) -> Result<(), String> {
        let named = |name: &[u8]| {
            self.known(grammar).find(|def| def.names.iter().any(|known| known.as_bytes() == name))
        };
        if let Some(def) = named(word) {
            let value = following(def, word, words)?;
            self.options.push((def, value));
            return Ok(());
        }
        let equals = word.iter().position(|&byte| byte == b'=');
        let name = &word[..equals.unwrap_or(word.len())];
        let long = word.starts_with(b"--") || name.len() > 2;
        let found = named(name).filter(|_| long).or_else(|| self.abbreviated(name, grammar));
        if let Some(def) = found {
            let value = match equals {
                Some(_) if def.takes == Takes::Nothing => {
                    return Err(format!("`{}` takes no value", shown(name)));
                }
                Some(equals) => Some(&word[equals + 1..]),
                None => following(def, word, words)?,
            };
            self.options.push((def, value));
            return Ok(());
        }
        let single = |def: &OptionDef| {
            def.names.iter().any(|name| !name.starts_with("--") && name.len() > 2)
        };
        if word.starts_with(b"--") || self.known(grammar).any(single) {
            return Err(format!("`{}` is no option that the policy declares", shown(name)));
        }
        self.letters(word, words, grammar)
    }

    /// The only option whose long name begins with `name`, if the tool accepts that.
    fn abbreviated(&self, name: &[u8], grammar: &'g Grammar) -> Option<&'g OptionDef> {
        if !grammar.abbreviations || !name.starts_with(b"--") || name.len() == 2 {
            return None;
        }
        let begun =
            |def: &&OptionDef| def.names.iter().any(|known| known.as_bytes().starts_with(name));
        let mut found = self.known(grammar).filter(begun);
        found.next().filter(|_| found.next().is_none())
    }

    /// Reads `-abc`.
    fn letters(
        &mut self,
        word: &'a [u8],
        words: &mut impl Iterator<Item = &'a [u8]>,
        grammar: &'g Grammar,
    ) -> Result<(), String> {
        for (at, letter) in word.iter().enumerate().skip(1) {
            let name = [b'-', *letter];
            let named = |def: &&OptionDef| def.names.iter().any(|known| known.as_bytes() == name);
            let Some(def) = self.known(grammar).find(named) else {
                return Err(format!("`{}` is no option that the policy declares", shown(&name)));
            };
            let rest = &word[at + 1..];
            match (&def.takes, rest) {
                (Takes::Nothing, _) => self.options.push((def, None)),
                (Takes::Perhaps, [_, ..]) | (_, [b'=', ..]) => {
                    let word = shown(word);
                    return Err(format!("programs read `{word}` in different ways"));
                }
                (_, []) => {
                    let value = following(def, &name, words)?;
                    self.options.push((def, value));
                    return Ok(());
                }
                (_, rest) => {
                    self.options.push((def, Some(rest)));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn action(self, call: &Call<'_>, grammar: &'g Grammar) -> Result<Action, String> {
        let mut action = Action::new(&grammar.domain, said(call.argv));
        if let Some(command) = self.command {
            action.set_named("command", command.path.as_str())?;
        }
        action.set_named(
            "options",
            self.options.iter().map(|(def, _)| &*def.fact).collect::<Value>(),
        )?;
        for def in self.known(grammar) {
            self.fact(def, &mut action)?;
        }
        match self.command.map_or(&grammar.arguments, |command| &command.arguments) {
            Arguments::Any => {
                action.set_named(
                    "arguments",
                    self.arguments.iter().map(|word| text(word)).collect::<Value>(),
                )?;
            }
            Arguments::Named(named) => self.name_arguments(named, &mut action)?,
        }
        Ok(action)
    }

    /// Sets the fact of one option from every time it is given.
    fn fact(&self, def: &OptionDef, action: &mut Action) -> Result<(), String> {
        let mut given = self.options.iter().filter(|(other, _)| other.fact == def.fact);
        let values = || given.clone().filter_map(|(_, value)| *value);
        match &def.takes {
            Takes::Nothing => action.set_named(&def.fact, given.next().is_some())?,
            Takes::Values => {
                if given.clone().next().is_some() {
                    action.set_named(&def.fact, values().map(text).collect::<Value>())?;
                }
            }
            Takes::Value | Takes::Perhaps | Takes::Choice(_) | Takes::Number => {
                let Some((_, value)) = given.next() else { return Ok(()) };
                if given.next().is_some() {
                    action.set_named_opaque(
                        &def.fact,
                        "it is given twice, and which one counts is not known",
                    )?;
                    return Ok(());
                }
                let Some(value) = value else { return Ok(()) };
                let word = text(value);
                match &def.takes {
                    Takes::Number => action.set_named(&def.fact, number(def, &word)?)?,
                    Takes::Choice(known) if !known.iter().any(|known| *known == word) => {
                        return Err(format!("`{}` takes no `{}`", def.names[0], excerpt(&word)));
                    }
                    _ => action.set_named(&def.fact, &*word)?,
                }
            }
        }
        Ok(())
    }

    fn name_arguments(&self, named: &[Argument], action: &mut Action) -> Result<(), String> {
        let mut words = self.arguments.iter().map(|word| text(word));
        for argument in named {
            match argument.count {
                Count::Rest => {
                    action.set_named(&argument.fact, words.by_ref().collect::<Value>())?;
                }
                Count::One | Count::Perhaps => match words.next() {
                    Some(word) => action.set_named(&argument.fact, &*word)?,
                    None if argument.count == Count::One => {
                        return Err(format!("the argument `{}` is missing", argument.fact));
                    }
                    None => {}
                },
            }
        }
        match words.next() {
            Some(word) => Err(format!("`{}` is one argument too many", excerpt(&word))),
            None => Ok(()),
        }
    }
}

/// The value of an option that is in the next word.
fn following<'a>(
    def: &OptionDef,
    name: &[u8],
    words: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Option<&'a [u8]>, String> {
    if matches!(def.takes, Takes::Nothing | Takes::Perhaps) {
        return Ok(None);
    }
    match words.next() {
        None => Err(format!("`{}` has no value", shown(name))),
        Some(value) if value.len() > 1 && value[0] == b'-' => {
            let value = shown(value);
            Err(format!("programs read `{value}` behind `{}` in different ways", shown(name)))
        }
        Some(value) => Ok(Some(value)),
    }
}

fn number(def: &OptionDef, word: &str) -> Result<i64, String> {
    let wrong = |_| format!("`{}` is no whole number for `{}`", excerpt(word), def.names[0]);
    word.parse().map_err(wrong)
}

fn shown(word: &[u8]) -> String {
    excerpt(&text(word))
}

#[cfg(test)]
mod tests;
