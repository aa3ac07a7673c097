//! Which tool a call is of, and the reading of the call by that tool.

use std::sync::{Arc, LazyLock};

use claw_policy::{Action, Facts, Grammar, Rewrite, Set};

use super::TOOLS;
use super::reading::{self, Asked, Reading};
use crate::call::files::{Files, NoFiles};
use crate::call::{Call, Watch, text};
use crate::exec::{self, Exec};
use crate::language::sql::Texts;
use crate::system::program;
use crate::tool::{
    CannotRewrite, Change, Context, Governed, Inside, Meant, NO_TOOL, Rewritten, Start, Tool,
};
use crate::unread::{self, launch, version};
use crate::writes;

/// The tool that goes by `name`. One look-up in a table sorted by name, because every exec of every
/// program comes through here.
fn by_name(name: &[u8]) -> Option<&'static Tool> {
    static SORTED: LazyLock<Vec<(&[u8], &Tool)>> = LazyLock::new(|| {
        let named =
            |tool: &'static Tool| tool.names.iter().map(move |name| (name.as_bytes(), tool));
        let mut rows: Vec<_> = TOOLS.iter().copied().flat_map(named).collect();
        rows.sort_unstable_by_key(|(name, _)| *name);
        rows
    });
    let at = SORTED.binary_search_by_key(&name, |(known, _)| known).ok()?;
    Some(SORTED[at].1)
}

/// In how many other calls a call may stand and still be read. Nobody nests so deep; each level costs as much stack and
/// time as the call, and whoever makes the call chooses how many there are.
const DEPTH: u8 = 4;

/// The tools a call can be of: claw's own, and those that a policy declares.
#[derive(Debug, Clone, Copy)]
pub struct Tools<'p> {
    declared: &'p [Arc<Grammar>],
    /// In how many other calls the call stands that is read: `docker exec c psql …` holds one.
    depth: u8,
    /// What is parsed already, where several readings share it.
    pub(crate) texts: Option<&'p Texts>,
}

impl Tools<'static> {
    /// claw's own tools alone.
    pub const BUILT_IN: Self = Self { declared: &[], depth: 0, texts: None };
}

impl<'p> Tools<'p> {
    /// claw's own tools, and `declared`, those of a policy.
    #[must_use]
    pub const fn with(declared: &'p [Arc<Grammar>]) -> Self {
        Self { declared, depth: 0, texts: None }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Governed<'p>> + 'p {
        let declared = self.declared.iter().map(|grammar| Governed::Declared(grammar));
        TOOLS.iter().copied().map(Governed::Known).chain(declared)
    }

    /// The tool that policies and facts call `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Governed<'p>> {
        self.all().find(|tool| tool.name() == name)
    }

