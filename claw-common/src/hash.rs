//! The keyed hash of an image's argument area: SipHash-2-4 over 192-byte blocks.
//!
//! The message is the area, padded with zeros to a multiple of [`BLOCK`] bytes. SipHash's own last
//! word would carry the length modulo 256 and is the same for every padded message; here it carries
//! the whole unpadded length, so the padding is injective. Whole blocks let the kernel side run a
//! fixed number of rounds a step, which the verifier can follow.
//!
//! Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.

/// Bytes that one [`SipHash::block`] takes. The kernel side keeps a block on its stack: a program and its callbacks have
/// 512 bytes together, and Linux 6.1 rounds each of them up to 32.
pub const BLOCK: usize = 192;

/// 64-bit words in a block.
pub const BLOCK_WORDS: usize = BLOCK / 8;

/// A 128-bit key, drawn at random and never shown to a guarded process.
#[derive(Clone, Copy)]
pub struct Key(pub [u64; 2]);

/// The running state.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SipHash {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl SipHash {
    /// The state before any message.
    #[inline(always)]
    #[must_use]
    pub const fn new(key: Key) -> Self {
        let [k0, k1] = key.0;
        Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        }
    }

    #[inline(always)]
    const fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13);
        self.v1 ^= self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16);
        self.v3 ^= self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21);
        self.v3 ^= self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17);
        self.v1 ^= self.v2;
        self.v2 = self.v2.rotate_left(32);
    }

    /// Takes one word of the message.
    #[inline(always)]
    pub const fn word(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.round();
        self.v0 ^= word;
    }

    /// Takes one block of the message.
    #[inline(always)]
    pub fn block(&mut self, words: &[u64; BLOCK_WORDS]) {
        for word in words {
            self.word(*word);
        }
    }

    /// The hash of a message of `len` bytes before padding.
    #[inline(always)]
    #[must_use]
    pub const fn finish(mut self, len: u64) -> u64 {
        self.word(len);
        self.v2 ^= 0xff;
        self.round();
        self.round();
        self.round();
        self.round();
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

/// The hash of the argument area that `parts` make when joined, and its length. The user side uses this form,
/// because it has the strings in several places and need not join them.
#[must_use]
pub fn of_parts<'a>(key: Key, parts: impl IntoIterator<Item = &'a [u8]>) -> (u64, u64) {
    let mut state = SipHash::new(key);
    let mut block = [0u8; BLOCK];
    let mut filled = 0;
    let mut len = 0u64;
    for mut part in parts {
        len += part.len() as u64;
        while !part.is_empty() {
            let take = part.len().min(BLOCK - filled);
            let (head, rest) = part.split_at(take);
            block[filled..filled + take].copy_from_slice(head);
            filled += take;
            part = rest;
            if filled == BLOCK {
                state.block(&words(&block));
                block = [0; BLOCK];
                filled = 0;
            }
        }
    }
    if filled > 0 {
        state.block(&words(&block));
    }
    (state.finish(len), len)
}

fn words(block: &[u8; BLOCK]) -> [u64; BLOCK_WORDS] {
    let mut words = [0; BLOCK_WORDS];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(8)) {
        *word = u64::from_ne_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector of the SipHash paper, appendix A: 15 bytes 00..0e, key 00..0f.
    #[test]
    fn rounds_are_siphash_2_4() {
        let mut state = SipHash::new(Key([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]));
        state.word(0x0706_0504_0302_0100);
        // The last word of the paper holds the remaining 7 bytes and the length.
        assert_eq!(state.finish(0x0f0e_0d0c_0b0a_0908), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn how_the_parts_are_cut_does_not_matter() {
        let key = Key([1, 2]);
        let whole: [u8; 1000] = core::array::from_fn(|i| i as u8);
        for cut in [0, 1, 7, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 999, 1000] {
            let (a, b) = whole.split_at(cut);
            assert_eq!(of_parts(key, [a, b]), of_parts(key, [&whole[..]]));
        }
    }

    #[test]
    fn padding_is_injective() {
        let key = Key([1, 2]);
        let zeros = [0u8; 2 * BLOCK];
        for n in 0..zeros.len() {
            for m in 0..n {
                assert_ne!(of_parts(key, [&zeros[..n]]), of_parts(key, [&zeros[..m]]));
            }
        }
    }

    #[test]
    fn another_key_gives_another_hash() {
        assert_ne!(of_parts(Key([1, 2]), [&b"psql"[..]]), of_parts(Key([1, 3]), [&b"psql"[..]]));
    }
}
