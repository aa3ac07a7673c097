//! SQL as PostgreSQL's own grammar reads it, through libpg_query.
//!
//! Input: a text. Output: its statements, or why it cannot be read. The walk goes over every field
//! of every node (see `tree`); a node it does not know makes the statement opaque.
//!
//! The grammar is PostgreSQL 18's. A server of another release may refuse what it accepts, and the
//! reverse is opaque here.
//!
//! Known gaps: the planner may call an immutable function while it explains. `name.column` of a table, view or WITH
//! query can call a user's function of that column's name, where there is no such column. An operator that has the
//! name of one of the server's own can be a user's, by the types of its operands. A cast between the server's own types
//! can be a superuser's.

mod names;
mod nodes;
mod options;
mod query;
mod tree;

use std::collections::BTreeSet;
use std::panic::catch_unwind;

pub(super) use query::{Query, Rows, queries};
use tree::{Node, Tree};

use super::functions;
use super::statement::{Effect, Statement, spell};

impl Query {
    /// What the statement would do.
    pub(super) fn statement(&self) -> Statement {
        let mut walk = Walk::new();
        walk.root(&self.tree);
        let mut statement = walk.statement;
        statement.span = Some(self.span.clone());
        statement
    }
}

/// The trees of a text's statements, each with its place in bytes.
fn parse(text: &str) -> Result<Vec<(Tree, std::ops::Range<usize>)>, String> {
    // pg_query indexes and casts inside its own summaries; a panic there must not escape from here.
    let parsed = catch_unwind(|| pg_query::parse(text, 0))
        .map_err(|_| "libpg_query could not summarise it".to_owned())?
        .map_err(|error| match error {
            pg_query::Error::Parse(why) => format!("it does not parse: {why}"),
            error => format!("it does not parse: {error}"),
        })?;
    parsed
        .protobuf
        .stmts
        .iter()
        .map(|raw| {
            let start = usize::try_from(raw.stmt_location).unwrap_or(0);
            // A length of 0 means: to the end.
            let end = match usize::try_from(raw.stmt_len) {
                Ok(0) | Err(_) => text.len(),
                Ok(len) => start + len,
            };
            let tree = Tree::of(&raw.stmt).map_err(|error| error.to_string())?;
            Ok((tree, start..end))
        })
        .collect()
}

/// The walk over one statement.
struct Walk {
    statement: Statement,
    /// The names of WITH queries that can be seen, inner ones last.
    visible: Vec<String>,
    /// Whether the part that is walked over is planned and does not run.
    planned: bool,
    /// Whether tables met outside queries are changed: inside the statements that change objects.
    changes: bool,
}

impl Walk {
    fn new() -> Self {
        Self {
            statement: Statement::new("unknown", Effect::Admin),
            visible: Vec::new(),
            planned: false,
            changes: false,
        }
    }

    fn root(&mut self, tree: &Tree) {
        let Some(node) = tree.as_node() else {
            self.unreadable("a statement without a tree");
            return;
        };
        let (kind, effect) = self.shape(node);
        self.statement.kind = kind;
        self.statement.kinds.insert(kind);
        self.statement.kinds.remove("unknown");
        self.statement.effect = effect;
        self.statement.temporary = names::temporary(node);
        self.inside(node);
    }

    /// A statement inside another one.
    fn nested(&mut self, tree: &Tree) {
        let Some(node) = tree.as_node() else { return };
        let (kind, effect) = self.shape(node);
        if !self.planned {
            self.statement.kinds.insert(kind);
            self.statement.raise(effect);
        }
        self.inside(node);
    }

    fn unreadable(&mut self, reason: impl Into<String>) {
        self.statement.opaque.get_or_insert_with(|| reason.into());
    }

