//! Scripts: standard input, `-f`, `\i` and the start-up file, read where their content is known.

use claw_policy::{Action, Reading, Value};

use super::plan::{Holder, Place, Step};
use super::script::Ends;
use super::slash::{Argument, Command};
use super::variables::Variables;
use super::{DOMAIN, fact};
use crate::call::files::{Files, NotRead};
use crate::call::home;
use crate::call::{Call, Stdin, excerpt, text};
use crate::language::sql;
use crate::language::sql::Sql;

/// How many scripts a call may run before the rest is not followed: a script may run itself.
const SCRIPTS: usize = 64;

/// Names of standard input as a file.
const STDIN: &[&[u8]] = &[b"-", b"/dev/stdin", b"/dev/fd/0", b"/proc/self/fd/0"];

/// The scripts of one call, in the order in which they run, in one session.
pub(super) struct Scripts<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) files: &'a dyn Files,
    pub(super) variables: Variables,
    /// Whether the script that is being read runs for certain: no script around it is in a branch
    /// that only may run.
    pub(super) certain: bool,
    pub(super) session: sql::Session,
    pub(super) steps: Vec<Step>,
}

impl Scripts<'_> {
    /// The statements of one text that is sent.
    pub(super) fn statements(&mut self, place: &Place) {
        let text = place.query.text().as_bytes();
        let actions = sql::actions(text, &mut self.session).into_iter().enumerate();
        self.steps.extend(actions.map(|(statement, action)| Step {
            action,
            place: Some(Place { statement, ..place.clone() }),
        }));
    }

    /// `~/.psqlrc`, if there may be one. The file that PSQLRC names is a fact of the
    /// environment. Returns whether there is one that may do something.
    pub(super) fn start_up(&mut self) -> bool {
        if let Some(file) = self.call.var("PSQLRC") {
            self.file(file, "environment");
            return true;
        }
        let home = match home::of_caller(self.call, self.files) {
            Ok(Some(home)) => home,
            Ok(None) => return false,
            Err(NotRead) => {
                self.source("file", ".psqlrc");
                self.unread(".psqlrc", home::UNREAD);
                return true;
            }
        };
        let path = [&home, &b"/.psqlrc"[..]].concat();
        let there = self.files.file(&path).sought() != Ok(None);
        if there {
            self.file(&path, "file");
        }
        there
    }

    /// Standard input, if nothing else says what to run.
    pub(super) fn input(&mut self) {
        match self.call.stdin() {
            Stdin::Null => self.steps.push(fact("stdin", "stdin", "inform", "no input").into()),
            Stdin::Terminal => {
                self.source("terminal", "a terminal session");
                self.unread("a terminal session", "anything may be typed");
            }
            Stdin::Content(_) | Stdin::Unknown => {
                self.file(b"-", "stdin");
            }
        }
    }

    /// A file that is run. Returns whether all of it was read.
    pub(super) fn file(&mut self, path: &[u8], source: &str) -> bool {
        let is_stdin = STDIN.contains(&path);
        let said = if path == b"-" { "standard input".into() } else { text(path) };
        self.source(if is_stdin { "stdin" } else { source }, &said);
        let content = if is_stdin {
            match self.call.stdin() {
                Stdin::Content(content) => content,
                Stdin::Null => return true,
                Stdin::Unknown | Stdin::Terminal => {
                    return self.unread(&said, "standard input is not read");
                }
            }
        } else {
            match self.files.file(path).named() {
                Ok(Some(content)) => content,
                Ok(None) => return self.unread(&said, "there is no such file yet"),
                Err(NotRead) => return self.unread(&said, "the file is not read"),
            }
        };
        let holder = if is_stdin { Holder::Stdin } else { Holder::File(path.to_vec()) };
        self.script(content, &holder, &said)
    }

    /// The content of a script. Returns whether all of it was read.
    fn script(&mut self, content: &[u8], holder: &Holder, said: &str) -> bool {
        if let Some(reason) = self.variables.unreadable {
            return self.unread(said, reason);
        }
        let ran = self.steps.iter().filter(|step| step.action.domain.name() == DOMAIN.name);
        if ran.count() > SCRIPTS {
            return self.unread(said, "too much runs before it");
        }
        if content.contains(&0) {
            return self.unread(said, "it holds a NUL byte");
        }
        let Ok(content) = str::from_utf8(content) else {
            return self.unread(said, "it is not UTF-8");
        };
        match self.lines(content, holder) {
            Ok(()) => true,
            Err(Ends::Unread(reason)) => self.unread(said, reason),
            Err(Ends::Said) => false,
        }
    }

    /// Runs the script that `\\i` or `\\ir` names.
    pub(super) fn include(&mut self, command: &Command, holder: &Holder) -> Result<(), Ends> {
        let Some(path) = included(command, holder) else {
            self.unread(&command.raw, "the name of the included file is not a plain one");
            return Err(Ends::Said);
        };
        if self.file(&path, "file") { Ok(()) } else { Err(Ends::Said) }
    }

    fn source(&mut self, source: &str, said: &str) {
        self.steps.push(fact(source, source, "script", excerpt(said)).into());
    }

    /// Records an unread script as one opaque `sql` action. A `psql` action names the source.
    /// Always returns `false`, so a caller can `return self.unread(…)`.
    pub(super) fn unread(&mut self, said: &str, reason: &str) -> bool {
        self.session.unreadable.get_or_insert_with(|| {
            "what runs before it is not read, and may change how it is read".to_owned()
        });
        let mut action = Action::opaque(&sql::DOMAIN, excerpt(said), reason);
        self.session.describe(&mut action);
        self.steps.push(action.into());
        false
    }
}

/// Whether a statement takes rows from the script itself.
pub(super) fn takes_rows(action: &Action) -> bool {
    action.opaque.is_none()
        && action.read(Sql::COPY) == Some(Reading::Known(&Value::from("from_client")))
}

/// The path that `\i` and `\ir` name, if it is one plain word; `\ir` looks in the script's own
/// folder.
fn included(command: &Command, holder: &Holder) -> Option<Vec<u8>> {
    let [Argument { text: path, known: true, .. }] = &command.arguments[..] else { return None };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte);
    if path.is_empty() || !path.bytes().all(plain) || STDIN.contains(&path.as_bytes()) {
        return None;
    }
    match holder {
        Holder::File(script) if command.name.contains('r') && !path.starts_with('/') => {
            let folder = script.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
            Some([&script[..folder], path.as_bytes()].concat())
        }
        _ => Some(path.as_bytes().to_vec()),
    }
}
