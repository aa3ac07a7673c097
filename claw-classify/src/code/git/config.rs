//! Settings: where a call gets them from, what a key means, and git's configuration file.
//!
//! Sources: git-config(1), `config.c`, `quote.c` and git's documentation of each key.

use crate::call::{Call, text};

/// One setting: its key with section and variable in lower case, and its value. A key without a
/// value means true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: Option<Vec<u8>>,
    /// Where it comes from.
    pub(super) from: Source,
}

/// Where a setting comes from, as far as that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The call, its user or its repository.
    Call,
    /// The machine: programs that it names are its own.
    Machine,
    /// A file of which it is not known whether git reads it.
    Perhaps,
}

impl Setting {
    pub(super) fn new(key: &[u8], value: Option<&[u8]>) -> Self {
        Self { key: normal(key), value: value.map(<[u8]>::to_vec), from: Source::Call }
    }

    /// `KEY=VALUE` as `-c` takes it.
    pub(super) fn parse(word: &[u8]) -> Self {
        match word.iter().position(|&byte| byte == b'=') {
            Some(at) => Self::new(&word[..at], Some(&word[at + 1..])),
            None => Self::new(word, None),
        }
    }

    /// The value as text; `true` if there is none.
    pub(super) fn text(&self) -> String {
        self.value.as_deref().map_or_else(|| "true".to_owned(), |value| text(value).into_owned())
    }

    /// Whether the value means true, as git reads a boolean. A value that is no boolean counts as
    /// true.
    pub(super) fn is_true(&self) -> bool {
        let value = self.text().to_ascii_lowercase();
        !matches!(value.as_str(), "" | "0" | "false" | "no" | "off")
    }

    /// Whether the key is `section.*.variable`, or `section.variable` too.
    fn is(&self, section: &str, variable: &str) -> bool {
        self.key.split_once('.').is_some_and(|(head, _)| head == section)
            && self.key.rsplit_once('.').is_some_and(|(_, tail)| tail == variable)
    }

    /// Whether it is in this section.
    pub(super) fn in_section(&self, section: &str) -> bool {
        self.key.split_once('.').is_some_and(|(head, _)| head == section)
    }

    /// Whether it says where a remote is, what is sent there or how, or rewrites addresses.
    pub(super) fn redirects(&self) -> bool {
        self.in_section("url")
            || ["url", "pushurl", "vcs", "proxy"].iter().any(|name| self.is("remote", name))
            || (self.chooses_remote() && !is_name(self.text().as_bytes()))
    }

    /// Whether it chooses the remote of a push that names none.
    pub(super) fn chooses_remote(&self) -> bool {
        self.key == "remote.pushdefault"
            || (self.in_section("branch")
                && (self.is("branch", "remote") || self.is("branch", "pushremote")))
    }

    /// Whether the value is a program that git would start, or a place that programs come from,
    /// except for programs that do nothing of their own.
    pub(super) fn names_program(&self) -> bool {
        if self.from == Source::Machine || self.value.as_deref() == Some(b"") {
            return false;
        }
        let leads_to_program = ["url", "pushurl"].iter().any(|name| self.is("remote", name))
            && self.text().starts_with("ext::");
        if leads_to_program || self.key.starts_with("url.ext::") {
            return true;
        }
        if !PROGRAMS.iter().any(|(section, variable)| self.is(section, variable)) {
            return self.in_section("pager")
                && !is_boolean(&self.text())
                && !is_harmless(&self.text())
                || self.in_section("protocol") && self.allows_programs();
        }
        let value = self.text();
        match self.key.as_str() {
            "core.fsmonitor" => !is_boolean(&value),
            key if key.starts_with("submodule.") => value.starts_with('!'),
            key if key.starts_with("sendemail.") && key.ends_with(".smtpserver") => {
                value.starts_with('/')
            }
            "sendemail.smtpserver" => value.starts_with('/'),
            key if key.starts_with("credential.") => !is_credential_helper(&value),
            "core.sshcommand" => !is_plain_ssh(&value),
            _ => !is_harmless(&value),
        }
    }

    /// `protocol.ext.allow`, or `protocol.allow` for all of them, with a value above `never`.
    fn allows_programs(&self) -> bool {
        matches!(self.key.as_str(), "protocol.allow" | "protocol.ext.allow")
            && self.text() != "never"
    }

