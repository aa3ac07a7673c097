//! Reads values of the right types from a TOML tree, with a diagnostic for each wrong one.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, alternatives, nearest, position};
use crate::name::Name;
use crate::schema::{ChangeDef, DomainRef, GOVERNED, Schema, ToolDef};

/// A value and where it stands.
pub(super) type Node<'a> = Spanned<DeValue<'a>>;

/// The file that is being read, and the mistakes found in it.
pub(super) struct Reader<'s> {
    pub(super) text: &'s str,
    pub(super) file: &'s str,
    /// The domains that rules may name, including those of the policy's own tools.
    pub(super) domains: Vec<DomainRef>,
    /// The tools that rules may name, including the policy's own.
    pub(super) tools: Vec<KnownTool>,
    /// The tables that claw knows by itself.
    pub(super) schema: Schema,
    /// The offset of the first byte of each line except the first.
    lines: Vec<usize>,
    pub(super) found: Vec<Diagnostic>,
}

/// A tool that rules may name.
#[derive(Clone)]
pub(super) struct KnownTool {
    pub(super) name: Name,
    pub(super) groups: Vec<&'static str>,
    pub(super) changes: &'static [&'static ChangeDef],
}

impl KnownTool {
    fn of(tool: &'static ToolDef) -> Self {
        let governed = tool.governed.then_some(GOVERNED);
        let groups = tool.groups.iter().copied().chain(governed).collect();
        Self { name: tool.name.into(), groups, changes: tool.changes }
    }

    /// A tool that the policy declares.
    pub(super) fn declared(name: Name) -> Self {
        Self { name, groups: vec![GOVERNED], changes: &[] }
    }
}

/// A diagnostic that was just reported.
pub(super) struct Noted<'r>(&'r mut Diagnostic);

impl Noted<'_> {
    /// Adds what to do about it.
    pub(super) fn help(self, help: impl Into<String>) {
        self.0.help = Some(help.into());
    }
}

impl<'s> Reader<'s> {
    pub(super) fn new(text: &'s str, file: &'s str, schema: Schema) -> Self {
        let lines =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self {
            text,
            file,
            domains: schema.domains.iter().copied().map(DomainRef::Known).collect(),
            tools: schema.tools.iter().map(KnownTool::of).collect(),
            schema,
            lines: lines.collect(),
            found: Vec::new(),
        }
    }

    /// Reports a mistake.
    pub(super) fn error(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Noted<'_> {
        let (line, column) = position(self.text, span.start);
        let (message, label) = (message.into(), label.into());
        let diagnostic = Diagnostic { message, span, line, column, label, help: None };
        Noted(self.found.push_mut(diagnostic))
    }

    /// Reports a name that is not in `known`, and suggests the nearest one.
    pub(super) fn unknown<'n>(
        &mut self,
        span: Range<usize>,
        message: String,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        let help = match nearest(name, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("expected {}", alternatives(known)),
        };
        self.error(span, message, "unknown").help(help);
    }

    /// The line of the first byte of `span`, from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.lines.partition_point(|start| *start <= span.start) + 1
    }

    /// Reports every key of `table` that is not in `known`.
    pub(super) fn keys(&mut self, table: &DeTable<'_>, what: &str, known: &[&str]) {
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let message = format!("`{name}` is not a key of {what}");
                self.unknown(key.span(), message, name, known.iter().copied());
            }
        }
    }

    /// The value of `key`, which `what` requires; `header` is the span to report if it is missing.
    pub(super) fn required<'a, 'b>(
        &mut self,
        table: &'b DeTable<'a>,
        key: &str,
        header: Range<usize>,
        what: &str,
    ) -> Option<&'b Node<'a>> {
        let value = table.get(key);
        if value.is_none() {
            self.error(header, format!("{what} needs `{key}`"), format!("no `{key}`"));
        }
        value
    }

    pub(super) fn wrong_type(&mut self, value: &Node<'_>, what: &str, expected: &str) {
        let have = describe(value.get_ref());
        let message = format!("{what} is {expected}, not {have}");
        self.error(value.span(), message, format!("expected {expected}"));
    }

    pub(super) fn table<'a, 'b>(
        &mut self,
        value: &'b Node<'a>,
        what: &str,
    ) -> Option<&'b DeTable<'a>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, what, "a table");
        }
        table
    }

    pub(super) fn string(&mut self, value: &Node<'_>, what: &str) -> Option<String> {
        let string = value.get_ref().as_str().map(str::to_owned);
        if string.is_none() {
            self.wrong_type(value, what, "a string");
        }
        string
    }

    pub(super) fn bool(&mut self, value: &Node<'_>, what: &str) -> Option<bool> {
        let bool = value.get_ref().as_bool();
        if bool.is_none() {
            self.wrong_type(value, what, "`true` or `false`");
        }
        bool
    }

    pub(super) fn int(&mut self, value: &Node<'_>, what: &str) -> Option<i64> {
        let Some(int) = value.get_ref().as_integer() else {
            self.wrong_type(value, what, "a whole number");
            return None;
        };
        let parsed = i64::from_str_radix(int.as_str(), int.radix()).ok();
        if parsed.is_none() {
            self.error(value.span(), format!("{what} is too large a number"), "out of range");
        }
        parsed
    }

    /// The meaning of a word, which must be one of `known`.
    pub(super) fn word<T: Copy>(
        &mut self,
        value: &Node<'_>,
        what: &str,
        known: &[(&str, T)],
    ) -> Option<T> {
        let word = self.string(value, what)?;
        let found = known.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let message = format!("`{word}` is not a value of {what}");
            self.unknown(value.span(), message, &word, known.iter().map(|(name, _)| *name));
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// The values of a non-empty list, or the one value in place of a list.
    pub(super) fn list<'a, 'b>(&mut self, value: &'b Node<'a>, what: &str) -> Vec<&'b Node<'a>> {
        match value.get_ref() {
            DeValue::Array(values) if values.is_empty() => {
                self.error(value.span(), format!("{what} is an empty list"), "matches nothing")
                    .help("name at least one value, or remove the key");
                Vec::new()
            }
            DeValue::Array(values) => values.iter().collect(),
            _ => vec![value],
        }
    }
}

/// The type of a value, for people.
pub(super) fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
