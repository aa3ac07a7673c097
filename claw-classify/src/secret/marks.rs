//! Which options and operands of which programs hold a secret, where the name of the option does not say so:
//! short options, operands, and options whose value is a text with a secret somewhere in it.
//!
//! A tool's module says so of its own programs, beside its row, and [`others`](super::others) of programs
//! that claw does not govern. Options such as `--password` and `--token` need no mark: their names mark them in every
//! program. A mark also says where such a name lies: psql's `--password` only asks for one.

use super::others::OTHERS;

/// What a family of programs says of its words.
#[derive(Debug)]
pub(crate) struct Marks {
    /// The base names of the programs, a list for each tool.
    pub(crate) programs: &'static [&'static [&'static str]],
    /// A word that must stand before, usually a command; nothing where there is none.
    pub(crate) needs: &'static str,
    /// The letters of short options that take a value, where short options stand together behind one dash.
    pub(crate) letters: &'static str,
    /// Whether the beginning of a long name will do.
    pub(crate) abbreviates: bool,
    /// Whether every option with one dash is a whole name.
    pub(crate) whole: bool,
    /// The options.
    pub(crate) options: &'static [MarkedOption],
    /// The operands.
    pub(crate) operands: &'static [Operand],
}

/// An option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarkedOption {
    /// Its names, blanks between them.
    names: &'static str,
    /// How it is given its value.
    pub(crate) given: Given,
    /// What that holds.
    pub(crate) holds: Holds,
}

/// How an option is given its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// In the same word or in the next one.
    Anyhow,
    /// In the same word or not at all.
    Attached,
    /// It is a switch.
    Nothing,
}

/// What a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A secret.
    Secret,
    /// `user:SECRET`
    UserPassword,
    /// `user%SECRET`
    UserPercent,
    /// `user/SECRET@database`
    UserSlash,
    /// `pass:SECRET`, or the name of another source.
    PasswordSource,
    /// `name=SECRET`, whatever the name.
    Pair,
    /// A secret, or the name of a file, in which no `=` stands.
    Cookie,
    /// A connection string of libpq.
    Conninfo,
    /// Any text.
    Text,
}

/// Operands.
#[derive(Debug)]
pub(crate) enum Operand {
    /// Each of them.
    Text(Holds),
    /// The one behind a command with `skip` others between them.
    Behind {
        /// The words of the command.
        words: &'static [&'static str],
        /// How many others.
        skip: usize,
    },
    /// Each behind a command is `name=SECRET`.
    Pairs(&'static [&'static str]),
    /// The last one, where an option is given.
    Last(&'static str),
    /// The words of a command of Redis.
    Redis,
}

