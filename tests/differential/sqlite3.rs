//! sqlite3, on a throwaway database beside other files.
//!
//! What a call did is seen in the database's bytes, in the files beside it and in whether the program that it names,
//! `mkdir @RAN@`, ran. A line's variable SCRIPT is what it has on standard input and in the file `script.sql`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use claw_tests::call::Ran;

use crate::account::{self, Outcome};
use crate::claw::Judged;
use crate::line::{self, Dice, Line, bounded};
use crate::place::{self, Place};

const SET_UP: &str = "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); CREATE INDEX i ON t (b); \
     INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three');";

/// The files next to the database.
const FILES: &[(&str, &str)] =
    &[("rows.csv", "7,seven\n8,eight\n"), ("other.sql", "DELETE FROM t;\n")];

/// Arguments of dot-commands.
const ARGUMENTS: &[&str] = &[
    "",
    "mkdir @RAN@",
    "|mkdir @RAN@",
    "'|mkdir @RAN@'",
    "\"|mkdir @RAN@\"",
    "out.txt",
    "-x",
    "on",
    "off",
    "stdout",
    "t",
    "main",
    "rows.csv t",
    "other.sql",
    "'other.sql'",
    "set @x 1",
    "-c new.db",
];

/// Pieces of scripts.
const PIECES: &[&str] = &[
    "SELECT * FROM t;",
    "SELECT count(*) FROM t;",
    "SELECT a, b FROM t WHERE b = 'one;';",
    "UPDATE t SET b = 'x' WHERE a = 1;",
    ".headers on",
    ".print a",
    "SELECT\n",
    "SELECT ';",
    "';",
    "DELETE FROM t;",
    "INSERT INTO t VALUES (9, 'x');",
    ".shell mkdir @RAN@",
    " .shell mkdir @RAN@",
    ".system mkdir @RAN@",
    ".output out.txt",
    ".mode csv",
    "-- a comment",
    "/* a comment",
    "*/",
    "[a",
    "\"a",
    ";",
    ".read other.sql",
    "EXPLAIN DELETE FROM t;",
    "WITH x AS (SELECT 1) DELETE FROM t;",
    "#.shell mkdir @RAN@",
    "go",
    "/",
    "\\",
];

/// Files by their names, and what is in them.
type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug)]
struct Databases {
    place: Place,
    database: Vec<u8>,
}

#[test]
fn sqlite3_is_read_as_it_reads_itself() {
    let mut lines = line::read(include_str!("lines/sqlite3.txt"));
    lines.extend(commands());
    lines.extend(options());
    lines.extend(scripts());
    let version = place::version("sqlite3", &["--version"]);
    account::settle("sqlite3", &version, &lines, Databases::new, Databases::settle);
}

/// The lines that `sqlite3 WORDS` writes, on either stream.
fn says(words: &[&str]) -> Vec<String> {
    let output = Command::new("sqlite3").args(words).output().expect("sqlite3 starts");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).expect("ASCII").lines().map(str::to_owned).collect()
}

/// Dot-commands from the shell's own list, whole or abbreviated, with arguments of every sort.
fn commands() -> Vec<Line> {
    let mut dice = Dice::new(0x5e1);
    let listed = says(&[":memory:", ".help"]);
    let names: Vec<&str> = listed
        .iter()
        .filter_map(|line| line.strip_prefix('.')?.split_whitespace().next())
        .collect();
    assert!(names.len() > 50, "{names:?}");
    let made = (0..bounded(150, 4000)).map(|_| {
        let name = *dice.one(&names);
        let end = name.len() - dice.below(3).min(name.len() - 1) * dice.below(2);
        let command = format!(".{} {}", &name[..end], dice.one(ARGUMENTS));
        Line::made(["sqlite3", "app.db", command.trim_end(), "SELECT 1"])
    });
    made.collect()
}

