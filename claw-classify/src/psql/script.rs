//! A script, cut as psql cuts it: texts that it sends, and backslash commands.
//!
//! Input: the whole content of a file or of standard input that is no terminal; output: its pieces.
//! Source: `src/fe_utils/psqlscan.l`, `src/bin/psql/psqlscanslash.l` and `MainLoop` in
//! `src/bin/psql/mainloop.c`, releases 15 to 18.
//!
//! Where releases differ, or where what follows depends on something outside the text, the rest of
//! the script is one unread piece: variables (`:name`), string literals continued on another line,
//! letters glued to numbers, bodies of `BEGIN ATOMIC`, and a backslash command in the middle of a
//! statement or with a backslash in its arguments.

use super::meta::{self, Meta};

/// A part of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A text that is sent: where it starts in the script, and what it is. Of the same length as in the
    /// script, with `\;` written ` ;`.
    Sent { from: usize, text: String },
    /// A backslash command.
    Command(Meta<'a>),
    /// The rest of the script, and why it is not read.
    Unread(&'static str),
}

/// Cuts a script, in which no variable has a name that begins with a digit. At most one
/// [`Piece::Unread`], at the end.
pub(super) fn cut(script: &str) -> Vec<Piece<'_>> {
    let mut cutter = Cutter {
        script,
        at: 0,
        start: 0,
        depth: 0,
        routine: Routine::default(),
        escapes: Vec::new(),
        pieces: Vec::new(),
    };
    // psql takes a byte order mark off the first line.
    if script.starts_with('\u{feff}') {
        cutter.at = '\u{feff}'.len_utf8();
        cutter.start = cutter.at;
    }
    if let Err(reason) = cutter.run() {
        cutter.pieces.push(Piece::Unread(reason));
    }
    cutter.pieces
}

/// Whether a statement is a CREATE FUNCTION or PROCEDURE, in whose body psql counts BEGIN and END.
#[derive(Debug, Default)]
struct Routine {
    words: usize,
    /// It began with CREATE.
    creates: bool,
    /// And one of the next words is FUNCTION or PROCEDURE.
    routine: bool,
}

struct Cutter<'a> {
    script: &'a str,
    at: usize,
    /// Where the statement being read starts.
    start: usize,
    /// Open parentheses.
    depth: usize,
    routine: Routine,
    /// Where the statement has a backslash that psql takes off, as in `\;`.
    escapes: Vec<usize>,
    pieces: Vec<Piece<'a>>,
}

