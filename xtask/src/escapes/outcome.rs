//! The results that the suites leave: JSON files in a folder, one for each theme and level, each race and
//! each flood.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Everything that was run.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    /// Attempts, in the order of the themes' numbers.
    pub(crate) themes: Vec<Theme>,
    /// Races, by name.
    pub(crate) races: Vec<Race>,
    /// Floods, by level.
    pub(crate) floods: Vec<Flood>,
}

/// The result of one theme at one level.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Theme {
    /// Its place in the table.
    pub(crate) number: u64,
    /// Its title.
    pub(crate) theme: String,
    /// The level of assurance.
    pub(crate) level: String,
    /// How many attempts there are; each worked without claw.
    pub(crate) tried: u64,
    /// The names of those that worked under claw.
    pub(crate) through: Vec<String>,
}

/// The result of one race.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Race {
    /// A description: who swaps what.
    pub(crate) race: String,
    /// Under a supervisor without a proof.
    pub(crate) control: Option<Tries>,
    /// Under claw, by level.
    #[serde(default)]
    pub(crate) levels: BTreeMap<String, Tries>,
    /// Why it could not be run.
    pub(crate) untried: Option<String>,
}

/// How often a race was tried, and won.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tries {
    /// How often it was tried.
    pub(crate) tries: u64,
    /// How often what is forbidden ran.
    pub(crate) wins: u64,
    /// How often the proof ended the new image.
    #[serde(default)]
    pub(crate) killed: u64,
}

/// The result of the flood at one level.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flood {
    /// The level of assurance.
    pub(crate) level: String,
    /// Threads that started programs.
    pub(crate) threads: u64,
    /// For how long.
    pub(crate) seconds: u64,
    /// Programs started.
    pub(crate) started: u64,
    /// Programs killed; none should be.
    pub(crate) killed: u64,
    /// Programs that could not be started.
    pub(crate) failed: u64,
    /// Programs that ran as something else than what was judged, or got another answer.
    pub(crate) wrong: u64,
}

/// One file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Left {
    Theme(Theme),
    Race(Race),
    Flood { flood: Flood },
}

/// Reads what the suites left.
///
/// # Errors
/// If there are no files, or one is not a result.
pub(crate) fn read(folder: &Path) -> Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let left = serde_json::from_str(&text)
            .with_context(|| format!("`{}` holds no result", path.display()))?;
        match left {
            Left::Theme(theme) => outcomes.themes.push(theme),
            Left::Race(race) => outcomes.races.push(race),
            Left::Flood { flood } => outcomes.floods.push(flood),
        }
    }
    if outcomes.themes.is_empty() || outcomes.races.is_empty() || outcomes.floods.is_empty() {
        bail!("a suite left no results");
    }
    outcomes
        .themes
        .sort_by(|one, other| (one.number, &one.level).cmp(&(other.number, &other.level)));
    outcomes.races.sort_by(|one, other| one.race.cmp(&other.race));
    outcomes.floods.sort_by(|one, other| one.level.cmp(&other.level));
    Ok(outcomes)
}
