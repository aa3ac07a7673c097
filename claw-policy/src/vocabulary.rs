//! The domains and tools that this crate's tests use.

use crate::fact::Action;
use crate::schema::{ChangeDef, ChangeTakes, Domain, FactDef, Kind, Schema, ToolDef};

const fn fact(name: &'static str, kind: Kind, values: &'static [&'static str]) -> FactDef {
    FactDef { name, kind, values, doc: "" }
}

pub(crate) static EXEC: Domain = Domain {
    name: "exec",
    governed: true,
    sealed: true,
    doc: "",
    facts: &[
        fact("path", Kind::Str, &[]),
        fact("injected", Kind::Set, &[]),
        fact("injected_env", Kind::Set, &[]),
        fact("trusted", Kind::Bool, &[]),
    ],
};

pub(crate) static SQL: Domain = Domain {
    name: "sql",
    governed: true,
    sealed: true,
    doc: "",
    facts: &[
        fact("effect", Kind::Str, &["read", "write", "ddl", "admin"]),
        fact("limited", Kind::Bool, &[]),
        fact("tables_written", Kind::Set, &[]),
        fact("kinds", Kind::Set, &["select", "insert", "drop_table", "drop_view"]),
        fact("depth", Kind::Int, &[]),
    ],
};

pub(crate) static K8S: Domain = Domain {
    name: "k8s",
    governed: true,
    sealed: true,
    doc: "",
    facts: &[fact("verb", Kind::Str, &[])],
};

pub(crate) static FILE: Domain = Domain {
    name: "file",
    governed: false,
    sealed: false,
    doc: "",
    facts: &[fact("effect", Kind::Str, &["delete", "move"]), fact("targets", Kind::Set, &[])],
};

pub(crate) const SCHEMA: Schema = Schema {
    domains: &[&EXEC, &SQL, &K8S, &FILE],
    tools: &[
        tool("psql", &["psql"], &["databases"], true, PSQL_CHANGES),
        tool("mysql", &["mysql", "mariadb"], &["databases"], true, MYSQL_CHANGES),
        tool("kubectl", &["kubectl", "kubecolor"], &["clusters"], true, &[]),
        tool("rm", &["rm"], &["files"], false, &[]),
    ],
};

static PSQL_CHANGES: &[&ChangeDef] = &[&LIMIT_ROWS, &NO_FILE, &STOP, &READ_ONLY];
static MYSQL_CHANGES: &[&ChangeDef] = &[&LIMIT_ROWS];

const fn tool(
    name: &'static str,
    programs: &'static [&'static str],
    groups: &'static [&'static str],
    governed: bool,
    changes: &'static [&'static ChangeDef],
) -> ToolDef {
    ToolDef { name, programs, groups, governed, changes }
}

pub(crate) static LIMIT_ROWS: ChangeDef = ChangeDef {
    name: "limit_rows",
    takes: ChangeTakes::Limit,
    of_call: false,
    reason: "no more than {} rows",
    doc: "",
};

pub(crate) static NO_FILE: ChangeDef = ChangeDef {
    name: "no_psqlrc",
    takes: ChangeTakes::Nothing,
    of_call: true,
    reason: "no start-up file",
    doc: "",
};

pub(crate) static STOP: ChangeDef = ChangeDef {
    name: "on_error_stop",
    takes: ChangeTakes::Nothing,
    of_call: true,
    reason: "stops at the first error",
    doc: "",
};

pub(crate) static READ_ONLY: ChangeDef = ChangeDef {
    name: "read_only",
    takes: ChangeTakes::Nothing,
    of_call: true,
    reason: "a read-only session",
    doc: "",
};

/// The first action of every call.
pub(crate) fn exec() -> Action {
    Action::new(&EXEC, "psql").with("path", "/usr/bin/psql")
}
