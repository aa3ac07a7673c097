//! A script as psql runs it, line by line: what it sends, and its backslash commands.
//!
//! Input: the content of a file, or of standard input that is no terminal. Output: steps, in the
//! order in which they happen; those in a branch that may run are among them.
//! Source: `MainLoop` in `src/bin/psql/mainloop.c` and `src/bin/psql/command.c`, releases 15 to 18.
//!
//! The rest of a script is not read where releases differ, or where what follows depends on
//! something outside the text. That is so after `\bind`, `\connect`, `\cd`, `\setenv`, `\prompt`,
//! `\copy`, `\gexec`, programs and editors. It is also so if a command that may fail has something
//! after it on its line, which psql then drops.

use std::rc::Rc;

use super::branches::{Branches, Runs, is_branch};
use super::lexer::{Lexer, Stop, Unread};
use super::meta::{self, Meta};
use super::outputs;
use super::plan::{Holder, Place, meta_action};
use super::query::Query;
use super::scripts::{Scripts, takes_rows};
use super::slash::{self, Argument, Command};
use super::variables::{Sight, Value, takes_any};
use super::{PLACE, Psql};
use crate::call::text;
use crate::language::sql::Connection;

/// Why the rest of a script is not read.
pub(super) enum Ends {
    /// For this reason.
    Unread(Unread),
    /// A script that it includes was not read, and an action says so already.
    Said,
}

impl From<Unread> for Ends {
    fn from(reason: Unread) -> Self {
        Self::Unread(reason)
    }
}

/// The text that was sent last, which `\g` alone sends again.
enum Previous {
    None,
    Query(Rc<Query>),
    /// It was in a branch that may run.
    Unknown,
}

/// The state of one script that is being read.
struct Run<'a> {
    lexer: Lexer<'a>,
    branches: Branches,
    previous: Previous,
    holder: &'a Holder,
}

/// What follows a command.
enum Next {
    Line,
    /// Nothing: `\q`.
    Nothing,
}

/// Commands that send what was gathered.
const SENDS: &[&str] = &["crosstabview", "g", "gdesc", "gexec", "gset", "gx", "watch"];

/// Commands that do not fail, so that psql reads on after them.
const SURE: &[&str] = &[
    "a",
    "crosstabview",
    "echo",
    "elif",
    "else",
    "endif",
    "g",
    "gdesc",
    "gset",
    "gx",
    "if",
    "p",
    "print",
    "q",
    "qecho",
    "quit",
    "r",
    "reset",
    "set",
    "unset",
    "warn",
];

