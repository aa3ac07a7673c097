//! `claw log` and `claw explain`: what was decided, and why.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::record::{Line, parts, read, verify};

/// The exit status where the chain does not hold.
const BROKEN: u8 = 1;

/// Where records are written and looked for if no folder is named.
pub(crate) fn default_folder() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/log/claw");
    }
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state")));
    state.unwrap_or_default().join("claw")
}

/// Show the audit, or check that nothing in it was changed
#[derive(Debug, clap::Args)]
pub(crate) struct Log {
    /// The folder of the audit; /var/log/claw for root if not given, else `claw` in $XDG_STATE_HOME
    /// or ~/.local/state
    #[arg(long, value_name = "DIR", global = true, default_value_os_t = default_folder(), hide_default_value = true)]
    audit: PathBuf,

    /// Only this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,

    /// Only the last N records
    #[arg(short = 'n', long, value_name = "N")]
    last: Option<usize>,

    /// The records as they are stored, one a line
    #[arg(long)]
    json: bool,

    #[command(subcommand)]
    command: Option<LogCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum LogCommand {
    /// Check the chain of every session: exit status 1 if a line was changed or is missing
    Verify,
}

impl Log {
    /// Runs the command.
    ///
    /// # Errors
    /// When the audit cannot be read.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let mut out = io::stdout().lock();
        if let Some(LogCommand::Verify) = self.command {
            let problems = verify(&self.audit).with_context(|| unreadable(&self.audit))?;
            for problem in &problems {
                writeln!(out, "{problem}")?;
            }
            if !problems.is_empty() {
                return Ok(BROKEN.into());
            }
            let sessions = parts(&self.audit).with_context(|| unreadable(&self.audit))?.len();
            writeln!(out, "{sessions} sessions, every chain holds")?;
            return Ok(ExitCode::SUCCESS);
        }
        let lines = read(&self.audit).with_context(|| unreadable(&self.audit))?;
        let wanted = |line: &&Line| {
            self.session.as_deref().is_none_or(|session| line.value["session"] == session)
        };
        let lines: Vec<&Line> = lines.iter().filter(wanted).collect();
        let skipped = self.last.map_or(0, |last| lines.len().saturating_sub(last));
        for line in &lines[skipped..] {
            if self.json {
                writeln!(out, "{}", line.value)?;
            } else {
                writeln!(out, "{}", one_line(&line.value))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Explain one decision: the rule, the facts, what ran
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// The folder of the audit; /var/log/claw for root if not given, else `claw` in $XDG_STATE_HOME
    /// or ~/.local/state
    #[arg(long, value_name = "DIR", default_value_os_t = default_folder(), hide_default_value = true)]
    audit: PathBuf,

    /// The id of the record, as `claw log` shows it
    #[arg(value_name = "ID")]
    id: String,
}

impl Explain {
    /// Runs the command.
    ///
    /// # Errors
    /// When the audit cannot be read or has no such record.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let lines = read(&self.audit).with_context(|| unreadable(&self.audit))?;
        let Some(line) = lines.iter().find(|line| line.value["id"] == *self.id) else {
            bail!("no record `{}` in `{}`; `claw log` lists them", self.id, self.audit.display());
        };
        let record = &line.value;
        let mut out = io::stdout().lock();
        writeln!(out, "{}", one_line(record))?;
        let ran = if record["verdict"] == "deny" { "asked" } else { "ran" };
        writeln!(out, "  stored   {}:{}", line.part.display(), line.number)?;
        for (title, field) in [
            ("rule", "rule"),
            ("at", "at"),
            ("reason", "reason"),
            ("because", "because"),
            ("asked", "asked"),
            (ran, "argv"),
            ("path", "path"),
            ("outcome", "outcome"),
            ("level", "level"),
            ("proof", "proof"),
            ("labels", "labels"),
        ] {
            let value = &record[field];
            if !value.is_null() {
                writeln!(out, "  {title:8} {}", plain(value))?;
            }
        }
        for (name, value) in record["env"].as_object().into_iter().flatten() {
            let change = match value {
                Value::Null => format!("- {name}"),
                value => format!("+ {name}={}", word(value)),
            };
            writeln!(out, "  env      {}", plain(&change.into()))?;
        }
        for action in record["facts"]["actions"].as_array().into_iter().flatten() {
            writeln!(out, "  facts    {action}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn unreadable(folder: &Path) -> String {
    format!("cannot read the audit in `{}`; name its folder with `--audit DIR`", folder.display())
}

/// `ID TIME VERDICT what (rule)`.
fn one_line(record: &Value) -> String {
    let text = |field: &str| record[field].as_str().unwrap_or("-").to_owned();
    let what = match record["kind"].as_str() {
        Some("connect") => format!("connect {} {}", text("protocol"), text("to")),
        Some("exec") => plain(&record["argv"]),
        _ => format!("{}: {}", text("kind"), text("reason")),
    };
    let rule = record["rule"].as_str().map(|rule| format!("  [{rule}]")).unwrap_or_default();
    format!("{:12} {}  {:7} {what}{rule}", text("id"), text("time"), text("verdict"))
}

/// A value for people: words without quotes where they need none, no control characters.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().flat_map(visible).collect(),
        Value::Array(list) => list.iter().map(word).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn word(value: &Value) -> String {
    let bare = |text: &str| {
        !text.is_empty()
            && text.chars().all(|char| char.is_alphanumeric() || "-_./=:,@%+".contains(char))
    };
    match value {
        Value::String(text) if bare(text) => text.clone(),
        other => other.to_string(),
    }
}

fn visible(char: char) -> impl Iterator<Item = char> {
    let escaped = char.is_control().then(|| char.escape_default());
    let plain = escaped.is_none().then_some(char);
    plain.into_iter().chain(escaped.into_iter().flatten())
}
