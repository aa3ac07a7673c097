//! The two longest-prefix maps that decide connections in the kernel: their keys, and their values, the port
//! tables.
//!
//! A key has the session's number and the generation of its rules before the address. Every entry's prefix
//! covers both in full, so a look-up sees the rules of one session and one generation, and no other.

/// Words of a key for IPv4: the session, the generation, the address in network order.
pub const KEY4: usize = 3;

/// Words of a key for IPv6.
pub const KEY6: usize = 6;

/// Bits in front of the address.
pub const OWNER_BITS: u32 = 64;

/// How many port intervals one prefix can hold: those of the rules, and the default's.
pub const MAX_RANGES: usize = 33;

/// Words of a port table in the map: the count, then one word an interval.
pub const PORT_TABLE_WORDS: usize = 1 + MAX_RANGES;

/// The rule index that means that the policy's default decided.
pub const NO_RULE: u16 = u16::MAX;

/// One interval of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The first port.
    pub low: u16,
    /// The last port.
    pub high: u16,
    /// IPPROTO_TCP, IPPROTO_UDP, or 0 for every protocol.
    pub protocol: u8,
    /// Whether connections are allowed.
    pub allow: bool,
    /// The index of the rule that decided.
    pub rule: u16,
}

impl PortRange {
    /// The map's form.
    #[must_use]
    pub const fn to_word(self) -> u64 {
        self.low as u64
            | (self.high as u64) << 16
            | (self.rule as u64) << 32
            | (self.protocol as u64) << 48
            | (self.allow as u64) << 56
    }

    /// From the map's form.
    #[inline(always)]
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        Self {
            low: word as u16,
            high: (word >> 16) as u16,
            rule: (word >> 32) as u16,
            protocol: (word >> 48) as u8,
            allow: (word >> 56) != 0,
        }
    }

    /// Whether it contains `port` under `protocol`.
    #[inline(always)]
    #[must_use]
    pub const fn covers(self, port: u16, protocol: u8) -> bool {
        self.low <= port && port <= self.high && (self.protocol == 0 || self.protocol == protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_every_field() {
        for allow in [false, true] {
            let range = PortRange { low: 1, high: u16::MAX, protocol: 17, allow, rule: NO_RULE };
            assert_eq!(PortRange::from_word(range.to_word()), range);
        }
    }

    #[test]
    fn a_range_includes_both_ends() {
        let range = PortRange { low: 10, high: 20, protocol: 6, allow: true, rule: 0 };
        assert!(range.covers(10, 6) && range.covers(20, 6));
        assert!(!range.covers(9, 6) && !range.covers(21, 6) && !range.covers(10, 17));
        assert!(PortRange { protocol: 0, ..range }.covers(10, 17));
    }
}
