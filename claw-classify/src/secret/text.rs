//! Secrets in a text by what stands before them: `name=value`, `name: value`, and the user's part of a URL.
//!
//! The text may be a word, a configuration, JSON, YAML, code, or a command line that nothing else could read.
//!
//! Sources: RFC 3986 for URLs, RFC 9110 for headers, the connection strings of libpq (PostgreSQL 18, 32.1.1)
//! and of ODBC.

use super::{Span, is_value, name, shape};

/// Where a value without quotes ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    /// At a blank or a quote, and where another `name=` follows a `&` or a `;`.
    Loose,
    /// At a blank that no backslash stands before: libpq's connection string.
    Blank,
}

/// Words of an `Authorization` header before the credentials themselves.
const SCHEMES: &[&[u8]] =
    &[b"Bearer ", b"Basic ", b"Token ", b"token ", b"bearer ", b"basic ", b"ApiKey "];
/// Parameters of a URL whose value is a secret, though their name elsewhere says nothing.
const PARAMETERS: &[&[u8]] = &[b"key", b"sig", b"auth", b"code", b"apikey"];

/// Finds them in `text`.
pub(super) fn scan(text: &[u8], bare: Bare, spans: &mut Vec<Span>) {
    let mut ahead = Ahead::default();
    // What stands inside a value that is masked already needs no mask of its own.
    let mut masked = 0;
    for at in memchr::memchr2_iter(b'=', b':', text) {
        if at < masked {
            continue;
        }
        let span = if text[at] == b'=' {
            assigned(text, at, bare)
        } else if text[at..].starts_with(b"://") {
            of_url(text, at, &mut ahead)
        } else {
            described(text, at)
        };
        if let Some(span) = span.filter(|span| is_value(span.value.reveal())) {
            masked = span.at.end;
            spans.push(span);
        }
    }
}

/// The value behind the `=` at `at`, where the name before it says it is secret.
fn assigned(text: &[u8], at: usize, bare: Bare) -> Option<Span> {
    let mut before = at;
    // `:=` and `+=` assign too, `!=` and `<=` compare.
    if before > 0 && b":+".contains(&text[before - 1]) {
        before -= 1;
    }
    let mut behind = at + 1;
    // `==` compares in most languages, and gives a parameter to httpie.
    if text.get(behind) == Some(&b'=') {
        behind += 1;
    }
    let named = before_of(text, before)?;
    let secret =
        name::is_secret(named.name) || (named.in_query && PARAMETERS.contains(&named.name));
    if !secret {
        return None;
    }
    let value = behind + blanks(&text[behind..]);
    if let Some(span) = quoted(text, value) {
        return Some(span);
    }
    // `--show-token=false`
    if matches!(&text[value..], b"true" | b"false") {
        return None;
    }
    // `a = b` in code or SQL is a comparison or a variable, and the string of a connection may be written so.
    if (named.apart || value > behind) && bare == Bare::Loose {
        return None;
    }
    let len = match bare {
        Bare::Blank => until_blank(&text[value..]),
        Bare::Loose => bare_length(&text[value..]),
    };
    Some(Span::new(text, value..value + len))
}

/// A name in front of a sign.
struct Named<'t> {
    name: &'t [u8],
    /// Whether blanks stand between the two.
    apart: bool,
    /// Whether it is a parameter of a URL.
    in_query: bool,
    /// The quote around it, if any, or the one that its text begins with.
    quote: Option<u8>,
    /// Whether that quote closes before the sign.
    closed: bool,
    /// Whether nothing stands before it.
    first: bool,
}

/// The name that ends at `end`: `name`, `"name"`, `\"name\"`, `x["name"]`, `$x{name}`.
fn before_of(text: &[u8], end: usize) -> Option<Named<'_>> {
    let mut at = end - text[..end].iter().rev().take_while(|byte| **byte == b' ').take(4).count();
    let apart = at < end;
    if matches!(text[..at].last(), Some(b']' | b'}')) {
        at -= 1;
    }
    let mut closed = false;
    if at > 0 && b"'\"`".contains(&text[at - 1]) {
        closed = true;
        at -= 1;
        at -= usize::from(text[..at].ends_with(b"\\"));
    }
    let len = text[..at]
        .iter()
        .rev()
        .take(name::LONGEST)
        .take_while(|byte| name::is_part(**byte))
        .count();
    let start = at - len;
    let prior = start.checked_sub(1).map(|prior| text[prior]);
    let quote = prior.filter(|prior| b"'\"`".contains(prior));
    (len > 0).then(|| Named {
        name: &text[start..at],
        apart,
        in_query: matches!(prior, Some(b'?' | b'&')),
        quote,
        closed,
        first: start == 0,
    })
}

