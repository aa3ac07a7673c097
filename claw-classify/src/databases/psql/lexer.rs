//! psql's SQL lexer: where each text that psql sends ends, and what it holds once variables are put
//! in.
//!
//! Input: a script, line by line, and the variables. Output: the text gathered so far, with the
//! places of its parts in the script, and the places where psql stops to do something.
//! Source: `src/fe_utils/psqlscan.l` and `MainLoop` in `src/bin/psql/mainloop.c`, releases 15 to
//! 18.
//!
//! Known gaps, each of them unread with a reason: letters glued to numbers, which releases split
//! differently; a literal with escapes that continues in another literal, which psql and the server
//! read differently; a variable whose value is not known.

mod tokens;

use std::borrow::Cow;

use super::query::Query;
use super::variables::Sight;

/// Where the lexer stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A semicolon ends the text.
    Semicolon,
    /// A backslash command follows.
    Backslash,
    /// The line ends.
    EndOfLine,
}

/// Why the rest of a script is not read.
pub(super) type Unread = &'static str;

/// How many bytes variables may expand to: one may hold another twice, and so on.
const EXPANDED: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Initial,
    Comment,
    /// A quoted name.
    Name,
    /// Between the tags of a dollar quote.
    Dollar,
    Literal(Literal),
    /// After the quote that may end a literal.
    Stopped(Literal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Literal {
    Plain,
    /// `E'…'`.
    Escapes,
    /// `U&'…'`.
    Unicode,
    /// `B'…'`, `X'…'`.
    Bits,
}

/// What is being read: a line, or the value of a variable in it.
#[derive(Debug)]
struct Source<'a> {
    text: Cow<'a, str>,
    at: usize,
    /// Where a line starts in the script.
    from: Option<usize>,
    variable: Option<String>,
}

/// The first words of a statement. By them psql knows CREATE FUNCTION and PROCEDURE, in whose
/// bodies it counts BEGIN, CASE and END.
#[derive(Debug, Default)]
struct Words {
    first: [u8; 4],
    count: usize,
}

/// The lexer, at a place in a script.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    script: &'a str,
    /// Where the next line starts; none after the last one.
    next: Option<usize>,
    /// The line, and the nested variables in it.
    sources: Vec<Source<'a>>,
    state: State,
    /// Open parentheses, comments inside comments, and BEGINs.
    parens: usize,
    comments: usize,
    begins: usize,
    words: Words,
    tag: String,
    /// A literal with escapes has ended, and only white space has followed it so far.
    escapes_ended: bool,
    query: Query,
    /// The length of the text after a newline that was put between two lines.
    newline: Option<usize>,
    expanded: usize,
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_name(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_space(byte: u8) -> bool {
    b" \t\n\r\x0c".contains(&byte)
}

fn run(text: &str, within: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !within(byte)).unwrap_or(text.len())
}

/// The length of the white space at the start of `text`, or of a comment that runs to the end of
/// its line.
fn blank(text: &str) -> usize {
    if text.starts_with("--") {
        run(text, |byte| byte != b'\n' && byte != b'\r')
    } else {
        run(text, is_space)
    }
}

