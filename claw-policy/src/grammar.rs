//! The command line of a tool that claw does not know, as a policy declares it (`[tool.NAME]`).
//!
//! Data only: `parse/grammar.rs` makes it from the policy's text, and claw-classify reads calls by it. A
//! grammar belongs to its policy. Its domain is shared by the policy's rules and the facts of calls.

use std::sync::Arc;

use crate::schema::DeclaredDomain;

/// A declared tool.
#[derive(Debug)]
pub struct Grammar {
    /// The name that policies use, and that of its domain.
    pub name: Arc<str>,
    /// Every base name its program file goes by.
    pub names: Vec<String>,
    /// Its exit status when it fails, for denials.
    pub exit_status: u8,
    /// Variables that load code into the interpreter it is written in.
    pub loads_env: Vec<String>,
    /// Whether its options must come before its first argument.
    pub options_first: bool,
    /// Whether it accepts an unambiguous prefix of a long option's name.
    pub abbreviations: bool,
    /// The options that may stand anywhere.
    pub options: Vec<OptionDef>,
    /// Its arguments, if it has no commands.
    pub arguments: Arguments,
    /// Its commands; empty if its first words do not name a command.
    pub commands: Vec<Command>,
    /// The facts that all of this gives.
    pub domain: Arc<DeclaredDomain>,
}

/// A command of a declared tool.
#[derive(Debug)]
pub struct Command {
    /// Its words, one space between them, as the fact `command` gives them.
    pub path: String,
    /// Other words for the same command.
    pub aliases: Vec<String>,
    /// The options that may follow it, in addition to those of the tool.
    pub options: Vec<OptionDef>,
    /// Its arguments.
    pub arguments: Arguments,
}

/// An option.
#[derive(Debug)]
pub struct OptionDef {
    /// Its names as they are written, with their dashes.
    pub names: Vec<String>,
    /// The fact it gives.
    pub fact: Arc<str>,
    /// Its value.
    pub takes: Takes,
}

/// The value of an option, which gives the type of its fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takes {
    /// Nothing; a bool.
    Nothing,
    /// One value; a name.
    Value,
    /// One of these values; a name.
    Choice(Vec<String>),
    /// A whole number.
    Number,
    /// One value each time it is given; a set of names.
    Values,
    /// An optional value after `=` in the same word; a name if there is one.
    Perhaps,
}

/// The words that are not options.
#[derive(Debug)]
pub enum Arguments {
    /// Any number of words: the fact `arguments`.
    Any,
    /// These and no more.
    Named(Vec<Argument>),
}

/// An argument.
#[derive(Debug)]
pub struct Argument {
    /// The fact it gives.
    pub fact: Arc<str>,
    /// How often it may be given.
    pub count: Count,
}

/// How often an argument may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Once: `name`.
    One,
    /// Once or not at all: `name?`.
    Perhaps,
    /// Any number of times, to the end: `name...`; a set of names.
    Rest,
}

impl Grammar {
    /// Whether a program file of the base name `name` is this tool.
    #[must_use]
    pub fn goes_by(&self, name: &[u8]) -> bool {
        self.names.iter().any(|known| known.as_bytes() == name)
    }
}

impl Command {
    /// Whether `words` name this command.
    #[must_use]
    pub fn goes_by(&self, words: &str) -> bool {
        self.spellings().any(|spelling| spelling == words)
    }

    /// Every way to name it.
    pub fn spellings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.path.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}
