//! The simple commands in a text of the shell, as far as they are written in plain words.
//!
//! Input: the text. Output: each simple command in the order of the text, with the assignments
//! before it, its words, and what a here-document or here-string gives it to read. A word whose
//! value shows only when the shell runs (`$x`, `$(…)`, a glob) is unknown. Commands inside
//! substitutions and strings given to `eval` are commands too; text that is merely quoted is not.
//!
//! Source: POSIX.1-2017, Shell Command Language, and bash(1) for `$'…'`, `<<<` and `[[`.
//!
//! Known gaps: functions, aliases, loops and conditions are not followed; each command is read as
//! if it ran.

/// How deep substitutions are followed.
mod words;

const DEPTH: usize = 8;
/// The longest text that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// One simple command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Simple {
    /// `NAME=VALUE` before the command; no value if it is not known.
    pub(crate) assignments: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Its words; none for one that is not known.
    pub(crate) words: Vec<Option<Vec<u8>>>,
    /// What it reads from standard input.
    pub(crate) input: Input,
}

/// What a command reads from standard input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Input {
    /// The shell's own standard input.
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
/// If the text is too long, or ends inside a quotation.
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
    /// Here-documents whose text comes after this line: the delimiter, whether leading tabs are
    /// removed, whether it is quoted, and the command.
    documents: Vec<(Vec<u8>, bool, bool, usize)>,
}

/// Words of the grammar after which a command begins anew.
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
}

/// Adds a word to the part of the command where it belongs.
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
