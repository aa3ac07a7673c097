//! `claw test`: the unit tests of policies.
//!
//! Input: `*.test.toml` files, each with the policy it tests, calls and connections, and what is
//! expected of each. Output: what was not as expected, and the rules that no case reached. The
//! verdicts come from the same functions as live ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use claw_policy::connect::{self, Protocol};
use claw_policy::unix::{self, Names};
use claw_policy::{Diagnostic, Outcome, Policy, Verdict, position};
use serde::Deserialize;
use toml::Spanned;

use crate::judge::policy_file::{self, Mistakes, PolicyError};
use crate::judge::written::{Written, hidden, printable, shell_line};

/// The exit status where something was not as expected.
const UNEXPECTED: u8 = 1;

/// The exit status where something could not be tested.
const FAILED: u8 = 2;

/// How the files of tests end.
const SUFFIX: &str = ".test.toml";

/// Run the unit tests of policies
///
/// A test file stands beside its policy and names it. Exit status: 0 when everything is as expected,
/// 1 when something is not, 2 when something could not be tested. A rule that no case reaches is a
/// warning.
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyTest {
    /// Files of tests, policies whose tests stand beside them, or folders of tests; the folder
    /// `policies` if not given
    #[arg(value_name = "PATH", default_value = "policies")]
    paths: Vec<PathBuf>,
}

impl PolicyTest {
    /// Runs the command.
    ///
    /// # Errors
    /// When a path cannot be read or the result not written. A mistake in a policy or in its tests is
    /// reported here, and is exit status 2.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut files = BTreeSet::new();
        for path in &self.paths {
            files.append(&mut tests_at(path)?);
        }
        let mut out = io::stdout().lock();
        let mut suites: BTreeMap<PathBuf, Suite> = BTreeMap::new();
        let mut tally = Tally::default();
        for file in &files {
            match test(file, &mut suites) {
                Ok(results) => {
                    let report = results.report(file);
                    out.write_all(report.as_bytes()).context("cannot write the result")?;
                    tally.passed += results.passed;
                    tally.unexpected += results.unexpected.len();
                }
                Err(error) => {
                    error.report()?;
                    tally.failed += 1;
                }
            }
        }
        for suite in suites.values() {
            for warning in suite.unreached() {
                writeln!(out, "{warning}").context("cannot write the result")?;
            }
        }
        writeln!(out, "{tally}").context("cannot write the result")?;
        Ok(match tally {
            Tally { failed: 1.., .. } => FAILED.into(),
            Tally { unexpected: 1.., .. } => UNEXPECTED.into(),
            Tally { .. } => ExitCode::SUCCESS,
        })
    }
}

/// The files of tests that `path` stands for.
fn tests_at(path: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let named = |path: &Path| path.to_string_lossy().ends_with(SUFFIX);
    if path.is_dir() {
        let cannot = || format!("cannot read the folder `{}`", path.display());
        let mut files = BTreeSet::new();
        for entry in fs::read_dir(path).with_context(cannot)? {
            let file = entry.with_context(cannot)?.path();
            if named(&file) {
                files.insert(file);
            }
        }
        anyhow::ensure!(!files.is_empty(), "no `*{SUFFIX}` in the folder `{}`", path.display());
        return Ok(files);
    }
    anyhow::ensure!(path.exists(), "there is no `{}`", path.display());
    let file = if named(path) { path.to_owned() } else { path.with_extension("test.toml") };
    anyhow::ensure!(
        file.exists(),
        "`{}` has no tests: there is no `{}` beside it",
        path.display(),
        file.display()
    );
    Ok([file].into())
}

/// All counts of one run.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    unexpected: usize,
    /// Files that could not be tested.
    failed: usize,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.unexpected)?;
        if self.failed > 0 {
            write!(f, ", {} files not tested", self.failed)?;
        }
        Ok(())
    }
}

/// A policy and the rules of it that some case reached.
#[derive(Debug)]
struct Suite {
    policy: Policy,
    reached: BTreeSet<String>,
}

impl Suite {
    /// A warning for each rule that decided nothing in any case.
    fn unreached(&self) -> Vec<String> {
        let rules = self.policy.rules().iter().map(|rule| (&rule.id, &rule.at));
        let connect = self.policy.connect().iter().map(|rule| (&rule.id, &rule.at));
        let unix = self.policy.unix().iter().map(|rule| (&rule.id, &rule.at));
        rules
            .chain(connect)
            .chain(unix)
            .filter(|(id, _)| !self.reached.contains(*id))
            .map(|(id, at)| format!("warning: no case reaches the rule `{id}` ({at})"))
            .collect()
    }
}

/// A file of tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestFile {
    /// Relative to this file.
    policy: Spanned<PathBuf>,
    #[serde(default, rename = "case")]
    cases: Vec<Spanned<Case>>,
    #[serde(default, rename = "connect")]
    connections: Vec<Spanned<Connection>>,
}

