//! claw's judgement of a call: `claw check --cases -`, kept running.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use claw_tests::claw;
use serde_json::{Value, json};

/// A running `claw check`.
#[derive(Debug)]
pub(crate) struct Claw {
    child: Child,
    cases: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// claw's answer on one call.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The actions of the tool's own domain.
    pub(crate) actions: Vec<Action>,
}

/// One action.
#[derive(Debug)]
pub(crate) struct Action(Value);

impl Claw {
    /// Starts it. Facts do not depend on the policy.
    pub(crate) fn start() -> Self {
        let mut child = Command::new(claw::binary())
            .args(["check", "--cases", "-", "--policy"])
            .arg(claw::policy("open"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`claw check` starts");
        let cases = child.stdin.take().expect("piped");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, cases, answers }
    }

    /// The facts of a call.
    pub(crate) fn judge(
        &mut self,
        argv: &[String],
        env: &[(String, String)],
        cwd: &str,
        stdin: Option<&str>,
        files: &BTreeMap<String, String>,
    ) -> Judged {
        let env: BTreeMap<_, _> = env.iter().cloned().collect();
        let case = json!({ "argv": argv, "env": env, "cwd": cwd, "stdin": stdin, "files": files });
        writeln!(self.cases, "{case}").expect("`claw check` reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("`claw check` answers");
        let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
        let actions = answer["facts"]["actions"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let own = actions.iter().filter(|action| action["domain"] != "exec");
        Judged { actions: own.cloned().map(Action).collect() }
    }
}

impl Drop for Claw {
    fn drop(&mut self) {
        // It ends when its input does; kill it in case it hangs.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Judged {
    /// Why some action as a whole is not read.
    pub(crate) fn opaque(&self) -> Option<&str> {
        self.actions.iter().find_map(|action| action.0["opaque"].as_str())
    }

    /// A summary of the whole answer.
    pub(crate) fn story(&self) -> String {
        let told = |(name, value): (&String, &Value)| {
            let empty = value == &json!([]) || value == &json!(false);
            let told = !empty && !matches!(name.as_str(), "domain" | "text");
            told.then(|| format!("{name}={value}"))
        };
        let facts = |action: &Action| {
            let facts = action.0.as_object().into_iter().flatten().filter_map(told);
            facts.collect::<Vec<_>>().join(" ")
        };
        self.actions.iter().map(facts).collect::<Vec<_>>().join("; ")
    }
}

impl Action {
    /// Why the fact `name` is not known.
    pub(crate) fn opaque(&self, name: &str) -> Option<&str> {
        self.0["opaque"].as_str().or_else(|| self.0[name]["opaque"].as_str())
    }

    /// A fact of one word.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    /// The answer without these facts.
    pub(crate) fn without(&self, names: &[&str]) -> Value {
        let mut said = self.0.clone();
        if let Some(facts) = said.as_object_mut() {
            facts.retain(|name, _| !names.contains(&name.as_str()));
        }
        said
    }

    /// A fact of yes or no.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.0[name].as_bool().unwrap_or_default()
    }

    /// A fact of several words.
    pub(crate) fn set(&self, name: &str) -> Vec<&str> {
        self.0[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }
}
