//! Command lines as glibc's getopt_long(3) reads them, and those of programs that differ in how they find an option.
//!
//! Input: an argument vector and a program's options. Output: options and operands, each with the place of its value in
//! the argument vector. Abbreviated long options, `--opt=value`, bundled short options, `--`, permutation and
//! `POSIXLY_CORRECT` behave as they do there (glibc `posix/getopt.c`).
//!
//! git's parse-options and MySQL's my_getopt walk the words in the same way. What their names mean is said by their own
//! [`Names`].

use std::fmt;

use crate::grammar::options::Row;
pub(crate) use crate::grammar::options::Takes;

/// One option: its long names, its short letter and whether it takes an argument. Facts call it by
/// its first long name, or by the letter if it has none.
#[derive(Debug)]
pub(crate) struct Opt {
    pub(crate) long: &'static [&'static str],
    pub(crate) short: Option<u8>,
    pub(crate) takes: Takes,
}

/// A value and its place: `argv[arg][from..]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Located<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) arg: usize,
    pub(crate) from: usize,
}

/// What the program meets next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item<'a, O = &'static Opt> {
    /// A known option.
    Option { opt: O, value: Option<Located<'a>> },
    /// A word that is no option.
    Operand(Located<'a>),
    /// A word that the program refuses.
    Refused { word: &'a [u8], why: Refusal<O> },
}

/// Why a program refuses a word.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal<O = &'static Opt> {
    /// No option has this long name.
    Name,
    /// No option has this letter.
    Letter(u8),
    /// Several options have long names that begin in this way.
    Ambiguous,
    /// The option is given a value and takes none.
    TakesNone(O),
    /// The option is given no value and needs one.
    NeedsValue(O),
}

impl<O> fmt::Display for Refusal<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name | Self::Letter(_) => "an option it does not know",
            Self::Ambiguous => "an ambiguous option",
            Self::TakesNone(_) => "an argument where the option takes none",
            Self::NeedsValue(_) => "no argument where the option needs one",
        })
    }
}

/// How a program finds its options.
pub(crate) trait Names {
    /// An option as it is found.
    type Opt: Copy;

    /// The option that a long name means, without its dashes and its value.
    ///
    /// # Errors
    /// If it means none, or several.
    fn long(&self, name: &[u8]) -> Result<Self::Opt, Refusal<Self::Opt>>;

    /// The option of a letter.
    fn letter(&self, letter: u8) -> Option<Self::Opt>;

    /// What an option takes.
    fn takes(&self, opt: Self::Opt) -> Takes;

    /// Whether the options end behind this word.
    fn ends(&self, word: &[u8]) -> bool {
        word == b"--"
    }

    /// How many bytes at the beginning of these letters, the first of which is no option's, are a number that stands
    /// for an option.
    fn number(&self, _letters: &[u8]) -> usize {
        0
    }
}

/// A command line after reading.
#[derive(Debug)]
pub(crate) struct Line<'a, O> {
    /// The options and the words that are refused, in their order.
    pub(crate) options: Vec<Item<'a, O>>,
    /// Everything else, in its order.
    pub(crate) operands: Vec<Located<'a>>,
}

/// Reads `argv` without its first word. Operands come after all options, in their own order, as the
/// program finds them after `optind`.
pub(crate) fn read<'a>(
    argv: &[&'a [u8]],
    options: &'static [Opt],
    posixly_correct: bool,
) -> Vec<Item<'a>> {
    let Line { mut options, operands } = walk(argv, &options, posixly_correct);
    options.extend(operands.into_iter().map(Item::Operand));
    options
}

/// Reads `argv` without its first word, with the options that `names` finds.
pub(crate) fn walk<'a, N: Names>(
    argv: &[&'a [u8]],
    names: &N,
    posixly_correct: bool,
) -> Line<'a, N::Opt> {
    let mut line = Line { options: Vec::new(), operands: Vec::new() };
    let whole = |arg: usize| Located { bytes: argv[arg], arg, from: 0 };
    let mut at = 1;
    while let Some(&word) = argv.get(at) {
        let here = at;
        at += 1;
        if names.ends(word) {
            line.operands.extend((at..argv.len()).map(whole));
            break;
        }
        if word.len() < 2 || word[0] != b'-' {
            if posixly_correct {
                line.operands.extend((here..argv.len()).map(whole));
                break;
            }
            line.operands.push(whole(here));
        } else if word.starts_with(b"--") {
            let item = long(argv, here, &mut at, names);
            line.options.push(item.unwrap_or_else(|why| Item::Refused { word, why }));
        } else if let Err(why) = bundle(argv, here, &mut at, names, &mut line.options) {
            line.options.push(Item::Refused { word, why });
        }
    }
    line
}

fn long<'a, N: Names>(
    argv: &[&'a [u8]],
    here: usize,
    at: &mut usize,
    names: &N,
) -> Result<Item<'a, N::Opt>, Refusal<N::Opt>> {
    let word = argv[here];
    let equals = word.iter().position(|&byte| byte == b'=');
    let opt = names.long(&word[2..equals.unwrap_or(word.len())])?;
    let glued =
        equals.map(|equals| Located { bytes: &word[equals + 1..], arg: here, from: equals + 1 });
    let value = match (names.takes(opt), glued) {
        (Takes::Nothing, Some(_)) => return Err(Refusal::TakesNone(opt)),
        (Takes::Value, None) => Some(next(argv, at).ok_or(Refusal::NeedsValue(opt))?),
        (Takes::Nothing | Takes::Switch | Takes::Optional | Takes::Value, value) => value,
    };
    Ok(Item::Option { opt, value })
}

