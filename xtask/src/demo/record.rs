//! Audit records as the demonstration shows them: read from the log's files, fresh ones only.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::quote;

/// The audit folder, and how many of its records were seen.
#[derive(Debug)]
pub(crate) struct Records {
    folder: PathBuf,
    seen: usize,
}

impl Records {
    /// The records of an audit folder, none of them seen yet.
    pub(crate) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), seen: 0 }
    }

    /// The records written since the last call, oldest first.
    pub(crate) fn fresh(&mut self) -> Result<Vec<Record>> {
        let entries = fs::read_dir(&self.folder)
            .with_context(|| format!("cannot read the audit folder `{}`", self.folder.display()))?;
        let mut files: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .collect();
        files.sort();
        let mut all = Vec::new();
        for file in files {
            for line in fs::read_to_string(&file)?.lines() {
                let value = serde_json::from_str(line)
                    .with_context(|| format!("`{}` has a line that is not JSON", file.display()))?;
                all.push(Record(value));
            }
        }
        let fresh = all.split_off(self.seen.min(all.len()));
        self.seen += fresh.len();
        Ok(fresh)
    }
}

/// One audit record.
#[derive(Debug)]
pub(crate) struct Record(Value);

impl Record {
    /// `allow`, `rewrite`, `ask` or `deny`.
    pub(crate) fn verdict(&self) -> &str {
        self.text("verdict")
    }

    /// The call that was judged, as a person would type it.
    pub(crate) fn call(&self) -> String {
        let words = self.0["argv"].as_array().map(Vec::as_slice).unwrap_or_default();
        words.iter().map(|word| quote(word.as_str().unwrap_or("?"))).collect::<Vec<_>>().join(" ")
    }

    /// The rule and its reason, then the level and the proof; those of them that the record has.
    pub(crate) fn grounds(&self) -> String {
        let mut parts = Vec::new();
        match (self.text("rule"), self.text("reason")) {
            ("", "") => {}
            ("", reason) => parts.push(reason.to_owned()),
            (rule, "") => parts.push(format!("rule {rule}")),
            (rule, reason) => parts.push(format!("rule {rule}: {reason}")),
        }
        for field in ["level", "proof"] {
            if !self.text(field).is_empty() {
                parts.push(format!("{field} {}", self.text(field)));
            }
        }
        parts.join("; ")
    }

    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_records_that_were_not_seen_are_fresh() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("000001.jsonl");
        fs::write(&file, "{\"verdict\":\"allow\"}\n")?;
        let mut records = Records::of(folder.path());
        assert_eq!(records.fresh()?.len(), 1);
        fs::write(&file, "{\"verdict\":\"allow\"}\n{\"verdict\":\"deny\"}\n")?;
        let fresh = records.fresh()?;
        assert_eq!(fresh.iter().map(Record::verdict).collect::<Vec<_>>(), ["deny"]);
        assert!(records.fresh()?.is_empty());
        Ok(())
    }

    #[test]
    fn a_record_reads_as_a_command_and_its_grounds() {
        let record = Record(serde_json::json!({
            "argv": ["psql", "-c", "DROP TABLE users"], "verdict": "deny",
            "rule": "sql-no-ddl", "reason": "no DDL", "level": "proven",
        }));
        assert_eq!(record.call(), "psql -c 'DROP TABLE users'");
        assert_eq!(record.grounds(), "rule sql-no-ddl: no DDL; level proven");
    }
}
