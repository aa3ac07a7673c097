//! What holds a secret in the words of programs that claw does not govern.
//!
//! Sources: the manual page or `--help` of each program as Debian 12 has it, or its vendor's reference.

use super::marks::{Given, Holds, Marks, Operand, marks, option, secret, switch};

/// A row a family of programs that read their words alike.
pub(super) static OTHERS: &[Marks] = &[
    marks(
        &[&[
            "pgcli",
            "pg_receivewal",
            "pg_recvlogical",
            "pg_amcheck",
            "pg_rewind",
            "vacuumlo",
            "oid2name",
        ]],
        &[
            option("-d --dbname", Given::Anyhow, Holds::Conninfo),
            switch("-W --password -w --no-password"),
        ],
    )
    .operands(&[Operand::Text(Holds::Conninfo)]),
    marks(&[&["mycli", "litecli"]], &[secret("-p --password --pass")]),
    marks(
        &[&["mysqlsh", "mysqlslap", "mysqlbinlog", "mariadb-slap", "mariadb-binlog"]],
        &[option("-p --password", Given::Attached, Holds::Secret)],
    ),
    marks(&[&["flyctl", "fly"]], &[secret("-t --access-token")]),
    marks(&[&["buildah", "skopeo", "crane"]], &[secret("-p")]).behind("login"),
    marks(
        &[&["openssl"]],
        &[
            option("-pass -passin -passout", Given::Anyhow, Holds::PasswordSource),
            secret("-k -K -hmac -psk -macopt -pkeyopt"),
        ],
    )
    .whole()
    .operands(&[Operand::Behind { words: &["passwd"], skip: 0 }]),
    marks(&[&["sshpass"]], &[secret("-p")]).bundled("fdpPe"),
    marks(&[&["twine"]], &[secret("-p --password")]),
    marks(&[&["htpasswd"]], &[]).operands(&[Operand::Last("-b")]),
    marks(
        &[&[
            "ldapsearch",
            "ldapadd",
            "ldapmodify",
            "ldapdelete",
            "ldappasswd",
            "ldapwhoami",
            "kadmin",
        ]],
        &[secret("-w")],
    ),
    marks(&[&["ldappasswd"]], &[secret("-s -a")]),
    marks(
        &[&["smbclient", "rpcclient", "smbget", "net"]],
        &[option("-U --user", Given::Anyhow, Holds::UserPercent)],
    ),
    marks(&[&["sqlcmd", "bcp", "tsql"]], &[secret("-P")]),
    marks(&[&["sqlplus", "sqlcl", "expdp", "impdp", "sqlldr"]], &[])
        .operands(&[Operand::Text(Holds::UserSlash)]),
    marks(&[&["cqlsh", "rabbitmqadmin"]], &[secret("-p --password")]),
    marks(&[&["influx"]], &[secret("-p --password -t --token")]),
    marks(&[&["rabbitmqctl"]], &[]).operands(&[
        Operand::Behind { words: &["add_user"], skip: 1 },
        Operand::Behind { words: &["change_password"], skip: 1 },
    ]),
    marks(&[&["7z", "7za", "7zr"]], &[option("-p", Given::Attached, Holds::Secret)]),
    marks(&[&["useradd", "usermod"]], &[secret("-p --password")]),
    marks(&[&["mc", "mcli"]], &[])
        .operands(&[Operand::Behind { words: &["alias", "set"], skip: 3 }]),
];
