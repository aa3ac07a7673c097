//! psql, the real one, against a server on loopback that records what it is sent.
//!
//! What arrived is judged by itself, each text as a `-c` of its own, and must be what claw read of the line, in the
//! same order and at the same place. What else a call did is in the files of its folder, and in whether the program
//! that a line names, `mkdir @RAN@`, ran. A line's variable SCRIPT is what it has on standard input and in the file
//! `script.sql`; `@Q@` is a single quote and `@P@` the server's port.

use std::collections::BTreeSet;
use std::process::Command;

use claw_tests::backend::{Backend, Sighted};
use claw_tests::call::Ran;
use claw_tests::postgres;

use crate::account::{self, Outcome};
use crate::claw::{Action, Judged};
use crate::line::{self, Dice, Line, bounded};
use crate::place::{self, Place};

/// What stands in the working folder beside the script.
const FILES: &[(&str, &str)] = &[
    ("other.sql", "DELETE FROM t;\n"),
    ("rc.sql", "\\set x 7\n"),
    ("rows.txt", "1\n"),
    ("services", "[svc]\nhost=127.0.0.2\nuser=served\ndbname=service\n"),
    ("folder/inner.sql", "\\ir near.sql\n"),
    ("folder/near.sql", "DROP TABLE near;\n"),
];

/// The connection of a call that does not name one.
const DEFAULTS: &[(&str, &str)] = &[
    ("PGHOST", "127.0.0.1"),
    ("PGUSER", "someone"),
    ("PGDATABASE", "somewhere"),
    ("PGSSLMODE", "disable"),
    ("PGGSSENCMODE", "disable"),
];

/// Words that options are given, or that stand alone.
const WORDS: &[&str] = &[
    "1",
    "SELECT 2",
    "DROP TABLE u",
    "other",
    "them",
    "127.0.0.2",
    "x=1",
    "x",
    "out.txt",
    "other.sql",
    "dbname=inside user=them",
    "postgres://them@127.0.0.2/uri",
    "-x",
    "-cSELECT 3",
    "--",
    "",
    "-",
    "\\echo a",
    "\\i other.sql",
];

/// Pieces of connection strings.
const PAIRS: &[&str] = &[
    "host=127.0.0.2",
    "host = 127.0.0.2",
    "hostaddr=127.0.0.2",
    "host=127.0.0.2,127.0.0.1",
    "port=@P@",
    "port=@P@,@P@",
    "user=them",
    "user=@Q@the m@Q@",
    "user=the\\ m",
    "user=@Q@the\\@Q@m@Q@",
    "dbname=inside",
    "dbname=@Q@@Q@",
    "dbname=host=127.0.0.2",
    "password=@Q@x y@Q@",
    "user=",
    "application_name=x",
    "options=-cwork_mem=1MB",
    "service=svc",
    "junk",
    "frob=1",
    "connect_timeout=5",
];

/// Pieces of addresses.
const ADDRESSES: &[[&str; 4]] = &[
    ["them@", "127.0.0.2", "/uri", "?user=last"],
    ["them:pw@", "127.0.0.2:@P@", "/", "?host=127.0.0.2"],
    ["", "", "/ur%69", "?dbname=last&user=last"],
    [":pw@", "127.0.0.2,127.0.0.1", "", "?options=-c%20work_mem%3D1MB"],
    ["th%65m@", "127.0.0.2:@P@,127.0.0.1:@P@", "/a/b", "?"],
    ["a@b@", "127.0.0.2:", "/uri@x", "?frob=1"],
];

