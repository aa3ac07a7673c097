//! Command lines, as files of the suite write them.
//!
//! One line is one call: words parted by spaces outside single quotes, variables before the tool's name. `#`
//! begins a comment line. A mark and a space before a line give another expectation than agreement: `!` the
//! tool refuses it, `?` claw does not read it, `~` the tool, or a version of it, refuses it although claw
//! reads it.

/// What is expected of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The tool does it and claw reads it.
    Agreed,
    /// The tool refuses it, and claw does not call it something that is read.
    Refused,
    /// The tool does it, and claw says that it does not read it.
    Opaque,
    /// If the tool does it at all, claw agrees.
    AgreedIfDone,
    /// Made by a program: the tool may refuse it and claw may not read it.
    Anything,
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) expected: Expected,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) argv: Vec<String>,
}

impl Line {
    /// A made line.
    pub(crate) fn made<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        Self {
            expected: Expected::Anything,
            env: Vec::new(),
            argv: argv.into_iter().map(Into::into).collect(),
        }
    }

    /// Adds a variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The line with each of `names` replaced by its value, wherever it stands.
    pub(crate) fn with(&self, names: &[(&str, String)]) -> Self {
        let replaced = |text: &String| {
            names.iter().fold(text.clone(), |text, (name, value)| text.replace(name, value))
        };
        Self {
            expected: self.expected,
            env: self.env.iter().map(|(name, value)| (name.clone(), replaced(value))).collect(),
            argv: self.argv.iter().map(replaced).collect(),
        }
    }

    /// The line as it is written.
    pub(crate) fn text(&self) -> String {
        let quoted = |word: &str| match word.contains([' ', '\n']) || word.is_empty() {
            true => format!("'{word}'"),
            false => word.to_owned(),
        };
        let env = self.env.iter().map(|(name, value)| quoted(&format!("{name}={value}")));
        env.chain(self.argv.iter().map(|word| quoted(word))).collect::<Vec<_>>().join(" ")
    }
}

/// The lines of a file.
pub(crate) fn read(file: &str) -> Vec<Line> {
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.filter(|line| !line.starts_with('#')).map(one).collect()
}

fn one(line: &str) -> Line {
    let (expected, rest) = match line.split_at(1) {
        ("!", rest) if rest.starts_with(' ') => (Expected::Refused, rest),
        ("?", rest) if rest.starts_with(' ') => (Expected::Opaque, rest),
        ("~", rest) if rest.starts_with(' ') => (Expected::AgreedIfDone, rest),
        _ => (Expected::Agreed, line),
    };
    let words = claw_corpus::split(rest);
    let program = words.iter().position(|word| !word.contains('=')).expect("a line names a tool");
    let variable = |word: &String| {
        let (name, value) = word.split_once('=').expect("what stands first is a variable");
        (name.to_owned(), value.to_owned())
    };
    Line {
        expected,
        env: words[..program].iter().map(variable).collect(),
        argv: words[program..].to_vec(),
    }
}

/// A small generator of numbers that look random and are the same in every run.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Begins at `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `end`; SplitMix64, by Steele, Lea and Flood.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let end = u64::try_from(end).expect("a short list");
        usize::try_from((mixed ^ (mixed >> 31)) % end).expect("below a short list's length")
    }

    /// One of `choices`.
    pub(crate) fn one<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// How many made lines of each sort: a few in every run, many where asked for.
pub(crate) fn bounded(few: usize, many: usize) -> usize {
    match std::env::var("CLAW_DIFFERENTIAL") {
        Ok(size) if size == "full" => many,
        Ok(size) => panic!("`CLAW_DIFFERENTIAL={size}`: only `full` is known"),
        Err(_) => few,
    }
}
