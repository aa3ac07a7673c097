//! `claw check`: judges calls that nobody makes.
//!
//! Input: one call on the command line, or one a line as JSON. Output: the verdict, with the rule, the
//! facts and what would run instead, for people or as JSON.
//!
//! Secrets in the call are shown as `***`, because answers end up in logs; the call is judged with them.
//!
//! Content that a case gives, `stdin` and `files`, is taken to be what the program would read; a live
//! call is judged without it. Known gap: `context` of a case is not read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use claw_classify::{HIDDEN, Secrets, in_variable, masked};
use claw_policy::{Policy, Reading, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::judge::written::{Written, hidden, printable, shell_line, shell_word};
use crate::judge::{Judgement, environment_changes, policy_file};

/// The exit status of a denied call.
const DENIED: u8 = 1;

/// The exit status where something could not be judged.
const FAILED: u8 = 2;

/// Judge calls without running them
///
/// Judges the call after `--` in the environment and working directory of this command, or each
/// line of a file of cases. The program is known by the last part of its name alone, so nothing
/// need be installed. Exit status: 0 when the call may run, changed or not; 1 when it is denied; 2
/// when it cannot be judged. With --cases: 0 when every line was judged, else 2.
///
/// No file is looked at, and the answer names those that the verdict may depend on. A call that
/// names such a file cannot be read whole; a start-up file counts as absent.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The policy; the machine's own at /etc/claw/policy.toml if not given
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Answer in JSON
    #[arg(long)]
    json: bool,

    /// Judge each line of FILE (`-`: standard input), a JSON object `{"id"?, "argv", "stdin"?, "files"?,
    /// "env"?, "cwd"?}`, and answer each with a line of JSON
    #[arg(long, value_name = "FILE", conflicts_with = "argv")]
    cases: Option<PathBuf>,

    /// The call to judge
    #[arg(last = true, value_name = "ARGV", required_unless_present = "cases")]
    argv: Vec<OsString>,
}

impl Check {
    /// Runs the command.
    ///
    /// # Errors
    /// When the cases cannot be read or the answers not written. A mistake in the policy is reported
    /// here, and is exit status 2.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let policy = match policy_file::load(self.policy.as_deref()) {
            Ok(policy) => policy,
            Err(error) => {
                error.report()?;
                return Ok(FAILED.into());
            }
        };
        let mut out = BufWriter::new(io::stdout().lock());
        let status = match self.cases {
            Some(path) => {
                let errors = answer_cases(&policy, &path, &mut out)?;
                if errors == 0 { ExitCode::SUCCESS } else { FAILED.into() }
            }
            None => {
                let call = here(self.argv);
                let judgement = call.judge(&policy);
                let verdict = judgement.decision.verdict;
                if self.json {
                    write_line(&mut out, &Answer::judged(None, &call, judgement)?)?;
                } else {
                    out.write_all(describe(&call, &judgement).as_bytes())?;
                }
                match verdict {
                    Verdict::Allow | Verdict::Rewrite => ExitCode::SUCCESS,
                    Verdict::Deny => DENIED.into(),
                }
            }
        };
        out.flush().context("cannot write the answer")?;
        Ok(status)
    }
}

/// The call of `argv` as it would be made from here.
fn here(argv: Vec<OsString>) -> Written {
    let env = std::env::vars_os().map(|(name, value)| {
        let mut entry = name.into_vec();
        entry.push(b'=');
        entry.extend(value.into_vec());
        entry
    });
    Written {
        argv: argv.into_iter().map(OsString::into_vec).collect(),
        env: env.collect(),
        cwd: std::env::current_dir().ok().map(|cwd| cwd.into_os_string().into_vec()),
        stdin: None,
        files: BTreeMap::new(),
    }
}

/// One line of a file of cases. Keys that are not here are for others, and ignored.
#[derive(Debug, Deserialize)]
struct Case {
    argv: Vec<String>,
    #[serde(default)]
    stdin: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    cwd: Option<String>,
}

