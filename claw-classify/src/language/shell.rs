//! The simple commands in a text of the shell, as far as they stand there in plain words.
//!
//! Input: the text. Output: each simple command in the order of the text, with the assignments before it,
//! its words, and what a here-document or here-string gives it to read. A word whose value shows only
//! when the shell runs (`$x`, `$(…)`, a glob) is unknown. Commands inside substitutions and strings given to
//! `eval` are commands too; what is merely quoted is not.
//!
//! Source: POSIX.1-2017, Shell Command Language, and bash(1) for `$'…'`, `<<<` and `[[`.
//!
//! Known gaps: functions, aliases, loops and conditions are not followed; each command is read as if it ran.

/// How deep substitutions are followed.
const DEPTH: usize = 8;
/// The longest text that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// One simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Simple {
    /// `NAME=VALUE` before the command; nothing for a value that is not known.
    pub(crate) assignments: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Its words; nothing for one that is not known.
    pub(crate) words: Vec<Option<Vec<u8>>>,
    /// What it reads from standard input.
    pub(crate) input: Input,
}

/// What a command reads from standard input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Input {
    /// What the shell reads.
    #[default]
    Same,
    /// These bytes.
    Text(Vec<u8>),
    /// Something that the text does not show: a pipe, a file.
    Other,
}

/// The commands of `text`.
///
/// # Errors
/// When the text is too long, or ends inside a quotation.
pub(crate) fn commands(text: &[u8]) -> Result<Vec<Simple>, String> {
    if text.len() > LONGEST {
        return Err(format!("the text has more than {LONGEST} bytes"));
    }
    let mut found = Vec::new();
    Reader { text, at: 0, depth: 0, documents: Vec::new() }.list(&mut found)?;
    Ok(found)
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    /// Here-documents whose text comes after this line: the delimiter, whether tabs go, whether it is
    /// quoted, and the command.
    documents: Vec<(Vec<u8>, bool, bool, usize)>,
}

