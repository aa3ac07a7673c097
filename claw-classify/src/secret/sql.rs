//! SQL's own words for secrets: `PASSWORD '…'`, `IDENTIFIED BY '…'`, and how they are written around.
//!
//! Sources: CREATE ROLE, ALTER USER MAPPING (PostgreSQL 18); CREATE USER, SET PASSWORD (MySQL 8.4, MariaDB 11);
//! CREATE USER (ClickHouse). Any text is read, because SQL stands in words, in files and in other languages.

use super::{Span, is_value};

/// How many words may stand between the keyword and the string.
const BETWEEN: usize = 8;
/// Words that may stand there without ending the search.
const PASSING: &[&str] = &[
    "by",
    "as",
    "with",
    "using",
    "value",
    "values",
    "hash",
    "hex",
    "or",
    "and",
    "plugin",
    "plaintext_password",
    "sha256_password",
    "sha256_hash",
    "double_sha1_password",
    "double_sha1_hash",
    "bcrypt_password",
    "bcrypt_hash",
    "mysql_native_password",
    "caching_sha2_password",
    "ed25519",
    "unix_socket",
    "old_password",
    "password",
];

/// Finds them in `text`.
pub(super) fn scan(text: &[u8], spans: &mut Vec<Span>) {
    for at in 0..text.len() {
        let Some(len) = keyword(text, at) else { continue };
        let names_user = text[at].eq_ignore_ascii_case(&b'p');
        if let Some(span) = string_behind(text, at + len, names_user) {
            spans.push(span);
        }
    }
}

/// The length of the keyword that begins at `at`.
fn keyword(text: &[u8], at: usize) -> Option<usize> {
    if !matches!(text[at], b'p' | b'P' | b'i' | b'I') {
        return None;
    }
    let rest = &text[at..];
    let word = ["password", "identified"].into_iter().find(|word| {
        rest.len() > word.len() && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes())
    })?;
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = at.checked_sub(1).is_none_or(|before| !inside(text[before]));
    let ends = !inside(rest[word.len()]);
    // A quote right behind it closes a name: `d['password']`.
    let closes = matches!(rest[word.len()], b'\'' | b'"');
    (begins && ends && !closes).then_some(word.len())
}

/// The string literal behind a keyword, with only passing words between the two.
fn string_behind(text: &[u8], mut at: usize, names_user: bool) -> Option<Span> {
    for _ in 0..BETWEEN {
        at += text[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace() || b"=(".contains(byte))
            .count();
        let rest = text.get(at..)?;
        let letters =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        // `E'…'`, `N'…'`, `U&'…'`, `_utf8'…'`
        let prefix = if rest[letters..].starts_with(b"&'") { letters + 1 } else { letters };
        let quote = match rest.get(prefix) {
            Some(quote @ (b'\'' | b'"')) if letters <= 1 || rest[0] == b'_' => *quote,
            Some(b'$') if letters == 0 => return dollar_quoted(text, at),
            _ if letters == 0 => return None,
            _ => {
                let word =
                    str::from_utf8(&rest[..letters]).unwrap_or_default().to_ascii_lowercase();
                if word == "for" && names_user {
                    // `SET PASSWORD FOR 'joe'@'host' = '…'`
                    at += memchr::memchr(b'=', rest)?;
                } else if PASSING.contains(&&*word) {
                    at += letters;
                } else {
                    return None;
                }
                continue;
            }
        };
        let start = at + prefix + 1;
        let end = start + quoted_length(&text[start..], quote);
        return is_value(&text[start..end]).then(|| Span::new(text, start..end));
    }
    None
}

/// As far as the closing quote, or the end where there is none. A doubled quote and one behind a backslash do not
/// close.
fn quoted_length(text: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            byte if byte == quote && text.get(at + 1) == Some(&quote) => at += 1,
            byte if byte == quote => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

fn dollar_quoted(text: &[u8], at: usize) -> Option<Span> {
    let tag = memchr::memchr(b'$', &text[at + 1..])? + 2;
    let start = at + tag;
    let end = memchr::memmem::find(&text[start..], &text[at..start])
        .map_or(text.len(), |end| start + end);
    is_value(&text[start..end]).then(|| Span::new(text, start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut spans = Vec::new();
        scan(text.as_bytes(), &mut spans);
        spans.into_iter().map(|span| &text[span.at]).collect()
    }

    #[test]
    fn every_way_to_say_a_password() {
        for text in [
            "CREATE ROLE joe LOGIN PASSWORD 'hunter2'",
            "alter user joe encrypted password E'hunter2' valid until 'infinity'",
            "ALTER USER joe PASSWORD $$hunter2$$",
            "ALTER USER joe PASSWORD $x$hunter2$x$;",
            "CREATE USER joe IDENTIFIED BY 'hunter2'",
            "CREATE USER joe IDENTIFIED WITH mysql_native_password BY \"hunter2\"",
            "CREATE USER joe IDENTIFIED WITH sha256_password BY 'hunter2'",
            "SET PASSWORD FOR 'joe'@'localhost' = 'hunter2'",
            "SET PASSWORD = PASSWORD('hunter2')",
            "CREATE USER MAPPING FOR joe SERVER s OPTIONS (user 'joe', password 'hunter2')",
            "CHANGE MASTER TO MASTER_USER='r', PASSWORD='hunter2'",
            "password\n  'hunter2",
        ] {
            assert!(found(text).contains(&"hunter2"), "{text}: {:?}", found(text));
        }
    }

    #[test]
    fn what_only_mentions_one() {
        for text in [
            "ALTER USER joe PASSWORD EXPIRE",
            "ALTER ROLE joe PASSWORD NULL",
            "SELECT password FROM users WHERE id = '3'",
            "identified as missing in 'a'",
            "os.environ['password']",
            "IDENTIFIED VIA x",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }
}