/// Pieces of scripts.
const PIECES: &[&str] = &[
    "SELECT 1;",
    "DELETE FROM t",
    "DROP TABLE :x;",
    "SELECT :@Q@x@Q@, :\"x\", @Q@:x@Q@;",
    "\\set x 5",
    "\\set x @Q@t; DROP TABLE t@Q@",
    ":x;",
    "\\unset x",
    "\\if :{?x}",
    "\\if false",
    "\\if yes",
    "\\elif true",
    "\\else",
    "\\endif",
    "\\c other",
    "\\c - them",
    "\\c other them 127.0.0.2 @P@",
    "\\c postgres://them@127.0.0.2:@P@/uri",
    "\\c @Q@dbname=inside host=127.0.0.2@Q@",
    "\\connect -reuse-previous=on dbname=inside",
    "\\i other.sql",
    "\\include @Q@other.sql@Q@",
    "\\ir folder/inner.sql",
    "\\i folder/inner.sql",
    "\\! mkdir @RAN@",
    "\\!mkdir @RAN@",
    "\\echo `mkdir @RAN@`",
    "\\echo @Q@`mkdir @RAN@`@Q@",
    "\\set y `mkdir @RAN@`",
    "\\o out.txt",
    "\\o |mkdir @RAN@",
    "\\o @Q@|mkdir @RAN@@Q@",
    "\\o @Q@\\x7cmkdir @RAN@@Q@",
    "\\o @Q@\\174mkdir @RAN@@Q@",
    "\\o @Q@@Q@|mkdir\\ @RAN@",
    "\\set p @Q@|mkdir @RAN@@Q@",
    "\\o :p",
    "\\o",
    "SELECT 1 \\g",
    "SELECT 1 \\g out.txt",
    "SELECT 1 \\g |mkdir @RAN@",
    "SELECT 1 \\g @Q@\\x7cmkdir @RAN@@Q@",
    "SELECT 1 \\gx (format=csv) |mkdir @RAN@",
    "SELECT 1 \\gset",
    "SELECT 1 \\gexec",
    "SELECT 1 \\gdesc",
    "SELECT 1 \\crosstabview",
    "SELECT 1 \\w out.txt",
    "SELECT 1 \\w |mkdir @RAN@",
    "\\s out.txt",
    "\\copy t TO @Q@out.txt@Q@",
    "\\copy t TO PROGRAM @Q@mkdir @RAN@@Q@",
    "\\copy (SELECT @Q@ program @Q@) TO out.txt",
    "\\setenv PAGER @Q@mkdir @RAN@@Q@",
    "\\setenv PGHOST 127.0.0.2",
    "\\pset pager always",
    "\\x",
    "\\q",
    "\\d",
    "\\r",
    "\\p",
    "\\;",
    "-- a comment \\! mkdir @RAN@",
    "/* \\! mkdir @RAN@ */",
    "/*",
    "*/",
    "$$ ; $$",
    "@Q@",
    "\\echo a \\\\ DROP TABLE u;",
    "\\echo :x \\! mkdir @RAN@",
    "\\cd folder",
    "\\frob",
    "BEGIN; COMMIT;",
];

/// What psql sends last if everything is one transaction.
const OWN: &[&str] = &["COMMIT", "ROLLBACK"];

#[derive(Debug)]
struct Client {
    place: Place,
    backend: Backend,
}

#[test]
fn psql_is_read_as_it_reads_itself() {
    let mut lines = line::read(include_str!("lines/psql.txt"));
    lines.extend(options());
    lines.extend(connections());
    lines.extend(scripts());
    let psql = place::text(&postgres::real_psql());
    let version = place::version(&psql, &["--version"]);
    account::settle("psql", &version, &lines, Client::new, Client::settle);
}

/// An option: its letter, its long names, and whether it takes a value.
type Listed = (Option<char>, Vec<String>, bool);

