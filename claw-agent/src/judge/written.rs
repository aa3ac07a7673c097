//! A written call (`claw check`, `claw test`), which nobody makes, and how calls are shown to people.
//!
//! Nothing is looked up: the program is known by the last part of `argv[0]` alone, and files have the content
//! that is given with the call, or unknown content.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use claw_classify::{Call, File, Files, HIDDEN, Input, Secrets, Stdin, Tools, masked, secrets};
use claw_policy::Policy;

use super::call::Words;
use super::{Judge, Judgement};

/// How many levels of calls that start calls are followed.
const DEPTH: usize = 8;

/// A written call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    /// The argument vector; not empty.
    pub(crate) argv: Vec<Vec<u8>>,
    /// The environment, `K=V` each.
    pub(crate) env: Vec<Vec<u8>>,
    /// The working directory, if it is known.
    pub(crate) cwd: Option<Vec<u8>>,
    /// All of standard input, if it is known.
    pub(crate) stdin: Option<Vec<u8>>,
    /// The content of the files it names, by the path it uses for them.
    pub(crate) files: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Files for Written {
    fn file(&self, path: &[u8]) -> File<'_> {
        let cwd = self.cwd.as_deref();
        let named = |(written, _): &(&Vec<u8>, &Vec<u8>)| plain(written, cwd) == plain(path, cwd);
        self.files
            .iter()
            .find(named)
            .map_or(File::NOT_LOOKED_AT, |(_, content)| File::content(content))
    }
}

/// A path without redundant parts: `./a`, `a` and `.//a` are the same file, and so is the absolute path that
/// the working directory gives.
fn plain<'p>(path: &'p [u8], cwd: Option<&'p [u8]>) -> (bool, Vec<&'p [u8]>) {
    let before = cwd.filter(|_| !path.starts_with(b"/")).unwrap_or_default();
    let parts = before.split(|byte| *byte == b'/').chain(path.split(|byte| *byte == b'/'));
    let absolute = path.starts_with(b"/") || before.starts_with(b"/");
    let mut plain: Vec<&[u8]> = Vec::new();
    for part in parts {
        match part {
            b"" | b"." => {}
            b".." if absolute => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    (absolute, plain)
}

impl Written {
    /// The secrets in the call, which must not be shown.
    pub(crate) fn secrets(&self) -> Secrets {
        let env: Vec<&[u8]> = self.env.iter().map(Vec::as_slice).collect();
        let argv: Vec<&[u8]> = self.argv.iter().map(Vec::as_slice).collect();
        let stdin = self.stdin.as_deref().map_or(Stdin::Unknown, Stdin::Content);
        secrets(&Call { argv: &argv, env: &env, stdin, ..Call::default() })
    }

    /// The `asked` files whose content was not given. A file that the call names makes it opaque. A file that
    /// the program looks for by itself counts as absent.
    pub(crate) fn not_looked_at<'a>(
        &self,
        asked: &'a BTreeSet<Vec<u8>>,
    ) -> impl Iterator<Item = &'a Vec<u8>> {
        asked.iter().filter(|path| self.file(path) == File::NOT_LOOKED_AT)
    }

    /// Judges the call as if it were made, and also the calls that it would start: the first denied one
    /// decides. The children of a live call are judged when they make their own calls.
    pub(crate) fn judge(&self, policy: &Policy) -> Judgement {
        self.judge_down(policy, DEPTH)
    }

    fn judge_down(&self, policy: &Policy, depth: usize) -> Judgement {
        let words = Words::written(&self.argv, &self.env, self.cwd.as_deref());
        let call = words.call(self.stdin.as_deref().map_or(Stdin::Unknown, Stdin::Content));
        let own = Judge::of(policy).judge(&call, self);
        if own.decision.verdict.is_denied() || depth == 0 {
            return own;
        }
        for start in Tools::with(policy.declared()).starts(&call, self) {
            let stdin = match start.stdin {
                Input::Same => self.stdin.clone(),
                Input::Content(content) => Some(content),
                Input::Unknown => None,
            };
            let (argv, env, cwd) = (start.argv, start.env, start.cwd);
            let child = Self { argv, env, cwd, stdin, files: self.files.clone() };
            let child = child.judge_down(policy, depth - 1);
            // The last words of this call are unknown, so only what was read of it counts.
            let read = || child.facts.actions.iter().all(|action| action.opaque.is_none());
            if !child.decision.verdict.runs() && (start.whole || read()) {
                return child;
            }
        }
        own
    }
}

