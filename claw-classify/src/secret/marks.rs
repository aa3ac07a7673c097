//! Which options and operands of which programs hold a secret, where the name of the option does not say so:
//! short options, operands, and options whose value is a text with a secret somewhere in it.
//!
//! One row a family of programs that read their words alike. Options such as `--password` and `--token` need no
//! row: their names mark them in every program. A row also says where such a name lies: psql's `--password` only
//! asks for one.
//!
//! Sources: the manual page or `--help` of each program, in the version that its tool's module names.

use std::sync::LazyLock;

/// What a family of programs says of its words.
#[derive(Debug)]
pub(super) struct Marks {
    /// The base names of the programs.
    pub(super) programs: &'static [&'static str],
    /// A word that must stand before, usually a command; nothing where there is none.
    pub(super) needs: &'static str,
    /// The letters of short options that take a value, where short options stand together behind one dash.
    pub(super) letters: &'static str,
    /// Whether the beginning of a long name will do.
    pub(super) abbreviates: bool,
    pub(super) options: &'static [MarkedOption],
    pub(super) operands: &'static [Operand],
}

/// An option.
#[derive(Debug)]
pub(super) struct MarkedOption {
    /// Its names, blanks between them.
    names: &'static str,
    pub(super) given: Given,
    pub(super) holds: Holds,
}

/// How an option is given its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// In the same word or in the next one.
    Anyhow,
    /// In the same word or not at all.
    Attached,
    /// It is a switch.
    Nothing,
}

/// What a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// A secret.
    Secret,
    /// `user:SECRET`
    UserPassword,
    /// `user%SECRET`
    UserPercent,
    /// `user/SECRET@database`
    UserSlash,
    /// `pass:SECRET`, or the name of another source.
    PasswordSource,
    /// `name=SECRET`, whatever the name.
    Pair,
    /// A secret, or the name of a file, in which no `=` stands.
    Cookie,
    /// A connection string of libpq.
    Conninfo,
    /// Any text.
    Text,
}

/// Operands.
#[derive(Debug)]
pub(super) enum Operand {
    /// Each of them.
    Text(Holds),
    /// The one behind a command with `skip` others between them.
    Behind {
        /// The words of the command.
        words: &'static [&'static str],
        /// How many others.
        skip: usize,
    },
    /// Each behind a command is `name=SECRET`.
    Pairs(&'static [&'static str]),
    /// The last one, where an option is given.
    Last(&'static str),
    /// The words of a command of Redis.
    Redis,
}

const fn marks(programs: &'static [&'static str], options: &'static [MarkedOption]) -> Marks {
    Marks { programs, needs: "", letters: "", abbreviates: false, options, operands: &[] }
}

impl Marks {
    const fn behind(mut self, needs: &'static str) -> Self {
        self.needs = needs;
        self
    }

    const fn bundled(mut self, letters: &'static str) -> Self {
        self.letters = letters;
        self
    }

    const fn abbreviated(mut self) -> Self {
        self.abbreviates = true;
        self
    }

    const fn operands(mut self, operands: &'static [Operand]) -> Self {
        self.operands = operands;
        self
    }

    /// Where the value of `option` begins if `word` is that option: in the word itself, or (nothing) in the next one.
    pub(super) fn find(&self, option: &MarkedOption, word: &[u8]) -> Option<Option<usize>> {
        let names = || option.names.split_ascii_whitespace();
        let is_short = |name: &&str| name.len() == 2;
        let long = names().filter(|name| !is_short(name)).find_map(|name| self.long(name, word));
        long.or_else(|| {
            names().filter(is_short).find_map(|name| self.short(name.as_bytes()[1], word))
        })
    }

    /// A long option, which may have one dash.
    fn long(&self, name: &str, word: &[u8]) -> Option<Option<usize>> {
        let (given, value) = match memchr::memchr(b'=', word) {
            Some(at) => (&word[..at], Some(at + 1)),
            None => (word, None),
        };
        let begins = self.abbreviates && given.len() > 4 && name.as_bytes().starts_with(given);
        (given == name.as_bytes() || begins).then_some(value)
    }

    /// A short option, by itself or behind others that take no value.
    fn short(&self, letter: u8, word: &[u8]) -> Option<Option<usize>> {
        if word.len() < 2 || word[0] != b'-' || word[1] == b'-' {
            return None;
        }
        let ends = |byte: &u8| *byte == letter || self.letters.as_bytes().contains(byte);
        let at = if self.letters.is_empty() { 1 } else { 1 + word[1..].iter().position(ends)? };
        (word[at] == letter).then_some(Some(at + 1).filter(|start| *start < word.len()))
    }
}

