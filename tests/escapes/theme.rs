//! A theme: its attempts, all of them run, and what that came to.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use crate::attempt::{Attempt, End, Level};
use crate::trial::Trial;

/// A table of attempts of one kind.
#[derive(Debug)]
pub(crate) struct Theme {
    /// Its number: no two themes have the same.
    pub(crate) number: u32,
    /// For the table of results.
    pub(crate) title: &'static str,
    /// How many of its attempts may run at a time: one where an attempt looks for processes to do harm to, since all of
    /// a theme run as one user.
    pub(crate) at_a_time: usize,
    /// What is tried.
    pub(crate) attempts: &'static [Attempt],
}

/// The results of an attempt at every level: whether it got through, and how that differs from its row.
#[derive(Debug, Default)]
struct Ended {
    through: Vec<bool>,
    wrong: Vec<String>,
}

impl Theme {
    /// Runs every attempt at every level.
    ///
    /// # Panics
    /// With every attempt that ended otherwise than its row says.
    pub(crate) fn hold(&self) {
        let levels = levels();
        let selected: Vec<(usize, &Attempt)> =
            self.attempts.iter().enumerate().filter(|(_, attempt)| is_selected(attempt)).collect();
        let ended: Vec<OnceLock<Ended>> = selected.iter().map(|_| OnceLock::new()).collect();
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..self.at_a_time {
                scope.spawn(|| {
                    while let at = next.fetch_add(1, Ordering::Relaxed)
                        && let Some((number, attempt)) = selected.get(at)
                    {
                        let trial = Trial { theme: self.number, number: *number, attempt };
                        ended[at].set(run(trial, &levels)).expect("each is run once");
                    }
                });
            }
        });
        let ended: Vec<Ended> =
            ended.into_iter().map(|end| end.into_inner().expect("all were run")).collect();
        let through = |level: usize| {
            let through = selected.iter().zip(&ended);
            let through = through.filter(|(_, end)| end.through.get(level) == Some(&true));
            through.map(|((_, attempt), _)| attempt.name).collect()
        };
        let through: Vec<Vec<&str>> = (0..levels.len()).map(through).collect();
        let wrong: Vec<&str> =
            ended.iter().flat_map(|end| &end.wrong).map(String::as_str).collect();
        for (level, through) in levels.iter().zip(&through) {
            self.report(*level, through);
        }
        assert!(
            wrong.is_empty(),
            "{}: {} wrong\n\n{}",
            self.title,
            wrong.len(),
            wrong.join("\n\n")
        );
    }

    /// Says what came of it past the capture of a passing test, and leaves it for the table of results.
    fn report(&self, level: Level, through: &[&str]) {
        let tried = self.attempts.iter().filter(|attempt| is_selected(attempt)).count();
        let line = format!(
            "{}, {}: {tried} tried, {} got through{}{}",
            self.title,
            level.name(),
            through.len(),
            if through.is_empty() { "" } else { ": " },
            through.join(", "),
        );
        writeln!(io::stderr(), "{line}").expect("stderr takes a line");
        let Some(folder) = env::var_os("CLAW_ESCAPES_RESULTS") else { return };
        let result = json!({
            "number": self.number,
            "theme": self.title,
            "level": level.name(),
            "tried": tried,
            "through": through,
        });
        let file = format!("{:02}-{}.json", self.number, level.name());
        fs::write(Path::new(&folder).join(file), result.to_string()).expect("results are written");
    }
}

/// Runs an attempt without claw and at every level.
fn run(trial: Trial<'_>, levels: &[Level]) -> Ended {
    let Attempt { name, .. } = trial.attempt;
    let mut ended = Ended::default();
    if let Err(why) = control(trial) {
        ended.wrong.push(format!("{name}: {why}"));
        return ended;
    }
    for &level in levels {
        let came = trial.guarded(level);
        ended.through.push(came.forbidden);
        let differs = expected(trial.attempt.end(level), came.honest, came.forbidden);
        let told = |what| format!("{name} ({}): {what}\n{}", level.name(), came.story);
        ended.wrong.extend(differs.into_iter().map(told));
    }
    ended
}

/// The attempt works without claw.
fn control(trial: Trial) -> Result<(), String> {
    let lacks = trial.lacks();
    if !lacks.is_empty() {
        return Err(format!("this machine lacks {lacks:?}: `cargo xtask setup` installs them"));
    }
    for level in Level::ALL {
        if let End::Through(gap) = trial.attempt.end(level)
            && !gap.is_owned_up_to()
        {
            return Err(format!("SECURITY.md has no row `{}` under \"Not closed yet\"", gap.0));
        }
    }
    let came = trial.bare();
    if came.forbidden { Ok(()) } else { Err(format!("does not work without claw\n{}", came.story)) }
}

/// How the results differ from the attempt's row.
fn expected(end: End, honest: bool, forbidden: bool) -> Vec<&'static str> {
    let honest = match (end, honest) {
        (End::Stopped | End::Through(_), false) => {
            Some("what is allowed does not work this way: say why it is `shut`")
        }
        (End::Shut(_), true) => Some("is marked `shut`, and what is allowed works this way"),
        (End::Stopped | End::Through(_), true) | (End::Shut(_), false) => None,
    };
    let forbidden = match (end, forbidden) {
        (End::Stopped | End::Shut(_), true) => Some("GETS THROUGH"),
        (End::Through(_), false) => Some("is marked `open`, and is stopped: mark it closed"),
        (End::Stopped | End::Shut(_), false) | (End::Through(_), true) => None,
    };
    honest.into_iter().chain(forbidden).collect()
}

/// The levels to run at: those in the comma-separated list `CLAW_ESCAPES_LEVELS`, or all.
fn levels() -> Vec<Level> {
    let Ok(named) = env::var("CLAW_ESCAPES_LEVELS") else { return Level::ALL.to_vec() };
    let level = |name: &str| {
        let found = Level::ALL.into_iter().find(|level| level.name() == name);
        found.unwrap_or_else(|| panic!("`CLAW_ESCAPES_LEVELS`: there is no level `{name}`"))
    };
    named.split(',').map(level).collect()
}

/// Whether `CLAW_ESCAPES_ONLY`, a part of a name, selects the attempt; unset, all are.
fn is_selected(attempt: &Attempt) -> bool {
    let named = env::var("CLAW_ESCAPES_ONLY").map_or(true, |only| attempt.name.contains(&only));
    named && (attempt.of_kernel || env::var_os("CLAW_ESCAPES_OF_KERNEL").is_none())
}
