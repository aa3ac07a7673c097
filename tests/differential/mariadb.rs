//! mariadb, the real client, against a real server that keeps every statement it is sent.
//!
//! What arrived is judged by itself, each text as the server gets it, and must be what claw read of the line, in the
//! same order. What a call did is also looked at by itself: the database over another connection, the files of its
//! folder, and whether the program that a line names, `mkdir @RAN@`, ran. A line's variable SCRIPT is what it has on
//! standard input and in the file `script.sql`, CONFIG is in the home's `.my.cnf`; `@Q@` is a single quote.

use std::path::PathBuf;
use std::process::Command;

use claw_tests::call::Ran;
use claw_tests::mariadb::Server;

use crate::account::{self, Outcome};
use crate::claw::{Action, Judged};
use crate::line::{self, Dice, Line, bounded};
use crate::place::{self, Place};

/// The account of the lines, and its database.
const NAME: &str = "app";

/// What the database begins with.
const TABLES: &str = "CREATE TABLE t (a INT PRIMARY KEY, b TEXT) ENGINE=InnoDB; \
     INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three'); \
     CREATE TABLE n (c INT) ENGINE=InnoDB;";

/// The files next to the script.
const FILES: &[(&str, &str)] = &[
    ("other.sql", "DELETE FROM t;\n"),
    ("other.cnf", "[client]\ninit-command=DELETE FROM t\n"),
    ("my.cnf", "[client]\ninit-command=DELETE FROM n\n"),
];

/// Pieces of scripts.
const PIECES: &[&str] = &[
    "SELECT 1;",
    "SELECT a, b FROM t WHERE b = @Q@one;@Q@;",
    "DELETE FROM t",
    "DROP TABLE n;",
    "INSERT INTO n VALUES (1);",
    "SELECT @Q@a\\@Q@;@Q@;",
    "SELECT \"a\\\";\";",
    "SELECT \"a@Q@b\";",
    "SELECT `a;b` FROM t;",
    "SELECT 1 -- ; a comment",
    "-- \\! mkdir @RAN@",
    "--\\! mkdir @RAN@",
    "--",
    "# DROP TABLE t;",
    "#DROP TABLE t;",
    "/* DROP TABLE t; */",
    "/* a",
    "*/",
    "/**/",
    "/*! DROP TABLE n */;",
    "/*!99999 DROP TABLE n */;",
    "/*M!100000 DELETE FROM t */;",
    "SELECT 1\\G",
    "SELECT 1\\g DELETE FROM t;",
    "SELECT 1\\c DELETE FROM t;",
    "SELECT \\N;",
    "\\! mkdir @RAN@",
    "SELECT 1; \\! mkdir @RAN@",
    "system mkdir @RAN@",
    "SYSTEM mkdir @RAN@;",
    " system mkdir @RAN@",
    "SELECT 1; system mkdir @RAN@",
    "source other.sql",
    "\\. other.sql",
    "delimiter //",
    "delimiter ;",
    "DELIMITER $$",
    "DELETE FROM t//",
    "DROP TABLE n$$",
    "tee out.txt",
    "\\T out.txt",
    "notee",
    "pager mkdir @RAN@",
    "\\P mkdir @RAN@",
    "nopager",
    "use app",
    "\\u app",
    "help",
    "status",
    "\\s",
    "go",
    "ego",
    "clear",
    "exit",
    "quit",
    "\\q",
    "@Q@",
    "\"",
    "`",
    ";",
    ";;",
    "\\",
    "SET sql_mode=@Q@NO_BACKSLASH_ESCAPES@Q@;",
    "SET NAMES gbk;",
    "SET SESSION sql_mode=@Q@ANSI_QUOTES@Q@;",
    "SET @x=1;",
    "SELECT @Q@あ\\@Q@; DELETE FROM t; -- @Q@;",
    "EXECUTE IMMEDIATE @Q@DELETE FROM t@Q@;",
    "PREPARE s FROM @Q@DELETE FROM t@Q@; EXECUTE s;",
    "ANALYZE DELETE FROM t;",
    "EXPLAIN DELETE FROM t;",
    "DESCRIBE t;",
    "DESC t;",
    "SHOW TABLES;",
    "WITH x AS (SELECT 1) SELECT * FROM x;",
    "REPLACE INTO t VALUES (1, @Q@x@Q@);",
    "START TRANSACTION; COMMIT;",
    "SELECT a FROM t FOR UPDATE;",
    "SELECT 1 INTO @x;",
    "TRUNCATE n;",
    "CREATE TABLE m (a INT);",
    "DO 1;",
    "BEGIN NOT ATOMIC DELETE FROM t; END;",
    "SELECT 1 UNION SELECT 2;",
    "VALUES (1), (2);",
    "HANDLER t OPEN; HANDLER t CLOSE;",
    "\u{a0}DELETE FROM t;",
    "\u{b}DELETE FROM t;",
    "SELECT 1;\rDELETE FROM t;",
    "SELECT 0x27; DELETE FROM t; -- 27",
    "SELECT _utf8@Q@x@Q@, N@Q@y@Q@, b@Q@1@Q@, x@Q@27@Q@;",
];

