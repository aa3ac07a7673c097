//! Options as git's parse-options reads them.
//!
//! Input: the words after a command. Output: options by their long names, and operands, in order.
//! Abbreviations, `--no-OPTION`, bundled letters and permutation behave as in git's
//! `parse-options.c`. The options are in `options.tsv`, made from git itself.

use std::sync::LazyLock;

use crate::call::{excerpt, text};
use crate::grammar::getopt::{self, Item, Names, Refusal};
use crate::grammar::options::{Row, Takes, rows};

static OPTIONS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(include_str!("options.tsv")).collect());

/// One option of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given<'a> {
    /// Its long name, without the `no-` of a negation; empty if it has none.
    pub(super) name: &'static str,
    /// Its letter, if it has no long name.
    pub(super) letter: Option<u8>,
    /// Whether it turns the option on.
    pub(super) on: bool,
    /// Its value.
    pub(super) value: Option<&'a [u8]>,
}

/// The words of a command, after reading.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    /// The options, in order.
    pub(super) given: Vec<Given<'a>>,
    /// Everything else, in order.
    pub(super) operands: Vec<&'a [u8]>,
}

impl<'a> Line<'a> {
    /// Whether a switch is on after all of its uses.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.given.iter().rev().find(|given| given.name == name).is_some_and(|given| given.on)
    }

    /// The last value of an option that was not negated afterwards.
    pub(super) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let last = self.given.iter().rev().find(|given| given.name == name)?;
        last.value.filter(|_| last.on)
    }

    /// The values of an option that may be given several times.
    pub(super) fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        self.given
            .iter()
            .filter(move |given| given.name == name && given.on)
            .filter_map(|g| g.value)
    }
}

/// What to do with an option that is not in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// git would refuse the call, or is newer than the table: nothing is known of it.
    Refuse,
    /// The command passes it on, or no fact depends on it.
    Skip,
}

/// Reads the words after `command`.
///
/// # Errors
/// If git would refuse them, or its help does not say what it does with them.
pub(super) fn read<'a>(
    command: &str,
    words: &[&'a [u8]],
    unknown: Unknown,
) -> Result<Line<'a>, String> {
    let known = Known(OPTIONS.iter().filter(|row| row.command == command).collect());
    // The walk leaves out the first word, which is the program's name.
    let argv: Vec<&[u8]> = std::iter::once(&b"git"[..]).chain(words.iter().copied()).collect();
    let read = getopt::walk(&argv, &known, false);
    let operands = read.operands.iter().map(|operand| operand.bytes).collect();
    let mut line = Line { given: Vec::new(), operands };
    for item in read.options {
        match item {
            Item::Option { opt, value } => line.given.push(opt.given(value.map(|own| own.bytes))),
            Item::Operand(operand) => line.operands.push(operand.bytes),
            Item::Refused { word, why } if unknown == Unknown::Refuse => {
                let (word, why) = (excerpt(&text(word)), said(why));
                return Err(format!("`git {command}` is given `{word}`: {why}"));
            }
            Item::Refused { .. } => {}
        }
    }
    Ok(line)
}

/// The options of one command.
struct Known(Vec<&'static Row>);

/// An option as a word names it.
#[derive(Debug, Clone, Copy)]
struct Found {
    row: &'static Row,
    /// Whether the word turns on what the table calls it: `--no-verify` is an option of its own, and `--verify`
    /// negates it.
    on: bool,
}

impl Found {
    fn given(self, value: Option<&[u8]>) -> Given<'_> {
        let Self { row, on } = self;
        let (name, on) = match row.long.strip_prefix("no-") {
            Some(positive) => (positive, !on),
            None => (row.long, on),
        };
        let letter = row.letter().filter(|_| row.long.is_empty());
        Given { name, letter, on, value }
    }
}

impl Names for Known {
    type Opt = Found;

    fn long(&self, name: &[u8]) -> Result<Found, Refusal<Found>> {
        let names = self.0.iter().filter(|row| !row.long.is_empty()).flat_map(|&row| {
            let opposite = (row.more == "no").then(|| match row.long.strip_prefix("no-") {
                Some(positive) => positive.to_owned(),
                None => format!("no-{}", row.long),
            });
            std::iter::once((row.long.to_owned(), Found { row, on: true }))
                .chain(opposite.map(|name| (name, Found { row, on: false })))
        });
        getopt::named(names, name, |_, _| false)
    }

    fn letter(&self, letter: u8) -> Option<Found> {
        let row = self.0.iter().find(|row| row.letter() == Some(letter))?;
        Some(Found { row, on: true })
    }

    fn takes(&self, opt: Found) -> Takes {
        if opt.on { opt.row.takes } else { Takes::Nothing }
    }

    fn ends(&self, word: &[u8]) -> bool {
        word == b"--" || word == b"--end-of-options"
    }

    /// A number stands for an option: `-5`.
    fn number(&self, letters: &[u8]) -> usize {
        let digits = letters.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if self.0.iter().any(|row| row.short == "NUM") { digits } else { 0 }
    }
}

/// Why git refuses a word, for people.
fn said(why: Refusal<Found>) -> &'static str {
    match why {
        Refusal::Name => "no option of that name is known",
        Refusal::Letter(_) => "no option of that letter is known",
        Refusal::Ambiguous => "the abbreviation is ambiguous",
        Refusal::TakesNone(Found { row, on: false }) if row.takes != Takes::Nothing => {
            "an option that is taken back takes no value"
        }
        Refusal::TakesNone(_) => "the option takes no value",
        Refusal::NeedsValue(_) => "the option needs a value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(command: &str, words: &str) -> String {
        let words: Vec<&[u8]> = words.split_whitespace().map(str::as_bytes).collect();
        let line = match read(command, &words, Unknown::Refuse) {
            Ok(line) => line,
            Err(_) => return "refused".to_owned(),
        };
        let mut shown: Vec<String> = Vec::new();
        for given in &line.given {
            let sign = if given.on { '+' } else { '-' };
            let value = given.value.map(|value| format!("={}", text(value))).unwrap_or_default();
            shown.push(format!("{sign}{}{value}", given.name));
        }
        shown.extend(line.operands.iter().map(|word| text(word).into_owned()));
        shown.join(" ")
    }

    #[test]
    fn reads_as_git_does() {
        for (command, words, expected) in [
            ("push", "origin main --force", "+force origin main"),
            ("push", "--del origin x", "+delete origin x"),
            ("push", "--mirr", "+mirror"),
            ("push", "--forc", "refused"),
            ("push", "--force-w=a:b", "+force-with-lease=a:b"),
            ("push", "--no-force", "-force"),
            ("push", "--no-verify", "-verify"),
            ("push", "--verify", "+verify"),
            ("push", "-fu origin", "+force +set-upstream origin"),
            ("push", "-oci.skip origin", "+push-option=ci.skip origin"),
            ("push", "-o -f origin", "+push-option=-f origin"),
            ("push", "--exec x", "+exec=x"),
            ("push", "--force=1", "refused"),
            ("push", "-z", "refused"),
            ("push", "-- -f", "-f"),
            ("fetch", "--upload-pa=x origin", "+upload-pack=x origin"),
            ("clone", "-uX url", "+upload-pack=X url"),
            ("clone", "-n url", "-checkout url"),
            ("push", "--repo", "refused"),
            ("push", "-5", "refused"),
            ("grep", "-n15Oless x", "+line-number +open-files-in-pager=less x"),
            ("grep", "-N x", "refused"),
            ("archive", "-9 HEAD", "HEAD"),
        ] {
            assert_eq!(shown(command, words), expected, "{command} {words}");
        }
    }
}
