//! Names with a version or a platform behind them: `psql-15`, `kubectl.1.33`, `terraform_1.9.5_linux_amd64`.
//!
//! Such a file is the tool of the name in front. What another version reads differently is the tool's own gap.

/// Words that releases and packages put behind a program's name.
const PLATFORMS: &[&[u8]] = &[
    b"386", b"aarch64", b"amd64", b"arm64", b"armv6", b"armv7", b"bin", b"darwin", b"distrib",
    b"exe", b"freebsd", b"gnu", b"i386", b"i686", b"linux", b"linux32", b"linux64", b"macos",
    b"musl", b"orig", b"osx", b"ppc64le", b"real", b"riscv64", b"s390x", b"static", b"win32",
    b"win64", b"windows", b"x64", b"x86",
];

/// What `name` may be a version of, the longest first: what stands before a version, a platform, or several of these.
pub(crate) fn stems(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut end = Some(name.len());
    std::iter::from_fn(move || {
        end = before_last(&name[..end?]);
        end.map(|end| &name[..end])
    })
}

/// Where the last version or platform of `name` begins, its separator included; none if it ends with none.
fn before_last(name: &[u8]) -> Option<usize> {
    let separator = |byte: &u8| matches!(byte, b'-' | b'_' | b'.' | b'@');
    let from = name.iter().rposition(separator).map_or(0, |at| at + 1);
    let word = &name[from..];
    if from > 1 && (is_version(word) || PLATFORMS.contains(&word)) {
        return Some(from - 1);
    }
    // Without a separator, a number ends the name.
    let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let at = name.len() - digits;
    // In names of two letters a digit is part of the name: `s3`, `b2`.
    (digits > 0 && digits < word.len() && at > 2).then_some(at)
}

/// `15`, `v1`, `0rc1`, `3b2`, and `rc1` for one that stands behind a separator of its own.
fn is_version(word: &[u8]) -> bool {
    let numbered = |rest: &&[u8]| rest.first().is_some_and(u8::is_ascii_digit);
    let word = word.strip_prefix(b"v").filter(numbered).unwrap_or(word);
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &word[digits..];
    let letters = rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let named: [&[u8]; 6] = [b"", b"a", b"b", b"rc", b"alpha", b"beta"];
    (digits > 0 || matches!(&rest[..letters], b"rc" | b"alpha" | b"beta"))
        && named.contains(&&rest[..letters])
        && rest[letters..].iter().all(u8::is_ascii_digit)
}
