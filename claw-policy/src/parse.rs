//! Parses a policy file into a [`Policy`], or into the list of all mistakes in it.
//!
//! The text is read into a tree whose every key and value knows its bytes; each table is then
//! checked against the keys it may have and the schema. Nothing stops at the first mistake.

mod condition;
mod connect_rule;
mod grammar;
mod reader;
mod rule;

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::connect::{self, MAX_NETWORKS, MAX_RANGES, TooManyRanges};
use crate::diagnostic::{Diagnostic, position};
use crate::door::Door;
use crate::name::Name;
use crate::policy::{Defaults, Denial, Errno, InjectedEnv, Mode, Policy};
use crate::rule::ConnectRule;
use crate::schema::Schema;
use crate::verdict::Verdict;
use connect_rule::PeerRule;
use reader::{Node, Reader, describe};

/// The version of the language that this code reads.
const VERSION: i64 = 1;

/// The verdicts that a default may name.
const DEFAULTS: &[(&str, Verdict)] = &[("allow", Verdict::Allow), ("deny", Verdict::Deny)];

/// Reads a policy. `file` is its name in [`Outcome::at`](crate::Outcome::at); `schema` lists the domains and
/// tools that it may name. The language is described at the top of this crate.
///
/// # Errors
/// Every mistake in the text, in the order of the text.
pub fn parse(text: &str, file: &str, schema: &Schema) -> Result<Policy, Vec<Diagnostic>> {
    let mut reader = Reader::new(text, file, *schema);
    let (root, broken) = DeTable::parse_recoverable(text);
    let broken: Vec<Range<usize>> = broken
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            reader.error(span.clone(), error.message(), "not valid TOML here");
            span
        })
        .collect();
    let syntax_errors = reader.found.len();
    let policy = reader.policy(root.get_ref());
    // The parser fills in what it could not read. Further mistakes on the same line are a consequence, so
    // drop them.
    let lines: Vec<usize> = broken.iter().map(|span| position(text, span.start).0).collect();
    let mut found = reader.found;
    let consequences = found.split_off(syntax_errors);
    found.extend(consequences.into_iter().filter(|diagnostic| !lines.contains(&diagnostic.line)));
    found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    match policy {
        Some(policy) if found.is_empty() => Ok(policy),
        _ => Err(found),
    }
}