    /// The kind of a statement, and what it does by itself.
    fn shape(&mut self, node: &Node) -> (&'static str, Effect) {
        match node.name {
            "SelectStmt" => (select_kind(node), Effect::Read),
            "InsertStmt" => ("insert", Effect::Write),
            "UpdateStmt" => ("update", Effect::Write),
            "DeleteStmt" => ("delete", Effect::Write),
            "MergeStmt" => ("merge", Effect::Write),
            "CopyStmt" => ("copy", copy_effect(node)),
            "ExplainStmt" => ("explain", Effect::Read),
            "VariableShowStmt" => ("show", Effect::Read),
            "VariableSetStmt" => options::set_shape(node),
            "TransactionStmt" => options::transaction_shape(node),
            "PrepareStmt" => ("prepare", Effect::Session),
            "ExecuteStmt" => ("execute", Effect::Session),
            "DeclareCursorStmt" => ("declare", Effect::Session),
            "LockStmt" => ("lock", Effect::Session),
            "CreateTableAsStmt" => ("create", Effect::Ddl),
            "VacuumStmt" if node.flag("is_vacuumcmd") => ("vacuum", Effect::Admin),
            "VacuumStmt" => ("analyze", Effect::Admin),
            "GrantStmt" | "GrantRoleStmt" if node.flag("is_grant") => ("grant", Effect::Admin),
            "GrantStmt" | "GrantRoleStmt" => ("revoke", Effect::Admin),
            "RenameStmt" if renames_role(node) => ("alter", Effect::Admin),
            "RenameStmt" => ("alter", Effect::Ddl),
            "DoStmt" => ("do", Effect::Admin),
            "CallStmt" => ("call", Effect::Admin),
            name => match nodes::statement(name) {
                Some(shape) => shape,
                None => {
                    self.unreadable(format!("the statement `{name}` is not known"));
                    ("unknown", Effect::Admin)
                }
            },
        }
    }

    /// The parts of a statement.
    fn inside(&mut self, node: &Node) {
        match node.name {
            "SelectStmt" => self.select(node, true),
            "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => self.modify(node),
            "ExplainStmt" => self.explain(node),
            "VariableSetStmt" => options::set(node, &mut self.statement),
            "TransactionStmt" => options::transaction(node, &mut self.statement),
            "CopyStmt" => self.copy(node),
            "PrepareStmt" | "DeclareCursorStmt" => {
                self.nested(node.field("query"));
                self.statement.limited = None;
            }
            "CreateTableAsStmt" => {
                self.creates(node.node("into"));
                self.nested(node.field("query"));
                self.statement.limited = None;
            }
            "ExecuteStmt" => {
                self.unreadable("EXECUTE runs a statement that was prepared before");
                self.fields(node, &[]);
            }
            "DoStmt" => self.unreadable("DO runs code that is held in a string"),
            "CallStmt" => {
                self.unreadable("CALL runs a procedure, and its body is not in the text");
                self.walk(node.field("funccall"));
            }
            "LockStmt" => {
                self.statement.locks = true;
                self.changing(node);
            }
            // It does not run now: the content of a view, a rule or a prepared action runs when it
            // is used.
            "ViewStmt" | "RuleStmt" => {
                let planned = std::mem::replace(&mut self.planned, true);
                self.changing(node);
                self.planned = planned;
                self.written(node.node("view").or_else(|| node.node("relation")));
            }
            "DropStmt" => self.drop(node),
            "VariableShowStmt" => {}
            _ => self.changing(node),
        }
    }

    /// A statement that changes the objects it names. Its parts make no further difference.
    fn changing(&mut self, node: &Node) {
        let changes = std::mem::replace(&mut self.changes, true);
        self.fields(node, &[]);
        self.changes = changes;
    }

    fn fields(&mut self, node: &Node, except: &[&str]) {
        for (name, value) in &node.fields {
            if !except.contains(name) {
                self.walk(value);
            }
        }
    }

    fn walk(&mut self, tree: &Tree) {
        match tree {
            Tree::List(items) => items.iter().for_each(|item| self.walk(item)),
            Tree::Node(node) => self.node(node),
            Tree::Text(_) | Tree::Number(_) | Tree::Flag(_) | Tree::Nothing => {}
        }
    }