/// Options from the shell's own list, before a database and a statement that writes: a reader that takes one
/// word too many or too few as values reads another call.
fn options() -> Vec<Line> {
    let mut dice = Dice::new(0x0b7);
    let listed = says(&["-help"]);
    let options: Vec<Vec<&str>> = listed
        .iter()
        .filter_map(|line| line.strip_prefix("   -"))
        .map(|line| line.split("  ").next().unwrap_or_default().split_whitespace().collect())
        .collect();
    assert!(options.len() > 30, "{options:?}");
    let made = (0..bounded(100, 2000)).map(|_| {
        let mut argv = vec!["sqlite3".to_owned()];
        for _ in 0..=dice.below(2) {
            let option = dice.one(&options);
            let dashes = *dice.one(&["-", "--"]);
            argv.push(format!("{dashes}{}", option[0].replace("[no]", "no")));
            let values = (option.len() - 1) + dice.below(6) / 5;
            argv.extend((0..values).map(|_| "1".to_owned()));
        }
        let at = argv.len() - dice.below(2) * dice.below(argv.len());
        argv.insert(at.max(1), "app.db".to_owned());
        argv.push("DELETE FROM t".to_owned());
        Line::made(argv)
    });
    made.collect()
}

/// Scripts put together from pieces, on standard input or as a file.
fn scripts() -> Vec<Line> {
    let mut dice = Dice::new(0x5c1);
    let made = (0..bounded(150, 4000)).map(|_| {
        let lines: Vec<&str> = (0..1 + dice.below(5)).map(|_| *dice.one(PIECES)).collect();
        let ways: &[&[&str]] = &[
            &["sqlite3", "app.db"],
            &["sqlite3", "app.db", ".read script.sql"],
            &["sqlite3", "-init", "script.sql", "app.db", "SELECT 1"],
        ];
        Line::made(dice.one(ways).iter().copied()).env("SCRIPT", &lines.join("\n"))
    });
    made.collect()
}

impl Databases {
    fn new() -> Self {
        let place = Place::new();
        let path = place.folder().join("template.db");
        let made = Command::new("sqlite3").arg(&path).arg(SET_UP).status();
        assert!(made.expect("sqlite3 starts").success());
        Self { database: std::fs::read(path).expect("there"), place }
    }

    fn settle(&mut self, line: &Line) -> Outcome {
        let mark = self.place.folder().join("ran");
        drop(std::fs::remove_file(&mark));
        drop(std::fs::remove_dir(&mark));
        let line = &line.with(&[("@RAN@", place::text(&mark)), ("\\n", "\n".to_owned())]);
        let script = line.env.iter().find(|(name, _)| name == "SCRIPT");
        let script = script.map(|(_, script)| script.clone()).unwrap_or_default();
        let mut files: Vec<(&str, String)> =
            FILES.iter().map(|(name, content)| (*name, (*content).to_owned())).collect();
        files.push(("script.sql", script.clone()));
        self.place.lay_out(&files);
        std::fs::write(self.place.work().join("app.db"), &self.database).expect("writable");
        self.place.feeds(&script);
        let judged = self.place.judge(line, &files);
        let before = self.place.files();
        let ran = self.place.run(line);
        compare(line, &judged, &ran, (&before, &self.place.files()), mark.is_dir())
    }
}

fn compare(
    line: &Line,
    judged: &Judged,
    ran: &Ran,
    (before, after): (&Files, &Files),
    program: bool,
) -> Outcome {
    let is = |name: &str, words: &[&str]| {
        let of = |word: Option<&str>| word.is_some_and(|word| words.contains(&word));
        judged.actions.iter().any(|action| of(action.text(name)))
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed: Vec<&String> =
        names.into_iter().filter(|name| before.get(*name) != after.get(*name)).collect();
    if ran.code() != Some(0) && changed.is_empty() && !program {
        let said = ran.err().lines().next().unwrap_or_default().to_owned();
        let read = judged.opaque().is_none().then(|| judged.story());
        return Outcome::Refused { read, said };
    }
    if let Some(reason) = judged.opaque() {
        return Outcome::Opaque(reason.to_owned());
    }
    let milder = |why: String| Outcome::Milder(format!("{why}: {}", judged.story()));
    let runs = is("class", &["program"]);
    if program && !runs {
        return milder("a program ran".to_owned());
    }
    for name in changed {
        // A word of the line may be its database.
        let (effects, classes): (&[&str], &[&str]) = if line.argv.contains(name) {
            (&["write", "ddl", "admin"], &["admin", "file_write"])
        } else {
            (&["ddl", "admin"], &["admin", "connect", "file_write"])
        };
        if !runs && !is("effect", effects) && !is("class", classes) {
            return milder(format!("`{name}` changed"));
        }
    }
    Outcome::Agreed
}
