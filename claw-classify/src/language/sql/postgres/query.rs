//! A statement's tree for those who change its text: whether its rows are limited, and whether another
//! tree is the same but for the limit.

use std::ops::Range;

use super::tree::{Node, Tree};
use super::{options, parse};

/// A statement of a text.
#[derive(Debug)]
pub(in crate::language::sql) struct Query {
    /// The tree.
    pub(in crate::language::sql) tree: Tree,
    /// Where it stands, in bytes.
    pub(in crate::language::sql) span: Range<usize>,
}

/// What a statement says about its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::language::sql) enum Rows {
    /// It returns none, or not by a query of its own.
    None,
    /// No limit.
    Unlimited,
    /// A limit that is a number in the text.
    Literal,
    /// A limit that is ALL, NULL or an expression.
    Computed,
}

/// The statements of a text.
pub(in crate::language::sql) fn queries(text: &str) -> Result<Vec<Query>, String> {
    Ok(parse(text)?.into_iter().map(|(tree, span)| Query { tree, span }).collect())
}

impl Query {
    fn select(&self) -> Option<&Node> {
        self.tree.as_node().filter(|node| node.name == "SelectStmt")
    }

    /// What it says about its rows.
    pub(in crate::language::sql) fn rows(&self) -> Rows {
        let Some(select) = self.select().filter(|select| !makes_table(select)) else {
            return Rows::None;
        };
        let limit = select.field("limit_count");
        match limit {
            Tree::Nothing => Rows::Unlimited,
            limit if options::literal_limit(limit).is_some() => Rows::Literal,
            _ => Rows::Computed,
        }
    }

    /// Whether it is `original` with a limit of `rows` rows and nothing else changed.
    pub(in crate::language::sql) fn is_limited_copy(&self, original: &Self, rows: u64) -> bool {
        let (Some(select), Some(other)) = (self.select(), original.select()) else { return false };
        let limit = options::literal_limit(select.field("limit_count"));
        let rest = |node: &Node| {
            let limit = ["limit_count", "limit_option"];
            let kept = node.fields.iter().filter(|(name, _)| !limit.contains(name));
            kept.cloned().collect::<Vec<_>>()
        };
        limit == Some(i64::try_from(rows).ok()) && rest(select) == rest(other)
    }
}

/// Whether it is a SELECT INTO, which only the first branch of a set operation may say.
fn makes_table(select: &Node) -> bool {
    let mut branch = Some(select);
    while let Some(node) = branch {
        if node.node("into_clause").is_some() {
            return true;
        }
        branch = node.node("larg");
    }
    false
}
