//! Field offsets from the running kernel's type information, `/sys/kernel/btf/vmlinux`.
//!
//! Rust eBPF programs have no relocations for kernel structures, so the user side reads the offsets and sets
//! them as globals of the programs. Format: Documentation/bpf/btf.rst.
//!
//! Input: the bytes of a BTF blob. Output: byte offsets. Known gap: no bit fields; none of the needed fields
//! is one.

use thiserror::Error;

/// Where the kernel publishes its types.
pub(crate) const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

/// What can be wrong with the kernel's type information.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BtfError {
    /// It is not BTF, or it is truncated.
    #[error("the kernel's type information is malformed at byte {0}")]
    Malformed(usize),
    /// It lacks a field that the kernel programs need.
    #[error("this kernel's `struct {0}` has no field `{1}`")]
    NoField(String, String),
}

const KIND_INT: u32 = 1;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_DECL_TAG: u32 = 17;
const KIND_ENUM64: u32 = 19;

/// A parsed blob: where each type and each named structure starts.
pub(crate) struct Btf<'a> {
    bytes: &'a [u8],
    strings: usize,
    /// The byte offset of each type, by id; id 0 is `void`.
    types: Vec<usize>,
}

impl<'a> Btf<'a> {
    /// Reads the header and finds every type.
    ///
    /// # Errors
    /// [`BtfError::Malformed`].
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, BtfError> {
        let mut btf = Self { bytes, strings: 0, types: vec![0] };
        if btf.word(0)? & 0xffff != 0xeb9f {
            return Err(BtfError::Malformed(0));
        }
        let header = btf.word(4)? as usize;
        let start = header + btf.word(8)? as usize;
        let end = start + btf.word(12)? as usize;
        btf.strings = header + btf.word(16)? as usize;
        let mut at = start;
        while at < end {
            btf.types.push(at);
            let info = btf.word(at + 4)?;
            let (kind, members) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            at += 12
                + match kind {
                    KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
                    KIND_ARRAY => 12,
                    KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => 12 * members,
                    KIND_ENUM | KIND_FUNC_PROTO => 8 * members,
                    _ => 0,
                };
        }
        Ok(btf)
    }

    /// The byte offset of `field` in `struct name`, looked for in unnamed members too.
    ///
    /// # Errors
    /// [`BtfError::NoField`], [`BtfError::Malformed`].
    pub(crate) fn offset(&self, name: &str, field: &str) -> Result<u64, BtfError> {
        for at in &self.types[1..] {
            let info = self.word(at + 4)?;
            if info >> 24 & 0x1f == KIND_STRUCT
                && self.name_is(*at, name)?
                && let Some(bits) = self.bits(*at, field)?
            {
                return Ok(u64::from(bits / 8));
            }
        }
        Err(BtfError::NoField(name.to_owned(), field.to_owned()))
    }

    /// The bit offset of `field` in the structure or union at `at`.
    fn bits(&self, at: usize, field: &str) -> Result<Option<u32>, BtfError> {
        let info = self.word(at + 4)?;
        // The top bit says that offsets share their word with bit-field sizes.
        let mask = if info >> 31 == 1 { 0x00ff_ffff } else { u32::MAX };
        for member in 0..(info & 0xffff) as usize {
            let member = at + 12 + 12 * member;
            let offset = self.word(member + 8)? & mask;
            if self.name_is(member, field)? {
                return Ok(Some(offset));
            }
            if self.word(member)? == 0 {
                let inner = *self
                    .types
                    .get(self.word(member + 4)? as usize)
                    .ok_or(BtfError::Malformed(member))?;
                let kind = self.word(inner + 4)? >> 24 & 0x1f;
                if (kind == KIND_STRUCT || kind == KIND_UNION)
                    && let Some(bits) = self.bits(inner, field)?
                {
                    return Ok(Some(offset + bits));
                }
            }
        }
        Ok(None)
    }

    /// Whether the record at `at`, whose first word is a name, is called `name`.
    fn name_is(&self, at: usize, name: &str) -> Result<bool, BtfError> {
        let start = self.strings + self.word(at)? as usize;
        let end = start + name.len();
        Ok(self.bytes.get(start..end) == Some(name.as_bytes()) && self.bytes.get(end) == Some(&0))
    }

    fn word(&self, at: usize) -> Result<u32, BtfError> {
        let bytes = self.bytes.get(at..at + 4).ok_or(BtfError::Malformed(at))?;
        Ok(u32::from_ne_bytes(bytes.try_into().map_err(|_| BtfError::Malformed(at))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct s { int a; struct { int b; }; }` with the unnamed structure at bit 32.
    fn blob() -> Vec<u8> {
        let strings = b"\0s\0a\0b\0";
        let types: [u32; 21] = [
            0,
            KIND_INT << 24,
            4,
            32, // 1: an int
            0,
            KIND_STRUCT << 24 | 1,
            4,
            5,
            1,
            0, // 2: struct { int b; }
            1,
            KIND_STRUCT << 24 | 2,
            8,
            3,
            1,
            0,
            0,
            2,
            32, // 3: struct s
            0,
            0,
        ];
        let types = &types[..19];
        let mut out = vec![];
        for word in [0x0001_eb9f, 24, 0, 76, 76, strings.len() as u32] {
            out.extend(word.to_ne_bytes());
        }
        types.iter().for_each(|word| out.extend(word.to_ne_bytes()));
        out.extend(strings);
        out
    }

    #[test]
    fn fields_are_found_in_unnamed_members() {
        let blob = blob();
        let btf = Btf::parse(&blob).expect("well formed");
        assert_eq!(btf.offset("s", "a"), Ok(0));
        assert_eq!(btf.offset("s", "b"), Ok(4));
        assert_eq!(btf.offset("s", "c"), Err(BtfError::NoField("s".into(), "c".into())));
    }

    #[test]
    fn cut_short_is_an_error() {
        let blob = blob();
        assert_eq!(
            Btf::parse(&blob[..60]).and_then(|btf| btf.offset("s", "a")).unwrap_err().to_string(),
            "the kernel's type information is malformed at byte 68"
        );
        assert_eq!(
            Btf::parse(b"not type information").map(drop).unwrap_err().to_string(),
            "the kernel's type information is malformed at byte 0"
        );
    }
}
