//! Any text as a script that psql reads from its standard input.

#![no_main]

use claw_classify::Stdin;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = claw_fuzz::look(&[b"psql", b"-X"], Stdin::Content(data), &[]);
});