const fn option(names: &'static str, given: Given, holds: Holds) -> MarkedOption {
    MarkedOption { names, given, holds }
}

const fn secret(names: &'static str) -> MarkedOption {
    option(names, Given::Anyhow, Holds::Secret)
}

const fn switch(names: &'static str) -> MarkedOption {
    option(names, Given::Nothing, Holds::Text)
}

const CONNINFO: MarkedOption =
    option("-d --dbname --maintenance-db", Given::Anyhow, Holds::Conninfo);
const DATABASE: &[Operand] = &[Operand::Text(Holds::Conninfo)];

static MARKS: &[Marks] = &[
    marks(
        &[
            "psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_basebackup", "pg_isready", "pg_receivewal", "pg_recvlogical",
            "pgbench", "createdb", "createuser", "dropdb", "dropuser", "clusterdb", "reindexdb", "vacuumdb", "pgcli",
            "vacuumlo", "oid2name", "pg_amcheck", "pg_rewind",
        ],
        &[CONNINFO, switch("-W --password -w --no-password --pwprompt -P")],
    )
    .operands(DATABASE),
    marks(
        &[
            "mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlcheck", "mysqlshow", "mysqlslap", "mysqlpump",
            "mysqlbinlog", "mariadb", "mariadb-dump", "mariadb-admin", "mariadb-import", "mariadb-check", "mariadb-show",
            "mariadb-slap", "mariadb-binlog", "mysqlsh",
        ],
        &[option("-p --password --password1 --password2 --password3", Given::Attached, Holds::Secret)],
    )
    .abbreviated()
    .operands(&[Operand::Behind { words: &["password"], skip: 0 }]),
    marks(&["mycli", "litecli"], &[secret("-p --password --pass")]),
    marks(
        &[
            "mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport", "mongostat", "mongotop",
            "mongofiles",
        ],
        &[secret("-p --password")],
    ),
    marks(
        &["redis-cli", "valkey-cli", "keydb-cli"],
        &[secret("-a --pass")],
    )
    .operands(&[Operand::Redis]),
    marks(
        &["curl"],
        &[
            option("-u --user -U --proxy-user -E --cert --proxy-cert", Given::Anyhow, Holds::UserPassword),
            option("-H --header --proxy-header -d --data --data-raw --data-ascii --data-binary --data-urlencode --json -F --form --form-string -x --proxy --url --variable", Given::Anyhow, Holds::Text),
            option("-b --cookie", Given::Anyhow, Holds::Cookie),
            secret("--oauth2-bearer --pass --proxy-pass --tlspassword --proxy-tlspassword"),
            option("--delegation --login-options", Given::Anyhow, Holds::Text),
        ],
    )
    .bundled("AbcCdDeEFHhKmoPQrtTuUwxXyYz")
    .operands(&[Operand::Text(Holds::Text)]),
    marks(&["http", "https", "xh", "xhs"], &[
        option("-a --auth", Given::Anyhow, Holds::UserPassword),
        option("--session", Given::Anyhow, Holds::Text),
    ]),
    marks(&["http", "https", "xh", "xhs"], &[option("-a --auth", Given::Anyhow, Holds::Secret)]).behind("bearer"),
    marks(&["aws"], &[secret("--value")]).behind("put-parameter"),
    marks(
        &["docker", "podman", "nerdctl", "docker-compose", "podman-compose", "buildah", "skopeo"],
        &[option("--secret --secret-id", Given::Anyhow, Holds::Text)],
    ),
    marks(&["docker", "podman", "nerdctl", "buildah", "skopeo", "helm", "oc", "az", "argocd", "glab", "crane"], &[secret("-p")])
        .behind("login"),
    marks(&["glab"], &[secret("-t --token --job-token")]).behind("login"),
    marks(&["kubectl", "oc"], &[option("--from-literal", Given::Anyhow, Holds::Pair)]).behind("secret"),
    marks(&["gh"], &[secret("-b --body")]).behind("secret"),
    marks(&["doctl", "flyctl", "fly"], &[secret("-t --access-token")]),
    marks(
        &["openssl"],
        &[
            option("-pass -passin -passout", Given::Anyhow, Holds::PasswordSource),
            secret("-k -K -hmac -psk -macopt -pkeyopt"),
        ],
    )
    .operands(&[Operand::Behind { words: &["passwd"], skip: 0 }]),
    marks(&["sshpass"], &[secret("-p")]).bundled("fdpPe"),
    marks(&["npm", "pnpm", "yarn"], &[secret("--otp")]),
    marks(&["twine", "poetry"], &[secret("-p --password")])
        .operands(&[Operand::Behind { words: &["config", "http-basic"], skip: 1 }]),
    marks(&["vault", "bao"], &[]).operands(&[
        Operand::Behind { words: &["login"], skip: 0 },
        Operand::Behind { words: &["unseal"], skip: 0 },
        Operand::Behind { words: &["unwrap"], skip: 0 },
        Operand::Pairs(&["put"]),
        Operand::Pairs(&["patch"]),
        Operand::Pairs(&["write"]),
        Operand::Pairs(&["login"]),
    ]),
    marks(&["cargo"], &[]).operands(&[Operand::Behind { words: &["login"], skip: 0 }]),
    marks(&["pulumi"], &[]).operands(&[Operand::Last("--secret")]),
    marks(&["htpasswd"], &[]).operands(&[Operand::Last("-b")]),
    marks(
        &["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd", "ldapwhoami", "kadmin"],
        &[secret("-w")],
    ),
    marks(&["ldappasswd"], &[secret("-s -a")]),
    marks(&["smbclient", "rpcclient", "smbget", "net"], &[option("-U --user", Given::Anyhow, Holds::UserPercent)]),
    marks(&["sqlcmd", "bcp", "tsql"], &[secret("-P")]),
    marks(&["sqlplus", "sqlcl", "expdp", "impdp", "sqlldr"], &[]).operands(&[Operand::Text(Holds::UserSlash)]),
    marks(&["cqlsh", "rabbitmqadmin"], &[secret("-p --password")]),
    marks(&["influx"], &[secret("-p --password -t --token")]),
    marks(&["rabbitmqctl"], &[]).operands(&[
        Operand::Behind { words: &["add_user"], skip: 1 },
        Operand::Behind { words: &["change_password"], skip: 1 },
    ]),
    marks(&["zip", "unzip"], &[secret("-P")]),
    marks(&["7z", "7za", "7zr"], &[option("-p", Given::Attached, Holds::Secret)]),
    marks(&["useradd", "usermod"], &[secret("-p --password")]),
    marks(&["mc", "mcli"], &[]).operands(&[Operand::Behind { words: &["alias", "set"], skip: 3 }]),
];

