//! What claw lacks, loses or finds full: each call is refused that cannot be judged, that is recorded, and the next
//! one is served.
//!
//! Every fault is had from outside, by root, on the claw that is shipped: so far, limits of a process.

mod descriptors;

use std::io::ErrorKind;
use std::net::TcpListener;

use claw_tests::claw::{self, Guard};
use claw_tests::postgres;

/// The guards of both levels that hold anything.
fn levels(policy: &str) -> [(&'static str, Guard); 2] {
    let guard = || Guard::with_policy(policy).option("--require").option("held");
    [("proven", guard()), ("held", guard().without_capabilities())]
}

/// A statement by the real `psql`, for a shell.
fn psql(statement: &str) -> String {
    format!("'{}' -X -A -t -c '{statement}'", postgres::real_psql().display())
}

/// The chain of everything that was recorded holds, and the session's end is recorded.
fn verify(guard: &Guard) {
    let ran = claw::claw([
        "log".as_ref(),
        "verify".as_ref(),
        "--audit".as_ref(),
        guard.audit().as_os_str(),
    ]);
    let _ = ran.exits(0);
    let records = guard.records();
    assert!(records.iter().any(|record| record.kind() == "end"), "{records:#?}");
}

/// Somebody who waits at a loopback address.
fn listener(port: u16) -> TcpListener {
    let listener = TcpListener::bind(("127.0.9.7", port)).expect("loopback");
    listener.set_nonblocking(true).expect("a socket can be non-blocking");
    listener
}

/// How many have come since the last time.
fn callers(listener: &TcpListener) -> usize {
    let mut callers = 0;
    loop {
        match listener.accept() {
            Ok(_) => callers += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return callers,
            Err(error) => panic!("the listener fails: {error}"),
        }
    }
}
