//! The nodes of PostgreSQL's grammar, by name: which are plain parts of an expression or a query,
//! and the kind and effect of each statement. A node in none of these lists makes its statement
//! opaque.

use super::tree::Node;
use crate::language::sql::statement::Effect::{self, Admin, Ddl, Session, Write};

/// Parts of queries and expressions that call nothing and do nothing by themselves. Sorted.
const PLAIN: &[&str] = &[
    "AArrayExpr",
    "AConst",
    "AIndices",
    "AStar",
    "Alias",
    "BitString",
    "BoolExpr",
    "Boolean",
    "BooleanTest",
    "CTECycleClause",
    "CTESearchClause",
    "CaseExpr",
    "CaseWhen",
    "CoalesceExpr",
    "CollateClause",
    "ColumnDef",
    "CteCycleClause",
    "CteSearchClause",
    "CurrentOfExpr",
    "DefElem",
    "Float",
    "GroupingFunc",
    "GroupingSet",
    "IndexElem",
    "InferClause",
    "Integer",
    "JoinExpr",
    "JsonAggConstructor",
    "JsonArgument",
    "JsonArrayQueryConstructor",
    "JsonBehavior",
    "JsonFormat",
    "JsonIsPredicate",
    "JsonKeyValue",
    "JsonObjectAgg",
    "JsonOutput",
    "JsonParseExpr",
    "JsonReturning",
    "JsonTable",
    "JsonTableColumn",
    "JsonTablePathSpec",
    "JsonValueExpr",
    "List",
    "MergeWhenClause",
    "MinMaxExpr",
    "MultiAssignRef",
    "NamedArgExpr",
    "NullTest",
    "OnConflictClause",
    "ParamRef",
    "RangeFunction",
    "RangeSubselect",
    "RangeTableFunc",
    "RangeTableFuncCol",
    "ResTarget",
    "ReturningClause",
    "ReturningOption",
    "RoleSpec",
    "RowExpr",
    "SetToDefault",
    "SqlValueFunction",
    "SqlvalueFunction",
    "String",
    "TypeCast",
    "TypeName",
    "WindowDef",
    "WithClause",
    "XmlExpr",
    "XmlSerialize",
];

pub(super) fn is_plain(name: &str) -> bool {
    PLAIN.binary_search(&name).is_ok()
}

/// Whether a node is one that [`json_call`] looks at.
pub(super) fn is_json(name: &str) -> bool {
    matches!(
        name,
        "JsonArrayAgg"
            | "JsonArrayConstructor"
            | "JsonFuncExpr"
            | "JsonObjectConstructor"
            | "JsonScalarExpr"
            | "JsonSerializeExpr"
            | "MergeSupportFunc"
    )
}

/// The function that a server calls for this node whose grammar has no such syntax yet, before PostgreSQL 16 or 17:
/// nothing where the node is written in a way that is no call.
pub(super) fn json_call(node: &Node) -> Option<&'static str> {
    use pg_query::protobuf::{JsonExprOp, JsonFormatType, JsonQuotes, JsonWrapper};
    // Zero stands for what is not said, too.
    let unsaid = |field: &str, unspecified: i64| node.number(field) <= unspecified;
    let formatted = |value: &Node| {
        value.node("format").is_some_and(|format| {
            format.number("format_type") > JsonFormatType::JsFormatDefault as i64
        })
    };
    let returns = node.node("output").is_some();
    match node.name {
        "JsonFuncExpr" => {
            let plain = !returns
                && node.node("on_empty").is_none()
                && node.node("on_error").is_none()
                && node.list("passing").is_empty()
                && unsaid("wrapper", JsonWrapper::JswUnspec as i64)
                && unsaid("quotes", JsonQuotes::JsQuotesUnspec as i64)
                && !node.node("context_item").is_some_and(formatted);
            let op = node.number("op");
            let name = [
                (JsonExprOp::JsonExistsOp, "json_exists"),
                (JsonExprOp::JsonQueryOp, "json_query"),
                (JsonExprOp::JsonValueOp, "json_value"),
            ]
            .into_iter()
            .find_map(|(known, name)| (known as i64 == op).then_some(name));
            name.filter(|_| plain)
        }
        "JsonScalarExpr" => Some("json_scalar").filter(|_| !returns),
        "JsonSerializeExpr" => {
            let plain = !returns && !node.node("expr").is_some_and(formatted);
            Some("json_serialize").filter(|_| plain)
        }
        "JsonArrayConstructor" => {
            // `NULL ON NULL` is no part of a call. The opposite is what is meant without any words.
            let absent = node.flag("absent_on_null");
            let plain = !returns && absent && !node.nodes("exprs").any(formatted);
            Some("json_array").filter(|_| plain)
        }
        "JsonArrayAgg" => {
            let constructor = node.node("constructor");
            let returns = constructor.is_some_and(|own| own.node("output").is_some());
            let absent = node.flag("absent_on_null");
            let plain = !returns && absent && !node.node("arg").is_some_and(formatted);
            Some("json_arrayagg").filter(|_| plain)
        }
        // With a key and its value it is no call.
        "JsonObjectConstructor" => {
            Some("json_object").filter(|_| !returns && node.list("exprs").is_empty())
        }
        "MergeSupportFunc" => Some("merge_action"),
        _ => None,
    }
}

