//! What `claw check` says of a call, and whether it is what the real psql did.

use std::collections::BTreeMap;
use std::fs;

use claw_tests::backend::{Backend, Sighted};
use claw_tests::call::Call;
use claw_tests::claw;
use claw_tests::postgres;
use serde_json::{Value, json};

/// A call of psql: its words behind the name, its environment, its files and its standard input.
#[derive(Debug, Clone, Default)]
pub(crate) struct Psql {
    pub(crate) words: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) stdin: String,
}

impl Psql {
    /// Of these words.
    pub(crate) fn new<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Self {
        Self { words: words.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Runs the real one, in a folder with its files. Returns its exit status.
    pub(crate) fn run(&self) -> (i32, String) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for (name, content) in &self.files {
            fs::write(folder.path().join(name), content).expect("writable");
        }
        // An environment of its own: the machine's may hold anything of libpq's.
        let mut argv = vec!["/usr/bin/env".into(), "-i".into(), "PATH=/usr/bin:/bin".into()];
        argv.extend(self.env.iter().map(|(name, value)| format!("{name}={value}").into()));
        argv.push(postgres::real_psql().into_os_string());
        argv.extend(self.words.iter().map(Into::into));
        let ran = Call::new(argv).cwd(folder.path()).stdin(self.stdin.clone()).bare();
        (ran.status.code().unwrap_or(-1), ran.story())
    }

    fn case(&self) -> Value {
        let argv: Vec<&str> =
            std::iter::once("psql").chain(self.words.iter().map(String::as_str)).collect();
        json!({ "argv": argv, "env": self.env, "files": self.files, "stdin": self.stdin })
    }
}

/// What claw says of each call, in their order.
pub(crate) fn judge(policy: &str, calls: &[Psql]) -> Vec<Value> {
    let lines: String = calls.iter().map(|call| format!("{}\n", call.case())).collect();
    let argv = [claw::binary().as_os_str(), "check".as_ref(), "--policy".as_ref()];
    let policy = claw::policy(policy);
    let call =
        Call::new(argv.into_iter().chain([policy.as_os_str(), "--cases".as_ref(), "-".as_ref()]));
    let ran = call.stdin(lines).bare().exits(0);
    let answers: Vec<Value> =
        ran.out().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), calls.len(), "{}", ran.story());
    answers
}

/// Whether a setting comes with the connection: the text of one that a statement sets begins with a word of SQL.
pub(crate) fn comes_with_connection(action: &Value) -> bool {
    let text = action["text"].as_str().unwrap_or_default().to_ascii_lowercase();
    action["kind"] == "set" && !text.starts_with("set ")
}

/// The actions of the domain `sql` that are statements, in their order, without where they run.
pub(crate) fn statements(answer: &Value) -> Vec<Value> {
    let actions = answer["facts"]["actions"].as_array().expect("actions");
    let is_statement = |action: &&Value| {
        action["domain"] == "sql" && action["kind"] != "empty" && !comes_with_connection(action)
    };
    let without_place = |action: &Value| {
        let mut action = action.clone();
        let fields = action.as_object_mut().expect("an action");
        for place in ["host", "port", "user", "database"] {
            fields.remove(place);
        }
        action
    };
    actions.iter().filter(is_statement).map(without_place).collect()
}

/// How far claw followed a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// Every text that was sent was judged.
    Whole,
    /// The rest is opaque.
    UntilOpaque,
}

/// Compares what was judged with what was sent: `texts` as claw reads each by itself.
pub(crate) fn compare(judged: &[Value], sent: &[Value]) -> Result<Followed, String> {
    for (index, statement) in judged.iter().enumerate() {
        match sent.get(index) {
            Some(sent) if sent == statement => {}
            _ if statement["opaque"].is_string() => return Ok(Followed::UntilOpaque),
            Some(sent) => return Err(format!("judged {statement}\nsent   {sent}")),
            None => return Err(format!("judged {statement}\nand nothing like it was sent")),
        }
    }
    match sent.get(judged.len()) {
        None => Ok(Followed::Whole),
        Some(missed) => Err(format!("sent {missed}\nand nothing like it was judged")),
    }
}

/// Each text as claw reads it by itself, in a session like that of `like`.
pub(crate) fn alone(texts: &[String], like: &Psql) -> Vec<Vec<Value>> {
    let call = |text: &String| {
        let mut call = Psql { env: like.env.clone(), ..Psql::new(["-X", "-c", text]) };
        // A text that begins with a backslash would be a command.
        if text.starts_with('\\') {
            call.words[2].insert(0, ' ');
        }
        call
    };
    let calls: Vec<Psql> = texts.iter().map(call).collect();
    judge("open", &calls).iter().map(statements).collect()
}

/// What the real psql did for each call, and what was sent of it as claw reads it.
pub(crate) fn real(backend: &Backend, calls: &[Psql]) -> Vec<(Real, Vec<Value>)> {
    let _ = backend.take();
    let reals: Vec<Real> = calls
        .iter()
        .map(|call| {
            // Its status says what its last statement or command came to.
            let (_, story) = call.run();
            Real { story, seen: backend.take() }
        })
        .collect();
    let texts: Vec<String> = reals.iter().flat_map(Real::texts).cloned().collect();
    let mut read = alone(&texts, &calls[0]).into_iter();
    let sent = |real: Real| {
        let count = real.texts().count();
        let sent = read.by_ref().take(count).flatten().collect();
        (real, sent)
    };
    reals.into_iter().map(sent).collect()
}

/// What the real psql did.
#[derive(Debug)]
pub(crate) struct Real {
    pub(crate) story: String,
    pub(crate) seen: Vec<Sighted>,
}

impl Real {
    fn texts(&self) -> impl Iterator<Item = &String> {
        self.seen.iter().flat_map(|sighted| &sighted.texts)
    }
}

/// The environment of someone who connects to `backend`.
pub(crate) fn env(backend: &Backend) -> BTreeMap<String, String> {
    let port = backend.port().to_string();
    [
        ("HOME", "/nonexistent"),
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", &port),
        ("PGUSER", "someone"),
        ("PGDATABASE", "somewhere"),
        ("PGSSLMODE", "disable"),
        ("PGGSSENCMODE", "disable"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
