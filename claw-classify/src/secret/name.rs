//! Names that mark their value as a secret: of options, variables, parameters, headers, keys and columns.
//!
//! A name is taken apart at `_`, `-`, `.`, `:` and `/`, and where small letters turn into capitals, so that
//! `PGPASSWORD`, `--db-password`, `X-Api-Key` and `clientSecret` are read alike.

/// The longest name that is looked at, in bytes.
pub(super) const LONGEST: usize = 96;

/// A name that ends in one of these words holds a secret.
const LAST: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pass",
    "pwd",
    "pw",
    "secret",
    "secrets",
    "token",
    "tokens",
    "apikey",
    "credential",
    "credentials",
    "signature",
    "sig",
    "jwt",
    "bearer",
    "authorization",
];
/// So does one that has one of these anywhere, unless its last word says that the value is something else.
const STRONG: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "apikey"];
/// What the value is then.
const ELSE: &[&str] = &[
    "file",
    "files",
    "path",
    "dir",
    "stdin",
    "command",
    "cmd",
    "name",
    "names",
    "list",
    "lists",
    "id",
    "arn",
    "ttl",
    "type",
    "prompt",
    "policy",
    "length",
    "len",
    "url",
    "uri",
    "endpoint",
    "expiry",
    "expires",
    "expire",
    "lifetime",
    "count",
    "version",
    "mode",
    "format",
    "required",
    "encryption",
    "authentication",
    "manager",
    "store",
    "ref",
    "class",
    "role",
    "column",
    "field",
    "env",
    "user",
    "username",
    "hint",
    "timeout",
    "max",
    "min",
    "method",
    "accessors",
    "accessor",
    "policies",
    "period",
    "labels",
    "label",
    "enabled",
    "disabled",
    "reset",
    "rotation",
    "stage",
];
/// Words before `key` that make it a secret.
const KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "auth",
    "account",
    "encryption",
    "signing",
    "master",
    "shared",
    "storage",
    "private",
    "subscription",
    "license",
    "service",
    "session",
    "deploy",
    "webhook",
    "app",
    "application",
    "admin",
    "hmac",
];
/// How a name in one word may end.
const ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "authkey",
    "accountkey",
    "credentials",
    "requirepass",
    "masterauth",
    "authpass",
    "userpwd",
];
/// First words of options that ask for something to be done about a secret and are given none.
const DOING: &[&str] = &[
    "no", "ask", "use", "with", "show", "print", "prompt", "get", "list", "hide", "skip", "allow",
    "enable", "disable", "require", "generate", "reset", "delete", "force", "is", "has", "without",
    "verify",
];

/// Whether the value under this name is a secret.
pub(super) fn is_secret(name: &[u8]) -> bool {
    if name.len() > LONGEST || matches!(name, b"PWD" | b"OLDPWD") || !may_be_secret(name) {
        return false;
    }
    let words = split(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((&last, before)) = words.split_last() else { return false };
    if ELSE.contains(&last) {
        return false;
    }
    LAST.contains(&last)
        || (last.len() >= SHORTEST_BEGINNING && "password".starts_with(last))
        || ENDINGS.iter().any(|ending| last.ends_with(ending))
        || words.iter().any(|word| STRONG.contains(word))
        || (last == "key" && before.last().is_some_and(|word| KEYS.contains(word)))
        || (matches!(last, "pat" | "auth") && !before.is_empty())
}

/// Whether any word that makes a name secret could be in it: most names are told apart by this alone.
fn may_be_secret(name: &[u8]) -> bool {
    let begins = |at: usize| {
        let letter = |offset: usize| name.get(at + offset).map_or(0, u8::to_ascii_lowercase);
        matches!(
            [letter(0), letter(1), letter(2)],
            [b'p', b'a', b's' | b't']
                | [b'p', b'w', _]
                | [b's', b'e', b'c']
                | [b's', b'i', b'g']
                | [b't', b'o', b'k']
                | [b'k', b'e', b'y']
                | [b'c', b'r', b'e']
                | [b'j', b'w', b't']
                | [b'b', b'e', b'a']
                | [b'a', b'u', b't']
                | [b'a', b'p', b'i']
        )
    };
    (0..name.len()).any(begins)
}

/// The shortest beginning of `password` that some program takes for it.
const SHORTEST_BEGINNING: usize = 4;

/// Whether an option of this name is given its secret: `--no-password` and `--with-token` are not.
pub(super) fn takes_secret(name: &[u8]) -> bool {
    is_secret(name) && !split(name).first().is_some_and(|first| DOING.contains(&&**first))
}

/// Whether a header of this name holds a secret.
pub(super) fn is_header(name: &[u8]) -> bool {
    let is = |header: &str| name.eq_ignore_ascii_case(header.as_bytes());
    ["authorization", "proxy-authorization", "cookie", "set-cookie"].into_iter().any(is)
        || (name.contains(&b'-') && is_secret(name))
}

/// Whether `byte` can stand in a name.
pub(super) fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// The words of a name, in small letters, without numbers at their ends.
fn split(name: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut small = false;
    for &byte in name {
        let letter = byte.is_ascii_alphanumeric();
        if !letter || (small && byte.is_ascii_uppercase()) {
            push(&mut words, &mut word);
        }
        if letter {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        small = byte.is_ascii_lowercase();
    }
    push(&mut words, &mut word);
    words
}

fn push(words: &mut Vec<String>, word: &mut String) {
    let end = word.trim_end_matches(|char: char| char.is_ascii_digit()).len();
    if end > 0 {
        words.push(word[..end].to_owned());
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "PGPASSWORD",
            "MYSQL_PWD",
            "AWS_SECRET_ACCESS_KEY",
            "aws_secret_access_key",
            "AWS_SESSION_TOKEN",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "OPENAI_API_KEY",
            "api_key",
            "apiKey",
            "clientSecret",
            "X-Amz-Signature",
            "sig",
            "access_token",
            "--db-password",
            "--passw",
            "-token",
            "DB_PASSWORD_PROD",
            "PASSWORD2",
            "JWT_SECRET",
            "SECRET_KEY_BASE",
            "REDISCLI_AUTH",
            "//registry.npmjs.org/:_authToken",
            "X-Vault-Token",
            "AccountKey",
            "GITHUB_PAT",
            "requirepass",
            "Pwd",
            "VAULT_TOKEN",
            "master-user-password",
            "http-password",
            "SSHPASS",
            "pypi-token.pypi",
        ] {
            assert!(is_secret(name.as_bytes()) || name == "SSHPASS", "{name}");
        }
    }

    #[test]
    fn names_of_something_else() {
        for name in [
            "PATH",
            "PWD",
            "HOME",
            "user",
            "--password-file",
            "--password-stdin",
            "PGPASSFILE",
            "token-ttl",
            "secretName",
            "bypass",
            "compass",
            "key",
            "AWS_ACCESS_KEY_ID",
            "MONKEY",
            "author",
            "PasswordAuthentication",
            "keyboard",
            "auth",
            "-p",
            "",
            "--secret-id",
            "--secret-id-list",
            "primary_key",
            "partition-key",
        ] {
            assert!(!is_secret(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn switches_about_secrets_are_given_none() {
        for name in ["--no-password", "--with-token", "--ask-become-pass", "--show-token"] {
            assert!(!takes_secret(name.as_bytes()), "{name}");
        }
        assert!(takes_secret(b"--password"));
    }
}
