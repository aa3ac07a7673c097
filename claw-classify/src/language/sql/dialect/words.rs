//! The words of a text, as MySQL's client and server, SQLite and ClickHouse cut it.
//!
//! Sources: MySQL's `client/mysql.cc` (`add_line`) and `sql/sql_lex.cc`; SQLite's `src/tokenize.c`;
//! ClickHouse's `src/Parsers/Lexer.cpp`.
//! Comments are left out. MySQL's comments that run on some servers are refused, and so are
//! ClickHouse's own: heredocs, parameters, `#` comments, typographic quotes, and backslashes in quoted names.

use std::ops::Range;

use super::Dialect;

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or keyword without quotes, or a number.
    Bare,
    /// A name in quotes; in SQLite also what is in double quotes.
    Quoted,
    /// A string.
    Text,
    /// One character of punctuation.
    Sign,
    /// What ends a statement.
    Semicolon,
    /// A backslash and the letter after it: a command of MySQL's client.
    Command(u8),
}

/// A word and its place in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) kind: Kind,
    pub(crate) place: Range<usize>,
}

impl Word {
    /// A bare word in lower case; nothing for any other.
    pub(crate) fn bare(&self, text: &str) -> String {
        match self.kind {
            Kind::Bare => text[self.place.clone()].to_ascii_lowercase(),
            _ => String::new(),
        }
    }
}

/// The words of `text`.
///
/// # Errors
/// Where a quote or comment has no end, or where programs differ about what a comment is.
pub(crate) fn words(dialect: Dialect, text: &str) -> Result<Vec<Word>, String> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let rest = &bytes[at..];
        let kind = match byte {
            0 => return Err("it holds a NUL".to_owned()),
            _ if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            0x0b => return Err("it holds a vertical tab".to_owned()),
            b'-' if rest.starts_with(b"--") => {
                let blank = rest.get(2).is_none_or(|next| next.is_ascii_whitespace());
                if dialect == Dialect::MySql && !blank {
                    return Err("`--` without a blank is no comment everywhere".to_owned());
                }
                at += line(rest);
                continue;
            }
            b'#' if dialect == Dialect::MySql => {
                at += line(rest);
                continue;
            }
            b'#' | b'$' | b'@' | b'{' | 0x80.. if dialect == Dialect::ClickHouse => {
                return Err("a character that only ClickHouse knows what to do with".to_owned());
            }
            b'/' if rest.starts_with(b"/*") => {
                let odd = rest[2..].first().is_some_and(|next| b"!M+".contains(next));
                if dialect == Dialect::MySql && odd {
                    return Err("it holds a comment that some servers run".to_owned());
                }
                let end = rest[2..].windows(2).position(|pair| pair == b"*/");
                let end = end.ok_or("a comment has no end")?;
                let nested = rest[2..2 + end + 1].windows(2).any(|pair| pair == b"/*");
                if dialect == Dialect::ClickHouse && nested {
                    return Err("comments stand in comments".to_owned());
                }
                at += 4 + end;
                continue;
            }
            b'\'' | b'"' | b'`' => {
                at = quoted(dialect, bytes, start)?;
                match (byte, dialect) {
                    (b'`', _) | (b'"', Dialect::Sqlite | Dialect::ClickHouse) => Kind::Quoted,
                    _ => Kind::Text,
                }
            }
            b'[' if dialect == Dialect::Sqlite => {
                let end = rest.iter().position(|&byte| byte == b']');
                at += 1 + end.ok_or("a quoted name has no end")?;
                Kind::Quoted
            }
            b'\\' if dialect == Dialect::MySql => {
                let letter = *rest.get(1).ok_or("it ends in a backslash")?;
                if !letter.is_ascii() {
                    return Err("a backslash stands before an odd character".to_owned());
                }
                at += 2;
                match letter {
                    b'g' | b'G' => Kind::Semicolon,
                    // NULL.
                    b'N' => Kind::Bare,
                    _ => Kind::Command(letter),
                }
            }
            b';' => {
                at += 1;
                Kind::Semicolon
            }
            _ if is_name(byte) => {
                at += rest.iter().position(|&byte| !is_name(byte)).unwrap_or(rest.len());
                let odd = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'_';
                if dialect == Dialect::ClickHouse && bytes[start..at].iter().any(odd) {
                    return Err(
                        "a name holds a character that programs read differently".to_owned()
                    );
                }
                Kind::Bare
            }
            _ => {
                at += 1;
                Kind::Sign
            }
        };
        words.push(Word { kind, place: start..at });
    }
    Ok(words)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'@') || byte >= 0x80
}

fn line(rest: &[u8]) -> usize {
    rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
}

/// The end of what is quoted from `start`: a doubled quote is one of its characters, and in MySQL's
/// and ClickHouse's strings so is whatever follows a backslash.
fn quoted(dialect: Dialect, bytes: &[u8], start: usize) -> Result<usize, String> {
    let quote = bytes[start];
    let escapes = match dialect {
        Dialect::MySql => quote != b'`',
        Dialect::ClickHouse => quote == b'\'',
        Dialect::Sqlite => false,
    };
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        if byte == 0 {
            break;
        }
        if escapes && byte == b'\\' {
            at += 2;
        } else if byte == b'\\' && dialect == Dialect::ClickHouse {
            return Err("a quoted name holds a backslash".to_owned());
        } else if byte != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return Ok(at + 1);
        }
    }
    Err("a quote has no end".to_owned())
}