    /// The tool that these base names mean. Allocates nothing.
    #[must_use]
    pub fn meant(&self, names: &[&[u8]]) -> Meant<'p> {
        let mut found: Option<Governed<'p>> = None;
        for name in names {
            let Some((tool, _)) = self.meaning(name) else { continue };
            match found {
                Some(first) if first.name() != tool.name() => return Meant::Disputed(first, tool),
                _ => found = Some(tool),
            }
        }
        found.map_or(Meant::Nothing, Meant::Tool)
    }

    /// The tool that goes by `name`, and the part of the name that says so, which is without a version. What is read
    /// comes before what is known by name alone.
    fn meaning<'n>(&self, name: &'n [u8]) -> Option<(Governed<'p>, &'n [u8])> {
        if let Some(tool) = self.read_as(name) {
            return Some((tool, name));
        }
        if let Some(row) = unread::exactly(name) {
            return row.tool().map(|tool| (Governed::Known(tool), name));
        }
        let of_stem = |stem: &'n [u8]| {
            let unread = || unread::exactly(stem)?.tool().map(Governed::Known);
            self.read_as(stem).or_else(unread).map(|tool| (tool, stem))
        };
        let by_pattern = || Some((Governed::Known(unread::by_pattern(name)?.tool()?), name));
        version::stems(name).find_map(of_stem).or_else(by_pattern)
    }

    /// The tool of exactly this name that is read.
    fn read_as(&self, name: &[u8]) -> Option<Governed<'p>> {
        let of_policy = || self.declared.iter().find(|grammar| grammar.goes_by(name));
        let of_policy = || of_policy().map(|grammar| Governed::Declared(grammar));
        by_name(name).map(Governed::Known).or_else(of_policy)
    }

    /// The tools whose own process a program file of this name is: the tool itself, or the one that it helps.
    pub fn speaks_for(&self, name: &[u8]) -> Option<&'static str> {
        match self.meant(&[name]) {
            Meant::Tool(Governed::Known(tool)) if unread::is_one(tool) => {
                let row = unread::exactly(name).or_else(|| unread::by_pattern(name))?;
                row.helps().first().copied()
            }
            Meant::Tool(Governed::Known(tool)) => Some(tool.name),
            Meant::Tool(Governed::Declared(_)) | Meant::Nothing | Meant::Disputed(..) => None,
        }
    }

    /// The tool that stands for clients of the family of `tool` that are not read.
    pub fn unread_kin(&self, tool: &str) -> Option<&'static str> {
        let family = match self.named(tool)? {
            Governed::Known(tool) => tool.can.family,
            Governed::Declared(_) => return None,
        };
        let mut kin = TOOLS.iter().filter(|tool| unread::is_one(tool));
        kin.find(|tool| tool.can.family == family).map(|tool| tool.name)
    }

    /// Whether programs of this name are known to be no clients.
    pub fn is_no_client(&self, name: &[u8]) -> bool {
        let row = unread::exactly(name).or_else(|| unread::by_pattern(name));
        row.is_some_and(|row| row.tool().is_none())
    }

    /// These tools, for several readings of one call: `texts` remembers what is parsed for the others.
    #[must_use]
    pub fn sharing(self, texts: &'p Texts) -> Self {
        Self { texts: Some(texts), ..self }
    }

    /// What a tool is given to read of `call`.
    pub(crate) fn context<'a>(&'a self, call: &'a Call<'a>, files: &'a dyn Files) -> Context<'a> {
        Context { call, files, tools: self, texts: self.texts }
    }

    /// The facts of a call, judged by the content of the files it names where `files` knows it. The
    /// first action is always of the domain `exec`.
    #[must_use]
    pub fn classify(&self, call: &Call<'_>, files: &dyn Files) -> Facts {
        self.read(call, files).facts
    }

    /// Reads a call by the content of the files it names where `files` knows it.
    #[must_use]
    pub fn read<'a>(&self, call: &Call<'a>, files: &'a dyn Files) -> Reading<'a>
    where
        'p: 'a,
    {
        let texts = self.texts.cloned().unwrap_or_default();
        let files = Asked::of(files);
        let watch = Watch::default();
        let (facts, change) = {
            let tools = Tools { texts: Some(&texts), ..*self };
            let call = Call { watch: Some(&watch), ..*call };
            tools.facts(&tools.context(&call, &files))
        };
        Reading {
            facts,
            tools: *self,
            call: Call { watch: None, ..*call },
            files,
            texts,
            change,
            looked_at_stdin: watch.stdin.get(),
            looked_at_cwd: watch.cwd.get(),
        }
    }

    /// The facts of the call of `context`, and how to change it. A name with a version behind it is read as the name.
    fn facts(&self, context: &Context<'_>) -> (Facts, Change) {
        let call = context.call;
        let called = call.argv.first().copied().unwrap_or_default();
        let called = called.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        // Every exec comes through here, and hardly any name has a version.
        let has_version = |name: &[u8]| version::stems(name).next().is_some();
        if !has_version(called) && !call.names.iter().any(|name| has_version(name)) {
            return self.facts_of(context);
        }
        let stem = |name| self.meaning(name).map_or(name, |(_, stem)| stem);
        if call.names.iter().all(|name| stem(name) == *name) && stem(called) == called {
            return self.facts_of(context);
        }
        let names: Vec<&[u8]> = call.names.iter().map(|name| stem(name)).collect();
        let mut argv = call.argv.to_vec();
        if let Some(first) = argv.first_mut().filter(|_| stem(called) != called) {
            *first = stem(called);
        }
        let plain = Call { argv: &argv, names: &names, ..*call };
        let (mut facts, change) = self.facts_of(&context.of(&plain));
        let names = call.names.iter().map(|name| text(name)).collect::<Set>();
        facts.actions[0].set(Exec::NAMES, names);
        (facts, change)
    }

    /// As [`Tools::facts`], of a call whose names have no version.
    fn facts_of(&self, context: &Context<'_>) -> (Facts, Change) {
        let call = context.call;
        let meant = match self.meant(call.names) {
            Meant::Tool(Governed::Known(tool)) if unread::is_namesake(tool, call) => Meant::Nothing,
            meant => meant,
        };
        match meant {
            Meant::Nothing => {
                let mut actions = vec![exec::action(context, None)];
                let launched = launch::launched(context, self.depth > DEPTH);
                let tool = launched.first().map(|launched| launched.tool.clone());
                actions.extend(launched.into_iter().map(|launched| launched.action));
                (Facts { tool, disputed: None, actions }, Change::never(NO_TOOL))
            }
            Meant::Tool(tool) if self.depth > DEPTH => {
                let mut actions = vec![exec::action(context, Some(tool))];
                let reason = "calls stand in one another too deeply";
                not_read(tool, reason, &mut actions);
                let launched = launch::launched(context, true);
                actions.extend(launched.into_iter().map(|launched| launched.action));
                let facts = Facts { tool: Some(tool.to_name()), disputed: None, actions };
                (facts, Change::never(reason))
            }
            Meant::Tool(tool) => {
                if let Governed::Known(python) = tool
                    && let Some(stands) = program::stands_for(context, python)
                    && let Some(facts) = run_by_interpreter(context, &stands)
                {
                    return (facts, Change::never(NO_TOOL));
                }
                let mut actions = vec![exec::action(context, Some(tool))];
                actions[0].set(Exec::TRUSTED, !call.untrusted);
                let read = tool.read(context);
                add_outputs(&mut actions[0], call, tool.name(), &read.actions);
                actions.extend(read.actions);
                let launched = launch::launched(context, false);
                actions.extend(launched.into_iter().map(|launched| launched.action));
                (Facts { tool: Some(tool.to_name()), disputed: None, actions }, read.change)
            }
            Meant::Disputed(one, other) => {
                let mut actions = vec![exec::action(context, Some(one))];
                actions[0].set(Exec::TRUSTED, !call.untrusted);
                for tool in [one, other] {
                    let reason = format!(
                        "the program goes by names of `{}` and of `{}`: which of the two runs is not known",
                        one.name(),
                        other.name()
                    );
                    not_read(tool, &reason, &mut actions);
                }
                let (tool, disputed) = (Some(one.to_name()), Some(other.to_name()));
                (Facts { tool, disputed, actions }, Change::never(NO_TOOL))
            }
        }
    }

    /// The calls that `call` says will be made, as far as its words, and the content of its script
    /// or standard input, show them. Not for enforcement, which judges each call when it is made.
    #[must_use]
    pub fn starts(&self, call: &Call<'_>, files: &dyn Files) -> Vec<Start> {
        let Meant::Tool(Governed::Known(tool)) = self.meant(call.names) else {
            return Vec::new();
        };
        tool.can.starts.unwrap_or(program::start::behind_its_own_words)(&self.context(call, files))
    }
}

