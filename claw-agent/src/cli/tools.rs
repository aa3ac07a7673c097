//! `claw tools`: the programs that claw reads, and the facts that policies can ask for.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use claw_classify::{TOOLS, Tool, programs, schema};
use claw_policy::{ChangeDef, Domain, FactDef, Kind};

/// Show which programs are read, what of them, and which facts rules can ask for, as Markdown
#[derive(Debug, clap::Args)]
pub(crate) struct Tools {}

impl Tools {
    /// Runs the command.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    #[expect(clippy::unused_self, reason = "every command is run on its arguments")]
    pub(crate) fn run(self) -> Result<ExitCode> {
        io::stdout().write_all(document().as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn document() -> String {
    let mut out = String::from(
        "## Programs\n\n| tool | group | programs | facts | what is read of it |\n|---|---|---|---|---|\n",
    );
    let mut tools: Vec<&Tool> = TOOLS.to_vec();
    tools.sort_unstable_by_key(|tool| tool.name);
    for tool in tools {
        let programs = names(programs(tool).into_iter());
        let facts: Vec<String> =
            tool.domains.iter().map(|domain| format!("[{0}](#{0})", domain.name)).collect();
        let facts = facts.join(", ");
        let groups = names(tool.can.family.groups().iter().copied());
        let read = cell(tool.doc);
        _ = writeln!(out, "| `{}` | {groups} | {programs} | {facts} | {read} |", tool.name);
    }
    out.push_str("\n## Changes\n\nWhat `rewrite` can ask of a tool, besides setting and removing variables.\n\n| change | tools | what it does |\n|---|---|---|\n");
    for (change, tools) in changes() {
        let tools = names(tools.into_iter());
        _ = writeln!(out, "| `{}` | {tools} | {} |", change.name, cell(change.doc));
    }
    out.push_str("\n## Facts\n");
    for domain in schema().domains {
        of_domain(&mut out, domain);
    }
    out
}

/// Each change with the tools that know it, in the order of the tools.
fn changes() -> Vec<(&'static ChangeDef, Vec<&'static str>)> {
    let mut changes: Vec<(&ChangeDef, Vec<&str>)> = Vec::new();
    for tool in TOOLS {
        for change in tool.can.changes {
            match changes.iter_mut().find(|(known, _)| known == change) {
                Some((_, tools)) => tools.push(tool.name),
                None => changes.push((change, vec![tool.name])),
            }
        }
    }
    changes
}

fn of_domain(out: &mut String, domain: &Domain) {
    let unmatched = if domain.governed {
        "An action that no rule matches takes `defaults.governed`."
    } else {
        "An action that no rule matches is decided like a program that no tool governs."
    };
    _ = writeln!(out, "\n### {}\n\n{} {unmatched}\n", domain.name, domain.doc);
    out.push_str("| fact | type | values | meaning |\n|---|---|---|---|\n");
    for fact in domain.facts {
        let FactDef { name, kind, values, doc } = fact;
        let values = names(values.iter().copied());
        _ = writeln!(
            out,
            "| `{}.{name}` | {} | {values} | {} |",
            domain.name,
            shown(*kind),
            cell(doc)
        );
    }
}

fn shown(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "yes or no",
        Kind::Int => "number",
        Kind::Str => "word",
        Kind::Set => "set of words",
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

/// Text inside a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_and_every_fact_is_there() {
        let document = document();
        for tool in TOOLS {
            assert!(document.contains(&format!("\n| `{}` |", tool.name)), "{}", tool.name);
        }
        for domain in schema().domains {
            for fact in domain.facts {
                let row = format!("| `{}.{}` |", domain.name, fact.name);
                assert!(document.contains(&row), "{row}");
            }
        }
        assert!(
            document.lines().filter(|line| line.starts_with('|')).all(|line| line.ends_with('|'))
        );
    }
}
