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
const COMMANDS: &[(&str, &str)] = &[
    ("archive", "file_write"),
    ("auth", "inform"),
    ("backup", "file_write"),
    ("bail", "inform"),
    ("binary", "inform"),
    ("cd", "variable"),
    ("changes", "inform"),
    ("check", "inform"),
    ("clone", "file_write"),
    ("connection", "connect"),
    ("crlf", "inform"),
    ("crnl", "inform"),
    ("databases", "catalog"),
    ("dbconfig", "admin"),
    ("dbinfo", "catalog"),
    ("dbtotxt", "export"),
    ("dump", "export"),
    ("echo", "inform"),
    ("eqp", "inform"),
    ("excel", "program"),
    ("exit", "inform"),
    ("expert", "inform"),
    ("explain", "inform"),
    ("filectrl", "admin"),
    ("fullschema", "catalog"),
    ("headers", "inform"),
    ("help", "inform"),
    ("import", "admin"),
    ("imposter", "admin"),
    ("indexes", "catalog"),
    ("indices", "catalog"),
    ("intck", "inform"),
    ("iotrace", "file_write"),
    ("limit", "inform"),
    ("lint", "catalog"),
    ("load", "program"),
    ("log", "file_write"),
    ("mode", "inform"),
    ("nonce", "admin"),
    ("nullvalue", "inform"),
    ("once", "file_write"),
    ("open", "connect"),
    ("output", "file_write"),
    ("parameter", "variable"),
    ("print", "inform"),
    ("progress", "inform"),
    ("prompt", "inform"),
    ("quit", "inform"),
    ("read", "script"),
    ("recover", "export"),
    ("restore", "admin"),
    ("save", "file_write"),
    ("scanstats", "inform"),
    ("schema", "catalog"),
    ("selecttrace", "inform"),
    ("selftest", "admin"),
    ("separator", "inform"),
    ("session", "admin"),
    ("sha3sum", "inform"),
    ("shell", "program"),
    ("show", "inform"),
    ("stats", "inform"),
    ("system", "program"),
    ("tables", "catalog"),
    ("testcase", "file_write"),
    ("testctrl", "admin"),
    ("timeout", "inform"),
    ("timer", "inform"),
    ("trace", "file_write"),
    ("treetrace", "inform"),
    ("unmodule", "admin"),
    ("version", "inform"),
    ("vfsinfo", "inform"),
    ("vfslist", "inform"),
    ("vfsname", "inform"),
    ("wheretrace", "inform"),
    ("width", "inform"),
    ("www", "program"),
];

