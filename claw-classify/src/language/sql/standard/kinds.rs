//! What each kind of statement and expression of sqlparser's tree is.
//!
//! No match here has a default arm: what a new sqlparser adds must be looked at before it compiles.

use sqlparser::ast::{
    CopySource, CopyTarget, DiscardObject, Expr, FromTable, Function, ObjectName, ObjectType,
    Query, Reset, Set, SetExpr, Statement as Tree, TableFactor, TableObject, TableWithJoins,
    TransactionAccessMode, TransactionMode,
};

use crate::language::sql::statement::{Effect, Statement};

/// The statement by itself, without what is inside it.
pub(in crate::language::sql) fn statement(tree: &Tree) -> Statement {
    let (kind, effect) = kind(tree);
    let mut statement = Statement::new(kind, effect);
    match tree {
        Tree::Update(update) => statement.unfiltered = update.selection.is_none(),
        Tree::Delete(delete) => statement.unfiltered = delete.selection.is_none(),
        Tree::Set(set) => settings(set, &mut statement),
        Tree::Call(_) => {
            unread(&mut statement, "CALL runs a procedure, and its body is not in the text");
        }
        Tree::Execute { .. } => {
            unread(&mut statement, "EXECUTE runs a statement that was prepared before");
        }
        Tree::StartTransaction { modes, .. } => modes_of(modes, &mut statement),
        _ if kind == "foreign" => {
            unread(&mut statement, "PostgreSQL has no such statement");
        }
        _ => {}
    }
    statement
}

fn unread(statement: &mut Statement, reason: &str) {
    statement.opaque.get_or_insert_with(|| reason.to_owned());
}

fn modes_of(modes: &[TransactionMode], statement: &mut Statement) {
    statement.transaction_modes.extend(modes.iter().map(|mode| match mode {
        TransactionMode::AccessMode(TransactionAccessMode::ReadOnly) => "read_only",
        TransactionMode::AccessMode(TransactionAccessMode::ReadWrite) => "read_write",
        TransactionMode::IsolationLevel(_) => "isolation",
    }));
}

fn settings(set: &Set, statement: &mut Statement) {
    match set {
        Set::SetTransaction { modes, .. } => modes_of(modes, statement),
        Set::SingleAssignment { variable, .. } => {
            statement.setting = super::object_name(variable).map(|name| name.to_lowercase());
        }
        Set::SetRole { .. } => statement.setting = Some("role".to_owned()),
        Set::SetSessionAuthorization(_) => {
            statement.setting = Some("session_authorization".to_owned());
        }
        Set::SetTimeZone { .. } => statement.setting = Some("timezone".to_owned()),
        Set::SetNames { .. } | Set::SetNamesDefault {} => {
            statement.setting = Some("client_encoding".to_owned());
        }
        Set::ParenthesizedAssignments { .. }
        | Set::MultipleAssignments { .. }
        | Set::SetSessionParam(_) => {}
    }
}