/// The options of `psql --help`.
fn listed() -> Vec<Listed> {
    let output = Command::new(postgres::real_psql()).arg("--help").output().expect("psql starts");
    let text = String::from_utf8(output.stdout).expect("ASCII");
    // They ask a person.
    let left_out = ["single-step", "password", "no-readline"];
    let rows = text.lines().map(str::trim_start).filter(|row| row.starts_with('-'));
    let option = |row: &str| {
        let spelled = row.split("  ").next().unwrap_or_default();
        let (mut letter, mut names, mut takes) = (None, Vec::new(), false);
        for word in spelled.split(", ") {
            match word.strip_prefix("--") {
                Some(long) => {
                    let (name, value) = long.split_once(['=', '[']).unwrap_or((long, ""));
                    takes |= !value.is_empty() && !long.contains('[') || word.ends_with('=');
                    names.push(name.to_owned());
                }
                None => letter = word.chars().nth(1),
            }
        }
        (letter, names, takes)
    };
    let found: Vec<Listed> = rows
        .map(option)
        .filter(|(_, names, _)| !names.iter().any(|name| left_out.contains(&name.as_str())))
        .collect();
    assert!(found.len() > 30, "{found:?}");
    found
}

/// Options in every spelling of getopt_long around a statement.
fn options() -> Vec<Line> {
    let listed = listed();
    let mut dice = Dice::new(0x954);
    let made = (0..bounded(150, 5000)).map(|_| {
        let mut argv = ["psql", "-X", "-c", "SELECT 1"].map(str::to_owned).to_vec();
        for _ in 0..=dice.below(3) {
            let (letter, names, takes) = dice.one(&listed).clone();
            let word = (*dice.one(WORDS)).to_owned();
            let long = names.first().cloned().unwrap_or_default();
            let short = &long[..long.len() - dice.below(long.len().clamp(1, 5))];
            let words = match (letter, dice.below(6)) {
                (Some(letter), 0) => vec![format!("-{letter}{word}")],
                (Some(letter), 1) => vec![format!("-Aq{letter}"), word],
                (Some(letter), 2) => vec![format!("-{letter}"), word],
                (_, 3) => vec![format!("--{short}={word}")],
                (_, 4) if takes => vec![format!("--{short}"), word],
                (_, 4) => vec![format!("--{short}")],
                _ if takes => vec![format!("--{long}"), word],
                _ => vec![format!("--{long}")],
            };
            let at = 2 + dice.below(argv.len() - 1);
            argv.splice(at..at, words);
        }
        let line = Line::made(argv).env("SCRIPT", "SELECT 9;\n");
        if dice.below(8) == 0 { line.env("POSIXLY_CORRECT", "1") } else { line }
    });
    made.collect()
}

/// Connection strings of both sorts, as `-d`, as an operand, or as a database of the environment.
fn connections() -> Vec<Line> {
    let mut dice = Dice::new(0x955);
    let made = (0..bounded(100, 3000)).map(|_| {
        let string = if dice.below(2) == 0 {
            let pairs: Vec<&str> = (0..=dice.below(3)).map(|_| *dice.one(PAIRS)).collect();
            pairs.join(*dice.one(&[" ", "  ", "\t"]))
        } else {
            let mut address =
                (*dice.one(&["postgres://", "postgresql://", "Postgres://"])).to_owned();
            for part in 0..4 {
                if dice.below(3) > 0 {
                    address += dice.one(ADDRESSES)[part];
                }
            }
            address
        };
        let line =
            |words: &[&str]| Line::made(["psql", "-X"].into_iter().chain(words.iter().copied()));
        match dice.below(5) {
            0 => line(&["-c", "SELECT 1"]).env("PGDATABASE", &string),
            1 => line(&["-d", &string, "-c", "SELECT 1", "them"]),
            2 => line(&["-c", "SELECT 1", "-h", "127.0.0.2", &string]),
            3 => line(&["-c", "SELECT 1", "-Uthem", &string]),
            _ => line(&["-c", "SELECT 1", &string]),
        }
    });
    made.collect()
}

