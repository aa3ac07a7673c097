//! Counting what passed and failed, over cargo's test programs and the checks beside them.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::command;
use crate::report;
use crate::vm::Misemulated;

/// How often to rerun tests after the emulator broke down.
const AGAIN: u32 = 3;

/// The count so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Names of failed checks and tests, for the last lines.
    failures: Vec<String>,
    /// What was left out because this machine lacks something, and why.
    left_out: Vec<String>,
    /// What ran again, because the emulator broke down under it.
    ran_again: Vec<String>,
    /// Whether what is counted is not shown.
    quiet: bool,
}

impl Tally {
    /// Counts one check, and says why it failed.
    pub(crate) fn check(&mut self, name: &str, outcome: Result<()>) {
        match outcome {
            Ok(()) => {
                report::step("test", &format!("{name}: passed"));
                self.passed += 1;
            }
            Err(error) => {
                report::step("test", &format!("{name}: failed: {error:#}"));
                self.fail(name);
            }
        }
    }

    /// Runs `cargo test`, shows what it writes as it comes, and counts from the same text.
    pub(crate) fn cargo_test(&mut self, cargo: &mut Command) -> Result<()> {
        let mut child = cargo
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", command::line(cargo)))?;
        let output = child.stdout.take().context("the output of `cargo test` is not piped")?;
        let failed_before = self.failed;
        for line in BufReader::new(output).split(b'\n') {
            self.show(&[line?.as_slice(), b"\n"].concat());
        }
        let status = child.wait()?;
        if !status.success() && self.failed == failed_before {
            // It did not compile, or a test program died before it could count.
            self.fail(&format!("`{}`: {status}", command::line(cargo)));
        }
        Ok(())
    }

    /// Runs tests elsewhere, shows what they write, and counts from it. Tests that could not run are a
    /// failure. After a breakdown of the emulator they run again, and the last lines say so.
    pub(crate) fn elsewhere(
        &mut self,
        name: &str,
        run: impl Fn(&mut (dyn FnMut(&[u8]) + Send)) -> Result<()>,
    ) {
        let mut counted = Self { quiet: self.quiet, ..Self::default() };
        let mut outcome = run(&mut |line| counted.show(line));
        for _ in 0..AGAIN {
            let Err(error) = &outcome else { break };
            if !error.is::<Misemulated>() || counted.failed > 0 {
                break;
            }
            report::step("test", &format!("{name}: again, for {error:#}"));
            self.ran_again.push(name.to_owned());
            counted = Self { quiet: self.quiet, ..Self::default() };
            outcome = run(&mut |line| counted.show(line));
        }
        if let Err(error) = outcome {
            report::step("test", &format!("{name}: failed: {error:#}"));
            if counted.failed == 0 {
                counted.fail(name);
            }
        } else if counted.passed == 0 {
            report::step("test", &format!("{name}: no test ran"));
            counted.fail(name);
        }
        self.add(counted);
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.failures.extend(other.failures);
    }

    /// Passes a line of a test program on, and counts what it says.
    fn show(&mut self, line: &[u8]) {
        if !self.quiet {
            // The reader may have stopped (`| head`), but the tests still have to be counted.
            drop(io::stdout().write_all(line));
        }
        self.read(String::from_utf8_lossy(line).trim_end());
    }