/// What a statement is called, and what it does by itself.
fn kind(tree: &Tree) -> (&'static str, Effect) {
    use Effect::{Admin, Ddl, Read, Session, Transaction, Write};
    match tree {
        Tree::Query(query) => query_kind(query),
        Tree::Insert(_) => ("insert", Write),
        Tree::Update(_) => ("update", Write),
        Tree::Delete(_) => ("delete", Write),
        Tree::Merge(_) => ("merge", Write),
        Tree::Truncate(_) => ("truncate", Write),
        Tree::Copy { to, target, .. } => (
            "copy",
            match (target, to) {
                (CopyTarget::Stdout, _) | (CopyTarget::Stdin, true) => Read,
                (CopyTarget::Stdin, false) => Write,
                (CopyTarget::File { .. } | CopyTarget::Program { .. }, _) => Admin,
            },
        ),
        Tree::Explain { .. } => ("explain", Read),
        // PostgreSQL shows a setting of this name, whatever other systems show.
        Tree::ShowVariable { .. }
        | Tree::ShowFunctions { .. }
        | Tree::ShowStatus { .. }
        | Tree::ShowVariables { .. }
        | Tree::ShowCreate { .. }
        | Tree::ShowColumns { .. }
        | Tree::ShowCatalogs { .. }
        | Tree::ShowDatabases { .. }
        | Tree::ShowProcessList { .. }
        | Tree::ShowSchemas { .. }
        | Tree::ShowCharset(_)
        | Tree::ShowObjects(_)
        | Tree::ShowTables { .. }
        | Tree::ShowViews { .. }
        | Tree::ShowCollation { .. } => ("show", Read),
        Tree::Set(Set::SetTransaction { session: false, .. }) => ("set", Transaction),
        Tree::Set(_) => ("set", Session),
        Tree::Reset(reset) => match &reset.reset {
            Reset::ALL | Reset::SessionAuthorization | Reset::ConfigurationParameter(_) => {
                ("reset", Session)
            }
        },
        Tree::Discard { object_type } => match object_type {
            DiscardObject::ALL
            | DiscardObject::PLANS
            | DiscardObject::SEQUENCES
            | DiscardObject::TEMP => ("discard", Session),
        },
        Tree::StartTransaction { .. } => ("begin", Transaction),
        Tree::Commit { .. } => ("commit", Transaction),
        Tree::Rollback { .. } => ("rollback", Transaction),
        Tree::Savepoint { .. } => ("savepoint", Transaction),
        Tree::ReleaseSavepoint { .. } => ("release", Transaction),
        Tree::Prepare { .. } => ("prepare", Session),
        Tree::Execute { .. } => ("execute", Session),
        Tree::Deallocate { .. } => ("deallocate", Session),
        Tree::Declare { .. } => ("declare", Session),
        Tree::Fetch { .. } => ("fetch", Session),
        Tree::Close { .. } => ("close", Session),
        Tree::LISTEN { .. } => ("listen", Session),
        Tree::UNLISTEN { .. } => ("unlisten", Session),
        Tree::NOTIFY { .. } => ("notify", Write),
        Tree::Lock(_) => ("lock", Session),
        Tree::Call(_) => ("call", Admin),
        Tree::Load { .. } => ("load", Admin),
        Tree::Analyze(_) => ("analyze", Admin),
        Tree::Vacuum(_) => ("vacuum", Admin),
        Tree::Grant(_) => ("grant", Admin),
        Tree::Revoke(_) => ("revoke", Admin),
        Tree::CreateRole(_) | Tree::CreateUser(_) => ("create", Admin),
        Tree::AlterRole { .. } | Tree::AlterUser(_) => ("alter", Admin),
        Tree::Comment { .. } => ("comment", Ddl),
        Tree::CreateView(_)
        | Tree::CreateTable(_)
        | Tree::CreateIndex(_)
        | Tree::CreateServer(_)
        | Tree::CreatePolicy(_)
        | Tree::CreateOperator(_)
        | Tree::CreateOperatorFamily(_)
        | Tree::CreateOperatorClass(_)
        | Tree::CreateTextSearch(_)
        | Tree::CreateExtension(_)
        | Tree::CreateCollation(_)
        | Tree::CreateSchema { .. }
        | Tree::CreateDatabase { .. }
        | Tree::CreateFunction(_)
        | Tree::CreateTrigger(_)
        | Tree::CreateProcedure { .. }
        | Tree::CreateSequence { .. }
        | Tree::CreateDomain(_)
        | Tree::CreateType { .. } => ("create", Ddl),
        Tree::AlterTable(_)
        | Tree::AlterSchema(_)
        | Tree::AlterIndex { .. }
        | Tree::AlterView { .. }
        | Tree::AlterFunction(_)
        | Tree::AlterType(_)
        | Tree::AlterCollation(_)
        | Tree::AlterOperator(_)
        | Tree::AlterOperatorFamily(_)
        | Tree::AlterOperatorClass(_)
        | Tree::AlterTextSearch(_)
        | Tree::AlterPolicy(_) => ("alter", Ddl),
        Tree::Drop { object_type: ObjectType::Role | ObjectType::User, .. } => ("drop", Admin),
        Tree::Drop { .. }
        | Tree::DropFunction(_)
        | Tree::DropDomain(_)
        | Tree::DropProcedure { .. }
        | Tree::DropPolicy(_)
        | Tree::DropExtension(_)
        | Tree::DropOperator(_)
        | Tree::DropOperatorFamily(_)
        | Tree::DropOperatorClass(_)
        | Tree::DropTrigger(_) => ("drop", Ddl),
        // Other systems' statements. PostgreSQL would refuse them.
        Tree::Msck(_)
        | Tree::Install { .. }
        | Tree::Directory { .. }
        | Tree::Case(_)
        | Tree::If(_)
        | Tree::While(_)
        | Tree::Raise(_)
        | Tree::CopyIntoSnowflake { .. }
        | Tree::Open(_)
        | Tree::CreateVirtualTable { .. }
        | Tree::CreateSecret { .. }
        | Tree::CreateConnector(_)
        | Tree::AlterConnector { .. }
        | Tree::AlterSession { .. }
        | Tree::AttachDatabase { .. }
        | Tree::AttachDuckDBDatabase { .. }
        | Tree::DetachDuckDBDatabase { .. }
        | Tree::DropSecret { .. }
        | Tree::DropConnector { .. }
        | Tree::Flush { .. }
        | Tree::Use(_)
        | Tree::CreateMacro { .. }
        | Tree::CreateStage { .. }
        | Tree::CreateFileFormat { .. }
        | Tree::CreateWarehouse(_)
        | Tree::Assert { .. }
        | Tree::Deny(_)
        | Tree::Kill { .. }
        | Tree::ExplainTable { .. }
        | Tree::Cache { .. }
        | Tree::UNCache { .. }
        | Tree::Pragma { .. }
        | Tree::LockTables { .. }
        | Tree::UnlockTables
        | Tree::Unload { .. }
        | Tree::OptimizeTable { .. }
        | Tree::LoadData { .. }
        | Tree::RenameTable(_)
        | Tree::List(_)
        | Tree::Put { .. }
        | Tree::Remove(_)
        | Tree::RaisError { .. }
        | Tree::Throw(_)
        | Tree::Print(_)
        | Tree::WaitFor(_)
        | Tree::Return(_)
        | Tree::ExportData(_) => ("foreign", Admin),
    }
}

