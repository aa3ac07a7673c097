//! A command line as the AWS command line reads it: Python's argparse, once for the program, once
//! for the service, once for the operation.
//!
//! Sources: awscli 1.45 (`clidriver.py`, `argparser.py`, `data/cli.json`), awscli 2
//! (`data/cli.json`), and CPython's `argparse.py`. The program's options count wherever they are.
//! Version 1 accepts a unique beginning of an option for it; version 2 refuses it.

use crate::call::{excerpt, text};

/// An option of the program: name, whether it takes a value, and whether only version 2 has it.
struct Global {
    name: &'static str,
    valued: bool,
    newer: bool,
}

const fn global(name: &'static str, valued: bool) -> Global {
    Global { name, valued, newer: false }
}

const fn newer(name: &'static str, valued: bool) -> Global {
    Global { name, valued, newer: true }
}

const GLOBALS: &[Global] = &[
    global("--ca-bundle", true),
    global("--cli-connect-timeout", true),
    global("--cli-read-timeout", true),
    global("--color", true),
    global("--debug", false),
    global("--endpoint-url", true),
    global("--no-paginate", false),
    global("--no-sign-request", false),
    global("--no-verify-ssl", false),
    global("--output", true),
    global("--profile", true),
    global("--query", true),
    global("--region", true),
    global("--v2-debug", false),
    global("--version", false),
    newer("--cli-auto-prompt", false),
    newer("--cli-binary-format", true),
    newer("--cli-error-format", true),
    newer("--no-cli-auto-prompt", false),
    newer("--no-cli-pager", false),
];

/// A command line that was read.
#[derive(Debug, Default)]
pub(super) struct CommandLine<'a> {
    /// The options of the program, by their full names without dashes.
    pub(super) globals: Vec<(&'static str, Option<&'a [u8]>)>,
    /// The service, or another command of the program; none if there is none.
    pub(super) service: Option<&'a [u8]>,
    /// The operation or sub-command.
    pub(super) operation: Option<&'a [u8]>,
    /// The words after the operation, in order.
    pub(super) words: Vec<&'a [u8]>,
}

impl<'a> CommandLine<'a> {
    /// The value of the program's option `name`; the last one counts.
    pub(super) fn global(&self, name: &str) -> Option<&'a [u8]> {
        self.globals.iter().rev().find(|(known, _)| *known == name).and_then(|(_, value)| *value)
    }

    /// The options of the operation and their values, each value by itself: the words up to the next
    /// option, or what follows `=`.
    pub(super) fn options(&self) -> impl Iterator<Item = (&'a [u8], Vec<&'a [u8]>)> {
        let starts = self.words.iter().enumerate().filter(|(_, word)| is_option(word));
        starts.map(|(at, word)| match split(word) {
            (name, Some(value)) => (name, vec![value]),
            (name, None) => {
                let values = self.words[at + 1..].iter().take_while(|word| !is_option(word));
                (name, values.copied().collect())
            }
        })
    }

    /// The words that are neither options nor right behind one that has no `=`.
    pub(super) fn loose(&self) -> impl Iterator<Item = &'a [u8]> {
        self.words.iter().enumerate().filter_map(|(at, word)| {
            let before = at.checked_sub(1).map(|before| self.words[before]);
            let is_value =
                before.is_some_and(|before| is_option(before) && split(before).1.is_none());
            (!is_option(word) && !is_value).then_some(*word)
        })
    }

    /// The words before the first option of the operation.
    pub(super) fn operands(&self) -> impl Iterator<Item = &'a [u8]> {
        self.words.iter().copied().take_while(|word| !is_option(word))
    }

    /// The words of the operation that are neither options nor values of `valued`, which take one
    /// each.
    ///
    /// # Errors
    /// If an option is in neither list and a word follows it.
    pub(super) fn places(
        &self,
        switches: &[&str],
        valued: &[&str],
    ) -> Result<Vec<&'a [u8]>, &'a [u8]> {
        let mut places = Vec::new();
        let mut words = self.words.iter().copied().peekable();
        while let Some(word) = words.next() {
            if !is_option(word) {
                places.push(word);
                continue;
            }
            let (name, glued) = split(word);
            let is = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
            if glued.is_some() || is(switches) {
                continue;
            }
            let follows = words.next_if(|next| !is_option(next)).is_some();
            if follows && !is(valued) {
                return Err(name);
            }
        }
        Ok(places)
    }

    /// Whether the operation is given `option`, or a beginning of its name that version 1 would
    /// accept.
    pub(super) fn may_have(&self, option: &str) -> bool {
        self.options().any(|(name, _)| abbreviates(name, option))
    }
}

