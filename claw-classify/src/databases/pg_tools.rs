//! PostgreSQL's other client programs: each is a statement in disguise, or copies the data.
//!
//! Input: the call. Output: one action of the domain `sql` for what the program makes the server
//! do, or one of `psql` if it only informs. Source: PostgreSQL's `src/bin/scripts`,
//! `src/bin/pg_dump`, `src/bin/pgbench` and `src/bin/pg_basebackup`, releases 15 to 18. All of them
//! look for help and version in their first argument alone.
//!
//! Known gaps: only pg_restore's options are read, so which database or table the others mean is
//! opaque.

use claw_policy::{Action, Domain};

use crate::call::{Call, excerpt, text};
use crate::databases::psql;
use crate::grammar::getopt::{self, Item, Opt, Takes};
use crate::language::sql::{self, Effect};
use crate::secret::marks::{Holds, Marks, Operand, marks};
use crate::tool::{Classifier, Context, Family, Reader, Tool};

/// What holds a secret in their words.
pub(crate) static SECRETS: &[Marks] = &[marks(
    &[
        CLUSTERDB.names,
        CREATEDB.names,
        CREATEUSER.names,
        DROPDB.names,
        DROPUSER.names,
        REINDEXDB.names,
        VACUUMDB.names,
        PG_BASEBACKUP.names,
        PG_DUMP.names,
        PG_DUMPALL.names,
        PG_ISREADY.names,
        PG_RESTORE.names,
        PGBENCH.names,
    ],
    psql::CONNECTION,
)
.operands(&[Operand::Text(Holds::Conninfo)])];

/// The programs' rows in the registry.
pub(crate) static CLUSTERDB: Tool =
    row(&["clusterdb"], "clusterdb: error: ", "Runs CLUSTER.", |context| {
        statement(context.call, "cluster", Effect::Admin)
    });
pub(crate) static CREATEDB: Tool =
    row(&["createdb"], "createdb: error: ", "Runs CREATE DATABASE.", |context| {
        statement(context.call, "create", Effect::Ddl)
    });
pub(crate) static CREATEUSER: Tool =
    row(&["createuser"], "createuser: error: ", "Runs CREATE ROLE.", |context| {
        statement(context.call, "create", Effect::Admin)
    });
pub(crate) static DROPDB: Tool =
    row(&["dropdb"], "dropdb: error: ", "Runs DROP DATABASE.", |context| {
        statement(context.call, "drop", Effect::Ddl)
    });
pub(crate) static DROPUSER: Tool =
    row(&["dropuser"], "dropuser: error: ", "Runs DROP ROLE.", |context| {
        statement(context.call, "drop", Effect::Admin)
    });
pub(crate) static REINDEXDB: Tool =
    row(&["reindexdb"], "reindexdb: error: ", "Runs REINDEX.", |context| {
        statement(context.call, "reindex", Effect::Admin)
    });
pub(crate) static VACUUMDB: Tool =
    row(&["vacuumdb"], "vacuumdb: error: ", "Runs VACUUM and ANALYZE.", |context| {
        statement(context.call, "vacuum", Effect::Admin)
    });
pub(crate) static PG_BASEBACKUP: Tool =
    row(&["pg_basebackup"], "pg_basebackup: error: ", "Copies the whole cluster.", |context| {
        statement(context.call, "base_backup", Effect::Admin)
    });
pub(crate) static PG_DUMP: Tool =
    row(&["pg_dump"], "pg_dump: error: ", "Reads whole tables.", |context| {
        statement(context.call, "dump", Effect::Read)
    });
pub(crate) static PG_DUMPALL: Tool = row(
    &["pg_dumpall"],
    "pg_dumpall: error: ",
    "Reads all databases, whole, and the roles with their passwords.",
    |context| statement(context.call, "dump", Effect::Admin),
);
pub(crate) static PG_ISREADY: Tool =
    row(&["pg_isready"], "pg_isready: error: ", "Asks whether the server answers.", |_| {
        vec![informs("pg_isready")]
    });
pub(crate) static PG_RESTORE: Tool = row(
    &["pg_restore"],
    "pg_restore: error: ",
    "Lists an archive, writes it out as a script, or runs it; what is in the archive is opaque.",
    restore,
);
pub(crate) static PGBENCH: Tool =
    row(&["pgbench"], "pgbench: error: ", "Runs scripts many times; they are opaque.", bench);

static DOMAINS: &[&Domain] = &[&sql::DOMAIN, &psql::DOMAIN];

const fn row(
    names: &'static [&'static str],
    prefix: &'static str,
    doc: &'static str,
    classify: Classifier,
) -> Tool {
    Tool {
        loads: psql::LOADS,
        reader: Reader::Refuse(classify, "the program writes its own statements"),
        ..Tool::judged(Family::Databases, names, prefix, doc, DOMAINS, classify)
    }
}

fn said(call: &Call<'_>) -> String {
    excerpt(&call.argv.iter().map(|arg| text(arg)).collect::<Vec<_>>().join(" "))
}

fn informs(said: &str) -> Action {
    psql::fact("option", "help", "inform", said)
}

fn asks_for_help(call: &Call<'_>) -> bool {
    call.argv
        .get(1)
        .is_some_and(|first| [&b"--help"[..], b"-?", b"--version", b"-V"].contains(first))
}

fn statement(call: &Call<'_>, kind: &'static str, effect: Effect) -> Vec<Action> {
    let said = said(call);
    if asks_for_help(call) {
        return vec![informs(&said)];
    }
    vec![sql::utility(kind, effect, &said)]
}