/// Words that options are given.
const WORDS: &[&str] = &["1", "app", "x", "DELETE FROM t", "-x", "", "utf8", "other.cnf", ";"];

/// What stands before the texts in an answer.
const TEXTS: &str = "texts that arrived";

/// Empties the log.
const FORGET: &str = "TRUNCATE mysql.general_log";

/// How texts begin that the client sends of its own accord, for an option or a command of its own.
const OWN: &[&str] = &[
    "SELECT DATABASE()",
    "SET SQL_SAFE_UPDATES=1",
    "help '",
    "select DATABASE(), USER() limit 1",
    "select @@version_comment limit 1",
    "select @@character_set_client, @@character_set_connection",
];

/// The pager, for lines that do not name one.
const PAGER: (&str, &str) = ("PAGER", "cat");

#[derive(Debug)]
struct Client {
    place: Place,
    /// Of this place alone: its log is emptied after each line.
    server: Server,
    /// What the database holds before each line.
    fresh: String,
}

#[test]
fn mariadb_is_read_as_it_reads_itself() {
    let mut lines = line::read(include_str!("lines/mariadb.txt"));
    lines.extend(options());
    lines.extend(scripts());
    let version = place::version("mariadb", &["--version"]);
    account::settle("mariadb", &version, &lines, Client::new, Client::settle);
}

/// The options of `mariadb --help` before a statement that writes: a reader that takes one word too many or
/// too few as values reads another call.
fn options() -> Vec<Line> {
    let mut dice = Dice::new(0x3a1);
    let output = Command::new("mariadb").args(["--no-defaults", "--help"]).output();
    let text = String::from_utf8(output.expect("mariadb starts").stdout).expect("ASCII");
    // They connect elsewhere, ask a person, or wait.
    let left_out = ["host", "port", "socket", "user", "password", "wait", "protocol", "ssl"];
    let listed: Vec<(Option<char>, &str, bool)> = text
        .lines()
        .map(str::trim_start)
        .filter(|row| row.starts_with('-'))
        .filter_map(|row| {
            let spelled = row.split("  ").next().unwrap_or_default();
            let letter = spelled.strip_prefix('-')?.chars().next().filter(|letter| *letter != '-');
            let (_, long) = spelled.split_once("--")?;
            let (name, value) = long.split_once(['=', '[']).unwrap_or((long.trim(), ""));
            Some((letter, name, !value.is_empty() && !long.contains('[')))
        })
        .filter(|(_, name, _)| !left_out.iter().any(|start| name.starts_with(start)))
        .collect();
    assert!(listed.len() > 50, "{listed:?}");
    let made = (0..bounded(120, 3000)).map(|_| {
        let mut argv = ["mariadb", "app", "-e", "DELETE FROM t"].map(str::to_owned).to_vec();
        for _ in 0..=dice.below(2) {
            let (letter, name, takes) = *dice.one(&listed);
            let word = (*dice.one(WORDS)).to_owned();
            let short = &name[..name.len() - dice.below(name.len().clamp(1, 4))];
            let odd = *dice.one(&["skip-", "disable-", "enable-", "loose-", "", ""]);
            let words = match (letter, dice.below(6)) {
                (Some(letter), 0) => vec![format!("-{letter}{word}")],
                (Some(letter), 1) => vec![format!("-B{letter}"), word],
                (_, 2) => vec![format!("--{short}={word}")],
                (_, 3) => vec![format!("--{odd}{name}")],
                (_, 4) if takes => vec![format!("--{}", short.replace('-', "_")), word],
                _ if takes => vec![format!("--{name}"), word],
                _ => vec![format!("--{name}")],
            };
            let at = *dice.one(&[1, 1, 2, argv.len()]);
            argv.splice(at..at, words);
        }
        Line::made(argv).env("SCRIPT", "SELECT 9;\n")
    });
    made.collect()
}

