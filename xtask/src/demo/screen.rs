//! How the demonstration looks: indented, coloured on a terminal, long output shortened in the middle.

use std::io::{self, IsTerminal, Write};

use super::record::Record;
use crate::command::quote;

/// Lines of a command's output that are shown from its start and from its end.
const HEAD: usize = 5;
const TAIL: usize = 3;
/// Characters of a record's call that are shown.
const CALL: usize = 88;

#[derive(Clone, Copy)]
enum Colour {
    Plain = 0,
    Bold = 1,
    Faint = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
}

/// A heading between parts.
pub(crate) fn title(text: &str) {
    line(&format!("\n{}", paint(Colour::Bold, text)));
}

/// Running text, wrapped to 80 columns.
pub(crate) fn paragraph(text: &str) {
    for row in wrap(text, 78) {
        line(&format!("  {row}"));
    }
}

/// A numbered heading.
pub(crate) fn step(number: usize, text: &str) {
    line(&format!("\n{}", paint(Colour::Bold, &format!("{number}. {text}"))));
}

/// The command that is run.
pub(crate) fn command(argv: &[&str]) {
    let words: Vec<String> = argv.iter().map(|word| quote(word)).collect();
    line(&format!("  {} {}", paint(Colour::Cyan, "$"), paint(Colour::Cyan, &words.join(" "))));
}

/// What the command wrote, and how it ended.
pub(crate) fn output(text: &str, ending: &str) {
    for row in shorten(&text.trim_end().lines().collect::<Vec<_>>()) {
        line(&format!("  {} {row}", paint(Colour::Faint, "|")));
    }
    line(&format!("  {}", paint(Colour::Faint, &format!("({ending})"))));
}

/// claw's records of the command. It shows the first ungoverned program (a shell, an interpreter) and counts
/// the rest: a wrapper written in shell may start dozens.
pub(crate) fn records(records: &[Record]) {
    let ordinary = records.iter().filter(|record| record.is_ordinary()).count();
    let mut seen = 0;
    for entry in records {
        if entry.is_ordinary() {
            seen += 1;
            match seen {
                1 => {}
                2 => {
                    let text = format!("and {} more such programs, allowed", ordinary - 1);
                    line(&format!("                {}", paint(Colour::Faint, &text)));
                    continue;
                }
                _ => continue,
            }
        }
        record(entry);
    }
}

fn record(record: &Record) {
    let colour = match record.verdict() {
        "allow" => Colour::Green,
        "rewrite" | "ask" => Colour::Yellow,
        "deny" => Colour::Red,
        _ => Colour::Plain,
    };
    let verdict = paint(colour, &format!("{:<8}", record.verdict()));
    line(&format!("  claw  {verdict}{}", clip(&record.call(), CALL)));
    if let Some(instead) = record.instead() {
        line(&format!("        ran as  {}", clip(&instead, CALL)));
    }
    for row in wrap(&record.grounds(), CALL) {
        line(&format!("                {}", paint(Colour::Faint, &row)));
    }
}

/// The effect is as it should be.
pub(crate) fn right(text: &str) {
    line(&format!("  {} {text}", paint(Colour::Green, "✔")));
}

/// The effect is not as it should be.
pub(crate) fn wrong(text: &str) {
    line(&format!("  {} {text}", paint(Colour::Red, "✘")));
}

fn paint(colour: Colour, text: &str) -> String {
    if io::stdout().is_terminal() {
        format!("\x1b[{}m{text}\x1b[0m", colour as u8)
    } else {
        text.to_owned()
    }
}

/// Ignores a reader that went away (`| head`): a panic here would leave the server running.
fn line(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// The first and last lines, with a word on how many were left out.
fn shorten(lines: &[&str]) -> Vec<String> {
    let owned = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
    if lines.len() <= HEAD + TAIL + 1 {
        return owned(lines);
    }
    let mut shown = owned(&lines[..HEAD]);
    shown.push(format!("... {} lines ...", lines.len() - HEAD - TAIL));
    shown.extend(owned(&lines[lines.len() - TAIL..]));
    shown
}

fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in text.split_whitespace() {
        let full = rows.last().is_some_and(|row| {
            !row.is_empty() && row.chars().count() + 1 + word.chars().count() > width
        });
        if full {
            rows.push(String::new());
        }
        if let Some(row) = rows.last_mut() {
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_output_keeps_its_first_and_last_lines() {
        let lines: Vec<String> = (1..=20).map(|n| n.to_string()).collect();
        let shown = shorten(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(shown, ["1", "2", "3", "4", "5", "... 12 lines ...", "18", "19", "20"]);
        assert_eq!(shorten(&["a", "b"]), ["a", "b"]);
    }

    #[test]
    fn text_wraps_between_words_and_calls_are_clipped() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(clip("abcdef", 4), "abc…");
        assert_eq!(clip("abcd", 4), "abcd");
    }
}
