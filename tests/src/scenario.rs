//! Given/When/Then prose, printed as a test goes so that a failure reads as a story.

#![expect(clippy::disallowed_macros, reason = "the story is for whoever reads a failure")]

use std::fmt::Display;
use std::path::PathBuf;

/// One behaviour under test.
#[derive(Debug)]
pub struct Scenario;

impl Scenario {
    /// Starts a scenario that shows `what`.
    #[must_use]
    pub fn new(what: impl Display) -> Self {
        eprintln!("Scenario: {what}");
        Self
    }

    /// Says what there is before anything happens.
    pub fn given(&self, what: impl Display) {
        eprintln!("   Given {what}");
    }

    /// Says what the run without claw is to show.
    pub fn control(&self, what: impl Display) {
        eprintln!(" Control {what}");
    }

    /// Says what is done under claw.
    pub fn when(&self, what: impl Display) {
        eprintln!("    When {what}");
    }

    /// Says what must hold afterwards.
    pub fn then(&self, what: impl Display) {
        eprintln!("    Then {what}");
    }
}

/// The path of the first of `candidates` that exists.
///
/// # Panics
/// When there is none: a missing tool is a failure, never a skipped test.
pub fn tool(candidates: &[&str]) -> PathBuf {
    candidates.iter().map(PathBuf::from).find(|path| path.exists()).unwrap_or_else(|| {
        panic!("none of {candidates:?} is installed: run `cargo xtask setup`, which installs it")
    })
}
