//! Two workers, one bare and one under `claw run`, that take turns at the same work, so that other load on
//! the machine affects both.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::worker::Work;
use crate::command;

/// One worker and the pipes to it.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a worker by the command that runs it, guarded or not.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start `{}`", command::line(&command)))?;
        let orders = child.stdin.take();
        let answers =
            BufReader::new(child.stdout.take().context("the worker's output is not piped")?);
        Ok(Self { child, orders, answers })
    }

    /// Makes the worker do the work `count` times. Samples are nanoseconds.
    pub(crate) fn perform(&mut self, work: Work, count: usize) -> Result<Vec<u64>> {
        let orders = self.orders.as_mut().context("the worker's input is not piped")?;
        writeln!(orders, "{} {count}", work.word()).context("the worker has ended")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let samples: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
        let samples = samples.context("the worker does not answer with numbers")?;
        if samples.is_empty() {
            bail!("the worker ended during `{}`: {}", work.word(), self.child.wait()?);
        }
        Ok(samples)
    }

    /// Waits until a newly started worker is idle, and returns its process as [`Self::pid`] does.
    pub(crate) fn settle(&mut self) -> Result<u32> {
        self.perform(Work::Spawn, 20)?;
        Ok(self.pid())
    }

    /// The process that was started: `claw` itself for a guarded worker.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Worker {
    /// A worker ends when its orders do.
    fn drop(&mut self) {
        drop(self.orders.take());
        drop(self.child.wait());
    }
}

/// Both workers.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) bare: Worker,
    pub(crate) guarded: Worker,
}

/// How often a measurement goes back and forth, and how much is done each time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) each: usize,
}

impl Pair {
    /// Lets both do the work in turns, after one round that is not counted and warms the caches. Which side goes
    /// first changes with the round.
    pub(crate) fn measure(&mut self, work: Work, plan: Plan) -> Result<Samples> {
        self.bare.perform(work, plan.each)?;
        self.guarded.perform(work, plan.each)?;
        let mut rounds = Vec::with_capacity(plan.rounds);
        for round in 0..plan.rounds {
            rounds.push(if round % 2 == 0 {
                let bare = self.bare.perform(work, plan.each)?;
                Round { bare, guarded: self.guarded.perform(work, plan.each)? }
            } else {
                let guarded = self.guarded.perform(work, plan.each)?;
                Round { bare: self.bare.perform(work, plan.each)?, guarded }
            });
        }
        Ok(Samples::of(rounds))
    }
}

/// One turn of both sides, in nanoseconds.
#[derive(Debug)]
struct Round {
    bare: Vec<u64>,
    guarded: Vec<u64>,
}

/// What both sides took.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) bare: Sorted,
    pub(crate) guarded: Sorted,
    /// What claw adds at p50, in nanoseconds: the median over the rounds of the difference of their medians, which a
    /// machine that slows down for a while does not move. Negative where noise is larger than the difference.
    pub(crate) added: i64,
    /// Guarded over bare at p50, from the rounds in the same way.
    pub(crate) ratio: f64,
}

impl Samples {
    fn of(rounds: Vec<Round>) -> Self {
        let (mut added, mut ratios) = (Vec::new(), Vec::new());
        let (mut bare, mut guarded) = (Vec::new(), Vec::new());
        for round in rounds {
            let (left, right) = (Sorted::of(round.bare), Sorted::of(round.guarded));
            added.push(right.percentile(50).cast_signed() - left.percentile(50).cast_signed());
            ratios.push(right.percentile(50) as f64 / left.percentile(50) as f64);
            bare.extend(left.0);
            guarded.extend(right.0);
        }
        added.sort_unstable();
        ratios.sort_unstable_by(f64::total_cmp);
        Self {
            bare: Sorted::of(bare),
            guarded: Sorted::of(guarded),
            added: added.get(added.len() / 2).copied().unwrap_or_default(),
            ratio: ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN),
        }
    }

    /// The difference of the two sides' p99, in nanoseconds.
    pub(crate) fn added_tail(&self) -> i64 {
        self.guarded.percentile(99).cast_signed() - self.bare.percentile(99).cast_signed()
    }
}

/// Samples in ascending order.
#[derive(Debug)]
pub(crate) struct Sorted(Vec<u64>);

impl Sorted {
    /// Takes samples in any order.
    pub(crate) fn of(mut samples: Vec<u64>) -> Self {
        samples.sort_unstable();
        Self(samples)
    }

    /// The sample that this percentage does not exceed; 0 if there are no samples.
    pub(crate) fn percentile(&self, percent: usize) -> u64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_by_nearest_rank() {
        let sorted = Sorted::of((1..=200).rev().collect());
        assert_eq!(
            (sorted.percentile(50), sorted.percentile(99), sorted.percentile(100)),
            (100, 198, 200)
        );
        assert_eq!(Sorted::of(vec![7]).percentile(50), 7);
        assert_eq!(Sorted::of(vec![]).percentile(50), 0);
    }

    #[test]
    fn what_is_added_comes_from_rounds_so_that_a_slow_spell_does_not_move_it() {
        let round = |bare: u64| Round { bare: vec![bare; 3], guarded: vec![bare + 20; 3] };
        // The machine is twice as slow in the last round, on both sides.
        let samples = Samples::of(vec![round(400), round(400), round(800)]);
        assert_eq!(samples.added, 20);
        assert!((samples.ratio - 1.05).abs() < 1e-9);
        assert_eq!((samples.bare.len(), samples.added_tail()), (9, 20));
    }

    #[test]
    fn a_worker_answers_orders_until_its_input_ends() -> Result<()> {
        let mut shell = Command::new("sh");
        shell.args(["-c", "while read -r work count; do echo \"$count 5\"; done"]);
        let mut worker = Worker::start(shell)?;
        assert_eq!(worker.perform(Work::Spawn, 3)?, [3, 5]);
        assert_eq!(worker.perform(Work::Build, 1)?, [1, 5]);
        Ok(())
    }
}
