//! Turns an entry into a record, and masks its secrets on the way.
//!
//! Input: an [`Entry`] with real values. Output: a [`Record`] in which each secret is `‹secret:LENGTH:DIGEST›`, or
//! `‹secret:DIGEST›` for one of fewer than [`SHORT`] bytes, whose length would tell too much. The digest is keyed by the
//! audit folder ([`Key`]), so equal secrets look equal and nobody can try values out.
//!
//! Masking happens here and nowhere earlier: whoever decides sees the real values. Which bytes are a secret is for
//! `claw_classify::secrets` to say.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use claw_classify::{Call, MASKED, Secret, Secrets, in_variable, masked, secrets};
use claw_policy::{Reading, Value};
use jiff::Timestamp;

use super::entry::{self, Entry, What};
use super::key::Key;
use super::line::{Action, Exec, Fact, Facts, Kind, Record, VERSION};
use super::writer::Settings;
use crate::decode::Strings;

/// No length is given of a secret with fewer bytes than this.
const SHORT: usize = 12;

/// How many texts without a secret are remembered, and how long such a text may be, in bytes.
const REMEMBERED: usize = 1024;
const LONGEST: usize = 256;

/// What masks the records of one audit folder.
#[derive(Debug)]
pub(super) struct Masker {
    key: Key,
    /// Texts that hold no secret by themselves. The reasons and the words of facts come again in record after
    /// record, and looking through them is most of what masking costs.
    plain: RefCell<HashSet<Box<str>>>,
}

impl Masker {
    pub(super) fn new(key: Key) -> Self {
        Self { key, plain: RefCell::default() }
    }

    /// The record of an entry, the number `seq` of its session.
    pub(super) fn record(
        &self,
        settings: &Settings,
        seq: u64,
        time: Timestamp,
        entry: Entry,
    ) -> Record {
        let secrets = of_event(&entry.what);
        let text = |text: &str| self.text(&secrets, text);
        let labels = settings
            .labels
            .iter()
            .map(|(name, value)| (name.clone(), self.variable(&secrets, name, value)));
        Record {
            v: VERSION,
            id: format!("{}-{seq}", settings.session),
            seq,
            time,
            session: settings.session.clone(),
            labels: labels.collect(),
            verdict: entry.verdict,
            rule: entry.rule,
            reason: text(&entry.reason),
            at: entry.at,
            because: entry.because.iter().map(|because| text(because)).collect(),
            level: entry.level,
            proof: entry.proof,
            pid: entry.pid,
            uid: entry.uid,
            outcome: entry.outcome.as_deref().map(text),
            kind: self.kind(&secrets, entry.what),
        }
    }

    fn kind(&self, secrets: &Secrets, what: What) -> Kind {
        match what {
            What::Start { argv } => Kind::Start { argv: self.words(secrets, &argv) },
            What::Exec(exec) => Kind::Exec(Box::new(self.exec(secrets, *exec))),
            What::Connect(entry::Connect { to, protocol, took_ns }) => {
                let to = to.map(|to| self.text(secrets, &to));
                Kind::Connect { to, protocol, took_ns }
            }
            What::Killed => Kind::Killed,
            What::Refused => Kind::Refused,
            What::Tamper => Kind::Tamper,
            What::Lost { count } => Kind::Lost { count },
            What::End => Kind::End,
        }
    }

    fn exec(&self, secrets: &Secrets, exec: entry::Exec) -> Exec {
        // Places of words are those of the arguments that run; the others have their own.
        let asked = exec.asked.as_ref().map(|asked| {
            let own = of_argv(asked);
            self.words(&own, asked)
        });
        let env = exec.env.into_iter().map(|(name, value)| {
            let value = value.map(|value| self.variable(secrets, &name, &value));
            (name, value)
        });
        Exec {
            path: (!exec.path.is_empty()).then(|| {
                readable(&masked(&exec.path, &secrets.in_text(&exec.path), |it| self.show(it)))
            }),
            argv: exec.argv.as_ref().map(|argv| self.words(secrets, argv)),
            asked,
            env: env.collect(),
            facts: exec.facts.as_ref().map(|facts| self.facts(secrets, facts)),
            took_ns: exec.took_ns,
        }
    }