    fn node(&mut self, node: &Node) {
        match node.name {
            "SelectStmt" => {
                let changes = std::mem::replace(&mut self.changes, false);
                self.select(node, false);
                self.changes = changes;
            }
            "RangeVar" if self.changes => self.written(Some(node)),
            "RangeVar" => self.reads(node),
            "FuncCall" => {
                self.calls(node);
                self.fields(node, &["funcname"]);
            }
            "AExpr" | "SortBy" | "SubLink" | "RangeTableSample" => {
                self.foreign_name(node);
                self.fields(node, &[]);
            }
            "AIndirection" => {
                for name in node.nodes("indirection").filter(|part| part.name == "String") {
                    self.attribute(name.text("sval"), Attribute::OfExpression);
                }
                self.fields(node, &[]);
            }
            "ColumnRef" => {
                if let [_, .., Tree::Node(last)] = node.list("fields")
                    && last.name == "String"
                {
                    self.attribute(last.text("sval"), Attribute::OfName);
                }
                self.fields(node, &[]);
            }
            // A statement that changes objects names the types of its columns, and makes no value of them.
            "TypeName" if !self.changes => {
                self.of_type(node);
                self.fields(node, &[]);
            }
            "TypeCast" => {
                if let Some(name) = node.node("type_name") {
                    self.of_type(name);
                }
                self.fields(node, &[]);
            }
            name if nodes::is_json(name) => {
                self.called_in_older_releases(node);
                self.fields(node, &[]);
            }
            // A WITH clause is read where it occurs, so that the meaning of its names is known.
            "CommonTableExpr" => self.unreadable("a WITH query in a place of its own"),
            "LockingClause" => {}
            name if nodes::is_plain(name) => self.fields(node, &[]),
            name if nodes::statement(name).is_some() || name.ends_with("Stmt") => {
                self.nested(&Tree::Node(node.clone()));
            }
            // Inside a statement that changes objects anyway, a part can be anything.
            _ if self.changes => self.fields(node, &[]),
            name => {
                self.unreadable(format!("the syntax `{name}` is not known"));
                self.fields(node, &[]);
            }
        }
    }

    /// Runs `body` with the names of a WITH clause in sight.
    fn with(&mut self, clause: Option<&Node>, body: impl FnOnce(&mut Self)) {
        let outer = self.visible.len();
        if let Some(clause) = clause {
            let names = clause.nodes("ctes").map(|cte| cte.text("ctename").to_owned());
            let recursive = clause.flag("recursive");
            if recursive {
                self.visible.extend(names);
            }
            for cte in clause.nodes("ctes") {
                let limited = self.statement.limited;
                let query = cte.field("ctequery");
                match query.as_node() {
                    Some(query) if query.name == "SelectStmt" => self.select(query, false),
                    _ => self.nested(query),
                }
                self.statement.limited = limited;
                self.fields(cte, &["ctequery"]);
                if !recursive {
                    self.visible.push(cte.text("ctename").to_owned());
                }
            }
        }
        body(self);
        self.visible.truncate(outer);
    }

    /// A query; `top` if its rows are the statement's.
    fn select(&mut self, node: &Node, top: bool) {
        self.with(node.node("with_clause"), |walk| {
            if !node.list("locking_clause").is_empty() && !walk.planned {
                walk.statement.locks = true;
                walk.statement.raise(Effect::Write);
            }
            if let Some(into) = node.node("into_clause") {
                if !walk.planned {
                    walk.statement.kinds.insert("create");
                    walk.statement.raise(Effect::Ddl);
                }
                walk.creates(Some(into));
            }
            for side in ["larg", "rarg"] {
                if let Some(side) = node.node(side) {
                    walk.select(side, false);
                    // SELECT INTO is allowed in the first branch only, but counts wherever it is.
                }
            }
            walk.fields(node, &["with_clause", "into_clause", "larg", "rarg"]);
        });
        if top {
            self.statement.has_where =
                (node.number("op") <= 1).then(|| *node.field("where_clause") != Tree::Nothing);
            self.limit(node);
        }
    }

    fn limit(&mut self, node: &Node) {
        if self.statement.kinds.contains("create") {
            return;
        }
        match options::literal_limit(node.field("limit_count")) {
            Some(limit) => {
                self.statement.limited = Some(true);
                self.statement.limit = limit;
            }
            None => self.statement.limited = Some(one_row(node)),
        }
    }

    fn creates(&mut self, into: Option<&Node>) {
        let Some(into) = into else { return };
        self.written(into.node("rel"));
        let changes = std::mem::replace(&mut self.changes, true);
        self.fields(into, &["rel"]);
        self.changes = changes;
    }

    fn modify(&mut self, node: &Node) {
        self.with(node.node("with_clause"), |walk| {
            walk.written(node.node("relation"));
            let filtered = *node.field("where_clause") != Tree::Nothing;
            if matches!(node.name, "UpdateStmt" | "DeleteStmt") {
                walk.statement.unfiltered |= !filtered && !walk.planned;
                // The outermost comes last.
                walk.statement.has_where = Some(filtered);
            }
            walk.statement.returning |= returns(node);
            walk.fields(node, &["with_clause", "relation"]);
        });
        self.statement.limited = returns(node).then(|| inserts_listed_rows(node));
    }

