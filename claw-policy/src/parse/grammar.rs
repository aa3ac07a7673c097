//! `[tool.NAME]`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::reader::{KnownTool, Node, Reader, describe};
use crate::grammar::{Argument, Arguments, Command, Count, Grammar, OptionDef, Takes};
use crate::matcher::OPAQUE;
use crate::schema::{DeclaredDomain, DeclaredFact, Kind};

const KEYS: &[&str] = &[
    "names",
    "exit_status",
    "loads_env",
    "options_first",
    "abbreviations",
    "options",
    "arguments",
    "commands",
];
const COMMAND_KEYS: &[&str] = &["aliases", "options", "arguments"];

/// What an option takes, for those that one word describes.
const TAKES: [(&str, &Takes); 5] = [
    ("nothing", &Takes::Nothing),
    ("value", &Takes::Value),
    ("number", &Takes::Number),
    ("values", &Takes::Values),
    ("perhaps", &Takes::Perhaps),
];

/// Names of facts that every declared tool has, and names with another meaning next to facts.
const RESERVED: [&str; 6] = ["command", "options", "arguments", OPAQUE, "domain", "text"];

/// The facts declared so far, by name: type, listed values, and whether other values are possible.
#[derive(Default)]
struct Declared(BTreeMap<String, (Kind, Vec<String>, bool)>);