impl Scripts<'_> {
    /// Reads a script.
    ///
    /// # Errors
    /// Why the rest is not read.
    pub(super) fn lines(&mut self, content: &str, holder: &Holder) -> Result<(), Ends> {
        let lexer = Lexer::new(content);
        let previous = Previous::None;
        let mut run = Run { lexer, branches: Branches::default(), previous, holder };
        while run.lexer.next_line() {
            loop {
                let stop = match run.branches.here() {
                    Runs::No => run.lexer.scan(None)?,
                    runs => {
                        let certain = self.certain && runs == Runs::Yes;
                        run.lexer.scan(Some(&Sight { variables: &self.variables, certain }))?
                    }
                };
                match stop {
                    Stop::Semicolon => self.send(&mut run)?,
                    Stop::EndOfLine => {
                        if self.variables.single_line && run.lexer.is_complete() {
                            self.send(&mut run)?;
                        }
                        break;
                    }
                    Stop::Backslash => match self.command(&mut run)? {
                        Next::Line => {}
                        Next::Nothing => return Ok(()),
                    },
                }
            }
        }
        // psql sends what is left at the end of a file.
        if !run.lexer.query().text().is_empty() {
            self.send(&mut run)?;
        }
        Ok(())
    }

    /// Sends the text gathered so far, unless it is in a branch that does not run.
    fn send(&mut self, run: &mut Run<'_>) -> Result<(), Ends> {
        let runs = run.branches.here();
        if runs == Runs::No {
            return Ok(());
        }
        let query = Rc::new(run.lexer.take_query());
        run.previous = match runs {
            Runs::Yes => Previous::Query(Rc::clone(&query)),
            Runs::Perhaps | Runs::No => Previous::Unknown,
        };
        self.sent(query, run.holder)
    }

    /// Judges a text that is sent.
    fn sent(&mut self, query: Rc<Query>, holder: &Holder) -> Result<(), Ends> {
        if query.is_blank() {
            return Ok(());
        }
        let before = self.steps.len();
        self.statements(&Place { holder: holder.clone(), query, statement: 0 });
        if self.steps[before..].iter().any(|step| takes_rows(&step.action)) {
            return Err("what follows COPY FROM STDIN is data up to a line of its own".into());
        }
        Ok(())
    }

    fn command(&mut self, run: &mut Run<'_>) -> Result<Next, Ends> {
        let runs = run.branches.here();
        let certain = self.certain && runs == Runs::Yes;
        let sight = Sight { variables: &self.variables, certain };
        let Some(line) = run.lexer.command() else {
            return Err("a backslash command stands inside a variable".into());
        };
        let command = slash::read(line, Some(&sight).filter(|_| runs != Runs::No));
        if line[..command.length].contains('\x0b') {
            return Err("a vertical tab stands in a backslash command".into());
        }
        // Two backslashes end a command and nothing else.
        let behind = &line[command.length..];
        let separator = if behind.starts_with("\\\\") { 2 } else { 0 };
        let alone = behind[separator..].trim_start().is_empty();
        run.lexer.skip(command.length + separator);
        if !alone && (runs == Runs::No || !is_sure(&command)) {
            return Err("something follows a backslash command on its line".into());
        }
        if is_branch(&command.name) {
            branch(run, &command, alone)?;
            self.steps
                .push(meta_action(Meta { name: &command.name, arguments: &command.raw }).into());
            return Ok(Next::Line);
        }
        if runs == Runs::No {
            return Ok(Next::Line);
        }
        if SENDS.contains(&&*command.name) {
            self.send_by(run, &command)?;
        }
        match &*command.name {
            "r" | "reset" => {
                run.lexer.take_query();
                run.lexer.reset();
            }
            // Where it only may run, what follows may run as well.
            "q" | "quit" if certain => {
                self.effect(&command, run.holder)?;
                return Ok(Next::Nothing);
            }
            _ => {}
        }
        let was = std::mem::replace(&mut self.certain, certain);
        let done = self.effect(&command, run.holder);
        self.certain = was;
        done.map(|()| Next::Line)
    }

    /// Sends, for a command, the text gathered so far or else the text sent before.
    fn send_by(&mut self, run: &mut Run<'_>, command: &Command) -> Result<(), Ends> {
        if command.raw.trim_start().starts_with('(') && !has_plain_options(&command.raw) {
            return Err("psql may refuse the options of `\\g`, and then sends nothing".into());
        }
        let repeats = command.name == "watch";
        if run.lexer.query().text().is_empty() {
            match &run.previous {
                Previous::None => {}
                Previous::Query(query) => self.sent(Rc::clone(query), run.holder)?,
                Previous::Unknown => {
                    return Err("what was sent before may have been sent or not".into());
                }
            }
        } else if repeats {
            let query = Rc::new(run.lexer.take_query());
            self.sent(query, run.holder)?;
        } else {
            self.send(run)?;
        }
        run.lexer.reset();
        Ok(())
    }

    /// What a command does by itself, wherever it is.
    pub(super) fn effect(&mut self, command: &Command, holder: &Holder) -> Result<(), Ends> {
        let arguments = command.said();
        let meta = Meta { name: &command.name, arguments: &arguments };
        let class = meta::class(meta).unwrap_or("");
        let mut action = meta_action(meta);
        if class == "catalog" {
            self.session.describe_as(&mut action, PLACE);
            let object = match &command.arguments[..] {
                [] => Some(arguments.trim()).filter(|rest| !rest.is_empty()),
                [object, ..] => Some(&*object.text).filter(|_| object.known),
            };
            match (object, command.arguments.is_empty()) {
                (Some(object), _) => action.set(Psql::OBJECT, object),
                (None, true) => {}
                (None, false) => action.set_opaque(Psql::OBJECT, "a variable stands for the name"),
            }
        }
        self.steps.push(action.into());
        outputs::note(self.call, command, class);
        let word = |at: usize| command.arguments.get(at);
        if command.name.eq_ignore_ascii_case("copy") {
            self.copy(&command.raw);
        }
        match (&*command.name, class) {
            (_, "program") => {}
            ("set", _) => {
                let Some(name) = word(0) else { return Ok(()) };
                if !name.known {
                    return Err("a psql variable is set whose name is not known".into());
                }
                let values = &command.arguments[1..];
                let known = self.certain && values.iter().all(|value| value.known);
                let value = values.iter().map(|value| &*value.text).collect();
                let value = if known { Value::Known(value) } else { Value::Unknown };
                self.variables.set(&name.text, Some(value));
                return Ok(self.followed()?);
            }
            ("unset", _) => {
                let Some(name) = word(0) else { return Ok(()) };
                match (name.known, self.certain) {
                    (true, true) => self.variables.set(&name.text, None),
                    (true, false) => self.variables.lose(&name.text),
                    (false, _) => {
                        return Err("a psql variable is unset whose name is not known".into());
                    }
                }
                return Ok(self.followed()?);
            }
            ("getenv", _) => {
                let (Some(name), Some(from)) = (word(0), word(1)) else { return Ok(()) };
                let value = self.call.var(&from.text).map(|value| text(value).into_owned());
                match value {
                    _ if !name.known || !from.known => {
                        return Err("a psql variable is set whose name is not known".into());
                    }
                    Some(value) if self.certain => {
                        self.variables.set(&name.text, Some(Value::Known(value)));
                    }
                    Some(_) => self.variables.lose(&name.text),
                    None => {}
                }
                return Ok(self.followed()?);
            }
            ("gset", _) => {
                let prefix = word(0).filter(|prefix| prefix.known);
                self.variables.forget(prefix.map_or("", |prefix| &prefix.text));
                return Ok(());
            }
            ("encoding", _) => {
                self.session.note("client_encoding", arguments.trim());
                return Ok(());
            }
            ("i" | "include" | "ir" | "include_relative", _) => {
                return self.include(command, holder);
            }
            (_, "inform" | "catalog" | "query" | "file_write" | "large_object" | "repeat") => {
                return Ok(());
            }
            (_, "connect") => {
                // What the command does not say may come from the connection before it.
                let elsewhere = Some("a backslash command connects anew");
                self.session.connection = Connection { elsewhere, ..Connection::default() };
            }
            _ => {}
        }
        Err("what follows depends on the backslash command before it".into())
    }

    /// Whether scripts can be followed after a variable was set.
    fn followed(&self) -> Result<(), Unread> {
        self.variables.unreadable.map_or(Ok(()), Err)
    }
}

