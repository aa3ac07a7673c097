//! Secrets in the words of a command.
//!
//! Every program that the words name speaks, whether it is the first or one that another starts (`sudo`,
//! `docker exec`, `kubectl exec --`, `xargs`): what is marked of it holds from its name on. That masks a
//! word too many where an operand happens to be called like a program.

use std::collections::HashMap;

use super::marks::{Given, Holds, Marks, Operand, Programs};
use super::text::{self, Bare};
use super::{Scope, Span, is_value, name, scan as scan_text};

/// The words of a command, with what is asked about those before a word.
struct Command<'w> {
    words: &'w [&'w [u8]],
    /// Where each word stands first.
    first: HashMap<&'w [u8], usize>,
    /// How many of the words before each are operands.
    operands: Vec<usize>,
    /// Where `set` or its like stands first.
    set: Option<usize>,
}

impl<'w> Command<'w> {
    fn of(words: &'w [&'w [u8]]) -> Self {
        let mut first = HashMap::with_capacity(words.len());
        let mut operands = Vec::with_capacity(words.len());
        let mut count = 0;
        for (at, word) in words.iter().enumerate() {
            first.entry(*word).or_insert(at);
            operands.push(count);
            count += usize::from(!word.starts_with(b"-"));
        }
        let set = [&b"set"[..], b"config", b"configure"]
            .iter()
            .filter_map(|word| first.get(word).copied())
            .min();
        Self { words, first, operands, set }
    }

    /// Whether `word` stands before the word at `at`.
    fn has_before(&self, word: &[u8], at: usize) -> bool {
        self.first.get(word).is_some_and(|first| *first < at)
    }

    /// How many operands stand between the command `path` and the operand at `at`.
    fn behind(&self, at: usize, path: &[&str]) -> Option<usize> {
        if self.words[at].starts_with(b"-") {
            return None;
        }
        let (last, before) = path.split_last()?;
        let command = *self.first.get(last.as_bytes()).filter(|command| **command < at)?;
        let follows = before.iter().all(|step| self.has_before(step.as_bytes(), command));
        follows.then(|| self.operands[at] - self.operands[command] - 1)
    }
}

/// The spans of each of `words`; texts inside are read as `scope` says.
pub(super) fn scan(words: &[&[u8]], scope: Scope) -> Vec<Vec<Span>> {
    let mut found: Vec<Vec<Span>> = vec![Vec::new(); words.len()];
    let command = Command::of(words);
    let mut speaking: Vec<&'static Marks> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let code = at > 0 && is_before_code(words[at - 1]);
        by_itself(word, code, scope, &mut found[at]);
        if !by_marks(&command, at, &speaking, scope, &mut found) {
            by_name(&command, at, &mut found);
        }
        operands(&command, at, &speaking, scope, &mut found);
        for marks in scope.programs.named(word) {
            if speaking.iter().all(|known| !std::ptr::eq(*known, marks)) {
                speaking.push(marks);
            }
        }
    }
    for (word, spans) in words.iter().zip(&mut found) {
        *spans = super::settled(word, std::mem::take(spans));
    }
    found
}

/// The spans of what a command reads from standard input.
pub(super) fn scan_input(words: &[&[u8]], input: &[u8], scope: Scope) -> Vec<Span> {
    let mut spans = Vec::new();
    if let Some(inner) = scope.inner() {
        scan_text(input, inner, &mut spans);
    }
    if speak_redis(words, scope.programs) {
        commands_of_redis(input, &mut spans);
    }
    let is_secret = |word: &&[u8]| matches!(*word, b"--password-stdin" | b"--with-token");
    let text = input.trim_ascii();
    if words.iter().any(is_secret) && is_value(text) {
        let start = input.len() - input.trim_ascii_start().len();
        spans.push(Span::new(input, start..start + text.len()));
    }
    spans
}

/// Whether one of these programs is given commands of Redis.
pub(super) fn speak_redis(words: &[&[u8]], programs: &Programs) -> bool {
    let of_redis = |operand: &Operand| matches!(operand, Operand::Redis);
    words.iter().any(|word| programs.named(word).any(|marks| marks.operands.iter().any(of_redis)))
}

