//! Secrets that are known by their shape wherever they stand: tokens of well-known services, and private keys.
//!
//! Sources: the token formats as GitHub, GitLab, AWS, Slack, Stripe, OpenAI, Google, npm, PyPI, HashiCorp, DigitalOcean
//! and SendGrid document them; RFC 7519 for JSON Web Tokens; RFC 7468 for PEM.

use memchr::memmem;

use super::Span;

/// How tokens begin, and how many further letters, digits, `_`, `-` and `.` they have at least.
const TOKENS: &[(&str, usize)] = &[
    ("AKIA", 12),
    ("ASIA", 12),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 12),
    ("gldt-", 12),
    ("glptt-", 12),
    ("sk-", 16),
    ("sk_live_", 10),
    ("sk_test_", 10),
    ("rk_live_", 10),
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("AIza", 30),
    ("ya29.", 16),
    ("npm_", 20),
    ("pypi-", 24),
    ("hvs.", 16),
    ("hvb.", 16),
    ("dop_v1_", 16),
    ("SG.", 20),
    ("eyJ", 16),
];
const BEGIN: &[u8] = b"-----BEGIN ";
const KEY: &[u8] = b"PRIVATE KEY-----";
const END: &[u8] = b"-----END ";

/// Finds them in `text`.
pub(super) fn scan(text: &[u8], spans: &mut Vec<Span>) {
    let mut at = 0;
    while at < text.len() {
        match length(text, at) {
            Some(len) => {
                spans.push(Span::new(text, at..at + len));
                at += len;
            }
            None => at += 1,
        }
    }
    private_keys(text, spans);
}

/// Whether a value looks like a token by itself.
pub(super) fn is_token(value: &[u8]) -> bool {
    length(value, 0) == Some(value.len())
}

/// The length of the token that begins at `at`.
fn length(text: &[u8], at: usize) -> Option<usize> {
    if !matches!(
        text[at],
        b'A' | b'g' | b's' | b'r' | b'x' | b'y' | b'n' | b'p' | b'h' | b'd' | b'S' | b'e'
    ) {
        return None;
    }
    if at.checked_sub(1).is_some_and(|before| text[before].is_ascii_alphanumeric()) {
        return None;
    }
    let rest = &text[at..];
    let (begins, least) = TOKENS.iter().find(|(begins, _)| rest.starts_with(begins.as_bytes()))?;
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let len = rest.iter().position(|byte| !part(byte)).unwrap_or(rest.len());
    // Names such as `npm_config_registry` hold neither digits nor capitals.
    let is_random = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let is_long = len >= begins.len() + least && rest[begins.len()..len].iter().any(is_random);
    // A JSON Web Token has at least two parts.
    (is_long && (*begins != "eyJ" || rest[..len].contains(&b'.'))).then_some(len)
}

fn private_keys(text: &[u8], spans: &mut Vec<Span>) {
    let mut from = 0;
    while let Some(begin) = memmem::find(&text[from..], BEGIN).map(|at| at + from) {
        from = begin + BEGIN.len();
        let Some(key) = memmem::find(&text[from..], KEY).map(|at| at + from + KEY.len()) else {
            return;
        };
        if text[from..key].contains(&b'\n') {
            continue;
        }
        let end = memmem::find(&text[key..], END).map_or(text.len(), |at| at + key);
        if end > key {
            spans.push(Span::new(text, key..end));
        }
        from = end;
    }
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
    fn tokens_are_known_anywhere() {
        for token in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_0123456789abcdefghijABCDEFGHIJ012345",
            "github_pat_11ABCDEFG0123456789_abcdefghijklmnop",
            "glpat-ABCDEFGHIJKLMNOPQRST",
            "sk-proj-0123456789abcdefghij",
            "xoxb-123456789012-abcdefghijkl",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        ] {
            assert_eq!(found(&format!("x={token} y")), [token]);
            assert!(is_token(token.as_bytes()), "{token}");
        }
        assert_eq!(
            found(
                "npm_config_ignore_scripts the task-force of sk-8 and eyJhbGciOiJIUzI1NiJ9 ships"
            ),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn a_private_key_is_all_that_stands_between_its_lines() {
        let text =
            "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\ndef\n-----END OPENSSH PRIVATE KEY-----";
        assert_eq!(found(text), ["\nabc\ndef\n"]);
        assert_eq!(found("-----BEGIN PRIVATE KEY-----\nabc"), ["\nabc"]);
        assert_eq!(
            found("-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"),
            Vec::<&str>::new()
        );
    }
}
