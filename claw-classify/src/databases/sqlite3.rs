//! sqlite3: its command line, its dot-commands and the SQL it is given.
//!
//! Input: the call. Output: one action of the domain `sql` for each statement, one of the domain
//! `client` for each dot-command and for each option that does something by itself.
//!
//! Source: `src/shell.c.in` of SQLite, releases 3.40 to 3.50. A dot-command can be abbreviated; if
//! an abbreviation could mean several, the strictest counts.
//!
//! Known gaps: a default `.sqliterc` is read where its content is known, wherever some release
//! looks for it, and counts as absent where it is not.

use claw_policy::Action;

use crate::call::files::{Files, NotRead};
use crate::call::home;
use crate::call::{Call, Stdin, text};
use crate::databases::client::{self, Place, Step, fact};
use crate::grammar::subcommands::{Commands, Row};
use crate::language::sql;
use crate::language::sql::dialect::{self, Dialect, Kind};
use crate::loaders::Loads;
use crate::tool::{Abilities, Denial, Family, Reader, Tool};

/// sqlite3's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "sqlite3",
    names: &["sqlite3"],
    doc: "The command line, dot-commands, statements, standard input and scripts whose content is known are read; archive mode and terminal sessions are not.",
    denial: Denial { prefix: "Error: ", status: 1 },
    can: Abilities { changes: sql::ROWS, ..Abilities::of(Family::Databases) },
    domains: &[&sql::DOMAIN, &client::DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Change(|context| {
        client::read(Dialect::Sqlite, steps(context.call, context.files))
    }),
};

/// How deep scripts may include each other.
const DEPTH: usize = 4;

/// Options with a value, and how many.
const VALUES: &[(&str, usize)] = &[
    ("cmd", 1),
    ("heap", 1),
    ("init", 1),
    ("lookaside", 2),
    ("maxsize", 1),
    ("mmap", 1),
    ("newline", 1),
    ("nonce", 1),
    ("nullvalue", 1),
    ("pagecache", 2),
    ("separator", 1),
    ("sorterref", 1),
    ("vfs", 1),
    ("escape", 1),
];

/// Options without a value that change how things are shown or opened. `-memtrace` is not among
/// them: some releases drop the word after it.
const SWITCHES: &[&str] = &[
    "append",
    "ascii",
    "bail",
    "batch",
    "box",
    "column",
    "compact",
    "csv",
    "deserialize",
    "echo",
    "header",
    "html",
    "ifexists",
    "interactive",
    "json",
    "line",
    "list",
    "markdown",
    "multiplex",
    "no-rowid-in-view",
    "no-utf8",
    "nofollow",
    "noheader",
    "pcachetrace",
    "quote",
    "readonly",
    "safe",
    "stats",
    "table",
    "tabs",
    "tcl",
    "unsafe-testing",
    "utf8",
    "vfstrace",
    "zip",
    "jsonl",
];

