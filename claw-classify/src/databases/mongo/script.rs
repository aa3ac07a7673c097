//! The JavaScript that can be read: a chain of calls on the database with literal arguments, and
//! the shell's own `show` and `use`.
//!
//! Input: a text. Output: one action for each statement. A statement has one of the few shapes
//! below or is opaque. A variable, a function, an operator, a template, an escape in a string and a
//! method that is not listed all make it opaque.
//!
//! Source: the reference of mongosh 2's methods and of MongoDB 7's database commands.

use claw_policy::Action;

use crate::call::excerpt;
use crate::databases::client::{DOMAIN, fact};
use crate::grammar::subcommands::Commands;

/// How deep literals may nest.
const DEPTH: usize = 64;

/// What methods and commands do, each behind a word that says whose it is: `collection`, `database`, or `command` for
/// what `runCommand` and `adminCommand` are given.
const METHODS: Commands = Commands(include_str!("methods.tsv"));

/// Methods of a cursor that change only what it shows and in which order.
const OF_CURSOR: &[&str] = &[
    "allowDiskUse",
    "batchSize",
    "collation",
    "comment",
    "count",
    "explain",
    "hasNext",
    "hint",
    "itcount",
    "limit",
    "maxTimeMS",
    "next",
    "pretty",
    "projection",
    "readPref",
    "size",
    "skip",
    "sort",
    "toArray",
];

/// Functions that give a value for literal arguments.
const VALUES: &[&str] = &[
    "BinData",
    "Date",
    "Decimal128",
    "Double",
    "ISODate",
    "Int32",
    "Long",
    "MaxKey",
    "MinKey",
    "NumberDecimal",
    "NumberInt",
    "NumberLong",
    "ObjectId",
    "Timestamp",
    "UUID",
];

/// The words that `show` takes.
const SHOWN: &[&str] = &["collections", "databases", "dbs", "log", "logs", "profile", "tables"];

/// What `name` does, which is a method or command of `of`.
fn class(of: &str, name: &str) -> Option<&'static str> {
    METHODS.row(&format!("{of} {name}")).map(|row| row.effect)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Number,
    Text(&'a str),
    Sign(char),
    /// The end of a line or a semicolon.
    End,
}

/// The statements of a text, or one opaque action.
pub(super) fn actions(code: &str) -> Vec<Action> {
    let tokens = match tokens(code) {
        Ok(tokens) => tokens,
        Err(reason) => return vec![opaque(code, reason)],
    };
    let mut reader = Reader { tokens: &tokens, at: 0, class: "inform" };
    let mut actions = Vec::new();
    loop {
        while reader.take(Token::End) {}
        if reader.at == tokens.len() {
            break;
        }
        match reader.statement() {
            Ok((name, class)) => actions.push(fact(name, class, code)),
            // Nobody knows where the next statement would begin either.
            Err(reason) => {
                actions.push(opaque(code, reason));
                return actions;
            }
        }
        if reader.at < tokens.len() && reader.peek() != Some(Token::End) {
            actions.push(opaque(code, "what follows the call is not read"));
            return actions;
        }
    }
    if actions.is_empty() { vec![fact("eval", "inform", "nothing to evaluate")] } else { actions }
}

fn opaque(code: &str, reason: &str) -> Action {
    Action::opaque(&DOMAIN, excerpt(code), reason)
}

