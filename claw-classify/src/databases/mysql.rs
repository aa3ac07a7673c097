//! mysql and its sibling programs: the command line, the client's own commands and the SQL.
//!
//! Input: the call. Output: one action of the domain `sql` for each statement, one of the domain
//! `client` for each option or command that does something by itself.
//!
//! Sources: `client/mysql.cc` and `mysys/my_getopt.c` of MySQL 8 and MariaDB 10.11. Options can be
//! abbreviated, `-` and `_` are the same in them, and `--skip-` and `--enable-` go before switches.
//! The client looks for its own commands at the beginning of statements and after backslashes.
//!
//! Known gaps: option files that the call names are opaque. The home's `.my.cnf` is read where its
//! content is known, and counts as absent where it is not; those of the machine count as empty. A
//! server whose SQL mode has NO_BACKSLASH_ESCAPES from the start ends some strings elsewhere.
//! Terminal sessions are opaque.

mod config;
mod options;

use claw_policy::{Action, Reading, Value};

use crate::call::files::Files;
use crate::call::{Call, Stdin, text};
use crate::databases::client::{self, Place, Step, fact};
use crate::language::sql;
use crate::language::sql::dialect::{self, Dialect, Kind, Word};
use crate::loaders::Loads;
use crate::secret::marks::{Holds, MarkedOption, Marks, Operand, marks, option};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};
use options::Given;

const PASSWORD: &[MarkedOption] = &[option(
    "-p --password --password1 --password2 --password3",
    crate::secret::marks::Given::Attached,
    Holds::Secret,
)];

/// What holds a secret in their words.
pub(crate) static SECRETS: &[Marks] = &[
    marks(&[TOOL.names, SHOW.names, DUMP.names, CHANGE.names], PASSWORD).abbreviated(),
    marks(&[ADMIN.names], PASSWORD)
        .abbreviated()
        .operands(&[Operand::Behind { words: &["password"], skip: 0 }]),
];

/// libmysqlclient and MariaDB's connector load plug-ins from where these say.
const PLUGINS: Loads = Loads {
    runtimes: &[],
    own: &["LIBMYSQL_PLUGINS", "LIBMYSQL_PLUGIN_DIR", "MARIADB_PLUGIN_DIR"],
};

/// mysql's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "mysql",
    names: &["mysql", "mariadb"],
    doc: "The command line, the client's commands, statements and standard input are read; option files and terminal sessions are not.",
    denial: Denial { prefix: "ERROR 1045 (28000): ", status: 1 },
    can: Abilities { changes: sql::ROWS, ..Abilities::of(Family::Databases) },
    domains: &[&sql::DOMAIN, &client::DOMAIN],
    loads: PLUGINS,
    reader: Reader::Change(|context| {
        client::read(Dialect::MySql, steps(context.call, context.files))
    }),
};

/// mysqladmin's row in the registry.
pub(crate) static ADMIN: Tool = Tool {
    name: "mysqladmin",
    names: &["mysqladmin", "mariadb-admin"],
    doc: "The commands are read.",
    denial: Denial { prefix: "mysqladmin: ", status: 1 },
    can: Abilities::of(Family::Databases),
    domains: &[&client::DOMAIN],
    loads: PLUGINS,
    reader: Reader::Judge(|context| configured(context, ADMIN.names, admin)),
};

/// mysqlshow's row in the registry.
pub(crate) static SHOW: Tool = Tool {
    name: "mysqlshow",
    names: &["mysqlshow", "mariadb-show"],
    doc: "Only the options that it shares with mysql are read.",
    denial: Denial { prefix: "mysqlshow: ", status: 1 },
    can: Abilities::of(Family::Databases),
    domains: &[&client::DOMAIN],
    loads: PLUGINS,
    reader: Reader::Judge(|context| configured(context, SHOW.names, |call| whole(call, "catalog"))),
};

/// mysqldump's row in the registry.
pub(crate) static DUMP: Tool = Tool {
    name: "mysqldump",
    names: &["mysqldump", "mariadb-dump", "mysqlpump"],
    doc: "Its options are not read: it exports whole tables.",
    denial: Denial { prefix: "mysqldump: ", status: 2 },
    can: Abilities::of(Family::Databases),
    domains: &[&client::DOMAIN],
    loads: PLUGINS,
    reader: Reader::Judge(|context| configured(context, DUMP.names, |call| whole(call, "export"))),
};

