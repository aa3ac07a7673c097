//! What claw says of the texts: `claw check` judges each as `psql -c TEXT`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::truth::Record;
use crate::workspace::Workspace;

/// What claw says of one text.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict {
    /// How it was read: `both`, `libpg_query`, `disagree` or `unread`.
    pub(super) parser: &'static str,
    /// Whether every statement is called a read, with no function outside the server's catalogue.
    pub(super) read: bool,
    /// Whether it calls a function outside the server's catalogue.
    pub(super) unknown: bool,
    /// Whether `sql.effect` alone says read.
    pub(super) effect_reads: bool,
    /// Why it is not called a read, in a word or two.
    pub(super) why: String,
}

/// Asks `claw check` for all records. A text that is not UTF-8 cannot be written as a case: it is unread.
pub(super) fn ask(
    workspace: &Workspace,
    folder: &Path,
    records: &[Record],
) -> Result<Vec<Verdict>> {
    let cases = folder.join("cases.jsonl");
    let mut lines = String::new();
    for (id, record) in records.iter().enumerate() {
        let Ok(text) = str::from_utf8(&record.text) else { continue };
        let mut options = Vec::new();
        if !record.literals {
            options.push("-c standard_conforming_strings=off".to_owned());
        }
        if record.encoding != "UTF8" {
            options.push(format!("-c client_encoding={}", record.encoding));
        }
        let mut case = json!({"id": id.to_string(), "argv": ["psql", "-X", "-c", text]});
        if !options.is_empty() {
            case["env"] = json!({"PGOPTIONS": options.join(" ")});
        }
        writeln!(lines, "{case}")?;
    }
    fs::write(&cases, lines)?;
    let mut claw = workspace.command(workspace.claw());
    claw.args(["check", "--policy"]).arg(workspace.path("policies/production-readonly.toml"));
    claw.args(["--json", "--cases"]).arg(&cases);
    let answers = folder.join("claw.jsonl");
    let status = claw.stdout(File::create(&answers)?).status().context("cannot start `claw`")?;
    if !status.success() {
        bail!("`claw check` could not judge every text: {status}");
    }
    let mut verdicts = vec![Verdict { parser: "unread", ..Verdict::default() }; records.len()];
    for line in fs::read_to_string(&answers)?.lines() {
        let answer: Value = serde_json::from_str(line)?;
        let id = answer["id"].as_str().and_then(|id| id.parse::<usize>().ok());
        let verdict = id.and_then(|id| verdicts.get_mut(id)).context("an answer without a case")?;
        *verdict = Verdict::of(&answer["facts"]["actions"]);
    }
    Ok(verdicts)
}

impl Verdict {
    fn of(actions: &Value) -> Self {
        let actions = actions.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut verdict =
            Self { parser: "both", read: true, effect_reads: true, ..Self::default() };
        for action in actions.iter().filter(|action| action["domain"] == "sql") {
            let (parser, why) = statement(action);
            verdict.unknown |= calls_unknown(action);
            verdict.effect_reads &= action["effect"] == "read" && action["opaque"].is_null();
            // The worst statement decides for the text.
            if let Some(parser) = parser
                && rank(parser) > rank(verdict.parser)
            {
                verdict.parser = parser;
            }
            if let Some(why) = why
                && verdict.read
            {
                verdict.read = false;
                verdict.why = why;
            }
        }
        verdict
    }
}

fn calls_unknown(action: &Value) -> bool {
    action["functions_unknown"].as_array().is_some_and(|names| !names.is_empty())
}

fn rank(parser: &str) -> usize {
    ["both", "libpg_query", "disagree", "unread"]
        .iter()
        .position(|&known| known == parser)
        .unwrap_or(3)
}

/// How one statement was read, and why it is not called a read, if it is not.
fn statement(action: &Value) -> (Option<&'static str>, Option<String>) {
    if let Some(reason) = action["opaque"].as_str() {
        let parser = if reason.contains("parsers disagree") { "disagree" } else { "unread" };
        return (Some(parser), Some(reason.to_owned()));
    }
    let parser = match action["parser"].as_str() {
        Some("both") => Some("both"),
        Some(_) => Some("libpg_query"),
        None => None,
    };
    let effect = &action["effect"];
    let why = match effect.as_str() {
        Some("read") if calls_unknown(action) => {
            Some("a function outside the catalogue".to_owned())
        }
        Some("read") => None,
        Some(effect) => Some(format!("called `{effect}`")),
        None => Some(format!("its effect is opaque: {}", effect["opaque"].as_str().unwrap_or("?"))),
    };
    (parser, why)
}