fn is_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_ident(byte: u8) -> bool {
    is_ident_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

impl<'a> Cutter<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.script.as_bytes()
    }

    fn peek(&self, ahead: usize) -> u8 {
        // NUL ends a line for psql, and is refused before it gets here.
        self.bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn run(&mut self) -> Result<(), &'static str> {
        if self.script.contains('\0') {
            return Err("the script holds a NUL byte");
        }
        while self.at < self.script.len() {
            let byte = self.peek(0);
            match (byte, self.peek(1)) {
                (b'-', b'-') => self.skip_to(|byte| byte == b'\n' || byte == b'\r'),
                (b'/', b'*') => self.comment()?,
                (b'\'', _) => self.literal(false)?,
                (b'"', _) => self.quoted(b'"')?,
                (b'$', _) => self.dollar()?,
                (b':', b':' | b'=') => self.at += 2,
                // Digits are the end of an array's slice: no variable is called so (see `cut`).
                (b':', next) if is_ident_start(next) || b"'\"{".contains(&next) => {
                    return Err("a psql variable is used");
                }
                (b'(', _) => {
                    self.depth += 1;
                    self.at += 1;
                }
                (b')', _) => {
                    self.depth = self.depth.saturating_sub(1);
                    self.at += 1;
                }
                (b';', _) => {
                    self.at += 1;
                    if self.depth == 0 {
                        self.send();
                    }
                }
                (b'\\', b';' | b':') => {
                    self.escapes.push(self.at);
                    self.at += 2;
                }
                (b'\\', _) => self.command()?,
                (b'0'..=b'9', _) => self.number()?,
                (b'.', b'0'..=b'9') => self.number()?,
                _ if is_ident_start(byte) => self.word()?,
                _ => self.at += 1,
            }
        }
        // psql sends what is left at the end of a file.
        self.send();
        Ok(())
    }

    fn skip_to(&mut self, ends: impl Fn(u8) -> bool) {
        let rest = &self.bytes()[self.at..];
        self.at += rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len());
    }

    /// Sends the statement that ends here, if it has anything in it.
    fn send(&mut self) {
        let text = &self.script[self.start..self.at];
        if !text.trim_matches(|c: char| c.is_ascii_whitespace() || c == ';').is_empty() {
            let mut sent = text.to_owned();
            for at in &self.escapes {
                let at = at - self.start;
                sent.replace_range(at..=at, " ");
            }
            self.pieces.push(Piece::Sent { from: self.start, text: sent });
        }
        self.begin();
    }

    fn begin(&mut self) {
        self.start = self.at;
        self.depth = 0;
        self.routine = Routine::default();
        self.escapes.clear();
    }

    fn comment(&mut self) -> Result<(), &'static str> {
        let mut depth = 0_usize;
        while self.at < self.script.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        Err("a comment does not end")
    }

    /// A string literal that starts here with its quote.
    fn literal(&mut self, escapes: bool) -> Result<(), &'static str> {
        self.at += 1;
        while self.at < self.script.len() {
            match (self.peek(0), self.peek(1)) {
                (b'\'', b'\'') => self.at += 2,
                (b'\'', _) => {
                    self.at += 1;
                    return self.after_literal();
                }
                // A backslash and whatever it escapes; never half of a character.
                (b'\\', next) if escapes && next.is_ascii() => self.at += 2,
                _ => self.at += 1,
            }
        }
        Err("a string literal does not end")
    }

    /// The server takes a literal on for another line, psql does not in every release.
    fn after_literal(&self) -> Result<(), &'static str> {
        let mut rest = self.script[self.at..].trim_start();
        while let Some(comment) = rest.strip_prefix("--") {
            let end = comment.find(['\n', '\r']).unwrap_or(comment.len());
            rest = comment[end..].trim_start();
        }
        if rest.starts_with('\'') {
            return Err("a string literal goes on after white space");
        }
        Ok(())
    }

    fn quoted(&mut self, quote: u8) -> Result<(), &'static str> {
        self.at += 1;
        while self.at < self.script.len() {
            if self.peek(0) == quote {
                if self.peek(1) != quote {
                    self.at += 1;
                    return Ok(());
                }
                self.at += 1;
            }
            self.at += 1;
        }
        Err("a quoted name does not end")
    }

    fn dollar(&mut self) -> Result<(), &'static str> {
        let rest = &self.bytes()[self.at + 1..];
        let tag =
            rest.iter().position(|&byte| !is_ident(byte) || byte == b'$').unwrap_or(rest.len());
        let is_tag =
            rest.get(tag) == Some(&b'$') && rest.first().is_none_or(|byte| !byte.is_ascii_digit());
        if !is_tag {
            // A parameter, or a lone dollar sign.
            self.at += 1;
            if rest.first().is_some_and(u8::is_ascii_digit) {
                return self.number();
            }
            return Ok(());
        }
        let delimiter = &self.script[self.at..self.at + tag + 2];
        let body = self.at + delimiter.len();
        let end = self.script[body..].find(delimiter).ok_or("a dollar quote does not end")?;
        self.at = body + end + delimiter.len();
        Ok(())
    }

    /// Digits and what may stand in a number. Releases differ in what they make of letters behind one.
    fn number(&mut self) -> Result<(), &'static str> {
        let based = self.peek(0) == b'0' && b"xXoObB".contains(&self.peek(1));
        if based {
            self.at += 2;
            self.skip_to(|byte| !byte.is_ascii_hexdigit() && byte != b'_');
        } else {
            self.skip_to(|byte| !byte.is_ascii_digit() && byte != b'.' && byte != b'_');
            let sign = usize::from(b"+-".contains(&self.peek(1)));
            if b"eE".contains(&self.peek(0)) && self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.skip_to(|byte| !byte.is_ascii_digit() && byte != b'_');
            }
        }
        if self.at < self.script.len() && is_ident(self.peek(0)) {
            return Err("a letter follows a number without a space");
        }
        Ok(())
    }

    fn word(&mut self) -> Result<(), &'static str> {
        let (first, second, third) = (self.peek(0), self.peek(1), self.peek(2));
        match (first, second, third) {
            (b'e' | b'E', b'\'', _) => {
                self.at += 1;
                return self.literal(true);
            }
            (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', b'\'', _) => {
                self.at += 1;
                return self.literal(false);
            }
            (b'u' | b'U', b'&', b'\'') => {
                self.at += 2;
                return self.literal(false);
            }
            (b'u' | b'U', b'&', b'"') => {
                self.at += 2;
                return self.quoted(b'"');
            }
            _ => {}
        }
        let from = self.at;
        self.skip_to(|byte| !is_ident(byte));
        let word = &self.script[from..self.at];
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        let routine = &mut self.routine;
        if routine.words == 0 {
            routine.creates = is("create");
        }
        routine.words += 1;
        routine.routine |= routine.creates && (is("function") || is("procedure"));
        if routine.routine && is("begin") {
            return Err("a routine's body begins");
        }
        Ok(())
    }

    /// A backslash command takes the rest of its line.
    fn command(&mut self) -> Result<(), &'static str> {
        let text = &self.script[self.start..self.at];
        let buffered = !blank(text);
        let rest = &self.script[self.at + 1..];
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let command = meta::cut(line);
        if command.arguments.contains('\\') {
            return Err("a second backslash follows a backslash command");
        }
        if command.arguments.contains('\r') && !command.arguments.ends_with('\r') {
            return Err("a carriage return stands inside a backslash command");
        }
        let class = meta::class(command).unwrap_or("");
        let runs =
            ["g", "gx", "gdesc", "crosstabview", "gexec", "gset", "watch"].contains(&command.name);
        if buffered {
            if !runs {
                return Err("a backslash command stands inside a statement");
            }
            self.send();
        }
        self.at += 1 + line.len();
        self.begin();
        self.pieces.push(Piece::Command(command));
        match class {
            // What a file that is included does to what follows, its own reading shows.
            "inform" | "catalog" | "query" | "script" | "encoding" => Ok(()),
            "variable" if is_plain_variable(command) => Ok(()),
            _ => Err("what follows depends on the backslash command before it"),
        }
    }
}

