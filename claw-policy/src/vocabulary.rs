//! The domains and tools that this crate's tests speak of.

use crate::domain;
use crate::fact::Action;
use crate::handle::Set;
use crate::schema::{ChangeDef, ChangeTakes, Schema, ToolDef};

domain! {
    /// A program.
    pub(crate) static EXEC: Exec = "exec", governed: true, sealed: true;

    /// Its file.
    PATH: String = "path";
    /// What is loaded into it.
    INJECTED: Set = "injected";
    /// The variables that load something into it.
    INJECTED_ENV: Set = "injected_env";
    /// Whether it is the tool.
    TRUSTED: bool = "trusted";
}

domain! {
    /// A statement.
    pub(crate) static SQL: Sql = "sql", governed: true, sealed: true;

    /// What it does.
    EFFECT: String = "effect" of &["read", "write", "ddl", "admin"];
    /// Whether it returns few rows.
    LIMITED: bool = "limited";
    /// What it writes to.
    TABLES_WRITTEN: Set = "tables_written";
    /// What it consists of.
    KINDS: Set = "kinds" of &["select", "insert", "drop_table", "drop_view"];
    /// How deep it is.
    DEPTH: i64 = "depth";
}

domain! {
    /// What is asked of a cluster.
    pub(crate) static K8S: K8s = "k8s", governed: true, sealed: true;

    /// The command.
    VERB: String = "verb";
}

domain! {
    /// What is done to files.
    pub(crate) static FILE: OnFiles = "file", governed: false, sealed: false;

    /// What it is.
    EFFECT: String = "effect" of &["delete", "move"];
    /// The files.
    TARGETS: Set = "targets";
}

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

/// The action that stands first in every call.
pub(crate) fn exec() -> Action {
    Action::new(&EXEC, "psql").with(Exec::PATH, "/usr/bin/psql")
}