/// The passwords in commands of Redis, one a line.
pub(super) fn commands_of_redis(text: &[u8], spans: &mut Vec<Span>) {
    let mut from = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let mut places = Vec::new();
        let mut at = 0;
        for piece in line.split_inclusive(u8::is_ascii_whitespace) {
            let word = piece.trim_ascii();
            if !word.is_empty() {
                places.push((from + at, word));
            }
            at += piece.len();
        }
        let words: Vec<&[u8]> = places.iter().map(|(_, word)| *word).collect();
        let of_user = words.iter().any(|word| word.eq_ignore_ascii_case(b"setuser"));
        let mut found = vec![Vec::new(); words.len()];
        (0..words.len()).for_each(|at| redis(&words, at, of_user, &mut found));
        for ((start, _), found) in places.iter().zip(found) {
            spans.extend(found.into_iter().map(|span| span.moved(*start)));
        }
        from += line.len();
    }
}

/// What the word says without those around it, unless they say that it is code.
fn by_itself(word: &[u8], code: bool, scope: Scope, spans: &mut Vec<Span>) {
    scan_text(word, scope, spans);
    // `PGPASSWORD=…` as `env` and `docker -e` take it: the whole rest, whatever is in it.
    if let Some(at) = memchr::memchr(b'=', word) {
        let (name, value) = (&word[..at], &word[at + 1..]);
        let variable = name
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
        if variable && !code && name::is_secret(name) && is_value(value) {
            spans.push(Span::new(word, at + 1..word.len()));
        }
    }
}

/// `-c`, `-lc`: what shells and `su` are given code by.
fn is_before_code(word: &[u8]) -> bool {
    word.strip_prefix(b"-")
        .and_then(|rest| rest.strip_suffix(b"c"))
        .is_some_and(|rest| rest.iter().all(u8::is_ascii_lowercase))
}

