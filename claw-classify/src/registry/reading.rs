//! What one reading of a call gives: its facts, what they depend on, and how to change the call.
//!
//! The reading keeps the tool's own plan, so that changing the call plans nothing again.

use std::cell::RefCell;
use std::collections::BTreeSet;

use claw_policy::{Change as Asks, Facts, Rewrite};

use super::Tools;
use crate::call::Call;
use crate::call::files::{File, Files};
use crate::language::sql::Texts;
use crate::tool::{CannotRewrite, Change, Changed, Context, Rewritten};

/// A call that was read.
#[derive(Debug)]
pub struct Reading<'a> {
    /// What the call would do. The first action is always of the domain `exec`.
    pub facts: Facts,
    pub(crate) tools: Tools<'a>,
    pub(crate) call: Call<'a>,
    pub(crate) files: Asked<'a>,
    pub(crate) texts: Texts,
    pub(crate) change: Change,
    pub(crate) looked_at_stdin: bool,
    pub(crate) looked_at_cwd: bool,
}

impl Reading<'_> {
    /// The paths of the files that were asked for so far, by reading the call and by changing it.
    #[must_use]
    pub fn asked(&self) -> BTreeSet<Vec<u8>> {
        self.files.paths.borrow().clone()
    }

    /// Those of them that must be handed over as they were judged; the program reads the others where they are.
    #[must_use]
    pub fn handed_over(&self) -> BTreeSet<Vec<u8>> {
        self.files.paths.borrow().difference(&self.files.staying.borrow()).cloned().collect()
    }

    /// Whether another standard input could have given other facts.
    #[must_use]
    pub fn looked_at_stdin(&self) -> bool {
        self.looked_at_stdin
    }

    /// Whether another working directory could have given other facts.
    #[must_use]
    pub fn looked_at_cwd(&self) -> bool {
        self.looked_at_cwd
    }

    /// Applies `rewrites`, which a decision on the facts asked for, to the call that was read.
    ///
    /// Applying the same rewrites to the result changes nothing further.
    ///
    /// # Errors
    /// When a change cannot be made with certainty; the call must then be denied.
    pub fn rewrite(&self, rewrites: &[Rewrite]) -> Result<Rewritten, CannotRewrite> {
        let tools = self.tools.sharing(&self.texts);
        let context = tools.context(&self.call, &self.files);
        rewrite(&context, &self.change, rewrites)
    }
}

/// The call of `context` after `rewrites`, by the change that its reading gave.
pub(crate) fn rewrite(
    context: &Context<'_>,
    change: &Change,
    rewrites: &[Rewrite],
) -> Result<Rewritten, CannotRewrite> {
    let call = context.call;
    let mut env: Vec<Vec<u8>> = call.env.iter().map(|entry| entry.to_vec()).collect();
    let (mut of_statements, mut of_the_start) = (Vec::new(), Vec::new());
    for rewrite in rewrites {
        match &rewrite.change {
            Asks::SetEnv(name, value) => set(&mut env, name, value),
            Asks::UnsetEnv(name) => unset(&mut env, name),
            Asks::Switch(def) | Asks::Limit(def, _) if def.of_call => {
                of_the_start.push(rewrite.clone());
            }
            Asks::Switch(_) | Asks::Limit(..) => of_statements.push(rewrite.clone()),
        }
    }
    let Changed { argv, stdin, files, .. } = change.make(context, &of_statements)?;
    let words: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
    let variables: Vec<&[u8]> = env.iter().map(Vec::as_slice).collect();
    let so_far = Call { argv: &words, env: &variables, ..*call };
    let so_far = context.of(&so_far);
    // Variables that the policy sets may change how the tool starts.
    let again =
        (!of_the_start.is_empty() && variables != call.env).then(|| context.tools.change(&so_far));
    let Changed { argv, set_env, .. } =
        again.as_ref().unwrap_or(change).make(&so_far, &of_the_start)?;
    for (name, value) in set_env {
        set(&mut env, name, &value);
    }
    Ok(Rewritten { argv, env, stdin, files })
}

fn set(env: &mut Vec<Vec<u8>>, name: &str, value: &str) {
    unset(env, name);
    env.push(format!("{name}={value}").into_bytes());
}

fn unset(env: &mut Vec<Vec<u8>>, name: &str) {
    env.retain(|entry| {
        entry.strip_prefix(name.as_bytes()).is_none_or(|rest| !rest.starts_with(b"="))
    });
}

/// Notes which paths are asked for.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    known: &'a dyn Files,
    paths: RefCell<BTreeSet<Vec<u8>>>,
    /// Those that stay where they are.
    staying: RefCell<BTreeSet<Vec<u8>>>,
}

impl<'a> Asked<'a> {
    /// Over what is known.
    pub(crate) fn of(known: &'a dyn Files) -> Self {
        Self { known, paths: RefCell::default(), staying: RefCell::default() }
    }
}

impl Files for Asked<'_> {
    fn file(&self, path: &[u8]) -> File<'_> {
        self.paths.borrow_mut().insert(path.to_vec());
        self.known.file(path)
    }

    fn settings(&self, path: &[u8]) -> File<'_> {
        self.paths.borrow_mut().insert(path.to_vec());
        self.staying.borrow_mut().insert(path.to_vec());
        self.known.settings(path)
    }
}