/// The length of `$tag$` at the start of `text`, if there is one.
fn dollar_quote(text: &str) -> Option<usize> {
    let tag = text.strip_prefix('$')?;
    let length = run(tag, |byte| is_name(byte) && byte != b'$');
    let starts = tag.bytes().next().is_none_or(|byte| !byte.is_ascii_digit());
    (starts && tag[length..].starts_with('$')).then_some(length + 2)
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of a script that holds no NUL.
    pub(super) fn new(script: &'a str) -> Self {
        Self {
            script,
            next: Some(0),
            sources: Vec::new(),
            state: State::Initial,
            parens: 0,
            comments: 0,
            begins: 0,
            words: Words::default(),
            tag: String::new(),
            escapes_ended: false,
            query: Query::default(),
            newline: None,
            expanded: 0,
        }
    }

    /// The text gathered so far.
    pub(super) fn query(&self) -> &Query {
        &self.query
    }

    /// Takes the text gathered so far, and begins a new one.
    pub(super) fn take_query(&mut self) -> Query {
        self.newline = None;
        std::mem::take(&mut self.query)
    }

    /// Whether nothing is open and nothing is gathered.
    pub(super) fn is_between_statements(&self) -> bool {
        self.query.text().is_empty() && self.parens == 0 && self.begins == 0
    }

    /// Whether the text gathered so far could be sent at the end of a line.
    pub(super) fn is_complete(&self) -> bool {
        let outside = matches!(self.state, State::Initial | State::Stopped(_));
        outside && self.parens == 0 && self.begins == 0 && !self.query.text().is_empty()
    }

    /// Closes everything that is open, as psql does after a text that a command sends.
    pub(super) fn reset(&mut self) {
        self.state = State::Initial;
        self.parens = 0;
        self.comments = 0;
        self.begins = 0;
        self.words.count = 0;
    }

    /// Drops what a branch that does not run has left.
    pub(super) fn discard(&mut self) {
        self.take_query();
        self.parens = 0;
    }

    /// Goes to the next line that is not skipped. False after the last one.
    pub(super) fn next_line(&mut self) -> bool {
        loop {
            let Some(start) = self.next else { return false };
            let rest = &self.script[start..];
            if rest.is_empty() {
                return false;
            }
            let length = rest.find('\n').unwrap_or(rest.len());
            self.next = (length < rest.len()).then_some(start + length + 1);
            let mut line = &rest[..length];
            // psql takes a byte order mark off the first line.
            if start == 0 {
                line = line.strip_prefix('\u{feff}').unwrap_or(line);
            }
            let quoted = !matches!(self.state, State::Initial | State::Stopped(_));
            if line.is_empty() && !quoted {
                continue;
            }
            let from = start + length - line.len();
            self.newline = None;
            if !self.query.text().is_empty() {
                self.query.push("\n", start.checked_sub(1));
                self.newline = Some(self.query.text().len());
            }
            self.sources.clear();
            let text = Cow::Borrowed(line);
            self.sources.push(Source { text, at: 0, from: Some(from), variable: None });
            return true;
        }
    }

    /// What follows a backslash on its line. None if the command is inside a variable.
    pub(super) fn command(&mut self) -> Option<&str> {
        // A line that holds only a command leaves no newline.
        if self.newline.take() == Some(self.query.text().len()) {
            self.query.pop();
        }
        match self.sources.as_slice() {
            [line] => Some(&line.text[line.at..]),
            _ => None,
        }
    }

    /// Continues after `length` bytes of a command.
    pub(super) fn skip(&mut self, length: usize) {
        if let Some(source) = self.sources.last_mut() {
            source.at += length;
        }
        self.state = State::Initial;
    }

    /// Reads up to the next stop. `sight` holds the variables that are put in.
    pub(super) fn scan(&mut self, sight: Option<&Sight<'_>>) -> Result<Stop, Unread> {
        loop {
            let Some(source) = self.sources.last() else { return Ok(Stop::EndOfLine) };
            if source.at == source.text.len() {
                if self.sources.len() == 1 {
                    return Ok(Stop::EndOfLine);
                }
                self.sources.pop();
                self.anchor();
                continue;
            }
            match self.state {
                State::Initial => {
                    if let Some(stop) = self.initial(sight)? {
                        return Ok(stop);
                    }
                }
                State::Comment => self.comment(),
                State::Name => self.name(),
                State::Dollar => self.dollar(),
                State::Literal(literal) => self.literal(literal),
                State::Stopped(literal) => self.stopped(literal)?,
            }
        }
    }

    fn rest(&self) -> &str {
        self.sources.last().map_or("", |source| &source.text[source.at..])
    }

    /// Gathers the next `length` bytes.
    fn emit(&mut self, length: usize) {
        if let Some(source) = self.sources.last_mut() {
            let text = &source.text[source.at..source.at + length];
            self.query.push(text, source.from.map(|from| from + source.at));
            source.at += length;
        }
    }

    fn pass(&mut self, length: usize) {
        if let Some(source) = self.sources.last_mut() {
            source.at += length;
        }
    }

    fn open(&mut self, length: usize, state: State) {
        self.emit(length);
        self.state = state;
    }

    fn initial(&mut self, sight: Option<&Sight<'_>>) -> Result<Option<Stop>, Unread> {
        let rest = self.rest();
        let space = blank(rest);
        if space > 0 {
            // psql sends no white space before a statement.
            if self.query.text().is_empty() {
                self.pass(space);
            } else {
                self.emit(space);
            }
            return Ok(None);
        }
        let byte = |at: usize| rest.as_bytes().get(at).copied().unwrap_or(0);
        let token = (byte(0), byte(1), byte(2));
        let character = rest.chars().next().map_or(1, char::len_utf8);
        let continues = std::mem::take(&mut self.escapes_ended);
        match token {
            (b'\'', ..) if continues => return Err("a literal with escapes may go on in another"),
            (b'\'', ..) => self.open(1, State::Literal(Literal::Plain)),
            (b'/', b'*', _) => {
                self.comments = 0;
                self.open(2, State::Comment);
            }
            (b'"', ..) => self.open(1, State::Name),
            (b'e' | b'E', b'\'', _) => self.open(2, State::Literal(Literal::Escapes)),
            (b'b' | b'B' | b'x' | b'X', b'\'', _) => self.open(2, State::Literal(Literal::Bits)),
            (b'u' | b'U', b'&', b'\'') => self.open(3, State::Literal(Literal::Unicode)),
            (b'u' | b'U', b'&', b'"') => self.open(3, State::Name),
            (b'n' | b'N', b'\'', _) | (b'u' | b'U', b'&', _) => self.emit(1),
            (b'$', ..) => self.dollar_sign()?,
            (b'(', ..) => {
                self.parens += 1;
                self.emit(1);
            }
            (b')', ..) => {
                self.parens = self.parens.saturating_sub(1);
                self.emit(1);
            }
            (b';', ..) => {
                self.emit(1);
                if self.parens == 0 && self.begins == 0 {
                    self.words.count = 0;
                    return Ok(Some(Stop::Semicolon));
                }
            }
            (b'\\', b';' | b':', _) => {
                self.pass(1);
                self.emit(1);
                if token.1 == b';' {
                    self.words.count = 0;
                }
            }
            (b'\\', ..) => {
                self.pass(1);
                return Ok(Some(Stop::Backslash));
            }
            (b':', b':' | b'=', _) => self.emit(2),
            (b':', ..) => self.variable(sight)?,
            (b'0'..=b'9', ..) | (b'.', b'0'..=b'9', _) => self.number()?,
            (first, ..) if is_name_start(first) => self.word(),
            _ => self.emit(character),
        }
        Ok(None)
    }
}

/// Quotes as libpq's `PQescapeLiteral` does.
pub(super) fn quoted_literal(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    match value.contains('\\') {
        true => format!(" E'{}'", doubled.replace('\\', "\\\\")),
        false => format!("'{doubled}'"),
    }
}

/// Whether a value opens and ends nothing, so that what follows reads the same with and without it.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_., ".contains(&byte))
}

#[cfg(test)]
mod tests;
