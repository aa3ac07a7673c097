//! The domain `client`: what the command-line clients of databases do apart from sending SQL.
//!
//! Shared by `mysql`, `sqlite3`, `clickhouse`, `redis-cli` and `mongosh`, and by the clients of
//! databases whose command lines are not read.

use claw_policy::{Action, Rewrite, domain};

use crate::call::{Call, Stdin, excerpt, text};
use crate::language::sql;
use crate::language::sql::dialect::{self, Dialect};
use crate::loaders::Loads;
use crate::tool::{
    Abilities, CannotRewrite, Changed, Context, Denial, Edit, Family, Read, Reader, Tool,
};

domain! {
    /// One thing a database client does apart from sending an SQL statement: an option, a command of its own; or
    /// one command of Redis, one call of MongoDB's shell.
    pub(crate) static DOMAIN: Client = "client", governed: true, sealed: true;

    /// The long name of the option, or the command without its dot or backslash.
    NAME: String = "name";
    /// What it does: `inform` shows something or changes how it is shown, `catalog` shows the schema, `variable`
    /// sets something that statements use, `program` starts a program or loads code, `script` runs commands from
    /// elsewhere, `file_read` and `file_write` use files outside the database, `export` exports everything,
    /// `connect` opens another database, `admin` changes the database or its server, or shows its secrets; for
    /// commands that are not SQL, `read` reads data and `write` changes it.
    CLASS: String = "class" of CLASSES;
}

const CLASSES: &[&str] = &[
    "admin",
    "catalog",
    "connect",
    "export",
    "file_read",
    "file_write",
    "inform",
    "program",
    "read",
    "script",
    "variable",
    "write",
];

/// An action of this domain.
pub(crate) fn fact(name: &str, class: &'static str, said: &str) -> Action {
    Action::new(&DOMAIN, excerpt(said)).with(Client::NAME, name).with(Client::CLASS, class)
}

/// Where a text of statements is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In `argv[0][1..]`.
    Argument(usize, usize),
    /// The text is the whole of standard input.
    Stdin,
}

/// One action and, for a statement that can be changed, its place: the text and the statement's
/// number in it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) place: Option<(Place, usize)>,
}

impl From<Action> for Step {
    fn from(action: Action) -> Self {
        Self { action, place: None }
    }
}

/// What was read of a call, kept to put row limits into its statements.
#[derive(Debug)]
struct Limits {
    dialect: Dialect,
    /// The places of the call's actions from 1.
    places: Vec<Option<(Place, usize)>>,
}

/// The reading of a call that takes these steps.
pub(crate) fn read(dialect: Dialect, steps: Vec<Step>) -> Read {
    let (actions, places) = steps.into_iter().map(|step| (step.action, step.place)).unzip();
    Read::changed_by(actions, Limits { dialect, places })
}

impl Edit for Limits {
    fn edit(&self, context: &Context<'_>, rewrites: &[Rewrite]) -> Result<Changed, CannotRewrite> {
        limit(self.dialect, context.call, &self.places, rewrites)
    }
}

fn limit(
    dialect: Dialect,
    call: &Call<'_>,
    places: &[Option<(Place, usize)>],
    rewrites: &[Rewrite],
) -> Result<Changed, CannotRewrite> {
    // The text, its statements with their rows, and the rule that asked.
    type Limited<'a> = (Place, Vec<(usize, u64)>, &'a str);
    let cannot = |rule: &str, reason: &str| CannotRewrite {
        rule: rule.to_owned(),
        reason: reason.to_owned(),
    };
    let mut texts: Vec<Limited<'_>> = Vec::new();
    for Rewrite { action, change, rule } in rewrites {
        let Some(rows) = sql::rows(change) else {
            return Err(cannot(rule, "the client knows no such change"));
        };
        let place = action.checked_sub(1).and_then(|index| *places.get(index)?);
        let Some((place, statement)) = place else {
            return Err(cannot(rule, "the rows do not come from a statement that can be changed"));
        };
        match texts.iter_mut().find(|(known, ..)| *known == place) {
            Some((_, limits, _)) => limits.push((statement, rows)),
            None => texts.push((place, vec![(statement, rows)], rule)),
        }
    }
    let mut changed = Changed::nothing(call);
    for (place, mut limits, rule) in texts {
        limits.sort_unstable();
        // The smallest of several limits applies.
        limits.dedup_by_key(|(statement, _)| *statement);
        let (whole, from): (&[u8], usize) = match (place, call.stdin()) {
            (Place::Argument(arg, from), _) => (call.argv[arg], from),
            (Place::Stdin, Stdin::Content(content)) => (content, 0),
            (Place::Stdin, _) => return Err(cannot(rule, "standard input is not read")),
        };
        let text = str::from_utf8(&whole[from..])
            .map_err(|_| cannot(rule, "the statement is not UTF-8"))?;
        let limited =
            dialect::limit_rows(dialect, text, &limits).map_err(|reason| cannot(rule, &reason))?;
        match place {
            Place::Argument(arg, from) => {
                changed.argv[arg].truncate(from);
                changed.argv[arg].extend_from_slice(limited.as_bytes());
            }
            Place::Stdin => changed.stdin = Some(limited.into_bytes()),
        }
    }
    Ok(changed)
}

/// Clients of databases whose command lines are not read.
pub(crate) static UNREAD: Tool = Tool {
    name: "usql",
    names: &["usql", "harlequin", "iredis", "litecli", "mycli", "mysqlsh", "pgcli"],
    doc: "Only requests for help are read.",
    denial: Denial { prefix: "error: ", status: 1 },
    can: Abilities::of(Family::Databases),
    domains: &[&sql::DOMAIN, &DOMAIN],
    loads: Loads::PYTHON,
    reader: Reader::Judge(|context| {
        if matches!(context.call.argv, [_, b"--help" | b"--version"]) {
            return vec![fact("help", "inform", "--help")];
        }
        let said = context.call.argv.iter().map(|word| text(word)).collect::<Vec<_>>().join(" ");
        vec![dialect::unread(&said, "the client's command line is not read")]
    }),
};
