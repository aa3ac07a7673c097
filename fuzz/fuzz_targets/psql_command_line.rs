//! Any words as psql's command line; those up to an empty one are its environment.

#![no_main]

use claw_classify::Stdin;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let words = claw_fuzz::words(data);
    let (env, argv) = match words.iter().position(|word| word.is_empty()) {
        Some(at) => (&words[..at], &words[at + 1..]),
        None => (&[][..], &words[..]),
    };
    let argv: Vec<&[u8]> = std::iter::once(&b"psql"[..]).chain(argv.iter().copied()).collect();
    let _ = claw_fuzz::look(&argv, Stdin::Unknown, env);
});
