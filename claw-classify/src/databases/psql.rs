//! psql: its command line, its environment, and the SQL it is given.
//!
//! Input: the call. Output: one action of the domain `sql` for each statement and each server
//! setting, and one of the domain `psql` for everything else that has an effect of its own: an
//! option, a variable of the environment, a backslash command, a source of commands.
//!
//! Source: PostgreSQL's `src/bin/psql` and `src/interfaces/libpq`, releases 15 to 18. For `-c`,
//! psql sends the text itself as one simple query. It puts variables only into scripts and
//! backslash commands.
//!
//! Known gaps: terminal sessions are opaque. A `~/.psqlrc` whose content is not given is not seen,
//! nor is what a role's or a database's own settings change.

mod branches;
mod connection;
mod conninfo;
mod copy;
mod environment;
mod lexer;
mod meta;
mod options;
mod outputs;
mod plan;
mod query;
mod script;
mod scripts;
mod slash;
mod start;
mod variables;

use std::ops::Range;

use claw_policy::{Action, Fact, Rewrite, domain};

use crate::call::Stdin;
use crate::language::sql::{self, Texts};
use crate::loaders::{Loads, Runtime};
use crate::secret::marks::{Given, Holds, MarkedOption, Marks, Operand, marks, option, switch};
use crate::tool::{
    Abilities, CannotRewrite, Changed, Context, Denial, Edit, Family, Read, Reader, StartupFile,
    Tool,
};
use plan::{Holder, Kept, Place};

/// How psql and libpq's other clients are given a connection, in which a password may stand.
pub(crate) const CONNECTION: &[MarkedOption] = &[
    option("-d --dbname --maintenance-db", Given::Anyhow, Holds::Conninfo),
    switch("-W --password -w --no-password --pwprompt -P"),
];

/// What holds a secret in its words.
pub(crate) static SECRETS: &[Marks] =
    &[marks(&[TOOL.names], CONNECTION).operands(&[Operand::Text(Holds::Conninfo)])];

/// psql's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "psql",
    names: &["psql"],
    doc: "The command line, connection strings, environment, `-c` statements and backslash commands are read, and standard input and files where their content is known; terminal sessions are opaque.",
    denial: Denial { prefix: "psql: error: ", status: 1 },
    can: Abilities {
        changes: start::CHANGES,
        startup_file: Some(StartupFile { ends_with: b"/.psqlrc", skipped_by: b"-X" }),
        ..Abilities::of(Family::Databases)
    },
    domains: &[&sql::DOMAIN, &DOMAIN],
    loads: LOADS,
    reader: Reader::Change(|context| {
        let (actions, kept) = plan::plan(context).split();
        Read::changed_by(actions, kept)
    }),
};

/// On Debian psql, like every PostgreSQL client, is a Perl script that runs the real one.
pub(crate) const LOADS: Loads = Loads::of(&[Runtime::Perl]);

domain! {
    /// One thing psql does apart from sending a statement: an option, a variable of the environment, a backslash
    /// command, a source of commands.
    pub(crate) static DOMAIN: Psql = "psql", governed: true, sealed: true;

    /// Where it comes from.
    SOURCE: String = "source" of &[
        "option", "connection", "environment", "variable", "meta_command", "file", "stdin",
        "terminal",
    ];
    /// The long name of the option, the name of the variable or connection keyword, or the backslash command
    /// without its backslash.
    NAME: String = "name";
    /// What it does: `inform` changes what is printed, `catalog` reads the server's catalogue, `query` runs the
    /// statement before it, `variable` sets a psql variable, `program` starts a program, `script` runs commands
    /// from elsewhere, `dynamic` runs what a statement returned, `connect` chooses the server by means claw does
    /// not follow, `environment` changes what programs psql starts will see, `role` changes a password.
    CLASS: String = "class" of meta::CLASSES;
    /// The server that a command which reads the catalogue asks, as `sql.host`.
    HOST: String = "host";
    /// Its port, where the call says it.
    PORT: String = "port";
    /// The user who asks, where the call says it.
    USER: String = "user";
    /// The database, where the call says it.
    DATABASE: String = "database";
    /// The object or the pattern that a backslash command names, as it is written: `users*` of `\dt users*`.
    OBJECT: String = "object";
}

/// Where a command that reads the catalogue does so.
const PLACE: [Fact<String>; 4] = [Psql::HOST, Psql::PORT, Psql::USER, Psql::DATABASE];

