//! Which files a call writes by its words, and what kind of place each lands in.
//!
//! Input: the outputs that a tool found in its call, and the folders round the call. Output: the fact
//! `exec.writes_files`.
//!
//! The working directory of a written call counts as the folder that its session started in. A written call that says
//! nothing of its working directory is taken to be made in the workspace.

mod options;
mod place;

use std::collections::BTreeSet;

use claw_policy::{Action, Reading, Value};

use crate::call::outputs::{Output, Outputs, join};
use crate::call::{Call, text};
use crate::system::file;
use place::Ground;

/// The most files of one call that are looked at; whoever makes the call chooses how many it names.
const MOST: usize = 256;

/// The kinds of place that the files land in, for a call that names them.
///
/// # Errors
/// Why one of them is not known.
pub(crate) fn places(outputs: &Outputs, call: &Call<'_>) -> Result<BTreeSet<String>, String> {
    let outputs = outputs.found();
    if outputs.is_empty() {
        return Ok(BTreeSet::new());
    }
    if outputs.len() > MOST {
        return Err("the call writes more files than anybody looks at".to_owned());
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
    let said = |names: &[&str]| {
        let mut facts =
            actions.iter().flat_map(|action| names.iter().map(|name| action.fact(name)));
        facts.find_map(|fact| match fact {
            Some(Reading::Known(Value::Str(said))) => Some(said.as_str()),
            _ => None,
        })
    };
    let command = said(&["command", "verb"]).unwrap_or_default();
    // `git -C` and `terraform -chdir` go there first.
    let folder = said(&["directory"]).unwrap_or_default().as_bytes();
    for output in options::outputs(call, tool, command) {
        call.note(match output {
            Output::At(path) => Output::At(join(folder, &path)),
            Output::In(path) => Output::In(join(folder, &path)),
            unknown @ Output::Unknown(_) => unknown,
        });
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

/// Notes where a call copies objects of a store whose addresses begin with `scheme`. The last word is the destination,
/// or an option or its value: then the destination is among `words`, as far as they are known.
pub(crate) fn note_objects<'w>(
    call: &Call<'_>,
    scheme: &[u8],
    words: impl IntoIterator<Item = &'w [u8]>,
) {
    let last = call.argv.last().copied();
    let here = |word: &&[u8]| !word.starts_with(b"-") && !word.starts_with(scheme);
    for word in words.into_iter().last().into_iter().chain(last).filter(here) {
        // One object becomes a file of this name, several become files in it.
        call.writes(word);
        call.writes_into(word);
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