/// `\if` and the other three. A branch must begin and end between statements, so that what follows
/// reads the same whether it runs or not.
fn branch(run: &mut Run<'_>, command: &Command, alone: bool) -> Result<(), Ends> {
    let was = run.branches.here();
    if was == Runs::No {
        run.lexer.discard();
    }
    if !run.lexer.is_between_statements() {
        return Err("a branch begins or ends inside a statement".into());
    }
    if !run.branches.meet(&command.name, &command.arguments) && !alone {
        return Err("psql refuses a branch and drops what follows it on its line".into());
    }
    if Runs::Perhaps == was.min(run.branches.here()) {
        run.previous = Previous::Unknown;
    }
    Ok(())
}

/// Whether psql accepts the command as it is, and reads on after it.
fn is_sure(command: &Command) -> bool {
    let sets = matches!(&*command.name, "set" | "unset");
    let takes = |name: &Argument| name.known && takes_any(&name.text);
    SURE.contains(&&*command.name) && (!sets || command.arguments.first().is_some_and(takes))
}

/// Whether all options of `\g (…)` are some that psql takes.
fn has_plain_options(arguments: &str) -> bool {
    let Some(options) = arguments.trim_start().strip_prefix('(') else { return true };
    let Some((options, _)) = options.split_once(')') else { return false };
    options.split_ascii_whitespace().all(|option| {
        matches!(
            option.split_once('=').unwrap_or((option, "")),
            ("format", "aligned" | "asciidoc" | "csv" | "html" | "latex" | "unaligned" | "wrapped")
                | ("expanded" | "footer" | "tuples_only", "" | "on" | "off")
        )
    })
}

#[cfg(test)]
mod tests;