/// The words of a call with `***` for each secret in them.
pub(crate) fn hidden(argv: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let words: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
    let secrets = secrets(&Call { argv: &words, ..Call::default() });
    let hide =
        |(at, word): (usize, &&[u8])| masked(word, secrets.of_word(at), |_| HIDDEN.to_owned());
    words.iter().enumerate().map(hide).collect()
}

/// `argv` as one line that a shell would read back, with nothing in it that a terminal acts on.
pub(crate) fn shell_line<A: AsRef<[u8]>>(argv: impl IntoIterator<Item = A>) -> String {
    let words: Vec<String> = argv.into_iter().map(|arg| shell_word(arg.as_ref())).collect();
    words.join(" ")
}

/// One argument as a word of the shell: bare where it can be, and `$'…'` where it holds control
/// characters or stray bytes.
pub(crate) fn shell_word(arg: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(byte);
    let text = String::from_utf8_lossy(arg);
    if !arg.is_empty() && arg.iter().all(plain) {
        return text.into_owned();
    }
    let shown = match &text {
        Cow::Borrowed(text) => printable(text) == *text,
        Cow::Owned(_) => false,
    };
    if shown {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut word = "$'".to_owned();
    for chunk in arg.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\n' => word.push_str(r"\n"),
                '\t' => word.push_str(r"\t"),
                '\'' | '\\' => word.extend(['\\', char]),
                char if is_active(char) => {
                    word.push_str(&format!(r"\u{:04x}", u32::from(char)));
                }
                char => word.push(char),
            }
        }
        for byte in chunk.invalid() {
            word.push_str(&format!(r"\x{byte:02x}"));
        }
    }
    word.push('\'');
    word
}

/// `text` on one line, with each character that a terminal would act on spelled out.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => out.push_str(r"\n"),
            '\t' => out.push_str(r"\t"),
            char if is_active(char) => out.extend(char.escape_unicode()),
            char => out.push(char),
        }
    }
    out
}

/// Whether a terminal may do something else than show `char`: control characters, and those that
/// change the direction of the text around them (Unicode TR 36, 2.10.3).
pub(crate) fn is_active(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use claw_classify::{File, Files};

    use super::{Written, printable, shell_line, shell_word};

    #[test]
    fn a_file_is_found_however_its_path_is_spelt() {
        let files = BTreeMap::from([(b"a/b.yaml".to_vec(), b"x".to_vec())]);
        let call = Written { files, ..Written::default() };
        for path in ["a/b.yaml", "./a/b.yaml", "a//./b.yaml"] {
            assert_eq!(call.file(path.as_bytes()), File::content(b"x"), "{path}");
        }
        for path in ["/a/b.yaml", "b.yaml", "a/../a/b.yaml"] {
            assert_eq!(call.file(path.as_bytes()), File::NOT_LOOKED_AT, "{path}");
        }
    }

    #[test]
    fn arguments_read_back_as_the_shell_would_write_them() {
        assert_eq!(shell_line(["psql", "-c", "SELECT 1"]), "psql -c 'SELECT 1'");
        assert_eq!(shell_word(b""), "''");
        assert_eq!(shell_word(b"it's"), r"'it'\''s'");
        assert_eq!(shell_word("é".as_bytes()), "'é'");
    }

    #[test]
    fn nothing_that_a_terminal_acts_on_gets_through() {
        assert_eq!(shell_word(b"a\x1b[2J'\n"), r"$'a\u001b[2J\'\n'");
        assert_eq!(shell_word(b"\xff\\"), r"$'\xff\\'");
        assert_eq!(shell_word("\u{202e}x".as_bytes()), r"$'\u202ex'");
        assert_eq!(printable("a\x1b\n\u{9b}b"), r"a\u{1b}\n\u{9b}b");
    }
}
