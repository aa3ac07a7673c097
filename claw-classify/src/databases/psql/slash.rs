//! The words of a backslash command.
//!
//! Input: what follows a backslash on its line, and the variables. Output: the command's name, its arguments
//! with quotes taken off and variables put in, and where it ends.
//! Source: `src/bin/psql/psqlscanslash.l` and `command.c`, releases 15 to 18.

use super::lexer::quoted_literal;
use super::variables::{Form, Reference, Sight, Value, quoted_identifier};

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) text: String,
    /// Whether all of it is known: no program's output is in it, and no variable that is not known.
    pub(super) known: bool,
    /// Whether a variable was put in.
    pub(super) expanded: bool,
}

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) name: String,
    /// None for commands that take their line as it is.
    pub(super) arguments: Vec<Argument>,
    /// What stands behind the name, up to the end of the command.
    pub(super) raw: String,
    /// How long the command is.
    pub(super) length: usize,
}

/// Commands that take the rest of the line as it is.
fn takes_line(name: &str) -> bool {
    ["!", "h", "help", "ef", "ev", "sf", "sf+", "sv", "sv+"].contains(&name)
        || name.eq_ignore_ascii_case("copy")
}

/// Commands for which a bar takes the rest of the line.
fn takes_pipe(name: &str) -> bool {
    ["g", "gx", "o", "out", "w", "write"].contains(&name)
}

/// Where the name ends: at white space or the next backslash.
pub(super) fn name_end(line: &str) -> usize {
    line.find(['\\', ' ', '\t', '\n', '\r', '\x0b', '\x0c']).unwrap_or(line.len())
}

/// Reads a command. `sight` is nothing in a branch that does not run.
pub(super) fn read(line: &str, sight: Option<&Sight<'_>>) -> Command {
    let (name, rest) = line.split_at(name_end(line));
    if takes_line(name) {
        let (name, raw) = (name.to_owned(), rest.to_owned());
        return Command { name, arguments: Vec::new(), raw, length: line.len() };
    }
    let mut reader = Reader { rest, sight };
    let mut arguments = Vec::new();
    while let Some(argument) = reader.argument(takes_pipe(name)) {
        arguments.push(argument);
    }
    let length = line.len() - reader.rest.len();
    let raw = line[name.len()..length].to_owned();
    Command { name: name.to_owned(), arguments, raw, length }
}

impl Command {
    /// The arguments as one text: as they stand, or with variables put in. What is not known is a variable still.
    /// A bar that psql only finds behind quotes and escapes is one here too.
    pub(super) fn said(&self) -> String {
        let bar = |argument: &Argument| !argument.known || argument.text.starts_with('|');
        let pipes = takes_pipe(&self.name) && self.arguments.iter().any(bar);
        if !pipes && !self.arguments.iter().any(|argument| argument.expanded) {
            return self.raw.clone();
        }
        let words = self.arguments.iter().map(|argument| match argument.known {
            true => format!(" {}", argument.text),
            false => " :".to_owned(),
        });
        words.collect()
    }
}

struct Reader<'a, 'b> {
    rest: &'a str,
    sight: Option<&'b Sight<'b>>,
}

