//! Options as git's parse-options reads them.
//!
//! Input: the words after a command; output: options by their long names, and operands, in order.
//! Abbreviations, `--no-OPTION`, bundled letters and permutation behave as in git's
//! `parse-options.c`. The options are in `options.tsv`, made from git itself.

use std::sync::LazyLock;

use crate::call::{excerpt, text};

/// Whether an option takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Never.
    Nothing,
    /// Always: glued, or the next word.
    Argument,
    /// Only glued.
    Perhaps,
}

#[derive(Debug)]
struct Opt {
    command: &'static str,
    long: &'static str,
    short: Option<u8>,
    /// Whether a number stands for it: `-5`.
    is_number: bool,
    takes: Takes,
    negatable: bool,
}

static OPTIONS: LazyLock<Vec<Opt>> = LazyLock::new(|| {
    let rows = include_str!("options.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| {
        let &[command, long, short, takes, negatable] = &row.split('\t').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let takes = match takes {
            "value" => Takes::Argument,
            "perhaps" => Takes::Perhaps,
            _ => Takes::Nothing,
        };
        let letter = |name: &str| name.bytes().next().filter(|&letter| letter != b'-');
        let long = if long == "-" { "" } else { long };
        let is_number = short == "NUM";
        let short = letter(short).filter(|_| !is_number);
        Some(Opt { command, long, short, is_number, takes, negatable: negatable == "no" })
    })
    .collect()
});

/// One option that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Given<'a> {
    /// Its long name, without the `no-` of a negation; empty where it has none.
    pub(super) name: &'static str,
    /// Its letter, where it has no long name.
    pub(super) letter: Option<u8>,
    /// Whether it turns the option on.
    pub(super) on: bool,
    /// Its value.
    pub(super) value: Option<&'a [u8]>,
}

/// A command's words, read.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    /// The options, in order.
    pub(super) given: Vec<Given<'a>>,
    /// Everything else, in order.
    pub(super) operands: Vec<&'a [u8]>,
    /// How many operands stand before `--`, where there is one.
    pub(super) dash: Option<usize>,
}

impl<'a> Line<'a> {
    /// Whether a switch is on after all of its uses.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.given.iter().rev().find(|given| given.name == name).is_some_and(|given| given.on)
    }

    /// The last value of an option that was not taken back.
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

/// What to do with an option that the table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// git would refuse the call, or is newer than the table: nothing is known of it.
    Refuse,
    /// The command hands it on, or nothing that is asked for depends on it.
    Skip,
}

/// Reads the words after `command`.
///
/// # Errors
/// When git would refuse them, or does not show in its help what it does with them.
pub(super) fn read<'a>(
    command: &str,
    words: &[&'a [u8]],
    unknown: Unknown,
) -> Result<Line<'a>, String> {
    let known: Vec<&'static Opt> = OPTIONS.iter().filter(|opt| opt.command == command).collect();
    let mut line = Line::default();
    let mut rest = words.iter().copied();
    while let Some(word) = rest.next() {
        if word == b"--" || word == b"--end-of-options" {
            line.dash = Some(line.operands.len());
            line.operands.extend(rest);
            break;
        }
        let read = match word {
            [b'-', b'-', name @ ..] => {
                long(&known, name, &mut rest).map(|given| line.given.push(given))
            }
            [b'-', letters @ ..] if !letters.is_empty() => {
                bundle(&known, letters, &mut rest, &mut line.given)
            }
            _ => {
                line.operands.push(word);
                continue;
            }
        };
        if let (Err(why), Unknown::Refuse) = (read, unknown) {
            return Err(format!("`git {command}` is given `{}`: {why}", excerpt(&text(word))));
        }
    }
    Ok(line)
}

fn long<'a>(
    known: &[&'static Opt],
    word: &'a [u8],
    rest: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Given<'a>, &'static str> {
    let equals = word.iter().position(|&byte| byte == b'=');
    let name = &word[..equals.unwrap_or(word.len())];
    let (opt, on) = find(known, name)?;
    let glued = equals.map(|at| &word[at + 1..]);
    let value = match (opt.takes, glued) {
        (Takes::Nothing, Some(_)) => return Err("the option takes no value"),
        (_, Some(_)) if !on => return Err("an option that is taken back takes no value"),
        (Takes::Argument, None) if on => Some(rest.next().ok_or("the option needs a value")?),
        (_, glued) => glued,
    };
    let name = if on { opt.long } else { opt.long.strip_prefix("no-").unwrap_or(opt.long) };
    let (name, on) = match opt.long.strip_prefix("no-") {
        // `--no-verify` is an option of its own, and `--verify` takes it back.
        Some(positive) => (positive, !on),
        None => (name, on),
    };
    Ok(Given { name, letter: None, on, value })
}

/// The option that `name` means, and whether it turns it on: the one with exactly this name, else the
/// only one it abbreviates.
fn find(known: &[&'static Opt], name: &[u8]) -> Result<(&'static Opt, bool), &'static str> {
    let names = known.iter().filter(|opt| !opt.long.is_empty()).flat_map(|opt| {
        let opposite = opt.negatable.then(|| match opt.long.strip_prefix("no-") {
            Some(positive) => positive.to_owned(),
            None => format!("no-{}", opt.long),
        });
        std::iter::once((opt.long.to_owned(), *opt, true))
            .chain(opposite.map(|name| (name, *opt, false)))
    });
    let mut found: Option<(&'static Opt, bool)> = None;
    let mut several = false;
    for (full, opt, on) in names {
        if full.as_bytes() == name {
            return Ok((opt, on));
        }
        if full.as_bytes().starts_with(name) {
            several |= found.is_some();
            found = Some((opt, on));
        }
    }
    match found {
        Some(_) if several => Err("the abbreviation is ambiguous"),
        Some(found) => Ok(found),
        None => Err("no option of that name is known"),
    }
}

fn bundle<'a>(
    known: &[&'static Opt],
    letters: &'a [u8],
    rest: &mut impl Iterator<Item = &'a [u8]>,
    given: &mut Vec<Given<'a>>,
) -> Result<(), &'static str> {
    let mut letters = letters;
    while let [letter, after @ ..] = letters {
        let opt = known.iter().find(|opt| opt.short == Some(*letter));
        let digits = letters.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if opt.is_none() && digits > 0 && known.iter().any(|opt| opt.is_number) {
            letters = &letters[digits..];
            continue;
        }
        let opt = opt.ok_or("no option of that letter is known")?;
        let value = match (opt.takes, after.is_empty()) {
            (Takes::Nothing, _) | (Takes::Perhaps, true) => None,
            (_, false) => Some(after),
            (Takes::Argument, true) => Some(rest.next().ok_or("the option needs a value")?),
        };
        let (name, on) = match opt.long.strip_prefix("no-") {
            Some(positive) => (positive, false),
            None => (opt.long, true),
        };
        let letter = opt.long.is_empty().then_some(*letter);
        given.push(Given { name, letter, on, value });
        if opt.takes != Takes::Nothing {
            return Ok(());
        }
        letters = after;
    }
    Ok(())
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