/// One line of answers: a judged call, or why there is none.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    /// The call was judged.
    Judged {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
        verdict: Verdict,
        /// The rule that gave it, or null where a default did.
        rule: Option<String>,
        reason: String,
        facts: Value,
        /// After rewriting.
        argv: Vec<String>,
        /// What a rewrite changed: the new value, or null where the variable was removed.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        env: BTreeMap<String, Option<String>>,
        /// The files that the verdict may depend on, and that nobody looked at.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        not_looked_at: Vec<String>,
    },
    /// The line is not a call.
    Failed {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
        error: String,
    },
}

impl Answer {
    fn judged(id: Option<Value>, call: &Written, judgement: Judgement) -> serde_json::Result<Self> {
        let Judgement { facts, decision, rewritten, asked, .. } = judgement;
        let lossy = |arg: &Vec<u8>| String::from_utf8_lossy(arg).into_owned();
        let argv = rewritten.as_ref().map_or(&call.argv, |rewritten| &rewritten.argv);
        let env = rewritten
            .as_ref()
            .map_or(BTreeMap::new(), |rewritten| changes(&call.env, &rewritten.env));
        let secrets = call.secrets();
        let not_looked_at = call.not_looked_at(&asked.while_judging).map(lossy);
        let not_looked_at = not_looked_at.map(|path| secrets.hide(&path).into_owned()).collect();
        let mut facts = serde_json::to_value(&facts)?;
        hide_in(&mut facts, &secrets);
        Ok(Self::Judged {
            id,
            verdict: decision.verdict,
            rule: decision.deciding.rule,
            reason: secrets.hide(&decision.deciding.reason).into_owned(),
            facts,
            argv: hidden(argv).iter().map(lossy).collect(),
            env,
            not_looked_at,
        })
    }
}

/// The variables that differ, as they may be shown.
fn changes(before: &[Vec<u8>], after: &[Vec<u8>]) -> BTreeMap<String, Option<String>> {
    let before = before.iter().map(Vec::as_slice);
    let changes = environment_changes(before, after.iter().map(Vec::as_slice));
    let shown = |(name, value): (String, Option<String>)| {
        let hide = |value: String| {
            let spans = in_variable(name.as_bytes(), value.as_bytes());
            let hidden = masked(value.as_bytes(), &spans, |_| HIDDEN.to_owned());
            String::from_utf8_lossy(&hidden).into_owned()
        };
        let value = value.map(hide);
        (name, value)
    };
    changes.into_iter().map(shown).collect()
}

/// Hides secrets in every text of `value`.
fn hide_in(value: &mut Value, secrets: &Secrets) {
    match value {
        Value::String(text) => *text = secrets.hide(text).into_owned(),
        Value::Array(list) => list.iter_mut().for_each(|value| hide_in(value, secrets)),
        Value::Object(fields) => fields.values_mut().for_each(|value| hide_in(value, secrets)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Answers each line of the file at `path`; returns how many were no calls.
fn answer_cases(policy: &Policy, path: &Path, out: &mut impl Write) -> anyhow::Result<usize> {
    let from_stdin = path == Path::new("-");
    let mut cases: Box<dyn BufRead> = if from_stdin {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path)
            .with_context(|| format!("cannot open the cases in `{}`", path.display()))?;
        Box::new(BufReader::new(file))
    };
    let mut errors = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = cases.read_until(b'\n', &mut line);
        if read.with_context(|| format!("cannot read the cases in `{}`", path.display()))? == 0 {
            return Ok(errors);
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = answer(policy, &line)?;
        errors += usize::from(matches!(answer, Answer::Failed { .. }));
        write_line(out, &answer)?;
        if from_stdin {
            // Whoever writes the cases one by one waits for each answer.
            out.flush().context("cannot write the answer")?;
        }
    }
}

/// Answers one line.
fn answer(policy: &Policy, line: &[u8]) -> serde_json::Result<Answer> {
    let failed = |id, error: String| Ok(Answer::Failed { id, error });
    let mut case = match serde_json::from_slice::<Map<String, Value>>(line) {
        Ok(case) => case,
        Err(error) => return failed(None, format!("not a JSON object: {error}")),
    };
    let id = case.remove("id");
    let Case { argv, stdin, files, env, cwd } = match serde_json::from_value(case.into()) {
        Ok(case) => case,
        Err(error) => return failed(id, format!("not a case: {error}")),
    };
    if argv.is_empty() {
        return failed(id, "`argv` is empty: name at least the program".to_owned());
    }
    if argv.iter().chain(env.keys()).chain(env.values()).any(|text| text.contains('\0')) {
        let error = "`argv` or `env` holds a zero byte, which no program can be given";
        return failed(id, error.to_owned());
    }
    let call = Written {
        argv: argv.into_iter().map(String::into_bytes).collect(),
        env: env.iter().map(|(name, value)| format!("{name}={value}").into_bytes()).collect(),
        cwd: cwd.map(String::into_bytes),
        stdin: stdin.map(String::into_bytes),
        files: files.into_iter().map(|(path, text)| (path.into(), text.into())).collect(),
    };
    let judgement = call.judge(policy);
    Answer::judged(id, &call, judgement)
}

fn write_line(out: &mut impl Write, answer: &Answer) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, answer).context("cannot write the answer")?;
    out.write_all(b"\n").context("cannot write the answer")
}

