//! curl's command line and configuration files, as `getparameter` and `parseconfig` read them.

use std::sync::LazyLock;

use super::own;
use crate::grammar::options::{Row, Takes, rows};

/// One option of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// The long name.
    pub(super) name: &'static str,
    /// Whether a switch is turned on.
    pub(super) on: bool,
    pub(super) value: String,
}

static OPTIONS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(include_str!("options.tsv")).collect());

/// Reads a command line.
///
/// # Errors
/// If curl would refuse it, or an option is not known.
pub(super) fn read(argv: &[&[u8]], settings: &mut Vec<Setting>) -> Result<(), String> {
    let mut at = 1;
    let mut options = true;
    while let Some(&word) = argv.get(at) {
        at += 1;
        if !options || word.first() != Some(&b'-') {
            settings.push(Setting { name: "url", on: true, value: own(word) });
        } else if word == b"--" {
            options = false;
        } else {
            let next = argv.get(at).copied();
            if option(word, next, settings)? {
                at += 1;
            }
        }
        // Nothing after it is looked at.
        if settings.last().is_some_and(|last| matches!(last.name, "help" | "version" | "manual")) {
            return Ok(());
        }
    }
    Ok(())
}

/// One word with dashes, or a configuration file's word without. Returns whether it took `next`.
fn option(word: &[u8], next: Option<&[u8]>, settings: &mut Vec<Setting>) -> Result<bool, String> {
    if word.first() != Some(&b'-') || word.get(1) == Some(&b'-') {
        let name = word.strip_prefix(b"--").unwrap_or(word);
        let (name, takes, on) = long(name)?;
        if takes != Takes::Value {
            settings.push(Setting { name, on, value: String::new() });
            return Ok(false);
        }
        let value = next.ok_or_else(|| format!("`--{name}` is given no value"))?;
        settings.push(Setting { name, on, value: own(value) });
        return Ok(true);
    }
    let letters = &word[1..];
    if letters.is_empty() {
        return Err("`-` is no option of curl's".to_owned());
    }
    for (at, letter) in letters.iter().enumerate() {
        let Some(&Row { long: name, takes, .. }) =
            OPTIONS.iter().find(|row| row.letter() == Some(*letter))
        else {
            return Err(format!("curl knows no option `-{}`", own(&[*letter])));
        };
        if takes != Takes::Value {
            settings.push(Setting { name, on: true, value: String::new() });
            continue;
        }
        let rest = &letters[at + 1..];
        let (value, took) = if rest.is_empty() { (next, true) } else { (Some(rest), false) };
        let value = value.ok_or_else(|| format!("`--{name}` is given no value"))?;
        settings.push(Setting { name, on: true, value: own(value) });
        return Ok(took);
    }
    Ok(false)
}

fn long(word: &[u8]) -> Result<(&'static str, Takes, bool), String> {
    let (bare, on) = match word.strip_prefix(b"no-") {
        Some(bare) => (bare, false),
        None => (word, true),
    };
    let begins = |name: &str| {
        name.as_bytes().get(..bare.len()).is_some_and(|head| head.eq_ignore_ascii_case(bare))
    };
    let mut hits = OPTIONS.iter().filter(|row| begins(row.long));
    let exact = OPTIONS.iter().find(|row| row.long.as_bytes().eq_ignore_ascii_case(bare));
    let found = exact.or_else(|| hits.next().filter(|_| hits.next().is_none()));
    match found {
        Some(row) if !on && row.more != "no" => {
            Err(format!("`--{}` cannot be turned off", own(word)))
        }
        Some(row) => Ok((row.long, row.takes, on)),
        None => Err(format!("curl knows no option `--{}`, or several", own(word))),
    }
}

/// Reads a configuration file.
///
/// # Errors
/// As [`read`].
pub(super) fn config(content: &[u8], settings: &mut Vec<Setting>) -> Result<(), String> {
    for line in content.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii_start();
        if line.is_empty() || b"#/*\0".contains(&line[0]) {
            continue;
        }
        let dashed = line[0] == b'-';
        let separates = |byte: &u8| byte.is_ascii_whitespace() || (!dashed && b"=:".contains(byte));
        let end = line.iter().position(separates).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let start = rest.iter().position(|byte| !separates(byte)).unwrap_or(rest.len());
        let rest = &rest[start..];
        let value = match rest.strip_prefix(b"\"") {
            Some(quoted) => Some(unquote(quoted)),
            None => {
                let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                (end > 0).then(|| rest[..end].to_vec())
            }
        };
        let before = settings.len();
        let took = option(word, value.as_deref(), settings)?;
        // curl would take this for a mistake.
        if value.is_some()
            && !took
            && settings.len() > before
            && dashed
            && word.get(1) != Some(&b'-')
        {
            return Err(format!("`{}` in a configuration file is ambiguous", own(word)));
        }
    }
    Ok(())
}

fn unquote(quoted: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    let mut bytes = quoted.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => match bytes.next() {
                Some(b't') => value.push(b'\t'),
                Some(b'n') => value.push(b'\n'),
                Some(b'r') => value.push(b'\r'),
                Some(b'v') => value.push(0x0b),
                Some(&other) => value.push(other),
                None => {}
            },
            other => value.push(other),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str]) -> String {
        let argv: Vec<&[u8]> =
            std::iter::once("curl").chain(words.iter().copied()).map(str::as_bytes).collect();
        let mut settings = Vec::new();
        match read(&argv, &mut settings) {
            Ok(()) => show(&settings),
            Err(_) => "!".to_owned(),
        }
    }

    fn show(settings: &[Setting]) -> String {
        let shown = settings.iter().map(|Setting { name, on, value }| {
            format!(
                "{}{name}{}",
                if *on { "" } else { "!" },
                match value.as_str() {
                    "" => String::new(),
                    value => format!("={value}"),
                }
            )
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_are_read_as_curl_reads_them() {
        for (words, expected) in [
            (&["-sSfL", "u"][..], "silent show-error fail location url=u"),
            (&["-XPOST", "u"], "request=POST url=u"),
            (&["-sX", "POST", "u"], "silent request=POST url=u"),
            (&["--data-u", "a=1"], "data-urlencode=a=1"),
            (&["--DATA", "x"], "data=x"),
            (&["--data-bin", "-X"], "data-binary=-X"),
            (&["--dat", "x"], "!"),
            (&["--data=x"], "!"),
            (&["-:", "-O"], "next remote-name"),
            (&["--no-head", "u"], "!head url=u"),
            (&["--no-data", "u"], "!"),
            (&["--", "-d"], "url=-d"),
            (&["-"], "!"),
            (&["-d"], "!"),
            (&["-y", "1", "-Y2"], "speed-time=1 speed-limit=2"),
            (&["-V", "--frob"], "version"),
            (&["--frob"], "!"),
        ] {
            assert_eq!(shown(words), expected, "{words:?}");
        }
    }

    #[test]
    fn configuration_files() {
        let content = b"# c\nrequest = \"PUT\"\n  data: x\n-sX DELETE\n--url \"a\\\"b\"\nsilent\n";
        let mut settings = Vec::new();
        config(content, &mut settings).unwrap();
        assert_eq!(show(&settings), "request=PUT data=x silent request=DELETE url=a\"b silent");
    }
}
