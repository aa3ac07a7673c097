//! redis-cli, against a server that records the commands it is sent and answers each with `OK`.
//!
//! Every command that arrived is judged by itself, and must be among those that claw read of the line. A line's variable
//! SCRIPT is what it has on standard input; `@P@` is the server's port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::account::{self, Outcome};
use crate::claw::Judged;
use crate::line::{self, Dice, Line, bounded};
use crate::place::{self, Place};

/// Commands that a client sends to open a connection, by itself or for an option.
const OPENING: &[&str] = &["AUTH", "CLIENT", "COMMAND", "HELLO", "PING", "SELECT"];

/// Pieces of standard input.
const PIECES: &[&str] = &[
    "GET x",
    "SET x 1",
    "FLUSHALL",
    "\"FLUSHALL\"",
    "'DEL' x",
    "CONFIG SET dir /tmp",
    "config  get  dir",
    "3 INCR x",
    "1 2 GET x",
    "  DEL x",
    "\tDEL x",
    "GET \"a b\" 'c'",
    "GET \"a",
    "\"\\x46LUSHALL\"",
    "CLIENT KILL x",
    "help",
    "clear",
    "",
];

#[derive(Debug)]
struct Redis {
    place: Place,
    port: u16,
    seen: Arc<Mutex<Vec<Vec<String>>>>,
}

#[test]
fn redis_cli_is_read_as_it_reads_itself() {
    let mut lines = line::read(include_str!("lines/redis.txt"));
    lines.extend(options());
    lines.extend(scripts());
    let version = place::version("redis-cli", &["--version"]);
    account::settle("redis-cli", &version, &lines, Redis::new, Redis::settle);
}

/// Options from the client's own list before a command: a reader that takes one word too many or too few as
/// values reads another command. Options that run until they are stopped are left out.
fn options() -> Vec<Line> {
    let mut dice = Dice::new(0x4ed);
    let output = Command::new("redis-cli").arg("--help").output().expect("redis-cli starts");
    let text = String::from_utf8(output.stdout).expect("ASCII");
    let endless = [
        "-h",
        "-p",
        "-s",
        "-u",
        "-i",
        "-r",
        "--stat",
        "--latency",
        "--latency-history",
        "--latency-dist",
    ];
    let slow =
        ["--lru-test", "--intrinsic-latency", "--pipe", "--tls", "--replica", "--askpass", "--ldb"];
    let options: Vec<(&str, bool)> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().filter(|name| name.starts_with('-'))?;
            Some((name, words.next().is_some_and(|word| word.starts_with('<'))))
        })
        .filter(|(name, _)| !endless.contains(name) && !slow.contains(name))
        .collect();
    assert!(options.len() > 25, "{options:?}");
    let made = (0..bounded(100, 2000)).map(|_| {
        let mut argv = ["redis-cli", "-p", "@P@"].map(str::to_owned).to_vec();
        for _ in 0..=dice.below(2) {
            let (name, takes) = *dice.one(&options);
            argv.push(name.to_owned());
            if takes != (dice.below(5) == 0) {
                argv.push("1".to_owned());
            }
        }
        argv.extend(["FLUSHALL", "GET", "x"].map(str::to_owned));
        Line::made(argv)
    });
    made.collect()
}

/// Standard input put together from pieces.
fn scripts() -> Vec<Line> {
    let mut dice = Dice::new(0x4e0);
    let made = (0..bounded(100, 2000)).map(|_| {
        let lines: Vec<&str> = (0..1 + dice.below(4)).map(|_| *dice.one(PIECES)).collect();
        Line::made(["redis-cli", "-p", "@P@"]).env("SCRIPT", &lines.join("\n"))
    });
    made.collect()
}

impl Redis {
    fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let seen: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let recorded = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let recorded = Arc::clone(&recorded);
                // If a client goes away early, what it sent still counts.
                thread::spawn(move || serve(stream, &recorded));
            }
        });
        Self { place: Place::new(), port, seen }
    }

    fn settle(&mut self, line: &Line) -> Outcome {
        let line = &line.with(&[("@P@", self.port.to_string()), ("\\n", "\n".to_owned())]);
        let script = line.env.iter().find(|(name, _)| name == "SCRIPT");
        let script = script.map(|(_, script)| script.clone()).unwrap_or_default();
        self.place.lay_out(&[]);
        self.place.feeds(&script);
        let judged = self.place.judge(line, &[]);
        self.seen.lock().expect("nobody panics in it").clear();
        let ran = self.place.run(line);
        let mut sent = std::mem::take(&mut *self.seen.lock().expect("nobody panics in it"));
        sent.retain(|words| {
            !OPENING.contains(&&*words[0].to_ascii_uppercase()) || judged.opens(words)
        });
        if sent.is_empty() && ran.code() != Some(0) {
            let said = ran.err().lines().next().unwrap_or_default().to_owned();
            let read = judged.opaque().is_none().then(|| judged.story());
            return Outcome::Refused { read, said };
        }
        if let Some(reason) = judged.opaque() {
            return Outcome::Opaque(reason.to_owned());
        }
        for words in &sent {
            let alone = std::iter::once("redis-cli".to_owned()).chain(words.iter().cloned());
            let alone = self.place.judge(&Line::made(alone), &[]);
            if !judged.covers(&alone) {
                let (sent, read) = (alone.story(), judged.story());
                return Outcome::Milder(format!("{words:?} was sent, {sent}: {read}"));
            }
        }
        Outcome::Agreed
    }
}

impl Judged {
    /// Whether the line itself has this command, which clients also send by themselves.
    fn opens(&self, words: &[String]) -> bool {
        let name = words[0].to_ascii_uppercase();
        self.actions.iter().any(|action| {
            action.text("name").is_some_and(|read| read.split(' ').next() == Some(&*name))
        })
    }

    /// Whether what was sent is among what was read, or is what a mode of the client sends for itself.
    fn covers(&self, sent: &Self) -> bool {
        let word = |judged: &Self, name: &str| -> Option<String> {
            judged.actions.first().and_then(|action| action.text(name)).map(str::to_owned)
        };
        let (name, class) = (word(sent, "name"), word(sent, "class"));
        self.actions.iter().any(|action| {
            let is_mode =
                action.text("name").is_some_and(|name| name.starts_with(char::is_lowercase));
            let looks = matches!(class.as_deref(), Some("read" | "inform"));
            let read = (action.text("name"), action.text("class"));
            let strong = matches!(read.1, Some("admin" | "script" | "export" | "write"));
            read == (name.as_deref(), class.as_deref()) || is_mode && (looks || strong)
        })
    }
}

/// Reads commands in Redis' protocol, arrays of strings, and answers each.
fn serve(stream: TcpStream, seen: &Mutex<Vec<Vec<String>>>) -> Option<()> {
    let mut answers = stream.try_clone().ok()?;
    let mut input = BufReader::new(stream);
    loop {
        let mut words = Vec::new();
        for _ in 0..number(&mut input, '*')? {
            let mut bytes = vec![0; number(&mut input, '$')? + 2];
            input.read_exact(&mut bytes).ok()?;
            bytes.truncate(bytes.len() - 2);
            words.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        if !words.is_empty() {
            seen.lock().ok()?.push(words);
        }
        answers.write_all(b"+OK\r\n").ok()?;
    }
}

/// The number behind `mark` on a line of its own.
fn number(input: &mut impl BufRead, mark: char) -> Option<usize> {
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    line.trim_end().strip_prefix(mark)?.parse().ok()
}