/// A judgement for people.
fn describe(call: &Written, judgement: &Judgement) -> String {
    let Judgement { facts, decision, rewritten, asked, .. } = judgement;
    let deciding = &decision.deciding;
    let (secrets, argv) = (call.secrets(), hidden(&call.argv));
    let printable = |text: &str| printable(&secrets.hide(text));
    let mut out = format!("{}: {}\n", decision.verdict, shell_line(&argv));
    let rule = match (&deciding.rule, &deciding.at) {
        (Some(rule), Some(at)) => format!("{rule} ({at})"),
        (Some(rule), None) => rule.clone(),
        (None, _) => "none".to_owned(),
    };
    let mut field = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:<9}{value}");
    };
    field("rule", &printable(&rule));
    field("reason", &printable(&deciding.reason));
    for because in &deciding.because {
        field("because", &printable(because));
    }
    for (index, action) in facts.actions.iter().enumerate() {
        let verdict = decision.outcomes.get(index).map(|outcome| outcome.verdict.to_string());
        let text = printable(&action.text);
        field(
            "action",
            &format!("{}: {text} ({})", action.domain.name(), verdict.unwrap_or_default()),
        );
        if let Some(reason) = &action.opaque {
            field("", &format!("opaque: {}", printable(reason)));
        }
        for (name, fact) in action.facts() {
            let fact = match fact {
                Reading::Known(value) => serde_json::to_string(value).unwrap_or_default(),
                Reading::Opaque(reason) => format!("opaque: {reason}"),
            };
            field("", &format!("{name} = {}", printable(&fact)));
        }
    }
    for path in call.not_looked_at(&asked.while_judging) {
        let path = printable(&String::from_utf8_lossy(path));
        field("file", &format!("`{path}` was not looked at"));
    }
    if let Some(rewritten) = rewritten {
        out.push_str("  rewritten\n");
        difference(&argv, &hidden(&rewritten.argv), &mut out);
        for (name, value) in changes(&call.env, &rewritten.env) {
            let name = printable(&name);
            let _ = match value {
                Some(value) => writeln!(out, "    + {name}={}", shell_word(value.as_bytes())),
                None => writeln!(out, "    - {name}"),
            };
        }
    }
    out
}

/// The arguments one a line: what went with `-`, what came with `+`, what stays without either.
fn difference(before: &[Vec<u8>], after: &[Vec<u8>], out: &mut String) {
    let same = |(one, other): &(&Vec<u8>, &Vec<u8>)| one == other;
    let head = before.iter().zip(after).take_while(same).count();
    let (before_rest, after_rest) = (&before[head..], &after[head..]);
    let tail = before_rest.iter().rev().zip(after_rest.iter().rev()).take_while(same).count();
    let mut lines = |mark: char, args: &[Vec<u8>]| {
        for arg in args {
            let _ = writeln!(out, "    {mark} {}", shell_word(arg));
        }
    };
    lines(' ', &before[..head]);
    lines('-', &before_rest[..before_rest.len() - tail]);
    lines('+', &after_rest[..after_rest.len() - tail]);
    lines(' ', &before[before.len() - tail..]);
}

#[cfg(test)]
mod tests;