/// Lines end statements only outside brackets.
fn tokens(code: &str) -> Result<Vec<Token<'_>>, &'static str> {
    let mut tokens = Vec::new();
    let mut open = 0_usize;
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let name = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '$';
        let (token, length) = match first {
            '\n' | ';' if open == 0 => (Token::End, 1),
            ' ' | '\t' | '\r' | '\n' => {
                rest = &rest[1..];
                continue;
            }
            '\'' | '"' => {
                let inner = &rest[1..];
                let end = inner.find(first).ok_or("a string has no end")?;
                if inner[..end].contains(['\\', '\n', '\r', '\u{2028}', '\u{2029}']) {
                    return Err("a string holds an escape or a line");
                }
                (Token::Text(&inner[..end]), end + 2)
            }
            '0'..='9' => {
                let length = rest.find(|char| !name(char) && char != '.').unwrap_or(rest.len());
                (Token::Number, length)
            }
            char if name(char) => {
                let length = rest.find(|char| !name(char)).unwrap_or(rest.len());
                (Token::Name(&rest[..length]), length)
            }
            '(' | '[' | '{' => {
                open += 1;
                (Token::Sign(first), 1)
            }
            ')' | ']' | '}' => {
                open = open.checked_sub(1).ok_or("a bracket closes nothing")?;
                (Token::Sign(first), 1)
            }
            '.' | ',' | ':' | '-' => (Token::Sign(first), 1),
            _ => return Err("it is more than calls with literal arguments"),
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    Ok(tokens)
}

/// A place in the tokens of a text.
struct Reader<'a, 'b> {
    tokens: &'b [Token<'a>],
    at: usize,
    /// The strongest class that a literal of this statement asks for.
    class: &'static str,
}

type Read<T> = Result<T, &'static str>;

const UNREAD: &str = "it is no call of the database with literal arguments";

