//! Where secrets stand: in the words and variables of a call, and in any text that tells of it.
//!
//! Input: bytes. Output: [`Span`]s, each with the [`Secret`] that stands there. Rules are never asked about a
//! masked value; masking is for whoever writes a call down or shows it.
//!
//! A place is found by what marks it, never by how random a value looks:
//! - an option or operand that is marked as holding a secret, beside the tool's row or in [`others`];
//! - a name: of an option, a variable, a query parameter, a header, a key of JSON or YAML, a column ([`name`]);
//! - the user's part of a URL, SQL's own words, headers ([`text`], [`sql`]);
//! - the shape of well-known tokens and of private keys ([`shape`]).
//!
//! Words that hold text of a shell, or code with command lines in it, are read again as such ([`shell`]).
//! Reading is loose on purpose: a call that no tool can read is masked too, and where two readings
//! differ both are masked. Too much masked costs a reader of the log some detail, too little costs a password.
//!
//! Known gaps: a secret that nothing marks (`echo hunter2`, a key as the second argument of a SQL function), one
//! that is encoded (base64, a query compressed), and one that is put together when the program runs.

pub(crate) mod marks;
mod name;
mod others;
mod shape;
mod shell;
mod sql;
mod text;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::memmem;

use crate::call::{Call, Stdin, text as readable};
use marks::Programs;

/// How deep texts inside texts are read.
const DEPTH: usize = 4;
/// The shortest value that is looked for inside longer words. A shorter one counts as a whole word only.
const SHORT: usize = 4;
/// What stands for a secret where people read it at once: in a denial, on a terminal.
pub const HIDDEN: &str = "***";
/// How a masked value begins in a record.
pub const MASKED: &str = "‹secret:";

/// What texts are read with, and how deep those inside them.
#[derive(Debug, Clone, Copy)]
struct Scope {
    programs: &'static Programs,
    left: usize,
}

impl Scope {
    fn of(programs: &'static Programs) -> Self {
        Self { programs, left: DEPTH }
    }

    /// The scope of a text inside, where one is still read.
    fn inner(self) -> Option<Self> {
        Some(Self { left: self.left.checked_sub(1)?, ..self })
    }
}

/// A value that is not to be shown: `Debug` and `Display` write `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The value itself, for a digest or a comparison.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A place in a text where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The bytes to mask.
    pub at: Range<usize>,
    /// The value that stands there, without what only quotes or introduces it.
    pub value: Secret,
}

impl Span {
    fn new(text: &[u8], at: Range<usize>) -> Self {
        let value = Secret(text[at.clone()].to_vec());
        Self { at, value }
    }

    fn moved(mut self, by: usize) -> Self {
        self.at = self.at.start + by..self.at.end + by;
        self
    }
}

/// The secrets of one call: where they stand in its words, and what they are, so that they are known
/// again in a text that tells of the call.
#[derive(Debug, Clone)]
pub struct Secrets {
    programs: &'static Programs,
    words: Vec<Vec<Span>>,
    known: Vec<Known>,
    /// Whether a text about the call may be a command of Redis, in which a place alone marks a password.
    of_redis: bool,
}

/// A secret and one way in which it may be written.
#[derive(Clone)]
struct Known {
    spelling: Vec<u8>,
    value: Secret,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.value, f)
    }
}

/// The secrets of a call: of its words, of its variables, and of its standard input where that is known.
pub(crate) fn of_call(programs: &'static Programs, call: &Call<'_>) -> Secrets {
    let words = words::scan(call.argv, Scope::of(programs));
    let mut known = Vec::new();
    for (word, spans) in call.argv.iter().zip(&words) {
        learn(&mut known, word, spans);
    }
    for entry in call.env {
        if let Some(at) = memchr::memchr(b'=', entry) {
            let (name, value) = (&entry[..at], &entry[at + 1..]);
            learn(&mut known, value, &in_variable(programs, name, value));
        }
    }
    if let Stdin::Content(content) = call.stdin {
        learn(&mut known, content, &in_text(programs, content));
    }
    known.sort_by(|one: &Known, other| one.spelling.cmp(&other.spelling));
    known.dedup_by(|one, other| one.spelling == other.spelling);
    Secrets { programs, words, known, of_redis: words::speak_redis(call.argv, programs) }
}

/// Where secrets stand in a text of which nothing else is known.
pub(crate) fn in_text(programs: &'static Programs, text: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    if !text.is_empty() {
        scan(text, Scope::of(programs), &mut spans);
    }
    settled(text, spans)
}

/// Where secrets stand in the value of the variable `name`: all of it, where the name says so.
pub(crate) fn in_variable(programs: &'static Programs, name: &[u8], value: &[u8]) -> Vec<Span> {
    if name::is_secret(name) && is_value(value) {
        return vec![Span::new(value, 0..value.len())];
    }
    in_text(programs, value)
}

