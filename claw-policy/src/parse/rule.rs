//! `[[rule]]`.

use std::ops::Range;

use toml::de::DeTable;

use super::reader::{Node, Reader};
use crate::decision::Change;
use crate::matcher::{Condition, EXEC};
use crate::rule::{About, Rule};
use crate::verdict::Verdict;

const KEYS: &[&str] = &["id", "tools", "verdict", "reason", "match", "unless", "rewrite"];

/// The tool that [`STARTS`] are about.
const PSQL: &str = "psql";

/// How psql is to start, by the names of the changes.
const STARTS: &[(&str, Change)] = &[
    ("no_psqlrc", Change::NoPsqlrc),
    ("on_error_stop", Change::OnErrorStop),
    ("read_only", Change::ReadOnly),
];

impl Reader<'_> {
    /// Reads one rule; its id has been checked.
    pub(super) fn rule(&mut self, table: &DeTable<'_>, header: Range<usize>) -> Option<Rule> {
        self.keys(table, "a rule", KEYS);
        let tools = self.tools(table);
        let verdict = self.verdict(
            table,
            header.clone(),
            "a rule",
            &[("allow", Verdict::Allow), ("rewrite", Verdict::Rewrite), ("deny", Verdict::Deny)],
        );
        let reason = table.get("reason").map(|value| self.reason(value));
        let matches = table.get("match").map(|value| self.conditions(value, "match"));
        let unless = table.get("unless").map(|value| self.conditions(value, "unless"));
        let changes = table.get("rewrite").map(|value| (value.span(), self.changes(value)));
        let only_psql = tools.as_ref().is_some_and(|tools| tools.iter().all(|tool| *tool == PSQL));
        if let (Some(value), false) = (table.get("rewrite"), only_psql) {
            self.not_of_psql(value);
        }
        let asks = tools.is_some() || matches.is_some() || unless.is_some();
        if !asks {
            self.error(header.clone(), "this rule matches every call", "no `match` and no `tools`")
                .help("say what it is about, or use `defaults`");
        }
        let matches = matches.unwrap_or_default();
        let unless = unless.unwrap_or_default();
        self.one_domain(table, &matches, &unless);
        self.not_vacuous(table, &matches, &unless);
        let verdict = verdict?;
        match (verdict.needs_changes(), &changes) {
            (true, None) => {
                self.error(header.clone(), "a rewrite rule says what it changes", "no `rewrite`")
                    .help("add `rewrite = { limit_rows = 1000 }`, `{ set_env = {…} }`, `{ unset_env = […] }` or `{ read_only = true }`");
            }
            (false, Some((span, _))) => {
                let message = format!("a rule whose verdict is `{verdict}` changes nothing");
                self.error(span.clone(), message, "never applied")
                    .help("remove it, or say `verdict = \"rewrite\"`");
            }
            (true, Some(_)) | (false, None) => {}
        }
        if verdict.needs_reason() && reason.is_none() {
            self.error(header.clone(), "a deny rule says why", "no `reason`")
                .help("the reason is shown to whoever is denied");
        }
        let changes = changes.map(|(_, changes)| changes).unwrap_or_default();
        let id = table.get("id")?.get_ref().as_str()?.to_owned();
        let line = self.line(&header);
        let domain = matches.iter().chain(&unless).map(|condition| condition.domain.name);
        let about = match domain.into_iter().find(|name| *name != EXEC) {
            Some(domain) => About::Domain(domain),
            None if tools.is_none() => About::Call,
            None if !verdict.needs_changes() => About::Every,
            None if changes.iter().all(Change::is_of_call) => About::Call,
            None => About::Others,
        };
        Some(Rule {
            at: format!("{}:{line}", self.file),
            reason: reason.flatten().unwrap_or_else(|| default_reason(verdict, &changes)),
            tools: tools.unwrap_or_default(),
            id,
            line,
            verdict,
            changes,
            about,
            matches,
            unless,
        })
    }

    /// A required verdict, one of `known`.
    pub(super) fn verdict(
        &mut self,
        table: &DeTable<'_>,
        header: Range<usize>,
        what: &str,
        known: &[(&str, Verdict)],
    ) -> Option<Verdict> {
        let value = self.required(table, "verdict", header, what)?;
        if value.get_ref().as_str() == Some("ask") {
            let names = known.iter().map(|(name, _)| *name);
            let help = format!("expected {}", crate::diagnostic::alternatives(names));
            self.error(value.span(), "`ask` is not a verdict that this version knows", "unknown")
                .help(help);
            return None;
        }
        self.word(value, "`verdict`", known)
    }

    /// A reason: one line that says something.
    pub(super) fn reason(&mut self, value: &Node<'_>) -> Option<String> {
        let reason = self.string(value, "`reason`")?;
        if reason.trim().is_empty() || reason.chars().any(char::is_control) {
            self.error(value.span(), "`reason` is one line of text", "empty, or not one line");
            return None;
        }
        Some(reason)
    }

    fn tools(&mut self, table: &DeTable<'_>) -> Option<Vec<&'static str>> {
        let value = table.get("tools")?;
        let known = self.tools.clone();
        let mut tools = Vec::new();
        for value in self.list(value, "`tools`") {
            let Some(name) = self.string(value, "a tool's name") else { continue };
            match known.iter().find(|tool| **tool == name) {
                Some(tool) => tools.push(*tool),
                None => {
                    let message = format!("`{name}` is not a tool that claw governs");
                    self.unknown(value.span(), message, &name, known.iter().copied());
                }
            }
        }
        Some(tools)
    }

    /// An action has one domain, so a rule about two would never match.
    fn one_domain(&mut self, table: &DeTable<'_>, matches: &[Condition], unless: &[Condition]) {
        let mut domains: Vec<&str> = matches
            .iter()
            .chain(unless)
            .map(|condition| condition.domain.name)
            .filter(|name| *name != EXEC)
            .collect();
        domains.dedup();
        let Some(other) = domains.iter().find(|name| **name != domains[0]) else { return };
        let message = format!(
            "this rule asks for facts of `{}` and of `{other}`, but an action has one domain",
            domains[0]
        );
        let key = ["match", "unless"].into_iter().find_map(|key| {
            let (key, _) = table.get(key)?.get_ref().as_table()?.get_key_value(*other)?;
            Some(key.span())
        });
        self.error(key.unwrap_or(0..0), message, format!("beside `{}`", domains[0])).help(
            "write a rule for each; only the facts of `exec` can stand beside another domain's",
        );
    }

    /// A rule that is excused whenever it matches never decides anything.
    fn not_vacuous(&mut self, table: &DeTable<'_>, matches: &[Condition], unless: &[Condition]) {
        let repeated = |condition: &Condition| {
            matches.iter().any(|other| {
                other.domain.name == condition.domain.name
                    && other.subject == condition.subject
                    && other.matcher == condition.matcher
            })
        };
        if let (Some(value), false, true) =
            (table.get("unless"), unless.is_empty(), unless.iter().all(repeated))
        {
            let message = "this rule can never match: `unless` holds whenever `match` does";
            self.error(value.span(), message, "asks what `match` asks");
        }
    }

    fn changes(&mut self, value: &Node<'_>) -> Vec<Change> {
        let mut changes = Vec::new();
        let Some(table) = self.table(value, "`rewrite`") else { return changes };
        let start = STARTS.iter().map(|(name, _)| *name);
        let known: Vec<&str> =
            ["limit_rows", "set_env", "unset_env"].into_iter().chain(start).collect();
        let mistakes = self.found.len();
        self.keys(table, "`rewrite`", &known);
        if let Some(value) = table.get("limit_rows") {
            let rows = self.int(value, "`limit_rows`");
            match rows.map(u64::try_from) {
                Some(Ok(rows)) if rows > 0 => changes.push(Change::LimitRows(rows)),
                Some(_) => {
                    self.error(value.span(), "`limit_rows` is at least 1", "too small");
                }
                None => {}
            }
        }
        let set = table.get("set_env").and_then(|value| self.table(value, "`set_env`"));
        for (key, value) in set.into_iter().flatten() {
            let name = key.get_ref().to_string();
            self.env_name(&name, key.span());
            let Some(text) = self.string(value, "the value of a variable") else { continue };
            if text.contains('\0') {
                self.error(value.span(), "a variable cannot hold a zero byte", "not possible");
            }
            changes.push(Change::SetEnv(name, text));
        }
        let unset = table.get("unset_env").map(|value| self.list(value, "`unset_env`"));
        for value in unset.into_iter().flatten() {
            let Some(name) = self.string(value, "the name of a variable") else { continue };
            self.env_name(&name, value.span());
            if set.is_some_and(|set| set.contains_key(name.as_str())) {
                let message = format!("this rule both sets and removes `{name}`");
                self.error(value.span(), message, "set above");
            }
            changes.push(Change::UnsetEnv(name));
        }
        for (name, change) in STARTS {
            let Some(value) = table.get(*name) else { continue };
            match self.bool(value, &format!("`{name}`")) {
                Some(true) => changes.push(change.clone()),
                Some(false) => {
                    self.error(
                        value.span(),
                        format!("`{name} = false` changes nothing"),
                        "not wanted",
                    )
                    .help("leave it out");
                }
                None => {}
            }
        }
        if changes.is_empty() && self.found.len() == mistakes {
            self.error(value.span(), "`rewrite` changes nothing", "empty");
        }
        changes
    }

    /// Changes of how psql starts stand in rules about psql alone: another tool's call would be denied for them.
    fn not_of_psql(&mut self, value: &Node<'_>) {
        let Some(table) = value.get_ref().as_table() else { return };
        for (name, _) in STARTS {
            let Some((key, _)) = table.get_key_value(*name) else { continue };
            let message =
                format!("`{name}` changes how psql starts, and this rule is not about psql alone");
            self.error(key.span(), message, "a change of psql's").help("add `tools = [\"psql\"]`");
        }
    }

    pub(super) fn env_name(&mut self, name: &str, span: Range<usize>) {
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("`{}` cannot name a variable", name.escape_debug());
            self.error(span, message, "not a name");
        }
    }
}

/// The reason of a rule that gives none.
fn default_reason(verdict: Verdict, changes: &[Change]) -> String {
    match verdict {
        Verdict::Allow => "allowed by this rule".to_owned(),
        Verdict::Deny => "denied by this rule".to_owned(),
        Verdict::Rewrite => {
            let changes: Vec<String> = changes
                .iter()
                .map(|change| match change {
                    Change::LimitRows(rows) => format!("no more than {rows} rows"),
                    Change::SetEnv(name, _) => format!("`{name}` set"),
                    Change::UnsetEnv(name) => format!("`{name}` removed"),
                    Change::NoPsqlrc => "no start-up file".to_owned(),
                    Change::OnErrorStop => "stops at the first error".to_owned(),
                    Change::ReadOnly => "a read-only session".to_owned(),
                })
                .collect();
            changes.join(", ")
        }
    }
}