/// Words of the grammar, in whose place a command begins again.
const RESERVED: &[&[u8]] = &[
    b"!", b"{", b"}", b"do", b"done", b"elif", b"else", b"fi", b"if", b"then", b"until", b"while",
    b"time",
];

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn list(&mut self, found: &mut Vec<Simple>) -> Result<(), String> {
        let mut now = Simple::default();
        // The words of `for NAME in …` and `case WORD in` are no command.
        let mut passive = false;
        let first = found.len();
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.text.get(self.at + 1) == Some(&b'\n') => self.at += 2,
                b'#' => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                b'\n' | b';' | b'&' | b'|' | b'(' | b')' => {
                    self.at += 1;
                    let pipes = byte == b'|' && self.peek() != Some(b'|');
                    if byte == b'|' || byte == b'&' {
                        self.at += usize::from(self.peek() == Some(byte));
                    }
                    finish(&mut now, found, &mut passive);
                    if pipes {
                        now.input = Input::Other;
                    }
                    if byte == b'\n' {
                        self.here_documents(found)?;
                    }
                }
                b'<' | b'>' => self.redirect(&mut now, found)?,
                byte if byte.is_ascii_digit() && self.redirects_by_number() => {
                    while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                        self.at += 1;
                    }
                    let own = std::mem::take(&mut now.input);
                    self.redirect(&mut now, found)?;
                    now.input = own;
                }
                _ => {
                    let (word, plain) = self.word(found)?;
                    place(&mut now, word, plain, &mut passive);
                }
            }
        }
        finish(&mut now, found, &mut passive);
        self.here_documents(found)?;
        found[first..].iter_mut().for_each(|simple| simple.words.shrink_to_fit());
        Ok(())
    }

    fn redirects_by_number(&self) -> bool {
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        matches!(rest.get(end), Some(b'<' | b'>'))
            && (self.at == 0 || b" \t\n;&|(".contains(&self.text[self.at - 1]))
    }

    fn redirect(&mut self, now: &mut Simple, found: &mut Vec<Simple>) -> Result<(), String> {
        let rest = &self.text[self.at..];
        if rest.starts_with(b"<(") || rest.starts_with(b">(") {
            let (word, plain) = self.word(found)?;
            place(now, word, plain, &mut false);
            return Ok(());
        }
        let reads = rest[0] == b'<';
        let (string, document) = (rest.starts_with(b"<<<"), rest.starts_with(b"<<"));
        let tabs = rest.starts_with(b"<<-");
        self.at += if string || tabs {
            3
        } else if document || rest.starts_with(b">>") || rest.starts_with(b"<>") {
            2
        } else {
            1
        };
        if matches!(self.peek(), Some(b'&' | b'|')) && !document {
            self.at += 1;
        }
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let start = self.at;
        let (word, _) = self.word(found)?;
        if string {
            now.input = word.map_or(Input::Other, |mut word| {
                word.push(b'\n');
                Input::Text(word)
            });
        } else if document {
            let raw = &self.text[start..self.at];
            let quoted = raw.iter().any(|byte| b"'\"\\".contains(byte));
            let delimiter = word.unwrap_or_else(|| raw.to_vec());
            self.documents.push((delimiter, tabs, quoted, found.len()));
        } else if reads {
            now.input = match word.as_deref() {
                Some(b"/dev/null") => Input::Text(Vec::new()),
                _ => Input::Other,
            };
        }
        Ok(())
    }

    /// Reads the text of the here-documents that this line named.
    fn here_documents(&mut self, found: &mut Vec<Simple>) -> Result<(), String> {
        for (delimiter, tabs, quoted, command) in std::mem::take(&mut self.documents) {
            let mut content = Vec::new();
            while self.at < self.text.len() {
                let rest = &self.text[self.at..];
                let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                let mut line = &rest[..end];
                self.at += (end + 1).min(rest.len());
                while tabs && line.first() == Some(&b'\t') {
                    line = &line[1..];
                }
                if line == delimiter {
                    break;
                }
                content.extend_from_slice(line);
                content.push(b'\n');
            }
            let expands = !quoted && content.iter().any(|byte| b"$`\\".contains(byte));
            if expands {
                self.substitutions(&content, found)?;
            }
            if let Some(simple) = found.get_mut(command) {
                simple.input = if expands { Input::Other } else { Input::Text(content) };
            }
        }
        Ok(())
    }

    /// The commands in the substitutions of a text in which quotes mean nothing.
    fn substitutions(&mut self, text: &[u8], found: &mut Vec<Simple>) -> Result<(), String> {
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

    /// One word, or nothing where its value is not known, and whether all of it stood there bare.
    fn word(&mut self, found: &mut Vec<Simple>) -> Result<(Option<Vec<u8>>, bool), String> {
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
                    // A glob that finds nothing stays as it is; `[` and `[[` are commands.
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

    fn double_quoted(
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
    fn ansi(&mut self, word: &mut Vec<u8>) -> Result<(), String> {
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

    /// Passes over a `$…`, and reads the commands of a `$(…)`.
    fn dollar(&mut self, found: &mut Vec<Simple>) -> Result<(), String> {
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

    /// Reads the commands in parentheses, which open here.
    fn parentheses(&mut self, found: &mut Vec<Simple>) -> Result<(), String> {
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

    fn backquote(&mut self, found: &mut Vec<Simple>) -> Result<(), String> {
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

    fn inside(&self, text: &[u8], found: &mut Vec<Simple>) -> Result<(), String> {
        if self.depth == DEPTH {
            return Err("substitutions are nested too deep".to_owned());
        }
        let mut inner = Vec::new();
        Reader { text, at: 0, depth: self.depth + 1, documents: Vec::new() }.list(&mut inner)?;
        // They run before the command they stand in, which is not in the list yet.
        found.append(&mut inner);
        Ok(())
    }
}

fn unclosed() -> String {
    "the text ends inside a quotation or a substitution".to_owned()
}

/// Puts a word where it belongs in the command.
fn place(now: &mut Simple, word: Option<Vec<u8>>, plain: bool, passive: &mut bool) {
    if now.words.is_empty() {
        if let Some(word) = &word {
            if plain && RESERVED.contains(&word.as_slice()) {
                return;
            }
            if plain
                && matches!(
                    word.as_slice(),
                    b"for" | b"case" | b"select" | b"function" | b"in" | b"esac"
                )
            {
                *passive = true;
            }
            let name = word.iter().position(|byte| *byte == b'=');
            if let Some(at) = name.filter(|at| is_name(&word[..*at])) {
                now.assignments.push((word[..at].to_vec(), Some(word[at + 1..].to_vec())));
                return;
            }
        } else if now.assignments.is_empty() && !*passive {
            now.words.push(None);
            return;
        }
    }
    now.words.push(word);
}

fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn finish(now: &mut Simple, found: &mut Vec<Simple>, passive: &mut bool) {
    let done = std::mem::take(now);
    if !std::mem::take(passive) && (!done.words.is_empty() || !done.assignments.is_empty()) {
        found.push(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let Ok(found) = commands(text.as_bytes()) else { return "error".to_owned() };
        let lossy = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let one = |simple: &Simple| {
            let assignments = simple.assignments.iter().map(|(name, value)| {
                format!("{}={} ", lossy(name), value.as_ref().map_or("?".to_owned(), lossy))
            });
            let words = simple.words.iter().map(|word| word.as_ref().map_or("?".to_owned(), lossy));
            let input = match &simple.input {
                Input::Same => String::new(),
                Input::Other => " <?".to_owned(),
                Input::Text(text) => format!(" <{:?}", lossy(text)),
            };
            format!(
                "{}{}{input}",
                assignments.collect::<String>(),
                words.collect::<Vec<_>>().join("·")
            )
        };
        found.iter().map(one).collect::<Vec<_>>().join(" / ")
    }

    #[test]
    fn simple_commands() {
        for (text, expected) in [
            ("ls -l", "ls·-l"),
            ("a; b && c || d & e", "a / b / c / d / e"),
            ("a | b", "a / b <?"),
            ("A=1 B='x y' cmd \"a b\" c\\ d", "A=1 B=x y cmd·a b·c d"),
            ("echo 'kubectl delete; rm -rf /'", "echo·kubectl delete; rm -rf /"),
            ("echo $(kubectl get pods) done", "kubectl·get·pods / echo·?·done"),
            ("echo \"`id -u`\"", "id·-u / echo·?"),
            ("echo $x ${y:-z} $'a\\x41\\101\\n'", "echo·?·?·aAA\n"),
            ("psql <<EOF\nDROP TABLE x;\nEOF\nls", "psql <\"DROP TABLE x;\\n\" / ls"),
            ("psql <<'E' -X\n$x\nE", "psql·-X <\"$x\\n\""),
            ("psql <<EOF\n$x\nEOF", "psql <?"),
            ("cat <<-E\n\ta\n\tE\nb", "cat <\"a\\n\" / b"),
            ("cat <<< 'a b'", "cat <\"a b\\n\""),
            ("cat <f >g 2>&1 2>/dev/null", "cat <?"),
            ("if a; then b; else c; fi", "a / b / c"),
            ("for x in a b; do rm $x; done", "rm·?"),
            ("while read x; do a; done", "read·x / a"),
            ("(cd x && make)", "cd·x / make"),
            ("{ a; b; }", "a / b"),
            ("[ -f x ] && a", "[·-f·x·] / a"),
            ("[[ -f x ]] && a", "[[·-f·x·]] / a"),
            ("ls *.rs ~/x", "ls·?·?"),
            ("# a comment\nls # another", "ls"),
            ("a \\\n b", "a·b"),
            ("echo a#b", "echo·a#b"),
            ("diff <(sort a) <(sort b)", "sort·a / sort·b / diff·?·?"),
            ("x=$(date)", "date / ?"),
            ("echo 'unclosed", "error"),
            ("cat <<\\", "cat <\"\""),
            ("a \\", "a·"),
            ("$cmd a", "?·a"),
            ("", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends(text in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = commands(&text);
        }

        #[test]
        fn any_text_of_the_shell_ends(text in "[a$(){}<>'\"`\\\\ \n;|&#=~*\\[0]{0,30}") {
            let _ = commands(text.as_bytes());
        }
    }
}
