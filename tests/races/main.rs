//! The races: what was judged is what runs, or nothing runs.
//!
//! Each attacker swaps an argument or a path while the exec that uses it is being judged. A *win* is a program that
//! reached its first instruction with what the policy forbids; the program itself notes what it ran as. Beside each
//! stands the same attacker under a supervisor without a proof, where it must win: a race that nobody can win would
//! show nothing. `CLAW_RACE_TRIES` sets the number of tries, 10,000 unless set.

mod arena;
mod concurrent;
mod shared_peer;
mod sibling_thread;
mod symlink_flipper;
