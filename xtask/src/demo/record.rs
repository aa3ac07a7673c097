//! Audit records as the demonstration shows them: read from the log's files, fresh ones only.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::quote;

/// The audit folder, and how many records of each of its files were seen. Every run of claw writes files of
/// its own, whose names do not show their order.
#[derive(Debug)]
pub(crate) struct Records {
    folder: PathBuf,
    seen: HashMap<PathBuf, usize>,
}

impl Records {
    /// The records of an audit folder, none of them seen yet.
    pub(crate) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), seen: HashMap::new() }
    }

    /// The records of verdicts that were written since the last call.
    pub(crate) fn fresh(&mut self) -> Result<Vec<Record>> {
        let entries = fs::read_dir(&self.folder)
            .with_context(|| format!("cannot read the audit folder `{}`", self.folder.display()))?;
        let mut fresh = Vec::new();
        for file in entries.flatten().map(|entry| entry.path()) {
            if file.extension().is_none_or(|extension| extension != "jsonl") {
                continue;
            }
            let text = fs::read_to_string(&file)?;
            let seen = self.seen.entry(file.clone()).or_default();
            for line in text.lines().skip(*seen) {
                let value = serde_json::from_str(line)
                    .with_context(|| format!("`{}` has a line that is not JSON", file.display()))?;
                fresh.push(Record(value));
                *seen += 1;
            }
        }
        // The start and end records of sessions have no verdict.
        fresh.retain(|record| !record.verdict().is_empty());
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

    /// The call that was asked for, as a person would type it; of a connection, where to.
    pub(crate) fn call(&self) -> String {
        let asked = self.words("asked").or_else(|| self.words("argv"));
        asked.unwrap_or_else(|| format!("{} {}", self.text("kind"), self.text("to")))
    }

    /// Whether it allowed an ungoverned program: a shell, an interpreter, most programs of a machine. Its
    /// actions are the exec and, if claw read the text it runs, a `program`.
    pub(crate) fn is_ordinary(&self) -> bool {
        let ordinary =
            |action: &Value| matches!(action["domain"].as_str(), Some("exec" | "program"));
        let actions = self.0["facts"]["actions"].as_array();
        self.verdict() == "allow"
            && self.text("kind") == "exec"
            && actions.is_none_or(|actions| actions.iter().all(ordinary))
    }

    /// What ran instead, where that is something else.
    pub(crate) fn instead(&self) -> Option<String> {
        self.words("asked").and_then(|_| self.words("argv"))
    }

    fn words(&self, field: &str) -> Option<String> {
        let words = self.0[field].as_array()?;
        let quoted: Vec<_> = words.iter().map(|word| quote(word.as_str().unwrap_or("?"))).collect();
        Some(quoted.join(" "))
    }

    /// The rule and its reason, then the level and the proof, as far as the record has them.
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
        fs::write(
            folder.path().join("000000.jsonl"),
            "{\"kind\":\"start\"}\n{\"verdict\":\"rewrite\"}\n",
        )?;
        let other = records.fresh()?;
        assert_eq!(other.iter().map(Record::verdict).collect::<Vec<_>>(), ["rewrite"]);
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
        assert_eq!(record.instead(), None);
    }

    #[test]
    fn only_an_allowed_program_that_nothing_governs_is_ordinary() {
        let ordinary = |value| Record(value).is_ordinary();
        assert!(ordinary(serde_json::json!({"kind": "exec", "verdict": "allow", "facts": {}})));
        assert!(!ordinary(serde_json::json!({"kind": "exec", "verdict": "deny", "facts": {}})));
        assert!(!ordinary(serde_json::json!({"kind": "connect", "verdict": "allow"})));
        let of = |domain: &str| {
            let actions =
                [serde_json::json!({"domain": "exec"}), serde_json::json!({"domain": domain})];
            serde_json::json!({"kind": "exec", "verdict": "allow", "facts": {"actions": actions}})
        };
        assert!(ordinary(of("program")));
        assert!(!ordinary(of("sql")));
    }

    #[test]
    fn a_rewritten_call_shows_what_was_asked_and_what_ran() {
        let record = Record(serde_json::json!({
            "asked": ["psql", "-c", "TABLE users"], "argv": ["psql", "-c", "TABLE users LIMIT 1000"],
        }));
        assert_eq!(record.call(), "psql -c 'TABLE users'");
        assert_eq!(record.instead().as_deref(), Some("psql -c 'TABLE users LIMIT 1000'"));
    }
}
