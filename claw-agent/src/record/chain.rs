//! The hash chain: each line ends in the hash of the line before it and of itself.
//!
//! A line is `{…,"prev":"HEX","hash":"HEX"}`; the hash is SHA-256 over the line up to, not including,
//! `,"hash"`. The first line of a session has 64 zeros for `prev`.

use sha2::{Digest, Sha256};

/// The `prev` of the first line.
pub(super) const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const HASH: &str = ",\"hash\":\"";
const PREV: &str = ",\"prev\":\"";
const HEX: usize = 64;

/// Closes a JSON object into a line of the chain and gives its hash.
pub(super) fn seal(object: &str, prev: &str) -> (String, String) {
    let open = object.strip_suffix('}').unwrap_or(object);
    let body = format!("{open}{PREV}{prev}\"");
    let hash = hash(&body);
    (format!("{body}{HASH}{hash}\"}}"), hash)
}

/// The `prev` and the hash of a line; `None` if [`seal`] did not make this line.
pub(super) fn open(line: &str) -> Option<(&str, &str)> {
    let (body, rest) = line.split_at_checked(line.len().checked_sub(HASH.len() + HEX + 2)?)?;
    let claimed = rest.strip_prefix(HASH)?.strip_suffix("\"}")?;
    let at = body.len().checked_sub(PREV.len() + HEX + 1)?;
    let prev = body.get(at..)?.strip_prefix(PREV)?.strip_suffix('"')?;
    (hash(body) == claimed).then_some((prev, claimed))
}

fn hash(body: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(body).iter().fold(String::with_capacity(HEX), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_opens() {
        let (line, hash) = seal("{\"a\":1}", FIRST);
        assert_eq!(open(&line), Some((FIRST, &*hash)));
        assert!(line.starts_with("{\"a\":1,\"prev\":\"0"));
    }

    #[test]
    fn a_changed_line_does_not() {
        let (line, _) = seal("{\"a\":1}", FIRST);
        for at in 0..line.len() {
            let mut bytes = line.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert_eq!(open(&changed), None, "{changed}");
        }
        assert_eq!(open(""), None);
        assert_eq!(open("{}"), None);
    }
}
