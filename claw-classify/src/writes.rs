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
use place::Folders;

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
    let folders = Folders::of(call);
    let mut places = BTreeSet::new();
    for output in outputs.iter() {
        let place = match output {
            Output::At(path) => folders.place(path),
            Output::In(folder) => folders.place(&join(folder, b"file")),
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
const OF_LIBRARIES: &[&[u8]] = &[b"LD_DEBUG_OUTPUT", b"LLVM_PROFILE_FILE", b"SSLKEYLOGFILE"];

/// Notes what the options and the environment of a call of `tool` have it write. `actions` are what was read of it.
pub(crate) fn note_options(call: &Call<'_>, tool: &str, actions: &[Action]) {
    for entry in call.env {
        let Some(at) = entry.iter().position(|&byte| byte == b'=') else { continue };
        let (name, file) = (&entry[..at], &entry[at + 1..]);
        if !file.is_empty() && OF_LIBRARIES.contains(&name) {
            call.writes(file);
        }
    }
    if let Some(why) = actions.iter().find_map(|action| action.opaque.as_deref()) {
        call.writes_somewhere(why.to_owned());
    }
    note_targets(call, actions);
    let rows = options::of(tool);
    if rows.is_empty() {
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
    for output in options::outputs(call, rows, command) {
        call.note(match output {
            Output::At(path) => Output::At(join(folder, &path)),
            Output::In(path) => Output::In(join(folder, &path)),
            unknown @ Output::Unknown(_) => unknown,
        });
    }
}

/// Notes where a call copies to, if that is here and not where `is_elsewhere` says. Copies name their destination last,
/// but options may stand behind it, and a word behind an option may be its value: then the word before may be the
/// destination as well.
pub(crate) fn note_destination(call: &Call<'_>, is_elsewhere: impl Fn(&[u8]) -> bool) {
    let words = call.argv.get(1..).unwrap_or_default();
    let operands_from = words.iter().position(|word| *word == b"--").unwrap_or(words.len());
    let is_option =
        |at: usize| at < operands_from && words[at].starts_with(b"-") && words[at] != b"-";
    for at in (0..words.len()).rev().filter(|at| *at != operands_from && !is_option(*at)) {
        if words[at] != b"-" && !is_elsewhere(words[at]) {
            call.writes(words[at]);
        }
        let takes_value = |before: usize| is_option(before) && !words[before].contains(&b'=');
        if !at.checked_sub(1).is_some_and(takes_value) {
            return;
        }
    }
}

/// Whether a word is a place on another host, in a pod or in a container: `HOST:PATH`.
pub(crate) fn is_behind_colon(word: &[u8]) -> bool {
    let place = word.iter().position(|byte| matches!(byte, b':' | b'/'));
    place.is_some_and(|at| word[at] == b':')
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Exec;
    use crate::{NoFiles, Tools};

    /// The kinds of place that a call made in `/home/me/app` writes to.
    fn writes(line: &str) -> String {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let cwd = Some(&b"/home/me/app"[..]);
        let names = [argv[0]];
        let call = Call { argv: &argv, names: &names, cwd, ..Call::default() };
        match Tools::BUILT_IN.classify(&call, &NoFiles).actions[0].read(Exec::WRITES_FILES) {
            Some(Reading::Known(Value::Set(places))) => {
                places.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_destination_is_found_before_options_and_between_them() {
        for (from, program) in [
            ("s3://b/k", "aws s3 cp"),
            ("s3://b/", "aws s3 sync"),
            ("gs://b/k", "gcloud storage cp"),
            ("gs://b/k", "gsutil cp"),
            ("web:/x", "kubectl cp"),
            ("c:/x", "docker cp"),
            ("h:x", "scp"),
            ("h:x", "rsync -a"),
        ] {
            for (to, place) in
                [("/root/.bashrc", "startup"), ("/etc/x", "system"), ("out/x", "workspace")]
            {
                let line = format!("{program} {from} {to}");
                assert_eq!(writes(&line), place, "{line}");
                let there = format!("{program} {to} {from}");
                assert_eq!(writes(&there), "", "{there}");
            }
            assert_eq!(writes(&format!("{program} {from} .")), "workspace");
        }
        for line in [
            "aws s3 cp s3://b/ /root/.bashrc --recursive",
            "aws s3 cp s3://b/ --recursive /root/.bashrc",
            "aws s3 cp s3://b/ /root/.bashrc --region=eu --quiet",
            "gcloud storage cp gs://b/k /root/.bashrc --quiet",
            "gcloud storage cp -- gs://b/k /root/.bashrc",
            "docker cp c:/x /root/.bashrc -L",
            "kubectl cp web:/x /root/.bashrc --retries=1",
        ] {
            assert_eq!(writes(line), "startup", "{line}");
        }
        // The word behind an option may be its value, and may be a switch's neighbour.
        assert_eq!(
            writes("gcloud storage cp gs://b/k /root/.bashrc --project p"),
            "startup workspace"
        );
        assert_eq!(writes("kubectl cp web:/x /root/.bashrc -c app"), "startup workspace");
        assert_eq!(writes("aws s3 cp s3://b/k - --region eu"), "workspace");
        assert_eq!(writes("aws s3 cp s3://b/k -"), "");
    }

    #[test]
    fn what_is_not_read_may_write_anywhere() {
        for line in ["curl --frobnicate x", "kubectl frobnicate", "git push --frobnicate"] {
            assert!(writes(line).starts_with("Some(Opaque("), "{line}: {}", writes(line));
        }
        let argv: &[&[u8]] = &[b"psql", b"-l"];
        let call = Call { argv, names: &[b"psql", b"kubectl"], ..Call::default() };
        let facts = Tools::BUILT_IN.classify(&call, &NoFiles);
        let disputed = facts.actions[0].read(Exec::WRITES_FILES);
        assert!(matches!(disputed, Some(Reading::Opaque(_))), "{disputed:?}");
    }
}
