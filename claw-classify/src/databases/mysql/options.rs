//! Options of MySQL's and MariaDB's clients, as `mysys/my_getopt.c` reads them. They are in `options.tsv`.

use std::sync::LazyLock;

use crate::call::text;
use crate::grammar::getopt::{self, Item, Located, Names, Refusal};
use crate::grammar::options::{Row, Takes, rows};

static OPTIONS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(include_str!("options.tsv")).collect());

/// One option of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given<'a> {
    pub(super) name: &'static str,
    /// False if `--skip-` or `--disable-` turns it off.
    pub(super) on: bool,
    /// The value, and where it stands: `argv[1][2..]`.
    pub(super) value: Option<(&'a [u8], usize, usize)>,
}

/// What an option does, as a class of the domain `client`.
pub(super) fn class(name: &str) -> &'static str {
    OPTIONS.iter().find(|row| row.long == name).map_or("script", |row| row.more)
}

/// The options and the operands of a command line.
///
/// # Errors
/// If the client would refuse the line, or an option is not known.
pub(super) fn read<'a>(argv: &[&'a [u8]]) -> Result<(Vec<Given<'a>>, Vec<&'a [u8]>), String> {
    let read = getopt::walk(argv, &Client, false);
    let mut operands: Vec<&[u8]> = read.operands.iter().map(|operand| operand.bytes).collect();
    let mut given = Vec::new();
    for item in read.options {
        match item {
            Item::Option { opt, value } => given.push(opt.given(value)),
            Item::Operand(operand) => operands.push(operand.bytes),
            Item::Refused { word, why } => return Err(said(word, why)),
        }
    }
    Ok((given, operands))
}

/// The names of all options.
struct Client;

/// An option as a word names it.
#[derive(Debug, Clone, Copy)]
struct Found {
    row: &'static Row,
    /// Whether the name turns it on.
    on: bool,
}

impl Found {
    fn given(self, value: Option<Located<'_>>) -> Given<'_> {
        let Self { row, on } = self;
        let off = row.takes != Takes::Value
            && value.is_some_and(|Located { bytes, .. }| {
                matches!(bytes, b"0" | b"OFF" | b"off" | b"FALSE" | b"false")
            });
        let value = value.map(|value| (value.bytes, value.arg, value.from));
        Given { name: row.long, on: on && !off, value }
    }
}

impl Names for Client {
    type Opt = Found;

    /// `-` and `_` are the same, `loose-` means nothing, and `skip-`, `disable-` and `enable-` go before a name.
    fn long(&self, name: &[u8]) -> Result<Found, Refusal<Found>> {
        let name = text(name).replace('_', "-");
        let plain = name.strip_prefix("loose-").unwrap_or(&name);
        let prefixes = [("", true), ("skip-", false), ("disable-", false), ("enable-", true)];
        for (prefix, on) in prefixes {
            let Some(bare) = plain.strip_prefix(prefix) else { continue };
            let known = OPTIONS.iter().map(|row| (row.long, row));
            match getopt::named(known, bare.as_bytes(), |_, _| false) {
                Ok(row) => return Ok(Found { row, on }),
                Err(Refusal::Name) => {}
                Err(why) => return Err(why),
            }
        }
        Err(Refusal::Name)
    }

    fn letter(&self, letter: u8) -> Option<Found> {
        let row = OPTIONS.iter().find(|row| row.letter() == Some(letter))?;
        Some(Found { row, on: true })
    }

    fn takes(&self, opt: Found) -> Takes {
        opt.row.takes
    }
}

/// Why the client refuses a word, for people.
fn said(word: &[u8], why: Refusal<Found>) -> String {
    let end = word.iter().position(|&byte| byte == b'=').unwrap_or(word.len());
    let name = text(&word[..end]);
    match why {
        Refusal::Name => format!("the option `{name}` is not known"),
        Refusal::Letter(letter) => format!("the option `-{}` is not known", text(&[letter])),
        Refusal::Ambiguous => format!("the option `{name}` is ambiguous"),
        Refusal::TakesNone(Found { row, .. }) => format!("`--{}` takes no value", row.long),
        Refusal::NeedsValue(Found { row, .. }) => format!("`--{}` is given no value", row.long),
    }
}
