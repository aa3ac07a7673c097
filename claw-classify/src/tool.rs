//! What a tool is: its row, what it is given, and what it gives back.
//!
//! The registry lists the tools and stands above them. A tool knows none of the others: where its call holds
//! another one, it asks through [`Inside`].

use std::borrow::Cow;
use std::fmt;

use claw_policy::{Action, Domain, Facts, Grammar, Rewrite};

use crate::call::Call;
use crate::call::files::Files;
use crate::declared;
use crate::language::sql::Texts;

/// How a tool reports an error, so that a denial reads like the tool's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// What the tool writes before the message.
    pub prefix: &'static str,
    /// The exit status of the tool for an error of this kind.
    pub status: u8,
}

/// A tool that claw reads.
#[derive(Debug)]
pub struct Tool {
    /// The name policies use.
    pub name: &'static str,
    /// Every base name the tool's program file goes by.
    pub names: &'static [&'static str],
    /// What is read of it and what is not, for the documentation.
    pub doc: &'static str,
    /// How it reports an error.
    pub denial: Denial,
    /// The domains of its actions, the one that speaks for the tool first.
    pub domains: &'static [&'static Domain],
    /// Variables that load code into the interpreter the tool is written in.
    pub(crate) interpreter: &'static [&'static str],
    /// How its calls are read.
    pub(crate) reader: Reader,
}

impl Tool {
    /// A tool that no variables make load code, whose calls are judged and never changed, and which says no with
    /// status 1.
    pub(crate) const fn judged(
        names: &'static [&'static str],
        prefix: &'static str,
        doc: &'static str,
        domains: &'static [&'static Domain],
        classify: Classifier,
    ) -> Self {
        Self {
            name: names[0],
            names,
            doc,
            denial: Denial { prefix, status: 1 },
            domains,
            interpreter: &[],
            reader: Reader::Judge(classify),
        }
    }

    /// What a call would do, without the call-level action, and how to change it.
    pub(crate) fn read(&self, context: &Context<'_>) -> Read {
        match self.reader {
            Reader::Judge(classify) => Read::judged(classify(context)),
            Reader::Refuse(classify, why) => Read::refused(classify(context), why),
            Reader::Change(read) => read(context),
        }
    }
}

