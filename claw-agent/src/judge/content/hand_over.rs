//! Has the program read what was judged: the content goes into sealed files in memory, the call is
//! changed to name those, and then it is judged once more as it will run.
//!
//! Which words of a call are paths is not known here. A path that a tool asked for is looked for in the
//! arguments, the environment and the scripts themselves; a place counts if the tool, with another
//! path there, asks for that one. What has no such place (`~/.psqlrc`) is unknown to the last
//! judgement, which decides; where the tool can be told to leave it alone, it is.

use std::collections::BTreeMap;

use claw_classify::{Call, File, Files, NoFiles, Stdin, Tools, skips_startup_file};
use claw_policy::{Policy, Verdict};

use super::{Asked, Read, Stopped};
use crate::decode::{Found, Program, Snapshot, Strings};
use crate::judge::image::judge_program;
use crate::judge::{Judgement, judge};

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
    policy: &Policy,
    snapshot: &Snapshot,
    program: &Program,
    read: &Read,
    judgement: &Judgement,
    stopped: &mut dyn Stopped,
) -> Result<Option<Handed>, String> {
    let env: Vec<&[u8]> = snapshot.env.iter().collect();
    let others = snapshot.image.programs.iter().filter(|other| !std::ptr::eq(*other, program));
    for other in others {
        let judged = judge_program(policy, other, snapshot.uid, &env, Stdin::Unknown, &NoFiles);
        if judged.decision.verdict == Verdict::Deny {
            return Err("the script and its interpreter both depend on content".to_owned());
        }
    }
    let mut draft = Draft::of(snapshot, program, read, judgement);
    let mut changed = judgement.rewritten.is_some();
    for path in read.files.keys() {
        let skip = judgement.facts.tool.and_then(|tool| skips_startup_file(tool, path));
        if let Some(word) = skip.filter(|_| !draft.argv.is_empty() && draft.asks_for(path)) {
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
        let places = draft.places_of(path, &probe);
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
    draft.confirm(policy, read)?;
    Ok(changed.then_some(Handed { argv: draft.argv, env: draft.env, stdin }))
}

/// A call on the way to be changed.
#[derive(Debug, Clone)]
struct Draft<'a> {
    program: &'a Program,
    uid: Option<u32>,
    argv: Vec<Vec<u8>>,
    env: Vec<Vec<u8>>,
    stdin: Option<Vec<u8>>,
    stdin_is_sealed: bool,
    /// The content behind each path.
    files: BTreeMap<Vec<u8>, Vec<u8>>,
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
        self.files.get(path).map_or(File::Unknown, |content| File::Content(content))
    }
}

impl<'a> Draft<'a> {
    fn of(snapshot: &Snapshot, program: &'a Program, read: &Read, judgement: &Judgement) -> Self {
        let owned = |strings: &Strings| strings.iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
        let mut draft = Self {
            program,
            uid: snapshot.uid,
            argv: owned(&program.argv),
            env: owned(&snapshot.env),
            stdin: None,
            stdin_is_sealed: false,
            files: BTreeMap::new(),
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
    fn places_of(&self, path: &[u8], probe: &[u8]) -> Vec<Place> {
        let mut places: Vec<Place> = self
            .candidates(path)
            .into_iter()
            .take(PLACES)
            .filter(|place| {
                let mut changed = self.clone();
                changed.put(std::slice::from_ref(place), path, probe);
                changed.asks_for(probe)
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

    fn asks_for(&self, path: &[u8]) -> bool {
        let asked = Asked::of(self);
        let stdin = self.stdin.as_deref().map_or(Stdin::Unknown, Stdin::Content);
        // A tool that a policy declares names no file whose content a verdict needs.
        self.with_call(stdin, |call| Tools::BUILT_IN.classify(call, &asked));
        asked.paths.borrow().contains(path)
    }

    fn with_call<T>(&self, stdin: Stdin<'_>, then: impl FnOnce(&Call<'_>) -> T) -> T {
        let argv: Vec<&[u8]> = self.argv.iter().map(Vec::as_slice).collect();
        let env: Vec<&[u8]> = self.env.iter().map(Vec::as_slice).collect();
        let names: Vec<&[u8]> = self.program.names.iter().map(Vec::as_slice).collect();
        let interpreters: Vec<&[u8]> =
            self.program.interpreters.iter().map(Vec::as_slice).collect();
        then(&Call {
            argv: &argv,
            env: &env,
            cwd: None,
            uid: self.uid,
            path: &self.program.path,
            names: &names,
            stdin,
            untrusted: self.program.untrusted,
            interpreters: &interpreters,
        })
    }

    /// Judges the call as it will run: by what is handed over, and nothing else.
    fn confirm(&self, policy: &Policy, read: &Read) -> Result<(), String> {
        let stdin = match (&self.stdin, &read.stdin) {
            (Some(content), _) => Stdin::Content(content),
            (None, Some(Found::Terminal)) => Stdin::Terminal,
            (None, _) => Stdin::Unknown,
        };
        let judged = self.with_call(stdin, |call| judge(policy, call, self));
        match (judged.decision.verdict, judged.rewritten) {
            (Verdict::Allow, _) | (Verdict::Rewrite, None) => Ok(()),
            (Verdict::Rewrite, Some(_)) => {
                Err("the call as it was handed over would have to be changed again".to_owned())
            }
            (Verdict::Deny, _) => Err(format!(
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
