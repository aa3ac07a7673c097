//! The texts of one call, each parsed once, however often it is asked about.
//!
//! A call is read as it was made, changed, and read again as it would run. Its statements are the same texts each
//! time: their trees serve the facts, the row limits and the check of the limited text.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::postgres::{self, Query};
use super::statement::Statement;
use super::{agreement, standard};
use crate::work;

/// How many bytes of text are remembered. Trees are many times larger than their text.
const REMEMBERED: usize = 256 * 1024;

/// What was parsed for one call. Clones share it; it ends with the last of them.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    known: Rc<Known>,
}

#[derive(Debug, Default)]
struct Known {
    texts: RefCell<HashMap<String, Rc<Parsed>>>,
    bytes: Cell<usize>,
}

/// A text as the server's grammar reads it.
#[derive(Debug)]
pub(super) struct Parsed {
    trees: Result<Vec<Query>, String>,
    statements: OnceCell<Result<Vec<Statement>, String>>,
}

impl Texts {
    /// The trees of a text.
    pub(super) fn parsed(&self, text: &str) -> Rc<Parsed> {
        if let Some(parsed) = self.known.texts.borrow().get(text) {
            return Rc::clone(parsed);
        }
        work::note(|work| &mut work.server_parses);
        let parsed =
            Rc::new(Parsed { trees: postgres::queries(text), statements: OnceCell::new() });
        let bytes = self.known.bytes.get().saturating_add(text.len());
        if bytes <= REMEMBERED {
            self.known.bytes.set(bytes);
            self.known.texts.borrow_mut().insert(text.to_owned(), Rc::clone(&parsed));
        }
        parsed
    }
}

impl Parsed {
    /// The statements' trees.
    ///
    /// # Errors
    /// Why the text does not parse.
    pub(super) fn queries(&self) -> Result<&[Query], String> {
        self.trees.as_deref().map_err(Clone::clone)
    }

    /// The statements of `text`, which these are the trees of.
    ///
    /// # Errors
    /// Why they cannot be read, or where the two parsers disagree.
    pub(super) fn statements(&self, text: &str) -> Result<&[Statement], String> {
        let statements = self.statements.get_or_init(|| {
            let mut statements: Vec<Statement> =
                self.queries()?.iter().map(Query::statement).collect();
            work::note(|work| &mut work.second_parses);
            // sqlparser may refuse what the server's grammar reads; where it reads, it must read the same.
            if let Ok(second) = standard::read(text) {
                agreement::check(&statements, &second)?;
                for statement in &mut statements {
                    statement.confirmed = true;
                }
            }
            Ok(statements)
        });
        statements.as_deref().map_err(Clone::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_parsed_once() {
        let texts = Texts::default();
        let shared = texts.clone();
        let before = work::done();
        let one = texts.parsed("SELECT 1");
        assert_eq!(one.statements("SELECT 1").map(<[Statement]>::len), Ok(1));
        let again = shared.parsed("SELECT 1");
        assert_eq!(again.statements("SELECT 1").map(<[Statement]>::len), Ok(1));
        assert_eq!(texts.parsed("SELEC 1").queries().map(<[Query]>::len).ok(), None);
        let after = work::done();
        assert_eq!(after.server_parses - before.server_parses, 2);
        assert_eq!(after.second_parses - before.second_parses, 1);
    }

    #[test]
    fn long_texts_are_not_kept() {
        let texts = Texts::default();
        let long = format!("SELECT '{}'", "x".repeat(REMEMBERED));
        assert!(texts.parsed(&long).queries().is_ok());
        assert!(texts.known.texts.borrow().is_empty());
    }
}