/// The value behind the `:` at `at`: of a header, or of a key in JSON, YAML or code.
fn described(text: &[u8], at: usize) -> Option<Span> {
    // `a::type` and `a:b:c`
    if text.get(at + 1) == Some(&b':') || text[..at].ends_with(b":") {
        return None;
    }
    let named = before_of(text, at)?;
    let header = name::is_header(named.name);
    if !header && !name::is_secret(named.name) {
        return None;
    }
    let blanks = blanks(&text[at + 1..]);
    let value = at + 1 + blanks;
    if let Some(span) =
        quoted(text, value).filter(|_| !header || named.closed || named.quote.is_none())
    {
        return Some(span);
    }
    // A key of JSON with a value in no quotes, a number for one.
    if named.closed {
        let len = text[value..]
            .iter()
            .take_while(|byte| !byte.is_ascii_whitespace() && !b",}]".contains(byte))
            .count();
        return Some(Span::new(text, value..value + len));
    }
    if blanks == 0
        && !(header && (named.first || named.quote.is_some() || is_spaced(text, at, &named)))
    {
        return None;
    }
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r') || Some(*byte) == named.quote;
    let len = text[value..].iter().position(ends).unwrap_or(text.len() - value);
    let mut span = Span::new(text, value..value + len);
    if header
        && let Some(scheme) = SCHEMES.iter().find(|scheme| span.value.reveal().starts_with(scheme))
    {
        // Masked as a whole, and known again by the credentials.
        span.value = super::Secret(span.value.reveal()[scheme.len()..].to_vec());
    }
    Some(span)
}

/// Whether a blank or an `=` stands before the name.
fn is_spaced(text: &[u8], at: usize, named: &Named<'_>) -> bool {
    let start = at - named.name.len();
    start
        .checked_sub(1)
        .is_some_and(|before| text[before].is_ascii_whitespace() || text[before] == b'=')
}

/// What stands behind a place in a text. A place further on, before the same end, has the same behind it, so that
/// a text full of URLs is read once.
#[derive(Default)]
struct Ahead {
    /// The end of the word.
    word: usize,
    /// The end of a URL's authority, which may be that of the word.
    authority: usize,
    /// The last `@` before either end.
    last_at: Option<usize>,
    last_at_of_word: Option<usize>,
}

impl Ahead {
    fn look(&mut self, text: &[u8], start: usize) {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"'\"`<>".contains(byte);
        let last_at = |end: usize| {
            text[start..end].iter().rposition(|byte| *byte == b'@').map(|at| start + at)
        };
        if start > self.word {
            self.word = text[start..].iter().position(ends).map_or(text.len(), |len| start + len);
            self.last_at_of_word = last_at(self.word);
            self.authority = 0;
        }
        if start > self.authority {
            let rest = &text[start..self.word];
            self.authority = rest
                .iter()
                .position(|byte| b"/?#".contains(byte))
                .map_or(self.word, |len| start + len);
            self.last_at = last_at(self.authority);
        }
    }
}

/// The password in the URL whose `://` is at `at`.
fn of_url(text: &[u8], at: usize, ahead: &mut Ahead) -> Option<Span> {
    let start = at + 3;
    ahead.look(text, start);
    let Ahead { word, authority, .. } = *ahead;
    let colon = memchr::memchr(b':', &text[start..authority]).map(|colon| start + colon);
    let behind = |at: Option<usize>| at.filter(|at| *at >= start);
    let userinfo = behind(ahead.last_at).or_else(|| {
        // A `/` in a password that nobody encoded: what stands behind the colon is no port then.
        let port = &text[colon? + 1..authority];
        let is_port = port.iter().all(u8::is_ascii_digit) && !port.is_empty();
        let cut = text[..word].ends_with("…".as_bytes()).then_some(word - "…".len());
        (!is_port && text[start] != b'[').then(|| behind(ahead.last_at_of_word).or(cut))?
    })?;
    let at = match colon.filter(|colon| *colon < userinfo) {
        Some(colon) => {
            let password = &text[colon + 1..userinfo];
            // The password of a token says nothing, as GitHub's has it.
            let of_token = password.is_empty() || password == b"x-oauth-basic";
            if of_token { start..colon } else { colon + 1..userinfo }
        }
        None if is_long(&text[start..userinfo]) => start..userinfo,
        None => return None,
    };
    let value = super::Secret(decoded(&text[at.clone()]));
    (!at.is_empty()).then_some(Span { at, value })
}

/// Whether a user without a password is a token and no name.
fn is_long(user: &[u8]) -> bool {
    shape::is_token(user)
        || (user.len() >= 20
            && user.iter().any(u8::is_ascii_digit)
            && user.iter().all(u8::is_ascii_alphanumeric))
}

