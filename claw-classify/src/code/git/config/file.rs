//! git's configuration file, as `config.c` reads it.
//!
//! Input: its content. Output: its settings in order, or a refusal.

use super::Setting;

/// Reads a configuration file.
///
/// # Errors
/// If git would refuse it.
pub(in crate::code::git) fn parse(content: &[u8]) -> Result<Vec<Setting>, String> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut reader = Reader { rest: content, section: Vec::new(), settings: Vec::new() };
    reader.run().ok_or("the configuration file cannot be read as git reads one")?;
    Ok(reader.settings)
}

struct Reader<'a> {
    rest: &'a [u8],
    section: Vec<u8>,
    settings: Vec<Setting>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        if byte == b'\r' && rest.first() == Some(&b'\n') {
            return self.next();
        }
        Some(byte)
    }

    fn run(&mut self) -> Option<()> {
        while let Some(byte) = self.next() {
            match byte {
                b'#' | b';' => while self.next().is_some_and(|byte| byte != b'\n') {},
                b'[' => self.header()?,
                byte if byte.is_ascii_whitespace() => {}
                byte if byte.is_ascii_alphabetic() => self.setting(byte)?,
                _ => return None,
            }
        }
        Some(())
    }

    /// `[section]`, `[section.sub]` or `[section "sub"]`, after the bracket.
    fn header(&mut self) -> Option<()> {
        self.section.clear();
        loop {
            match self.next()? {
                b']' => return Some(()),
                b' ' | b'\t' => break,
                byte if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' => {
                    self.section.push(byte.to_ascii_lowercase());
                }
                _ => return None,
            }
        }
        while matches!(self.rest.first(), Some(b' ' | b'\t')) {
            self.next();
        }
        (self.next()? == b'"').then_some(())?;
        self.section.push(b'.');
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => {
                    let byte = self.next()?;
                    self.section.push(byte);
                }
                b'\n' => return None,
                byte => self.section.push(byte),
            }
        }
        (self.next()? == b']').then_some(())
    }

    fn setting(&mut self, first: u8) -> Option<()> {
        let mut key = self.section.clone();
        key.push(b'.');
        key.push(first);
        let mut byte = self.next();
        while let Some(letter) = byte.filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            key.push(letter);
            byte = self.next();
        }
        while matches!(byte, Some(b' ' | b'\t')) {
            byte = self.next();
        }
        match byte {
            None | Some(b'\n') => self.settings.push(Setting::new(&key, None)),
            Some(b'#' | b';') => {
                while self.next().is_some_and(|byte| byte != b'\n') {}
                self.settings.push(Setting::new(&key, None));
            }
            Some(b'=') => {
                let value = self.value()?;
                self.settings.push(Setting::new(&key, Some(&value)));
            }
            Some(_) => return None,
        }
        Some(())
    }

    /// A value up to the end of its line: quotes, escapes, comments, continued lines.
    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        let (mut quoted, mut kept) = (false, 0);
        loop {
            match self.next() {
                None | Some(b'\n') => break,
                Some(b' ' | b'\t') if !quoted && value.is_empty() => {}
                Some(b'#' | b';') if !quoted => {
                    while self.next().is_some_and(|byte| byte != b'\n') {}
                    break;
                }
                Some(b'"') => {
                    quoted = !quoted;
                    kept = value.len();
                }
                Some(b'\\') => {
                    match self.next()? {
                        b'\n' => continue,
                        b'n' => value.push(b'\n'),
                        b't' => value.push(b'\t'),
                        b'b' => value.push(8),
                        byte @ (b'"' | b'\\') => value.push(byte),
                        _ => return None,
                    }
                    kept = value.len();
                }
                Some(byte) => {
                    value.push(byte);
                    if quoted || !byte.is_ascii_whitespace() {
                        kept = value.len();
                    }
                }
            }
        }
        value.truncate(kept);
        (!quoted).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read() {
        let content = b"[core]\n\tbare # x\n[Remote \"Or\\\"i\"]\n url = \"a b\" # c\n\tpush = +main\n[a.B]\nc=d\\\n e\n";
        let settings = parse(content).unwrap();
        let shown: Vec<String> =
            settings.iter().map(|setting| format!("{}={}", setting.key, setting.text())).collect();
        assert_eq!(
            shown,
            ["core.bare=true", "remote.Or\"i.url=a b", "remote.Or\"i.push=+main", "a.b.c=d e"]
        );
        assert_eq!(
            parse(b"[core\nx=y").unwrap_err(),
            "the configuration file cannot be read as git reads one"
        );
        assert_eq!(
            parse(b"[core]\nx=\"y").unwrap_err(),
            "the configuration file cannot be read as git reads one"
        );
    }
}
