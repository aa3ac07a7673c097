//! docs/SECURITY-RESULTS.md: each theme, race and flood beside its control.

use std::collections::BTreeMap;

use super::outcome::{Flood, Outcomes, Race, Theme};

/// The levels, as columns.
const LEVELS: [&str; 2] = ["held", "proven"];

/// Stands where a level was not run.
const NOT_RUN: &str = "not run";

/// The whole document.
pub(crate) fn render(outcomes: &Outcomes, kernel: &str) -> String {
    [
        format!(
            "# What gets through\n\n\
             Written by `cargo xtask escapes --full` (without `--full`: fewer tries), which anyone can run. It runs \
             everything below without claw first, where it must work. Linux {kernel}.\n\n"
        ),
        attempts(&outcomes.themes),
        races(&outcomes.races),
        floods(&outcomes.floods),
    ]
    .concat()
}

fn attempts(themes: &[Theme]) -> String {
    let mut text = "## Attempts\n\n\
         Each attempt of `tests/escapes/` is a program or a command that tries to run a forbidden `psql`, to reach a closed \
         address or to change a judged call. Whether it got through is asked of the database, the server or the program \
         that it was after. Agents run as a user other than root; at `held` claw runs as that user too.\n\n\
         | theme | tried | got through unguarded | `held` | `proven` |\n|---|---|---|---|---|\n"
        .to_owned();
    let mut rows: BTreeMap<u64, (&str, u64, BTreeMap<&str, usize>)> = BTreeMap::new();
    for Theme { number, theme, level, tried, through } in themes {
        let row = rows.entry(*number).or_insert_with(|| (theme, *tried, BTreeMap::new()));
        row.2.insert(level, through.len());
    }
    let mut all = (0, BTreeMap::new());
    for (theme, tried, through) in rows.values() {
        text += &row(theme, *tried, through);
        all.0 += tried;
        for (level, count) in through {
            *all.1.entry(*level).or_insert(0) += count;
        }
    }
    text += &row("all", all.0, &all.1);
    text += "\nWhat got through is known, and has its row in [SECURITY.md](../SECURITY.md) under \"Not closed yet\":\n\n";
    for Theme { theme, level, through, .. } in
        themes.iter().filter(|theme| !theme.through.is_empty())
    {
        text += &format!("- {theme}, `{level}`: {}.\n", through.join("; "));
    }
    if themes.iter().all(|theme| theme.through.is_empty()) {
        text += "- nothing.\n";
    }
    text
}

fn row(theme: &str, tried: u64, through: &BTreeMap<&str, usize>) -> String {
    let at = |level| through.get(level).map_or_else(|| NOT_RUN.to_owned(), ToString::to_string);
    format!("| {theme} | {tried} | {tried} | {} | {} |\n", at(LEVELS[0]), at(LEVELS[1]))
}

fn races(races: &[Race]) -> String {
    let mut text = "\n## Races\n\n\
         Each attacker of `tests/races/` swaps what was judged for what is forbidden while the call is being judged. A win is a \
         program that ran its first instruction with what is forbidden. The control is a supervisor that reads, judges and \
         continues, and proves nothing; it is tried until it has been beaten. What the proof caught was killed before its first \
         instruction; the other tries were judged as they ran.\n\n\
         | who swaps what | control: wins / tries | `held`: wins / tries (caught) | `proven`: wins / tries (caught) |\n\
         |---|---|---|---|\n"
        .to_owned();
    for race in races {
        let control = match (&race.control, &race.untried) {
            (Some(control), _) => format!("{} / {}", grouped(control.wins), grouped(control.tries)),
            (None, why) => format!("not tried: {}", why.as_deref().unwrap_or("no reason given")),
        };
        let at = |level| {
            let tries = race.levels.get(level);
            tries.map_or_else(
                || NOT_RUN.to_owned(),
                |is| {
                    format!("{} / {} ({})", grouped(is.wins), grouped(is.tries), grouped(is.killed))
                },
            )
        };
        text += &format!("| {} | {control} | {} | {} |\n", race.race, at(LEVELS[0]), at(LEVELS[1]));
    }
    text
}

fn floods(floods: &[Flood]) -> String {
    let mut text = "\n## The exec flood\n\n\
         Threads of one process start programs with posix_spawn(3) as fast as they can, each with words of its own: ungoverned, \
         allowed, limited and denied calls in turn. Each program says what it ran as, which is compared with what it should \
         have been. Unguarded, every one runs as it was asked for.\n\n\
         | level | threads | seconds | programs | wrongly killed | not started | wrong answers |\n|---|---|---|---|---|---|---|\n"
        .to_owned();
    for Flood { level, threads, seconds, started, killed, failed, wrong } in floods {
        let started = grouped(*started);
        text += &format!(
            "| `{level}` | {threads} | {seconds} | {started} | {killed} | {failed} | {wrong} |\n"
        );
    }
    text
}

/// With a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use anyhow::Result;

    use super::super::outcome;
    use super::*;

    /// What the suites leave, read and written down.
    fn document(files: &[&str]) -> Result<String> {
        let folder = tempfile::tempdir()?;
        for (number, text) in files.iter().enumerate() {
            fs::write(folder.path().join(number.to_string()), text)?;
        }
        Ok(render(&outcome::read(folder.path())?, "6.18"))
    }

    const THEME: &str =
        r#"{"number":1,"theme":"Copies","level":"held","tried":3,"through":["cp"]}"#;
    const RACE: &str = r#"{"race":"a thread","control":{"tries":200,"wins":9},"levels":{"held":{"tries":10000,"wins":0,"killed":7}}}"#;
    const FLOOD: &str = r#"{"flood":{"level":"held","threads":64,"seconds":60,"started":1234567,"killed":0,"failed":0,"wrong":0}}"#;

    #[test]
    fn results_become_rows_and_name_what_got_through() -> Result<()> {
        let text = document(&[THEME, RACE, FLOOD])?;
        assert!(text.contains("| Copies | 3 | 3 | 1 | not run |\n"), "{text}");
        assert!(text.contains("- Copies, `held`: cp.\n"), "{text}");
        assert!(text.contains("| a thread | 9 / 200 | 0 / 10,000 (7) | not run |\n"), "{text}");
        assert!(text.contains("| `held` | 64 | 60 | 1,234,567 | 0 | 0 | 0 |\n"), "{text}");
        Ok(())
    }

    #[test]
    fn a_race_that_was_not_tried_says_why() -> Result<()> {
        let untried = r#"{"race":"a server","untried":"no FUSE"}"#;
        let text = document(&[THEME, untried, FLOOD])?;
        assert!(text.contains("| a server | not tried: no FUSE | not run | not run |\n"), "{text}");
        Ok(())
    }

    #[test]
    fn a_suite_that_left_nothing_is_an_error() {
        let error = document(&[THEME, FLOOD]).expect_err("there are no races");
        assert!(error.to_string().contains("left no results"), "{error}");
    }
}
