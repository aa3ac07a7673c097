//! How much work reading was, for tests and benches: nothing that is decided depends on it.

use std::cell::Cell;

/// What this thread has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Command lines of psql planned.
    pub plans: u64,
    /// Texts parsed by the server's grammar.
    pub server_parses: u64,
    /// Texts parsed by sqlparser as a second opinion.
    pub second_parses: u64,
}

thread_local! {
    static DONE: Cell<Work> = const { Cell::new(Work { plans: 0, server_parses: 0, second_parses: 0 }) };
}

/// What this thread has done so far.
#[must_use]
pub fn done() -> Work {
    DONE.get()
}

/// Counts one piece of work.
pub(crate) fn note(kind: impl FnOnce(&mut Work) -> &mut u64) {
    let mut work = DONE.get();
    *kind(&mut work) += 1;
    DONE.set(work);
}