/// Scripts put together from pieces, on standard input, as a file, or each piece as a `-c`.
fn scripts() -> Vec<Line> {
    let mut dice = Dice::new(0x956);
    let made = (0..bounded(120, 6000)).map(|_| {
        let pieces: Vec<&str> = (0..1 + dice.below(5)).map(|_| *dice.one(PIECES)).collect();
        if dice.below(4) == 0 {
            let mut argv = vec!["psql", "-X"];
            argv.extend(pieces.iter().flat_map(|piece| ["-c", piece]));
            return Line::made(argv);
        }
        let ways: &[&[&str]] = &[
            &["psql", "-X"],
            &["psql", "-X", "-f", "script.sql"],
            &["psql", "-Xq1f", "script.sql"],
            &["psql", "-X", "-v", "x=7", "-f-"],
            &["psql", "-X", "-v", "ON_ERROR_STOP=1", "-c", "\\i script.sql"],
        ];
        Line::made(dice.one(ways).iter().copied()).env("SCRIPT", &(pieces.join("\n") + "\n"))
    });
    made.collect()
}

impl Client {
    fn new() -> Self {
        Self { place: Place::new(), backend: Backend::start() }
    }

    fn settle(&mut self, line: &Line) -> Outcome {
        let mark = self.place.folder().join("ran");
        drop(std::fs::remove_dir(&mark));
        let names = [
            ("@RAN@", place::text(&mark)),
            ("@Q@", "'".to_owned()),
            ("@P@", self.backend.port().to_string()),
            ("\\n", "\n".to_owned()),
        ];
        let written = line.argv.iter().chain(line.env.iter().map(|(_, value)| value));
        let escapes = written.clone().any(|text| text.contains("\\near") || text.contains('\n'));
        let mut line = line.with(if escapes { &names[..3] } else { &names });
        let programs = postgres::real_psql();
        let programs = place::text(programs.parent().expect("a folder"));
        let path = format!("{programs}:/usr/bin:/bin");
        let port = self.backend.port().to_string();
        let defaults = DEFAULTS.iter().copied().chain([("PGPORT", &*port), ("PATH", &*path)]);
        for (name, value) in defaults {
            if !line.env.iter().any(|(known, _)| known == name) {
                line = line.env(name, value);
            }
        }
        let script = line.env.iter().find(|(name, _)| name == "SCRIPT");
        let script = script.map(|(_, script)| script.clone()).unwrap_or_default();
        let mut files: Vec<(&str, String)> =
            FILES.iter().map(|(name, content)| (*name, (*content).to_owned())).collect();
        files.push(("script.sql", script.clone()));
        self.place.lay_out(&files);
        self.place.feeds(&script);
        let judged = self.place.judge(&line, &files);
        let before = self.place.files();
        let ran = self.place.run(&line);
        let wrote = before != self.place.files();
        let seen = self.backend.take();
        let mut sent = Vec::new();
        for text in seen.iter().flat_map(|connection| &connection.texts) {
            // A text that begins with a backslash would be a command.
            let alone = Line::made(["psql".to_owned(), "-X".to_owned(), format!("-c {text}")]);
            sent.push((text.clone(), self.place.judge(&alone, &[])));
        }
        let one = |word: &String| {
            word.starts_with("--si")
                || !word.starts_with("--") && word.starts_with('-') && word.contains('1')
        };
        let wraps = line.argv.iter().any(one);
        compare(&judged, &ran, (&seen, &sent), wraps, wrote, mark.is_dir())
    }
}

