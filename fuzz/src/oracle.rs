//! What PostgreSQL's own grammar says of a text, asked without claw's walk over the tree.
//!
//! libpg_query's tree is printed and searched for the names of nodes. That is coarser than claw's reading, and has nothing
//! in common with it but the parser.

use claw_policy::{Action, Value};
use pg_query::NodeEnum;
use pg_query::protobuf::Node;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::is;

/// Nodes that write, change objects or hold on to rows, wherever they stand in a statement that runs.
const WRITES: &[&str] = &[
    "InsertStmt(",
    "UpdateStmt(",
    "DeleteStmt(",
    "MergeStmt(",
    "IntoClause {",
    "LockingClause(",
    "TruncateStmt(",
    "DropStmt(",
    "CreateStmt(",
    "CreateTableAsStmt(",
    "AlterTableStmt(",
    "CallStmt(",
    "DoStmt(",
    "GrantStmt(",
    "VacuumStmt(",
    "LockStmt(",
    "NotifyStmt(",
    "RefreshMatViewStmt(",
    "ReindexStmt(",
    "RuleStmt(",
    "ViewStmt(",
];

/// Holds what claw says of a text for PostgreSQL against the grammar. `actions` are those of the statements.
///
/// # Panics
/// Where claw calls a statement a read that names a write, reads a text that the grammar refuses, or does not see that
/// the parsers disagree on how many statements there are.
pub fn holds(text: &str, actions: &[&Action]) {
    if actions.iter().any(|action| action.opaque.is_some()) {
        return;
    }
    let parsed = pg_query::parse(text, 0).expect("claw reads what the grammar refuses");
    let statements = &parsed.protobuf.stmts;
    if statements.is_empty() {
        return;
    }
    assert_eq!(statements.len(), actions.len(), "claw reads another number of statements");
    if let Ok(second) = Parser::parse_sql(&PostgreSqlDialect {}, text) {
        assert_eq!(second.len(), actions.len(), "the parsers disagree, and claw does not say so");
    }
    // A name in a literal or an identifier would be found where no node is.
    if text.contains("Stmt(") || text.contains("Clause") {
        return;
    }
    for (statement, action) in statements.iter().zip(actions) {
        if !is(action, "effect", &Value::from("read")) {
            continue;
        }
        let node =
            statement.stmt.as_ref().and_then(|node| node.node.as_ref()).expect("a statement");
        let runs = match node {
            NodeEnum::ExplainStmt(explain) => analyzes(&explain.options),
            NodeEnum::CopyStmt(copy) => {
                let elsewhere = copy.is_from || copy.is_program || !copy.filename.is_empty();
                assert!(!elsewhere, "a read that moves rows elsewhere: {copy:?}");
                true
            }
            _ => true,
        };
        let tree = format!("{node:?}");
        let found = WRITES.iter().find(|name| runs && tree.contains(**name));
        assert_eq!(found, None, "a read that writes: {tree}");
    }
}

/// Whether EXPLAIN runs its statement: the last of several ANALYZE counts.
fn analyzes(options: &[Node]) -> bool {
    let analyze = options.iter().rev().find_map(|option| match &option.node {
        Some(NodeEnum::DefElem(option)) if option.defname == "analyze" => Some(&option.arg),
        _ => None,
    });
    let off = ["\"off\"", "\"false\"", "\"0\"", "ival: 0 ", "boolval: false"];
    analyze.is_some_and(|value| {
        let value = format!("{value:?}").to_lowercase();
        !off.iter().any(|word| value.contains(word))
    })
}