/// Statements whose node alone says what they do. Sorted.
const STATEMENTS: &[(&str, &str, Effect)] = &[
    ("AlterCollationStmt", "alter", Ddl),
    ("AlterDatabaseRefreshCollStmt", "alter", Admin),
    ("AlterDatabaseSetStmt", "alter", Admin),
    ("AlterDatabaseStmt", "alter", Ddl),
    ("AlterDefaultPrivilegesStmt", "alter", Admin),
    ("AlterDomainStmt", "alter", Ddl),
    ("AlterEnumStmt", "alter", Ddl),
    ("AlterEventTrigStmt", "alter", Ddl),
    ("AlterExtensionContentsStmt", "alter", Ddl),
    ("AlterExtensionStmt", "alter", Ddl),
    ("AlterFdwStmt", "alter", Ddl),
    ("AlterForeignServerStmt", "alter", Ddl),
    ("AlterFunctionStmt", "alter", Ddl),
    ("AlterObjectDependsStmt", "alter", Ddl),
    ("AlterObjectSchemaStmt", "alter", Ddl),
    ("AlterOpFamilyStmt", "alter", Ddl),
    ("AlterOperatorStmt", "alter", Ddl),
    ("AlterOwnerStmt", "alter", Ddl),
    ("AlterPolicyStmt", "alter", Ddl),
    ("AlterPublicationStmt", "alter", Ddl),
    ("AlterRoleSetStmt", "alter", Admin),
    ("AlterRoleStmt", "alter", Admin),
    ("AlterSeqStmt", "alter", Ddl),
    ("AlterStatsStmt", "alter", Ddl),
    ("AlterSubscriptionStmt", "alter", Ddl),
    ("AlterSystemStmt", "alter_system", Admin),
    ("AlterTableMoveAllStmt", "alter", Ddl),
    ("AlterTableSpaceOptionsStmt", "alter", Ddl),
    ("AlterTableStmt", "alter", Ddl),
    ("AlterTsConfigurationStmt", "alter", Ddl),
    ("AlterTsDictionaryStmt", "alter", Ddl),
    ("AlterTsconfigurationStmt", "alter", Ddl),
    ("AlterTsdictionaryStmt", "alter", Ddl),
    ("AlterTypeStmt", "alter", Ddl),
    ("AlterUserMappingStmt", "alter", Ddl),
    ("CheckPointStmt", "checkpoint", Admin),
    ("ClosePortalStmt", "close", Session),
    ("ClusterStmt", "cluster", Admin),
    ("CommentStmt", "comment", Ddl),
    ("CompositeTypeStmt", "create", Ddl),
    ("ConstraintsSetStmt", "set_constraints", Session),
    ("CreateAmStmt", "create", Ddl),
    ("CreateCastStmt", "create", Ddl),
    ("CreateConversionStmt", "create", Ddl),
    ("CreateDomainStmt", "create", Ddl),
    ("CreateEnumStmt", "create", Ddl),
    ("CreateEventTrigStmt", "create", Ddl),
    ("CreateExtensionStmt", "create", Ddl),
    ("CreateFdwStmt", "create", Ddl),
    ("CreateForeignServerStmt", "create", Ddl),
    ("CreateForeignTableStmt", "create", Ddl),
    ("CreateFunctionStmt", "create", Ddl),
    ("CreateOpClassStmt", "create", Ddl),
    ("CreateOpFamilyStmt", "create", Ddl),
    ("CreatePLangStmt", "create", Ddl),
    ("CreatePlangStmt", "create", Ddl),
    ("CreatePolicyStmt", "create", Ddl),
    ("CreatePublicationStmt", "create", Ddl),
    ("CreateRangeStmt", "create", Ddl),
    ("CreateRoleStmt", "create", Admin),
    ("CreateSchemaStmt", "create", Ddl),
    ("CreateSeqStmt", "create", Ddl),
    ("CreateStatsStmt", "create", Ddl),
    ("CreateStmt", "create", Ddl),
    ("CreateSubscriptionStmt", "create", Ddl),
    ("CreateTableSpaceStmt", "create", Ddl),
    ("CreateTransformStmt", "create", Ddl),
    ("CreateTrigStmt", "create", Ddl),
    ("CreateUserMappingStmt", "create", Ddl),
    ("CreatedbStmt", "create", Ddl),
    ("DeallocateStmt", "deallocate", Session),
    ("DefineStmt", "create", Ddl),
    ("DiscardStmt", "discard", Session),
    ("DropOwnedStmt", "drop", Ddl),
    ("DropRoleStmt", "drop", Admin),
    ("DropStmt", "drop", Ddl),
    ("DropSubscriptionStmt", "drop", Ddl),
    ("DropTableSpaceStmt", "drop", Ddl),
    ("DropUserMappingStmt", "drop", Ddl),
    ("DropdbStmt", "drop", Ddl),
    ("FetchStmt", "fetch", Session),
    ("ImportForeignSchemaStmt", "import", Ddl),
    ("IndexStmt", "create", Ddl),
    ("ListenStmt", "listen", Session),
    ("LoadStmt", "load", Admin),
    ("NotifyStmt", "notify", Write),
    ("ReassignOwnedStmt", "reassign", Admin),
    ("RefreshMatViewStmt", "refresh", Write),
    ("ReindexStmt", "reindex", Admin),
    ("ReplicaIdentityStmt", "alter", Ddl),
    ("RuleStmt", "create", Ddl),
    ("SecLabelStmt", "security_label", Admin),
    ("TruncateStmt", "truncate", Write),
    ("UnlistenStmt", "unlisten", Session),
    ("ViewStmt", "create", Ddl),
];

pub(super) fn statement(name: &str) -> Option<(&'static str, Effect)> {
    let index = STATEMENTS.binary_search_by_key(&name, |(known, ..)| known).ok()?;
    let (_, kind, effect) = STATEMENTS[index];
    Some((kind, effect))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(PLAIN.is_sorted());
        assert!(STATEMENTS.is_sorted_by_key(|(name, ..)| name));
    }
}
