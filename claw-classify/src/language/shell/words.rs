//! The words of a shell: quotes, expansions, and commands inside them.

use super::{DEPTH, Reader, Simple};

impl Reader<'_> {
    /// The commands in the substitutions of a text in which quotes mean nothing.
    pub(super) fn substitutions(
        &mut self,
        text: &[u8],
        found: &mut Vec<Simple>,
    ) -> Result<(), String> {
        let mut inner = Reader { text, at: 0, depth: self.depth, documents: Vec::new() };
        while let Some(byte) = inner.peek() {
            match byte {
                b'\\' => inner.at += 2,
                b'$' => inner.dollar(found)?,
                b'`' => inner.backquote(found)?,
                _ => inner.at += 1,
            }
        }
        Ok(())
    }

    /// One word, or none if its value is not known, and whether all of it is unquoted.
    pub(super) fn word(
        &mut self,
        found: &mut Vec<Simple>,
    ) -> Result<(Option<Vec<u8>>, bool), String> {
        let (mut word, mut known, mut plain) = (Vec::new(), true, true);
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'(' if self.text[..self.at].last().is_none_or(|before| *before != b'=') => break,
                b'<' | b'>' if self.text.get(self.at + 1) != Some(&b'(') => break,
                b'<' | b'>' => {
                    known = false;
                    self.at += 1;
                    self.parentheses(found)?;
                }
                b'(' => {
                    known = false;
                    self.parentheses(found)?;
                }
                b'\'' => {
                    plain = false;
                    let rest = &self.text[self.at + 1..];
                    let end = rest.iter().position(|byte| *byte == b'\'').ok_or_else(unclosed)?;
                    word.extend_from_slice(&rest[..end]);
                    self.at += end + 2;
                }
                b'"' => {
                    plain = false;
                    known &= self.double_quoted(&mut word, found)?;
                }
                b'\\' => {
                    plain = false;
                    if let Some(next) = self.text.get(self.at + 1).filter(|next| **next != b'\n') {
                        word.push(*next);
                    }
                    // The backslash may be the last byte of the text.
                    self.at = (self.at + 2).min(self.text.len());
                }
                b'$' if self.text.get(self.at + 1) == Some(&b'\'') => {
                    plain = false;
                    self.at += 2;
                    self.ansi(&mut word)?;
                }
                b'$' => {
                    plain = false;
                    known = false;
                    self.dollar(found)?;
                }
                b'`' => {
                    plain = false;
                    known = false;
                    self.backquote(found)?;
                }
                b'*' | b'?' | b'[' => {
                    // A glob that matches nothing stays as it is; `[` and `[[` are commands.
                    let next = self.text.get(self.at + 1);
                    let bracket = byte == b'['
                        && word.is_empty()
                        && next.is_none_or(|next| b" \t\n[".contains(next));
                    known &= bracket || (byte == b'[' && word == b"[");
                    word.push(byte);
                    self.at += 1;
                }
                b'~' if word.is_empty() => {
                    known = false;
                    self.at += 1;
                }
                byte => {
                    word.push(byte);
                    self.at += 1;
                }
            }
        }
        Ok((known.then_some(word), plain))
    }

    pub(super) fn double_quoted(
        &mut self,
        word: &mut Vec<u8>,
        found: &mut Vec<Simple>,
    ) -> Result<bool, String> {
        let mut known = true;
        self.at += 1;
        loop {
            match self.peek().ok_or_else(unclosed)? {
                b'"' => {
                    self.at += 1;
                    return Ok(known);
                }
                b'\\' => {
                    let next = *self.text.get(self.at + 1).ok_or_else(unclosed)?;
                    if !b"$`\"\\\n".contains(&next) {
                        word.push(b'\\');
                    }
                    if next != b'\n' {
                        word.push(next);
                    }
                    self.at += 2;
                }
                b'$' => {
                    known = false;
                    self.dollar(found)?;
                }
                b'`' => {
                    known = false;
                    self.backquote(found)?;
                }
                byte => {
                    word.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// The rest of `$'…'`.
    pub(super) fn ansi(&mut self, word: &mut Vec<u8>) -> Result<(), String> {
        loop {
            let byte = self.peek().ok_or_else(unclosed)?;
            self.at += 1;
            if byte == b'\'' {
                return Ok(());
            }
            if byte != b'\\' {
                word.push(byte);
                continue;
            }
            let escape = self.peek().ok_or_else(unclosed)?;
            self.at += 1;
            let mut number = |radix: u32, most: usize, first: Option<u8>| {
                let mut value = first.map_or(0, |first| u32::from(first - b'0'));
                let mut digits = usize::from(first.is_some());
                while digits < most
                    && let Some(digit) =
                        self.peek().and_then(|byte| char::from(byte).to_digit(radix))
                {
                    value = value * radix + digit;
                    digits += 1;
                    self.at += 1;
                }
                value
            };
            match escape {
                b'a' => word.push(7),
                b'b' => word.push(8),
                b'e' | b'E' => word.push(27),
                b'f' => word.push(12),
                b'n' => word.push(b'\n'),
                b'r' => word.push(b'\r'),
                b't' => word.push(b'\t'),
                b'v' => word.push(11),
                b'x' => word.push(u8::try_from(number(16, 2, None)).unwrap_or_default()),
                b'0'..=b'7' => word.push(number(8, 3, Some(escape)).to_le_bytes()[0]),
                b'u' | b'U' => {
                    let char = char::from_u32(number(16, if escape == b'u' { 4 } else { 8 }, None));
                    word.extend_from_slice(char.unwrap_or_default().to_string().as_bytes());
                }
                b'c' => {
                    word.push(self.peek().ok_or_else(unclosed)? & 0x1f);
                    self.at += 1;
                }
                other => word.push(other),
            }
        }
    }

    /// Skips a `$…`, and reads the commands of a `$(…)`.
    pub(super) fn dollar(&mut self, found: &mut Vec<Simple>) -> Result<(), String> {
        self.at += 1;
        match self.peek() {
            Some(b'(') => self.parentheses(found),
            Some(b'{') => {
                let mut open = 0_usize;
                while let Some(byte) = self.peek() {
                    self.at += 1;
                    match byte {
                        b'{' => open += 1,
                        b'}' => open -= 1,
                        b'\\' => self.at += 1,
                        b'`' => {
                            self.at -= 1;
                            self.backquote(found)?;
                        }
                        b'$' if self.peek() == Some(b'(') => self.parentheses(found)?,
                        _ => {}
                    }
                    if open == 0 {
                        return Ok(());
                    }
                }
                Err(unclosed())
            }
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_' => {
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    self.at += 1;
                }
                Ok(())
            }
            Some(b'*' | b'@' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.at += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reads the commands in the parentheses that open here.
    pub(super) fn parentheses(&mut self, found: &mut Vec<Simple>) -> Result<(), String> {
        let start = self.at + 1;
        let (mut open, mut at) = (0_usize, self.at);
        loop {
            match self.text.get(at).ok_or_else(unclosed)? {
                b'(' => open += 1,
                b')' => open -= 1,
                b'\\' => at += 1,
                b'\'' => {
                    let rest = self.text.get(at + 1..).unwrap_or_default();
                    at += 1 + rest.iter().position(|byte| *byte == b'\'').ok_or_else(unclosed)?;
                }
                _ => {}
            }
            at += 1;
            if open == 0 {
                break;
            }
        }
        self.at = at;
        self.inside(&self.text[start..at - 1], found)
    }

    pub(super) fn backquote(&mut self, found: &mut Vec<Simple>) -> Result<(), String> {
        let mut text = Vec::new();
        self.at += 1;
        loop {
            let byte = self.peek().ok_or_else(unclosed)?;
            self.at += 1;
            match byte {
                b'`' => return self.inside(&text, found),
                b'\\' => {
                    text.push(self.peek().ok_or_else(unclosed)?);
                    self.at += 1;
                }
                byte => text.push(byte),
            }
        }
    }

    pub(super) fn inside(&self, text: &[u8], found: &mut Vec<Simple>) -> Result<(), String> {
        if self.depth == DEPTH {
            return Err("substitutions are nested too deep".to_owned());
        }
        let mut inner = Vec::new();
        Reader { text, at: 0, depth: self.depth + 1, documents: Vec::new() }.list(&mut inner)?;
        // They run before the command that holds them, which is not in the list yet.
        found.append(&mut inner);
        Ok(())
    }
}

pub(super) fn unclosed() -> String {
    "the text ends inside a quotation or a substitution".to_owned()
}