/// Whether `\set` and `\unset` leave the reading of what follows alone: SINGLELINE makes lines
/// statements, and a name that begins with a digit looks like the end of an array's slice.
fn is_plain_variable(command: Meta<'_>) -> bool {
    let name = command.arguments.trim_start();
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !name.contains("SINGLELINE")
}

/// Whether there is nothing but white space and comments to the end of a line.
fn blank(text: &str) -> bool {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix("--") {
        let end = comment.find(['\n', '\r']).unwrap_or(comment.len());
        rest = comment[end..].trim_start();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str) -> Vec<String> {
        cut(script)
            .into_iter()
            .map(|piece| match piece {
                Piece::Sent { from, text } => {
                    assert_eq!(text.len(), script[from..from + text.len()].len());
                    text.trim().to_owned()
                }
                Piece::Command(Meta { name, arguments }) => format!("\\{name}{arguments}"),
                Piece::Unread(_) => "?".to_owned(),
            })
            .collect()
    }

    #[test]
    fn scripts() {
        for (script, expected) in [
            ("SELECT 1;\nSELECT 2", vec!["SELECT 1;", "SELECT 2"]),
            ("", vec![]),
            (" ;; \n", vec![]),
            (
                "SELECT ';' || \"a;b\" || $x$;$x$ -- ;\n/* ; /* */ ; */;",
                vec!["SELECT ';' || \"a;b\" || $x$;$x$ -- ;\n/* ; /* */ ; */;"],
            ),
            ("SELECT E'\\';' ; SELECT 2", vec!["SELECT E'\\';' ;", "SELECT 2"]),
            ("SELECT '\\'; SELECT 2", vec!["SELECT '\\';", "SELECT 2"]),
            ("SELECT nameE'\\'; SELECT 2", vec!["SELECT nameE'\\';", "SELECT 2"]),
            (
                "CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2); SELECT 3",
                vec!["CREATE RULE r AS ON DELETE TO t DO (SELECT 1; SELECT 2);", "SELECT 3"],
            ),
            ("SELECT 1 AS a$b$; SELECT 2 AS c$b$;", vec!["SELECT 1 AS a$b$;", "SELECT 2 AS c$b$;"]),
            ("SELECT 1 \\; SELECT 2;", vec!["SELECT 1  ; SELECT 2;"]),
            ("SELECT a[1:2]", vec!["SELECT a[1:2]"]),
            ("\\set 2 x\nSELECT 1", vec!["\\set 2 x", "?"]),
            ("SELECT $1; SELECT $$;$$", vec!["SELECT $1;", "SELECT $$;$$"]),
            ("SELECT a::int, b[1::int]", vec!["SELECT a::int, b[1::int]"]),
            ("\\d t\nSELECT 1;", vec!["\\d t", "SELECT 1;"]),
            ("SELECT 1 \\g\nSELECT 2 \\gx\n", vec!["SELECT 1", "\\g", "SELECT 2", "\\gx"]),
            ("-- a\n\\d\n", vec!["\\d"]),
            ("SELECT 1 \\gexec\nSELECT 2;", vec!["SELECT 1", "\\gexec", "?"]),
            ("SELECT :x;", vec!["?"]),
            ("SELECT :'x';", vec!["?"]),
            ("SELECT 1; SELECT 2 \\x\n FROM t;", vec!["SELECT 1;", "?"]),
            ("\\echo a \\! id\n", vec!["?"]),
            ("\\i x\nSELECT 1;", vec!["\\i x", "SELECT 1;"]),
            ("\\if true\nDROP TABLE t;\n\\endif", vec!["\\if true", "?"]),
            ("SELECT 'a'\n'b'; SELECT 1", vec!["?"]),
            ("SELECT 1a; SELECT 2", vec!["?"]),
            ("SELECT 1e5, 0x1F, 1_000, .5", vec!["SELECT 1e5, 0x1F, 1_000, .5"]),
            ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; SELECT 2", vec!["?"]),
            ("SELECT 'open", vec!["?"]),
            ("\u{feff}SELECT 1", vec!["SELECT 1"]),
            ("SELECT 1\0; DROP TABLE t", vec!["?"]),
            ("\\set SINGLELINE on\nSELECT 1", vec!["\\set SINGLELINE on", "?"]),
            ("\\set x 1\nSELECT 1", vec!["\\set x 1", "SELECT 1"]),
        ] {
            assert_eq!(shown(script), expected, "{script}");
        }
    }
}
