//! Addresses: URLs as curl and wget read them, and the host of what is only nearly one.
//!
//! Input: a text. Output: its scheme, host, port and path. Programs differ in how they read odd URLs, so an odd one is
//! an error.
//!
//! Sources: RFC 3986, curl's `lib/urlapi.c`, inet_aton(3).

use crate::call::text;

/// A URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    pub(crate) host: String,
    pub(crate) port: Option<String>,
    pub(crate) path: String,
}

/// Takes a URL apart.
///
/// # Errors
/// What is odd about it, where clients differ in how they read it.
pub(crate) fn read(url: &str, guess: &str) -> Result<Url, String> {
    if let Some(odd) = url.chars().find(|char| char.is_control() || *char == ' ') {
        return Err(format!("the URL holds the character {odd:?}"));
    }
    let is_scheme = |scheme: &str| {
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ if url.split_once(":/").is_some_and(|(scheme, _)| is_scheme(scheme)) => {
            return Err("the URL has one slash where it should have two".to_owned());
        }
        _ => (guess.to_owned(), url),
    };
    if scheme.is_empty() {
        return Err("the URL has an empty scheme".to_owned());
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    if scheme == "file" {
        return Ok(Url {
            scheme,
            host: authority.to_ascii_lowercase(),
            port: None,
            path: path.to_owned(),
        });
    }
    let host_port = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || b"._~!$&'()*+,=:%-".contains(&byte);
            if !user.bytes().all(plain) {
                return Err("what stands before the `@` of the URL is read differently by different programs".to_owned());
            }
            host
        }
        None => authority,
    };
    let (host, port) = match host_port.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or("the URL has no `]`")?;
            let parsed: std::net::Ipv6Addr =
                address.parse().map_err(|_| "the URL's host is no IPv6 address".to_owned())?;
            (format!("[{parsed}]"), port)
        }
        None => {
            let end = host_port.find(':').unwrap_or(host_port.len());
            (plain_host(&host_port[..end])?, &host_port[end..])
        }
    };
    let port = match port.strip_prefix(':') {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            let number = port.trim_start_matches('0');
            if number.parse::<u16>().is_err() && !port.is_empty() {
                return Err("the URL's port is no port".to_owned());
            }
            (!port.is_empty()).then(|| number.to_owned())
        }
        None if port.is_empty() => None,
        _ => return Err("the URL's port is no number".to_owned()),
    };
    let path = if path.is_empty() && scheme.starts_with("http") { "/" } else { path };
    Ok(Url { scheme, host, port, path: path.to_owned() })
}

/// A path without its `.` and `..`, as RFC 3986, 5.2.4 takes them out.
///
/// # Errors
/// Where a dot is percent-encoded: curl took it for a dot from 8.9 on and not before.
pub(crate) fn without_dots(path: &str) -> Result<String, String> {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        if decoded != segment && matches!(decoded.as_str(), "." | "..") {
            return Err(
                "a percent-encoded dot in the path is read differently by different versions"
                    .to_owned(),
            );
        }
        match segment {
            ".." => drop(kept.pop()),
            "." => {}
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    Ok(format!("/{}", kept.join("/")))
}

fn plain_host(host: &str) -> Result<String, String> {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if host.is_empty() {
        return Err("the URL has no host".to_owned());
    }
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        return Err("the URL's host is read differently by different programs".to_owned());
    }
    Ok(address(&host).map_or(host, |address| address.to_string()))
}

/// Numbers as inet_aton(3) reads them: one to four parts, each decimal, octal or hexadecimal.
fn address(host: &str) -> Option<std::net::Ipv4Addr> {
    let parts: Option<Vec<u64>> = host
        .split('.')
        .map(|part| match part.strip_prefix("0x") {
            Some("") => Some(0),
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None if part.len() > 1 && part.starts_with('0') => u64::from_str_radix(part, 8).ok(),
            None => part.parse().ok(),
        })
        .collect();
    let parts = parts?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let room = 8 * (4 - first.len());
    if *last >= 1 << room {
        return None;
    }
    let high = first.iter().fold(0, |high, part| high << 8 | part);
    u32::try_from(high << room | last).ok().map(std::net::Ipv4Addr::from)
}

/// The host of an address: what stands between the scheme with its user and the port or path.
pub(crate) fn host(address: &[u8]) -> String {
    let address = text(address);
    let rest = address.split_once("://").map_or(&*address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    if host.is_empty() { "?".to_owned() } else { host.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_urls() {
        for (url, expected) in [
            ("https://api.github.com/x", "https api.github.com - /x"),
            ("HTTPS://API.GitHub.com:443", "https api.github.com 443 /"),
            ("api.github.com/x?y#z", "http api.github.com - /x"),
            ("https://u:p@h/x", "https h - /x"),
            ("https://api.github.com@evil.example/x", "https evil.example - /x"),
            ("https://evil.example/#@api.github.com/", "https evil.example - /"),
            ("https://evil.example?@api.github.com/", "https evil.example - /"),
            ("https://h./", "https h - /"),
            ("http://0x7f000001:6443/api", "http 127.0.0.1 6443 /api"),
            ("http://2130706433/", "http 127.0.0.1 - /"),
            ("http://127.1/", "http 127.0.0.1 - /"),
            ("http://0177.0.0.1/", "http 127.0.0.1 - /"),
            ("http://[::1]:80/", "http [::1] 80 /"),
            ("file:///etc/passwd", "file  - /etc/passwd"),
            ("http://h:080/", "http h 80 /"),
            ("http://h:70000/", "!"),
            ("http:///h/", "!"),
            ("http:/h/", "!"),
            ("h:/x", "!"),
            ("http://a@b@c/", "!"),
            ("http://a\\@b/", "!"),
            ("http://h%2eexample/", "!"),
            ("http://ex\u{e4}mple/", "!"),
            ("http://h;x/", "!"),
            ("http://h:x/", "!"),
            ("", "!"),
        ] {
            let shown = match read(url, "http") {
                Ok(Url { scheme, host, port, path }) => {
                    format!("{scheme} {host} {} {path}", port.as_deref().unwrap_or("-"))
                }
                Err(_) => "!".to_owned(),
            };
            assert_eq!(shown, expected, "{url}");
        }
    }

    #[test]
    fn dot_segments() {
        for (path, expected) in [
            ("/a/../b", "/b"),
            ("/a/./b/", "/a/b/"),
            ("/../../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("//x", "//x"),
            ("/", "/"),
            ("/a/%2E%2e/b", "!"),
            ("/a/%2e.b", "/a/%2e.b"),
        ] {
            let shown = without_dots(path).unwrap_or_else(|_| "!".to_owned());
            assert_eq!(shown, expected, "{path}");
        }
    }
}