impl Reader<'_> {
    fn policy(&mut self, root: &DeTable<'_>) -> Option<Policy> {
        self.version(root)?;
        let known =
            ["version", "mode", "defaults", "denial", "doors", "pins", "tool", "rule", "connect"];
        self.keys(root, "a policy", &known);
        let mode = root.get("mode").and_then(|value| {
            self.word(value, "`mode`", &[("enforce", Mode::Enforce), ("observe", Mode::Observe)])
        });
        let defaults = self.defaults(root);
        let denial = self.denial(root);
        let open = self.doors(root);
        // Read declared tools first, because all other tables may name them.
        let declared = self.declared_tools(root);
        let pins = self.pins(root);
        let mut ids = Ids::default();
        let mut rules = Vec::new();
        for (table, header) in self.tables(root, "rule") {
            self.id(table, header.clone(), "a rule", &mut ids);
            rules.extend(self.rule(table, header));
        }
        let mut connect = Vec::new();
        let mut unix = Vec::new();
        let mut headers = Vec::new();
        for (table, header) in self.tables(root, "connect") {
            self.id(table, header.clone(), "a connect rule", &mut ids);
            match self.connect_rule(table, header.clone()) {
                Some(PeerRule::Inet(rule)) => {
                    connect.push(rule);
                    headers.push(header);
                }
                Some(PeerRule::Unix(rule)) => unix.push(rule),
                None => {}
            }
        }
        self.check_size(&connect, &headers, defaults.connect);
        Some(Policy {
            file: self.file.to_owned(),
            mode: mode.unwrap_or(Mode::Enforce),
            defaults,
            denial,
            open,
            pins,
            declared,
            rules,
            connect,
            unix,
        })
    }

    /// `None` if the version is not the one read here: any further mistakes would be noise.
    fn version(&mut self, root: &DeTable<'_>) -> Option<()> {
        let Some(value) = root.get("version") else {
            self.error(0..0, "a policy says which `version` of the language it is in", "missing")
                .help(format!("put `version = {VERSION}` on its first line"));
            return Some(());
        };
        let version = self.int(value, "`version`")?;
        if version != VERSION {
            self.error(
                value.span(),
                format!("version {version} of the policy language is not one this claw reads"),
                "unknown version",
            )
            .help(format!("this claw reads `version = {VERSION}`"));
            return None;
        }
        Some(())
    }

    fn defaults(&mut self, root: &DeTable<'_>) -> Defaults {
        let mut defaults = Defaults {
            exec: Verdict::Allow,
            governed: Verdict::Deny,
            connect: Verdict::Allow,
            unix: Verdict::Allow,
            injected_env: InjectedEnv::Strip,
        };
        let Some(table) = root.get("defaults").and_then(|value| self.table(value, "`defaults`"))
        else {
            return defaults;
        };
        self.keys(table, "`defaults`", &["exec", "governed", "connect", "unix", "injected_env"]);
        let known = [
            ("strip", InjectedEnv::Strip),
            ("deny", InjectedEnv::Deny),
            ("keep", InjectedEnv::Keep),
        ];
        let injected_env = table
            .get("injected_env")
            .and_then(|value| self.word(value, "`defaults.injected_env`", &known));
        defaults.injected_env = injected_env.unwrap_or(defaults.injected_env);
        for (key, default) in [
            ("exec", &mut defaults.exec),
            ("governed", &mut defaults.governed),
            ("connect", &mut defaults.connect),
            ("unix", &mut defaults.unix),
        ] {
            let what = format!("`defaults.{key}`");
            let verdict = table.get(key).and_then(|value| self.word(value, &what, DEFAULTS));
            *default = verdict.unwrap_or(*default);
        }
        defaults
    }

    /// The digests that tools are pinned to.
    fn pins(&mut self, root: &DeTable<'_>) -> Vec<(Name, Vec<[u8; 32]>)> {
        let Some(table) = root.get("pins").and_then(|value| self.table(value, "`pins`")) else {
            return Vec::new();
        };
        let tools: Vec<Name> = self.tools.iter().map(|tool| tool.name.clone()).collect();
        let known: Vec<&str> = tools.iter().map(|name| &**name).collect();
        self.keys(table, "`pins`", &known);
        let mut pins = Vec::new();
        for (key, value) in table {
            let named = tools.iter().find(|tool| **tool == *key.get_ref().as_ref());
            let Some(tool) = named else { continue };
            let what = format!("`pins.{tool}`");
            let Some(digests) = value.get_ref().as_array() else {
                self.wrong_type(value, &what, "a list of SHA-256 digests");
                continue;
            };
            let digests = digests.iter().filter_map(|value| self.digest(value, &what)).collect();
            pins.push((tool.clone(), digests));
        }
        pins
    }

    /// One SHA-256 digest in hexadecimal, as sha256sum(1) prints it.
    fn digest(&mut self, value: &Node<'_>, what: &str) -> Option<[u8; 32]> {
        let text = self.string(value, what)?;
        let mut digest = [0; 32];
        let pairs = text.as_bytes().chunks(2).map(|pair| {
            let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))
        });
        let bytes: Option<Vec<u8>> = pairs.collect();
        match bytes.filter(|bytes| bytes.len() == digest.len()) {
            Some(bytes) => {
                digest.copy_from_slice(&bytes);
                Some(digest)
            }
            None => {
                let message = format!("{what} holds what is no SHA-256 digest");
                self.error(value.span(), message, "not 64 hexadecimal digits")
                    .help("put what `sha256sum FILE` prints");
                None
            }
        }
    }

    /// The doors that are open.
    fn doors(&mut self, root: &DeTable<'_>) -> Vec<Door> {
        let Some(table) = root.get("doors").and_then(|value| self.table(value, "`doors`")) else {
            return Vec::new();
        };
        self.keys(table, "`doors`", &Door::ALL.map(Door::name));
        let mut open = Vec::new();
        for door in Door::ALL {
            let what = format!("`doors.{}`", door.name());
            let is_open = table
                .get(door.name())
                .and_then(|value| self.word(value, &what, &[("open", true), ("closed", false)]));
            open.extend(is_open.filter(|is_open| *is_open).map(|_| door));
        }
        open
    }

    fn denial(&mut self, root: &DeTable<'_>) -> Denial {
        let Some(table) = root.get("denial").and_then(|value| self.table(value, "`denial`")) else {
            return Denial::Tool;
        };
        self.keys(table, "`denial`", &["style", "errno"]);
        let errors =
            [Errno::Eacces, Errno::Eperm, Errno::Enoent].map(|errno| (errno.name(), errno));
        let errno =
            table.get("errno").map(|value| (value, self.word(value, "`denial.errno`", &errors)));
        let with_errno = table.get("style").and_then(|value| {
            self.word(value, "`denial.style`", &[("tool", false), ("errno", true)])
        });
        match (with_errno, errno) {
            (Some(true), errno) => {
                Denial::Errno(errno.and_then(|(_, errno)| errno).unwrap_or(Errno::Eacces))
            }
            (_, None) => Denial::Tool,
            (_, Some((value, _))) => {
                self.error(value.span(), "`denial.errno` has no effect here", "never used")
                    .help("add `style = \"errno\"`, or remove it");
                Denial::Tool
            }
        }
    }

    /// Checks the id of a rule: present, well spelt and unique.
    fn id(&mut self, table: &DeTable<'_>, header: Range<usize>, what: &str, ids: &mut Ids) {
        let Some(value) = self.required(table, "id", header, what) else { return };
        let Some(id) = self.string(value, "`id`") else { return };
        let spelt = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
        if id.is_empty() || !id.chars().all(spelt) {
            let lower = id.to_lowercase();
            let words = lower.split(|char| char == '-' || !spelt(char));
            let slug = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
            let error = self.error(
                value.span(),
                format!("`{id}` is not a rule id"),
                "lower-case letters, digits and `-` only",
            );
            if !slug.is_empty() {
                error.help(format!("did you mean `{slug}`?"));
            }
        }
        let line = self.line(&value.span());
        if let Some(first) = ids.0.get(&id) {
            let message = format!("the id `{id}` is already used on line {first}");
            self.error(value.span(), message, "used twice")
                .help("records and denials name a rule by its id: give each its own");
        } else {
            ids.0.insert(id, line);
        }
    }

    /// The tables of `[[key]]`, each with the span of its header.
    fn tables<'a, 'b>(
        &mut self,
        root: &'b DeTable<'a>,
        key: &str,
    ) -> Vec<(&'b DeTable<'a>, Range<usize>)> {
        let Some(value) = root.get(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.error(
                value.span(),
                format!("`{key}` is a list of tables, not {}", describe(value.get_ref())),
                "one table",
            )
            .help(format!("write `[[{key}]]`"));
            return Vec::new();
        };
        let table = |value: &'b Node<'a>| {
            let what = format!("an entry of `{key}`");
            Some((self.table(value, &what)?, value.span()))
        };
        array.iter().filter_map(table).collect()
    }

    /// Reports connect rules that do not fit the kernel side.
    fn check_size(&mut self, rules: &[ConnectRule], headers: &[Range<usize>], default: Verdict) {
        let Some(last) = headers.last() else { return };
        let mut too_many = |count: usize, what: &str| {
            let message = format!(
                "the connect rules name {count} {what}, more than the {MAX_NETWORKS} that the kernel side holds"
            );
            self.error(last.clone(), message, "the last of them")
                .help("name fewer, larger networks");
        };
        if rules.len() > MAX_NETWORKS {
            return too_many(rules.len(), "rules");
        }
        match connect::compile(rules, default) {
            Ok(compiled) => {
                for (count, what) in
                    [(compiled.v4.len(), "IPv4 networks"), (compiled.v6.len(), "IPv6 networks")]
                {
                    if count > MAX_NETWORKS {
                        too_many(count, what);
                    }
                }
            }
            Err(networks) => {
                for TooManyRanges { network, ranges, rule } in networks {
                    let message = format!(
                        "the connect rules split the ports of `{network}` into {ranges} ranges, more than the {MAX_RANGES} that the kernel side holds"
                    );
                    self.error(headers[rule].clone(), message, "with this rule")
                        .help("join neighbouring ports into ranges, or name fewer of them");
                }
            }
        }
    }
}

/// The ids used so far, and the line of each.
#[derive(Default)]
struct Ids(BTreeMap<String, usize>);

#[cfg(test)]
mod tests;
