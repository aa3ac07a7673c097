//! Which files a call writes by its words, and what kind of place each lands in.
//!
//! Input: the outputs that a tool found in its call, and the folders round the call. Output: the fact
//! `exec.writes_files`.
//!
//! The working directory of a written call counts as the folder that its session started in. A written call that says
//! nothing of its working directory is taken to be made in the workspace.

mod options;
mod place;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;

use claw_policy::{Action, Reading, Value};

use crate::call::{Call, text};
use crate::system::file;
use place::Ground;

pub(crate) use place::NAMES;

/// A file that a call writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// The file at this path.
    At(Vec<u8>),
    /// Files in this folder, whose names nobody knows before: a server or the tool chooses them.
    In(Vec<u8>),
    /// Files of which nobody knows where they are, and why.
    Unknown(Cow<'static, str>),
}

/// The outputs that a reading found so far.
#[derive(Debug, Default)]
pub(crate) struct Outputs(RefCell<Vec<Output>>);

impl Outputs {
    fn add(&self, output: Output) {
        self.0.borrow_mut().push(output);
    }

    /// The kinds of place that the files land in, for a call that names them.
    ///
    /// # Errors
    /// Why one of them is not known.
    pub(crate) fn places(&self, call: &Call<'_>) -> Result<BTreeSet<String>, String> {
        let outputs = self.0.borrow();
        if outputs.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ground = Ground::of(call);
        let mut places = BTreeSet::new();
        for output in outputs.iter() {
            let place = match output {
                Output::At(path) => ground.place(path),
                Output::In(folder) => ground.place(&join(folder, b"file")),
                Output::Unknown(why) => return Err(why.clone().into_owned()),
            };
            let path = || match output {
                Output::At(path) | Output::In(path) => text(path).into_owned(),
                Output::Unknown(_) => String::new(),
            };
            match place {
                Ok(place) => places.extend(place.map(str::to_owned)),
                Err(place::Unknown) => {
                    return Err(format!("nobody can tell where `{}` is", path()));
                }
            }
        }
        Ok(places)
    }
}

impl Call<'_> {
    /// Notes that the call writes the file at `path`. `-` is standard output where the tool says so; whoever calls
    /// this knows.
    pub(crate) fn writes(&self, path: impl AsRef<[u8]>) {
        self.note(Output::At(path.as_ref().to_vec()));
    }

    /// Notes that the call writes files into `folder` whose names are not known.
    pub(crate) fn writes_into(&self, folder: impl AsRef<[u8]>) {
        let folder = folder.as_ref();
        self.note(Output::In(if folder.is_empty() { b".".to_vec() } else { folder.to_vec() }));
    }

    /// Notes that the call writes files of which nobody knows where they are.
    pub(crate) fn writes_somewhere(&self, why: impl Into<Cow<'static, str>>) {
        self.note(Output::Unknown(why.into()));
    }

    fn note(&self, output: Output) {
        if let Some(watch) = self.watch {
            watch.outputs.add(output);
        }
    }
}

/// Variables that make a library write a file in whatever program loads it.
const OF_LIBRARIES: &[&str] = &["LD_DEBUG_OUTPUT", "LLVM_PROFILE_FILE", "SSLKEYLOGFILE"];

/// Notes what the options and the environment of a call of `tool` have it write. `actions` are what was read of it.
pub(crate) fn note_options(call: &Call<'_>, tool: &str, actions: &[Action]) {
    for name in OF_LIBRARIES {
        if let Some(file) = call.var(name).filter(|file| !file.is_empty()) {
            call.writes(file);
        }
    }
    if let Some(why) = actions.iter().find_map(|action| action.opaque.as_deref()) {
        call.writes_somewhere(why.to_owned());
    }
    note_targets(call, actions);
    if !options::knows(tool) {
        return;
    }
    let command = actions.iter().find_map(|action| {
        ["command", "verb"].into_iter().find_map(|name| match action.fact(name) {
            Some(Reading::Known(Value::Str(command))) => Some(command.as_str()),
            _ => None,
        })
    });
    for output in options::outputs(call, tool, command.unwrap_or_default()) {
        call.note(output);
    }
}

/// Notes what the last word of a call writes that copies between places, if that place is here.
pub(crate) fn note_copy(call: &Call<'_>, last: Option<&[u8]>) {
    let is_here = |word: &&[u8]| {
        let place = word.iter().position(|byte| matches!(byte, b':' | b'/'));
        place.is_none_or(|at| word[at] == b'/')
    };
    if let Some(word) = last.filter(is_here).filter(|word| *word != b"-") {
        call.writes(word);
    }
}

/// Notes the targets of `actions` that write files.
fn note_targets(call: &Call<'_>, actions: &[Action]) {
    for action in actions.iter().filter(|action| action.domain.name() == file::DOMAIN.name) {
        let effect = match action.fact("effect") {
            Some(Reading::Known(Value::Str(effect))) => effect.as_str(),
            _ => continue,
        };
        match action.fact("targets") {
            _ if !matches!(effect, "archive" | "copy" | "extract" | "move" | "overwrite") => {}
            Some(Reading::Known(Value::Set(targets))) => targets.iter().for_each(|target| {
                if effect == "extract" { call.writes_into(target) } else { call.writes(target) }
            }),
            _ => call.writes_somewhere("the files that are written are not known"),
        }
    }
}

/// `name` below `folder`, or `name` alone if it is absolute.
pub(crate) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if name.starts_with(b"/") || folder.is_empty() {
        return name.to_vec();
    }
    [folder, b"/", name].concat()
}