/// What marks say of the option at `at`. `false` where none speaks of it.
fn by_marks(
    command: &Command<'_>,
    at: usize,
    speaking: &[&'static Marks],
    scope: Scope,
    found: &mut [Vec<Span>],
) -> bool {
    let word = command.words[at];
    if word.len() < 2 || word[0] != b'-' {
        return false;
    }
    let mut spoken = false;
    for marks in speaking {
        if !marks.needs.is_empty() && !command.has_before(marks.needs.as_bytes(), at) {
            continue;
        }
        for option in marks.options {
            let Some(given) = marks.find(option, word) else { continue };
            spoken = true;
            match (option.given, given) {
                (Given::Nothing, _) | (Given::Attached, None) => {}
                (Given::Attached | Given::Anyhow, Some(start)) => {
                    hold(option.holds, word, start, scope, &mut found[at]);
                }
                (Given::Anyhow, None) => {
                    if let Some(next) = command.words.get(at + 1) {
                        hold(option.holds, next, 0, scope, &mut found[at + 1]);
                    }
                }
            }
        }
    }
    spoken
}

/// An option whose name says that its value is a secret.
fn by_name(command: &Command<'_>, at: usize, found: &mut [Vec<Span>]) {
    let word = command.words[at];
    let Some(next) = command.words.get(at + 1) else { return };
    let named = if word.starts_with(b"-") {
        word.len() > 2
            && word.iter().skip(1).all(|byte| name::is_part(*byte))
            && name::takes_secret(word)
    } else {
        // `aws configure set NAME VALUE`, `npm config set NAME VALUE`
        let set = command.set.is_some_and(|set| set < at);
        set && !word.contains(&b'=') && command.words[at - 1] != b"--" && name::is_secret(word)
    };
    let is_switch = next.starts_with(b"-") || matches!(*next, b"true" | b"false");
    if named && !is_switch && is_value(next) {
        found[at + 1].push(Span::new(next, 0..next.len()));
    }
}

/// What marks say of the operand at `at`.
fn operands(
    command: &Command<'_>,
    at: usize,
    speaking: &[&'static Marks],
    scope: Scope,
    found: &mut [Vec<Span>],
) {
    let word = command.words[at];
    for operand in speaking.iter().flat_map(|marks| marks.operands) {
        let holds = match operand {
            Operand::Text(holds) => (!word.starts_with(b"-")).then_some(*holds),
            Operand::Behind { words, skip } => {
                (command.behind(at, words) == Some(*skip)).then_some(Holds::Secret)
            }
            Operand::Pairs(path) => command.behind(at, path).map(|_| Holds::Pair),
            Operand::Last(option) => {
                let last = at + 1 == command.words.len();
                let given = || command.words[..at].iter().any(|word| is_given(word, option));
                (last && given()).then_some(Holds::Secret)
            }
            Operand::Redis => {
                redis(
                    command.words,
                    at,
                    [&b"setuser"[..], b"SETUSER"].iter().any(|word| command.has_before(word, at)),
                    found,
                );
                None
            }
        };
        if let Some(holds) = holds {
            hold(holds, word, 0, scope, &mut found[at]);
        }
    }
}

/// Whether `word` is the option, or the short option stands among others behind one dash.
fn is_given(word: &[u8], option: &str) -> bool {
    let bytes = option.as_bytes();
    word == bytes
        || (bytes.len() == 2
            && word.len() > 1
            && word[0] == b'-'
            && word[1] != b'-'
            && word[1..].contains(&bytes[1]))
}

/// A command of Redis, one word of which holds a password or says that the next one does.
fn redis(words: &[&[u8]], at: usize, of_user: bool, found: &mut [Vec<Span>]) {
    let is = |word: &str| words[at].eq_ignore_ascii_case(word.as_bytes());
    let mut add = |at: usize, skip: usize| {
        if let Some(word) =
            words.get(at).filter(|word| word.len() > skip && is_value(&word[skip..]))
        {
            found[at].push(Span::new(word, skip..word.len()));
        }
    };
    if is("auth") || is("auth2") {
        // `AUTH password` or `AUTH user password`: both words where there are two.
        add(at + 1, 0);
        add(at + 2, 0);
    } else if is("requirepass") || is("masterauth") {
        add(at + 1, 0);
    } else if of_user && matches!(words[at].first(), Some(b'>' | b'<' | b'#')) {
        // `ACL SETUSER joe >password`
        add(at, 1);
    }
}

/// Marks what a value from `start` on holds.
fn hold(holds: Holds, word: &[u8], start: usize, scope: Scope, spans: &mut Vec<Span>) {
    let value = &word[start..];
    let mut all = |from: usize| {
        if is_value(&value[from..]) {
            spans.push(Span::new(word, start + from..word.len()));
        }
    };
    let behind = |sign: u8| memchr::memchr(sign, value).map(|at| at + 1);
    match holds {
        Holds::Secret => all(0),
        Holds::UserPassword => _ = behind(b':').map(&mut all),
        Holds::UserPercent => _ = behind(b'%').map(&mut all),
        Holds::UserSlash => {
            if let Some(from) = behind(b'/') {
                let end =
                    memchr::memrchr(b'@', value).filter(|at| *at > from).unwrap_or(value.len());
                if is_value(&value[from..end]) {
                    spans.push(Span::new(word, start + from..start + end));
                }
            }
        }
        Holds::PasswordSource => {
            if value.starts_with(b"pass:") {
                all(b"pass:".len());
            }
        }
        Holds::Pair => _ = behind(b'=').map(&mut all),
        Holds::Cookie => {
            if value.contains(&b'=') {
                all(0);
            }
        }
        Holds::Conninfo if is_conninfo(value) => {
            let mut inner = Vec::new();
            text::scan(value, Bare::Blank, &mut inner);
            spans.extend(inner.into_iter().map(|span| span.moved(start)));
        }
        // The name of a database, or what another option is given.
        Holds::Conninfo => {}
        Holds::Text => {
            let mut inner = Vec::new();
            scan_text(value, scope, &mut inner);
            spans.extend(inner.into_iter().map(|span| span.moved(start)));
        }
    }
}

/// `name = …`
fn is_conninfo(value: &[u8]) -> bool {
    let name = value.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count();
    name > 0 && value[name..].trim_ascii_start().starts_with(b"=")
}
