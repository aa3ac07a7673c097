//! `tar`, `zip` and `unzip`: what they write and where.
//!
//! Sources: tar(1) 1.34 with its short and long options, in bundles with and without a dash;
//! unzip(1), zip(1). The content of an archive is not read, so only the folder is known in which
//! extracting overwrites files.

use std::collections::BTreeSet;

use claw_policy::{Action, Set};

use super::{DOMAIN, OnFiles, row};
use crate::call::{Call, text};
use crate::grammar::subcommands::said;
use crate::secret::marks::{Marks, marks, secret};
use crate::system::places::Places;
use crate::tool::Tool;

/// What holds a secret in their words.
pub(crate) static SECRETS: &[Marks] = &[marks(&[ZIP.names, UNZIP.names], &[secret("-P")])];

pub(crate) static TAR: Tool = row(
    &["tar", "gtar", "bsdtar"],
    "tar: ",
    "Whether it writes, extracts or lists; the archive, the folder, and the programs that options name.",
    |context| vec![tar(context.call)],
);
pub(crate) static UNZIP: Tool =
    row(&["unzip"], "unzip: ", "Whether it extracts or lists, and the folder.", |context| {
        vec![unzip(context.call)]
    });
pub(crate) static ZIP: Tool = row(
    &["zip"],
    "zip: ",
    "The archive that is written, and whether the files that go in are removed.",
    |context| vec![zip(context.call)],
);

/// Letters whose value is the rest of the word or the next (tar(1)).
const VALUES: &[u8] = b"bCfFgHIKLNTVX";

/// Long options with a value, which may be the next word.
const LONG_VALUES: &[&str] = &[
    "add-file",
    "blocking-factor",
    "checkpoint-action",
    "directory",
    "exclude",
    "exclude-from",
    "exclude-ignore",
    "exclude-ignore-recursive",
    "exclude-tag",
    "exclude-tag-all",
    "exclude-tag-under",
    "file",
    "files-from",
    "format",
    "group",
    "group-map",
    "index-file",
    "info-script",
    "label",
    "level",
    "listed-incremental",
    "mode",
    "mtime",
    "new-volume-script",
    "newer",
    "newer-mtime",
    "owner",
    "owner-map",
    "pax-option",
    "quoting-style",
    "record-size",
    "rmt-command",
    "rsh-command",
    "sort",
    "starting-file",
    "strip-components",
    "suffix",
    "tape-length",
    "to-command",
    "transform",
    "use-compress-program",
    "volno-file",
    "warning",
    "xform",
];

/// What is known of one tar so far.
#[derive(Default)]
struct Tar<'a> {
    effect: Option<&'static str>,
    archive: Option<&'a [u8]>,
    folders: Vec<&'a [u8]>,
    programs: BTreeSet<String>,
    keeps: bool,
    absolute: bool,
    to_stdout: bool,
    removes: bool,
    options: Vec<String>,
}

impl<'a> Tar<'a> {
    fn letter(&mut self, letter: u8, value: Option<&'a [u8]>) {
        match letter {
            b'c' | b'r' | b'u' | b'A' => self.effect = Some("archive"),
            b'x' => self.effect = Some("extract"),
            b't' | b'd' => self.effect = Some("inform"),
            b'f' => self.archive = value,
            b'C' => self.folders.extend(value),
            b'k' => self.keeps = true,
            b'P' => self.absolute = true,
            b'O' => self.to_stdout = true,
            b'I' | b'F' => self.program(value),
            _ => {}
        }
    }

    fn program(&mut self, value: Option<&[u8]>) {
        let value = text(value.unwrap_or_default()).into_owned();
        let word = value.split_ascii_whitespace().next().unwrap_or_default();
        self.programs.insert(word.rsplit('/').next().unwrap_or_default().to_owned());
    }

    fn long(&mut self, name: &str, value: Option<&'a [u8]>) {
        match name {
            "create" | "append" | "update" | "catenate" | "concatenate" => {
                self.effect = Some("archive");
            }
            "extract" | "get" => self.effect = Some("extract"),
            "delete" => self.effect = Some("overwrite"),
            "list" | "diff" | "compare" | "test-label" | "help" | "usage" | "version"
            | "show-defaults" => {
                self.effect = Some("inform");
            }
            "file" => self.archive = value,
            "directory" => self.folders.extend(value),
            "keep-old-files" | "skip-old-files" | "keep-newer-files" => self.keeps = true,
            "absolute-names" => self.absolute = true,
            "to-stdout" => self.to_stdout = true,
            "remove-files" => self.removes = true,
            "to-command"
            | "use-compress-program"
            | "info-script"
            | "new-volume-script"
            | "rsh-command"
            | "rmt-command" => self.program(value),
            "checkpoint-action" => {
                if let Some(command) = value.and_then(|value| value.strip_prefix(b"exec=")) {
                    self.program(Some(command));
                }
            }
            _ => {}
        }
        self.options.push(name.to_owned());
    }
}