/// A call and what is expected of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    argv: Spanned<Vec<String>>,
    /// All of standard input; unknown where it is not given.
    stdin: Option<String>,
    /// What is in the files that the call names.
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    cwd: Option<String>,
    expect: Verdict,
    /// The rule that decides.
    rule: Option<Spanned<String>>,
    /// What runs instead.
    argv_after: Option<Vec<String>>,
}

/// A connection and what is expected of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Connection {
    name: Option<String>,
    /// An address and a port, `10.0.0.1:80` or `[::1]:80`.
    to: Option<SocketAddr>,
    /// In its place, the path of a Unix socket or an abstract one's name after an `@`.
    unix: Option<String>,
    /// Both where it is not given.
    protocol: Option<Protocol>,
    expect: Verdict,
    /// The rule that decides.
    rule: Option<Spanned<String>>,
}

/// What the cases of one file gave.
#[derive(Debug, Default)]
struct Results {
    passed: usize,
    unexpected: Vec<Unexpected>,
}

/// A case that was not as expected.
#[derive(Debug)]
struct Unexpected {
    name: String,
    /// Where the case starts, from 1.
    line: usize,
    /// What was judged.
    subject: String,
    expected: String,
    got: String,
}

impl Results {
    fn note(&mut self, unexpected: Option<Unexpected>) {
        match unexpected {
            Some(unexpected) => self.unexpected.push(unexpected),
            None => self.passed += 1,
        }
    }

    fn report(&self, file: &Path) -> String {
        let mut out = String::new();
        let file = file.display();
        for Unexpected { name, line, subject, expected, got } in &self.unexpected {
            let _ = write!(
                out,
                "{file}:{line}: {}\n  call      {subject}\n  expected  {expected}\n  got       {got}\n",
                printable(name)
            );
        }
        out
    }
}

/// Runs the tests in `file`, and notes in `suites` what they reached.
fn test(file: &Path, suites: &mut BTreeMap<PathBuf, Suite>) -> Result<Results, PolicyError> {
    let text = policy_file::read(file)?;
    let tests = read(file, &text)?;
    let path = file.with_file_name(tests.policy.get_ref());
    let suite = match suites.entry(path.clone()) {
        std::collections::btree_map::Entry::Occupied(suite) => suite.into_mut(),
        std::collections::btree_map::Entry::Vacant(place) => {
            let policy = policy_file::load(Some(&path))?;
            place.insert(Suite { policy, reached: BTreeSet::new() })
        }
    };
    check_rules(file, &text, &tests, &suite.policy)?;
    let line = |span: Range<usize>| position(&text, span.start).0;
    let mut results = Results::default();
    for case in &tests.cases {
        results.note(call(case.get_ref(), line(case.span()), suite));
    }
    for connection in &tests.connections {
        results.note(connect(connection.get_ref(), line(connection.span()), suite));
    }
    Ok(results)
}

/// Reads a file of tests.
fn read(file: &Path, text: &str) -> Result<TestFile, PolicyError> {
    let wrong = |span: Range<usize>, message: &str| -> PolicyError {
        Mistakes::new(file, text.to_owned(), vec![mistake(text, span, message)]).into()
    };
    let tests: TestFile = toml::from_str(text)
        .map_err(|error| wrong(error.span().unwrap_or(0..0), error.message()))?;
    if tests.cases.is_empty() && tests.connections.is_empty() {
        return Err(wrong(tests.policy.span(), "there is no `[[case]]` and no `[[connect]]`"));
    }
    if let Some(case) = tests.cases.iter().find(|case| case.get_ref().argv.get_ref().is_empty()) {
        return Err(wrong(
            case.get_ref().argv.span(),
            "`argv` is empty: name at least the program",
        ));
    }
    if let Some(case) = tests.connections.iter().find(|case| {
        let Connection { to, unix, protocol, .. } = case.get_ref();
        to.is_some() == unix.is_some() || (unix.is_some() && protocol.is_some())
    }) {
        let message =
            "a connection goes `to` an address, perhaps by a `protocol`, or to a `unix` socket";
        return Err(wrong(case.span(), message));
    }
    Ok(tests)
}

/// A rule that is expected but not in the policy is a mistake of the test.
fn check_rules(
    file: &Path,
    text: &str,
    tests: &TestFile,
    policy: &Policy,
) -> Result<(), PolicyError> {
    let calls = tests.cases.iter().filter_map(|case| case.get_ref().rule.as_ref());
    let ids = || policy.rules().iter().map(|rule| rule.id.as_str());
    let mut found = unknown_rules(text, calls, ids);
    let connections = tests.connections.iter().filter_map(|case| case.get_ref().rule.as_ref());
    let connect_ids = || {
        let connect = policy.connect().iter().map(|rule| rule.id.as_str());
        connect.chain(policy.unix().iter().map(|rule| rule.id.as_str()))
    };
    found.extend(unknown_rules(text, connections, connect_ids));
    if found.is_empty() {
        return Ok(());
    }
    Err(Mistakes::new(file, text.to_owned(), found).into())
}

