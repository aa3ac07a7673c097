//! ClickHouse's clients: `clickhouse-client`, `clickhouse-local`, and `clickhouse` with one of them
//! as its first word.
//!
//! Input: the call. Output: one action of the domain `sql` for each statement, one of the domain
//! `client` for each option with an effect of its own.
//!
//! Source: `programs/client/Client.cpp`, `programs/local/LocalServer.cpp` and
//! `src/Client/ClientBase.cpp` of ClickHouse 24, and its manual. Option names must be spelled out.
//! An abbreviation is opaque, and so are a setting that does more than bound a query and any other
//! program of `clickhouse`.
//!
//! Known gaps: a positional query or connection string is opaque. A configuration file in one of
//! its usual places counts as a script if it exists, and as absent if nobody looked.

use claw_policy::Action;

use crate::call::files::{Files, NotRead};
use crate::call::{Call, Stdin, text};
use crate::databases::client::{self, DOMAIN, Place, Step, fact};
use crate::language::sql;
use crate::language::sql::dialect::{self, Dialect, Kind};
use crate::loaders::Loads;
use crate::tool::{Abilities, Denial, Family, Reader, Tool};

/// The tool's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "clickhouse",
    names: &[
        "clickhouse",
        "clickhouse-benchmark",
        "clickhouse-client",
        "clickhouse-copier",
        "clickhouse-disks",
        "clickhouse-keeper-client",
        "clickhouse-local",
    ],
    doc: "The options, statements, files of statements and standard input of `client` and `local` are read; other programs of it are not.",
    denial: Denial { prefix: "Code: 497. DB::Exception: ", status: 241 },
    can: Abilities { changes: sql::ROWS, ..Abilities::of(Family::Databases) },
    domains: &[&sql::DOMAIN, &DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Change(|context| {
        client::read(Dialect::ClickHouse, steps(context.call, context.files))
    }),
};

/// Options that say where to connect and how to show results: long name, letter, whether a value
/// follows.
const PLAIN: &[(&str, Option<u8>, bool)] = &[
    ("database", Some(b'd'), true),
    ("echo", None, false),
    ("format", Some(b'f'), true),
    ("help", None, false),
    ("host", Some(b'h'), true),
    ("input-format", None, true),
    ("multiline", Some(b'm'), false),
    ("multiquery", Some(b'n'), false),
    ("no-warnings", None, false),
    ("output-format", None, true),
    ("password", None, true),
    ("port", None, true),
    ("query_id", None, true),
    ("secure", Some(b's'), false),
    ("stacktrace", None, false),
    ("time", Some(b't'), false),
    ("user", Some(b'u'), true),
    ("verbose", None, false),
    ("version", Some(b'V'), false),
    ("vertical", Some(b'E'), false),
];

/// Options with an effect of their own, in the form of [`PLAIN`], and the class of that effect.
const OTHERS: &[(&str, Option<u8>, bool, &str)] = &[
    ("config-file", Some(b'C'), true, "script"),
    ("config", None, true, "script"),
    ("external", None, false, "file_read"),
    ("file", None, true, "file_read"),
    ("interleave-queries-file", None, true, "script"),
    ("history_file", None, true, "file_write"),
    ("path", None, true, "connect"),
    ("queries-file", None, true, "script"),
    ("query", Some(b'q'), true, "script"),
    ("send_logs_level", None, true, "inform"),
];

/// An option, its class, and its value with the value's place.
type Given<'a> = (&'static str, &'static str, Option<(&'a [u8], usize, usize)>);

/// Where the words of the client begin, and whether it is `local`.
fn program(call: &Call<'_>) -> Result<(usize, bool), String> {
    let first = call.argv.first().copied().unwrap_or_default();
    let base = first.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    match (base, call.argv.get(1).copied().unwrap_or_default()) {
        (b"clickhouse-client", _) => Ok((1, false)),
        (b"clickhouse-local", _) => Ok((1, true)),
        (b"clickhouse", b"client") => Ok((2, false)),
        (b"clickhouse", b"local") => Ok((2, true)),
        (base, _) => Err(format!("what `{}` does here is not read", text(base))),
    }
}