fn tar(call: &Call<'_>) -> Action {
    let mut tar = Tar::default();
    let mut words = call.argv.iter().copied().skip(1).enumerate();
    while let Some((at, word)) = words.next() {
        if word == b"--" {
            break;
        }
        if let Some(option) = word.strip_prefix(b"--") {
            let option = text(option).into_owned();
            let equals = option.find('=');
            let name = &option[..equals.unwrap_or(option.len())];
            // An abbreviation stands for the one option that it begins, or for the option of
            // exactly that name.
            let full = if LONG_VALUES.contains(&name) {
                Some(name)
            } else {
                let mut found = LONG_VALUES.iter().filter(|known| known.starts_with(name));
                found.next().copied().filter(|_| !name.is_empty() && found.next().is_none())
            };
            let value = match (full, equals) {
                (_, Some(equals)) => word.get(2 + equals + 1..),
                (Some(_), None) => words.next().map(|(_, word)| word),
                (None, None) => None,
            };
            tar.long(full.unwrap_or(name), value);
            continue;
        }
        let dashed = word.len() > 1 && word[0] == b'-';
        if !dashed && at > 0 {
            continue;
        }
        let letters = if dashed { &word[1..] } else { word };
        for (place, letter) in letters.iter().enumerate() {
            if !VALUES.contains(letter) {
                tar.letter(*letter, None);
                continue;
            }
            // Without a dash each letter takes its value from the next word, and the letters after
            // it continue.
            let rest = &letters[place + 1..];
            if dashed && !rest.is_empty() {
                tar.letter(*letter, Some(rest));
                break;
            }
            let value = words.next().map(|(_, word)| word);
            tar.letter(*letter, value);
        }
    }
    facts(call, tar)
}

fn facts<'a>(call: &Call<'a>, tar: Tar<'a>) -> Action {
    let said = said(call.argv);
    let Some(effect) = tar.effect else {
        return Action::opaque(&DOMAIN, said, "none of tar's operations is named");
    };
    let mut action = Action::new(&DOMAIN, said);
    let mut places = Places::of(call);
    let runs = !tar.programs.is_empty();
    let effect = if effect == "extract" && tar.to_stdout { "inform" } else { effect };
    match effect {
        "extract" => {
            for folder in &tar.folders {
                places.below(folder);
            }
            places.add(b".");
            if tar.absolute {
                // The archive says where.
                places.add(b"/");
            }
        }
        "archive" | "overwrite" => {
            if let Some(archive) = tar.archive.filter(|archive| *archive != b"-") {
                places.add(archive);
            }
        }
        _ => {}
    }
    action.set(OnFiles::EFFECT, if effect == "inform" && runs { "run" } else { effect });
    action.set(OnFiles::FORCE, effect == "extract" && !tar.keeps);
    action.set(OnFiles::PROGRAMS, tar.programs);
    action.set(OnFiles::RECURSIVE, true);
    if tar.removes {
        action.set(OnFiles::EFFECT, "delete");
        action.set_opaque(OnFiles::TARGETS, "the files that go into the archive are taken away");
        action.set_opaque(OnFiles::PLACES, "the files that go into the archive are taken away");
        return action;
    }
    places.set(&mut action);
    action
}

fn unzip(call: &Call<'_>) -> Action {
    let mut action = Action::new(&DOMAIN, said(call.argv));
    let (mut informs, mut overwrites, mut folder) = (call.argv.len() < 2, false, None);
    let mut words = call.argv.iter().copied().skip(1);
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix(b"-").filter(|letters| !letters.is_empty()) else {
            continue;
        };
        for (at, letter) in letters.iter().enumerate() {
            match letter {
                b'l' | b't' | b'v' | b'Z' | b'p' | b'c' | b'z' | b'h' => informs = true,
                b'o' => overwrites = true,
                b'd' => {
                    let rest = &letters[at + 1..];
                    folder = if rest.is_empty() { words.next() } else { Some(rest) };
                    break;
                }
                b'x' => break,
                _ => {}
            }
        }
    }
    let mut places = Places::of(call);
    if !informs {
        places.add(folder.unwrap_or(b"."));
    }
    action.set(OnFiles::EFFECT, if informs { "inform" } else { "extract" });
    action.set(OnFiles::FORCE, overwrites);
    places.set(&mut action);
    action
}

fn zip(call: &Call<'_>) -> Action {
    let mut action = Action::new(&DOMAIN, said(call.argv));
    let words = call.argv.get(1..).unwrap_or_default();
    let options = || words.iter().filter(|word| word.starts_with(b"-") && word.len() > 1);
    let letter =
        |letter: u8| options().any(|word| !word.starts_with(b"--") && word[1..].contains(&letter));
    let named = |name: &[u8]| options().any(|word| word.strip_prefix(b"--") == Some(name));
    let mut places = Places::of(call);
    let archive = words.iter().find(|word| !word.starts_with(b"-"));
    let informs = named(b"help") || named(b"version") || letter(b'h') || archive.is_none();
    if let Some(archive) = archive.filter(|_| !informs) {
        places.add(archive);
    }
    let program = letter(b'T')
        || options().any(|word| word.starts_with(b"-TT") || word.starts_with(b"--unzip"));
    if program {
        action.set(OnFiles::PROGRAMS, ["unzip"].into_iter().collect::<Set>());
    }
    let removes = letter(b'm') || named(b"move");
    action.set(OnFiles::EFFECT, if informs { "inform" } else { "archive" });
    action.set(OnFiles::RECURSIVE, letter(b'r'));
    if removes && !informs {
        action.set(OnFiles::EFFECT, "delete");
        action.set_opaque(OnFiles::TARGETS, "the files that go into the archive are taken away");
        action.set_opaque(OnFiles::PLACES, "the files that go into the archive are taken away");
        return action;
    }
    places.set(&mut action);
    action
}
