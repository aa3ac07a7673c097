//! The command lines of `claw-classify/corpus/`: their format, and a list of them all.
//!
//! A file is a table of command lines and their facts, or it has richer lists. Those are `calls` of the
//! program that the file is named after, without the program's name, or `call`s with an `argv`.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "what reads these is a test, and a corpus is well formed")]

use std::path::Path;

/// The words of a command line, split on blanks outside single quotes.
#[must_use]
pub fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for char in line.chars() {
        match char {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

/// Every command line of every corpus, as words. The first words may be environment variables.
///
/// # Panics
/// When a corpus cannot be read.
#[must_use]
pub fn lines() -> Vec<Vec<String>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../claw-classify/corpus");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut lines: Vec<_> = files.iter().flat_map(|file| lines_of(file)).collect();
    lines.retain(|words| !words.is_empty());
    lines
}

fn lines_of(file: &Path) -> Vec<Vec<String>> {
    let program = file.file_stem().unwrap().to_str().unwrap();
    let table: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let mut lines = Vec::new();
    for (key, value) in &table {
        match (key.as_str(), value) {
            (line, toml::Value::String(_)) => lines.push(split(line)),
            ("call", toml::Value::Array(calls)) => {
                let words = calls.iter().filter_map(|call| call.get("argv")?.as_array());
                let word = |word: &toml::Value| word.as_str().unwrap().to_owned();
                lines.extend(words.map(|words| words.iter().map(word).collect()));
            }
            ("calls", toml::Value::Array(calls)) => {
                let line = calls.iter().filter_map(|call| call.get(0)?.as_str());
                lines.extend(line.map(|line| split(&format!("{program} {line}"))));
            }
            _ => {}
        }
    }
    lines
}