/// The row of the programs that change a server.
pub(crate) static CHANGE: Tool = Tool {
    name: "mysqlslap",
    names: &[
        "mysqlslap",
        "mariadb-slap",
        "mysqlimport",
        "mariadb-import",
        "mysqlcheck",
        "mariadb-check",
        "mysqlanalyze",
        "mysqloptimize",
        "mysqlrepair",
        "mysql_upgrade",
        "mariadb-upgrade",
        "mysql_secure_installation",
        "mariadb-secure-installation",
        "mysql_setpermission",
        "mysql_install_db",
        "mysql_tzinfo_to_sql",
    ],
    doc: "Only requests for help are recognised.",
    denial: Denial { prefix: "error: ", status: 1 },
    can: Abilities::of(Family::Databases),
    domains: &[&client::DOMAIN],
    loads: PLUGINS,
    reader: Reader::Judge(|context| configured(context, CHANGE.names, |call| whole(call, "admin"))),
};

fn said(call: &Call<'_>) -> String {
    let words: Vec<_> = call.argv.iter().take(40).map(|word| text(word)).collect();
    words.join(" ")
}

/// What a program with these names does, and what its option files say beside that.
fn configured(
    context: &Context<'_>,
    names: &[&str],
    own: impl FnOnce(&Call<'_>) -> Vec<Action>,
) -> Vec<Action> {
    let Context { call, files, .. } = *context;
    let unread = |reason: &str| Action::opaque(&client::DOMAIN, said(call), reason);
    let mut actions = own(call);
    let words = match config::words(call, files, names) {
        Ok(words) => words,
        Err(reason) => return vec![unread(&reason)],
    };
    let program = call.argv.first().copied();
    let argv: Vec<&[u8]> = program.into_iter().chain(words.iter().map(Vec::as_slice)).collect();
    match options::read(&argv) {
        Ok((given, _)) => actions.extend(given.iter().filter_map(|option| {
            let class = options::class(option.name);
            (class != "inform").then(|| fact(option.name, class, &said(call)))
        })),
        Err(reason) => actions.push(unread(&reason)),
    }
    actions
}

fn whole(call: &Call<'_>, class: &'static str) -> Vec<Action> {
    let class = match call.argv {
        [_, b"--help" | b"--version" | b"-V" | b"-?"] => "inform",
        _ => class,
    };
    let mut actions = vec![fact("call", class, &said(call))];
    if class == "catalog" {
        let odd = call.argv.iter().skip(1).any(|word| {
            [&b"--de"[..], b"--lo", b"--pl", b"--default"]
                .iter()
                .any(|start| word.starts_with(start))
        });
        if odd {
            actions.push(fact("options", "program", &said(call)));
        }
    }
    actions
}

fn admin(call: &Call<'_>) -> Vec<Action> {
    const SHOWS: &[&str] =
        &["extended-status", "ping", "processlist", "status", "variables", "version"];
    if matches!(call.argv, [_, b"--help" | b"--version" | b"-V" | b"-?"]) {
        return whole(call, "inform");
    }
    let (given, operands) = match options::read(call.argv) {
        Ok(read) => read,
        Err(reason) => return vec![Action::opaque(&client::DOMAIN, said(call), reason)],
    };
    let mut actions: Vec<Action> = Vec::new();
    for option in &given {
        let class = options::class(option.name);
        if class != "inform" {
            actions.push(fact(option.name, class, &said(call)));
        }
    }
    for operand in operands {
        let command = text(operand);
        let class = if SHOWS.contains(&&*command) { "inform" } else { "admin" };
        actions.push(fact(&command, class, &said(call)));
    }
    if actions.is_empty() { whole(call, "inform") } else { actions }
}

/// What the call does. The client skips an option file that others may write or that it may not read, so
/// what the call does without each file counts too: a file adds to the facts and takes nothing away.
fn steps(call: &Call<'_>, files: &dyn Files) -> Vec<Step> {
    if config::only_shown(call) {
        return vec![fact("print-defaults", "inform", &said(call)).into()];
    }
    let configured = match config::words(call, files, TOOL.names) {
        Ok(words) => words,
        Err(reason) => return refused(call, &reason),
    };
    let own = read(call, call.argv);
    if configured.is_empty() {
        return own;
    }
    let (program, rest) = call.argv.split_at(call.argv.len().min(1));
    let added = configured.iter().map(Vec::as_slice);
    let argv: Vec<&[u8]> =
        program.iter().copied().chain(added).chain(rest.iter().copied()).collect();
    // Words of an option file have no place in the call.
    let mut steps: Vec<Step> =
        read(call, &argv).into_iter().map(|step| Step::from(step.action)).collect();
    for step in own {
        let same = |known: &&mut Step| known.place.is_none() && known.action == step.action;
        match steps.iter_mut().find(same) {
            Some(known) => known.place = step.place,
            None => steps.push(step),
        }
    }
    steps
}

/// A call whose options are not understood.
fn refused(call: &Call<'_>, reason: &str) -> Vec<Step> {
    vec![
        dialect::unread(&said(call), reason).into(),
        Action::opaque(&client::DOMAIN, said(call), reason).into(),
    ]
}

/// The steps that the words of `argv` ask for.
fn read(call: &Call<'_>, argv: &[&[u8]]) -> Vec<Step> {
    let (given, operands) = match options::read(argv) {
        Ok(read) => read,
        Err(reason) => return refused(call, &reason),
    };
    let mut session = Session { cut_otherwise: config::odd_locale(call), ..Session::default() };
    let mut steps = Vec::new();
    let mut statements: Vec<&Given<'_>> = Vec::new();
    for option in &given {
        match option.name {
            "help" | "version" => return vec![fact(option.name, "inform", &said(call)).into()],
            "execute" => statements.push(option),
            "named-commands" => session.named |= option.on,
            "binary-mode" => session.binary |= option.on,
            // The server gets this text as it is, whatever the client's commands are.
            "init-command" | "init-command-add" => {
                let value = option.value.map(|(value, ..)| text(value)).unwrap_or_default();
                steps.extend(dialect::actions(Dialect::MySql, &value).into_iter().map(Step::from));
                session.unsettled |= dialect::unsettles(Dialect::MySql, &value);
            }
            name => {
                let value = option.value.map(|(value, ..)| text(value)).unwrap_or_default();
                if name == "default-character-set" && !dialect::is_plain(&value) {
                    session.cut_otherwise =
                        Some(format!("the character set `{value}` may cut it otherwise"));
                }
                let class = options::class(name);
                match name {
                    "tee" => call.writes(&*value),
                    _ if class == "file_write" && option.on => {
                        call.writes_somewhere(format!("the file of `--{name}` is not read"));
                    }
                    _ => {}
                }
                if class != "inform" && option.on {
                    steps.push(fact(name, class, &said(call)).into());
                }
            }
        }
    }
    if operands.len() > 1 {
        // MariaDB's client refuses further operands, and so does MySQL's.
        return vec![dialect::unread(&said(call), "mysql takes one database and no more").into()];
    }
    let of_options = steps.len();
    match &statements[..] {
        [] => match call.stdin() {
            Stdin::Null => {}
            Stdin::Content(content) => {
                session.texts(content, Some(Place::Stdin), &mut steps);
            }
            Stdin::Terminal | Stdin::Unknown => {
                steps.push(dialect::unread("standard input", "standard input is not read").into());
            }
        },
        [one] => {
            if let Some((value, arg, from)) = one.value {
                session.texts(value, Some(Place::Argument(arg, from)), &mut steps);
            }
        }
        // The client reads them as one text, with a blank after each
        // (`init_line_buffer_from_string`).
        several => {
            let parts: Vec<&[u8]> =
                several.iter().filter_map(|option| option.value.map(|(value, ..)| value)).collect();
            session.texts(&parts.join(&b' '), None, &mut steps);
        }
    }
    if steps.is_empty() {
        steps.push(fact("stdin", "inform", "no input").into());
    }
    // The option of this name has its value; of the command only the line is known.
    if statements_tee(&steps[of_options..]) {
        call.writes_somewhere("the file of the command `tee` is not read");
    }
    steps
}

/// Whether a statement of these steps is the client's command `tee`.
fn statements_tee(steps: &[Step]) -> bool {
    let tee = Value::from("tee");
    steps.iter().any(|step| step.action.fact("name") == Some(Reading::Known(&tee)))
}

/// The client's commands: name, class, and whether words may follow (`commands[]` in
/// `client/mysql.cc`). If words follow a command that takes none, the line is a statement.
const COMMANDS: &[(&str, &str, bool)] = &[
    ("charset", "variable", true),
    ("clear", "inform", false),
    ("connect", "connect", true),
    ("costs", "inform", false),
    ("delimiter", "script", true),
    ("edit", "program", false),
    ("ego", "inform", false),
    ("exit", "inform", false),
    ("go", "inform", false),
    ("help", "inform", true),
    ("nopager", "inform", false),
    ("notee", "inform", false),
    ("nowarning", "inform", false),
    ("pager", "program", true),
    ("print", "inform", false),
    ("prompt", "variable", true),
    ("query_attributes", "variable", true),
    ("quit", "inform", false),
    ("rehash", "inform", false),
    ("resetconnection", "inform", false),
    ("sandbox", "inform", false),
    ("source", "script", true),
    ("ssl_session_data_print", "inform", false),
    ("status", "inform", false),
    ("system", "program", true),
    ("tee", "file_write", true),
    ("use", "variable", true),
    ("warnings", "inform", false),
];

/// What is known of the client and its session before it reads a text.
#[derive(Debug, Default)]
struct Session {
    /// The client looks for its commands at the beginning of every line.
    named: bool,
    /// Where input is no terminal, most of the client's commands are statements.
    binary: bool,
    /// What ran before may have changed how a text is split.
    unsettled: bool,
    /// Why a text that is not all ASCII may be split differently.
    cut_otherwise: Option<String>,
}

impl Session {
    /// A text as the client reads it: its own commands, and what it sends.
    fn texts(&self, value: &[u8], place: Option<Place>, steps: &mut Vec<Step>) {
        let Ok(value) = str::from_utf8(value) else {
            steps.push(dialect::unread(&text(value), "the text is not UTF-8").into());
            return;
        };
        let odd = self.cut_otherwise.as_deref().filter(|_| !value.is_ascii());
        let unsettled = self.unsettled && !value.trim().is_empty();
        if let Some(reason) = odd.or(unsettled.then_some(dialect::UNSETTLED)) {
            return unread(value, reason, steps);
        }
        let words = match dialect::words(Dialect::MySql, value) {
            Ok(words) => words,
            Err(reason) => return unread(value, &reason, steps),
        };
        let mut commands = Vec::new();
        let mut begins = true;
        let mut line_end = 0;
        for word in &words {
            let new_line = value[line_end..word.place.start].contains('\n');
            line_end = word.place.end;
            if let Kind::Command(letter) = word.kind {
                let (name, class) = match letter {
                    b'!' => ("system", "program"),
                    b'e' => ("edit", "program"),
                    b'P' => ("pager", "program"),
                    b'.' => ("source", "script"),
                    b'T' => ("tee", "file_write"),
                    b'r' | b'u' => ("connect", "connect"),
                    _ => ("backslash", "script"),
                };
                commands.push(fact(name, class, value));
            }
            if begins || (self.named && new_line) {
                let bare = word.bare(value);
                let line = value[word.place.end..].lines().next().unwrap_or_default();
                let alone = line.trim_matches([' ', '\t', ';']).is_empty();
                let before = value[..word.place.start].rsplit('\n').next().unwrap_or_default();
                // With anything before it on its line it is a statement. A command that does more than
                // inform counts all the same.
                let meant = |(_, class, takes): &&(&str, &str, bool)| {
                    (alone || *takes) && (before.trim().is_empty() || *class != "inform")
                };
                let command = COMMANDS.iter().find(|(name, ..)| *name == bare);
                if let Some((name, class, _)) = command.filter(meant) {
                    commands.push(fact(name, class, value));
                }
            }
            begins = word.kind == Kind::Semicolon;
        }
        let backslashed = |word: &Word| value[word.place.clone()].starts_with('\\');
        if self.binary && (!commands.is_empty() || words.iter().any(backslashed)) {
            let reason = "in binary mode some commands of the client's are statements";
            steps.extend(commands.into_iter().map(Step::from));
            steps.push(dialect::unread(value, reason).into());
            return;
        }
        if commands.is_empty() {
            let actions = dialect::actions(Dialect::MySql, value);
            steps.extend(actions.into_iter().enumerate().map(|(statement, action)| Step {
                action,
                place: place.map(|place| (place, statement)),
            }));
            return;
        }
        let alone = !value.trim().contains(['\n', ';', '\\']);
        steps.extend(commands.into_iter().map(Step::from));
        if !alone {
            // Where a command ends, and what it does with the rest of the line, depends on the
            // command.
            steps.push(
                dialect::unread(value, "commands of the client's stand between the statements")
                    .into(),
            );
        }
    }
}

/// A text that cannot be split: the command at its beginning, and an opaque action for the rest.
fn unread(value: &str, reason: &str, steps: &mut Vec<Step>) {
    let first = value.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let command = COMMANDS.iter().find(|(name, ..)| *name == first);
    steps.extend(command.map(|(name, class, _)| fact(name, class, value).into()));
    steps.push(dialect::unread(value, reason).into());
}

#[cfg(test)]
mod tests;
