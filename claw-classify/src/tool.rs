//! What a tool is: its row, what it is given, and what it gives back.
//!
//! The registry lists the tools and is above them. A tool knows none of the others: if its call
//! holds another one, it asks through [`Inside`].

use std::borrow::Cow;
use std::fmt;

use claw_policy::{Action, ChangeDef, Domain, DomainRef, Facts, Grammar, Name, Rewrite};

use crate::call::Call;
use crate::call::files::Files;
use crate::declared;
use crate::language::sql::Texts;
use crate::loaders::Loads;

/// How a tool reports an error, so that a denial reads like the tool's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The text that the tool writes before the message.
    pub prefix: &'static str,
    /// The exit status of the tool for an error of this kind.
    pub status: u8,
}

/// A tool that claw reads.
#[derive(Debug)]
pub struct Tool {
    /// The name policies use.
    pub name: &'static str,
    /// Every base name that the tool's program file may have.
    pub names: &'static [&'static str],
    /// What is read of it and what is not, for the documentation.
    pub doc: &'static str,
    /// How it reports an error.
    pub denial: Denial,
    /// The domains of its actions, the tool's main one first.
    pub domains: &'static [&'static Domain],
    /// What policies can ask of it, and what claw does about it.
    pub can: Abilities,
    /// What its environment loads into it.
    pub(crate) loads: Loads,
    /// How its calls are read.
    pub(crate) reader: Reader,
}

/// What a tool can do beside being read.
#[derive(Debug)]
pub struct Abilities {
    /// The group of tools that it is in.
    pub family: Family,
    /// The changes it can make to its own calls.
    pub changes: &'static [&'static ChangeDef],
    /// The start-up file that it looks for by itself, where it can be told not to.
    pub startup_file: Option<StartupFile>,
    /// The calls that its call says will be made, where that takes more than finding the words of one behind its own.
    pub(crate) starts: Option<Starter>,
}

impl Abilities {
    /// Those of a tool of `family` that makes no changes of its own.
    pub(crate) const fn of(family: Family) -> Self {
        Self { family, changes: &[], startup_file: None, starts: None }
    }
}

/// Tools that do the same kind of work: what policies call `@databases`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Clients and servers' tools of databases.
    Databases,
    /// Container engines.
    Containers,
    /// Clients of Kubernetes.
    Clusters,
    /// The providers' own clients.
    Clouds,
    /// What brings infrastructure and programs to where they run.
    Deployment,
    /// Version control and its hosts.
    Code,
    /// What transfers files by URL.
    Transfers,
    /// Shells, copies and raw connections to other hosts.
    Remote,
    /// Ways out of the guarded tree.
    Doors,
    /// What changes files.
    Files,
    /// What signals processes.
    Processes,
    /// Package managers.
    Packages,
    /// Shells, interpreters and what runs programs for others.
    Interpreters,
    /// Stores of secrets.
    Secrets,
    /// Brokers, queues and mail.
    Queues,
    /// Objects and files elsewhere, and backups.
    Storage,
    /// Migrations of schemas, and frameworks' own commands for their database.
    Migrations,
}

impl Family {
    /// Its name in policies, as a list of one.
    #[must_use]
    pub const fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Databases => &["databases"],
            Self::Containers => &["containers"],
            Self::Clusters => &["clusters"],
            Self::Clouds => &["clouds"],
            Self::Deployment => &["deployment"],
            Self::Code => &["code"],
            Self::Transfers => &["transfers"],
            Self::Remote => &["remote"],
            Self::Doors => &["doors"],
            Self::Files => &["files"],
            Self::Processes => &["processes"],
            Self::Packages => &["packages"],
            Self::Interpreters => &["interpreters"],
            Self::Secrets => &["secrets"],
            Self::Queues => &["queues"],
            Self::Storage => &["storage"],
            Self::Migrations => &["migrations"],
        }
    }
}

/// A start-up file that a tool looks for by itself: it has no place in the call where another could be named.
#[derive(Debug, Clone, Copy)]
pub struct StartupFile {
    /// The end of its path.
    pub ends_with: &'static [u8],
    /// The word that, put first, keeps the tool from reading it.
    pub skipped_by: &'static [u8],
}

/// A call that another one says will be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The argument vector; not empty. It ends before the first word that is not known.
    pub argv: Vec<Vec<u8>>,
    /// The environment, `K=V` each.
    pub env: Vec<Vec<u8>>,
    /// The working directory, where it is known.
    pub cwd: Option<Vec<u8>>,
    /// What it reads from standard input.
    pub stdin: Input,
    /// Whether every word is known.
    pub whole: bool,
}