fn bench(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let said = said(call);
    if asks_for_help(call) {
        return vec![informs(&said)];
    }
    vec![Action::opaque(&sql::DOMAIN, said, "pgbench runs scripts that are not read")]
}

const fn option(long: &'static [&'static str], short: u8, takes: Takes) -> Opt {
    Opt { long, short: Some(short), takes }
}

const fn long(long: &'static [&'static str], takes: Takes) -> Opt {
    Opt { long, short: None, takes }
}

use Takes::{Nothing, Value};

/// pg_restore's options (`src/bin/pg_dump/pg_restore.c`).
static RESTORE: &[Opt] = &[
    option(&["clean"], b'c', Nothing),
    option(&["create"], b'C', Nothing),
    option(&["data-only"], b'a', Nothing),
    option(&["dbname"], b'd', Value),
    option(&["exit-on-error"], b'e', Nothing),
    option(&["exclude-schema"], b'N', Value),
    option(&["file"], b'f', Value),
    option(&["format"], b'F', Value),
    option(&["function"], b'P', Value),
    option(&["host"], b'h', Value),
    option(&["index"], b'I', Value),
    option(&["jobs"], b'j', Value),
    option(&["list"], b'l', Nothing),
    option(&["no-privileges", "no-acl"], b'x', Nothing),
    option(&["no-owner"], b'O', Nothing),
    option(&["no-reconnect"], b'R', Nothing),
    option(&["port"], b'p', Value),
    option(&["no-password"], b'w', Nothing),
    option(&["password"], b'W', Nothing),
    option(&["schema"], b'n', Value),
    option(&["schema-only"], b's', Nothing),
    option(&["superuser"], b'S', Value),
    option(&["table"], b't', Value),
    option(&["trigger"], b'T', Value),
    option(&["use-list"], b'L', Value),
    option(&["username"], b'U', Value),
    option(&["verbose"], b'v', Nothing),
    option(&["single-transaction"], b'1', Nothing),
    long(&["disable-triggers"], Nothing),
    long(&["enable-row-security"], Nothing),
    long(&["if-exists"], Nothing),
    long(&["no-comments"], Nothing),
    long(&["no-data-for-failed-tables"], Nothing),
    long(&["no-publications"], Nothing),
    long(&["no-security-labels"], Nothing),
    long(&["no-subscriptions"], Nothing),
    long(&["no-table-access-method"], Nothing),
    long(&["no-tablespaces"], Nothing),
    long(&["restrict-key"], Value),
    long(&["role"], Value),
    long(&["section"], Value),
    long(&["strict-names"], Nothing),
    long(&["use-set-session-authorization"], Nothing),
];

fn restore(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let said = said(call);
    if asks_for_help(call) {
        return vec![informs(&said)];
    }
    let posix = call.env.iter().any(|entry| entry.starts_with(b"POSIXLY_CORRECT="));
    let (mut lists, mut runs, mut file) = (false, false, None);
    for item in getopt::read(call.argv, RESTORE, posix) {
        match item {
            Item::Refused { word, why } => {
                let reason = format!("pg_restore is given {why}: `{}`", excerpt(&text(word)));
                return vec![Action::opaque(&sql::DOMAIN, said, reason)];
            }
            Item::Option { opt, value } => match opt.name() {
                "list" => lists = true,
                "dbname" => runs = true,
                "file" => file = value.map(|value| value.bytes),
                _ => {}
            },
            Item::Operand(_) => {}
        }
    }
    if runs && !lists {
        return vec![Action::opaque(&sql::DOMAIN, said, "the archive is not read")];
    }
    match file {
        Some(file) if file != b"-" => vec![psql::fact("option", "file", "file_write", said)],
        _ => vec![psql::fact("option", "list", "inform", said)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoFiles, Tools};
    use claw_policy::{Reading, Value};

    #[test]
    fn each_program_has_its_effect() {
        for (words, expected) in [
            ("dropdb prod", "ddl"),
            ("createdb x", "ddl"),
            ("createuser -s evil", "admin"),
            ("dropuser x", "admin"),
            ("reindexdb -a", "admin"),
            ("vacuumdb -a", "admin"),
            ("clusterdb", "admin"),
            ("pg_basebackup -D /tmp/x", "admin"),
            ("pg_dump app", "read"),
            ("pg_dumpall --globals-only", "admin"),
            ("pgbench -f evil.sql", "?"),
            ("pg_isready", "inform"),
            ("dropdb --help", "inform"),
            ("dropdb x --help", "ddl"),
            ("pg_restore -c -d app dump", "?"),
            ("pg_restore --db app dump", "?"),
            ("pg_restore -l dump", "inform"),
            ("pg_restore --list dump", "inform"),
            ("pg_restore -f - dump", "inform"),
            ("pg_restore -f out dump", "file_write"),
            ("pg_restore --frob", "?"),
        ] {
            let argv: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
            let facts = Tools::BUILT_IN
                .classify(&Call { argv: &argv, names: &[argv[0]], ..Call::default() }, &NoFiles);
            assert_eq!(facts.tool.as_deref(), words.split(' ').next(), "{words}");
            let action = &facts.actions[1];
            let name = if action.domain.name() == "sql" { "effect" } else { "class" };
            let found = match action.fact(name) {
                Some(Reading::Known(Value::Str(found))) => found.as_str(),
                _ => "?",
            };
            assert_eq!(found, expected, "{words}");
        }
    }
}
