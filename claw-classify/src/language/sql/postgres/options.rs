//! The parts of statements that are told by options and small constants.

use pg_query::protobuf::{TransactionStmtKind, VariableSetKind};

use super::tree::{Node, Tree};
use crate::language::sql::statement::{Effect, Statement};

/// Whether an EXPLAIN runs what it explains. The last of several ANALYZE options counts, and anything
/// that is not certainly off counts as on.
pub(super) fn analyzes(explain: &Node) -> bool {
    let mut runs = false;
    for option in explain.nodes("options") {
        if option.text("defname").eq_ignore_ascii_case("analyze") {
            runs = !is_off(option.field("arg"));
        }
    }
    runs
}

/// What `defGetBoolean` takes for false.
fn is_off(value: &Tree) -> bool {
    let Some(value) = value.as_node() else { return false };
    match value.name {
        "Integer" => value.number("ival") == 0,
        "Boolean" => !value.flag("boolval"),
        "String" => ["false", "off"].iter().any(|off| value.text("sval").eq_ignore_ascii_case(off)),
        _ => false,
    }
}

fn is_kind(node: &Node, kind: VariableSetKind) -> bool {
    node.number("kind") == kind as i64
}

pub(super) fn set_shape(node: &Node) -> (&'static str, Effect) {
    if is_kind(node, VariableSetKind::VarReset) || is_kind(node, VariableSetKind::VarResetAll) {
        return ("reset", Effect::Session);
    }
    let transaction = is_kind(node, VariableSetKind::VarSetMulti)
        && ["TRANSACTION", "TRANSACTION SNAPSHOT"].contains(&node.text("name"));
    ("set", if transaction { Effect::Transaction } else { Effect::Session })
}

pub(super) fn set(node: &Node, statement: &mut Statement) {
    if is_kind(node, VariableSetKind::VarResetAll) {
        statement.setting = Some("all".to_owned());
        return;
    }
    let name = node.text("name").to_lowercase();
    if name == "transaction snapshot" {
        statement.transaction_modes.insert("snapshot");
        return;
    }
    if is_kind(node, VariableSetKind::VarSetMulti) {
        for option in node.nodes("args") {
            mode(option, statement);
        }
        if name == "transaction" {
            return;
        }
    }
    statement.setting = Some(name.replace(' ', "_"));
    if let [value] = node.list("args") {
        statement.setting_value = constant(value).map(|value| value.to_lowercase());
    }
}

/// A constant as text.
fn constant(value: &Tree) -> Option<String> {
    let value = value.as_node()?;
    match value.name {
        "AConst" => constant(value.field("val")),
        "String" => Some(value.text("sval").to_owned()),
        "Integer" => Some(value.number("ival").to_string()),
        "Float" => Some(value.text("fval").to_owned()),
        "Boolean" => Some(value.flag("boolval").to_string()),
        _ => None,
    }
}

pub(super) fn transaction_shape(node: &Node) -> (&'static str, Effect) {
    use TransactionStmtKind as Kind;
    let is = |kind: Kind| node.number("kind") == kind as i64;
    let kinds = [
        (Kind::TransStmtBegin, "begin"),
        (Kind::TransStmtStart, "begin"),
        (Kind::TransStmtCommit, "commit"),
        (Kind::TransStmtRollback, "rollback"),
        (Kind::TransStmtSavepoint, "savepoint"),
        (Kind::TransStmtRelease, "release"),
        (Kind::TransStmtRollbackTo, "rollback"),
    ];
    match kinds.into_iter().find(|(kind, _)| is(*kind)) {
        Some((_, name)) => (name, Effect::Transaction),
        None if is(Kind::TransStmtPrepare) => ("prepare_transaction", Effect::Write),
        None if is(Kind::TransStmtCommitPrepared) => ("commit_prepared", Effect::Write),
        None => ("rollback_prepared", Effect::Write),
    }
}

pub(super) fn transaction(node: &Node, statement: &mut Statement) {
    for option in node.nodes("options") {
        mode(option, statement);
    }
}

fn mode(option: &Node, statement: &mut Statement) {
    let on = || constant(option.field("arg")).is_none_or(|value| value != "0" && value != "false");
    match option.text("defname") {
        "transaction_read_only" if on() => statement.transaction_modes.insert("read_only"),
        "transaction_read_only" => statement.transaction_modes.insert("read_write"),
        "transaction_isolation" => statement.transaction_modes.insert("isolation"),
        "transaction_deferrable" => statement.transaction_modes.insert("deferrable"),
        // Nothing else is in the grammar; what it would be is a setting.
        other => {
            statement.setting.get_or_insert_with(|| other.to_owned());
            false
        }
    };
}

/// Whether a LIMIT is a number in the text, and which where it is a whole one.
pub(super) fn literal_limit(limit: &Tree) -> Option<Option<i64>> {
    let node = limit.as_node().filter(|node| node.name == "AConst" && !node.flag("isnull"))?;
    let value = node.node("val")?;
    match value.name {
        "Integer" => Some(Some(value.number("ival"))),
        "Float" => value.text("fval").parse::<f64>().ok().map(|_| value.text("fval").parse().ok()),
        "String" => value.text("sval").trim().parse::<i64>().ok().map(Some),
        _ => None,
    }
}