    fn explain(&mut self, node: &Node) {
        let planned = self.planned;
        self.planned |= !options::analyzes(node);
        self.nested(node.field("query"));
        self.planned = planned;
        self.statement.limited = None;
        self.statement.has_where = None;
    }

    fn copy(&mut self, node: &Node) {
        let from = node.flag("is_from");
        self.statement.copy = Some(match (node.flag("is_program"), node.text("filename"), from) {
            (true, ..) => "program",
            (false, "", true) => "from_client",
            (false, "", false) => "to_client",
            (false, _, true) => "from_file",
            (false, _, false) => "to_file",
        });
        match node.node("relation") {
            Some(relation) if from => self.written(Some(relation)),
            Some(relation) => {
                self.reads(relation);
                self.statement.limited = Some(false);
            }
            // Its rows are those of the query.
            None => self.nested(node.field("query")),
        }
        self.walk(node.field("where_clause"));
    }

    fn drop(&mut self, node: &Node) {
        use pg_query::protobuf::ObjectType;
        let tables = [
            ObjectType::ObjectTable,
            ObjectType::ObjectView,
            ObjectType::ObjectMatview,
            ObjectType::ObjectForeignTable,
        ];
        let part_of_table =
            [ObjectType::ObjectPolicy, ObjectType::ObjectRule, ObjectType::ObjectTrigger];
        let is = |types: &[ObjectType]| {
            types.iter().any(|&known| known as i64 == node.number("remove_type"))
        };
        let skip = usize::from(is(&part_of_table));
        if !is(&tables) && skip == 0 {
            return;
        }
        for object in node.nodes("objects") {
            let names: Vec<&str> = object.nodes("items").map(|part| part.text("sval")).collect();
            let names = &names[..names.len().saturating_sub(skip)];
            if !names.is_empty() {
                self.statement.tables_written.insert(spell(names));
            }
        }
    }
}

fn select_kind(node: &Node) -> &'static str {
    if !node.list("values_lists").is_empty() { "values" } else { "select" }
}

fn renames_role(node: &Node) -> bool {
    node.number("rename_type") == pg_query::protobuf::ObjectType::ObjectRole as i64
}

fn copy_effect(node: &Node) -> Effect {
    if node.flag("is_program") || !node.text("filename").is_empty() {
        Effect::Admin
    } else if node.flag("is_from") {
        Effect::Write
    } else {
        Effect::Read
    }
}

fn relation_name(relation: &Node) -> String {
    let parts =
        [relation.text("catalogname"), relation.text("schemaname"), relation.text("relname")];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    spell(&parts)
}

fn function_name(call: &Node) -> String {
    let parts: Vec<&str> = call.nodes("funcname").map(|part| part.text("sval")).collect();
    // `EXTRACT(… FROM …)` and similar forms name the server's own function, as the grammar writes
    // it.
    let syntax = pg_query::protobuf::CoercionForm::CoerceSqlSyntax as i64;
    match parts.as_slice() {
        [_, name] if call.number("funcformat") == syntax => spell(&[name]),
        parts => spell(parts),
    }
}

/// What `.name` stands behind.
#[derive(Debug, Clone, Copy)]
enum Attribute {
    /// The name of something in FROM, in most cases a table.
    OfName,
    /// An expression.
    OfExpression,
}

/// Whether a statement that writes returns rows.
fn returns(node: &Node) -> bool {
    !node.list("returning_list").is_empty() || node.node("returning_clause").is_some()
}

/// Whether it is an INSERT of as many rows as its text lists.
fn inserts_listed_rows(node: &Node) -> bool {
    node.name == "InsertStmt" && node.node("select_stmt").is_none_or(one_row)
}

/// Whether a query without a limit returns at most one row, or as many as its text lists.
fn one_row(node: &Node) -> bool {
    let alone = node.number("op") <= 1 && node.node("with_clause").is_none();
    let counted = !node.list("values_lists").is_empty()
        || (node.list("from_clause").is_empty() && node.list("group_clause").is_empty());
    let mut walk = Walk::new();
    walk.fields(node, &[]);
    let functions: BTreeSet<String> = walk.statement.functions;
    alone && counted && functions.iter().all(|name| functions::returns_one_row(name))
}