/// The rows of the program that `word` names, by its base name.
pub(super) fn marks_of(word: &[u8]) -> impl Iterator<Item = &'static Marks> {
    static SORTED: LazyLock<Vec<(&[u8], &Marks)>> = LazyLock::new(|| {
        let named =
            |marks: &'static Marks| marks.programs.iter().map(move |name| (name.as_bytes(), marks));
        let mut rows: Vec<_> = MARKS.iter().flat_map(named).collect();
        rows.sort_by_key(|(name, _)| *name);
        rows
    });
    let base = word.rsplit(|byte| *byte == b'/').next().unwrap_or(word);
    let start = SORTED.partition_point(|(name, _)| *name < base);
    SORTED[start..].iter().take_while(move |(name, _)| *name == base).map(|(_, marks)| *marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_however_they_are_given() {
        let option = secret("-p --password -password");
        let plain = marks(&[], &[]);
        let cases: [(&[u8], Option<Option<usize>>); 8] = [
            (b"-p", Some(None)),
            (b"-px", Some(Some(2))),
            (b"--password", Some(None)),
            (b"--password=x", Some(Some(11))),
            (b"-password=x", Some(Some(10))),
            (b"--passwords", None),
            (b"-xp", None),
            (b"-", None),
        ];
        for (word, found) in cases {
            assert_eq!(plain.find(&option, word), found, "{word:?}");
        }
        let bundled = marks(&[], &[]).bundled("pof");
        assert_eq!(bundled.find(&option, b"-vvpx"), Some(Some(4)));
        assert_eq!(bundled.find(&option, b"-vop"), None);
        let short = marks(&[], &[]).abbreviated();
        assert_eq!(short.find(&option, b"--pas=x"), Some(Some(6)));
        assert_eq!(short.find(&option, b"--p=x"), None);
    }

    #[test]
    fn rows_are_found_by_base_name() {
        assert_eq!(marks_of(b"/usr/bin/psql").count(), 1);
        assert_eq!(marks_of(b"podman").count(), 2);
        assert_eq!(marks_of(b"ls").count(), 0);
    }
}
