//! Runs the lines of one tool, several at a time, and counts their outcomes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::line::{Expected, Line};

/// The outcome of one line.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// claw's facts match what happened.
    Agreed,
    /// claw does not read the line, and says why.
    Opaque(String),
    /// The tool refused the line; `read` is how claw reads it.
    Refused { read: Option<String>, said: String },
    /// claw's facts are milder than what happened.
    Milder(String),
    /// claw's facts differ in another way.
    Differs(String),
}

/// The count of one tool.
#[derive(Debug)]
struct Account {
    agreed: usize,
    opaque: usize,
    refused: usize,
    wrong: Vec<String>,
}

/// How many lines are run at a time.
const AT_A_TIME: usize = 3;

/// Runs every line with `judge`, in as many places as `start` makes, prints the count and fails on what is
/// wrong. At least a third of the lines must have been done by the tool.
#[expect(clippy::disallowed_macros, reason = "the count is what one runs it for")]
pub(crate) fn settle<P>(
    tool: &str,
    version: &str,
    lines: &[Line],
    start: impl Fn() -> P + Sync,
    judge: impl Fn(&mut P, &Line) -> Outcome + Sync,
) {
    let account = Mutex::new(Account { agreed: 0, opaque: 0, refused: 0, wrong: Vec::new() });
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                let mut place = start();
                while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = judge(&mut place, line);
                    account.lock().expect("nobody panics in it").enter(line, outcome);
                }
            });
        }
    });
    let account = account.into_inner().expect("nobody panics in it");
    let tried = lines.len();
    let Account { agreed, opaque, refused, wrong } = account;
    let count = format!(
        "{tool} ({version}): {tried} lines tried, {agreed} agreed, {opaque} opaque, {refused} refused by the tool"
    );
    eprintln!("{count}");
    assert!(wrong.is_empty(), "{count}, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(agreed * 3 > tried, "{count}: fewer than a third were done, so little was compared");
}

impl Account {
    fn enter(&mut self, line: &Line, outcome: Outcome) {
        let text = line.text();
        match &outcome {
            Outcome::Agreed => self.agreed += 1,
            Outcome::Opaque(_) => self.opaque += 1,
            Outcome::Refused { .. } => self.refused += 1,
            Outcome::Milder(_) | Outcome::Differs(_) => {}
        }
        let complaint = match (line.expected, outcome) {
            (_, Outcome::Milder(why)) => format!("MILDER: {why}"),
            (_, Outcome::Differs(why)) => format!("differs: {why}"),
            (Expected::Anything, _)
            | (Expected::Agreed, Outcome::Agreed)
            | (Expected::AgreedIfDone, Outcome::Agreed | Outcome::Refused { .. })
            | (Expected::Opaque, Outcome::Opaque(_))
            | (Expected::Refused, Outcome::Refused { read: None, .. }) => return,
            (_, Outcome::Refused { read, said }) => {
                format!("the tool refuses it, claw: {read:?}; it says: {said}")
            }
            (_, Outcome::Opaque(reason)) => format!("opaque: {reason}"),
            (expected, Outcome::Agreed) => format!("agreed, where {expected:?} was expected"),
        };
        self.wrong.push(format!("  {text}\n      {complaint}"));
    }
}
