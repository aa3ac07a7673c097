//! The option files that mysql reads by itself, as `mysys/my_default.c` reads them.
//!
//! `/etc/my.cnf` and `/etc/mysql/` belong to the machine and are not looked at. The home's file,
//! and those that the environment names, belong to whoever makes the call.

use crate::call::files::Files;
use crate::call::{Call, text};

/// The groups that the clients of MySQL and MariaDB read, beside the one of their own name.
const GROUPS: &[&str] = &["client", "client-mariadb", "client-server", "mariadb-client"];

/// The first option of a call that reads no such file.
const WITHOUT: &[&[u8]] = &[b"--no-defaults", b"--defaults-file"];

/// Other options about such files that come before all others.
const AROUND: &[&[u8]] = &[b"--defaults-extra-file=", b"--defaults-group-suffix="];

/// The words that the option files add before the words of the call, for a program with these names.
///
/// # Errors
/// If a file cannot be read, or names others.
pub(super) fn words(
    call: &Call<'_>,
    files: &dyn Files,
    names: &[&str],
) -> Result<Vec<Vec<u8>>, String> {
    let mut words = Vec::new();
    let first = call.argv.get(1).copied().unwrap_or_default();
    if WITHOUT.iter().any(|start| first.starts_with(start)) {
        return Ok(words);
    }
    for name in ["MARIADB_HOME", "MYSQL_HOME"] {
        let Some(folder) = call.var(name) else { continue };
        let path = [folder, b"/my.cnf"].concat();
        let unread = |_| format!("the option file in {name} is not read");
        let content = files.file(&path).named().map_err(unread)?;
        read(call, names, content.unwrap_or_default(), &mut words)?;
    }
    if let Some(home) = call.var("HOME") {
        let content = files.file(&[home, b"/.my.cnf"].concat()).sought();
        let content = content.map_err(|_| "the option file `~/.my.cnf` is not read")?;
        read(call, names, content.unwrap_or_default(), &mut words)?;
        if files.file(&[home, b"/.mylogin.cnf"].concat()).sought() != Ok(None) {
            // The file is encoded, and any option can be in it.
            words.push(b"--login-path=client".to_vec());
        }
    }
    if call.var("MYSQL_TEST_LOGIN_FILE").is_some() {
        words.push(b"--login-path=client".to_vec());
    }
    Ok(words)
}

/// Whether the call only shows what its option files hold.
pub(super) fn only_shown(call: &Call<'_>) -> bool {
    let about = |word: &&&[u8]| WITHOUT.iter().chain(AROUND).any(|start| word.starts_with(start));
    let first = call.argv.iter().skip(1).find(|word| !about(word));
    first.is_some_and(|word| *word == b"--print-defaults")
}

/// The options of the groups that count, as words.
fn read(
    call: &Call<'_>,
    names: &[&str],
    content: &[u8],
    words: &mut Vec<Vec<u8>>,
) -> Result<(), String> {
    let suffixes: Vec<&[u8]> = ["MARIADB_GROUP_SUFFIX", "MYSQL_GROUP_SUFFIX"]
        .iter()
        .filter_map(|name| call.var(name))
        .collect();
    let counts = |group: &[u8]| {
        GROUPS.iter().chain(names).any(|known| {
            group
                .strip_prefix(known.as_bytes())
                .is_some_and(|suffix| suffix.is_empty() || suffixes.contains(&suffix))
        })
    };
    let mut counted = false;
    for line in content.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii();
        match line.first() {
            None | Some(b'#' | b';') => {}
            Some(b'!') => return Err("an option file names others, which are not read".to_owned()),
            Some(b'[') => {
                let end = line.iter().position(|&byte| byte == b']');
                counted = counts(line[1..end.ok_or("a group's name has no end")?].trim_ascii());
            }
            Some(_) if counted => words.push(option(line)),
            Some(_) => {}
        }
    }
    Ok(())
}