/// Where the script that runs first may be (`find_home_dir` and `find_xdg_config`). The account's
/// home comes before HOME, and releases from 3.42 on look in the folder of settings before either.
fn own_scripts(call: &Call<'_>, files: &dyn Files) -> Result<Vec<Vec<u8>>, NotRead> {
    let settings = call.var("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
    let mut paths: Vec<Vec<u8>> =
        settings.iter().map(|folder| [folder, &b"/sqlite3/sqliterc"[..]].concat()).collect();
    for home in home::all(call, files)? {
        paths.push([&home, &b"/.sqliterc"[..]].concat());
        paths.push([&home, &b"/.config/sqlite3/sqliterc"[..]].concat());
    }
    Ok(paths)
}

fn steps(call: &Call<'_>, files: &dyn Files) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut operands = Vec::new();
    let mut options = true;
    let mut own_script = false;
    let mut reads_stdin = true;
    let mut at = 1;
    while let Some(&word) = call.argv.get(at) {
        let here = at;
        at += 1;
        let name = match word.strip_prefix(b"-") {
            Some(b"-") if options => {
                options = false;
                continue;
            }
            Some(rest) if options && !rest.is_empty() => {
                text(rest.strip_prefix(b"-").unwrap_or(rest))
            }
            _ => {
                operands.push(here);
                continue;
            }
        };
        match &*name {
            // Some releases run `-init` and `-cmd` before they get here.
            "help" | "version" => {
                reads_stdin = false;
                steps.push(fact(&name, "inform", &text(word)).into());
            }
            archive if archive.starts_with('A') => {
                call.writes_somewhere("the files of sqlite3's archive are not read");
                steps.push(fact("archive", "file_write", &text(word)).into());
                return steps;
            }
            name if SWITCHES.contains(&name) => {}
            name => {
                let Some((known, values)) = VALUES.iter().find(|(known, _)| *known == name) else {
                    let reason = format!("sqlite3's option `{name}` is not known");
                    return vec![dialect::unread(&text(word), &reason).into()];
                };
                let Some(value) = call.argv.get(at).copied() else {
                    return vec![dialect::unread(&text(word), "an option has no value").into()];
                };
                match *known {
                    "cmd" => one(call, value, Place::Argument(at, 0), files, &mut steps),
                    "init" => {
                        own_script = true;
                        let content = files.file(value).named();
                        script(call, content, &text(value), files, 0, &mut steps);
                    }
                    "vfs" => steps.push(fact("vfs", "connect", &text(value)).into()),
                    _ => {}
                }
                at += values;
            }
        }
    }
    if !own_script {
        match own_scripts(call, files) {
            Ok(paths) => {
                for path in paths {
                    let content = files.file(&path).sought();
                    script(call, content, ".sqliterc", files, 0, &mut steps);
                }
            }
            Err(NotRead) => script(call, Err(NotRead), ".sqliterc", files, 0, &mut steps),
        }
    }
    // The first operand is the database.
    for &operand in operands.iter().skip(1) {
        reads_stdin = false;
        one(call, call.argv[operand], Place::Argument(operand, 0), files, &mut steps);
    }
    if let Some(&database) = operands.first() {
        let name = text(call.argv[database]).to_ascii_lowercase();
        if name.starts_with("file:") && name.contains("vfs=") {
            steps.push(fact("vfs", "connect", &name).into());
        }
    }
    if reads_stdin {
        match call.stdin() {
            Stdin::Null => {}
            Stdin::Content(content) => {
                input(call, content, Some(Place::Stdin), files, 0, &mut steps);
            }
            Stdin::Terminal | Stdin::Unknown => {
                steps.push(dialect::unread("standard input", "standard input is not read").into());
            }
        }
    }
    if steps.is_empty() {
        steps.push(fact("stdin", "inform", "no input").into());
    }
    steps
}

/// One argument: a dot-command, or SQL.
fn one(call: &Call<'_>, word: &[u8], place: Place, files: &dyn Files, steps: &mut Vec<Step>) {
    let Ok(said) = str::from_utf8(word) else {
        steps.push(dialect::unread(&text(word), "the text is not UTF-8").into());
        return;
    };
    match said.strip_prefix('.') {
        Some(command) => dot(call, command, files, 0, steps),
        // Newer shells read an argument of several lines as they read a script.
        None if said.lines().any(|line| line.starts_with('.')) => {
            input(call, word, None, files, 0, steps);
        }
        None => sql(said, Some(place), steps),
    }
}

fn sql(said: &str, place: Option<Place>, steps: &mut Vec<Step>) {
    let actions = dialect::actions(Dialect::Sqlite, said);
    steps.extend(
        actions.into_iter().enumerate().map(|(statement, action)| Step {
            action,
            place: place.map(|place| (place, statement)),
        }),
    );
}

fn script(
    call: &Call<'_>,
    content: Result<Option<&[u8]>, NotRead>,
    said: &str,
    files: &dyn Files,
    depth: usize,
    steps: &mut Vec<Step>,
) {
    match content {
        Ok(Some(content)) if depth < DEPTH => {
            input(call, content, None, files, depth + 1, steps);
        }
        Ok(None) => {}
        Ok(Some(_)) | Err(NotRead) => {
            steps.push(fact("read", "script", said).into());
            steps.push(dialect::unread(said, "the script is not read").into());
        }
    }
}

/// A script, line by line: a dot-command begins a line between statements.
fn input(
    call: &Call<'_>,
    content: &[u8],
    place: Option<Place>,
    files: &dyn Files,
    depth: usize,
    steps: &mut Vec<Step>,
) {
    let Ok(content) = str::from_utf8(content) else {
        steps.push(dialect::unread("a script", "the text is not UTF-8").into());
        return;
    };
    let odd = |line: &str| {
        let line = line.trim();
        line == "/" || line.eq_ignore_ascii_case("go") || line.starts_with('#')
    };
    if content.lines().any(odd) {
        steps.push(
            dialect::unread(
                content,
                "a line of the script means different things to different releases",
            )
            .into(),
        );
        return;
    }
    if !content.lines().any(|line| line.trim_start().starts_with('.')) {
        return sql(content, place, steps);
    }
    let mut gathered = String::new();
    for line in content.lines() {
        let between = match dialect::words(Dialect::Sqlite, &gathered) {
            Ok(words) => words.last().is_none_or(|last| last.kind == Kind::Semicolon),
            Err(_) => false,
        };
        match line.trim_start().strip_prefix('.') {
            Some(command) if between => {
                if !gathered.trim().is_empty() {
                    sql(&std::mem::take(&mut gathered), None, steps);
                }
                dot(call, command, files, depth, steps);
            }
            _ => {
                gathered.push_str(line);
                gathered.push('\n');
            }
        }
    }
    if !gathered.trim().is_empty() {
        sql(&gathered, None, steps);
    }
}

/// Every dot-command, and what it does without arguments that change that.
const COMMANDS: Commands = Commands(include_str!("sqlite3/commands.tsv"));

fn dot(call: &Call<'_>, command: &str, files: &dyn Files, depth: usize, steps: &mut Vec<Step>) {
    let said = format!(".{command}");
    let mut words = command.split_whitespace();
    let word = words.next().unwrap_or_default();
    let arguments: Vec<&str> = words.collect();
    let known: Vec<Row> = COMMANDS.rows().filter(|row| row.path.starts_with(word)).collect();
    let exact = known.iter().find(|row| row.path == word);
    let harmless = |class: &str| matches!(class, "catalog" | "inform");
    let found = match (exact, &known[..]) {
        (Some(found), _) => Some(*found),
        (None, [only]) => Some(*only),
        (None, all) if all.iter().all(|row| harmless(row.effect)) => all.first().copied(),
        (None, all) => all.iter().find(|row| row.effect == "program").copied(),
    };
    let Some(Row { path: name, effect: class }) = found.filter(|_| !word.is_empty()) else {
        steps.push(
            Action::opaque(&client::DOMAIN, said, "sqlite3 knows no such command, or several")
                .into(),
        );
        return;
    };
    // Any other word names a file, even `on` and `no`.
    let prints = |argument: &&str| matches!(*argument, "stdout" | "stderr" | "off");
    let class = match name {
        "output" | "once" if arguments.is_empty() => "inform",
        "output" | "once"
            if arguments.iter().any(|argument| {
                argument.trim_start_matches(['\'', '"']).starts_with('|')
                    || argument.starts_with("-e")
                    || argument.starts_with("-x")
                    || argument.starts_with("-w")
                    || argument.starts_with("--")
            }) =>
        {
            "program"
        }
        "output" | "once" | "log" | "trace" if arguments.iter().all(prints) => "inform",
        "import" | "read"
            if arguments
                .iter()
                .any(|argument| argument.trim_start_matches(['\'', '"']).starts_with('|')) =>
        {
            "program"
        }
        "dbconfig" if arguments.len() < 2 => "inform",
        "limit" if arguments.len() > 1 => "variable",
        "expert" if !arguments.is_empty() => "inform",
        "lint" if arguments.iter().any(|argument| argument.starts_with("fix")) => "admin",
        "read" => {
            let path =
                arguments.first().map(|path| path.trim_matches(['\'', '"'])).unwrap_or_default();
            let content = files.file(path.as_bytes()).named();
            return script(call, content, &said, files, depth, steps);
        }
        _ => class,
    };
    if class == "file_write" {
        note_output(call, name, &arguments);
    }
    steps.push(fact(name, class, &said).into());
}

/// Notes the file that a dot-command writes. `.backup` and `.save` may name a database before it.
fn note_output(call: &Call<'_>, name: &str, arguments: &[&str]) {
    let file = match name {
        "backup" | "save" => arguments.last(),
        "clone" | "iotrace" | "log" | "once" | "output" | "trace" => arguments.first(),
        _ => None,
    };
    match file.filter(|file| !file.starts_with(['\'', '"', '-']) && arguments.len() < 3) {
        Some(file) => call.writes(file),
        None => call.writes_somewhere("the file that sqlite3 writes is not known"),
    }
}

#[cfg(test)]
mod tests;