/// Gives the actions of a call but for the call-level one.
pub(crate) type Classifier = fn(&Context<'_>) -> Vec<Action>;

/// How the calls of a tool are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reader {
    /// They are judged, and never changed.
    Judge(Classifier),
    /// They are judged, and never changed, for this reason.
    Refuse(Classifier, &'static str),
    /// They can be changed too.
    Change(fn(&Context<'_>) -> Read),
}

/// What a tool reads of a call.
#[derive(Debug)]
pub(crate) struct Read {
    /// What the call would do, without the call-level action.
    pub(crate) actions: Vec<Action>,
    /// How to change it.
    pub(crate) change: Change,
}

impl Read {
    /// These actions, of a call that is never changed.
    pub(crate) fn judged(actions: Vec<Action>) -> Self {
        Self::refused(actions, "the tool knows no such change")
    }

    /// These actions, of a call that is never changed for this reason.
    pub(crate) fn refused(actions: Vec<Action>, why: impl Into<Cow<'static, str>>) -> Self {
        Self { actions, change: Change::never(why) }
    }

    /// These actions, and a call that `edit` changes.
    pub(crate) fn changed_by(actions: Vec<Action>, edit: impl Edit + 'static) -> Self {
        Self { actions, change: Change::By(Box::new(edit)) }
    }
}

/// How a call that was read is changed.
#[derive(Debug)]
pub(crate) enum Change {
    /// Not at all, for this reason.
    Never(Cow<'static, str>),
    /// By its tool, which kept its plan.
    By(Box<dyn Edit>),
}

impl Change {
    /// No change, for this reason.
    pub(crate) fn never(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Never(why.into())
    }

    /// The call of `context` after changes that are all the tool's own.
    ///
    /// # Errors
    /// When a change cannot be made with certainty.
    pub(crate) fn make(
        &self,
        context: &Context<'_>,
        rewrites: &[Rewrite],
    ) -> Result<Changed, CannotRewrite> {
        match self {
            _ if rewrites.is_empty() => Ok(Changed::nothing(context.call)),
            Self::Never(reason) => Err(CannotRewrite::first_of(rewrites, reason.clone())),
            Self::By(edit) => edit.edit(context, rewrites),
        }
    }
}

/// A tool's plan of a call, kept to change the call.
pub(crate) trait Edit: fmt::Debug {
    /// The call after `rewrites`, whose actions are counted as in the facts of the call. Changes of statements come
    /// by themselves, and so do those of the call as a whole: for these `context` holds the call that the former
    /// gave, in the environment that the policy sets.
    ///
    /// # Errors
    /// When a change cannot be made with certainty.
    fn edit(&self, context: &Context<'_>, rewrites: &[Rewrite]) -> Result<Changed, CannotRewrite>;
}

/// What a tool is given to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The call.
    pub(crate) call: &'a Call<'a>,
    /// The content of the files that the call names, where it is known.
    pub(crate) files: &'a dyn Files,
    /// The other tools, for a call that stands inside this one.
    pub(crate) tools: &'a dyn Inside,
    /// The texts of the call, as far as they are parsed, where several readings share them.
    pub(crate) texts: Option<&'a Texts>,
}

impl Context<'_> {
    /// The same files and tools for `call`, which stands inside this one.
    pub(crate) fn of<'b>(&'b self, call: &'b Call<'b>) -> Context<'b> {
        Context { call, ..*self }
    }

    /// The texts of the call, as far as they are parsed.
    pub(crate) fn texts(&self) -> Texts {
        self.texts.cloned().unwrap_or_default()
    }
}

/// What a tool may ask of the registry about a call that its own call holds.
pub(crate) trait Inside: fmt::Debug {
    /// The tool that these base names mean.
    fn meant(&self, names: &[&[u8]]) -> Meant;

    /// The facts of a call that runs where the caller's files are not, and how to change it.
    fn read(&self, call: &Call<'_>) -> (Facts, Change);

    /// The change of the call of `context`, which the policy put into another environment.
    fn change(&self, context: &Context<'_>) -> Change;

    /// That call after `rewrites`, by the change that its reading gave.
    ///
    /// # Errors
    /// When a change cannot be made with certainty.
    fn rewrite(
        &self,
        call: &Call<'_>,
        change: &Change,
        rewrites: &[Rewrite],
    ) -> Result<Rewritten, CannotRewrite>;
}

/// What a tool's own changes give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The argument vector.
    pub(crate) argv: Vec<Vec<u8>>,
    /// Variables that get another value, name and value.
    pub(crate) set_env: Vec<(&'static str, String)>,
    /// What standard input must hold, where it is not as it was.
    pub(crate) stdin: Option<Vec<u8>>,
    /// Files that must hold something else, path and content.
    pub(crate) files: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Changed {
    /// The call as it is.
    pub(crate) fn nothing(call: &Call<'_>) -> Self {
        Self { argv: call.argv.iter().map(|arg| arg.to_vec()).collect(), ..Self::default() }
    }
}

/// A call after its rewrites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The argument vector to run.
    pub argv: Vec<Vec<u8>>,
    /// The environment to run it in.
    pub env: Vec<Vec<u8>>,
    /// What standard input must hold instead of the content the call was judged with, or nothing where
    /// that stays. A caller that cannot hand this to the program must deny the call.
    pub stdin: Option<Vec<u8>>,
    /// Files that must hold something else for this program: path, as it was asked for, and content.
    /// As for `stdin`: what cannot be handed over must be denied.
    pub files: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A change that a policy asks for and that cannot be made to this call. The call must not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot apply rule `{rule}`: {reason}")]
pub struct CannotRewrite {
    /// The rule that asked for the change.
    pub rule: String,
    /// What stands against it.
    pub reason: String,
}

impl CannotRewrite {
    /// No change of `rewrites` can be made; the first rule that asked is named.
    pub(crate) fn first_of(rewrites: &[Rewrite], reason: impl Into<String>) -> Self {
        let rule = rewrites.first().map(|rewrite| rewrite.rule.clone()).unwrap_or_default();
        Self { rule, reason: reason.into() }
    }
}

/// A governed tool, by whoever reads it.
#[derive(Debug, Clone, Copy)]
pub enum Governed {
    /// One of claw's own, [`TOOLS`](crate::TOOLS).
    Known(&'static Tool),
    /// One that the policy declares.
    Declared(&'static Grammar),
}

impl Governed {
    /// The name policies use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Known(tool) => tool.name,
            Self::Declared(grammar) => grammar.name,
        }
    }

    /// Whether its program file may be called `name`.
    #[must_use]
    pub fn goes_by(self, name: &[u8]) -> bool {
        match self {
            Self::Known(tool) => tool.names.iter().any(|known| known.as_bytes() == name),
            Self::Declared(grammar) => grammar.goes_by(name),
        }
    }

    /// The domains of its actions.
    #[must_use]
    pub fn domains(self) -> Vec<&'static Domain> {
        match self {
            Self::Known(tool) => tool.domains.to_vec(),
            Self::Declared(grammar) => vec![grammar.domain],
        }
    }

    /// What a call of it would do, without the call-level action, and how to change it.
    pub(crate) fn read(self, context: &Context<'_>) -> Read {
        match self {
            Self::Known(tool) => tool.read(context),
            Self::Declared(grammar) => {
                Read::refused(vec![declared::classify(context.call, grammar)], NO_TOOL)
            }
        }
    }

    /// Variables that load code into the interpreter it is written in.
    pub(crate) fn interpreter(self) -> &'static [&'static str] {
        match self {
            Self::Known(tool) => tool.interpreter,
            Self::Declared(grammar) => &grammar.loads_env,
        }
    }
}

/// Why a call cannot be changed that no tool of claw's own stands for.
pub(crate) const NO_TOOL: &str = "no tool is known that can make this change";

/// What a set of names means.
#[derive(Debug, Clone, Copy)]
pub enum Meant {
    /// A program that is not governed.
    Nothing,
    /// This tool.
    Tool(Governed),
    /// Two different tools: no reading of the arguments is safe.
    Disputed(Governed, Governed),
}