/// What the outermost part of a query is. What a WITH clause runs before it is found by the walk.
fn query_kind(query: &Query) -> (&'static str, Effect) {
    let mut body = &*query.body;
    loop {
        body = match body {
            SetExpr::Select(_) | SetExpr::SetOperation { .. } | SetExpr::Table(_) => {
                return ("select", Effect::Read);
            }
            SetExpr::Values(_) => return ("values", Effect::Read),
            SetExpr::Query(inner) => &inner.body,
            SetExpr::Insert(inner)
            | SetExpr::Update(inner)
            | SetExpr::Delete(inner)
            | SetExpr::Merge(inner) => return kind(inner),
        };
    }
}

/// Whether what is inside the statement is planned and does not run.
pub(super) fn only_plans(tree: &Tree) -> bool {
    let Tree::Explain { analyze, options, .. } = tree else { return false };
    let mut runs = *analyze;
    for option in options.iter().flatten() {
        if option.name.value.eq_ignore_ascii_case("analyze") {
            let word = option.arg.as_ref().map(|arg| arg.to_string().to_lowercase());
            // Only what is certainly off keeps it from running; the last one counts, as in the server.
            runs = !matches!(
                word.as_deref(),
                Some("false" | "off" | "0" | "'off'" | "'false'" | "'0'")
            );
        }
    }
    !runs
}