/// `text` with each of `spans` replaced by what `show` makes of it. The spans are in order and apart, as every
/// function here gives them.
pub fn masked(text: &[u8], spans: &[Span], show: impl Fn(&Secret) -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        out.extend_from_slice(&text[done..span.at.start]);
        out.extend_from_slice(show(&span.value).as_bytes());
        done = span.at.end;
    }
    out.extend_from_slice(&text[done..]);
    out
}

impl Secrets {
    /// Where secrets stand in the word at `index` of the call.
    #[must_use]
    pub fn of_word(&self, index: usize) -> &[Span] {
        self.words.get(index).map_or(&[], Vec::as_slice)
    }

    /// Whether the call holds nothing that could make a secret of a part of any text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && !self.of_redis
    }

    /// Adds what another call of the same program holds: the one that was asked for, where another runs.
    pub fn know(&mut self, other: &Self) {
        self.known.extend(other.known.iter().cloned());
    }

    /// Where secrets stand in a text that tells of the call: those of the call itself, wherever they are, and
    /// what [`in_text`] finds.
    #[must_use]
    pub fn in_text(&self, text: &[u8]) -> Vec<Span> {
        let mut spans = Vec::new();
        if !text.is_empty() {
            scan(text, Scope::of(self.programs), &mut spans);
            for known in &self.known {
                known.find(text, &mut spans);
            }
            if self.of_redis {
                words::commands_of_redis(text, &mut spans);
            }
        }
        settled(text, spans)
    }

    /// A text that tells of the call, with [`HIDDEN`] for each secret.
    #[must_use]
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let spans = self.in_text(text.as_bytes());
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let hidden = masked(text.as_bytes(), &spans, |_| HIDDEN.to_owned());
        Cow::Owned(String::from_utf8_lossy(&hidden).into_owned())
    }
}

impl Known {
    fn find(&self, text: &[u8], spans: &mut Vec<Span>) {
        let len = self.spelling.len();
        for start in memmem::find_iter(text, &self.spelling) {
            let at = start..start + len;
            if len >= SHORT || stands_alone(text, &at) {
                spans.push(Span { at, value: self.value.clone() });
            }
        }
        // Texts for people are cut at a length, and then end in an ellipsis.
        if let Some(cut) = text.strip_suffix("…".as_bytes()) {
            let longest = (SHORT..len).rev().find(|&len| cut.ends_with(&self.spelling[..len]));
            if let Some(len) = longest {
                spans.push(Span { at: cut.len() - len..cut.len(), value: self.value.clone() });
            }
        }
    }
}

/// Remembers what stands at `spans`, as it is written and as it is meant.
fn learn(known: &mut Vec<Known>, text: &[u8], spans: &[Span]) {
    for Span { at, value } in spans {
        let written = &text[at.clone()];
        let spelled = readable(value.reveal());
        let mut spellings = vec![written, value.reveal(), spelled.as_bytes()];
        spellings.dedup();
        known.extend(
            spellings
                .into_iter()
                .filter(|spelling| !spelling.is_empty())
                .map(|spelling| Known { spelling: spelling.to_vec(), value: value.clone() }),
        );
    }
}

/// Everything that can be found in one text, in no order.
fn scan(text: &[u8], scope: Scope, spans: &mut Vec<Span>) {
    text::scan(text, text::Bare::Loose, spans);
    sql::scan(text, spans);
    shape::scan(text, spans);
    if let Some(inner) = scope.inner() {
        shell::scan(text, inner, spans);
    }
}

/// In order, and apart: of spans that overlap, the one that reaches further stands for both.
fn settled(text: &[u8], mut spans: Vec<Span>) -> Vec<Span> {
    if spans.len() > 1 {
        spans.sort_by_key(|span| (span.at.start, std::cmp::Reverse(span.at.end)));
        spans.dedup_by(|next, kept| {
            if next.at.start >= kept.at.end {
                return false;
            }
            if next.at.end > kept.at.end {
                *kept = Span::new(text, kept.at.start..next.at.end);
            }
            true
        });
    }
    spans
}

/// Whether this can be a secret: not empty, not masked already, no mere mention of a variable.
fn is_value(value: &[u8]) -> bool {
    let masked = value == HIDDEN.as_bytes() || value.starts_with(MASKED.as_bytes());
    !value.is_empty() && !masked && !is_mention(value)
}

/// `$NAME`, `${NAME}`, `{{ … }}` or `<…>`: the value is elsewhere.
fn is_mention(value: &[u8]) -> bool {
    let name = |name: &[u8]| {
        !name.is_empty()
            && !name[0].is_ascii_digit()
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    let braced = value.strip_prefix(b"${").and_then(|rest| rest.strip_suffix(b"}"));
    value.strip_prefix(b"$").is_some_and(name)
        || braced.is_some_and(name)
        || (value.starts_with(b"{{") && value.ends_with(b"}}"))
        || (value.starts_with(b"$(") && value.ends_with(b")"))
}

/// Whether no letter or digit touches the span.
fn stands_alone(text: &[u8], at: &Range<usize>) -> bool {
    let apart = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    apart(at.start.checked_sub(1).and_then(|before| text.get(before))) && apart(text.get(at.end))
}

#[cfg(test)]
mod tests;
