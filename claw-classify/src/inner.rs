//! Calls that run where the caller's files are not: in a container, in a pod, on another host.

use claw_policy::{Action, Fact, Name, Reading, Value};

use crate::call::{Call, Stdin};
use crate::exec::Exec;
use crate::language::shell;
use crate::tool::{Change, Inside};

/// A governed call inside, or several.
#[derive(Debug)]
pub(crate) struct Inner {
    /// The tool, if its call is all that runs and nothing in it changes how the tool runs.
    tool: Option<Name>,
    actions: Vec<Action>,
    /// How it is changed.
    change: Change,
}

impl Inner {
    /// The call inside, if it is governed. Nobody judges what an everyday program starts in there,
    /// and its paths are not the caller's.
    pub(crate) fn of(tools: &dyn Inside, call: &Call<'_>) -> Option<Self> {
        let (facts, change) = tools.read(call);
        if !facts.governed() {
            return None;
        }
        let injects = match facts.actions.first().and_then(|first| first.read(Exec::INJECTED_ENV)) {
            Some(Reading::Known(Value::Set(names))) => !names.is_empty(),
            _ => true,
        };
        let tool = facts.tool.filter(|_| facts.disputed.is_none() && !injects);
        Some(Self { tool, actions: facts.actions.into_iter().skip(1).collect(), change })
    }

    /// The call of a program with these words, in an environment that is not known.
    pub(crate) fn of_words(
        tools: &dyn Inside,
        argv: &[&[u8]],
        env: &[&[u8]],
        stdin: Stdin<'_>,
    ) -> Option<Self> {
        let path = argv.first()?;
        let names = [known_as(path)];
        Self::of(tools, &Call { argv, env, path, names: &names, stdin, ..Call::default() })
    }

    /// The calls of a text of the shell, as far as their words are known.
    pub(crate) fn of_text(tools: &dyn Inside, text: &[u8], stdin: Stdin<'_>) -> Option<Self> {
        let commands = shell::commands(text).ok()?;
        let mut whole = commands.len() == 1;
        let mut actions = Vec::new();
        let mut tool = None;
        for command in &commands {
            let words: Vec<&[u8]> =
                command.words.iter().map_while(|word| word.as_deref()).collect();
            let env: Vec<Vec<u8>> = command
                .assignments
                .iter()
                .filter_map(|(name, value)| Some([name, value.as_deref()?].join(&b'=')))
                .collect();
            let known =
                words.len() == command.words.len() && env.len() == command.assignments.len();
            whole &= known;
            let stdin = match &command.input {
                shell::Input::Same => stdin,
                shell::Input::Text(text) => Stdin::Content(text),
                shell::Input::Other => Stdin::Unknown,
            };
            let env: Vec<&[u8]> = env.iter().map(Vec::as_slice).collect();
            if !known {
                continue;
            }
            if let Some(inner) = Self::of_words(tools, &words, &env, stdin) {
                tool = inner.tool;
                actions.extend(inner.actions);
            }
        }
        let change = Change::never("a text of the shell is not changed");
        (!actions.is_empty()).then(|| Self { tool: tool.filter(|_| whole), actions, change })
    }

    /// Adds its actions after those of the call that runs it, of which `fact` names the tool inside, and says how the
    /// call inside is changed.
    pub(crate) fn behind(self, actions: &mut Vec<Action>, fact: Fact<String>) -> Change {
        if let Some(tool) = self.tool {
            actions.iter_mut().for_each(|action| action.set(fact, tool.clone()));
        }
        actions.extend(self.actions);
        self.change
    }
}

/// The name by which a program inside is known: its base name if it is found by name or is in one
/// of the system's own folders, else its whole path.
pub(crate) fn known_as(program: &[u8]) -> &[u8] {
    let Some(at) = program.iter().rposition(|&byte| byte == b'/') else { return program };
    let folders: [&[u8]; 6] =
        [b"/bin", b"/sbin", b"/usr/bin", b"/usr/local/bin", b"/usr/local/sbin", b"/usr/sbin"];
    if folders.contains(&&program[..at]) { &program[at + 1..] } else { program }
}
