//! One call as decoding hands it over: plain bytes, nothing that could still change.

pub(crate) mod files;
pub(crate) mod ground;
pub(crate) mod home;
pub(crate) mod outputs;

use std::borrow::Cow;
use std::cell::Cell;

use ground::Ground;
use outputs::Outputs;

/// What file descriptor 0 of a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stdin<'a> {
    /// Nobody looked, or it cannot be read before the program reads it (a pipe past the limit, a
    /// socket).
    #[default]
    Unknown,
    /// A terminal: somebody may type anything later.
    Terminal,
    /// Closed, or `/dev/null`: the program reads end of file at once.
    Null,
    /// Exactly these bytes, and nothing after them: they were read whole, and the caller hands the
    /// program these bytes and no others.
    Content(&'a [u8]),
}

/// One program about to run.
///
/// Everything is bytes: the kernel asks for no encoding, and a name that is not UTF-8 is still a
/// name. Environment entries are `K=V` as in execve(2). If a name occurs twice, the first counts,
/// as in getenv(3).
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    /// The argument vector. May be empty, as execve(2) allows.
    pub argv: &'a [&'a [u8]],
    /// The environment, `K=V` each.
    pub env: &'a [&'a [u8]],
    /// The working directory; none if it is not known.
    pub cwd: Option<&'a [u8]>,
    /// The user it runs as; none if that is not known.
    pub uid: Option<u32>,
    /// The resolved file that would run; `argv[0]` if nothing was resolved, as in `claw check`.
    pub path: &'a [u8],
    /// Every base name by which the file is known: as it was called, each symlink on the way, the
    /// final file.
    pub names: &'a [&'a [u8]],
    /// What the program would read from file descriptor 0.
    pub stdin: Stdin<'a>,
    /// Whether the file only has the name of a tool: the caller could have written it, or the
    /// policy pins other files. Files of written calls count as what they are called.
    pub untrusted: bool,
    /// The base names of the programs that run it, if it is a script: what its first line names, or
    /// the interpreter that was given it. Variables that inject code into one of these interpreters
    /// inject it into this program too. Empty under `claw check`, which cannot know the
    /// interpreter.
    pub interpreters: &'a [&'a [u8]],
    /// The tool that makes the call: the process runs the image of this tool, or of a helper of its own, and nothing
    /// since, so the tool was judged when it started. None if another program calls, or if that is not known, as under
    /// `claw check`: then somebody called by hand.
    pub caller: Option<&'a str>,
    /// The folders round a live call; none of a written one.
    pub ground: Option<&'a dyn Ground>,
    /// Notes what the reading of this call looks at, where somebody wants to know.
    pub watch: Option<&'a Watch>,
}

/// What the reading of a call looked at, and what it found on the way.
#[derive(Debug, Default)]
pub struct Watch {
    /// Standard input.
    pub(crate) stdin: Cell<bool>,
    /// The working directory.
    pub(crate) cwd: Cell<bool>,
    /// The files that the call writes.
    pub(crate) outputs: Outputs,
}

impl<'a> Call<'a> {
    /// What standard input is. Tools ask here, so that a reading can say whether it made a difference.
    pub(crate) fn stdin(&self) -> Stdin<'a> {
        if let Some(watch) = self.watch {
            watch.stdin.set(true);
        }
        self.stdin
    }

    /// The working directory. Tools ask here, as for [`Call::stdin`].
    pub(crate) fn cwd(&self) -> Option<&'a [u8]> {
        if let Some(watch) = self.watch {
            watch.cwd.set(true);
        }
        self.cwd
    }

    /// The value of the environment variable `name`: the first entry, as getenv(3) finds it.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&'a [u8]> {
        self.env.iter().find_map(|entry| {
            let value = entry.strip_prefix(name.as_bytes())?;
            value.strip_prefix(b"=")
        })
    }
}

/// Bytes as text for facts and for people: UTF-8 as it is, and otherwise each stray byte as `\xNN`
/// and each backslash doubled. A name with stray bytes can look like another name that spells out
/// `\xNN`, and like nothing else.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(escape(bytes)),
    }
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(&chunk.valid().replace('\\', r"\\"));
        for byte in chunk.invalid() {
            out.push_str(&format!(r"\x{byte:02x}"));
        }
    }
    out
}

/// The longest text an action carries for people, in bytes.
const EXCERPT: usize = 400;

/// The beginning of `text`, for people: whole if it is short, else cut at a character.
pub(crate) fn excerpt(text: &str) -> String {
    if text.len() <= EXCERPT {
        return text.to_owned();
    }
    let end = (0..=EXCERPT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_counts() {
        let call = Call { env: &[b"AB=0", b"A=1", b"A=2"], ..Call::default() };
        assert_eq!(call.var("A"), Some(&b"1"[..]));
        assert_eq!(call.var("B"), None);
    }

    #[test]
    fn stray_bytes_are_spelled_out() {
        assert_eq!(text(b"a\\xff"), "a\\xff");
        assert_eq!(text(b"a\xff"), "a\\xff");
        assert_eq!(text(b"\\\xff"), "\\\\\\xff");
    }

    #[test]
    fn an_excerpt_ends_at_a_character() {
        let long = "é".repeat(EXCERPT);
        assert!(excerpt(&long).len() <= EXCERPT + '…'.len_utf8());
        assert_eq!(excerpt("short"), "short");
    }
}