    /// Counts what one line of a test program says.
    fn read(&mut self, line: &str) {
        if let Some(name) =
            line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.failures.push(name.to_owned());
        }
        let Some(summary) = line.strip_prefix("test result: ") else { return };
        let count = |what: &str| {
            summary
                .split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(what)?.trim().parse::<u64>().ok())
                .unwrap_or_default()
        };
        self.passed += count("passed");
        self.failed += count("failed");
        self.ignored += count("ignored");
    }

    /// Notes a suite that this machine cannot run and may leave out.
    pub(crate) fn leave_out(&mut self, what: &str) {
        self.left_out.push(what.to_owned());
    }

    fn fail(&mut self, name: &str) {
        self.failed += 1;
        self.failures.push(name.to_owned());
    }

    /// Prints the closing lines and gives the exit status. An ignored test fails the run, unless
    /// `allow_missing` is set.
    pub(crate) fn close(&self, allow_missing: bool) -> ExitCode {
        let mut text = String::new();
        for name in &self.failures {
            text += &format!("failed: {name}\n");
        }
        for what in &self.left_out {
            text += &format!("not run: {what}\n");
        }
        for name in &self.ran_again {
            text += &format!("ran again, for the emulator broke down: {name}\n");
        }
        if self.ignored > 0 {
            text += &format!("not run: {} tests marked `ignore`\n", self.ignored);
        }
        text += &format!("{} passed, {} failed\n", self.passed, self.failed);
        drop(io::stdout().write_all(text.as_bytes()));
        if self.is_good(allow_missing) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn is_good(&self, allow_missing: bool) -> bool {
        self.failed == 0 && self.passed > 0 && (self.ignored == 0 || allow_missing)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn results_of_several_programs_add_up() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test connect::denied_address ... FAILED",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: ok. 40 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 2.50s",
        ] {
            tally.read(line);
        }
        assert_eq!((tally.passed, tally.failed, tally.ignored), (42, 1, 1));
        assert_eq!(tally.failures, ["connect::denied_address"]);
    }

    #[test]
    fn a_run_is_good_only_when_something_ran_and_nothing_failed_or_was_left_out() {
        let tally = |passed, failed, ignored| Tally { passed, failed, ignored, ..Tally::default() };
        assert!(tally(1, 0, 0).is_good(false));
        assert!(!tally(0, 0, 0).is_good(false));
        assert!(!tally(9, 1, 0).is_good(true));
        assert!(!tally(9, 0, 1).is_good(false));
        assert!(tally(9, 0, 1).is_good(true));
    }

    #[test]
    fn tests_elsewhere_fail_when_they_cannot_run_and_when_none_did() {
        let mut tally = Tally { quiet: true, ..Tally::default() };
        tally.elsewhere("a", |_| anyhow::bail!("no machine"));
        tally.elsewhere("b", |_| Ok(()));
        assert_eq!((tally.passed, tally.failed), (0, 2));
        tally.elsewhere("c", |show| {
            show(b"test result: ok. 2 passed; 0 failed; 0 ignored\n");
            Ok(())
        });
        assert_eq!((tally.passed, tally.failed), (2, 2));
        assert_eq!(tally.failures, ["a", "b"]);
    }

    #[test]
    fn tests_run_again_where_the_emulator_broke_down_and_not_for_ever() {
        let broken = Misemulated::default;
        let runs = Cell::new(0);
        let run = |fails: u32, show: &mut (dyn FnMut(&[u8]) + Send)| {
            runs.set(runs.get() + 1);
            show(b"test result: ok. 2 passed; 0 failed; 0 ignored\n");
            if runs.get() <= fails { Err(broken().into()) } else { Ok(()) }
        };
        let quiet = || Tally { quiet: true, ..Tally::default() };
        let mut tally = quiet();
        tally.elsewhere("a", |show| run(1, show));
        assert_eq!((runs.get(), tally.passed, tally.failed), (2, 2, 0));
        assert_eq!(tally.ran_again, ["a"]);
        runs.set(0);
        tally.elsewhere("b", |show| run(9, show));
        assert_eq!((runs.get(), tally.failed), (AGAIN + 1, 1));
        runs.set(0);
        let mut tally = quiet();
        tally.elsewhere("c", |show| {
            show(b"test result: FAILED. 0 passed; 1 failed; 0 ignored\n");
            run(9, show)
        });
        assert_eq!((runs.get(), tally.failed), (1, 1), "a test that failed stays failed");
    }

    #[test]
    fn a_program_that_fails_without_counting_is_a_failure() -> Result<()> {
        let mut tally = Tally::default();
        tally.cargo_test(Command::new("sh").args(["-c", "exit 101"]))?;
        assert_eq!((tally.passed, tally.failed), (0, 1));
        Ok(())
    }
}