impl Reader<'_> {
    /// Reads the tools that the policy declares, and makes them known to the rest of the policy.
    pub(super) fn declared_tools(&mut self, root: &DeTable<'_>) -> Vec<Arc<Grammar>> {
        let mut grammars: Vec<Arc<Grammar>> = Vec::new();
        let Some(tools) = root.get("tool").and_then(|value| self.table(value, "`tool`")) else {
            return grammars;
        };
        for (key, value) in tools {
            let name = key.get_ref().as_ref();
            let what = format!("`tool.{name}`");
            let Some(table) = self.table(value, &what) else { continue };
            if !self.may_be_called(name, key.span()) {
                continue;
            }
            let grammar = Arc::new(self.grammar(name, key.span(), table, &what, &grammars));
            self.domains.push((&grammar.domain).into());
            self.tools.push(KnownTool::declared((&grammar.name).into()));
            grammars.push(grammar);
        }
        grammars
    }

    /// Whether a tool may be declared under `name`.
    fn may_be_called(&mut self, name: &str, span: Range<usize>) -> bool {
        let letter = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
        if name.is_empty() || !name.chars().all(letter) {
            self.error(
                span,
                format!("`{name}` cannot name a tool"),
                "letters, digits, `-` and `_`",
            )
            .help("where the program has another name, say it under `names`");
            return false;
        }
        if self.schema.programs().any(|known| known == name)
            || self.tools.iter().any(|tool| tool.name == *name)
        {
            self.error(span, format!("`{name}` is a tool that claw reads itself"), "known already")
                .help("remove the table, and ask for the facts that claw gives of it");
            return false;
        }
        if self.domains.iter().any(|domain| domain.name() == name) {
            self.error(span, format!("`{name}` is the name of a domain of facts"), "taken")
                .help("give the table another name, and the program's own under `names`");
            return false;
        }
        true
    }

    fn grammar(
        &mut self,
        name: &str,
        span: Range<usize>,
        table: &DeTable<'_>,
        what: &str,
        others: &[Arc<Grammar>],
    ) -> Grammar {
        self.keys(table, what, KEYS);
        let mut facts = Declared::default();
        let names = self.program_names(name, span, table, others);
        let options = self.options(table, &[], &mut facts);
        let commands = self.commands(table, &options, &mut facts);
        if let (Some(value), false) = (table.get("arguments"), commands.is_empty()) {
            self.error(value.span(), "a tool with commands has its arguments there", "never used")
                .help("move `arguments` to the commands that take them");
        }
        let arguments = self.arguments(table, &mut facts);
        let flag = |reader: &mut Self, key: &str| {
            let value = table.get(key).and_then(|value| reader.bool(value, &format!("`{key}`")));
            value.unwrap_or(false)
        };
        let options_first = flag(self, "options_first");
        let abbreviations = flag(self, "abbreviations");
        let paths: Vec<String> = commands.iter().map(|command| command.path.clone()).collect();
        Grammar {
            name: name.into(),
            names,
            exit_status: self.exit_status(table),
            loads_env: self.loads_env(table),
            options_first,
            abbreviations,
            options,
            arguments,
            domain: domain(name, facts, paths),
            commands,
        }
    }

    fn program_names(
        &mut self,
        name: &str,
        span: Range<usize>,
        table: &DeTable<'_>,
        others: &[Arc<Grammar>],
    ) -> Vec<String> {
        let Some(value) = table.get("names") else {
            self.new_program(name, span, others);
            return vec![name.to_owned()];
        };
        let mut names = Vec::new();
        for value in self.list(value, "`names`") {
            let Some(name) = self.string(value, "a program's name") else { continue };
            if name.is_empty() || name.contains(['/', '\0']) {
                let message = format!("`{}` is no program's name", name.escape_debug());
                self.error(value.span(), message, "not the last part of a path").help(
                    "a tool is known by the name of its file; `[pins]` says which files it may be",
                );
                continue;
            }
            self.new_program(&name, value.span(), others);
            names.push(name);
        }
        names
    }

    /// Checks that a program's name does not mean another tool already.
    fn new_program(&mut self, name: &str, span: Range<usize>, others: &[Arc<Grammar>]) {
        if self.schema.programs().any(|known| known == name) {
            self.error(span, format!("`{name}` is a tool that claw reads itself"), "known already");
        } else if let Some(other) = others.iter().find(|other| other.goes_by(name.as_bytes())) {
            let message = format!("`{name}` is also a name of `tool.{}`", other.name);
            self.error(span, message, "used twice");
        }
    }

    fn exit_status(&mut self, table: &DeTable<'_>) -> u8 {
        let Some(value) = table.get("exit_status") else { return 1 };
        let Some(status) = self.int(value, "`exit_status`") else { return 1 };
        match u8::try_from(status) {
            Ok(status) if status > 0 => status,
            _ => {
                self.error(value.span(), "an exit status of failure is 1 to 255", "out of range");
                1
            }
        }
    }

    fn loads_env(&mut self, table: &DeTable<'_>) -> Vec<String> {
        let Some(value) = table.get("loads_env") else { return Vec::new() };
        let mut names = Vec::new();
        for value in self.list(value, "`loads_env`") {
            let Some(name) = self.string(value, "the name of a variable") else { continue };
            self.env_name(&name, value.span());
            names.push(name);
        }
        names
    }

    /// The options of a table. None may have a name of an option in `around`, the options that apply there
    /// too.
    fn options(
        &mut self,
        table: &DeTable<'_>,
        around: &[OptionDef],
        facts: &mut Declared,
    ) -> Vec<OptionDef> {
        let mut options: Vec<OptionDef> = Vec::new();
        let Some(table) = table.get("options").and_then(|value| self.table(value, "`options`"))
        else {
            return options;
        };
        for (key, value) in table {
            let text = key.get_ref().as_ref();
            let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
            if let Some(wrong) = names.iter().find(|name| !is_option(name)) {
                let message = format!("`{wrong}` is no option");
                self.error(key.span(), message, "not as it is written on the command line")
                    .help("write its names with their dashes, as in `\"-e, --env\" = \"value\"`");
                continue;
            }
            let known = |name: &&String| {
                around.iter().chain(&options).any(|other| other.names.contains(*name))
            };
            if let Some(twice) = names.iter().find(known) {
                self.error(key.span(), format!("`{twice}` is an option already"), "used twice");
                continue;
            }
            let Some(takes) = self.takes(value, text) else { continue };
            let long = names.iter().find(|name| name.starts_with("--")).unwrap_or(&names[0]);
            let fact = long.trim_start_matches('-').replace('-', "_");
            let (kind, values) = match &takes {
                Takes::Nothing => (Kind::Bool, None),
                Takes::Number => (Kind::Int, None),
                Takes::Values => (Kind::Set, None),
                Takes::Value | Takes::Perhaps => (Kind::Str, None),
                Takes::Choice(values) => (Kind::Str, Some(values.clone())),
            };
            self.declare(facts, &fact, kind, values, key.span());
            options.push(OptionDef { names, fact: fact.into(), takes });
        }
        options
    }

    fn takes(&mut self, value: &Node<'_>, option: &str) -> Option<Takes> {
        let what = format!("what `{option}` takes");
        let DeValue::Array(_) = value.get_ref() else {
            if value.get_ref().as_str().is_none() {
                let have = describe(value.get_ref());
                let message = format!("{what} is a word or a list of its values, not {have}");
                self.error(value.span(), message, "expected a string");
                return None;
            }
            return self.word(value, &what, &TAKES).cloned();
        };
        let values = self.list(value, &what);
        let values: Vec<String> =
            values.into_iter().filter_map(|value| self.string(value, "a value")).collect();
        (!values.is_empty()).then_some(Takes::Choice(values))
    }

    fn arguments(&mut self, table: &DeTable<'_>, facts: &mut Declared) -> Arguments {
        let Some(value) = table.get("arguments") else { return Arguments::Any };
        let DeValue::Array(values) = value.get_ref() else {
            self.wrong_type(value, "`arguments`", "a list of names");
            return Arguments::Any;
        };
        let mut named: Vec<Argument> = Vec::new();
        for value in values {
            let Some(text) = self.string(value, "an argument") else { continue };
            let (name, count) = match (text.strip_suffix("..."), text.strip_suffix('?')) {
                (Some(name), _) => (name, Count::Rest),
                (None, Some(name)) => (name, Count::Perhaps),
                (None, None) => (text.as_str(), Count::One),
            };
            let before = named.last().map_or(Count::One, |argument| argument.count);
            if before == Count::Rest || (before, count) == (Count::Perhaps, Count::One) {
                self.error(
                    value.span(),
                    "which word this is cannot be told",
                    "after what may be left out",
                )
                .help("`name` comes first, then `name?`, and `name...` at the end");
            }
            let fact = name.replace('-', "_");
            let kind = if count == Count::Rest { Kind::Set } else { Kind::Str };
            self.declare(facts, &fact, kind, None, value.span());
            named.push(Argument { fact: fact.into(), count });
        }
        Arguments::Named(named)
    }

    fn commands(
        &mut self,
        table: &DeTable<'_>,
        options: &[OptionDef],
        facts: &mut Declared,
    ) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        let Some(value) = table.get("commands") else { return commands };
        let Some(table) = self.table(value, "`commands`") else { return commands };
        if table.is_empty() {
            self.error(value.span(), "`commands` names no command", "empty");
        }
        for (key, value) in table {
            let path = key.get_ref().as_ref();
            let what = format!("the command `{path}`");
            self.command_words(path, key.span(), &commands);
            let Some(table) = self.table(value, &what) else { continue };
            self.keys(table, &what, COMMAND_KEYS);
            let mut aliases = Vec::new();
            if let Some(value) = table.get("aliases") {
                for value in self.list(value, "`aliases`") {
                    let Some(alias) = self.string(value, "an alias") else { continue };
                    self.command_words(&alias, value.span(), &commands);
                    aliases.push(alias);
                }
            }
            commands.push(Command {
                path: path.to_owned(),
                aliases,
                options: self.options(table, options, facts),
                arguments: self.arguments(table, facts),
            });
        }
        commands
    }

    /// Checks the words of a command, which must be unique.
    fn command_words(&mut self, path: &str, span: Range<usize>, others: &[Command]) {
        let word = |word: &str| !word.is_empty() && !word.starts_with('-');
        if !path.split(' ').all(word) || path.contains(char::is_control) {
            self.error(span, format!("`{}` names no command", path.escape_debug()), "not words")
                .help("write its words with one space between them, as in `\"db migrate\"`");
        } else if let Some(other) = others.iter().find(|other| other.goes_by(path)) {
            let message = format!("`{path}` is the command `{}` already", other.path);
            self.error(span, message, "used twice");
        }
    }

    /// Declares a fact, and reports conflicts.
    fn declare(
        &mut self,
        facts: &mut Declared,
        name: &str,
        kind: Kind,
        values: Option<Vec<String>>,
        span: Range<usize>,
    ) {
        let letter = |char: char| char.is_ascii_alphanumeric() || char == '_';
        if name.is_empty() || !name.chars().all(letter) {
            let message = format!("`{name}` cannot name a fact");
            self.error(span, message, "letters, digits and `_`");
            return;
        }
        if RESERVED.contains(&name) {
            self.error(span, format!("the fact `{name}` means something else"), "taken")
                .help("give the option a longer name first, or the argument another");
            return;
        }
        let open = values.is_none();
        let values = values.unwrap_or_default();
        match facts.0.get_mut(name) {
            None => {
                facts.0.insert(name.to_owned(), (kind, values, open));
            }
            Some((known, all, any)) if *known == kind => {
                *any |= open;
                all.extend(values);
            }
            Some(_) => {
                let message = format!("`{name}` is a fact of another type already");
                self.error(span, message, "two types")
                    .help("what has one name must be of one kind in every command");
            }
        }
    }
}

/// Whether `name` is spelled as an option on a command line.
fn is_option(name: &str) -> bool {
    let bare = name.strip_prefix("--").or_else(|| name.strip_prefix('-')).unwrap_or_default();
    let letter = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    bare.starts_with(|first: char| first.is_ascii_alphanumeric()) && bare.chars().all(letter)
}

/// The domain of a declared tool.
fn domain(name: &str, facts: Declared, commands: Vec<String>) -> Arc<DeclaredDomain> {
    let fact = |name: &str, kind, mut values: Vec<String>| {
        values.sort();
        values.dedup();
        DeclaredFact { name: name.into(), kind, values }
    };
    let mut table = Vec::new();
    if !commands.is_empty() {
        table.push(fact("command", Kind::Str, commands));
    }
    table.push(fact("options", Kind::Set, Vec::new()));
    table.push(fact("arguments", Kind::Set, Vec::new()));
    for (name, (kind, values, open)) in facts.0 {
        table.push(fact(&name, kind, if open { Vec::new() } else { values }));
    }
    Arc::new(DeclaredDomain { name: name.into(), facts: table })
}

#[cfg(test)]
mod tests;