/// Whether version 1 accepts `name` for `option`, if no other option begins so.
pub(super) fn abbreviates(name: &[u8], option: &str) -> bool {
    name.len() > 2 && option.as_bytes().starts_with(name)
}

/// A word that argparse takes for an option. One with a space in it is a value, and so is a negative
/// number; an option with `=` may hold a space.
fn is_option(word: &[u8]) -> bool {
    let number = |word: &[u8]| {
        word.len() > 1 && word[1..].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
    };
    word.len() > 1
        && word[0] == b'-'
        && !number(word)
        && (!word.contains(&b' ') || split(word).1.is_some())
}

fn split(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    match word.iter().position(|&byte| byte == b'=') {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    }
}

/// The option of the program that `name` means, if any.
fn find(name: &[u8]) -> Result<Option<&'static Global>, String> {
    if let Some(exact) = GLOBALS.iter().find(|global| global.name.as_bytes() == name) {
        return Ok(Some(exact));
    }
    let mut fits = GLOBALS.iter().filter(|global| !global.newer && abbreviates(name, global.name));
    match (fits.next(), fits.next()) {
        (Some(_), Some(_)) => Err(format!("`{}` could be several options", excerpt(&text(name)))),
        (found, _) => Ok(found),
    }
}

/// Reads `argv` without its first word.
///
/// # Errors
/// If the program would refuse it, or if nobody can tell where an option's value ends.
pub(super) fn read<'a>(argv: &'a [&'a [u8]]) -> Result<CommandLine<'a>, String> {
    let mut line = CommandLine::default();
    let mut words = argv.iter().skip(1).copied().peekable();
    while let Some(word) = words.next() {
        if word == b"--" {
            return Err("`--` is read in different ways by different versions".to_owned());
        }
        if is_option(word) {
            let (name, glued) = split(word);
            let Some(global) = find(name)? else {
                if line.operation.is_none() {
                    let word = excerpt(&text(word));
                    return Err(format!(
                        "before the operation stands an option that is not known: `{word}`"
                    ));
                }
                line.words.push(word);
                continue;
            };
            let value = match (global.valued, glued) {
                (true, Some(value)) => Some(value),
                (true, None) => match words.next_if(|next| !is_option(next) && *next != b"--") {
                    Some(value) => Some(value),
                    None => return Err(format!("the option `{}` has no value", global.name)),
                },
                (false, Some(_)) => {
                    return Err(format!("the option `{}` takes no value", global.name));
                }
                (false, None) => None,
            };
            line.globals.push((&global.name[2..], value));
        } else if line.service.is_none() {
            line.service = Some(word);
        } else if line.operation.is_none() {
            line.operation = Some(word);
        } else {
            line.words.push(word);
        }
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &str) -> String {
        let argv: Vec<&[u8]> =
            std::iter::once("aws").chain(words.split_whitespace()).map(str::as_bytes).collect();
        let Ok(line) = read(&argv) else { return "error".to_owned() };
        let word = |word: Option<&[u8]>| text(word.unwrap_or(b"-")).into_owned();
        let mut shown = format!("{} {}", word(line.service), word(line.operation));
        for (name, value) in &line.globals {
            shown += &format!(" {name}:{}", word(*value));
        }
        for word in &line.words {
            shown += &format!(" {}", text(word));
        }
        shown
    }

    #[test]
    fn reads_as_argparse_does() {
        for (words, expected) in [
            ("ec2 describe-instances", "ec2 describe-instances"),
            (
                "--region x ec2 --debug describe-instances",
                "ec2 describe-instances region:x debug:-",
            ),
            ("--profile ec2 s3 ls", "s3 ls profile:ec2"),
            ("s3 --reg=x ls", "s3 ls region:x"),
            ("ec2 x --filters --out text y", "ec2 x output:text --filters y"),
            ("ec2 x --end http://h", "ec2 x endpoint-url:http://h"),
            ("ec2 x --no-", "error"),
            ("ec2 x --region --debug", "error"),
            ("ec2 --ids x y", "error"),
            ("ec2 -- x", "error"),
            ("ec2 x --count -1", "ec2 x --count -1"),
            ("ec2 x --no-cli-pager", "ec2 x no-cli-pager:-"),
            ("help", "help -"),
            ("", "- -"),
        ] {
            assert_eq!(shown(words), expected, "{words}");
        }
    }
}