fn compare(
    judged: &Judged,
    ran: &Ran,
    (seen, sent): (&[Sighted], &[(String, Judged)]),
    wraps: bool,
    wrote: bool,
    program: bool,
) -> Outcome {
    let said = ran.err().lines().next().unwrap_or_default().to_owned();
    if seen.is_empty() && ran.code() != Some(0) && !wrote && !program {
        let read = judged.opaque().is_none().then(|| judged.story());
        return Outcome::Refused { read, said };
    }
    if let Some(reason) = judged.opaque() {
        return Outcome::Opaque(reason.to_owned());
    }
    let milder = |why: String| Outcome::Milder(format!("{why}: {}", judged.story()));
    let has = |classes: &[&str]| {
        let of =
            |action: &Action| action.text("class").is_some_and(|class| classes.contains(&class));
        judged.actions.iter().any(of)
    };
    if program && !has(&["program", "editor"]) {
        return milder("a program ran".to_owned());
    }
    if wrote && !has(&["file_write", "program"]) {
        return milder("a file was written".to_owned());
    }
    // What a statement returned, what a service says and what a program leaves are said not to be followed.
    if has(&["dynamic"]) {
        return Outcome::Opaque("it runs what a statement returns".to_owned());
    }
    let statements: Vec<&Action> =
        judged.actions.iter().filter(|action| is_statement(action)).collect();
    let mut left = statements.iter().copied();
    let catalog = has(&["catalog"]);
    let sent = match sent {
        [(first, _), inner @ .., (last, _)]
            if wraps && first == "BEGIN" && OWN.contains(&&**last) =>
        {
            inner
        }
        sent => sent,
    };
    for (text, alone) in sent {
        for action in alone.actions.iter().filter(|action| is_statement(action)) {
            if left.clone().next().is_some_and(|next| same(next, action)) {
                left.next();
            } else if left.clone().any(|later| same(later, action)) {
                return Outcome::Differs(format!(
                    "`{text}` was sent earlier than it was read: {}",
                    judged.story()
                ));
            } else if !catalog {
                return milder(format!("`{text}` was sent"));
            }
        }
    }
    if let Some(first) = left.next().filter(|_| ran.code() == Some(0)) {
        return Outcome::Differs(format!("this was not sent: {first:?}"));
    }
    let places: BTreeSet<[String; 3]> = statements.iter().map(|action| told(action)).collect();
    let followed = !statements.iter().any(|action| action.opaque("host").is_some());
    for connection in seen.iter().filter(|connection| !connection.texts.is_empty()) {
        let parameter = |name: &str| connection.parameters.get(name).cloned();
        let user = parameter("user").unwrap_or_default();
        let database = parameter("database").unwrap_or_else(|| user.clone());
        let real = [connection.host.clone(), user, database];
        let told =
            |said: &[String; 3]| said.iter().zip(&real).all(|(said, real)| shows(said, real));
        if followed && !catalog && !places.is_empty() && !places.iter().any(told) {
            return milder(format!("it connected to {real:?}, {places:?} was said"));
        }
    }
    Outcome::Agreed
}

/// Where a statement is said to run: host, user and database. What is not said is the account's name.
fn told(action: &Action) -> [String; 3] {
    let said = |name: &str| action.text(name).map(str::to_owned);
    let user = said("user").unwrap_or_else(|| "root".to_owned());
    let database = said("database").unwrap_or_else(|| user.clone());
    [said("host").unwrap_or_default(), user, database]
}

/// Whether the action is a statement, and no setting that comes with the connection.
fn is_statement(action: &Action) -> bool {
    let text = action.text("text").unwrap_or_default().to_ascii_lowercase();
    let kind = action.text("kind");
    action.text("domain") == Some("sql")
        && kind != Some("empty")
        && (kind != Some("set") || text.starts_with("set "))
}

/// Whether two actions say the same but for where it happens.
fn same(one: &Action, other: &Action) -> bool {
    let mut aside = vec!["host", "port", "user", "database"];
    // psql puts the statement of `\copy` together anew.
    if one.text("kind") == Some("copy") {
        aside.push("text");
    }
    one.without(&aside) == other.without(&aside)
}

/// Whether `said` is `real`, with `***` where `real` has a secret.
fn shows(said: &str, real: &str) -> bool {
    let Some((before, after)) = said.split_once("***") else { return said == real };
    let Some(rest) = real.strip_prefix(before) else { return false };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.skip(1).any(|at| shows(after, &rest[at..]))
}