    /// Whether it brings in settings from a file.
    pub(super) fn includes(&self) -> bool {
        self.is("include", "path") || self.is("includeif", "path")
    }

    /// The alias it defines.
    pub(super) fn alias(&self) -> Option<&str> {
        let name = self.key.strip_prefix("alias.")?;
        Some(name.strip_suffix(".command").unwrap_or(name))
    }
}

/// Keys whose value is a program, or a place that programs are taken from: section and variable,
/// with any sub-section between them.
const PROGRAMS: &[(&str, &str)] = &[
    ("browser", "cmd"),
    ("browser", "path"),
    ("core", "alternaterefscommand"),
    ("core", "askpass"),
    ("core", "editor"),
    ("core", "fsmonitor"),
    ("core", "gitproxy"),
    ("core", "hookspath"),
    ("core", "pager"),
    ("core", "sshcommand"),
    ("credential", "helper"),
    ("diff", "command"),
    ("diff", "external"),
    ("diff", "textconv"),
    ("difftool", "cmd"),
    ("difftool", "path"),
    ("filter", "clean"),
    ("filter", "process"),
    ("filter", "smudge"),
    ("gc", "recentobjectshook"),
    ("gpg", "defaultkeycommand"),
    ("gpg", "program"),
    ("guitool", "cmd"),
    ("hook", "command"),
    ("imap", "tunnel"),
    ("init", "templatedir"),
    ("instaweb", "browser"),
    ("instaweb", "httpd"),
    ("interactive", "difffilter"),
    ("lfs", "path"),
    ("man", "cmd"),
    ("man", "path"),
    ("merge", "driver"),
    ("mergetool", "cmd"),
    ("mergetool", "path"),
    ("remote", "receivepack"),
    ("remote", "uploadpack"),
    ("sendemail", "cccmd"),
    ("sendemail", "headercmd"),
    ("sendemail", "sendmailcmd"),
    ("sendemail", "smtpserver"),
    ("sendemail", "tocmd"),
    ("sequence", "editor"),
    ("submodule", "update"),
    ("tar", "command"),
    ("trailer", "cmd"),
    ("trailer", "command"),
    ("uploadpack", "packobjectshook"),
];

/// Programs that only show or edit what they are given, or do nothing, and that every machine has.
const HARMLESS: &[&str] = &[
    "",
    "/dev/null",
    ":",
    "bat",
    "cat",
    "code",
    "delta",
    "diff-so-fancy",
    "echo",
    "ed",
    "emacs",
    "emacsclient",
    "false",
    "git-lfs",
    "gpg",
    "gpg2",
    "head",
    "helix",
    "hx",
    "less",
    "micro",
    "more",
    "most",
    "nano",
    "nvim",
    "pico",
    "ssh-keygen",
    "tail",
    "true",
    "vi",
    "view",
    "vim",
];

/// Whether `command` is one of [`HARMLESS`] followed by nothing but options and plain words:
/// nothing that a shell would read as more than words, no path, and no option of an editor that
/// runs a command.
pub(crate) fn is_harmless(command: &str) -> bool {
    let mut words = command.split(' ');
    let program = words.next().unwrap_or_default();
    let program = ["/usr/bin/", "/bin/", "/usr/local/bin/"]
        .iter()
        .find_map(|place| program.strip_prefix(place))
        .unwrap_or(program);
    let plain = |word: &str| {
        word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-=%_.".contains(&byte))
    };
    let edits = ["ed", "emacs", "emacsclient", "nvim", "vi", "view", "vim", "hx", "helix"];
    HARMLESS.contains(&program)
        && !command.contains("pager")
        && words.all(|word| {
            let safe = !edits.contains(&program)
                || matches!(word, "" | "-f" | "-n" | "-nw" | "-t" | "-c" | "--wait");
            plain(word) && safe
        })
        && !(edits.contains(&program) && program != "emacsclient" && command.contains(" -c"))
}

