//! Whether two readings of one text say the same.

use std::collections::BTreeSet;

use super::statement::{Effect, Statement};

/// Compares the reading of the server's grammar with a second one: how many statements, what each is
/// called, what it does, and which tables it reads and writes.
pub(super) fn check(grammar: &[Statement], second: &[Statement]) -> Result<(), String> {
    if grammar.len() != second.len() {
        return Err(format!(
            "the parsers disagree: libpg_query reads {} statements, sqlparser reads {}",
            grammar.len(),
            second.len()
        ));
    }
    for (index, (one, other)) in grammar.iter().zip(second).enumerate() {
        let differ = |what: &str, one: &dyn std::fmt::Debug, other: &dyn std::fmt::Debug| {
            Err(format!(
                "the parsers disagree on the {what} of statement {}: libpg_query reads {one:?}, sqlparser reads {other:?}",
                index + 1
            ))
        };
        if one.kind != other.kind {
            return differ("kind", &one.kind, &other.kind);
        }
        if one.effect != other.effect {
            return differ("effect", &one.effect, &other.effect);
        }
        // What changes objects or the server is judged by its effect; sqlparser does not say all names.
        if one.effect >= Effect::Ddl {
            continue;
        }
        let (tables, others) = (tables(one), tables(other));
        if tables != others {
            return differ("tables", &tables, &others);
        }
    }
    Ok(())
}

/// All tables, without regard to case: sqlparser loses the quotes in `TABLE "Name"`.
fn tables(statement: &Statement) -> BTreeSet<String> {
    statement.tables_read.union(&statement.tables_written).map(|name| name.to_lowercase()).collect()
}
