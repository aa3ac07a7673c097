//! The session that a text is sent in, as far as it changes how the text is read.

use std::collections::BTreeSet;

use claw_policy::{Action, Fact, Reading, Value};

use super::Sql;
use super::texts::Texts;

/// Which server, database and user the session has, as far as the call says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) host: Option<String>,
    pub(crate) port: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) database: Option<String>,
    /// Why what is not said is not known either, if something else says it.
    pub(crate) elsewhere: Option<&'static str>,
}

/// The session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    /// Its connection.
    pub(crate) connection: Connection,
    /// Why texts of this session cannot be read, once a setting has made it so.
    pub(crate) unreadable: Option<String>,
    /// The texts of the call, as far as they are parsed.
    pub(crate) texts: Texts,
}

/// Client encodings in which no byte below 0x80 is ever part of a longer character, so that a quote
/// or a backslash is always one (PostgreSQL manual, "Character Set Support"). The others are for
/// clients only for just this reason: SJIS, BIG5, GBK, GB18030, UHC, JOHAB and SHIFT_JIS_2004.
/// Names are compared as the server does, without case and punctuation.
const PLAIN_ENCODINGS: &[&str] = &[
    "utf8",
    "unicode",
    "sqlascii",
    "auto",
    "ascii",
    "ansix341968",
    "usascii",
    "eucjp",
    "eucjis2004",
    "euckr",
    "euccn",
    "euctw",
    "koi8",
    "koi8r",
    "koi8u",
    "mulesinternal",
    "alt",
    "win",
    "abc",
    "tcvn",
    "tcvn5712",
    "vscii",
];

fn is_plain_encoding(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    PLAIN_ENCODINGS.contains(&name.as_str())
        || numbered("latin")
        || numbered("iso8859")
        || name
            .strip_prefix("win")
            .or(name.strip_prefix("windows"))
            .or(name.strip_prefix("cp"))
            .is_some_and(|page| {
                matches!(
                    page,
                    "866"
                        | "874"
                        | "1250"
                        | "1251"
                        | "1252"
                        | "1253"
                        | "1254"
                        | "1255"
                        | "1256"
                        | "1257"
                        | "1258"
                )
            })
}

impl Session {
    /// Takes in a setting.
    pub(crate) fn note(&mut self, name: &str, value: &str) {
        let value = value.trim().trim_matches('\'');
        let on = || {
            let value = value.to_ascii_lowercase();
            // Any unambiguous prefix of a boolean word means the word (parse_bool).
            value == "1"
                || value == "on"
                || (!value.is_empty() && ("true".starts_with(&value) || "yes".starts_with(&value)))
        };
        let reason = match name.to_ascii_lowercase().as_str() {
            "standard_conforming_strings" if !on() => {
                "with `standard_conforming_strings` off a backslash in a literal changes where it ends"
                    .to_owned()
            }
            "client_encoding" | "names" if !is_plain_encoding(value) => {
                format!("in the client encoding `{value}` a quote can be half of a character")
            }
            _ => return,
        };
        self.unreadable.get_or_insert(reason);
    }

    /// Adds the facts of the connection to an action.
    pub(crate) fn describe(&self, action: &mut Action) {
        self.describe_as(action, [Sql::HOST, Sql::PORT, Sql::USER, Sql::DATABASE]);
    }

    /// As [`Session::describe`], by the facts of another domain for host, port, user and database.
    pub(crate) fn describe_as(&self, action: &mut Action, facts: [Fact<String>; 4]) {
        let Connection { host, port, user, database, elsewhere } = &self.connection;
        // Names of hosts are the same in letters of either case, and with a dot at their end.
        let host = host.as_ref().map(|host| match host.starts_with(['/', '@']) {
            true => host.clone(),
            false => host.trim_end_matches('.').to_ascii_lowercase(),
        });
        for (fact, value) in facts.into_iter().zip([&host, port, user, database]) {
            match (value, elsewhere) {
                (Some(value), _) => action.set(fact, value.as_str()),
                (None, Some(reason)) => action.set_opaque(fact, *reason),
                (None, None) => {}
            }
        }
    }

    /// Takes in what statements do to the session.
    pub(crate) fn learn(&mut self, actions: &[Action]) {
        for action in actions {
            if let Some(Reading::Known(Value::Str(name))) = action.read(Sql::SETTING) {
                let value = match action.read(Sql::SETTING_VALUE) {
                    Some(Reading::Known(Value::Str(value))) => value.as_str(),
                    _ => "",
                };
                // RESET goes back to what the role or the database says, which is not known here.
                self.note(name, value);
            }
            let functions = match action.read(Sql::FUNCTIONS) {
                Some(Reading::Known(Value::Set(functions))) => functions.clone(),
                _ => BTreeSet::new(),
            };
            if functions.iter().any(|name| name == "set_config" || name.ends_with(".set_config")) {
                self.unreadable.get_or_insert_with(|| {
                    "`set_config` may have changed how the server splits a text".to_owned()
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_change_how_a_text_splits() {
        let unreadable = |name, value| {
            let mut session = Session::default();
            session.note(name, value);
            session.unreadable.is_some()
        };
        for value in ["off", "0", "false", "o", "", "n"] {
            assert!(unreadable("standard_conforming_strings", value), "{value}");
        }
        for value in ["on", "ON", "1", "true", "t", "yes", "'on'"] {
            assert!(!unreadable("Standard_Conforming_Strings", value), "{value}");
        }
        for value in ["SJIS", "big5", "GB18030", "shift_jis_2004", "nonsense", "gbk", "win932"] {
            assert!(unreadable("client_encoding", value), "{value}");
        }
        for value in ["UTF8", "utf-8", "LATIN1", "ISO_8859_5", "WIN1252", "SQL_ASCII", "EUC_JP"] {
            assert!(!unreadable("client_encoding", value), "{value}");
        }
        assert!(!unreadable("work_mem", "off"));
    }
}