fn options<'a>(argv: &'a [&'a [u8]], from: usize) -> Result<Vec<Given<'a>>, String> {
    let mut given = Vec::new();
    let mut at = from;
    while let Some(&word) = argv.get(at) {
        let said = text(word);
        let refused = || Err(format!("the word `{said}` is not read"));
        let (name, glued) = match word {
            [b'-', b'-', rest @ ..] if !rest.is_empty() => {
                let equals = rest.iter().position(|byte| *byte == b'=');
                let name = &rest[..equals.unwrap_or(rest.len())];
                (name, equals.map(|equals| (&rest[equals + 1..], at, equals + 3)))
            }
            [b'-', letter] => (std::slice::from_ref(letter), None),
            _ => return refused(),
        };
        let is = |long: &str, letter: Option<u8>| match word {
            [b'-', short] => letter == Some(*short),
            _ => long.as_bytes() == name,
        };
        let plain = PLAIN.iter().find(|row| is(row.0, row.1)).map(|row| (row.0, row.2, "inform"));
        let other = || OTHERS.iter().find(|row| is(row.0, row.1)).map(|row| (row.0, row.2, row.3));
        let bound = || {
            dialect::BOUNDS
                .iter()
                .find(|bound| is(bound, None))
                .map(|bound| (*bound, true, "inform"))
        };
        let Some((name, takes, class)) = plain.or_else(other).or_else(bound) else {
            return refused();
        };
        at += 1;
        let value = match (takes, glued) {
            (false, None) => None,
            (true, Some(glued)) => Some(glued),
            (true, None) => {
                let value = argv.get(at).ok_or_else(|| format!("`{said}` lacks its value"))?;
                at += 1;
                Some((*value, at - 1, 0))
            }
            (false, Some(_)) => return refused(),
        };
        given.push((name, class, value));
    }
    Ok(given)
}

fn steps(call: &Call<'_>, files: &dyn Files) -> Vec<Step> {
    let said = call.argv.iter().take(40).map(|word| text(word)).collect::<Vec<_>>().join(" ");
    if matches!(call.argv, [_, b"--help" | b"--version" | b"-V"]) {
        return vec![fact("help", "inform", &said).into()];
    }
    let read = program(call).and_then(|(from, local)| Ok((options(call.argv, from)?, local)));
    let (given, local) = match read {
        Ok(read) => read,
        Err(reason) => return vec![dialect::unread(&said, &reason).into()],
    };
    if let Some((name, ..)) = given.iter().find(|row| matches!(row.0, "help" | "version")) {
        return vec![fact(name, "inform", &said).into()];
    }
    let mut steps = Vec::new();
    if !local {
        steps.extend(configured(call, files).map(Step::from));
    }
    let mut asked = false;
    for &(name, class, value) in &given {
        match (name, value) {
            ("query", Some((value, arg, from))) => {
                asked = true;
                statements(value, local, Some(Place::Argument(arg, from)), &mut steps);
            }
            ("queries-file", Some((path, ..))) => {
                asked = true;
                match files.file(path).named() {
                    Ok(Some(content)) => statements(content, local, None, &mut steps),
                    Ok(None) => steps.push(fact(name, "inform", &said).into()),
                    Err(NotRead) => {
                        let reason = "the file of statements is not read";
                        steps.push(dialect::unread(&text(path), reason).into());
                    }
                }
            }
            _ if class != "inform" => steps.push(fact(name, class, &said).into()),
            _ => {}
        }
    }
    if !asked {
        match call.stdin() {
            Stdin::Null => {}
            Stdin::Content(content) => statements(content, local, Some(Place::Stdin), &mut steps),
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

/// The client's configuration file, if there is one: it can set anything.
fn configured(call: &Call<'_>, files: &dyn Files) -> Option<Action> {
    let home = call.var("HOME").unwrap_or_default();
    let mut places = Vec::new();
    for end in ["xml", "yaml", "yml"] {
        places.push(format!("clickhouse-client.{end}").into_bytes());
        let own = format!("/.clickhouse-client/config.{end}");
        places.push([home, own.as_bytes()].concat());
    }
    places
        .iter()
        .find(|place| files.file(place).sought() != Ok(None))
        .map(|place| fact("config-file", "script", &text(place)))
}

fn statements(value: &[u8], local: bool, place: Option<Place>, steps: &mut Vec<Step>) {
    let Ok(value) = str::from_utf8(value) else {
        steps.push(dialect::unread(&text(value), "the text is not UTF-8").into());
        return;
    };
    // `local` opens what a quoted name says, even an address.
    let opens = |words: &[dialect::Word]| {
        words
            .iter()
            .any(|word| word.kind == Kind::Quoted && value[word.place.clone()].contains(':'))
    };
    if local && dialect::words(Dialect::ClickHouse, value).is_ok_and(|words| opens(&words)) {
        steps.push(dialect::unread(value, "a quoted name may be an address").into());
        return;
    }
    let actions = dialect::actions(Dialect::ClickHouse, value);
    steps.extend(
        actions.into_iter().enumerate().map(|(statement, action)| Step {
            action,
            place: place.map(|place| (place, statement)),
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tools;
    use crate::call::files::{NoFiles, One};
    use crate::corpus::clients_line;
    use crate::tool::{CannotRewrite, Changed, Context};
    use claw_policy::Change;
    use claw_policy::Rewrite;
    use proptest::prelude::*;

    fn rewrite(context: &Context<'_>, rewrites: &[Rewrite]) -> Result<Changed, CannotRewrite> {
        TOOL.read(context).change.make(context, rewrites)
    }

    fn shown(argv: &[&str], stdin: Stdin<'_>, files: &dyn Files) -> String {
        let argv: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let call = Call { argv: &argv, stdin, env: &[b"HOME=/home/me"], ..Call::default() };
        clients_line(&TOOL.read(&Tools::BUILT_IN.context(&call, files)).actions)
    }

    #[test]
    fn corpus() {
        let table: toml::Table = include_str!("../../corpus/clickhouse.toml").parse().unwrap();
        for (line, expected) in &table {
            let argv = claw_corpus::split(line);
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            assert_eq!(
                shown(&argv, Stdin::Unknown, &NoFiles),
                expected.as_str().unwrap(),
                "{line}"
            );
        }
        assert!(table.len() > 50);
    }

    #[test]
    fn content() {
        let drop = One(b"q.sql", b"SELECT 1; DROP TABLE t");
        let argv = ["clickhouse-client", "--queries-file", "q.sql"];
        assert_eq!(shown(&argv, Stdin::Null, &drop), "sql:read sql:ddl");
        assert_eq!(shown(&argv, Stdin::Null, &NoFiles), "sql:?");
        assert_eq!(shown(&argv[..1], Stdin::Content(b"TRUNCATE TABLE t"), &NoFiles), "sql:write");
        assert_eq!(shown(&argv[..1], Stdin::Null, &NoFiles), "client:inform");
        let config = One(b"/home/me/.clickhouse-client/config.xml", b"<config/>");
        let argv = ["clickhouse-client", "-q", "SELECT 1"];
        assert_eq!(shown(&argv, Stdin::Null, &config), "client:script sql:read");
    }

    fn limited(query: &[u8]) -> Result<String, CannotRewrite> {
        let argv: &[&[u8]] = &[b"clickhouse-client", b"-q", query];
        let call = Call { argv, ..Call::default() };
        let limit =
            Rewrite { action: 1, change: Change::Limit(&sql::LIMIT_ROWS, 5), rule: "r".to_owned() };
        let changed = rewrite(&Tools::BUILT_IN.context(&call, &NoFiles), &[limit])?;
        Ok(String::from_utf8(changed.argv[2].clone()).unwrap())
    }

    #[test]
    fn limits() {
        for (before, after) in [
            ("SELECT * FROM t", "SELECT * FROM t LIMIT 5"),
            ("SELECT * FROM t;", "SELECT * FROM t LIMIT 5;"),
            ("SELECT * FROM t FORMAT JSON", "SELECT * FROM t LIMIT 5 FORMAT JSON"),
            ("SELECT * FROM t LIMIT 3 FORMAT JSON", "SELECT * FROM t LIMIT 3 FORMAT JSON"),
            (
                "SELECT a FROM t SETTINGS max_threads = 1",
                "SELECT a FROM t LIMIT 5 SETTINGS max_threads = 1",
            ),
        ] {
            assert_eq!(limited(before.as_bytes()).unwrap(), after, "{before}");
        }
        // The limit of a UNION belongs to its last query, and LIMIT BY means something else.
        for (refused, why) in [
            (
                "SELECT 1 FROM a UNION ALL SELECT 2 FROM b",
                "the limit would change more than the limit",
            ),
            ("SELECT a FROM t LIMIT 1 BY a", "a limit for each value leaves no place for another"),
            ("INSERT INTO t VALUES (1)", "the statement is no query"),
        ] {
            let error = limited(refused.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), format!("cannot apply rule `r`: {why}"), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn any_call_is_classified(
            argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
            query in "[ -~\n]{0,60}",
        ) {
            let mut argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            argv.insert(0, b"clickhouse-client");
            let stdin = Stdin::Content(query.as_bytes());
            let call = Call { argv: &argv, stdin, ..Call::default() };
            prop_assert!(!steps(&call, &NoFiles).is_empty());
            let call = Call { argv: &[b"clickhouse-local", b"-q", query.as_bytes()], ..Call::default() };
            prop_assert!(!steps(&call, &NoFiles).is_empty());
        }
    }
}