    fn facts(&self, secrets: &Secrets, facts: &claw_policy::Facts) -> Facts {
        Facts {
            tool: facts.tool.as_ref().map(ToString::to_string),
            disputed: facts.disputed.as_ref().map(ToString::to_string),
            actions: facts.actions.iter().map(|action| self.action(secrets, action)).collect(),
        }
    }

    fn action(&self, secrets: &Secrets, action: &claw_policy::Action) -> Action {
        let fact = |(name, fact): (&str, Reading<'_>)| (name.to_owned(), self.fact(secrets, fact));
        Action {
            domain: action.domain.name().to_owned(),
            text: self.text(secrets, &action.text),
            opaque: action.opaque.as_deref().map(|reason| self.text(secrets, reason)),
            facts: action.facts().map(fact).collect::<BTreeMap<_, _>>(),
        }
    }

    fn fact(&self, secrets: &Secrets, fact: Reading<'_>) -> Fact {
        match fact {
            Reading::Known(Value::Bool(value)) => Fact::Bool(*value),
            Reading::Known(Value::Int(value)) => Fact::Int(*value),
            Reading::Known(Value::Str(value)) => Fact::Str(self.text(secrets, value)),
            Reading::Known(Value::Set(values)) => {
                Fact::Set(values.iter().map(|value| self.text(secrets, value)).collect())
            }
            Reading::Opaque(reason) => Fact::Opaque { opaque: self.text(secrets, reason) },
        }
    }

    /// The words of the call that `secrets` are of.
    fn words(&self, secrets: &Secrets, words: &Strings) -> Vec<String> {
        let word = |(at, word): (usize, &[u8])| {
            readable(&masked(word, secrets.of_word(at), |it| self.show(it)))
        };
        words.iter().enumerate().map(word).collect()
    }

    fn text(&self, secrets: &Secrets, text: &str) -> String {
        // What a text holds by itself is the same every time; what the call holds may be anywhere in it.
        let by_itself = secrets.is_empty();
        if by_itself && self.plain.borrow().contains(text) {
            return text.to_owned();
        }
        let spans = secrets.in_text(text.as_bytes());
        if by_itself && spans.is_empty() && text.len() <= LONGEST {
            let mut plain = self.plain.borrow_mut();
            if plain.len() >= REMEMBERED {
                plain.clear();
            }
            plain.insert(text.into());
        }
        readable(&masked(text.as_bytes(), &spans, |it| self.show(it)))
    }

    fn variable(&self, secrets: &Secrets, name: &str, value: &str) -> String {
        let spans = in_variable(name.as_bytes(), value.as_bytes());
        let shown = readable(&masked(value.as_bytes(), &spans, |it| self.show(it)));
        self.text(secrets, &shown)
    }

    fn show(&self, secret: &Secret) -> String {
        let value = secret.reveal();
        let digest = self.key.digest(value);
        if value.len() < SHORT {
            return format!("{MASKED}{digest}›");
        }
        format!("{MASKED}{}:{digest}›", value.len())
    }
}

/// What is known to be a secret in what happened.
fn of_event(what: &What) -> Secrets {
    match what {
        What::Start { argv } => of_argv(argv),
        What::Exec(exec) => {
            let mut secrets = of_argv(exec.argv.as_ref().unwrap_or(&Strings::EMPTY));
            if let Some(asked) = &exec.asked {
                secrets.know(&of_argv(asked));
            }
            secrets
        }
        What::Connect(_)
        | What::Killed
        | What::Refused
        | What::Tamper
        | What::Lost { .. }
        | What::End => secrets(&Call::default()),
    }
}

fn of_argv(argv: &Strings) -> Secrets {
    let argv: Vec<&[u8]> = argv.iter().collect();
    secrets(&Call { argv: &argv, ..Call::default() })
}

/// Bytes that are not UTF-8 are spelled `\xNN`.
fn readable(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests;
