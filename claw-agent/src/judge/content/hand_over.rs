//! Has the program read what was judged: the content goes into sealed files in memory, the call is
//! changed to name those, and then it is judged once more as it will run.
//!
//! Which words of a call are paths is not known here. A path that a tool asked for is looked for in the
//! arguments, the environment and the scripts themselves; a place counts if the tool, with another
//! path there, asks for that one. Of what has no such place, the last judgement, which decides, only takes
//! the start-up files as they were read (`~/.aws/config`); where the tool can be told to leave such a file
//! alone (`~/.psqlrc`), it is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use claw_classify::{File, Files, NoFiles, Stdin, Tools};
use claw_policy::Verdict;

use super::{First, Read, Stopped};
use crate::decode::{Found, Program, Snapshot, Strings};
use crate::judge::call::Words;
use crate::judge::{Judge, Judgement};

/// How many places in a call are tried for one path.
const PLACES: usize = 32;

/// A call that reads what it is handed.
pub(super) struct Handed {
    /// The arguments of the program.
    pub(super) argv: Vec<Vec<u8>>,
    /// The environment.
    pub(super) env: Vec<Vec<u8>>,
    /// The descriptor that becomes its standard input.
    pub(super) stdin: Option<u32>,
}

/// Changes the call to read what was judged. Nothing if it can run as it is.
///
/// # Errors
/// Why it must not run, in one line.
pub(super) fn hand_over(
    judge: &Judge<'_>,
    image: &Image<'_>,
    read: &Read,
    judgement: &Judgement,
    stopped: &mut dyn Stopped,
) -> Result<Option<Handed>, String> {
    if !image.others_run(judge) {
        return Err("the script and its interpreter both depend on content".to_owned());
    }
    let mut draft = Draft::of(image.snapshot, image.program(), read, judgement);
    let mut asks = Cow::Borrowed(&judgement.asked.when_run);
    let mut changed = judgement.rewritten.is_some();
    let tools = Tools::with(judge.policy().declared());
    let tool = judgement.facts.tool.as_deref().and_then(|tool| tools.named(tool));
    // What it asks for is asked again only where another start-up file is left to skip.
    let mut skipped = false;
    for path in read.files.keys() {
        let skip = tool.and_then(|tool| tool.skips_startup_file(path));
        let Some(word) = skip.filter(|_| !draft.argv.is_empty()) else { continue };
        if skipped {
            asks = Cow::Owned(draft.asked(judge));
        }
        skipped = asks.contains(path);
        if skipped {
            draft.argv.insert(1, word.to_vec());
            changed = true;
        }
    }
    let mut handed = BTreeMap::new();
    for (path, found) in &read.files {
        let Found::Content { sealed, .. } = found else { continue };
        if *sealed && !draft.rewritten.contains(path) {
            // Nobody can change it, and its descriptor is the program's own by now.
            handed.insert(path.clone(), None);
            continue;
        }
        // Numbers grow, so the first name is a guess that only has to be nobody else's.
        let probe = format!("/dev/fd/{}", u32::MAX).into_bytes();
        let places = draft.places_of(judge, path, &probe);
        if places.is_empty() {
            continue;
        }
        let number = stopped.reserve()?;
        let name = format!("/dev/fd/{number}").into_bytes();
        draft.put(&places, path, &name);
        handed.insert(name, Some(number));
        changed = true;
    }
    for (name, number) in &handed {
        if let (Some(number), Some(content)) = (number, draft.files.get(name)) {
            stopped.fill(*number, content)?;
        }
    }
    draft.files.retain(|name, _| handed.contains_key(name));
    let mut stdin = None;
    if let (false, Some(content)) = (draft.stdin_is_sealed, &draft.stdin) {
        let number = stopped.reserve()?;
        stopped.fill(number, content)?;
        stdin = Some(number);
        changed = true;
    }
    draft.confirm(judge, read)?;
    Ok(changed.then_some(Handed { argv: draft.argv, env: draft.env, stdin }))
}

