//! SQL as sqlparser reads it, in its PostgreSQL dialect.
//!
//! Input: a text; output: its statements, or why it cannot be read.
//!
//! The walk reaches every expression, table factor, query and statement because sqlparser derives
//! `Visit` for its whole tree, field by field, and has no attribute that leaves one out; what a
//! statement itself does is a match without a default arm, so that a new statement of a new sqlparser
//! does not compile until it has been looked at.

pub(super) mod kinds;

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement as Tree,
    TableFactor, Visit, Visitor,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::statement::{Effect, Statement, spell};

/// How deep sqlparser may go. Its default of 50 refuses ordinary reports.
const DEPTH: usize = 120;

/// How many words may stand between two commas, brackets or semicolons. A chain of operators becomes a
/// tree as deep as the chain is long, and such a tree is dropped by recursion.
const CHAIN: usize = 4_000;

/// Reads a text.
pub(super) fn read(text: &str) -> Result<Vec<Statement>, String> {
    let trees = trees(&PostgreSqlDialect {}, text)?;
    Ok(trees.iter().map(statement).collect())
}

/// The trees of a text, none of them so deep that dropping it would overflow a stack.
pub(super) fn trees(dialect: &dyn Dialect, text: &str) -> Result<Vec<Tree>, String> {
    let tokens = Tokenizer::new(dialect, text)
        .tokenize_with_location()
        .map_err(|error| format!("it does not parse: {error}"))?;
    let longest = longest_chain(&tokens);
    if longest > CHAIN {
        return Err(format!("{longest} words in a row nest too deeply to be read"));
    }
    Parser::new(dialect)
        .with_recursion_limit(DEPTH)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| format!("it does not parse: {error}"))
}

/// The most tokens on any way down through the brackets, each level counted from its last comma or semicolon.
/// What stands in brackets can be the first operand of what follows them, so what they held counts on.
fn longest_chain(tokens: &[TokenWithSpan]) -> usize {
    /// One level of brackets.
    #[derive(Default)]
    struct Level {
        /// Tokens since the last comma.
        run: usize,
        /// The longest run before it.
        before: usize,
    }
    let mut longest = 0;
    let mut level = Level::default();
    let mut outer = Vec::new();
    for token in tokens {
        match token.token {
            Token::Whitespace(_) => continue,
            Token::LParen | Token::LBracket => outer.push(std::mem::take(&mut level)),
            Token::RParen | Token::RBracket => {
                let inner = level.run.max(level.before);
                level = outer.pop().unwrap_or_default();
                level.run = level.run.max(inner) + 1;
            }
            Token::Comma | Token::SemiColon => {
                level.before = level.before.max(level.run);
                level.run = 0;
            }
            _ => level.run += 1,
        }
        longest = longest.max(level.run);
    }
    longest
}

fn statement(tree: &Tree) -> Statement {
    let mut walk = Walk::default();
    let flow = tree.visit(&mut walk);
    debug_assert!(flow.is_continue(), "the walk never breaks");
    // The root of the tree is a statement, so the walk has begun with one.
    walk.statement.unwrap_or_else(|| Statement::new("unknown", Effect::Admin))
}

/// The walk over one statement.
#[derive(Default)]
struct Walk {
    statement: Option<Statement>,
    /// How many EXPLAINs without ANALYZE the walk is inside of.
    planned: usize,
    scopes: Vec<Scope>,
    /// Table factors that are written, not read; compared by place, never followed.
    targets: Vec<*const TableFactor>,
}

/// The queries that the walk is inside of, and what their WITH clauses define.
struct Scope {
    /// The names, each with the place of its query.
    ctes: Vec<(String, *const Query)>,
    recursive: bool,
    /// While this is a query of an outer WITH clause: how many of that clause's names it sees.
    outer_visible: Option<usize>,
}

impl Walk {
    fn found(&mut self) -> &mut Statement {
        self.statement.get_or_insert_with(|| Statement::new("unknown", Effect::Admin))
    }

    /// Whether a plain name means a query of a WITH clause here.
    fn is_cte(&self, name: &str) -> bool {
        let mut visible = usize::MAX;
        for scope in self.scopes.iter().rev() {
            if scope.ctes.iter().take(visible).any(|(cte, _)| cte == name) {
                return true;
            }
            visible = scope.outer_visible.unwrap_or(usize::MAX);
        }
        false
    }

    fn reads(&mut self, name: &ObjectName) {
        match object_name(name) {
            Some(name) if name.contains('.') || !self.is_cte(&name) => {
                self.found().tables_read.insert(name);
            }
            Some(_) => {}
            None => self.unreadable("a table name that is computed"),
        }
    }

    fn writes(&mut self, name: &ObjectName) {
        let planned = self.planned > 0;
        match object_name(name) {
            Some(name) if planned => self.found().tables_read.insert(name),
            Some(name) => self.found().tables_written.insert(name),
            None => {
                self.unreadable("a table name that is computed");
                false
            }
        };
    }