fn bundle<'a, N: Names>(
    argv: &[&'a [u8]],
    here: usize,
    at: &mut usize,
    names: &N,
    items: &mut Vec<Item<'a, N::Opt>>,
) -> Result<(), Refusal<N::Opt>> {
    let word = argv[here];
    let mut from = 1;
    while let Some(&letter) = word.get(from) {
        let Some(opt) = names.letter(letter) else {
            match names.number(&word[from..]) {
                0 => return Err(Refusal::Letter(letter)),
                digits => from += digits,
            }
            continue;
        };
        from += 1;
        let glued = word.get(from..).filter(|rest| !rest.is_empty());
        let glued = glued.map(|bytes| Located { bytes, arg: here, from });
        let value = match (names.takes(opt), glued) {
            (Takes::Nothing | Takes::Switch, _) | (Takes::Optional, None) => None,
            (Takes::Optional | Takes::Value, Some(glued)) => Some(glued),
            (Takes::Value, None) => Some(next(argv, at).ok_or(Refusal::NeedsValue(opt))?),
        };
        items.push(Item::Option { opt, value });
        if value.is_some() {
            break;
        }
    }
    Ok(())
}

/// The next word, which is a value.
fn next<'a>(argv: &[&'a [u8]], at: &mut usize) -> Option<Located<'a>> {
    let value = argv.get(*at).map(|bytes| Located { bytes, arg: *at, from: 0 })?;
    *at += 1;
    Some(value)
}

/// The option whose name in `known` is `name`, else the only one with a name that begins with it. Two names of one
/// option are not ambiguous where `is_same` says that they are of the same one.
///
/// # Errors
/// If there is none, or several.
pub(crate) fn named<O: Copy, R>(
    known: impl Iterator<Item = (impl AsRef<str>, O)>,
    name: &[u8],
    is_same: impl Fn(O, O) -> bool,
) -> Result<O, Refusal<R>> {
    let mut found: Option<O> = None;
    let mut several = false;
    for (full, opt) in known {
        let full = full.as_ref().as_bytes();
        if full == name {
            return Ok(opt);
        }
        if full.starts_with(name) {
            several |= found.is_some_and(|first| !is_same(first, opt));
            found = Some(opt);
        }
    }
    match found {
        Some(_) if several => Err(Refusal::Ambiguous),
        Some(opt) => Ok(opt),
        None => Err(Refusal::Name),
    }
}

impl Names for &'static [Opt] {
    type Opt = &'static Opt;

    fn long(&self, name: &[u8]) -> Result<Self::Opt, Refusal> {
        let known = self.iter().flat_map(|opt| opt.long.iter().map(move |long| (long, opt)));
        named(known, name, |one, other| std::ptr::eq(one, other))
    }

    fn letter(&self, letter: u8) -> Option<Self::Opt> {
        self.iter().find(|opt| opt.short == Some(letter))
    }

    fn takes(&self, opt: Self::Opt) -> Takes {
        opt.takes
    }
}

impl Opt {
    /// The option of a table's row. Its name lives as long as the program.
    pub(crate) fn of(row: Row) -> Self {
        let long = if row.long.is_empty() { &[] } else { &*vec![row.long].leak() };
        Self { long, short: row.letter(), takes: row.takes }
    }

    /// The name of the option in facts.
    pub(crate) fn name(&self) -> &'static str {
        self.long.first().copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static OPTIONS: &[Opt] = &[
        Opt { long: &["command"], short: Some(b'c'), takes: Takes::Value },
        Opt { long: &["set", "variable"], short: Some(b'v'), takes: Takes::Value },
        Opt { long: &["version"], short: Some(b'V'), takes: Takes::Nothing },
        Opt { long: &["help"], short: None, takes: Takes::Switch },
        Opt { long: &["quiet"], short: Some(b'q'), takes: Takes::Nothing },
    ];

    fn show(argv: &[&[u8]], posix: bool) -> String {
        let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let items = read(argv, OPTIONS, posix);
        let shown = items.iter().map(|item| match item {
            Item::Option { opt, value: Some(value) } => {
                assert_eq!(&argv[value.arg][value.from..], value.bytes);
                format!("{}={}", opt.name(), word(value.bytes))
            }
            Item::Option { opt, value: None } => opt.name().to_owned(),
            Item::Operand(value) => format!("[{}]", word(value.bytes)),
            Item::Refused { word: refused, .. } => format!("!{}", word(refused)),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn reads_as_getopt_long_does() {
        for (argv, expected) in [
            (vec!["p", "--comm=x", "--co", "y"], "command=x command=y"),
            (vec!["p", "-qcx", "-qc", "--"], "quiet command=x quiet command=--"),
            (vec!["p", "db", "-q", "user"], "quiet [db] [user]"),
            (vec!["p", "--", "-c", "x"], "[-c] [x]"),
            (vec!["p", "--v=1"], "!--v=1"),
            (vec!["p", "--va=1", "--vers"], "set=1 version"),
            (vec!["p", "--quiet=1"], "!--quiet=1"),
            (vec!["p", "--help", "--help=x"], "help help=x"),
            (vec!["p", "-"], "[-]"),
            (vec!["p", "-c"], "!-c"),
            (vec!["p", "-zq"], "!-zq"),
            (vec!["p", "--command"], "!--command"),
            (vec![], ""),
        ] {
            let argv: Vec<&[u8]> = argv.iter().map(|arg| arg.as_bytes()).collect();
            assert_eq!(show(&argv, false), expected, "{argv:?}");
        }
    }

    #[test]
    fn posixly_correct_stops_at_the_first_operand() {
        let argv: &[&[u8]] = &[b"p", b"-q", b"db", b"-c", b"x"];
        assert_eq!(show(argv, true), "quiet [db] [-c] [x]");
        assert_eq!(show(argv, false), "quiet command=x [db]");
    }
}
