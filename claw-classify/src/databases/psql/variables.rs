//! psql's variables: those that `-v` and `\set` set, as far as their values are known.
//!
//! Source: `src/bin/psql/variables.c` and `startup.c`. A variable that psql sets by itself, or that it treats
//! specially (a value may be refused, or replaced), has a value that is not known here.

use std::collections::BTreeMap;

/// The variable that has scripts end at their first error.
pub(super) const ON_ERROR_STOP: &str = "ON_ERROR_STOP";

/// The value of a variable that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// These characters.
    Known(String),
    /// Set or not, and to what, depends on what the server or a program answers.
    Unknown,
}

/// The variables.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    /// Nothing where it was unset.
    set: BTreeMap<String, Option<Value>>,
    /// Whatever begins so may have been set by `\gset`.
    unknown: Vec<String>,
    /// Whether ON_ERROR_STOP was ever set: false where it may have been set to anything but on.
    pub(super) on_error_stop: Option<bool>,
    /// SINGLELINE: a line's end sends what was gathered.
    pub(super) single_line: bool,
    /// Why scripts cannot be followed, once a variable has made it so.
    pub(super) unreadable: Option<&'static str>,
}

/// What of the variables is put in, where a branch runs or may run.
#[derive(Debug)]
pub(super) struct Sight<'a> {
    pub(super) variables: &'a Variables,
    /// Whether the branch runs for certain.
    pub(super) certain: bool,
}

/// How a variable is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `:name`, as it is.
    Plain,
    /// `:'name'`, as a literal.
    Literal,
    /// `:"name"`, as an identifier.
    Identifier,
    /// `:{?name}`: whether it is set.
    Test,
}

/// What may mean a variable.
#[derive(Debug)]
pub(super) struct Reference<'a> {
    pub(super) name: &'a str,
    pub(super) form: Form,
    /// How many bytes it is long, its colon included.
    pub(super) length: usize,
}

impl<'a> Reference<'a> {
    /// What stands at the start of `text`, which begins with a colon.
    pub(super) fn at(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix(':')?;
        let (form, open, close) = match rest.bytes().next()? {
            b'\'' => (Form::Literal, "'", "'"),
            b'"' => (Form::Identifier, "\"", "\""),
            b'{' => (Form::Test, "{?", "}"),
            _ => (Form::Plain, "", ""),
        };
        let named = rest.strip_prefix(open)?;
        let name = &named[..name_length(named)];
        let whole = !name.is_empty() && named[name.len()..].starts_with(close);
        whole.then_some(Self { name, form, length: 1 + open.len() + name.len() + close.len() })
    }
}

/// As psql quotes an identifier.
pub(super) fn quoted_identifier(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

/// The length of the variable's name at the start of `text`.
fn name_length(text: &str) -> usize {
    text.bytes()
        .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80))
        .unwrap_or(text.len())
}

/// Names without a small letter are psql's own, or may be in another release.
fn is_own(name: &str) -> bool {
    name.bytes().any(|byte| byte.is_ascii_uppercase())
        && !name.bytes().any(|byte| byte.is_ascii_lowercase() || byte >= 0x80)
}

/// Whether psql takes any value for a variable of this name.
pub(super) fn takes_any(name: &str) -> bool {
    !name.is_empty() && name_length(name) == name.len() && !is_own(name)
}

/// `ParseVariableBool`.
pub(super) fn boolean(value: &str) -> Option<bool> {
    let value = value.to_ascii_lowercase();
    let begins = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    match () {
        () if begins("true", 1) || begins("yes", 1) || value == "on" || value == "1" => Some(true),
        () if begins("false", 1) || begins("no", 1) || begins("off", 2) || value == "0" => {
            Some(false)
        }
        () => None,
    }
}

impl Variables {
    /// The value of the variable `name`, or nothing where it is not set.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        match self.set.get(name) {
            Some(value) => value.as_ref(),
            None if is_own(name) => Some(&Value::Unknown),
            None if self.unknown.iter().any(|prefix| name.starts_with(prefix)) => {
                Some(&Value::Unknown)
            }
            None => None,
        }
    }

    /// Sets a variable, or unsets it. A name that cannot be one is refused by psql and changes nothing.
    pub(super) fn set(&mut self, name: &str, value: Option<Value>) {
        if name.is_empty() || name_length(name) != name.len() {
            return;
        }
        if name == "SINGLELINE" || name == "SINGLESTEP" {
            let on = match &value {
                None => Some(false),
                Some(Value::Known(value)) => boolean(value),
                Some(Value::Unknown) => {
                    self.unreadable.get_or_insert("whether psql reads line by line is not known");
                    None
                }
            };
            match (name, on) {
                ("SINGLELINE", Some(on)) => self.single_line = on,
                ("SINGLESTEP", Some(true)) => {
                    self.unreadable.get_or_insert("psql asks before each statement");
                }
                _ => {}
            }
        }
        if name == ON_ERROR_STOP {
            let on = matches!(&value, Some(Value::Known(value)) if boolean(value) == Some(true));
            self.on_error_stop = Some(on && self.on_error_stop != Some(false));
        }
        if !is_own(name) {
            self.set.insert(name.to_owned(), value);
        }
    }

    /// Whatever begins with `prefix` may be set now.
    pub(super) fn forget(&mut self, prefix: &str) {
        if ON_ERROR_STOP.starts_with(prefix) {
            self.lose(ON_ERROR_STOP);
        }
        self.set.retain(|name, _| !name.starts_with(prefix));
        self.unknown.push(prefix.to_owned());
    }

    /// A variable whose value is not known any more.
    pub(super) fn lose(&mut self, name: &str) {
        self.set(name, Some(Value::Unknown));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_as_psql_reads_them() {
        for (text, expected) in [
            ("t", Some(true)),
            ("TRUE", Some(true)),
            ("y", Some(true)),
            ("on", Some(true)),
            ("1", Some(true)),
            ("f", Some(false)),
            ("n", Some(false)),
            ("of", Some(false)),
            ("0", Some(false)),
            ("o", None),
            ("", None),
            ("truely", None),
            ("2", None),
        ] {
            assert_eq!(boolean(text), expected, "{text}");
        }
    }

    #[test]
    fn what_gset_may_have_set_is_unknown() {
        let known = |text: &str| Some(Value::Known(text.to_owned()));
        let mut variables = Variables::default();
        variables.set("x", known("1"));
        variables.set("not a name", known("1"));
        assert_eq!(variables.value("x"), known("1").as_ref());
        assert_eq!(variables.value("y"), None);
        assert_eq!(variables.value("ROW_COUNT"), Some(&Value::Unknown));
        variables.forget("x");
        assert_eq!(variables.value("xy"), Some(&Value::Unknown));
        variables.set("x", None);
        assert_eq!(variables.value("x"), None);
    }
}