/// The objects that the statement changes and that are no table factors.
pub(super) fn written(tree: &Tree) -> Vec<&ObjectName> {
    match tree {
        Tree::Insert(insert) => match &insert.table {
            TableObject::TableName(name) => vec![name],
            TableObject::TableFunction(_) | TableObject::TableQuery(_) => vec![],
        },
        Tree::Truncate(truncate) => {
            truncate.table_names.iter().map(|target| &target.name).collect()
        }
        Tree::Copy { source: CopySource::Table { table_name, .. }, .. } => vec![table_name],
        Tree::Lock(lock) => lock.tables.iter().map(|target| &target.name).collect(),
        Tree::CreateTable(create) => vec![&create.name],
        Tree::CreateView(create) => vec![&create.name],
        Tree::CreateIndex(create) => vec![&create.table_name],
        Tree::AlterTable(alter) => vec![&alter.name],
        Tree::AlterView { name, .. } => vec![name],
        Tree::CreatePolicy(create) => vec![&create.table_name],
        Tree::AlterPolicy(alter) => vec![&alter.table_name],
        Tree::DropPolicy(drop) => vec![&drop.table_name],
        Tree::CreateTrigger(create) => vec![&create.table_name],
        Tree::DropTrigger(drop) => drop.table_name.iter().collect(),
        Tree::Drop {
            object_type: ObjectType::Table | ObjectType::View | ObjectType::MaterializedView,
            names,
            ..
        } => names.iter().collect(),
        Tree::Analyze(analyze) => analyze.table_name.iter().collect(),
        Tree::Vacuum(vacuum) => vacuum.table_name.iter().collect(),
        _ => vec![],
    }
}

/// The table factors that the statement changes.
pub(super) fn targets(tree: &Tree) -> Box<dyn Iterator<Item = &TableFactor> + '_> {
    match tree {
        Tree::Update(update) => Box::new(std::iter::once(&update.table.relation)),
        Tree::Delete(delete) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
            Box::new(from.iter().map(|TableWithJoins { relation, .. }| relation))
        }
        Tree::Merge(merge) => Box::new(std::iter::once(&merge.table)),
        _ => Box::new(std::iter::empty()),
    }
}

/// The function that an expression calls by itself. What is inside it the walk reaches anyway.
pub(super) fn called(expr: &Expr) -> Option<&Function> {
    match expr {
        Expr::Function(function) => Some(function),
        // Each of these is an operator, a name, a literal, or syntax for one of the server's own
        // immutable functions.
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::CompoundFieldAccess { .. }
        | Expr::JsonAccess { .. }
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::IsJson { .. }
        | Expr::IsNormalized { .. }
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::InUnnest { .. }
        | Expr::Between { .. }
        | Expr::BinaryOp { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::SimilarTo { .. }
        | Expr::RLike { .. }
        | Expr::AnyOp { .. }
        | Expr::AllOp { .. }
        | Expr::UnaryOp { .. }
        | Expr::Convert { .. }
        | Expr::Cast { .. }
        | Expr::AtTimeZone { .. }
        | Expr::Extract { .. }
        | Expr::Ceil { .. }
        | Expr::Floor { .. }
        | Expr::Position { .. }
        | Expr::Substring { .. }
        | Expr::Trim { .. }
        | Expr::Overlay { .. }
        | Expr::Collate { .. }
        | Expr::Nested(_)
        | Expr::Value(_)
        | Expr::Prefixed { .. }
        | Expr::TypedString(_)
        | Expr::Case { .. }
        | Expr::Exists { .. }
        | Expr::Subquery(_)
        | Expr::GroupingSets(_)
        | Expr::Cube(_)
        | Expr::Rollup(_)
        | Expr::Tuple(_)
        | Expr::Struct { .. }
        | Expr::Named { .. }
        | Expr::Dictionary(_)
        | Expr::Map(_)
        | Expr::Array(_)
        | Expr::Interval(_)
        | Expr::MatchAgainst { .. }
        | Expr::Wildcard(_)
        | Expr::QualifiedWildcard(..)
        | Expr::OuterJoin(_)
        | Expr::Prior(_)
        | Expr::Lambda(_)
        | Expr::MemberOf(_) => None,
    }
}