/// Scripts put together from pieces, on standard input, as an argument, or each piece as a `-e`.
fn scripts() -> Vec<Line> {
    let mut dice = Dice::new(0x3a2);
    let made = (0..bounded(200, 8000)).map(|_| {
        let pieces: Vec<&str> = (0..1 + dice.below(4)).map(|_| *dice.one(PIECES)).collect();
        let text = pieces.join(*dice.one(&["\n", "\n", " "]));
        match dice.below(6) {
            0 => Line::made(["mariadb", "app", "-e", &text]),
            1 => Line::made(["mariadb", "app", "-Gfe", &text]),
            2 => {
                let words = pieces.iter().flat_map(|piece| ["-e", piece]);
                Line::made(["mariadb", "app"].into_iter().chain(words))
            }
            3 => Line::made(["mariadb", "app", "--binary-mode"]).env("SCRIPT", &text),
            4 => {
                Line::made(["mariadb", "app", "-f", "-c", "--named-commands"]).env("SCRIPT", &text)
            }
            _ => Line::made(["mariadb", "app"]).env("SCRIPT", &text),
        }
    });
    made.collect()
}

impl Client {
    fn new() -> Self {
        let server = Server::start();
        server.ask(&format!(
            "CREATE USER {NAME}; GRANT ALL ON {NAME}.* TO {NAME}; GRANT FILE ON *.* TO {NAME}"
        ));
        let mut client = Self { place: Place::new(), server, fresh: String::new() };
        client.lay_out_tables();
        client.fresh = client.seen().0;
        client
    }

    /// A file that a statement may have written, beside the tables.
    fn exported(&self) -> PathBuf {
        self.server.data().join(NAME).join("rows")
    }

    fn lay_out_tables(&self) {
        // The server does not drop a folder that contains another file than its own.
        drop(std::fs::remove_file(self.exported()));
        self.server.ask(&format!(
            "DROP DATABASE IF EXISTS {NAME}; CREATE DATABASE {NAME}; USE {NAME}; {TABLES}; {FORGET}"
        ));
    }

    /// What the database holds, and the texts that arrived since the last time.
    fn seen(&self) -> (String, Vec<String>) {
        let answer = self.server.ask(&format!(
            "SELECT table_name, table_type, create_options FROM information_schema.tables \
             WHERE table_schema = '{NAME}' ORDER BY 1; \
             SELECT routine_name FROM information_schema.routines WHERE routine_schema = '{NAME}'; \
             CHECKSUM TABLE {NAME}.t, {NAME}.n; SELECT '{TEXTS}'; \
             SELECT HEX(argument) FROM mysql.general_log WHERE command_type = 'Query' \
             AND user_host LIKE '{NAME}[%'; {FORGET}"
        ));
        let (state, texts) = answer.split_once(TEXTS).expect("it is selected");
        (state.to_owned(), texts.lines().skip(1).map(unhex).collect())
    }