/// The image whose program is handed what was judged.
pub(super) struct Image<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// The words of each program.
    pub(super) words: &'a [Words<'a>],
    /// What the judgement without content left.
    pub(super) first: &'a First,
    /// Which program it is.
    pub(super) program: usize,
}

impl<'a> Image<'a> {
    fn program(&self) -> &'a Program {
        &self.snapshot.image.programs[self.program]
    }

    /// Whether all other programs may run whatever they read.
    fn others_run(&self, judge: &Judge<'_>) -> bool {
        let runs = |at: usize, words: &Words<'_>| {
            let known = self.first.runs.get(at).copied().flatten();
            known.unwrap_or_else(|| {
                judge.judge(&words.call(Stdin::Unknown), &NoFiles).decision.verdict.runs()
            })
        };
        let others = self.words.iter().enumerate().filter(|(at, _)| *at != self.program);
        others.into_iter().all(|(at, words)| runs(at, words))
    }
}

/// A call on the way to be changed.
#[derive(Debug, Clone)]
struct Draft<'a> {
    snapshot: &'a Snapshot,
    program: &'a Program,
    argv: Vec<Vec<u8>>,
    env: Vec<Vec<u8>>,
    stdin: Option<Vec<u8>>,
    stdin_is_sealed: bool,
    /// The content behind each path that is handed over.
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What was found at each path.
    found: &'a BTreeMap<Vec<u8>, Found>,
    /// Those whose content a rule changed.
    rewritten: Vec<Vec<u8>>,
}

/// Where a path stands in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// At the end of this argument.
    Argument(usize),
    /// The value of this variable.
    Variable(usize),
    /// In standard input, from this byte on.
    Stdin(usize),
    /// In a file, from this byte on.
    File(Vec<u8>, usize),
}

impl Files for Draft<'_> {
    fn file(&self, path: &[u8]) -> File<'_> {
        match (self.files.get(path), self.found.get(path)) {
            (Some(content), _) => File::content(content),
            (None, Some(Found::Content { bytes, .. })) => File::in_place(bytes),
            (None, Some(Found::Folder(real))) => File::folder(real),
            // It may be there by the time the program looks.
            (None, Some(Found::Absent)) => File::NOT_LOOKED_AT,
            (None, Some(Found::Unreadable | Found::Terminal) | None) => File::UNREADABLE,
        }
    }
}

impl<'a> Draft<'a> {
    fn of(
        snapshot: &'a Snapshot,
        program: &'a Program,
        read: &'a Read,
        judgement: &Judgement,
    ) -> Self {
        let owned = |strings: &Strings| strings.iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let mut draft = Self {
            snapshot,
            program,
            argv: owned(&program.argv),
            env: owned(&snapshot.env),
            stdin: None,
            stdin_is_sealed: false,
            files: BTreeMap::new(),
            found: &read.files,
            rewritten: Vec::new(),
        };
        if let Some(Found::Content { bytes, sealed }) = &read.stdin {
            draft.stdin = Some(bytes.clone());
            draft.stdin_is_sealed = *sealed;
        }
        for (path, found) in &read.files {
            if let Found::Content { bytes, .. } = found {
                draft.files.insert(path.clone(), bytes.clone());
            }
        }
        if let Some(to) = &judgement.rewritten {
            draft.argv.clone_from(&to.argv);
            draft.env.clone_from(&to.env);
            if to.stdin.is_some() {
                draft.stdin.clone_from(&to.stdin);
                draft.stdin_is_sealed = false;
            }
            draft.rewritten = to.files.iter().map(|(path, _)| path.clone()).collect();
            draft.files.extend(to.files.iter().cloned());
        }
        draft
    }

    /// The places of `path` where the tool, given `probe` there, asks for that.
    fn places_of(&self, judge: &Judge<'_>, path: &[u8], probe: &[u8]) -> Vec<Place> {
        let mut places: Vec<Place> = self
            .candidates(path)
            .into_iter()
            .take(PLACES)
            .filter(|place| {
                let mut changed = self.clone();
                changed.put(std::slice::from_ref(place), path, probe);
                changed.asked(judge).contains(probe)
            })
            .collect();
        // From the end of a text, so that those before it stay where they are.
        places.reverse();
        places
    }

