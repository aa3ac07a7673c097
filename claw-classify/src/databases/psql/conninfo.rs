//! Connection strings as libpq reads them: `keyword=value` pairs and URIs.
//!
//! Source: libpq's `conninfo_parse` and `conninfo_uri_parse` (`src/interfaces/libpq/fe-connect.c`)
//! and the manual's section on connection strings. The result is a list of keywords and values; a
//! string that libpq would refuse, or that is read only in part here, is an error with a reason.

/// Keywords and values, in the order they stand; of a keyword that is there twice libpq takes the
/// last in a `keyword=value` string.
pub(super) type Parameters = Vec<(String, String)>;

/// Whether libpq takes a database name for a connection string (`recognized_connection_string`).
pub(super) fn is_connection_string(name: &str) -> bool {
    uri_rest(name).is_some() || name.contains('=')
}

fn uri_rest(name: &str) -> Option<&str> {
    name.strip_prefix("postgresql://").or_else(|| name.strip_prefix("postgres://"))
}

/// Reads a connection string.
pub(super) fn parse(text: &str) -> Result<Parameters, String> {
    match uri_rest(text) {
        Some(rest) => uri(rest),
        None => pairs(text),
    }
}

fn pairs(text: &str) -> Result<Parameters, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || is_space(c)).unwrap_or(rest.len());
        let keyword = &rest[..end];
        rest = rest[end..].trim_start_matches(is_space);
        rest = rest
            .strip_prefix('=')
            .ok_or_else(|| format!("missing `=` after `{keyword}` in the connection string"))?;
        rest = rest.trim_start_matches(is_space);
        let (value, after) = if let Some(quoted) = rest.strip_prefix('\'') {
            quoted_value(quoted)?
        } else {
            bare_value(rest)
        };
        found.push((keyword.to_owned(), value));
        rest = after.trim_start_matches(is_space);
    }
    Ok(found)
}

/// C's isspace in the C locale.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn bare_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if is_space(c) {
            return (value, &text[at..]);
        }
        if c == '\\' {
            value.extend(chars.next().map(|(_, escaped)| escaped));
        } else {
            value.push(c);
        }
    }
    (value, "")
}

fn quoted_value(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Ok((value, &text[at + 1..])),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    Err("unterminated quoted string in the connection string".to_owned())
}

/// `[user[:password]@][host[:port][,…]][/dbname][?keyword=value[&…]]`.
fn uri(rest: &str) -> Result<Parameters, String> {
    let mut found = Vec::new();
    // libpq looks for `@` before the first `/`, so that a password may hold anything but these two.
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let mut rest = rest;
    if let Some(at) = rest[..authority_end].find('@') {
        let (user, password) = match rest[..at].split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (&rest[..at], None),
        };
        if !user.is_empty() {
            found.push(("user".to_owned(), decode(user)?));
        }
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            found.push(("password".to_owned(), decode(password)?));
        }
        rest = &rest[at + 1..];
    }
    let hosts_end = rest.find(['/', '?']).unwrap_or(rest.len());
    hosts(&rest[..hosts_end], &mut found)?;
    rest = &rest[hosts_end..];
    if let Some(path) = rest.strip_prefix('/') {
        let end = path.find('?').unwrap_or(path.len());
        if end > 0 {
            found.push(("dbname".to_owned(), decode(&path[..end])?));
        }
        rest = &path[end..];
    }
    let Some(query) = rest.strip_prefix('?') else { return Ok(found) };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (keyword, value) =
            pair.split_once('=').ok_or_else(|| format!("missing `=` after `{pair}` in the URI"))?;
        if value.contains('=') {
            return Err(format!("extra `=` after `{keyword}` in the URI"));
        }
        let (keyword, value) = (decode(keyword)?, decode(value)?);
        // JDBC's spelling, which libpq takes too.
        if keyword == "ssl" && value == "true" {
            found.push(("sslmode".to_owned(), "require".to_owned()));
        } else {
            found.push((keyword, value));
        }
    }
    Ok(found)
}

