//! The table of figures, in Markdown, for the terminal and for docs/PERFORMANCE.md alike.

use super::paired::Samples;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    what: &'static str,
    bare: String,
    guarded: String,
    added: String,
    ratio: String,
    goal: &'static str,
    samples: usize,
}

impl Row {
    /// How long one piece of work takes on both sides.
    pub(crate) fn latency(what: &'static str, samples: &Samples) -> Self {
        let both = |side: &super::paired::Sorted| {
            format!("{} / {}", micro(side.percentile(50)), micro(side.percentile(99)))
        };
        Self {
            what,
            bare: both(&samples.bare),
            guarded: both(&samples.guarded),
            added: format!("{} / {}", signed(samples.added), signed(samples.added_tail())),
            ratio: format!("{:.3}", samples.ratio),
            goal: "",
            samples: samples.guarded.len(),
        }
    }

    /// How often something is done in a second. `took` is the time of all of it, in nanoseconds.
    pub(crate) fn rate(what: &'static str, count: usize, took: &[u64]) -> Self {
        let seconds = took.iter().sum::<u64>() as f64 / 1e9;
        Self { guarded: thousands((count as f64 / seconds) as u64), ..Self::single(what, count) }
    }

    /// Resident memory of claw, and of claw for each process that it guards, in bytes.
    pub(crate) fn memory(idle: u64, each: u64) -> Self {
        let guarded =
            format!("{:.1} MiB / {:.2} KiB", idle as f64 / 1_048_576.0, each as f64 / 1024.0);
        Self { guarded, ..Self::single("resident memory, idle / per guarded process", 1) }
    }

    fn single(what: &'static str, samples: usize) -> Self {
        let none = || "-".to_owned();
        Self {
            what,
            bare: none(),
            guarded: none(),
            added: none(),
            ratio: none(),
            goal: "",
            samples,
        }
    }

    /// What is aimed at.
    pub(crate) fn goal(self, goal: &'static str) -> Self {
        Self { goal, ..self }
    }
}

/// The whole document.
pub(crate) fn render(rows: &[Row], machine: &str) -> String {
    let mut text = format!(
        "# What claw costs\n\n\
         Written by `cargo xtask bench --write docs/PERFORMANCE.md`. One process under `claw run` (level `proven`, or `held` where a row says so: the same machine without capabilities) and \
         one without take turns at the same work. Times are p50 / p99 in microseconds, or in seconds where it says so. \
         What is added at p50, and the ratio of guarded to bare, is the median over the rounds of what the two turns \
         of a round differ by; at p99 it is the difference of the two sides' p99. It is negative where the machine's \
         noise is larger.\n\n\
         Measured on: {machine}.\n\n\
         | what | bare | guarded | added | ratio | goal | samples |\n|---|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let cells = [row.what, &row.bare, &row.guarded, &row.added, &row.ratio, row.goal];
        text += &format!("| {} | {} |\n", cells.join(" | "), thousands(row.samples as u64));
    }
    text += "\nAn exec is a posix_spawn(3) of `/bin/true` and the wait for it. `psql` is the real client, which ends at \
             once because its server is not there. A decision is an execve(2) of `psql` with a statement that is \
             denied, from 64 threads at once, recorded like any other. Swapped calls that ran, in 10,000 tries of \
             each race, are counted by `cargo xtask escapes --full`, beside the control without claw. Memory is proportional: a page that \
             claw's processes share counts once.\n";
    text
}

/// Nanoseconds as microseconds, or as seconds from one on.
fn micro(nanoseconds: u64) -> String {
    let value = nanoseconds as f64 / 1e3;
    if value < 100.0 {
        format!("{value:.1}")
    } else if value < 1e6 {
        thousands(value.round() as u64)
    } else {
        format!("{:.2} s", value / 1e6)
    }
}

fn signed(nanoseconds: i64) -> String {
    format!("{}{}", if nanoseconds < 0 { '-' } else { '+' }, micro(nanoseconds.unsigned_abs()))
}

/// `20000` as `20,000`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::paired::Sorted;
    use super::*;

    #[test]
    fn numbers_are_short_and_readable() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(999), "999");
        assert_eq!(micro(12_340), "12.3");
        assert_eq!(micro(1_234_000), "1,234");
        assert_eq!(micro(8_660_000_000), "8.66 s");
        assert_eq!(signed(-500), "-0.5");
    }

    #[test]
    fn a_row_holds_both_sides_and_what_is_added() {
        let samples = Samples {
            bare: Sorted::of(vec![400_000]),
            guarded: Sorted::of(vec![420_000]),
            added: 20_000,
            ratio: 1.05,
        };
        let text = render(&[Row::latency("an exec", &samples).goal("25 us")], "a machine");
        let row = "| an exec | 400 / 400 | 420 / 420 | +20.0 / +20.0 | 1.050 | 25 us | 1 |";
        assert!(text.contains(row), "{text}");
    }

    #[test]
    fn a_rate_is_count_over_time() {
        let text = render(&[Row::rate("decisions", 50_000, &[2_000_000_000])], "a machine");
        assert!(text.contains("| decisions | - | 25,000 |"), "{text}");
    }
}