/// Percent-encoding undone, where it is whole.
fn decoded(value: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(value.len());
    let mut at = 0;
    while at < value.len() {
        let pair = (digit(value.get(at + 1)), digit(value.get(at + 2)));
        match (value[at], pair) {
            (b'%', (Some(high), Some(low))) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// The string in quotes at `at`, with a letter before the quote or a backslash: `b"…"`, `\"…\"`.
fn quoted(text: &[u8], at: usize) -> Option<Span> {
    let mut start = at;
    let letter = text.get(start).is_some_and(|byte| b"bBfFrRuUeEnN".contains(byte));
    start += usize::from(letter && matches!(text.get(start + 1), Some(b'\'' | b'"')));
    let escaped = text.get(start) == Some(&b'\\');
    start += usize::from(escaped);
    let quote = text.get(start).copied().filter(|byte| b"'\"`".contains(byte))?;
    start += 1;
    let mut end = start;
    while end < text.len() {
        match text[end] {
            b'\\' if escaped && text.get(end + 1) == Some(&quote) => break,
            b'\\' => end += 2,
            byte if byte == quote => break,
            _ => end += 1,
        }
    }
    let end = end.min(text.len());
    Some(Span::new(text, start..end))
}

/// As far as a blank that no backslash stands before.
fn until_blank(text: &[u8]) -> usize {
    let mut at = 0;
    while at < text.len() && !text[at].is_ascii_whitespace() {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

/// As far as a blank or a quote, or a `&` or `;` behind which another `name=` or nothing follows.
fn bare_length(text: &[u8]) -> usize {
    let ends = |at: usize| match text[at] {
        b'\'' | b'"' | b'`' => true,
        byte if byte.is_ascii_whitespace() => true,
        b'&' | b';' => {
            let rest = &text[at + 1..];
            let len =
                rest.iter().take(name::LONGEST).take_while(|byte| name::is_part(**byte)).count();
            rest.first().is_none_or(u8::is_ascii_whitespace)
                || (len > 0 && rest.get(len) == Some(&b'='))
        }
        _ => false,
    };
    (0..text.len()).find(|at| ends(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut spans = Vec::new();
        scan(text.as_bytes(), Bare::Loose, &mut spans);
        spans
            .into_iter()
            .map(|span| String::from_utf8_lossy(span.value.reveal()).into_owned())
            .collect()
    }

    #[test]
    fn passwords_of_urls() {
        for (text, value) in [
            ("postgres://joe:hunter2@db/x", "hunter2"),
            ("x https://joe:hunter2@h/ y", "hunter2"),
            ("mysql://joe:hu%40nter2@h", "hu@nter2"),
            ("redis://:hunter2@h:6379/0", "hunter2"),
            ("https://joe:hun@ter2@h/", "hun@ter2"),
            ("postgres://joe:hun/ter2@h/db", "hun/ter2"),
            ("https://ghp_0123456789abcdefghij@github.com/a/b", "ghp_0123456789abcdefghij"),
            (
                "https://0123456789abcdef0123456789abcdef01234567:x-oauth-basic@github.com",
                "0123456789abcdef0123456789abcdef01234567",
            ),
            ("https://oauth2:hunter2@gitlab.com/a.git", "hunter2"),
            ("postgres://joe:hunter2…", "hunter2"),
        ] {
            assert_eq!(found(text), [value], "{text}");
        }
        for text in [
            "https://h:8080/a@b",
            "ssh://git@h/x",
            "https://h/a:b@c",
            "postgres://[::1]:5432/x",
            "http://joe@h/",
            "postgres://joe:$PW@h/db",
            "postgres://joe:***@h/db",
            "http://h:80",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn values_behind_names() {
        for (text, value) in [
            ("PGPASSWORD=hunter2", "hunter2"),
            ("host=h password=hunter2 user=u", "hunter2"),
            ("password = 'hunter2'", "hunter2"),
            ("{\"password\": \"hunter2\", \"a\": 1}", "hunter2"),
            ("{\\\"password\\\":\\\"hunter2\\\"}", "hunter2"),
            ("os.environ['PGPASSWORD'] = 'hunter2'", "hunter2"),
            ("$ENV{'PGPASSWORD'} = 'hunter2'", "hunter2"),
            ("$ENV{PGPASSWORD} = 'hunter2'", "hunter2"),
            ("connect(password=\"hunter2\", user=u)", "hunter2"),
            ("db.auth({user: 'u', pwd: 'hunter2'})", "hunter2"),
            ("https://h/x?a=1&token=hunter2&b=2", "hunter2"),
            ("https://h/x?key=hunter2", "hunter2"),
            ("Server=h;Password=hunter2;Database=d", "hunter2"),
            ("Authorization: Bearer hunter2", "hunter2"),
            ("'Authorization: Basic hunter2' https://h/", "hunter2"),
            ("X-Api-Key:hunter2", "hunter2"),
            ("Cookie: hunter2", "hunter2"),
            ("a: 1\n  password: hunter2\nb: 2", "hunter2"),
            ("token:=hunter2", "hunter2"),
            ("token==hunter2", "hunter2"),
            ("{\"token\":12345678}", "12345678"),
        ] {
            assert_eq!(found(text), [value], "{text}");
        }
        for text in [
            "user=joe",
            "a.token = b.token",
            "x::text",
            "password:",
            "password=",
            "token: $TOKEN",
            "PASSWORD=${PASSWORD}",
            "secret:latest",
            "-p 8080:80",
            "password=***",
            "password=‹secret:0123abcd›",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_connection_string_ends_its_values_at_blanks() {
        let mut spans = Vec::new();
        scan(b"host=h password=a;b'c&d=e user = u password = x\\ y", Bare::Blank, &mut spans);
        let values: Vec<&[u8]> = spans.iter().map(|span| span.value.reveal()).collect();
        assert_eq!(values, [&b"a;b'c&d=e"[..], b"x\\ y"]);
    }
}