fn dot(call: &Call<'_>, command: &str, files: &dyn Files, depth: usize, steps: &mut Vec<Step>) {
    let said = format!(".{command}");
    let mut words = command.split_whitespace();
    let word = words.next().unwrap_or_default();
    let arguments: Vec<&str> = words.collect();
    let known: Vec<&(&str, &str)> =
        COMMANDS.iter().filter(|(name, _)| name.starts_with(word)).collect();
    let exact = known.iter().find(|(name, _)| *name == word);
    let harmless = |class: &str| matches!(class, "catalog" | "inform");
    let found = match (exact, &known[..]) {
        (Some(found), _) => Some(**found),
        (None, [only]) => Some(**only),
        (None, all) if all.iter().all(|(_, class)| harmless(class)) => {
            all.first().map(|found| **found)
        }
        (None, all) => all.iter().find(|(_, class)| *class == "program").map(|found| **found),
    };
    let Some((name, class)) = found.filter(|_| !word.is_empty()) else {
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
    steps.push(fact(name, class, &said).into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tools;
    use crate::call::files::NoFiles;
    use crate::corpus::clients_line;
    use crate::tool::{CannotRewrite, Changed, Context};
    use claw_policy::Change;
    use claw_policy::Rewrite;
    use proptest::prelude::*;

    fn classify(context: &Context<'_>) -> Vec<Action> {
        TOOL.read(context).actions
    }

    fn rewrite(context: &Context<'_>, rewrites: &[Rewrite]) -> Result<Changed, CannotRewrite> {
        TOOL.read(context).change.make(context, rewrites)
    }

    fn shown(argv: &[&str], stdin: Stdin<'_>) -> String {
        let argv: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let actions = classify(
            &Tools::BUILT_IN.context(&Call { argv: &argv, stdin, ..Call::default() }, &NoFiles),
        );
        clients_line(&actions)
    }

    #[test]
    fn calls() {
        for (argv, expected) in [
            (&["sqlite3", "a.db", "SELECT 1"][..], "sql:read"),
            (&["sqlite3", "-header", "-csv", "a.db", "select id from t limit 1;"], "sql:read"),
            (&["sqlite3", "--readonly", "a.db", "SELECT 1; SELECT 2"], "sql:read sql:read"),
            (&["sqlite3", "a.db", "-json", "SELECT 1"], "sql:read"),
            (&["sqlite3", "-separator", ",", "a.db", "SELECT 1"], "sql:read"),
            (&["sqlite3", "a.db", ".schema users"], "client:catalog"),
            (&["sqlite3", "a.db", ".tables"], "client:catalog"),
            (&["sqlite3", "a.db", ".ta"], "client:catalog"),
            (&["sqlite3", "a.db", ".mode csv", "SELECT 1"], "client:inform sql:read"),
            (&["sqlite3", "a.db", ".output stdout"], "client:inform"),
            (&["sqlite3", "-cmd", ".headers on", "a.db", "SELECT 1"], "client:inform sql:read"),
            (&["sqlite3", "a.db", "PRAGMA table_info(t)"], "sql:read"),
            (&["sqlite3", "-version"], "client:inform"),
            (&["sqlite3", "-cmd", "DELETE FROM t", "a.db", "-version"], "sql:write client:inform"),
            (&["sqlite3", "-memtrace", "-version", "a.db", "DELETE FROM t"], "sql:?"),
            (&["sqlite3", "a.db", "DELETE FROM t"], "sql:write"),
            (&["sqlite3", "a.db", ".shell id"], "client:program"),
            (&["sqlite3", "a.db", ".sh id"], "client:program"),
            (&["sqlite3", "a.db", ".s id"], "client:program"),
            (&["sqlite3", "a.db", ".system id"], "client:program"),
            (&["sqlite3", "a.db", ".sys id"], "client:program"),
            (&["sqlite3", "a.db", ".once |sh", "SELECT 'id'"], "client:program sql:read"),
            (&["sqlite3", "a.db", ".output '|sh'"], "client:program"),
            (&["sqlite3", "a.db", ".o |sh"], "client:?"),
            (&["sqlite3", "a.db", ".output x"], "client:file_write"),
            (&["sqlite3", "a.db", ".output stdout"], "client:inform"),
            (&["sqlite3", "a.db", ".once on"], "client:file_write"),
            (&["sqlite3", "a.db", ".log no"], "client:file_write"),
            (&["sqlite3", "a.db", ".once -e"], "client:program"),
            (&["sqlite3", "a.db", ".import f t"], "client:admin"),
            (&["sqlite3", "a.db", ".import '|id' t"], "client:program"),
            (&["sqlite3", "a.db", ".load x"], "client:program"),
            (&["sqlite3", "a.db", ".open b.db"], "client:connect"),
            (&["sqlite3", "a.db", ".dump"], "client:export"),
            (&["sqlite3", "a.db", ".read x.sql"], "client:script sql:?"),
            (&["sqlite3", "-init", "x.sql", "a.db", "SELECT 1"], "client:script sql:? sql:read"),
            (&["sqlite3", "-cmd", ".shell id", "a.db", "SELECT 1"], "client:program sql:read"),
            (&["sqlite3", "-A", "-cf", "x.tar", "/etc/passwd"], "client:file_write"),
            (&["sqlite3", "-Acf", "x.tar"], "client:file_write"),
            (&["sqlite3", "a.db", "SELECT 1;\n.shell id"], "sql:read client:program"),
            (&["sqlite3", "-frob", "a.db"], "sql:?"),
            (&["sqlite3", "file:a.db?vfs=x", "SELECT 1"], "sql:read client:connect"),
            (&["sqlite3", "file:a.db?mode=ro", "SELECT 1"], "sql:read"),
            (&["sqlite3", "a.db"], "sql:?"),
            (&["sqlite3", "a.db", ".frob"], "client:?"),
        ] {
            assert_eq!(shown(argv, Stdin::Unknown), expected, "{argv:?}");
        }
    }

    #[test]
    fn standard_input() {
        for (content, expected) in [
            ("SELECT 1;\n", "sql:read"),
            (".mode csv\nSELECT 1;\n.shell id\n", "client:inform sql:read client:program"),
            ("SELECT\n.5;\n", "sql:read"),
            ("DELETE FROM t;", "sql:write"),
            ("SELECT 1\ngo\nDELETE FROM t", "sql:?"),
            ("", "sql:read"),
        ] {
            let content = Stdin::Content(content.as_bytes());
            assert_eq!(shown(&["sqlite3", "a.db"], content), expected, "{content:?}");
        }
        assert_eq!(shown(&["sqlite3", "a.db"], Stdin::Null), "client:inform");
    }

    #[test]
    fn the_script_that_is_run_first_may_be_in_several_places() {
        for (path, env) in [
            (&b"/h/.sqliterc"[..], &b"HOME=/h"[..]),
            (b"/h/.config/sqlite3/sqliterc", b"HOME=/h"),
            (b"/x/sqlite3/sqliterc", b"XDG_CONFIG_HOME=/x"),
        ] {
            let argv: &[&[u8]] = &[b"sqlite3", b"app.db", b"SELECT 1"];
            let call = Call { argv, env: &[env], ..Call::default() };
            let found = classify(
                &Tools::BUILT_IN.context(&call, &crate::call::files::One(path, b"DROP TABLE t;\n")),
            );
            assert_eq!(clients_line(&found), "sql:ddl sql:read", "{}", text(path));
        }
    }

    #[test]
    fn limits_land_in_their_arguments() {
        let argv: &[&[u8]] = &[b"sqlite3", b"a.db", b".mode csv", b"SELECT * FROM t;"];
        let call = Call { argv, ..Call::default() };
        let limit =
            Rewrite { action: 2, change: Change::Limit(&sql::LIMIT_ROWS, 5), rule: "r".to_owned() };
        let changed =
            rewrite(&Tools::BUILT_IN.context(&call, &NoFiles), std::slice::from_ref(&limit))
                .unwrap();
        assert_eq!(changed.argv[3], b"SELECT * FROM t LIMIT 5;");
        let argv: &[&[u8]] = &[b"sqlite3", b"a.db"];
        let call = Call { argv, stdin: Stdin::Content(b"TABLE t"), ..Call::default() };
        assert!(rewrite(&Tools::BUILT_IN.context(&call, &NoFiles), &[limit]).is_err());
        let call = Call { argv, stdin: Stdin::Content(b"SELECT * FROM t"), ..Call::default() };
        let limit =
            Rewrite { action: 1, change: Change::Limit(&sql::LIMIT_ROWS, 5), rule: "r".to_owned() };
        let changed = rewrite(&Tools::BUILT_IN.context(&call, &NoFiles), &[limit]).unwrap();
        assert_eq!(changed.stdin.as_deref(), Some(&b"SELECT * FROM t LIMIT 5"[..]));
    }

    proptest! {
        #[test]
        fn any_call_is_classified(
            argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
            stdin in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            let call = Call { argv: &argv, stdin: Stdin::Content(&stdin), ..Call::default() };
            prop_assert!(!classify(&Tools::BUILT_IN.context(&call, &NoFiles)).is_empty());
        }
    }
}