/// Marks of these programs, with nothing but options.
pub(crate) const fn marks(
    programs: &'static [&'static [&'static str]],
    options: &'static [MarkedOption],
) -> Marks {
    Marks {
        programs,
        needs: "",
        letters: "",
        abbreviates: false,
        whole: false,
        options,
        operands: &[],
    }
}

impl Marks {
    /// Counts only behind this word.
    pub(crate) const fn behind(mut self, needs: &'static str) -> Self {
        self.needs = needs;
        self
    }

    /// These letters take a value where short options stand together.
    pub(crate) const fn bundled(mut self, letters: &'static str) -> Self {
        self.letters = letters;
        self
    }

    /// The beginning of a long name will do.
    pub(crate) const fn abbreviated(mut self) -> Self {
        self.abbreviates = true;
        self
    }

    /// Every option with one dash is a whole name.
    pub(crate) const fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Operands hold secrets too.
    pub(crate) const fn operands(mut self, operands: &'static [Operand]) -> Self {
        self.operands = operands;
        self
    }

    /// Where the value of `option` begins if `word` is that option: in the word itself, or (nothing) in the next one.
    pub(crate) fn find(&self, option: &MarkedOption, word: &[u8]) -> Option<Option<usize>> {
        let names = || option.names.split_ascii_whitespace();
        let is_short = |name: &&str| name.len() == 2 && !self.whole;
        let long = names().filter(|name| !is_short(name)).find_map(|name| self.long(name, word));
        long.or_else(|| {
            names().filter(is_short).find_map(|name| self.short(name.as_bytes()[1], word))
        })
    }

    /// A long option, which may have one dash.
    fn long(&self, name: &str, word: &[u8]) -> Option<Option<usize>> {
        let (given, value) = match memchr::memchr(b'=', word) {
            Some(at) => (&word[..at], Some(at + 1)),
            None => (word, None),
        };
        let begins = self.abbreviates && given.len() > 4 && name.as_bytes().starts_with(given);
        (given == name.as_bytes() || begins).then_some(value)
    }

    /// A short option, by itself or behind others that take no value.
    fn short(&self, letter: u8, word: &[u8]) -> Option<Option<usize>> {
        if word.len() < 2 || word[0] != b'-' || word[1] == b'-' {
            return None;
        }
        let ends = |byte: &u8| *byte == letter || self.letters.as_bytes().contains(byte);
        let at = if self.letters.is_empty() { 1 } else { 1 + word[1..].iter().position(ends)? };
        (word[at] == letter).then_some(Some(at + 1).filter(|start| *start < word.len()))
    }
}

/// An option that holds something.
pub(crate) const fn option(names: &'static str, given: Given, holds: Holds) -> MarkedOption {
    MarkedOption { names, given, holds }
}

/// An option whose value is a secret.
pub(crate) const fn secret(names: &'static str) -> MarkedOption {
    option(names, Given::Anyhow, Holds::Secret)
}

/// An option that holds none, whatever it is called.
pub(crate) const fn switch(names: &'static str) -> MarkedOption {
    option(names, Given::Nothing, Holds::Text)
}

/// The marks of all programs, by name.
#[derive(Debug)]
pub(crate) struct Programs {
    sorted: Vec<(&'static [u8], &'static Marks)>,
}

impl Programs {
    /// Those of the tools, and of programs that no tool governs.
    pub(crate) fn with(tools: &[&'static [Marks]]) -> Self {
        let named = |marks: &'static Marks| {
            marks.programs.iter().copied().flatten().map(move |name| (name.as_bytes(), marks))
        };
        let all = tools.iter().copied().chain([OTHERS]).flatten();
        let mut sorted: Vec<_> = all.flat_map(named).collect();
        sorted.sort_by_key(|(name, _)| *name);
        Self { sorted }
    }

    /// What is marked of the program that `word` names, by its base name.
    pub(super) fn named<'a>(&'a self, word: &'a [u8]) -> impl Iterator<Item = &'static Marks> + 'a {
        let base = word.rsplit(|byte| *byte == b'/').next().unwrap_or(word);
        let start = self.sorted.partition_point(|(name, _)| *name < base);
        self.sorted[start..]
            .iter()
            .take_while(move |(name, _)| *name == base)
            .map(|(_, marks)| *marks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_however_they_are_given() {
        let option = secret("-p --password -password");
        let plain = marks(&[], &[]);
        let cases: [(&[u8], Option<Option<usize>>); 8] = [
            (b"-p", Some(None)),
            (b"-px", Some(Some(2))),
            (b"--password", Some(None)),
            (b"--password=x", Some(Some(11))),
            (b"-password=x", Some(Some(10))),
            (b"--passwords", None),
            (b"-xp", None),
            (b"-", None),
        ];
        for (word, found) in cases {
            assert_eq!(plain.find(&option, word), found, "{word:?}");
        }
        let bundled = marks(&[], &[]).bundled("pof");
        assert_eq!(bundled.find(&option, b"-vvpx"), Some(Some(4)));
        assert_eq!(bundled.find(&option, b"-vop"), None);
        let whole = marks(&[], &[]).whole();
        assert_eq!(whole.find(&option, b"-p"), Some(None));
        assert_eq!(whole.find(&option, b"-px"), None);
        let short = marks(&[], &[]).abbreviated();
        assert_eq!(short.find(&option, b"--pas=x"), Some(Some(6)));
        assert_eq!(short.find(&option, b"--p=x"), None);
    }

    #[test]
    fn marks_are_found_by_base_name() {
        static TOOL: &[Marks] = &[marks(&[&["openssl", "tool"]], &[])];
        let programs = Programs::with(&[TOOL]);
        assert_eq!(programs.named(b"/usr/bin/tool").count(), 1);
        assert_eq!(programs.named(b"openssl").count(), 2, "a tool's and another's");
        assert_eq!(programs.named(b"ls").count(), 0);
    }
}