/// Whether `command` is ssh with options that start nothing. The child is judged as ssh in any
/// case.
pub(super) fn is_plain_ssh(command: &str) -> bool {
    const OPTIONS: &[&str] = &[
        "batchmode",
        "connecttimeout",
        "identitiesonly",
        "identityfile",
        "port",
        "stricthostkeychecking",
        "userknownhostsfile",
    ];
    let mut words = command.split_whitespace();
    if !matches!(words.next(), Some("ssh" | "/usr/bin/ssh")) {
        return false;
    }
    while let Some(word) = words.next() {
        let safe = |value: &str| {
            value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./~@".contains(&byte))
        };
        let fine = match word {
            "-4" | "-6" | "-T" | "-q" | "-v" | "-C" | "-a" | "-x" => true,
            "-i" | "-p" | "-l" => words.next().is_some_and(safe),
            "-F" => words.next() == Some("/dev/null"),
            _ if word.starts_with("-o") => {
                let setting =
                    if word == "-o" { words.next().unwrap_or_default() } else { &word[2..] };
                setting.split_once('=').is_some_and(|(name, value)| {
                    OPTIONS.contains(&name.to_ascii_lowercase().as_str()) && safe(value)
                })
            }
            _ => false,
        };
        if !fine {
            return false;
        }
    }
    true
}

/// Credential helpers that come with git or with GitHub's tool, by the names that settings use.
fn is_credential_helper(value: &str) -> bool {
    matches!(
        value.split(' ').next().unwrap_or_default(),
        "" | "cache"
            | "libsecret"
            | "manager"
            | "manager-core"
            | "osxkeychain"
            | "oauth"
            | "wincred"
    ) && !value.contains([';', '|', '&', '$', '`'])
        || matches!(value, "store" | "!gh auth git-credential" | "!/usr/bin/gh auth git-credential")
}

fn is_boolean(value: &str) -> bool {
    matches!(
        value.to_ascii_lowercase().as_str(),
        "" | "0" | "1" | "true" | "false" | "yes" | "no" | "on" | "off"
    )
}

/// Whether a word can only be the name of a remote, and not an address or a path.
pub(super) fn is_name(word: &[u8]) -> bool {
    !word.is_empty() && word != b".." && !word.iter().any(|byte| b"/:\\~".contains(byte))
}

/// The key with its section and its variable in lower case; a sub-section keeps its case.
pub(super) fn normal(key: &[u8]) -> String {
    let key = text(key).into_owned();
    match (key.find('.'), key.rfind('.')) {
        (Some(first), Some(last)) => {
            let (head, middle, tail) = (&key[..first], &key[first..last], &key[last..]);
            format!("{}{middle}{}", head.to_ascii_lowercase(), tail.to_ascii_lowercase())
        }
        _ => key.to_ascii_lowercase(),
    }
}

/// The settings that the environment gives, in git's order.
///
/// # Errors
/// If GIT_CONFIG_PARAMETERS is not what git writes there, or a numbered one is missing.
pub(super) fn from_environment(call: &Call<'_>) -> Result<Vec<Setting>, String> {
    let mut settings = Vec::new();
    if let Some(count) = call.var("GIT_CONFIG_COUNT").filter(|count| !count.is_empty()) {
        let count: usize = str::from_utf8(count)
            .ok()
            .and_then(|count| count.parse().ok())
            .filter(|&count| count <= call.env.len())
            .ok_or("GIT_CONFIG_COUNT is not the number of settings that follow")?;
        for index in 0..count {
            let missing = || format!("GIT_CONFIG_KEY_{index} or its value is missing");
            let key = call.var(&format!("GIT_CONFIG_KEY_{index}")).ok_or_else(missing)?;
            let value = call.var(&format!("GIT_CONFIG_VALUE_{index}")).ok_or_else(missing)?;
            settings.push(Setting::new(key, Some(value)));
        }
    }
    if let Some(parameters) = call.var("GIT_CONFIG_PARAMETERS") {
        parameters_of(parameters, &mut settings)
            .ok_or("GIT_CONFIG_PARAMETERS is not quoted as git quotes it")?;
    }
    Ok(settings)
}

