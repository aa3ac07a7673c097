//! `[[rule]]`.

use std::ops::Range;

use toml::de::DeTable;

use super::reader::{KnownTool, Node, Reader};
use crate::decision::Change;
use crate::matcher::{Condition, EXEC};
use crate::name::Name;
use crate::rule::{About, Rule};
use crate::schema::{ChangeDef, ChangeTakes};
use crate::verdict::Verdict;

const KEYS: &[&str] = &["id", "tools", "verdict", "reason", "match", "unless", "rewrite"];

/// A tool that a rule is about, and whether the rule names the tool itself or a group.
struct Named {
    tool: KnownTool,
    by_group: bool,
}

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
        if let (Some(value), Some((_, changes))) = (table.get("rewrite"), &changes) {
            self.changes_of_tools(value, changes, tools.as_deref());
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
        let mut domains = matches.iter().chain(&unless).map(|condition| condition.domain.to_name());
        let about = match domains.find(|name| *name != EXEC) {
            Some(domain) => About::Domain(domain),
            None if tools.is_none() => About::Call,
            None if !verdict.needs_changes() => About::Every,
            None if changes.iter().all(Change::is_of_call) => About::Call,
            None => About::Others,
        };
        Some(Rule {
            at: format!("{}:{line}", self.file),
            reason: reason.flatten().unwrap_or_else(|| default_reason(verdict, &changes)),
            tools: tools.into_iter().flatten().map(|named| named.tool.name).collect(),
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

    /// A reason: one line of text, not empty.
    pub(super) fn reason(&mut self, value: &Node<'_>) -> Option<String> {
        let reason = self.string(value, "`reason`")?;
        if reason.trim().is_empty() || reason.chars().any(char::is_control) {
            self.error(value.span(), "`reason` is one line of text", "empty, or not one line");
            return None;
        }
        Some(reason)
    }

    /// The tools of `tools`: names, and groups with an `@` in front.
    fn tools(&mut self, table: &DeTable<'_>) -> Option<Vec<Named>> {
        let value = table.get("tools")?;
        let known = self.tools.clone();
        let mut tools: Vec<Named> = Vec::new();
        for value in self.list(value, "`tools`") {
            let Some(name) = self.string(value, "a tool's name") else { continue };
            let group = name.strip_prefix('@');
            let meant = |tool: &&KnownTool| match group {
                Some(group) => tool.groups.contains(&group),
                None => tool.name == *name,
            };
            let mut found = known.iter().filter(meant).peekable();
            if found.peek().is_none() {
                self.unknown_tool(value, &name);
            }
            for tool in found {
                match tools.iter_mut().find(|named| named.tool.name == tool.name) {
                    Some(named) => named.by_group &= group.is_some(),
                    None => tools.push(Named { tool: tool.clone(), by_group: group.is_some() }),
                }
            }
        }
        Some(tools)
    }

    fn unknown_tool(&mut self, value: &Node<'_>, name: &str) {
        if name.starts_with('@') {
            let mut groups: Vec<String> = self
                .tools
                .iter()
                .flat_map(|tool| &tool.groups)
                .map(|group| format!("@{group}"))
                .collect();
            groups.sort();
            groups.dedup();
            let message = format!("`{name}` is not a group of tools");
            self.unknown(value.span(), message, name, groups.iter().map(String::as_str));
        } else {
            let known: Vec<Name> = self.tools.iter().map(|tool| tool.name.clone()).collect();
            let message = format!("`{name}` is not a tool that claw governs");
            self.unknown(value.span(), message, name, known.iter().map(|name| &**name));
        }
    }

    /// An action has one domain, so a rule about two domains would never match.
    fn one_domain(&mut self, table: &DeTable<'_>, matches: &[Condition], unless: &[Condition]) {
        let mut domains: Vec<&str> = matches
            .iter()
            .chain(unless)
            .map(|condition| condition.domain.name())
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

    /// Reports a rule whose `unless` holds whenever its `match` does: it would never decide.
    fn not_vacuous(&mut self, table: &DeTable<'_>, matches: &[Condition], unless: &[Condition]) {
        let repeated = |condition: &Condition| {
            matches.iter().any(|other| {
                other.domain.name() == condition.domain.name()
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
        let declared = self.schema.changes();
        let of =
            |takes: ChangeTakes| declared.iter().copied().filter(move |def| def.takes == takes);
        let known: Vec<&str> = of(ChangeTakes::Limit)
            .map(|def| def.name)
            .chain(["set_env", "unset_env"])
            .chain(of(ChangeTakes::Nothing).map(|def| def.name))
            .collect();
        let mistakes = self.found.len();
        self.keys(table, "`rewrite`", &known);
        for def in of(ChangeTakes::Limit) {
            let Some(value) = table.get(def.name) else { continue };
            let most = self.int(value, &format!("`{}`", def.name));
            match most.map(u64::try_from) {
                Some(Ok(most)) if most > 0 => changes.push(Change::Limit(def, most)),
                Some(_) => {
                    self.error(value.span(), format!("`{}` is at least 1", def.name), "too small");
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
        for def in of(ChangeTakes::Nothing) {
            let name = def.name;
            let Some(value) = table.get(name) else { continue };
            match self.bool(value, &format!("`{name}`")) {
                Some(true) => changes.push(Change::Switch(def)),
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

    /// Checks that the rule's tools can make its changes. A tool that cannot would have its calls denied.
    fn changes_of_tools(&mut self, value: &Node<'_>, changes: &[Change], tools: Option<&[Named]>) {
        let Some(table) = value.get_ref().as_table() else { return };
        for def in changes.iter().filter_map(Change::def) {
            let Some((key, _)) = table.get_key_value(def.name) else { continue };
            let can = |tool: &KnownTool| tool.changes.contains(&def);
            let Some(tools) = tools else {
                if def.of_call {
                    let message =
                        format!("only some tools know `{}`, and this rule is about all", def.name);
                    let help = self.tools_that_can(def);
                    self.error(key.span(), message, "a change of a tool's own").help(help);
                }
                continue;
            };
            // A group may contain tools without such actions, but a change of the call is made to every tool.
            let wrong = tools
                .iter()
                .find(|named| !can(&named.tool) && (def.of_call || !named.by_group))
                .or_else(|| tools.first().filter(|_| !tools.iter().any(|named| can(&named.tool))));
            if let Some(Named { tool, .. }) = wrong {
                let message = format!("`{}` knows no change `{}`", tool.name, def.name);
                let help = self.tools_that_can(def);
                self.error(key.span(), message, "not a change of this tool's").help(help);
            }
        }
    }

    fn tools_that_can(&self, def: &'static ChangeDef) -> String {
        let can = self.tools.iter().filter(|tool| tool.changes.contains(&def));
        let names: Vec<String> = can.map(|tool| format!("\"{}\"", tool.name)).collect();
        match &names[..] {
            [one] => format!("only one tool does: say `tools = [{one}]`"),
            _ => format!("name tools that do in `tools`: {}", names.join(", ")),
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
                    Change::SetEnv(name, _) => format!("`{name}` set"),
                    Change::UnsetEnv(name) => format!("`{name}` removed"),
                    Change::Switch(def) => def.reason.to_owned(),
                    Change::Limit(def, most) => def.reason.replace("{}", &most.to_string()),
                })
                .collect();
            changes.join(", ")
        }
    }
}