fn hosts(text: &str, found: &mut Parameters) -> Result<(), String> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in text.split(',') {
        let (name, port) = match host.strip_prefix('[') {
            Some(bracketed) => {
                let (name, after) = bracketed
                    .split_once(']')
                    .ok_or("unterminated `[` around an IPv6 address in the URI")?;
                (name, after.strip_prefix(':'))
            }
            None => match host.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (host, None),
            },
        };
        names.push(decode(name)?);
        ports.push(decode(port.unwrap_or(""))?);
    }
    let (names, ports) = (names.join(","), ports.join(","));
    if !names.trim_matches(',').is_empty() {
        found.push(("host".to_owned(), names));
    }
    if !ports.trim_matches(',').is_empty() {
        found.push(("port".to_owned(), ports));
    }
    Ok(())
}

/// Percent-decoding as libpq does it: two hex digits, never `%00`.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let hex = tail.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        let byte = hex
            .filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|&byte| byte != 0)
            .ok_or_else(|| format!("invalid percent-encoding in `{text}`"))?;
        bytes.push(byte);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| format!("`{text}` is not UTF-8 once decoded"))
}

/// The settings in a value of `options` or `PGOPTIONS`: `-c name=value` and `--name=value`.
///
/// The server splits at white space, where a backslash takes the next character as it is
/// (`pg_split_opts` in `src/backend/utils/init/postinit.c`), and reads the words as options of
/// postgres. An option that is no setting is given back as `Err` with the word, and ends the list.
pub(super) fn settings(options: &str) -> Vec<Result<(String, String), String>> {
    let mut words = split(options).into_iter();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let setting = if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            Some(long.to_owned())
        } else if word == "-c" {
            words.next()
        } else {
            word.strip_prefix("-c").map(str::to_owned)
        };
        let pair = setting.as_deref().and_then(|setting| setting.split_once('='));
        let Some((name, value)) = pair else {
            // Whether the next word is this option's value is not known here.
            found.push(Err(word));
            break;
        };
        found.push(Ok((name.replace('-', "_").to_lowercase(), value.to_owned())));
    }
    found
}

fn split(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = options.trim_start_matches(is_space);
    while !rest.is_empty() {
        let (word, after) = bare_value(rest);
        words.push(word);
        rest = after.trim_start_matches(is_space);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(found) => {
                found.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ")
            }
            Err(reason) => format!("error: {reason}"),
        }
    }

    #[test]
    fn connection_strings() {
        for (text, expected) in [
            ("host=a port = 5 dbname='x y'", "host=a port=5 dbname=x y"),
            (r"options='-c a=\'b\''", "options=-c a='b'"),
            (r"options=-c\ a=b", "options=-c a=b"),
            (
                "postgresql://u:p@h:1/db?options=-c%20a%3Db&x=y",
                "user=u password=p host=h port=1 dbname=db options=-c a=b x=y",
            ),
            ("postgres://", ""),
            ("postgres:///db", "dbname=db"),
            ("postgres://h1:1,h2/db", "host=h1,h2 port=1, dbname=db"),
            ("postgres://[::1]:5/d", "host=::1 port=5 dbname=d"),
            ("postgres://h?dbname=x", "host=h dbname=x"),
            ("postgres://h/%64b", "host=h dbname=db"),
            ("postgres://h/%zz", "error: invalid percent-encoding in `%zz`"),
            ("postgres://h/%00", "error: invalid percent-encoding in `%00`"),
            ("host=a junk", "error: missing `=` after `junk` in the connection string"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn options_are_settings() {
        let read = |text| {
            settings(text)
                .into_iter()
                .map(|found| match found {
                    Ok((name, value)) => format!("{name}={value}"),
                    Err(word) => format!("!{word}"),
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(read("-c A=1 -cb=2 --work-mem=3"), "a=1 b=2 work_mem=3");
        assert_eq!(read(r"-c search_path=a,\ b"), "search_path=a, b");
        assert_eq!(read("-c"), "!-c");
        assert_eq!(read("-c a=1 -d 5 -c b=2"), "a=1 !-d");
    }
}
