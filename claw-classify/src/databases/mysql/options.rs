//! Options of MySQL's and MariaDB's clients, as `mysys/my_getopt.c` reads them.

use crate::call::text;

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// Only as `--opt=value` or `-ovalue`.
    Perhaps,
}

/// One option as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given<'a> {
    pub(super) name: &'static str,
    /// Not turned off by `--skip-` or `--disable-`.
    pub(super) on: bool,
    /// The value, and where it stands: `argv[1][2..]`.
    pub(super) value: Option<(&'a [u8], usize, usize)>,
}

struct Opt(&'static str, u8, Takes, &'static str);

/// Name, letter or 0, what it takes, and what it does: a class of the domain `client`.
const OPTIONS: &[Opt] = {
    use Takes::{Nothing as N, Perhaps as P, Value as V};
    &[
        Opt("abort-source-on-error", 0, N, "inform"),
        Opt("auto-rehash", 0, N, "inform"),
        Opt("auto-vertical-output", 0, N, "inform"),
        Opt("batch", b'B', N, "inform"),
        Opt("binary-as-hex", 0, N, "inform"),
        Opt("binary-mode", 0, N, "inform"),
        Opt("bind-address", 0, V, "inform"),
        Opt("character-sets-dir", 0, V, "program"),
        Opt("column-names", 0, N, "inform"),
        Opt("column-type-info", b'm', N, "inform"),
        Opt("comments", b'c', N, "inform"),
        Opt("compress", b'C', N, "inform"),
        Opt("compression-algorithms", 0, V, "inform"),
        Opt("connect-timeout", 0, V, "inform"),
        Opt("database", b'D', V, "inform"),
        Opt("debug", b'#', P, "file_write"),
        Opt("debug-check", 0, N, "inform"),
        Opt("debug-info", b'T', N, "inform"),
        Opt("default-auth", 0, V, "program"),
        Opt("default-character-set", 0, V, "variable"),
        Opt("defaults-extra-file", 0, V, "script"),
        Opt("defaults-file", 0, V, "script"),
        Opt("defaults-group-suffix", 0, V, "script"),
        Opt("delimiter", 0, V, "script"),
        Opt("enable-cleartext-plugin", 0, N, "inform"),
        Opt("execute", b'e', V, "inform"),
        Opt("force", b'f', N, "inform"),
        Opt("get-server-public-key", 0, N, "inform"),
        Opt("help", b'?', N, "inform"),
        Opt("help", b'I', N, "inform"),
        Opt("histignore", 0, V, "inform"),
        Opt("host", b'h', V, "inform"),
        Opt("html", b'H', N, "inform"),
        Opt("ignore-spaces", b'i', N, "inform"),
        Opt("init-command", 0, V, "inform"),
        Opt("init-command-add", 0, V, "inform"),
        Opt("line-numbers", 0, N, "inform"),
        Opt("local-infile", 0, P, "file_read"),
        Opt("load-data-local-dir", 0, V, "file_read"),
        Opt("login-path", 0, V, "script"),
        Opt("max-allowed-packet", 0, V, "inform"),
        Opt("max-join-size", 0, V, "inform"),
        Opt("named-commands", b'G', N, "inform"),
        Opt("net-buffer-length", 0, V, "inform"),
        Opt("no-auto-rehash", b'A', N, "inform"),
        Opt("no-beep", b'b', N, "inform"),
        Opt("no-defaults", 0, N, "inform"),
        Opt("one-database", b'o', N, "inform"),
        Opt("pager", 0, P, "program"),
        Opt("password", b'p', P, "inform"),
        Opt("pipe", b'W', N, "inform"),
        Opt("plugin-dir", 0, V, "program"),
        Opt("port", b'P', V, "inform"),
        Opt("print-defaults", 0, N, "inform"),
        Opt("progress-reports", 0, N, "inform"),
        Opt("prompt", 0, V, "inform"),
        Opt("protocol", 0, V, "inform"),
        Opt("quick", b'q', N, "inform"),
        Opt("raw", b'r', N, "inform"),
        Opt("reconnect", 0, N, "inform"),
        Opt("safe-updates", b'U', N, "inform"),
        Opt("i-am-a-dummy", 0, N, "inform"),
        Opt("sandbox", 0, N, "inform"),
        Opt("secure-auth", 0, N, "inform"),
        Opt("select-limit", 0, V, "inform"),
        Opt("server-arg", 0, V, "program"),
        Opt("server-public-key-path", 0, V, "inform"),
        Opt("show-warnings", 0, N, "inform"),
        Opt("sigint-ignore", 0, N, "inform"),
        Opt("silent", b's', N, "inform"),
        Opt("skip-auto-rehash", 0, N, "inform"),
        Opt("skip-column-names", b'N', N, "inform"),
        Opt("skip-line-numbers", b'L', N, "inform"),
        Opt("socket", b'S', V, "inform"),
        Opt("ssl", 0, P, "inform"),
        Opt("ssl-ca", 0, V, "inform"),
        Opt("ssl-capath", 0, V, "inform"),
        Opt("ssl-cert", 0, V, "inform"),
        Opt("ssl-cipher", 0, V, "inform"),
        Opt("ssl-crl", 0, V, "inform"),
        Opt("ssl-crlpath", 0, V, "inform"),
        Opt("ssl-fips-mode", 0, V, "inform"),
        Opt("ssl-key", 0, V, "inform"),
        Opt("ssl-mode", 0, V, "inform"),
        Opt("ssl-verify-server-cert", 0, N, "inform"),
        Opt("syslog", b'j', N, "inform"),
        Opt("system-command", 0, P, "inform"),
        Opt("table", b't', N, "inform"),
        Opt("tee", 0, V, "file_write"),
        Opt("tls-ciphersuites", 0, V, "inform"),
        Opt("tls-version", 0, V, "inform"),
        Opt("unbuffered", b'n', N, "inform"),
        Opt("user", b'u', V, "inform"),
        Opt("verbose", b'v', N, "inform"),
        Opt("version", b'V', N, "inform"),
        Opt("vertical", b'E', N, "inform"),
        Opt("wait", b'w', P, "inform"),
        Opt("xml", b'X', N, "inform"),
    ]
};

