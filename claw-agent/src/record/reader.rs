//! Reads the audit back, and checks its chain.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{Kind, Record, chain};
use jiff::Timestamp;

/// One line of the audit.
#[derive(Debug)]
pub(crate) struct Line {
    /// Where it stands.
    pub(crate) part: PathBuf,
    /// Its number in the part, from 1.
    pub(crate) number: usize,
    /// Its record, or why this version of claw cannot read it.
    pub(crate) record: Result<Record, serde_json::Error>,
    /// The line as it is stored.
    pub(crate) text: String,
}

/// Something that `claw log verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The file, and the line in it.
    pub(crate) at: String,
    /// What is wrong.
    pub(crate) what: Fault,
}

/// What can be wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The line does not match its own hash.
    Changed,
    /// The line does not follow the one before it.
    Missing,
    /// The chain holds, but this version of claw cannot read the record.
    Unknown,
    /// The session has no end: it runs still, it was cut off, or its last lines are gone.
    NoEnd,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Fault::Changed => "this line was changed after it was written",
            Fault::Missing => "one or more lines before this one are missing or moved",
            Fault::Unknown => "this is not a record that this claw can read",
            Fault::NoEnd => {
                "the session has no end record: it still runs, was cut off, or its last lines are missing"
            }
        };
        write!(f, "{}: {what}", self.at)
    }
}

/// The parts of each session in a folder, in order.
///
/// # Errors
/// As readdir(3).
pub(crate) fn parts(folder: &Path) -> io::Result<BTreeMap<String, Vec<PathBuf>>> {
    let mut sessions = BTreeMap::<String, Vec<PathBuf>>::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some((session, _)) =
            name.strip_suffix(".jsonl").and_then(|name| name.split_once('.'))
        {
            sessions.entry(session.to_owned()).or_default().push(path);
        }
    }
    sessions.values_mut().for_each(|parts| parts.sort());
    Ok(sessions)
}

/// Every line of every session, in the order of time; lines of one session keep their order, even where
/// the clock was set back between them.
///
/// # Errors
/// As read(2).
pub(crate) fn read(folder: &Path) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for parts in parts(folder)?.into_values() {
        let mut latest = Timestamp::MIN;
        for line in session(&parts)? {
            latest = line.record.as_ref().map_or(latest, |record| record.time.max(latest));
            lines.push((latest, line));
        }
    }
    lines.sort_by_key(|(latest, _)| *latest);
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

/// Checks every chain in a folder.
///
/// # Errors
/// As read(2).
pub(crate) fn verify(folder: &Path) -> io::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for parts in parts(folder)?.into_values() {
        let mut prev = chain::FIRST.to_owned();
        let mut last = None;
        for line in session(&parts)? {
            let at = format!("{}:{}", line.part.display(), line.number);
            match chain::open(&line.text) {
                None => problems.push(Problem { at: at.clone(), what: Fault::Changed }),
                Some((before, hash)) => {
                    if before != prev {
                        problems.push(Problem { at: at.clone(), what: Fault::Missing });
                    }
                    prev = hash.to_owned();
                    if line.record.is_err() {
                        problems.push(Problem { at: at.clone(), what: Fault::Unknown });
                    }
                }
            }
            let ends = line.record.is_ok_and(|record| matches!(record.kind, Kind::End));
            last = Some((at, ends));
        }
        if let Some((at, false)) = last {
            problems.push(Problem { at, what: Fault::NoEnd });
        }
    }
    Ok(problems)
}

fn session(parts: &[PathBuf]) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for part in parts {
        let text = String::from_utf8_lossy(&std::fs::read(part)?).into_owned();
        lines.extend(text.lines().enumerate().map(|(index, text)| Line {
            part: part.clone(),
            number: index + 1,
            record: serde_json::from_str(text),
            text: text.to_owned(),
        }));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_told_in_the_order_of_time_and_each_in_its_own() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let write = |session: &str, seconds: &[&str]| {
            let lines = seconds.iter().map(|second| {
                format!(
                    "{{\"id\":\"{session}{second}\",\"seq\":1,\"time\":\"2026-01-01T00:00:{second}Z\",\"session\":\"{session}\",\"kind\":\"end\",\"rule\":null,\"reason\":\"\",\"level\":\"held\",\"proof\":\"none\"}}\n"
                )
            });
            let path = folder.path().join(format!("{session}.0001.jsonl"));
            std::fs::write(path, lines.collect::<String>()).expect("writable");
        };
        // Times with fewer digits, and a clock that was set back.
        write("a", &["01.12", "01.1234", "03"]);
        write("b", &["02", "00.5", "04"]);
        let lines = read(folder.path()).expect("readable");
        let ids = lines.into_iter().map(|line| line.record.expect("a record").id);
        assert!(ids.eq(["a01.12", "a01.1234", "b02", "b00.5", "a03", "b04"]));
    }

    /// Four sessions as claw wrote them before lines had a version.
    fn before_versions() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/record/reader/before_versions")
    }

    #[test]
    fn lines_without_a_version_are_read_and_their_chains_hold() {
        assert_eq!(verify(&before_versions()).expect("readable"), vec![]);
        let lines = read(&before_versions()).expect("readable");
        let mut kinds = BTreeMap::<String, usize>::new();
        for line in &lines {
            let stored: serde_json::Value = serde_json::from_str(&line.text).expect("JSON");
            let record = line.record.as_ref().expect("a record");
            // The typed record keeps every field of the old line.
            let mut read = serde_json::to_value(record).expect("JSON");
            let fields = read.as_object_mut().expect("an object");
            fields.shift_remove("v");
            for field in ["prev", "hash"] {
                fields.insert(field.to_owned(), stored[field].clone());
            }
            assert_eq!(read, stored, "{}:{}", line.part.display(), line.number);
            *kinds.entry(stored["kind"].as_str().expect("a kind").to_owned()).or_default() += 1;
        }
        let kinds: Vec<&str> = kinds.keys().map(String::as_str).collect();
        assert_eq!(kinds, ["connect", "end", "exec", "killed", "start", "tamper"]);
    }

    #[test]
    fn a_line_whose_chain_holds_and_that_is_no_record_is_found() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (line, _) = chain::seal("{\"v\":2,\"kind\":\"end\"}", chain::FIRST);
        std::fs::write(folder.path().join("a.0001.jsonl"), line + "\n").expect("writable");
        let found: Vec<Fault> =
            verify(folder.path()).expect("readable").into_iter().map(|it| it.what).collect();
        assert_eq!(found, [Fault::Unknown, Fault::NoEnd]);
    }
}