impl<'a> Reader<'a, '_> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn take(&mut self, token: Token<'_>) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: char) -> Read<()> {
        if self.take(Token::Sign(sign)) { Ok(()) } else { Err(UNREAD) }
    }

    fn name(&mut self) -> Read<&'a str> {
        match self.peek() {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(UNREAD),
        }
    }

    fn statement(&mut self) -> Read<(&'a str, &'static str)> {
        self.class = "inform";
        match self.name()? {
            "show" if SHOWN.contains(&self.name()?) => Ok(("show", "catalog")),
            "use" => self.name().map(|_| ("use", "variable")),
            "exit" | "quit" if matches!(self.peek(), None | Some(Token::End)) => {
                Ok(("quit", "inform"))
            }
            "db" => self.database(),
            "rs" => {
                self.sign('.')?;
                match self.name()? {
                    name @ ("conf" | "config" | "status") => {
                        self.literals(0)?;
                        Ok((name, "read"))
                    }
                    _ => Err("the method of `rs` is not read"),
                }
            }
            "print" | "printjson" => {
                self.sign('(')?;
                self.shown()
            }
            "JSON" | "EJSON" => {
                self.sign('.')?;
                if self.name()? != "stringify" {
                    return Err(UNREAD);
                }
                self.sign('(')?;
                self.shown()
            }
            _ => Err(UNREAD),
        }
    }

    /// The argument of a function that shows it.
    fn shown(&mut self) -> Read<(&'a str, &'static str)> {
        let inner = match self.peek() {
            Some(Token::Name("db" | "JSON" | "EJSON")) => self.inner()?,
            _ => {
                self.literal(0)?;
                ("print", "inform")
            }
        };
        while self.take(Token::Sign(',')) {
            self.literal(0)?;
        }
        self.sign(')')?;
        Ok(inner)
    }

    /// Reads a statement; or `JSON.stringify` inside `print`, and no deeper.
    fn inner(&mut self) -> Read<(&'a str, &'static str)> {
        match self.name()? {
            "db" => self.database(),
            "JSON" | "EJSON" => {
                self.sign('.')?;
                let stringify = self.name()? == "stringify";
                self.sign('(')?;
                if !stringify || !self.take(Token::Name("db")) {
                    return Err(UNREAD);
                }
                let found = self.database()?;
                while self.take(Token::Sign(',')) {
                    self.literal(0)?;
                }
                self.sign(')')?;
                Ok(found)
            }
            _ => Err(UNREAD),
        }
    }

    /// Reads what follows `db`.
    fn database(&mut self) -> Read<(&'a str, &'static str)> {
        let mut names = 0;
        let mut only_explains = false;
        loop {
            if self.take(Token::Sign('[')) {
                let Some(Token::Text(_)) = self.peek() else { return Err(UNREAD) };
                self.at += 1;
                self.sign(']')?;
                names += 1;
                continue;
            }
            if !self.take(Token::Sign('.')) {
                // `db` alone shows the database's name, and a collection alone shows its own.
                return Ok(("db", "catalog"));
            }
            let name = self.name()?;
            if self.peek() != Some(Token::Sign('(')) {
                names += 1;
                continue;
            }
            match name {
                "getSiblingDB" if names == 0 => {
                    self.literals(0)?;
                    continue;
                }
                "getCollection" => {
                    self.literals(0)?;
                    names += 1;
                    continue;
                }
                "explain" if names > 0 => {
                    self.literals(0)?;
                    only_explains = true;
                    continue;
                }
                "runCommand" | "adminCommand" if names == 0 => {
                    let class = self.command()?;
                    return Ok((name, self.stronger(class)));
                }
                _ => {}
            }
            let table = if names == 0 { "database" } else { "collection" };
            let class = class(table, name).ok_or("the method is not known")?;
            if only_explains && class != "read" {
                return Err("a plan of something that changes is not read");
            }
            self.literals(0)?;
            let class = self.stronger(class);
            while self.take(Token::Sign('.')) {
                let of_cursor = self.name()?;
                // `length` is a property, not a call.
                if of_cursor == "length" {
                    continue;
                }
                if class != "read" || !OF_CURSOR.contains(&of_cursor) {
                    return Err("the method of the result is not known");
                }
                self.literals(0)?;
            }
            return Ok((name, self.stronger(class)));
        }
    }

    /// `class`, or the class that a literal asks for if that is stronger.
    fn stronger(&self, class: &'static str) -> &'static str {
        if class == "read" && self.class != "inform" { self.class } else { class }
    }

    /// The argument of `runCommand`: its first key is the command.
    fn command(&mut self) -> Read<&'static str> {
        let start = self.at;
        self.literals(0)?;
        let name = match (self.tokens.get(start + 1), self.tokens.get(start + 2)) {
            (Some(Token::Text(name)), Some(Token::Sign(')'))) => name,
            (Some(Token::Sign('{')), Some(Token::Name(name) | Token::Text(name))) => name,
            _ => return Err(UNREAD),
        };
        class("command", name).ok_or("the command is not known")
    }

    /// Arguments in round brackets.
    fn literals(&mut self, depth: usize) -> Read<()> {
        self.sign('(')?;
        self.list(')', depth)
    }

    fn list(&mut self, end: char, depth: usize) -> Read<()> {
        while !self.take(Token::Sign(end)) {
            self.literal(depth + 1)?;
            if !self.take(Token::Sign(',')) {
                return self.sign(end);
            }
        }
        Ok(())
    }

    fn literal(&mut self, depth: usize) -> Read<()> {
        if depth > DEPTH {
            return Err("it nests too deeply");
        }
        let token = self.peek().ok_or(UNREAD)?;
        self.at += 1;
        match token {
            Token::Text(_) | Token::Number => Ok(()),
            Token::Sign('-') if self.take(Token::Number) => Ok(()),
            Token::Name("true" | "false" | "null" | "undefined") => Ok(()),
            Token::Name("new") => match self.name()? {
                name if VALUES.contains(&name) => self.literals(depth + 1),
                _ => Err(UNREAD),
            },
            Token::Name(name) if VALUES.contains(&name) => self.literals(depth + 1),
            Token::Sign('[') => self.list(']', depth),
            Token::Sign('{') => self.object(depth),
            _ => Err(UNREAD),
        }
    }

    fn object(&mut self, depth: usize) -> Read<()> {
        while !self.take(Token::Sign('}')) {
            let key = match self.peek() {
                Some(Token::Name(key) | Token::Text(key)) => key,
                Some(Token::Number) => "0",
                _ => return Err(UNREAD),
            };
            self.at += 1;
            self.sign(':')?;
            match key {
                "$merge" | "$out" if self.class != "script" => self.class = "write",
                "$accumulator" | "$function" | "$where" => self.class = "script",
                _ => {}
            }
            self.literal(depth + 1)?;
            if !self.take(Token::Sign(',')) {
                return self.sign('}');
            }
        }
        Ok(())
    }
}
