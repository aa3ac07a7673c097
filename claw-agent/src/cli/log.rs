//! `claw log` and `claw explain`: what was decided, and why.

mod filter;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use claw_policy::Verdict;

use crate::judge::written::is_active;
use crate::record::{Kind, Line, Record, parts, read, verify};
use filter::{Filter, Programs};

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

    #[command(flatten)]
    filter: Filter,

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
        let mut programs = Programs::default();
        let wanted = |line: Line| {
            let program = line.record.as_ref().ok().and_then(|record| programs.of(record));
            let shown = match &line.record {
                Ok(record) => self.filter.lets(record, program.as_deref()),
                // Nobody can tell what it is.
                Err(_) => !self.filter.asks(),
            };
            shown.then_some((line, program))
        };
        let lines: Vec<(Line, Option<String>)> = lines.into_iter().filter_map(wanted).collect();
        let skipped = self.last.map_or(0, |last| lines.len().saturating_sub(last));
        for (line, program) in &lines[skipped..] {
            match &line.record {
                _ if self.json => writeln!(out, "{}", line.text)?,
                Ok(record) => writeln!(out, "{}", one_line(record, program.as_deref()))?,
                Err(error) => writeln!(out, "{}", not_a_record(line, error))?,
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
        let mut programs = Programs::default();
        let found = lines.iter().find_map(|line| {
            let record = line.record.as_ref().ok()?;
            let program = programs.of(record);
            (record.id == self.id).then_some((line, record, program))
        });
        let Some((line, record, program)) = found else {
            bail!("no record `{}` in `{}`; `claw log` lists them", self.id, self.audit.display());
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{}", one_line(record, program.as_deref()))?;
        writeln!(out, "  stored   {}:{}", line.part.display(), line.number)?;
        for (title, value) in explanation(record)? {
            writeln!(out, "  {title:8} {}", visible(&value))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a record says beside its first line, each with its title, in the order of reading.
fn explanation(record: &Record) -> serde_json::Result<Vec<(&'static str, String)>> {
    let exec = match &record.kind {
        Kind::Exec(exec) => Some(&**exec),
        Kind::Start { .. }
        | Kind::Connect { .. }
        | Kind::Killed
        | Kind::Refused
        | Kind::Tamper
        | Kind::Lost { .. }
        | Kind::End => None,
    };
    let argv = match &record.kind {
        Kind::Start { argv } => Some(argv),
        _ => exec.and_then(|exec| exec.argv.as_ref()),
    };
    let denied = record.verdict.is_some_and(Verdict::is_denied);
    let because = (!record.because.is_empty()).then(|| words(&record.because));
    let labels = (!record.labels.is_empty()).then(|| serde_json::to_string(&record.labels));
    let mut said = Vec::new();
    let mut say = |title, value: Option<String>| said.extend(value.map(|value| (title, value)));
    say("rule", record.rule.clone());
    say("at", record.at.clone());
    say("reason", Some(record.reason.clone()));
    say("because", because);
    say("asked", exec.and_then(|exec| exec.asked.as_deref()).map(words));
    say(if denied { "asked" } else { "ran" }, argv.map(|argv| words(argv)));
    say("path", exec.and_then(|exec| exec.path.clone()));
    say("outcome", record.outcome.clone());
    say("level", Some(record.level.to_string()));
    say("proof", Some(record.proof.to_string()));
    say("labels", labels.transpose()?);
    for (name, value) in exec.iter().flat_map(|exec| &exec.env) {
        let change = match value {
            None => format!("- {name}"),
            Some(value) => format!("+ {name}={}", word(value)),
        };
        say("env", Some(change));
    }
    for action in
        exec.iter().filter_map(|exec| exec.facts.as_ref()).flat_map(|facts| &facts.actions)
    {
        say("facts", Some(serde_json::to_string(action)?));
    }
    Ok(said)
}

fn unreadable(folder: &Path) -> String {
    format!("cannot read the audit in `{}`; name its folder with `--audit DIR`", folder.display())
}

fn not_a_record(line: &Line, error: &serde_json::Error) -> String {
    visible(&format!("{}:{}: not a record: {error}", line.part.display(), line.number))
}

/// `ID TIME VERDICT what (rule)`. `program` is what the record's process runs.
fn one_line(record: &Record, program: Option<&str>) -> String {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let about = |kind: &str| format!("{kind}: {}", record.reason);
    let what = match &record.kind {
        Kind::Connect { to, protocol, .. } => {
            let process = record.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
            let by = program.map(|program| format!(" by {}{process}", word(program)));
            format!("connect {} {}{}", known(protocol), known(to), by.unwrap_or_default())
        }
        Kind::Exec(exec) => exec.argv.as_deref().map_or_else(|| about("exec"), words),
        Kind::Start { .. } => about("start"),
        Kind::Killed => about("killed"),
        Kind::Refused => about("refused"),
        Kind::Tamper => about("tamper"),
        Kind::Lost { .. } => about("lost"),
        Kind::End => about("end"),
    };
    let verdict = record.verdict.map_or_else(|| "-".to_owned(), |verdict| verdict.to_string());
    let rule = record.rule.as_ref().map(|rule| format!("  [{rule}]")).unwrap_or_default();
    let line = format!("{:12} {}  {verdict:7} {what}{rule}", record.id, record.time);
    visible(&line)
}

/// Words for people, without quotes where they need none.
fn words(list: &[String]) -> String {
    list.iter().map(|text| word(text)).collect::<Vec<_>>().join(" ")
}

fn word(text: &str) -> String {
    let bare = |char: char| char.is_alphanumeric() || "-_./=:,@%+‹›".contains(char);
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// Text for a terminal: what a terminal would act on is spelled out.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_active(char) {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}
