//! Audit records read back from `--audit DIR`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One line of the audit log.
#[derive(Debug, Clone)]
pub struct Record(Value);

impl Record {
    /// Its id, which `claw explain` takes.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// `allow`, `rewrite` or `deny`.
    #[must_use]
    pub fn verdict(&self) -> &str {
        self.text("verdict")
    }

    /// The id of the deciding rule, empty where a default decided.
    #[must_use]
    pub fn rule(&self) -> &str {
        self.text("rule")
    }

    /// The reason given.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.text("reason")
    }

    /// The level of assurance that was active.
    #[must_use]
    pub fn level(&self) -> &str {
        self.text("level")
    }

    /// How it was shown that what was judged is what ran.
    #[must_use]
    pub fn proof(&self) -> &str {
        self.text("proof")
    }

    /// The process id of the tracee.
    #[must_use]
    pub fn pid(&self) -> i64 {
        self.0["pid"].as_i64().unwrap_or(-1)
    }

    /// What it is about: `exec`, `connect`, `killed`, or the `start` or `end` of a session.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("kind")
    }

    /// The address and port of a connection.
    #[must_use]
    pub fn to(&self) -> &str {
        self.text("to")
    }

    /// The arguments that ran.
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        self.words("argv")
    }

    /// The arguments that were asked for: those that ran, unless others did.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let asked = self.words("asked");
        if asked.is_empty() { self.argv() } else { asked }
    }

    /// Whether one of the arguments asked for contains `word`.
    #[must_use]
    pub fn mentions(&self, word: &str) -> bool {
        self.asked().iter().any(|argument| argument.contains(word))
    }

    /// Whether the kernel showed that what was judged is what ran.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.level() == "proven" && matches!(self.proof(), "ticket" | "ticket-and-stop")
    }

    /// Any field, null where there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &Value {
        &self.0[name]
    }

    fn words(&self, name: &str) -> Vec<String> {
        let words = self.0[name].as_array().map(Vec::as_slice).unwrap_or_default();
        words.iter().map(|word| word.as_str().unwrap_or_default().to_owned()).collect()
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The log files of `directory`, oldest first.
///
/// # Panics
/// When the directory cannot be read.
#[must_use]
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the audit directory can be read");
    let mut paths: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    paths.sort();
    paths
}

/// Every record of `directory`, oldest first: each session has files of its own. A last line without an end is still
/// being written.
///
/// # Panics
/// When a line is no JSON: a torn record is a failure of its own.
#[must_use]
pub fn records(directory: &Path) -> Vec<Record> {
    let mut all = Vec::new();
    for path in files(directory) {
        let text = fs::read_to_string(&path).expect("an audit file is UTF-8");
        let written = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in written.lines() {
            let value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()));
            all.push(Record(value));
        }
    }
    all.sort_by(|one: &Record, other| one.text("time").cmp(other.text("time")));
    all
}
