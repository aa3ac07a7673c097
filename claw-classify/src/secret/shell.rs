//! Secrets in a text with command lines in it: of a shell, of another language that runs commands, or a list of
//! words in brackets.
//!
//! The text is cut into words without asking which language it is: quotes hold a word together, and
//! signs of shells and of lists part commands and words. Where the shell's own reader
//! ([`crate::language::shell`]) understands the text, the commands that it finds are read as well: it
//! knows escapes, here-documents and substitutions.

use std::ops::Range;

use memchr::memmem;

use super::{Scope, Span, words};
use crate::language::shell::{Input, commands};

/// One word of a text, with its quotes taken away.
#[derive(Debug, Default)]
struct Word {
    value: Vec<u8>,
    /// Where pieces of the value begin, and where in the text each comes from.
    pieces: Vec<(usize, usize)>,
}

impl Word {
    fn take(&mut self, text: &[u8], at: Range<usize>) {
        if !at.is_empty() {
            let continues = self
                .pieces
                .last()
                .is_some_and(|(value, from)| self.value.len() - value + from == at.start);
            if !continues {
                self.pieces.push((self.value.len(), at.start));
            }
            self.value.extend_from_slice(&text[at]);
        }
    }

    /// Where a part of the value stands in the text.
    fn place(&self, at: &Range<usize>) -> Option<Range<usize>> {
        let of = |byte: usize| {
            let (value, from) = self.pieces.iter().rev().find(|(value, _)| *value <= byte)?;
            Some(byte - value + from)
        };
        Some(of(at.start)?..of(at.end.checked_sub(1)?)? + 1)
    }
}

/// Finds them in `text`; texts inside its words are read as `scope` says.
pub(super) fn scan(text: &[u8], scope: Scope, spans: &mut Vec<Span>) {
    let in_words = |byte: u8| byte.is_ascii_whitespace() || b"'\"`".contains(&byte);
    if !text.iter().any(|byte| in_words(*byte)) {
        return;
    }
    for command in cut(text) {
        let values: Vec<&[u8]> = command.iter().map(|word| &*word.value).collect();
        for (word, found) in command.iter().zip(words::scan(&values, scope)) {
            spans.extend(found.into_iter().filter_map(|span| {
                let at = word.place(&span.at)?;
                Some(Span { at, value: span.value })
            }));
        }
    }
    // What it knows beyond the words as they stand.
    if text.iter().any(|byte| b"\\$<`".contains(byte)) {
        by_the_shells_reader(text, scope, spans);
    }
}

/// What the commands hold that the shell's reader finds, wherever it stands in `text` as it is meant.
fn by_the_shells_reader(text: &[u8], scope: Scope, spans: &mut Vec<Span>) {
    let Ok(commands) = commands(text) else { return };
    for command in commands {
        let words: Vec<&[u8]> =
            command.words.iter().map(|word| word.as_deref().unwrap_or_default()).collect();
        let mut found: Vec<Span> = words::scan(&words, scope).into_iter().flatten().collect();
        if let Input::Text(input) = &command.input {
            found.extend(words::scan_input(&words, input, scope));
        }
        for (name, value) in &command.assignments {
            found.extend(
                value.iter().flat_map(|value| super::in_variable(scope.programs, name, value)),
            );
        }
        for span in found {
            let spelling = span.value.reveal();
            if spelling.len() >= super::SHORT {
                let places = memmem::find_iter(text, spelling);
                spans.extend(
                    places
                        .map(|at| Span { at: at..at + spelling.len(), value: span.value.clone() }),
                );
            }
        }
    }
}

/// The commands of a text, each a list of words.
fn cut(text: &[u8]) -> Vec<Vec<Word>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<Word> = None;
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        match byte {
            b'\n' | b';' | b'|' | b'&' | b'(' | b')' | b'`' => {
                finish(&mut commands, &mut word);
                commands.push(Vec::new());
                at += 1;
            }
            byte if byte.is_ascii_whitespace() => {
                finish(&mut commands, &mut word);
                at += 1;
            }
            b'\'' | b'"' => match closing(text, at) {
                Some(end) => {
                    let word = word.get_or_insert_default();
                    take_quoted(text, at, end, word);
                    at = end + 1;
                }
                // An apostrophe, or a text that was cut off.
                None => {
                    word.get_or_insert_default().take(text, at..at + 1);
                    at += 1;
                }
            },
            b'\\' if text.get(at + 1) == Some(&b'\n') => at += 2,
            b'\\' if at + 1 < text.len() => {
                word.get_or_insert_default().take(text, at + 1..at + 2);
                at += 2;
            }
            // Lists of other languages.
            b'[' | b'{' | b',' | b']' | b'}' if parts_words(text, at, word.is_some()) => {
                finish(&mut commands, &mut word);
                at += 1;
            }
            _ => {
                let rest = text[at + 1..].iter().position(|byte| ends_run(*byte));
                let end = rest.map_or(text.len(), |len| at + 1 + len);
                word.get_or_insert_default().take(text, at..end);
                at = end;
            }
        }
    }
    finish(&mut commands, &mut word);
    commands.retain(|command| !command.is_empty());
    commands
}

/// Whether a byte means something outside of quotes.
fn ends_run(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b";|&()`'\"\\[]{},".contains(&byte)
}

fn finish(commands: &mut [Vec<Word>], word: &mut Option<Word>) {
    if let (Some(command), Some(word)) = (commands.last_mut(), word.take()) {
        command.push(word);
    }
}

/// Whether a bracket or comma stands between words: beside a quote or a blank, or before a word.
fn parts_words(text: &[u8], at: usize, in_word: bool) -> bool {
    let beside = |byte: Option<&u8>| {
        byte.is_none_or(|byte| byte.is_ascii_whitespace() || b"'\"[]{},()".contains(byte))
    };
    !in_word
        || (beside(text.get(at + 1))
            && beside(at.checked_sub(1).and_then(|before| text.get(before))))
        || matches!(at.checked_sub(1).map(|before| text[before]), Some(b'\'' | b'"'))
}

/// Where the quote that opens at `at` closes.
fn closing(text: &[u8], at: usize) -> Option<usize> {
    let quote = text[at];
    let escapes = quote == b'"' || text[..at].ends_with(b"$");
    let mut end = at + 1;
    while end < text.len() {
        match text[end] {
            b'\\' if escapes => end += 1,
            byte if byte == quote => return Some(end),
            _ => {}
        }
        end += 1;
    }
    None
}

fn take_quoted(text: &[u8], at: usize, end: usize, word: &mut Word) {
    if text[at] == b'\'' {
        // `$'…'`: what its escapes mean is for the shell's reader.
        word.take(text, at + 1..end);
        return;
    }
    let mut from = at + 1;
    while from < end {
        if text[from] == b'\\' && b"\"\\$`\n".contains(&text[from + 1]) {
            from += 1;
        }
        word.take(text, from..from + 1);
        from += 1;
    }
}
