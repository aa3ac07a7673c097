//! The tables and functions that a statement names.

use super::tree::Node;
use super::{Attribute, Walk, function_name, nodes, relation_name};
use crate::language::sql::functions;
use crate::language::sql::statement::spell;

impl Walk {
    pub(super) fn reads(&mut self, relation: &Node) {
        if let Some(name) = self.table(relation) {
            self.statement.tables_read.insert(name);
            let (schema, own) = (relation.text("schemaname"), relation.text("relname"));
            self.statement.secrets |= !self.planned && functions::shows_secrets(schema, own);
            for function in
                functions::of_view(relation.text("schemaname"), relation.text("relname"))
            {
                self.called(function.to_owned());
            }
        }
    }

    pub(super) fn written(&mut self, relation: Option<&Node>) {
        let Some(relation) = relation else { return };
        let name = relation_name(relation);
        if self.planned && !self.changes {
            self.statement.tables_read.insert(name);
        } else {
            self.statement.tables_written.insert(name);
        }
    }

    /// The table that a name in a query means, or none if it means a WITH query.
    pub(super) fn table(&self, relation: &Node) -> Option<String> {
        let plain =
            relation.text("schemaname").is_empty() && relation.text("catalogname").is_empty();
        if plain && self.visible.iter().any(|cte| cte == relation.text("relname")) {
            return None;
        }
        Some(relation_name(relation))
    }

    /// Functions that are called without being named: an operator of another schema than the
    /// server's own, and a sampling method.
    pub(super) fn foreign_name(&mut self, node: &Node) {
        let parts = |field| node.nodes(field).map(|part| part.text("sval")).collect::<Vec<_>>();
        for field in ["name", "use_op", "oper_name"] {
            match parts(field).as_slice() {
                [] => {}
                // The grammar's own comparisons, BETWEEN and its like: no operator's name holds a letter.
                [words] if words.starts_with(|first: char| first.is_ascii_uppercase()) => {}
                [name] | ["pg_catalog", name] if functions::has_operator(name) => {}
                operator => self.called(spell(operator)),
            }
        }
        match parts("method").as_slice() {
            [] | ["bernoulli" | "system"] | ["pg_catalog", "bernoulli" | "system"] => {}
            method => self.called(spell(method)),
        }
    }

    pub(super) fn calls(&mut self, call: &Node) {
        self.called(function_name(call));
    }

    /// `x.name`: a column, and else the function of that name called with `x` (`ParseFuncOrColumn` in
    /// `src/backend/parser/parse_func.c`). The text does not show which.
    pub(super) fn attribute(&mut self, name: &str, of: Attribute) {
        match (functions::class(name), of) {
            // The row counts, in case it returns several.
            ("read", _) if functions::returns_one_row(name) => {}
            // Of a table it is a column, as far as anybody can tell.
            ("unknown", Attribute::OfName) => {}
            _ => self.called(spell(&[name])),
        }
    }

    /// A type whose input or cast function may be a user's. A domain may also check its values by one.
    pub(super) fn of_type(&mut self, name: &Node) {
        let names: Vec<&str> = name.nodes("names").map(|part| part.text("sval")).collect();
        match names.as_slice() {
            [] => {}
            [name] if functions::has_type("pg_catalog", name) => {}
            [schema, name] if functions::has_type(schema, name) => {}
            names => {
                let name = spell(names);
                if !self.planned {
                    self.statement.types.insert(name.clone());
                }
                self.called(name);
            }
        }
    }

    /// What this grammar has syntax for, and an older server reads as a call of whoever's function has the name.
    pub(super) fn called_in_older_releases(&mut self, node: &Node) {
        if let Some(name) = nodes::json_call(node) {
            self.called(name.to_owned());
        }
    }

    pub(super) fn called(&mut self, name: String) {
        if self.planned {
            self.statement.functions_planned.insert(name);
        } else {
            self.statement.functions.insert(name);
        }
    }
}

/// Whether what a statement creates goes with the session.
pub(super) fn temporary(node: &Node) -> Option<bool> {
    let relation = match node.name {
        "CreateStmt" => node.node("relation"),
        "CreateTableAsStmt" => node.node("into").and_then(|into| into.node("rel")),
        "CreateSeqStmt" => node.node("sequence"),
        "ViewStmt" => node.node("view"),
        _ => None,
    };
    relation.map(|relation| relation.text("relpersistence") == "t")
}
