//! `cargo xtask escapes`: the escape suite, and the table of what it came to, docs/SECURITY-RESULTS.md.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::build;
use crate::command;
use crate::report;
use crate::workspace::Workspace;

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only this level of assurance
    #[arg(long)]
    level: Option<String>,
    /// Do not build first
    #[arg(long)]
    no_build: bool,
}

/// What one theme came to at one level.
#[derive(Debug)]
struct Outcome {
    number: u64,
    theme: String,
    level: String,
    tried: u64,
    through: Vec<String>,
}

/// Runs the suite and writes the document; fails when an attempt ended otherwise than its row says.
pub(crate) fn escapes(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    if !options.no_build {
        build::build(workspace)?;
    }
    let folder = tempfile::tempdir()?;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--release", "--package", "claw-tests", "--test", "escapes"]);
    cargo.env("CLAW_BIN", workspace.claw()).env("CLAW_ESCAPES_RESULTS", folder.path());
    cargo.env_remove("CLAW_ESCAPES_ONLY");
    if let Some(level) = &options.level {
        cargo.env("CLAW_ESCAPES_LEVELS", level);
    }
    let ended = command::run(&mut cargo);
    let outcomes = read(folder.path())?;
    ended.context("the suite did not come out as its tables say, so no document is written")?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let text = render(&outcomes, kernel.trim());
    let path = workspace.path("docs/SECURITY-RESULTS.md");
    fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    report::step("escapes", "wrote docs/SECURITY-RESULTS.md");
    Ok(ExitCode::SUCCESS)
}

/// The results that the themes left, in the order of their numbers.
fn read(folder: &Path) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for entry in fs::read_dir(folder)? {
        outcomes.push(parse(&fs::read_to_string(entry?.path())?)?);
    }
    if outcomes.is_empty() {
        bail!("the escape suite left no results");
    }
    outcomes.sort_by(|one, other| (one.number, &other.level).cmp(&(other.number, &one.level)));
    Ok(outcomes)
}

fn parse(text: &str) -> Result<Outcome> {
    let value: Value = serde_json::from_str(text)?;
    let word = |name: &str| value[name].as_str().map(str::to_owned);
    let through = value["through"].as_array().context("a result says what got through")?;
    Ok(Outcome {
        number: value["number"].as_u64().context("a theme has a number")?,
        theme: word("theme").context("a theme has a title")?,
        level: word("level").context("a result has a level")?,
        tried: value["tried"].as_u64().context("a result has a count")?,
        through: through.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect(),
    })
}

/// The whole document.
fn render(outcomes: &[Outcome], kernel: &str) -> String {
    let mut text = format!(
        "# What gets through\n\n\
         Written by `cargo xtask escapes`, which runs every attempt of `tests/escapes/` without claw, where it must \
         work, and under claw. Whether an attempt got through is asked of the database, the server or the program that \
         it was after. Linux {kernel}.\n\n\
         | theme | level | tried | got through without claw | got through under claw |\n|---|---|---|---|---|\n"
    );
    for outcome in outcomes {
        let Outcome { theme, level, tried, through, .. } = outcome;
        text += &format!("| {theme} | `{level}` | {tried} | {tried} | {} |\n", through.len());
    }
    let tried: u64 = outcomes.iter().map(|outcome| outcome.tried).sum();
    let through: usize = outcomes.iter().map(|outcome| outcome.through.len()).sum();
    text += &format!("| all | | {tried} | {tried} | {through} |\n");
    text += "\nAgents run as a user other than root. What got through is known, and has its row in \
             [SECURITY.md](../SECURITY.md) under \"Not closed yet\":\n\n";
    for outcome in outcomes.iter().filter(|outcome| !outcome.through.is_empty()) {
        let Outcome { theme, level, through, .. } = outcome;
        text += &format!("- {theme}, `{level}`: {}.\n", through.join("; "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_becomes_a_row_and_names_what_got_through() -> Result<()> {
        let text = r#"{"number":1,"theme":"Copies","level":"proven","tried":3,"through":["cp"]}"#;
        let document = render(&[parse(text)?], "6.18");
        assert!(document.contains("| Copies | `proven` | 3 | 3 | 1 |\n"), "{document}");
        assert!(document.contains("- Copies, `proven`: cp.\n"), "{document}");
        Ok(())
    }
}
