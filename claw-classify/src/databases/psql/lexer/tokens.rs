//! The tokens of a script: comments, literals, names, numbers and variables.

use std::borrow::Cow;

use super::{
    EXPANDED, Lexer, Literal, Source, State, Unread, blank, dollar_quote, is_name, is_plain,
    quoted_literal, run,
};
use crate::databases::psql::variables::{Form, Reference, Sight, Value, quoted_identifier};

impl Lexer<'_> {
    pub(super) fn comment(&mut self) {
        let rest = self.rest();
        if rest.starts_with("/*") {
            self.comments += 1;
            self.emit(2);
        } else if rest.starts_with("*/") {
            if self.comments == 0 {
                self.state = State::Initial;
            } else {
                self.comments -= 1;
            }
            self.emit(2);
        } else {
            let length = run(rest, |byte| byte != b'/' && byte != b'*').max(1);
            self.emit(length);
        }
    }

    pub(super) fn name(&mut self) {
        let rest = self.rest();
        match run(rest, |byte| byte != b'"') {
            0 if rest.starts_with("\"\"") => self.emit(2),
            0 => self.open(1, State::Initial),
            length => self.emit(length),
        }
    }

    pub(super) fn literal(&mut self, literal: Literal) {
        let rest = self.rest();
        let escapes = literal == Literal::Escapes;
        match run(rest, |byte| byte != b'\'' && !(escapes && byte == b'\\')) {
            0 if rest.starts_with("''") && literal != Literal::Bits => self.emit(2),
            0 if rest.starts_with('\'') => self.open(1, State::Stopped(literal)),
            0 => {
                // A backslash and what it escapes, which is never on the next line.
                let escaped = rest[1..].chars().next().map_or(0, char::len_utf8);
                self.emit(1 + escaped);
            }
            length => self.emit(length),
        }
    }

    /// After a quote: white space with a newline in it and then another quote continue the literal.
    pub(super) fn stopped(&mut self, literal: Literal) -> Result<(), Unread> {
        let rest = self.rest();
        let mut length = 0;
        loop {
            match blank(&rest[length..]) {
                0 => break,
                more => length += more,
            }
        }
        if rest[..length].contains(['\n', '\r']) && rest[length..].starts_with('\'') {
            if literal != Literal::Plain {
                return Err("a literal with escapes may go on in another");
            }
            self.open(length + 1, State::Literal(literal));
        } else {
            self.escapes_ended = literal != Literal::Plain;
            self.state = State::Initial;
        }
        Ok(())
    }

    pub(super) fn dollar_sign(&mut self) -> Result<(), Unread> {
        let rest = self.rest();
        if let Some(length) = dollar_quote(rest) {
            self.tag = rest[..length].to_owned();
            self.open(length, State::Dollar);
        } else if rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            self.emit(1);
            self.number()?;
        } else {
            self.emit(1);
        }
        Ok(())
    }

    pub(super) fn dollar(&mut self) {
        let rest = self.rest();
        match (run(rest, |byte| byte != b'$'), dollar_quote(rest)) {
            (0, Some(length)) if rest[..length] == *self.tag => self.open(length, State::Initial),
            // The last `$` may begin the tag.
            (0, Some(length)) => self.emit(length - 1),
            (length, _) => self.emit(length.max(1)),
        }
    }

    pub(super) fn number(&mut self) -> Result<(), Unread> {
        let rest = self.rest();
        let byte = |at: usize| rest.as_bytes().get(at).copied().unwrap_or(0);
        let digits = |from: usize, within: &dyn Fn(u8) -> bool| {
            from + rest.as_bytes()[from..].iter().take_while(|byte| within(**byte)).count()
        };
        let decimal = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        let mut end = if byte(0) == b'0' && b"xXoObB".contains(&byte(1)) {
            digits(2, &|byte| byte.is_ascii_hexdigit() || byte == b'_')
        } else {
            digits(0, &|byte| decimal(byte) || byte == b'.')
        };
        let sign = usize::from(b"+-".contains(&byte(end + 1)));
        if b"eE".contains(&byte(end)) && byte(end + 1 + sign).is_ascii_digit() {
            end = digits(end + 1 + sign, &decimal);
        }
        if is_name(byte(end)) || byte(end) == b'\'' {
            return Err("a letter or a quote follows a number without a space");
        }
        self.emit(end);
        Ok(())
    }

    pub(super) fn word(&mut self) {
        let rest = self.rest();
        let length = run(rest, is_name);
        let word = rest[..length].to_ascii_lowercase();
        let words = &mut self.words;
        if words.count == 0 {
            words.first = [0; 4];
        }
        if ["create", "function", "procedure", "or", "replace"].contains(&&*word)
            && let Some(first) = words.first.get_mut(words.count)
        {
            *first = word.as_bytes()[0];
        }
        words.count += 1;
        let routine =
            matches!(words.first, [b'c', b'f' | b'p', ..] | [b'c', b'o', b'r', b'f' | b'p']);
        if routine && self.parens == 0 {
            match &*word {
                "begin" => self.begins += 1,
                "case" if self.begins > 0 => self.begins += 1,
                "end" => self.begins = self.begins.saturating_sub(1),
                _ => {}
            }
        }
        self.emit(length);
    }

    /// `:name`, `:'name'`, `:"name"` and `:{?name}`, if they mean a variable.
    pub(super) fn variable(&mut self, sight: Option<&Sight<'_>>) -> Result<(), Unread> {
        let Some(Reference { name, form, length: token }) = Reference::at(self.rest()) else {
            self.emit(1);
            return Ok(());
        };
        let name = name.to_owned();
        let value = sight.and_then(|sight| sight.variables.value(&name));
        let value = match value {
            Some(Value::Unknown) => return Err("a psql variable is used whose value is not known"),
            Some(Value::Known(value)) => Some(value.clone()),
            None => None,
        };
        let Some(value) = value else {
            match form {
                Form::Test => self.replace(token, "FALSE")?,
                Form::Plain | Form::Literal | Form::Identifier => self.emit(token),
            }
            return Ok(());
        };
        if sight.is_some_and(|sight| !sight.certain) && !is_plain(&value) {
            return Err("a psql variable may or may not be put in");
        }
        match form {
            Form::Test => self.replace(token, "TRUE")?,
            Form::Literal => self.replace(token, &quoted_literal(&value))?,
            Form::Identifier => self.replace(token, &quoted_identifier(&value))?,
            Form::Plain
                if self.sources.iter().any(|source| source.variable.as_ref() == Some(&name)) =>
            {
                self.emit(token);
            }
            Form::Plain => {
                self.grow(value.len())?;
                self.pass(token);
                let text = Cow::Owned(value);
                let variable = Some(name);
                self.sources.push(Source { text, at: 0, from: None, variable });
            }
        }
        Ok(())
    }

    pub(super) fn replace(&mut self, token: usize, text: &str) -> Result<(), Unread> {
        self.grow(text.len())?;
        self.query.push(text, None);
        self.pass(token);
        self.anchor();
        Ok(())
    }

    /// The script continues after a variable.
    pub(super) fn anchor(&mut self) {
        if let Some(Source { at, from: Some(from), .. }) = self.sources.last() {
            self.query.anchor(from + at);
        }
    }

    pub(super) fn grow(&mut self, by: usize) -> Result<(), Unread> {
        self.expanded += by.max(16);
        if self.expanded > EXPANDED { Err("too much comes out of variables") } else { Ok(()) }
    }
}