    fn candidates(&self, path: &[u8]) -> Vec<Place> {
        let ends = |word: &Vec<u8>| match word.strip_suffix(path) {
            // The whole word, `--file=PATH`, `@PATH`, `-fPATH`.
            Some(b"") => true,
            Some(before) => {
                before.ends_with(b"=") || before.ends_with(b"@") || before.starts_with(b"-")
            }
            None => false,
        };
        let of = |words: &[Vec<u8>], ends: &dyn Fn(&Vec<u8>) -> bool| -> Vec<usize> {
            (0..words.len()).filter(|at| ends(&words[*at])).collect()
        };
        let value = |entry: &Vec<u8>| entry.splitn(2, |byte| *byte == b'=').nth(1) == Some(path);
        let mut places: Vec<Place> = Vec::new();
        places.extend(of(&self.argv, &ends).into_iter().filter(|at| *at > 0).map(Place::Argument));
        places.extend(of(&self.env, &value).into_iter().map(Place::Variable));
        let stdin = self.stdin.iter().flat_map(|text| occurrences(text, path));
        places.extend(stdin.map(Place::Stdin));
        for (name, text) in &self.files {
            places.extend(occurrences(text, path).map(|at| Place::File(name.clone(), at)));
        }
        places
    }

    /// Puts `name` for `path` at these places, the last of each text first, and has the content of
    /// `path` stand behind `name`.
    fn put(&mut self, places: &[Place], path: &[u8], name: &[u8]) {
        for place in places {
            let (text, at) = match place {
                Place::Argument(index) => (self.argv.get_mut(*index), None),
                Place::Variable(index) => (self.env.get_mut(*index), None),
                Place::Stdin(at) => (self.stdin.as_mut(), Some(*at)),
                Place::File(file, at) => (self.files.get_mut(file), Some(*at)),
            };
            let Some(text) = text else { continue };
            let at = at.unwrap_or(text.len().saturating_sub(path.len()));
            text.splice(at..(at + path.len()).min(text.len()), name.iter().copied());
        }
        if let Some(content) = self.files.get(path).cloned() {
            self.files.insert(name.to_vec(), content);
        }
    }

    /// The files that the tool asks for and is handed.
    fn asked(&self, judge: &Judge<'_>) -> BTreeSet<Vec<u8>> {
        let stdin = self.stdin.as_deref().map_or(Stdin::Unknown, Stdin::Content);
        // A tool that a policy declares names no file whose content a verdict needs.
        judge.own_tools().read(&self.words().call(stdin), self).handed_over()
    }

    fn words(&self) -> Words<'_> {
        Words::of(self.snapshot, self.program).with(&self.argv, &self.env)
    }

    /// Judges the call as it will run: by what is handed over, and nothing else.
    fn confirm(&self, judge: &Judge<'_>, read: &Read) -> Result<(), String> {
        let stdin = match (&self.stdin, &read.stdin) {
            (Some(content), _) => Stdin::Content(content),
            (None, Some(Found::Terminal)) => Stdin::Terminal,
            (None, _) => Stdin::Unknown,
        };
        let judged = judge.judge(&self.words().call(stdin), self);
        match judged.decision.verdict {
            Verdict::Allow => Ok(()),
            Verdict::Rewrite if judged.rewritten.is_none() => Ok(()),
            Verdict::Rewrite => {
                Err("the call as it was handed over would have to be changed again".to_owned())
            }
            Verdict::Deny => Err(format!(
                "the call as it was handed over is denied: {}",
                judged.decision.deciding.reason
            )),
        }
    }
}

/// Where `part` begins in `text`, as a word of its own.
fn occurrences<'a>(text: &'a [u8], part: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let of_a_word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'/');
    text.windows(part.len().max(1))
        .enumerate()
        .filter(move |(at, window)| {
            *window == part
                && !of_a_word(at.checked_sub(1).and_then(|before| text.get(before)))
                && !of_a_word(text.get(at + part.len()))
        })
        .map(|(at, _)| at)
}