/// Standard input of a [`Start`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// That of the call that starts it.
    Same,
    /// These bytes.
    Content(Vec<u8>),
    /// Not known.
    Unknown,
}

/// Gives the calls that a call says will be made.
pub(crate) type Starter = fn(&Context<'_>) -> Vec<Start>;

impl Tool {
    /// A tool whose calls are judged and never changed, into which no variables load code, and
    /// which refuses with status 1.
    pub(crate) const fn judged(
        family: Family,
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
            can: Abilities::of(family),
            loads: Loads::NOTHING,
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
    /// The content of the files that the call names, if it is known.
    pub(crate) files: &'a dyn Files,
    /// The other tools, for a call inside this one.
    pub(crate) tools: &'a dyn Inside,
    /// The texts of the call, as far as they are parsed, where several readings share them.
    pub(crate) texts: Option<&'a Texts>,
}

impl Context<'_> {
    /// The same files and tools for `call`, which is inside this one.
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
    fn meant(&self, names: &[&[u8]]) -> Meant<'_>;

    /// The facts of a call that runs where the caller's files are not, and how to change it.
    fn read(&self, call: &Call<'_>) -> (Facts, Change);

    /// The change of the call of `context`, which the policy put into another environment.
    fn change(&self, context: &Context<'_>) -> Change;

    /// That call after `rewrites`, by the change that its reading gave.
    ///
    /// # Errors
    /// If a change cannot be made with certainty.
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
    /// What standard input must hold, if it changes.
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
    /// What standard input must hold instead of the content the call was judged with; none if that
    /// stays. A caller that cannot give this to the program must deny the call.
    pub stdin: Option<Vec<u8>>,
    /// Files that must hold something else for this program: the path, as it was asked for, and the
    /// content. A caller that cannot give these to the program must deny the call.
    pub files: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A change that a policy asks for and that cannot be made to this call. The call must not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot apply rule `{rule}`: {reason}")]
pub struct CannotRewrite {
    /// The rule that asked for the change.
    pub rule: String,
    /// Why it cannot be made.
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
pub enum Governed<'p> {
    /// One of claw's own, [`TOOLS`](crate::TOOLS).
    Known(&'static Tool),
    /// One that the policy declares.
    Declared(&'p Grammar),
}

impl<'p> Governed<'p> {
    /// The name policies use.
    #[must_use]
    pub fn name(self) -> &'p str {
        match self {
            Self::Known(tool) => tool.name,
            Self::Declared(grammar) => &grammar.name,
        }
    }

    /// The name policies use, to keep.
    #[must_use]
    pub fn to_name(self) -> Name {
        match self {
            Self::Known(tool) => tool.name.into(),
            Self::Declared(grammar) => (&grammar.name).into(),
        }
    }

    /// The domains of its actions.
    #[must_use]
    pub fn domains(self) -> Vec<DomainRef> {
        match self {
            Self::Known(tool) => tool.domains.iter().copied().map(DomainRef::Known).collect(),
            Self::Declared(grammar) => vec![(&grammar.domain).into()],
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

    /// The word that, put first, keeps it from reading the start-up file at `path`.
    #[must_use]
    pub fn skips_startup_file(self, path: &[u8]) -> Option<&'static [u8]> {
        match self {
            Self::Known(tool) => {
                let file = tool.can.startup_file.filter(|file| path.ends_with(file.ends_with));
                file.map(|file| file.skipped_by)
            }
            Self::Declared(_) => None,
        }
    }

    /// Whether the variable `name` loads something into it.
    pub(crate) fn is_loaded_by(self, name: &[u8]) -> bool {
        match self {
            Self::Known(tool) => tool.loads.names(name),
            Self::Declared(grammar) => {
                grammar.loads_env.iter().any(|known| known.as_bytes() == name)
            }
        }
    }
}

/// Why a call cannot be changed that no tool of claw's own stands for.
pub(crate) const NO_TOOL: &str = "no tool is known that can make this change";

/// What a set of names means.
#[derive(Debug, Clone, Copy)]
pub enum Meant<'p> {
    /// A program that is not governed.
    Nothing,
    /// This tool.
    Tool(Governed<'p>),
    /// Two different tools: no reading of the arguments is safe.
    Disputed(Governed<'p>, Governed<'p>),
}