impl Reader<'_, '_> {
    /// The next argument. A quote that does not end takes everything, and there is no argument.
    fn argument(&mut self, pipes: bool) -> Option<Argument> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
        if pipes && self.rest.starts_with('|') {
            let text = std::mem::take(&mut self.rest).to_owned();
            return Some(Argument { text, known: true, expanded: false });
        }
        let mut argument = Argument { text: String::new(), known: true, expanded: false };
        let mut quoted = false;
        while let Some(next) = self.rest.chars().next() {
            match next {
                ' ' | '\t' | '\n' | '\r' | '\x0c' | '\\' => break,
                '\'' => {
                    quoted = true;
                    self.single(&mut argument)?;
                }
                '`' => {
                    quoted = true;
                    argument.known = false;
                    self.until('`')?;
                }
                '"' => {
                    quoted = true;
                    let inside = self.until('"')?;
                    argument.text.extend(["\"", &inside, "\""]);
                }
                ':' => quoted |= self.variable(&mut argument),
                other => {
                    argument.text.push(other);
                    self.rest = &self.rest[other.len_utf8()..];
                }
            }
        }
        (quoted || !argument.text.is_empty()).then_some(argument)
    }

    fn until(&mut self, quote: char) -> Option<String> {
        let rest = std::mem::take(&mut self.rest);
        let (inside, after) = rest[1..].split_once(quote)?;
        self.rest = after;
        Some(inside.to_owned())
    }

    /// Single quotes, with the escapes of C.
    fn single(&mut self, argument: &mut Argument) -> Option<()> {
        let text = &mut argument.text;
        let rest = std::mem::take(&mut self.rest);
        let mut chars = rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            match (c, chars.peek().map(|(_, next)| *next)) {
                ('\'', Some('\'')) => {
                    chars.next();
                    text.push('\'');
                }
                ('\'', _) => {
                    self.rest = &rest[at + 1..];
                    return Some(());
                }
                ('\\', Some(escaped)) => {
                    chars.next();
                    let (radix, most) = match escaped {
                        'x' => (16, 2),
                        '0'..='7' => (8, 3),
                        _ => (0, 0),
                    };
                    let mut digits: String =
                        if radix == 8 { escaped.to_string() } else { String::new() };
                    while radix > 0
                        && digits.len() < most
                        && let Some((_, digit)) = chars.next_if(|(_, c)| c.is_digit(radix))
                    {
                        digits.push(digit);
                    }
                    text.push(match (escaped, u32::from_str_radix(&digits, radix.max(2))) {
                        (_, Ok(byte @ 1..=0x7f)) => char::from_u32(byte).unwrap_or_default(),
                        // A part of a character, or a NUL, which ends the value.
                        (_, Ok(_)) => {
                            argument.known = false;
                            continue;
                        }
                        ('n', _) => '\n',
                        ('t', _) => '\t',
                        ('b', _) => '\x08',
                        ('r', _) => '\r',
                        ('f', _) => '\x0c',
                        (other, _) => other,
                    });
                }
                (other, _) => text.push(other),
            }
        }
        None
    }

    /// Puts a variable in, or what looks like one as it stands. Returns whether there is one.
    fn variable(&mut self, argument: &mut Argument) -> bool {
        let Some(Reference { name, form, length }) = Reference::at(self.rest) else {
            argument.text.push(':');
            self.rest = &self.rest[1..];
            return false;
        };
        let (token, rest) = self.rest.split_at(length);
        let value = self.sight.and_then(|sight| sight.variables.value(name));
        self.rest = rest;
        match (value, form) {
            (Some(Value::Unknown), _) => {
                argument.known = false;
                argument.expanded = true;
                return true;
            }
            (value, Form::Test) => {
                argument.text.push_str(if value.is_some() { "TRUE" } else { "FALSE" });
            }
            (None, _) => {
                argument.text.push_str(token);
                return true;
            }
            (Some(Value::Known(value)), Form::Literal) => {
                argument.text.push_str(&quoted_literal(value));
            }
            (Some(Value::Known(value)), Form::Identifier) => {
                argument.text.push_str(&quoted_identifier(value));
            }
            (Some(Value::Known(value)), Form::Plain) => argument.text.push_str(value),
        }
        argument.expanded = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::variables::Variables;
    use super::*;

    #[test]
    fn words() {
        let mut variables = Variables::default();
        variables.set("x", Some(Value::Known("a b".to_owned())));
        variables.set("q", Some(Value::Known("it's".to_owned())));
        variables.lose("u");
        let sight = Sight { variables: &variables, certain: true };
        for (line, expected, behind) in [
            ("set a b c", vec!["a", "b", "c"], ""),
            ("set a 'b ''c'", vec!["a", "b 'c"], ""),
            (r"set a 'x\ty\x41\101\q'", vec!["a", "x\tyAAq"], ""),
            (r"echo a \! id", vec!["a"], r"\! id"),
            (r"echo a\\ SELECT", vec!["a"], r"\\ SELECT"),
            (r#"d "A\b" c"#, vec!["\"A\\b\"", "c"], ""),
            (
                "echo :x :'q' :\"x\" :{?x} :{?y} :y",
                vec!["a b", "'it''s'", "\"a b\"", "TRUE", "FALSE", ":y"],
                "",
            ),
            ("g |sh -c 'x' \\ y", vec!["|sh -c 'x' \\ y"], ""),
            ("echo |sh \\x", vec!["|sh"], "\\x"),
            ("echo 'open \\! id", vec![], ""),
            ("! a \\b", vec![], ""),
            ("echo ''", vec![""], ""),
        ] {
            let command = read(line, Some(&sight));
            let words: Vec<&str> = command.arguments.iter().map(|word| &*word.text).collect();
            assert_eq!(words, expected, "{line}");
            assert_eq!(&line[command.length..], behind, "{line}");
        }
        let known = |line: &str| read(line, Some(&sight)).arguments.iter().all(|word| word.known);
        assert!(!known("set a :u"));
        assert!(!known("set a `id`"));
        assert!(known("set a :x"));
    }
}
