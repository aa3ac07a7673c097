//! Any words as the command line of any tool: the first names it, or stands for one.

#![no_main]

use claw_classify::{Stdin, TOOLS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut words = claw_fuzz::words(data);
    let known =
        |name: &[u8]| TOOLS.iter().any(|tool| tool.names.iter().any(|one| one.as_bytes() == name));
    if !known(words[0]) {
        let sum: usize = words[0].iter().map(|byte| usize::from(*byte)).sum();
        words[0] = TOOLS[sum % TOOLS.len()].name.as_bytes();
    }
    let _ = claw_fuzz::look(&words, Stdin::Unknown, &[b"HOME=/home/me"]);
});
