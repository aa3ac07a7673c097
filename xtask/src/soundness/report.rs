//! The report: what the server says beside what claw says.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::truth::{Record, Truth};
use super::verdict::Verdict;

/// At most this many true reads in a thousand may be called something else.
const LOST: usize = 30;
/// How many examples are shown of a kind.
const SHOWN: usize = 25;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Report {
    texts: usize,
    refused: usize,
    both: usize,
    one: usize,
    disagree: usize,
    unread: usize,
    called_read: usize,
    reads: usize,
    unsettled: usize,
    /// Texts that do not read although `sql.effect` alone says so: each calls a function of the suite's own.
    by_effect: usize,
    at_end: usize,
    /// Reads that call a function of the suite's own.
    foreign: usize,
    /// Texts wrongly called a read: file, text, and what the server says.
    unsound: Vec<String>,
    /// The other reads that claw does not call reads, by reason.
    lost: BTreeMap<String, Vec<String>>,
}

impl Report {
    /// Compares.
    pub(super) fn of(records: &[Record], verdicts: &[Verdict]) -> Self {
        let mut report = Self { texts: records.len(), ..Self::default() };
        for (record, verdict) in records.iter().zip(verdicts) {
            let truth = record.truth();
            if truth == Truth::Nothing {
                report.refused += 1;
                continue;
            }
            match verdict.parser {
                "both" => report.both += 1,
                "libpg_query" => report.one += 1,
                "disagree" => report.disagree += 1,
                _ => report.unread += 1,
            }
            report.called_read += usize::from(verdict.read);
            match truth {
                Truth::NoRead(_) if verdict.effect_reads && verdict.unknown => {
                    report.by_effect += 1;
                }
                Truth::NoRead(why) if verdict.read => {
                    report.unsound.push(format!(
                        "{}: {}: {why}",
                        record.file,
                        excerpt(&record.text)
                    ));
                }
                Truth::Read => {
                    report.reads += 1;
                    report.at_end += usize::from(record.changes.at_end);
                    report.foreign += usize::from(verdict.unknown);
                    if !verdict.read && !verdict.unknown {
                        let example = format!("{}: {}", record.file, excerpt(&record.text));
                        report.lost.entry(why(&verdict.why)).or_default().push(example);
                    }
                }
                Truth::Unsettled => report.unsettled += 1,
                Truth::NoRead(_) | Truth::Nothing => {}
            }
        }
        report
    }

    fn lost(&self) -> usize {
        self.lost.values().map(Vec::len).sum()
    }

    /// Whether nothing is unsound and few reads are lost.
    pub(super) fn is_good(&self) -> bool {
        self.unsound.is_empty() && self.lost() * 1000 < (self.reads - self.foreign) * LOST
    }

    /// Writes every text with both answers, one JSON object a line.
    pub(super) fn write(
        &self,
        path: &Path,
        records: &[Record],
        verdicts: &[Verdict],
    ) -> Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        for (record, verdict) in records.iter().zip(verdicts) {
            let line = json!({
                "file": record.file,
                "text": String::from_utf8_lossy(&record.text),
                "server": format!("{:?}", record.truth()),
                "tags": record.tags,
                "observed": record.changes.seen,
                "read": verdict.read,
                "why": verdict.why,
                "parser": verdict.parser,
            });
            writeln!(out, "{line}")?;
        }
        Ok(out.flush()?)
    }
}

/// Groups reasons of one kind under one name: the text before the first name in them.
fn why(reason: &str) -> String {
    reason.split(['`', ':']).next().filter(|short| short.len() > 12).unwrap_or(reason).to_owned()
}

fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.texts - self.refused;
        writeln!(f, "texts that psql sent                   {:>6}", self.texts)?;
        writeln!(f, "  that the server refused, or empty    {:>6}", self.refused)?;
        writeln!(f, "  done                                 {done:>6}")?;
        writeln!(f, "of those done")?;
        writeln!(f, "  read by both parsers, which agree    {:>6}", self.both)?;
        writeln!(f, "  read by libpg_query alone            {:>6}", self.one)?;
        writeln!(f, "  the parsers disagree: opaque         {:>6}", self.disagree)?;
        writeln!(f, "  not read: opaque                     {:>6}", self.unread)?;
        writeln!(f, "  called read                          {:>6}", self.called_read)?;
        writeln!(f, "  unsound (goal 0)                     {:>6}", self.unsound.len())?;
        for line in self.unsound.iter().take(SHOWN) {
            writeln!(f, "    {line}")?;
        }
        writeln!(f, "  and by `sql.effect` alone            {:>6}", self.by_effect)?;
        writeln!(f, "  by its tag a read, not settled       {:>6}", self.unsettled)?;
        writeln!(f, "reads, by the server                   {:>6}", self.reads)?;
        writeln!(f, "  whose transaction's end writes       {:>6}", self.at_end)?;
        writeln!(f, "  that call functions of the suite     {:>6}", self.foreign)?;
        let rest = self.reads - self.foreign;
        #[expect(clippy::cast_precision_loss, reason = "counts of some ten thousands")]
        let share = 100.0 * self.lost() as f64 / rest.max(1) as f64;
        writeln!(f, "  the others                           {rest:>6}")?;
        writeln!(f, "    not called read (goal 3 %)         {:>6}  {share:.2} %", self.lost())?;
        for (why, examples) in &self.lost {
            writeln!(f, "    {:>6}  {why}", examples.len())?;
        }
        Ok(())
    }
}