/// What an option does, as a class of the domain `client`.
pub(super) fn class(name: &str) -> &'static str {
    OPTIONS.iter().find(|opt| opt.0 == name).map_or("script", |opt| opt.3)
}

/// The options and the operands of a command line.
///
/// # Errors
/// What the client would refuse, and what is not known of it.
pub(super) fn read<'a>(argv: &[&'a [u8]]) -> Result<(Vec<Given<'a>>, Vec<&'a [u8]>), String> {
    let (mut given, mut operands) = (Vec::new(), Vec::new());
    let mut at = 1;
    while let Some(&word) = argv.get(at) {
        let here = at;
        at += 1;
        if word == b"--" {
            operands.extend(&argv[at..]);
            break;
        }
        if word.len() < 2 || word[0] != b'-' {
            operands.push(word);
            continue;
        }
        let Some(long) = word.strip_prefix(b"--") else {
            bundle(argv, here, &mut at, &mut given)?;
            continue;
        };
        let end = long.iter().position(|&byte| byte == b'=').unwrap_or(long.len());
        let (Opt(name, _, takes, _), on) = find(&text(&long[..end]))?;
        let mut value = (end < long.len()).then(|| (&long[end + 1..], here, end + 3));
        if *takes == Takes::Value && value.is_none() {
            let next = argv.get(at).ok_or_else(|| format!("`--{name}` is given no value"))?;
            value = Some((next, at, 0));
            at += 1;
        }
        let off = *takes != Takes::Value
            && value.is_some_and(|(value, ..)| {
                matches!(value, b"0" | b"OFF" | b"off" | b"FALSE" | b"false")
            });
        given.push(Given { name, on: on && !off, value });
    }
    Ok((given, operands))
}

/// The option that a long name means, and whether it turns it on.
fn find(name: &str) -> Result<(&'static Opt, bool), String> {
    let plain = name.replace('_', "-");
    let plain = plain.strip_prefix("loose-").unwrap_or(&plain);
    if let Some(opt) = only(plain)? {
        return Ok((opt, true));
    }
    for (prefix, on) in [("skip-", false), ("disable-", false), ("enable-", true)] {
        if let Some(opt) = plain.strip_prefix(prefix).map(only).transpose()?.flatten() {
            return Ok((opt, on));
        }
    }
    Err(format!("the option `--{name}` is not known"))
}

/// The only option that begins so, or is called so.
fn only(name: &str) -> Result<Option<&'static Opt>, String> {
    if name.is_empty() {
        return Err("an option has no name".to_owned());
    }
    if let Some(opt) = OPTIONS.iter().find(|opt| opt.0 == name) {
        return Ok(Some(opt));
    }
    let mut found = OPTIONS.iter().filter(|opt| opt.0.starts_with(name));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(format!("the option `--{name}` is ambiguous")),
        (found, _) => Ok(found),
    }
}

fn bundle<'a>(
    argv: &[&'a [u8]],
    here: usize,
    at: &mut usize,
    given: &mut Vec<Given<'a>>,
) -> Result<(), String> {
    let word = argv[here];
    for (offset, letter) in word.iter().enumerate().skip(1) {
        let Some(Opt(name, _, takes, _)) =
            OPTIONS.iter().find(|opt| opt.1 != 0 && opt.1 == *letter)
        else {
            return Err(format!("the option `-{}` is not known", text(&[*letter])));
        };
        let rest = &word[offset + 1..];
        let value = match (takes, rest.is_empty()) {
            (Takes::Nothing, _) | (Takes::Perhaps, true) => None,
            (Takes::Perhaps | Takes::Value, false) => Some((rest, here, offset + 1)),
            (Takes::Value, true) => {
                let next = argv.get(*at).ok_or_else(|| format!("`--{name}` is given no value"))?;
                *at += 1;
                Some((*next, *at - 1, 0))
            }
        };
        given.push(Given { name, on: true, value });
        if *takes != Takes::Nothing && !rest.is_empty() {
            break;
        }
    }
    Ok(())
}