    fn calls(&mut self, name: &ObjectName) {
        let planned = self.planned > 0;
        match object_name(name) {
            Some(name) if planned => self.found().functions_planned.insert(name),
            Some(name) => self.found().functions.insert(name),
            None => {
                self.unreadable("a function name that is computed");
                false
            }
        };
    }

    fn unreadable(&mut self, what: &str) {
        self.found().opaque.get_or_insert_with(|| what.to_owned());
    }
}

impl Visitor for Walk {
    type Break = ();

    fn pre_visit_statement(&mut self, tree: &Tree) -> ControlFlow<()> {
        let own = kinds::statement(tree);
        let planned = self.planned > 0;
        match &mut self.statement {
            None => self.statement = Some(own),
            Some(_) if planned => {}
            Some(outer) => {
                outer.kinds.insert(own.kind);
                outer.raise(own.effect);
                outer.unfiltered |= own.unfiltered;
                outer.opaque = outer.opaque.take().or(own.opaque);
            }
        }
        for name in kinds::written(tree) {
            self.writes(name);
        }
        self.targets.extend(kinds::targets(tree).map(std::ptr::from_ref));
        if kinds::only_plans(tree) {
            self.planned += 1;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_statement(&mut self, tree: &Tree) -> ControlFlow<()> {
        if kinds::only_plans(tree) {
            self.planned -= 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let outer_visible = self.scopes.last().and_then(|outer| {
            let place = outer.ctes.iter().position(|(_, cte)| std::ptr::eq(*cte, query))?;
            Some(if outer.recursive { outer.ctes.len() } else { place })
        });
        let with = query.with.as_ref();
        let ctes = with.into_iter().flat_map(|with| &with.cte_tables);
        self.scopes.push(Scope {
            ctes: ctes
                .map(|cte| (fold(&cte.alias.name), std::ptr::from_ref(&*cte.query)))
                .collect(),
            recursive: with.is_some_and(|with| with.recursive),
            outer_visible,
        });
        if !query.locks.is_empty() && self.planned == 0 {
            self.found().locks = true;
            self.found().raise(Effect::Write);
        }
        self.reads_by_name(&query.body);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if let Some(into) = &select.into {
            if self.planned == 0 {
                self.found().kinds.insert("create");
                self.found().raise(Effect::Ddl);
            }
            for target in &into.targets {
                match target {
                    Expr::Identifier(name) => {
                        self.writes(&ObjectName(vec![ObjectNamePart::Identifier(name.clone())]));
                    }
                    Expr::CompoundIdentifier(names) => {
                        let parts = names.iter().cloned().map(ObjectNamePart::Identifier);
                        self.writes(&ObjectName(parts.collect()));
                    }
                    _ => self.unreadable("a SELECT INTO target that is no name"),
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: None, alias, .. } => {
                let only = alias
                    .as_ref()
                    .filter(|_| is_only(name))
                    .map(|alias| ObjectName(vec![ObjectNamePart::Identifier(alias.name.clone())]));
                let name = only.as_ref().unwrap_or(name);
                if self.targets.iter().any(|target| std::ptr::eq(*target, factor)) {
                    self.writes(name);
                } else {
                    self.reads(name);
                }
            }
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                self.calls(name);
            }
            // The expression in it is visited as an expression.
            TableFactor::TableFunction { .. }
            | TableFactor::Derived { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::JsonTable { .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::XmlTable { .. } => {}
            TableFactor::OpenJsonTable { .. }
            | TableFactor::Pivot { .. }
            | TableFactor::Unpivot { .. }
            | TableFactor::UnpivotExpr { .. }
            | TableFactor::MatchRecognize { .. }
            | TableFactor::SemanticView { .. } => {
                self.unreadable("a table expression that PostgreSQL does not have");
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Some(Function { name, .. }) = kinds::called(expr) {
            self.calls(name);
        }
        ControlFlow::Continue(())
    }
}

impl Walk {
    /// `TABLE name` anywhere in a set operation. sqlparser has no hook for it, and keeps the bare words
    /// and not whether they were quoted.
    fn reads_by_name(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Table(table) => {
                let parts = [&table.schema_name, &table.table_name].into_iter().flatten();
                let parts = parts.map(|part| ObjectNamePart::Identifier(Ident::new(part)));
                self.reads(&ObjectName(parts.collect()));
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.reads_by_name(left);
                self.reads_by_name(right);
            }
            // Queries and statements in here are visited as such.
            SetExpr::Select(_)
            | SetExpr::Query(_)
            | SetExpr::Values(_)
            | SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_) => {}
        }
    }
}

/// The name of an object as facts spell it, or nothing where a part of it is computed.
fn object_name(name: &ObjectName) -> Option<String> {
    let parts: Option<Vec<String>> = name
        .0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Some(fold(ident)),
            ObjectNamePart::Function(_) => None,
        })
        .collect();
    let parts = parts?;
    Some(spell(&parts.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// `FROM ONLY t`, which sqlparser reads as a table `only` with the alias `t`. ONLY is reserved, so no
/// table is called that without quotes.
fn is_only(name: &ObjectName) -> bool {
    matches!(&name.0[..], [ObjectNamePart::Identifier(ident)]
        if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("only"))
}

fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}