/// `'KEY'='VALUE' …`, or the older `'KEY=VALUE' …`.
fn parameters_of(text: &[u8], settings: &mut Vec<Setting>) -> Option<()> {
    let mut rest = text.trim_ascii_start();
    while !rest.is_empty() {
        let (key, after) = unquote(rest)?;
        rest = after;
        if let Some(after) = rest.strip_prefix(b"=") {
            if after.first().is_none_or(u8::is_ascii_whitespace) {
                settings.push(Setting::new(&key, None));
                rest = after;
            } else {
                let (value, after) = unquote(after)?;
                settings.push(Setting::new(&key, Some(&value)));
                rest = after;
            }
        } else {
            settings.push(Setting::parse(&key));
        }
        if !rest.is_empty() && !rest[0].is_ascii_whitespace() {
            return None;
        }
        rest = rest.trim_ascii_start();
    }
    Some(())
}

/// One word in single quotes, in which `'\''` and `'\!'` stand for a quote and an exclamation mark.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"'")?;
    let mut word = Vec::new();
    loop {
        let end = rest.iter().position(|&byte| byte == b'\'')?;
        word.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        match rest {
            [b'\\', byte @ (b'\'' | b'!'), b'\'', after @ ..] => {
                word.push(*byte);
                rest = after;
            }
            _ => return Some((word, rest)),
        }
    }
}

/// Reads a configuration file.
///
/// # Errors
/// If git would refuse it.
pub(super) fn parse(content: &[u8]) -> Result<Vec<Setting>, String> {
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

/// Splits an alias as git does: at blanks, except within quotes or after a backslash.
pub(super) fn split_alias(text: &str) -> Option<Vec<Vec<u8>>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<Vec<u8>>, None);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\'' | b'"', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (byte, Some(open)) if byte == open => quote = None,
            (b'\\', None | Some(b'"')) => word.get_or_insert_default().push(bytes.next()?),
            (byte, None) if byte.is_ascii_whitespace() => words.extend(word.take()),
            (byte, _) => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
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
        assert!(parse(b"[core\nx=y").is_err());
        assert!(parse(b"[core]\nx=\"y").is_err());
    }

    #[test]
    fn parameters_are_unquoted() {
        let mut settings = Vec::new();
        parameters_of(b"'a.b'='c d' 'e.f=g' 'h.i'= 'j.k'='it'\\''s'", &mut settings).unwrap();
        let shown: Vec<String> =
            settings.iter().map(|setting| format!("{}={}", setting.key, setting.text())).collect();
        assert_eq!(shown, ["a.b=c d", "e.f=g", "h.i=true", "j.k=it's"]);
        assert!(parameters_of(b"a.b=c", &mut Vec::new()).is_none());
    }

    #[test]
    fn programs_are_told_from_harmless_values() {
        for (setting, expected) in [
            ("core.pager=cat", false),
            ("core.pager=less -FRX", false),
            ("core.pager=sh -c id", true),
            ("core.pager=less;id", true),
            ("CORE.Editor=vim", false),
            ("core.editor=vim -c :!id", true),
            ("pager.log=false", false),
            ("pager.log=sh", true),
            ("core.fsmonitor=true", false),
            ("core.fsmonitor=/tmp/x", true),
            ("core.sshCommand=ssh -i ~/.ssh/k -o IdentitiesOnly=yes", false),
            ("core.sshCommand=ssh -oProxyCommand=id", true),
            ("filter.X.clean=sh", true),
            ("filter.lfs.clean=git-lfs clean -- %f", false),
            ("credential.https://h.helper=store", false),
            ("credential.helper=!id", true),
            ("submodule.x.update=rebase", false),
            ("submodule.x.update=!id", true),
            ("protocol.ext.allow=always", true),
            ("core.sshCommand=", false),
            ("core.hooksPath=", false),
            ("user.name=sh", false),
            ("remote.origin.url=ext::sh -c id", true),
            ("remote.origin.url=https://h/r", false),
            ("url.ext::sh.insteadOf=https://h/", true),
        ] {
            assert_eq!(Setting::parse(setting.as_bytes()).names_program(), expected, "{setting}");
        }
    }

    #[test]
    fn aliases_are_split() {
        let words = split_alias("log --format='%h %s' \"a b\"  c\\ d").unwrap();
        let words: Vec<&str> = words.iter().map(|word| str::from_utf8(word).unwrap()).collect();
        assert_eq!(words, ["log", "--format=%h %s", "a b", "c d"]);
        assert!(split_alias("log 'x").is_none());
    }
}
