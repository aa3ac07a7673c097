//! Command lines as glibc's getopt_long(3) reads them.
//!
//! Input: an argument vector and a program's option table; output: options and operands in the order
//! the program meets them, each with the place of its value in the argument vector. Abbreviated long
//! options, `--opt=value`, bundled short options, `--`, permutation and `POSIXLY_CORRECT` behave as
//! they do there (glibc `posix/getopt.c`).

/// Whether an option takes an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Never.
    Nothing,
    /// Always: the rest of the word, or the next word whatever it looks like.
    Argument,
    /// Only as `--opt=value`.
    Perhaps,
}

/// One option: its long names, its short letter and whether it takes an argument. The first long
/// name, or the letter where there is none, is what it is called in facts.
#[derive(Debug)]
pub(crate) struct Opt {
    pub(crate) long: &'static [&'static str],
    pub(crate) short: Option<u8>,
    pub(crate) takes: Takes,
}

/// A value and where it stands: `argv[arg][from..]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Located<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) arg: usize,
    pub(crate) from: usize,
}

/// What the program meets next.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item<'a> {
    /// A known option.
    Option { opt: &'static Opt, value: Option<Located<'a>> },
    /// A word that is no option.
    Operand(Located<'a>),
    /// A word that the program refuses: unknown or ambiguous option, argument missing or not allowed.
    Refused { word: &'a [u8], why: &'static str },
}

/// Reads `argv` without its first word. Operands come after all options, in their own order, as the
/// program finds them behind `optind`.
pub(crate) fn read<'a>(
    argv: &'a [&'a [u8]],
    options: &'static [Opt],
    posixly_correct: bool,
) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    let mut operands = Vec::new();
    let mut at = 1;
    while let Some(&word) = argv.get(at) {
        let here = at;
        at += 1;
        if word == b"--" {
            operands.extend((at..argv.len()).map(|arg| operand(argv, arg)));
            break;
        }
        if word.len() < 2 || word[0] != b'-' {
            if posixly_correct {
                operands.extend((here..argv.len()).map(|arg| operand(argv, arg)));
                break;
            }
            operands.push(operand(argv, here));
        } else if word.starts_with(b"--") {
            items.push(long(argv, here, &mut at, options));
        } else {
            bundle(argv, here, &mut at, options, &mut items);
        }
    }
    items.extend(operands);
    items
}

fn operand<'a>(argv: &'a [&'a [u8]], arg: usize) -> Item<'a> {
    Item::Operand(Located { bytes: argv[arg], arg, from: 0 })
}

fn long<'a>(
    argv: &'a [&'a [u8]],
    here: usize,
    at: &mut usize,
    options: &'static [Opt],
) -> Item<'a> {
    let word = argv[here];
    let equals = word.iter().position(|&byte| byte == b'=');
    let name = &word[2..equals.unwrap_or(word.len())];
    let opt = match find(name, options) {
        Ok(opt) => opt,
        Err(why) => return Item::Refused { word, why },
    };
    let glued =
        equals.map(|equals| Located { bytes: &word[equals + 1..], arg: here, from: equals + 1 });
    match (opt.takes, glued) {
        (Takes::Nothing, Some(_)) => {
            Item::Refused { word, why: "an argument where the option takes none" }
        }
        (Takes::Argument, None) => match argv.get(*at) {
            Some(bytes) => {
                let value = Located { bytes, arg: *at, from: 0 };
                *at += 1;
                Item::Option { opt, value: Some(value) }
            }
            None => Item::Refused { word, why: "no argument where the option needs one" },
        },
        (_, value) => Item::Option { opt, value },
    }
}

/// The option that `name` means: the one with exactly this name, else the only one it abbreviates.
/// Two abbreviated names of one option are no ambiguity.
fn find(name: &[u8], options: &'static [Opt]) -> Result<&'static Opt, &'static str> {
    let exact = options.iter().find(|opt| opt.long.iter().any(|long| long.as_bytes() == name));
    if let Some(opt) = exact {
        return Ok(opt);
    }
    let mut found: Option<&'static Opt> = None;
    for opt in options {
        if !opt.long.iter().any(|long| long.as_bytes().starts_with(name)) {
            continue;
        }
        if found.is_some() {
            return Err("an ambiguous option");
        }
        found = Some(opt);
    }
    found.ok_or("an option it does not know")
}

fn bundle<'a>(
    argv: &'a [&'a [u8]],
    here: usize,
    at: &mut usize,
    options: &'static [Opt],
    items: &mut Vec<Item<'a>>,
) {
    let word = argv[here];
    for (offset, letter) in word.iter().enumerate().skip(1) {
        let Some(opt) = options.iter().find(|opt| opt.short == Some(*letter)) else {
            items.push(Item::Refused { word, why: "an option it does not know" });
            return;
        };
        if opt.takes != Takes::Argument {
            items.push(Item::Option { opt, value: None });
            continue;
        }
        let rest = &word[offset + 1..];
        if !rest.is_empty() {
            let value = Located { bytes: rest, arg: here, from: offset + 1 };
            items.push(Item::Option { opt, value: Some(value) });
        } else if let Some(bytes) = argv.get(*at) {
            items.push(Item::Option { opt, value: Some(Located { bytes, arg: *at, from: 0 }) });
            *at += 1;
        } else {
            items.push(Item::Refused { word, why: "no argument where the option needs one" });
        }
        return;
    }
}

impl Opt {
    /// What the option is called in facts.
    pub(crate) fn name(&self) -> &'static str {
        self.long.first().copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static OPTIONS: &[Opt] = &[
        Opt { long: &["command"], short: Some(b'c'), takes: Takes::Argument },
        Opt { long: &["set", "variable"], short: Some(b'v'), takes: Takes::Argument },
        Opt { long: &["version"], short: Some(b'V'), takes: Takes::Nothing },
        Opt { long: &["help"], short: None, takes: Takes::Perhaps },
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