fn unknown_rules<'a, I: Iterator<Item = &'a str>>(
    text: &str,
    expected: impl Iterator<Item = &'a Spanned<String>>,
    ids: impl Fn() -> I,
) -> Vec<Diagnostic> {
    expected
        .filter(|rule| !ids().any(|id| id == rule.get_ref()))
        .map(|rule| {
            let near = claw_policy::nearest(rule.get_ref(), ids());
            let message = format!("the policy has no rule `{}` here", rule.get_ref());
            let help = near.map(|near| format!("did you mean `{near}`?"));
            Diagnostic { help, ..mistake(text, rule.span(), &message) }
        })
        .collect()
}

fn mistake(text: &str, span: Range<usize>, message: &str) -> Diagnostic {
    let (line, column) = position(text, span.start);
    let (message, label) = (message.to_owned(), "here".to_owned());
    Diagnostic { message, span, line, column, label, help: None }
}

/// Judges one call; returns how it differs from what is expected.
fn call(case: &Case, line: usize, suite: &mut Suite) -> Option<Unexpected> {
    let bytes = |text: &String| text.clone().into_bytes();
    let written = Written {
        argv: case.argv.get_ref().iter().map(bytes).collect(),
        env: case.env.iter().map(|(name, value)| format!("{name}={value}").into_bytes()).collect(),
        cwd: case.cwd.as_ref().map(bytes),
        stdin: case.stdin.as_ref().map(bytes),
        files: case.files.iter().map(|(path, text)| (bytes(path), bytes(text))).collect(),
    };
    let judgement = written.judge(&suite.policy);
    let decision = &judgement.decision;
    suite.reached.extend(decision.outcomes.iter().filter_map(|outcome| outcome.rule.clone()));
    suite.reached.extend(decision.rewrites.iter().map(|rewrite| rewrite.rule.clone()));
    let rule = case.rule.as_ref().map(|rule| rule.get_ref().as_str());
    let after = judgement.rewritten.as_ref().map_or(&written.argv, |rewritten| &rewritten.argv);
    let wanted_after = case.argv_after.as_ref().map(|argv| argv.iter().map(bytes).collect());
    let as_expected = is_expected(&decision.deciding, case.expect, rule)
        && wanted_after.as_ref().is_none_or(|wanted: &Vec<Vec<u8>>| wanted == after);
    if as_expected {
        return None;
    }
    let mut expected = expectation(case.expect, rule);
    let mut got = answer(&decision.deciding);
    if let Some(wanted) = wanted_after {
        let _ = write!(expected, "\n            {}", shell_line(hidden(&wanted)));
        let _ = write!(got, "\n            {}", shell_line(hidden(after)));
    }
    let subject = shell_line(hidden(&written.argv));
    Some(Unexpected { name: case.name.clone(), line, subject, expected, got })
}

/// Decides one connection; returns how it differs from what is expected.
fn connect(case: &Connection, line: usize, suite: &mut Suite) -> Option<Unexpected> {
    let rule = case.rule.as_ref().map(|rule| rule.get_ref().as_str());
    let mut unexpected = None;
    for (subject, outcome) in decided(case, &suite.policy) {
        suite.reached.extend(outcome.rule.clone());
        if !is_expected(&outcome, case.expect, rule) && unexpected.is_none() {
            unexpected = Some(Unexpected {
                name: case.name.clone().unwrap_or_else(|| subject.clone()),
                line,
                subject,
                expected: expectation(case.expect, rule),
                got: answer(&outcome),
            });
        }
    }
    unexpected
}

/// What the policy says of a connection, by each protocol that the case stands for.
fn decided(case: &Connection, policy: &Policy) -> Vec<(String, Outcome)> {
    let protocols = match &case.protocol {
        Some(protocol) => std::slice::from_ref(protocol),
        None => &Protocol::ALL,
    };
    let inet = case.to.iter().flat_map(|to| {
        protocols.iter().map(move |protocol| {
            let outcome = connect::decide(policy, to.ip(), to.port(), *protocol);
            (format!("connect {protocol} {to}"), outcome)
        })
    });
    let unix = case.unix.iter().map(|name| {
        let names = Names { all: vec![name.clone()], also: Vec::new() };
        (format!("connect unix {name}"), unix::decide(policy, &names))
    });
    inet.chain(unix).collect()
}

fn is_expected(outcome: &Outcome, verdict: Verdict, rule: Option<&str>) -> bool {
    outcome.verdict.name() == verdict.name()
        && rule.is_none_or(|rule| outcome.rule.as_deref() == Some(rule))
}

/// A verdict, and the rule that is to give it where that is said.
fn expectation(verdict: Verdict, rule: Option<&str>) -> String {
    match rule {
        Some(rule) => format!("{verdict} by `{rule}`"),
        None => verdict.to_string(),
    }
}

/// A verdict with its reasons.
fn answer(outcome: &Outcome) -> String {
    let mut answer = expectation(outcome.verdict, outcome.rule.as_deref());
    if let Some(at) = &outcome.at {
        let _ = write!(answer, " ({at})");
    }
    let _ = write!(answer, ": {}", printable(&outcome.reason));
    for because in &outcome.because {
        let _ = write!(answer, "\n            {}", printable(because));
    }
    answer
}

#[cfg(test)]
mod tests;