/// An action of the domain `psql`.
pub(crate) fn fact(source: &str, name: &str, class: &str, text: impl Into<String>) -> Action {
    Action::new(&DOMAIN, text)
        .with(Psql::SOURCE, source)
        .with(Psql::NAME, name)
        .with(Psql::CLASS, class)
}

/// The row limits for the statements of one text.
struct Limits<'a> {
    place: Place,
    /// Statement and rows.
    rows: Vec<(usize, u64)>,
    /// The rule to name if it cannot be done.
    rule: &'a str,
}

/// Words to write at a place of what holds a text.
struct Words<'a> {
    holder: Holder,
    within: Range<usize>,
    words: String,
    rule: &'a str,
}

fn cannot(rule: &str, reason: impl Into<String>) -> CannotRewrite {
    CannotRewrite { rule: rule.to_owned(), reason: reason.into() }
}

/// Puts row limits into the statements of `-c`, of standard input and of files, or changes how psql
/// starts.
impl Edit for Kept {
    fn edit(&self, context: &Context<'_>, rewrites: &[Rewrite]) -> Result<Changed, CannotRewrite> {
        if rewrites.iter().all(|rewrite| rewrite.change.is_of_call()) {
            return start::rewrite(context, self.start.as_ref(), rewrites);
        }
        write(context, edits(&self.places, &context.texts(), rewrites)?)
    }
}

/// Writes words into what holds the texts of a call.
fn write(context: &Context<'_>, words: Vec<Words<'_>>) -> Result<Changed, CannotRewrite> {
    let Context { call, files, .. } = *context;
    let mut changed = Changed::nothing(call);
    for Words { holder, within, words, rule } in words {
        let whole = match (holder, call.stdin()) {
            (Holder::Argument(arg), _) => &mut changed.argv[arg],
            (Holder::Stdin, Stdin::Content(content)) => {
                changed.stdin.get_or_insert_with(|| content.to_vec())
            }
            (Holder::Stdin, _) => return Err(cannot(rule, "standard input is not read")),
            (Holder::File(path), _) => {
                let known = changed.files.iter().position(|(known, _)| *known == path);
                let at = match (known, files.file(&path).named()) {
                    (Some(at), _) => at,
                    (None, Ok(Some(content))) => {
                        changed.files.push((path, content.to_vec()));
                        changed.files.len() - 1
                    }
                    (None, Ok(None) | Err(_)) => {
                        return Err(cannot(rule, "the file is not read"));
                    }
                };
                &mut changed.files[at].1
            }
        };
        whole.splice(within, words.into_bytes());
    }
    Ok(changed)
}

/// The edits that `rewrites` ask for, last place first, so that the places before an edit stay
/// right. A text that runs twice is edited once.
fn edits<'a>(
    places: &[Option<Place>],
    known: &Texts,
    rewrites: &'a [Rewrite],
) -> Result<Vec<Words<'a>>, CannotRewrite> {
    let mut texts: Vec<Limits<'_>> = Vec::new();
    for Rewrite { action, change, rule } in rewrites {
        let Some(rows) = sql::rows(change) else {
            return Err(cannot(rule, "psql knows no such change"));
        };
        let place = action.checked_sub(1).and_then(|index| places.get(index)?.clone());
        let Some(place) = place else {
            let reason = "the rows do not come from a statement that can be changed";
            return Err(cannot(rule, reason));
        };
        let same_text = |text: &&mut Limits<'_>| {
            text.place.holder == place.holder && text.place.query == place.query
        };
        match texts.iter_mut().find(same_text) {
            Some(text) if text.rows.contains(&(place.statement, rows)) => {}
            Some(text) => text.rows.push((place.statement, rows)),
            None => texts.push(Limits { rows: vec![(place.statement, rows)], place, rule }),
        }
    }
    let mut edits: Vec<Words<'_>> = Vec::new();
    for Limits { place: Place { holder, query, .. }, rows, rule } in texts {
        let limits =
            sql::limits(query.text(), &rows, known).map_err(|reason| cannot(rule, reason))?;
        for (within, words) in limits {
            let Some(within) = query.place(&within) else {
                return Err(cannot(rule, "the limit would stand inside a psql variable"));
            };
            edits.push(Words { holder: holder.clone(), within, words, rule });
        }
    }
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.within.start));
    edits.dedup_by(|one, other| one.holder == other.holder && one.within == other.within);
    Ok(edits)
}

#[cfg(test)]
mod tests;