    fn settle(&mut self, line: &Line) -> Outcome {
        let mark = self.place.folder().join("ran");
        drop(std::fs::remove_dir(&mark));
        let names =
            [("@RAN@", place::text(&mark)), ("@Q@", "'".to_owned()), ("\\n", "\n".to_owned())];
        let mut line = line.with(&names);
        let account = [format!("-u{NAME}"), format!("-S{}", place::text(&self.server.socket()))];
        // Only the first words say which defaults are read.
        let at = 1 + line.argv[1..].iter().take_while(|word| is_about_defaults(word)).count();
        line.argv.splice(at..at, account);
        line = line.env(PAGER.0, PAGER.1);
        let of = |name: &str| {
            let found = line.env.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (script, config) = (of("SCRIPT"), of("CONFIG"));
        let mut files: Vec<(&str, String)> =
            FILES.iter().map(|(name, content)| (*name, (*content).to_owned())).collect();
        files.push(("script.sql", script.clone()));
        self.place.lay_out(&files);
        self.place.feeds(&script);
        let own = self.place.home().join(".my.cnf");
        drop(std::fs::remove_file(&own));
        let own_path = place::text(&own);
        if !config.is_empty() {
            std::fs::write(&own, &config).expect("writable");
            files.push((&own_path, config));
        }
        let judged = self.place.judge(&line, &files);
        let before = self.place.files();
        let ran = self.place.run(&line);
        let wrote = before != self.place.files();
        let (state, arrived) = self.seen();
        let changed = state != self.fresh || self.exported().exists();
        if changed {
            self.lay_out_tables();
        }
        let alone = |text: &String| {
            let line = Line::made(["mariadb", &*format!("--init-command={text}"), "-e", ""]);
            (text.clone(), self.place.judge(&line, &[]))
        };
        let sent: Vec<(String, Judged)> = arrived.iter().map(alone).collect();
        compare(&judged, &ran, &sent, changed, wrote, mark.is_dir())
    }
}

fn is_about_defaults(word: &str) -> bool {
    ["--no-defaults", "--print-defaults", "--defaults"].iter().any(|start| word.starts_with(start))
}

fn unhex(digits: &str) -> String {
    let bytes: Vec<u8> = digits
        .as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    // No word of a call holds a NUL.
    String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}")
}

fn compare(
    judged: &Judged,
    ran: &Ran,
    sent: &[(String, Judged)],
    changed: bool,
    wrote: bool,
    program: bool,
) -> Outcome {
    if sent.is_empty() && ran.code() != Some(0) && !wrote && !program {
        let said = ran.err().lines().next().unwrap_or_default().to_owned();
        let read = judged.opaque().is_none().then(|| judged.story());
        return Outcome::Refused { read, said };
    }
    let effect = judged.actions.iter().find_map(|action| action.opaque("effect"));
    if let Some(reason) = judged.opaque().or(effect) {
        return Outcome::Opaque(reason.to_owned());
    }
    let milder = |why: String| Outcome::Milder(format!("{why}: {}", judged.story()));
    let is = |name: &str, words: &[&str]| {
        let of = |action: &Action| action.text(name).is_some_and(|word| words.contains(&word));
        judged.actions.iter().any(of)
    };
    if program && !is("class", &["program"]) {
        return milder("a program ran".to_owned());
    }
    if wrote && !is("class", &["file_write", "program"]) {
        return milder("a file was written".to_owned());
    }
    let elsewhere = is("class", &["script"]);
    if changed && !elsewhere && !is("effect", &["write", "ddl", "admin"]) {
        return milder("the database changed".to_owned());
    }
    let mut left = judged.actions.iter().filter(|action| is_statement(action));
    let own = |text: &str| OWN.iter().any(|start| text.starts_with(start));
    for (text, alone) in sent.iter().filter(|(text, _)| !own(text)) {
        for action in alone.actions.iter().filter(|action| is_statement(action)) {
            let found = left.clone().position(|next| same(next, action));
            match found {
                Some(0) => drop(left.next()),
                Some(_) => {
                    let story = judged.story();
                    return Outcome::Differs(format!("`{text}` arrived before its turn: {story}"));
                }
                None if elsewhere => {}
                None => return milder(format!("`{text}` arrived")),
            }
        }
    }
    match left.next().filter(|_| ran.code() == Some(0) && !elsewhere) {
        Some(first) => Outcome::Differs(format!("this did not arrive: {first:?}")),
        None => Outcome::Agreed,
    }
}

fn is_statement(action: &Action) -> bool {
    action.text("domain") == Some("sql") && action.text("kind") != Some("empty")
}

/// Whether two actions say the same. The client leaves out comments, and puts several `-e` together with blanks.
fn same(one: &Action, other: &Action) -> bool {
    let words = |action: &Action| {
        let text = action.text("text").unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let commented = |word: &String| ["--", "#", "/*"].iter().any(|mark| word.contains(mark));
    let (ours, theirs) = (words(one), words(other));
    one.without(&["text"]) == other.without(&["text"])
        && (ours == theirs || ours.iter().any(commented))
}
