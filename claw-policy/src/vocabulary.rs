//! The domains and tools that this crate's tests speak of.

use crate::fact::{Action, Domain, FactDef, Kind, Schema};

const fn fact(name: &'static str, kind: Kind, values: &'static [&'static str]) -> FactDef {
    FactDef { name, kind, values, doc: "" }
}

pub(crate) static EXEC: Domain = Domain {
    name: "exec",
    governed: true,
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
    doc: "",
    facts: &[
        fact("effect", Kind::Str, &["read", "write", "ddl", "admin"]),
        fact("limited", Kind::Bool, &[]),
        fact("tables_written", Kind::Set, &[]),
        fact("kinds", Kind::Set, &["select", "insert", "drop_table", "drop_view"]),
        fact("depth", Kind::Int, &[]),
    ],
};

pub(crate) static K8S: Domain =
    Domain { name: "k8s", governed: true, doc: "", facts: &[fact("verb", Kind::Str, &[])] };

pub(crate) static FILE: Domain = Domain {
    name: "file",
    governed: false,
    doc: "",
    facts: &[fact("effect", Kind::Str, &["delete", "move"]), fact("targets", Kind::Set, &[])],
};

pub(crate) const SCHEMA: Schema = Schema {
    domains: &[&EXEC, &SQL, &K8S, &FILE],
    tools: &["psql", "kubectl", "rm"],
    programs: &["psql", "kubectl", "kubecolor", "rm"],
};

/// The action that stands first in every call.
pub(crate) fn exec() -> Action {
    Action::new(&EXEC, "psql").with("path", "/usr/bin/psql")
}
