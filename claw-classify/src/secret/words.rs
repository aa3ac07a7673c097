//! Secrets in the words of a command.
//!
//! Every program that the words name speaks, whether it is the first or one that another starts (`sudo`,
//! `docker exec`, `kubectl exec --`, `xargs`): its row in [`marks`](super::marks) holds from its name on. That masks a
//! word too many where an operand happens to be called like a program.

use super::marks::{Given, Holds, Marks, Operand, marks_of};
use super::text::{self, Bare};
use super::{Span, is_value, name, scan as scan_text};

/// The spans of each of `words`; texts inside are read `depth` levels down.
pub(super) fn scan(words: &[&[u8]], depth: usize) -> Vec<Vec<Span>> {
    let mut found: Vec<Vec<Span>> = vec![Vec::new(); words.len()];
    let mut speaking: Vec<&'static Marks> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let code = at > 0 && is_before_code(words[at - 1]);
        by_itself(word, code, depth, &mut found[at]);
        if !by_marks(words, at, &speaking, depth, &mut found) {
            by_name(words, at, &mut found);
        }
        operands(words, at, &speaking, depth, &mut found);
        for marks in marks_of(word) {
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
pub(super) fn scan_input(words: &[&[u8]], input: &[u8], depth: usize) -> Vec<Span> {
    let mut spans = Vec::new();
    if depth > 0 {
        scan_text(input, depth - 1, &mut spans);
    }
    let reads_commands = words
        .iter()
        .flat_map(|word| marks_of(word))
        .any(|marks| marks.operands.iter().any(|operand| matches!(operand, Operand::Redis)));
    let reads_secret = words
        .iter()
        .any(|word| matches!(*word, b"--password-stdin" | b"--with-token" | b"--passphrase-fd"));
    let mut from = 0;
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        let start = from + (line.len() - line.trim_ascii_start().len());
        from += line.len();
        if reads_secret && is_value(text) {
            spans.push(Span::new(input, start..start + text.len()));
        }
        if reads_commands {
            let words: Vec<&[u8]> =
                text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
            let mut found = vec![Vec::new(); words.len()];
            (0..words.len()).for_each(|at| redis(&words, at, &mut found));
            spans.extend(found.into_iter().flatten());
        }
    }
    spans
}

/// What the word says without those around it, unless they say that it is code.
fn by_itself(word: &[u8], code: bool, depth: usize, spans: &mut Vec<Span>) {
    scan_text(word, depth, spans);
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

/// What a row says of the option at `at`. `false` where none speaks of it.
fn by_marks(
    words: &[&[u8]],
    at: usize,
    speaking: &[&'static Marks],
    depth: usize,
    found: &mut [Vec<Span>],
) -> bool {
    let word = words[at];
    if word.len() < 2 || word[0] != b'-' {
        return false;
    }
    let mut spoken = false;
    for marks in speaking {
        if !marks.needs.is_empty()
            && !words[..at].iter().any(|word| *word == marks.needs.as_bytes())
        {
            continue;
        }
        for option in marks.options {
            let Some(given) = marks.find(option, word) else { continue };
            spoken = true;
            match (option.given, given) {
                (Given::Nothing, _) => {}
                (_, Some(start)) => hold(option.holds, word, start, depth, &mut found[at]),
                (Given::Attached, None) => {}
                (Given::Anyhow, None) => {
                    if let Some(next) = words.get(at + 1) {
                        hold(option.holds, next, 0, depth, &mut found[at + 1]);
                    }
                }
            }
        }
    }
    spoken
}

/// An option whose name says that its value is a secret.
fn by_name(words: &[&[u8]], at: usize, found: &mut [Vec<Span>]) {
    let word = words[at];
    let Some(next) = words.get(at + 1) else { return };
    let option = word.starts_with(b"-") && word.iter().skip(1).all(|byte| name::is_part(*byte));
    // `aws configure set NAME VALUE`, `npm config set NAME VALUE`
    let set = || words[..at].iter().any(|word| matches!(*word, b"set" | b"config" | b"configure"));
    let setting = || !word.contains(&b'=') && words[at - 1] != b"--" && set();
    let named = if option {
        word.len() > 2 && name::takes_secret(word)
    } else {
        at > 0 && name::is_secret(word) && setting()
    };
    if named && !next.starts_with(b"-") && is_value(next) && !matches!(*next, b"true" | b"false") {
        found[at + 1].push(Span::new(next, 0..next.len()));
    }
}

/// What a row says of the operand at `at`.
fn operands(
    words: &[&[u8]],
    at: usize,
    speaking: &[&'static Marks],
    depth: usize,
    found: &mut [Vec<Span>],
) {
    let word = words[at];
    for marks in speaking {
        for operand in marks.operands {
            match operand {
                Operand::Text(holds) if !word.starts_with(b"-") => {
                    hold(*holds, word, 0, depth, &mut found[at])
                }
                Operand::Behind { words: path, skip } => {
                    let behind = behind(words, at, path);
                    if behind == Some(*skip) {
                        hold(Holds::Secret, word, 0, depth, &mut found[at]);
                    }
                }
                Operand::Pairs(path) if behind(words, at, path).is_some() => {
                    hold(Holds::Pair, word, 0, depth, &mut found[at])
                }
                Operand::Last(option)
                    if at + 1 == words.len()
                        && words[..at].iter().any(|word| is_given(word, option)) =>
                {
                    hold(Holds::Secret, word, 0, depth, &mut found[at]);
                }
                Operand::Redis => redis(words, at, found),
                Operand::Text(_) | Operand::Pairs(_) | Operand::Last(_) => {}
            }
        }
    }
}

/// How many operands stand between the command `path` and the operand at `at`.
fn behind(words: &[&[u8]], at: usize, path: &[&str]) -> Option<usize> {
    if words[at].starts_with(b"-") {
        return None;
    }
    let (last, before) = path.split_last()?;
    let command = words[..at].iter().position(|word| *word == last.as_bytes())?;
    let follows =
        before.iter().all(|step| words[..command].iter().any(|word| *word == step.as_bytes()));
    follows.then(|| words[command + 1..at].iter().filter(|word| !word.starts_with(b"-")).count())
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

/// A command of Redis whose words hold a password.
fn redis(words: &[&[u8]], at: usize, found: &mut [Vec<Span>]) {
    let is = |at: usize, word: &str| {
        words.get(at).is_some_and(|given| given.eq_ignore_ascii_case(word.as_bytes()))
    };
    let mut add = |at: usize, skip: usize| {
        if let Some(word) =
            words.get(at).filter(|word| word.len() > skip && is_value(&word[skip..]))
        {
            found[at].push(Span::new(word, skip..word.len()));
        }
    };
    if is(at, "auth") || is(at, "auth2") {
        // `AUTH password` or `AUTH user password`: both words where there are two.
        add(at + 1, 0);
        add(at + 2, 0);
    }
    if is(at, "requirepass") || is(at, "masterauth") {
        add(at + 1, 0);
    }
    if is(at, "setuser") {
        for (offset, word) in words[at + 1..].iter().enumerate() {
            if matches!(word.first(), Some(b'>' | b'<' | b'#')) {
                add(at + 1 + offset, 1);
            }
        }
    }
}

/// Marks what a value from `start` on holds.
fn hold(holds: Holds, word: &[u8], start: usize, depth: usize, spans: &mut Vec<Span>) {
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
            scan_text(value, depth, &mut inner);
            spans.extend(inner.into_iter().map(|span| span.moved(start)));
        }
    }
}

/// `name = …`
fn is_conninfo(value: &[u8]) -> bool {
    let name = value.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count();
    name > 0 && value[name..].trim_ascii_start().starts_with(b"=")
}
