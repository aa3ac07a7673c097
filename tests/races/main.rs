//! The races: what was judged is what runs, or nothing runs.
//!
//! Each attacker swaps an argument, a variable, a path or a file while the exec that depends on it is being
//! judged. A *win* is a program that reached its first instruction with what the policy forbids; the program
//! itself notes what it ran as. Each attacker also runs under a supervisor without a proof, where it must
//! win: a race that cannot be won would show nothing. Each is run at the levels `proven` and `held`.
//!
//! `CLAW_RACE_TRIES` sets the number of tries, 200 unless set; `CLAW_FLOOD_SECONDS` how long the flood lasts, 3 unless
//! set. `cargo xtask escapes --full` runs 10,000 tries and 60 seconds and writes docs/SECURITY-RESULTS.md. Known gap: a
//! swapped address is raced at the level `held` in `e2e/held.rs`; under `proven` the kernel reads it once.

mod arena;
mod environment;
mod files;
mod flood;
mod fuse;
mod memory;
mod race;
mod results;
mod window;