impl Inside for Tools<'_> {
    fn meant(&self, names: &[&[u8]]) -> Meant<'_> {
        Tools::meant(self, names)
    }

    fn read(&self, call: &Call<'_>) -> (Facts, Change) {
        let deeper = Tools { depth: self.depth.saturating_add(1), ..*self };
        let reading = deeper.read(call, &NoFiles);
        (reading.facts, reading.change)
    }

    fn change(&self, context: &Context<'_>) -> Change {
        self.facts(context).1
    }

    fn rewrite(
        &self,
        call: &Call<'_>,
        change: &Change,
        rewrites: &[Rewrite],
    ) -> Result<Rewritten, CannotRewrite> {
        reading::rewrite(&self.context(call, &NoFiles), change, rewrites)
    }
}

/// Adds to the action of a call what its reading found that the call writes.
fn add_outputs(action: &mut Action, call: &Call<'_>, tool: &str, read: &[Action]) {
    let Some(watch) = call.watch else { return };
    writes::note_options(call, tool, read);
    match writes::places(&watch.outputs, call) {
        Ok(places) => action.set(Exec::WRITES_FILES, places),
        Err(why) => action.set_opaque(Exec::WRITES_FILES, why),
    }
}

/// Adds that nothing is known of what a call of `tool` does, behind the action of the call itself.
fn not_read(tool: Governed<'_>, reason: &str, actions: &mut Vec<Action>) {
    let text = actions[0].text.clone();
    actions[0].set_opaque(Exec::WRITES_FILES, reason);
    actions.extend(tool.domains().into_iter().map(|domain| Action::opaque(domain, &*text, reason)));
}

/// The facts of a call whose interpreter runs a tool itself; none if it is the everyday work of a program that has a
/// client's name. The program that runs is still the interpreter.
fn run_by_interpreter(context: &Context<'_>, stands: &program::StandsFor) -> Option<Facts> {
    let call = context.call;
    let program::StandsFor { tool, name, rest } = stands;
    let argv: Vec<&[u8]> =
        std::iter::once(name.as_slice()).chain(call.argv[*rest..].iter().copied()).collect();
    let names = [name.as_slice()];
    let inner = Call { argv: &argv, names: &names, ..*call };
    if unread::is_namesake(tool, &inner) {
        return None;
    }
    let mut actions = vec![exec::action(context, Some(Governed::Known(tool)))];
    let read = tool.read(&context.of(&inner));
    add_outputs(&mut actions[0], &inner, tool.name, &read.actions);
    actions.extend(read.actions);
    Some(Facts { tool: Some(tool.name.into()), disputed: None, actions })
}
