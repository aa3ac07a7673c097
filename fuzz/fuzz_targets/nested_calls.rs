//! Calls inside calls: each byte adds a layer, and what is left are the words of the innermost.
//!
//! A call deeper down than claw reads is opaque: a governed call that stands in others never goes unseen.

#![no_main]

use claw_classify::Stdin;
use libfuzzer_sys::fuzz_target;

/// What each layer puts in front. The last word of some is a text that holds the rest.
const LAYERS: [&[&str]; 12] = [
    &["ssh", "h"],
    &["docker", "exec", "c"],
    &["kubectl", "exec", "p", "--"],
    &["env", "A=B"],
    &["nice"],
    &["timeout", "9"],
    &["xargs", "-n1"],
    &["sudo", "-u", "me"],
    &["setsid"],
    &["sh", "-c"],
    &["bash", "-lc"],
    &["psql", "-X", "-c"],
];
/// From here on the layers take the rest as one text.
const TEXTS: usize = 9;

fuzz_target!(|data: &[u8]| {
    let (layers, rest) =
        data.split_at(data.iter().position(|byte| *byte == 0).unwrap_or(data.len()));
    let mut words: Vec<Vec<u8>> = match rest {
        [] | [0] => vec![b"psql".to_vec(), b"-c".to_vec(), b"DROP TABLE t".to_vec()],
        rest => claw_fuzz::words(&rest[1..]).into_iter().map(<[u8]>::to_vec).collect(),
    };
    for layer in layers.iter().rev() {
        let at = usize::from(*layer) % LAYERS.len();
        let front = LAYERS[at].iter().map(|word| word.as_bytes().to_vec());
        words = if at < TEXTS {
            front.chain(words).collect()
        } else {
            front.chain([words.join(&b' ')]).collect()
        };
    }
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let _ = claw_fuzz::look(&words, Stdin::Unknown, &[b"HOME=/home/me"]);
});
