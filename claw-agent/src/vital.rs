//! Threads that the session rests on: without one of them calls would wait for ever, or go unrecorded.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Starts such a thread. Should it panic, this process ends, and the front with it ends everything guarded.
///
/// # Errors
/// As pthread_create(3).
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let work = move || {
        // Nothing is used afterwards that the work could have left half changed.
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            tracing::error!("claw panicked; ending the session");
            std::process::abort();
        }
    };
    std::thread::Builder::new().name(name.into()).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    /// Says to a copy of this test that it is the process to end.
    const ENDS: &str = "CLAW_TEST_ENDS";

    #[test]
    fn a_panic_ends_the_process() {
        if std::env::var_os(ENDS).is_some() {
            spawn("vital", || panic!("as the test wants it")).expect("a thread");
            loop {
                std::thread::park();
            }
        }
        let own = std::env::current_exe().expect("a running test has a path");
        let test = "vital::tests::a_panic_ends_the_process";
        let ran = Command::new(own).args([test, "--exact"]).env(ENDS, "").output();
        assert_eq!(ran.expect("it starts").status.signal(), Some(libc::SIGABRT));
    }
}
