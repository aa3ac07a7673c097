//! `find`: where it looks, and what it does to what it finds.
//!
//! find(1): options `-H -L -P -D -O`, then starting points up to the first word that begins with `-`, `(`,
//! `!` or `)`, then the expression.

use std::collections::BTreeSet;

use claw_policy::Action;

use super::{DOMAIN, OnFiles, row};
use crate::call::{Call, text};
use crate::grammar::subcommands::said;
use crate::system::places::Places;
use crate::tool::{Abilities, Context, Family, Input, Start, Tool};

pub(crate) static FIND: Tool = Tool {
    can: Abilities { starts: Some(starts), ..Abilities::of(Family::Files) },
    ..row(
        &["find"],
        "find: ",
        "The starting points, `-delete`, the programs that `-exec` and similar actions start, and the files that `-fprint` and similar actions write.",
        |context| vec![classify(context.call)],
    )
};

/// Tests and actions with that many words after them (find(1), 4.9).
const VALUES: &[(&str, usize)] = &[
    ("-amin", 1),
    ("-anewer", 1),
    ("-atime", 1),
    ("-cmin", 1),
    ("-cnewer", 1),
    ("-context", 1),
    ("-ctime", 1),
    ("-files0-from", 1),
    ("-fstype", 1),
    ("-gid", 1),
    ("-group", 1),
    ("-ilname", 1),
    ("-iname", 1),
    ("-inum", 1),
    ("-ipath", 1),
    ("-iregex", 1),
    ("-iwholename", 1),
    ("-links", 1),
    ("-lname", 1),
    ("-maxdepth", 1),
    ("-mindepth", 1),
    ("-mmin", 1),
    ("-mtime", 1),
    ("-name", 1),
    ("-newer", 1),
    ("-path", 1),
    ("-perm", 1),
    ("-printf", 1),
    ("-regex", 1),
    ("-regextype", 1),
    ("-samefile", 1),
    ("-size", 1),
    ("-type", 1),
    ("-uid", 1),
    ("-used", 1),
    ("-user", 1),
    ("-wholename", 1),
    ("-xtype", 1),
];

/// Those without any.
const PLAIN: &[&str] = &[
    "!",
    "(",
    ")",
    ",",
    "-a",
    "-and",
    "-daystart",
    "-d",
    "-depth",
    "-empty",
    "-executable",
    "-false",
    "-follow",
    "-help",
    "--help",
    "-ignore_readdir_race",
    "-ls",
    "-mount",
    "-nogroup",
    "-noignore_readdir_race",
    "-noleaf",
    "-not",
    "-nouser",
    "-nowarn",
    "-o",
    "-or",
    "-print",
    "-print0",
    "-prune",
    "-quit",
    "-readable",
    "-true",
    "-version",
    "--version",
    "-warn",
    "-writable",
    "-xdev",
];

/// The commands that a find starts: where each begins in the argument vector, and where it ends.
fn commands(argv: &[&[u8]]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 1;
    while at < argv.len() {
        if !matches!(argv[at], b"-exec" | b"-execdir" | b"-ok" | b"-okdir") {
            at += 1;
            continue;
        }
        let start = at + 1;
        let ends = |at: usize| {
            argv[at] == b";" || (argv[at] == b"+" && at > start && argv[at - 1] == b"{}")
        };
        let end = (start..argv.len()).find(|at| ends(*at)).unwrap_or(argv.len());
        found.push(start..end);
        at = end + 1;
    }
    found
}

/// What `-exec` and its like start, up to the first word that holds what is found.
fn starts(context: &Context<'_>) -> Vec<Start> {
    let call = context.call;
    let start = |command: std::ops::Range<usize>| {
        let words = &call.argv[command];
        let known = words.iter().take_while(|word| !word.windows(2).any(|pair| pair == b"{}"));
        let argv: Vec<Vec<u8>> = known.map(|word| word.to_vec()).collect();
        Start {
            whole: argv.len() == words.len(),
            argv,
            env: call.env.iter().map(|entry| entry.to_vec()).collect(),
            cwd: call.cwd.map(<[u8]>::to_vec),
            stdin: Input::Same,
        }
    };
    commands(call.argv).into_iter().map(start).filter(|start| !start.argv.is_empty()).collect()
}

fn classify(call: &Call<'_>) -> Action {
    let mut action = Action::new(&DOMAIN, said(call.argv));
    let mut places = Places::of(call);
    let mut at = 1;
    while let Some(word) = call.argv.get(at) {
        match *word {
            b"-H" | b"-L" | b"-P" => at += 1,
            b"-D" => at += 2,
            word if word.starts_with(b"-O") => at += 1,
            _ => break,
        }
    }
    let starts = at;
    while let Some(word) = call.argv.get(at) {
        if word.starts_with(b"-") || matches!(*word, b"(" | b"!" | b")" | b",") {
            break;
        }
        at += 1;
    }
    if starts == at {
        places.add(b".");
    }
    for start in &call.argv[starts.min(call.argv.len())..at.min(call.argv.len())] {
        places.add(start);
    }
    let mut programs = BTreeSet::new();
    let (mut deletes, mut writes, mut runs) = (false, false, false);
    while let Some(word) = call.argv.get(at) {
        at += 1;
        let word = text(word);
        match &*word {
            "-delete" => deletes = true,
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                runs = true;
                let command = commands(&call.argv[at - 2..]).into_iter().next().unwrap_or(0..0);
                let program = call.argv.get(at).map(|word| text(word)).unwrap_or_default();
                programs.insert(program.rsplit('/').next().unwrap_or_default().to_owned());
                at = at - 2 + command.end + 1;
            }
            "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                writes = true;
                if let Some(file) = call.argv.get(at) {
                    places.add(file);
                }
                at += if word == "-fprintf" { 2 } else { 1 };
            }
            word if PLAIN.contains(&word) => {}
            word => match VALUES.iter().find(|(name, _)| *name == word) {
                Some((_, words)) => at += words,
                None if word.starts_with("-newer") && word.len() == 8 => at += 1,
                None => {
                    return Action::opaque(
                        &DOMAIN,
                        said(call.argv),
                        format!("`{word}` is no test or action of find that is known"),
                    );
                }
            },
        }
    }
    action.set(OnFiles::RECURSIVE, true);
    action.set(OnFiles::PROGRAMS, programs);
    action.set(
        OnFiles::EFFECT,
        match (deletes, runs, writes) {
            (true, _, _) => "delete",
            (_, true, _) => "run",
            (_, _, true) => "overwrite",
            _ => "inform",
        },
    );
    places.set(&mut action);
    action
}