/// A line `name` or `name = value` as a word.
fn option(line: &[u8]) -> Vec<u8> {
    let line = without_comment(line);
    let Some(at) = line.iter().position(|&byte| byte == b'=') else {
        return [b"--", line.trim_ascii()].concat();
    };
    let mut value = line[at + 1..].trim_ascii();
    if let [first @ (b'\'' | b'"'), inner @ .., last] = value
        && first == last
    {
        value = inner;
    }
    let mut word = [b"--", line[..at].trim_ascii(), b"="].concat();
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            word.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => word.push(b'\n'),
            Some(b't') => word.push(b'\t'),
            Some(b'r') => word.push(b'\r'),
            Some(b'b') => word.push(8),
            Some(b's') => word.push(b' '),
            Some(&quote @ (b'\'' | b'"' | b'\\')) => word.push(quote),
            Some(&other) => word.extend([b'\\', other]),
            None => word.push(b'\\'),
        }
    }
    word
}

/// The line up to a `#` outside quotes.
fn without_comment(line: &[u8]) -> &[u8] {
    let mut quote = None;
    let mut escaped = false;
    for (at, &byte) in line.iter().enumerate() {
        if matches!(byte, b'\'' | b'"') && !escaped {
            quote = match quote {
                None => Some(byte),
                Some(open) if open == byte => None,
                open => open,
            };
        }
        if quote.is_none() && byte == b'#' {
            return &line[..at];
        }
        escaped = quote.is_some() && byte == b'\\' && !escaped;
    }
    line
}

/// Why a text that is not all ASCII may be split differently: the client takes the character set of
/// the locale, and in some of them the last byte of a character can be a backslash.
pub(super) fn odd_locale(call: &Call<'_>) -> Option<String> {
    if call.var("LOCPATH").is_some() {
        return Some("the environment brings locales of its own".to_owned());
    }
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = names.iter().filter_map(|name| call.var(name)).find(|value| !value.is_empty())?;
    let locale = text(locale).to_ascii_lowercase();
    let plain = matches!(&*locale, "c" | "posix");
    let utf8 = [".utf-8", ".utf8"].iter().any(|end| locale.ends_with(end));
    (!plain && !utf8)
        .then(|| format!("the character set of the locale `{locale}` may cut it otherwise"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::files::One;

    fn added(content: &'static [u8]) -> Result<Vec<String>, String> {
        let call = Call { argv: &[b"mysql"], env: &[b"HOME=/home/me"], ..Call::default() };
        let words = words(&call, &One(b"/home/me/.my.cnf", content), &["mysql"])?;
        Ok(words.iter().map(|word| text(word).into_owned()).collect())
    }

    #[test]
    fn options_of_the_clients_groups_are_words() {
        for (content, expected) in [
            (&b"[client]\nuser = me\n"[..], &["--user=me"][..]),
            (b"[mysql]\nbatch # a comment\n", &["--batch"]),
            (
                b" [ mysql ]\n  init_command='DROP TABLE `#t`'  \n",
                &["--init_command=DROP TABLE `#t`"],
            ),
            (b"[client-mariadb]\r\nexecute=a\\sb\\\\c\\x\r\n", &["--execute=a b\\c\\x"]),
            (b"[mysqld]\ninit-command=DROP TABLE t\n", &[]),
            (b"[mysqlx]\nbatch\n[mysql]\nraw", &["--raw"]),
            (b"# [mysql]\n; batch\n", &[]),
            (b"[client]\npassword=\"a#b\"", &["--password=a#b"]),
        ] {
            let expected: Vec<String> = expected.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(added(content), Ok(expected), "{}", text(content));
        }
        assert_eq!(
            added(b"!includedir /tmp\n").unwrap_err(),
            "an option file names others, which are not read"
        );
        assert_eq!(added(b"[mysql\n").unwrap_err(), "a group's name has no end");
    }

    #[test]
    fn a_group_of_the_environments_suffix_counts() {
        let env: &[&[u8]] = &[b"HOME=/home/me", b"MYSQL_GROUP_SUFFIX=_x"];
        let file = One(b"/home/me/.my.cnf", b"[mysql_x]\nbatch\n[mysql_y]\nraw\n");
        let call = Call { argv: &[b"mysql"], env, ..Call::default() };
        assert_eq!(words(&call, &file, &["mysql"]), Ok(vec![b"--batch".to_vec()]));
        let call = Call { argv: &[b"mysql", b"--no-defaults"], env, ..Call::default() };
        assert_eq!(words(&call, &file, &["mysql"]), Ok(Vec::new()));
    }
}
