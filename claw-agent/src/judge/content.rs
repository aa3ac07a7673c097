//! Judges an image by what it would read, at its exec stop, and has exactly that handed over.

mod hand_over;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use claw_classify::{File, Files, NoFiles, Stdin};
use claw_policy::Policy;

use super::Judgement;
use super::image::{self, ImageJudgement, Ruling, Runs};
use crate::apply::stop::Change;
use crate::decode::{Found, Program, Snapshot, Strings};

/// A new image at its exec stop, as far as judging needs it.
pub(crate) trait Stopped {
    /// What is at a path.
    fn file(&mut self, path: &[u8]) -> Found;
    /// What standard input holds.
    fn stdin(&mut self) -> Found;
    /// Opens an empty file in memory for it and returns the descriptor.
    ///
    /// # Errors
    /// Why not, in one line.
    fn reserve(&mut self) -> Result<u32, String>;
    /// Fills such a file, and seals it.
    ///
    /// # Errors
    /// Why not, in one line.
    fn fill(&mut self, descriptor: u32, content: &[u8]) -> Result<(), String>;
}

/// How often a call is judged again because it asked for more: a script that includes a script.
const ROUNDS: usize = 16;

/// Whether content could make a milder verdict of a program that was denied without any, having asked
/// for files or not.
pub(super) fn matters(
    policy: &Policy,
    program: &Program,
    uid: Option<u32>,
    env: &[&[u8]],
    denied: &Judgement,
    asked: &Asked<'_>,
) -> bool {
    if denied.facts.tool.is_none() {
        return false;
    }
    let empty = || image::judge_program(policy, program, uid, env, Stdin::Content(b""), &NoFiles);
    asked.has_any() || empty().facts != denied.facts
}

/// Judges an image by what is there for it to read.
pub(crate) fn judge_by_content(
    policy: &Policy,
    snapshot: &Snapshot,
    stopped: &mut dyn Stopped,
) -> (ImageJudgement, Change) {
    let read = read(policy, snapshot, stopped);
    let judgements = read.judgements(policy, snapshot);
    let (mut judged, ruling) = image::strictest(policy, snapshot, judgements);
    let program = &snapshot.image.programs[judged.program];
    if judged.judgement.decision.verdict.is_denied() {
        return (judged, ruling.at_stop());
    }
    match hand_over::hand_over(policy, snapshot, program, &read, &judged.judgement, stopped) {
        Ok(None) => (judged, ruling.at_stop()),
        Ok(Some(handed)) => {
            let argv: Strings = handed.argv.iter().map(Vec::as_slice).collect();
            let env: Strings = handed.env.iter().map(Vec::as_slice).collect();
            let change = Change::Run {
                argv: snapshot.image.argv_with(judged.program, &argv),
                env: env.clone(),
                stdin: handed.stdin,
            };
            judged.runs = Some(Runs { argv, env });
            (judged, change)
        }
        Err(reason) => {
            image::deny(&mut judged.judgement, &reason);
            let denial = image::denial(policy, &judged.judgement, program);
            (judged, Ruling::Deny(denial).at_stop())
        }
    }
}

/// Notes which paths are asked for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    known: &'a dyn Files,
    paths: RefCell<BTreeSet<Vec<u8>>>,
}

impl<'a> Asked<'a> {
    /// Over what is known.
    pub(super) fn of(known: &'a dyn Files) -> Self {
        Self { known, paths: RefCell::default() }
    }

    /// Whether any was.
    pub(super) fn has_any(&self) -> bool {
        !self.paths.borrow().is_empty()
    }
}

impl Files for Asked<'_> {
    fn file(&self, path: &[u8]) -> File<'_> {
        self.paths.borrow_mut().insert(path.to_vec());
        self.known.file(path)
    }
}

/// What was read for a call.
#[derive(Debug, Default)]
struct Read {
    files: BTreeMap<Vec<u8>, Found>,
    stdin: Option<Found>,
}

impl Files for Read {
    fn file(&self, path: &[u8]) -> File<'_> {
        match self.files.get(path) {
            Some(Found::Content { bytes, .. }) => File::Content(bytes),
            Some(Found::Absent) => File::Absent,
            Some(Found::Unknown | Found::Terminal) | None => File::Unknown,
        }
    }
}

impl Read {
    fn stdin(&self) -> Stdin<'_> {
        match &self.stdin {
            Some(Found::Content { bytes, .. }) => Stdin::Content(bytes),
            Some(Found::Terminal) => Stdin::Terminal,
            Some(Found::Absent | Found::Unknown) | None => Stdin::Unknown,
        }
    }

    fn judgements(&self, policy: &Policy, snapshot: &Snapshot) -> Vec<Judgement> {
        self.judged(policy, snapshot, self.stdin(), self)
    }

    fn judged(
        &self,
        policy: &Policy,
        snapshot: &Snapshot,
        stdin: Stdin<'_>,
        files: &dyn Files,
    ) -> Vec<Judgement> {
        let env: Vec<&[u8]> = snapshot.env.iter().collect();
        let programs = snapshot.image.programs.iter();
        let uid = snapshot.uid;
        programs
            .map(|program| image::judge_program(policy, program, uid, &env, stdin, files))
            .collect()
    }
}

/// Reads what the tools ask for until they ask for nothing more; standard input only where it would
/// make a difference, because a pipe cannot be read twice.
fn read(policy: &Policy, snapshot: &Snapshot, stopped: &mut dyn Stopped) -> Read {
    let mut read = Read::default();
    for _ in 0..ROUNDS {
        let asked = Asked::of(&read);
        let now = read.judged(policy, snapshot, read.stdin(), &asked);
        let look = read.stdin.is_none()
            && now.iter().any(|judged| !judged.decision.verdict.runs())
            && now
                .iter()
                .zip(read.judged(policy, snapshot, Stdin::Content(b""), &asked))
                .any(|(unknown, empty)| unknown.facts != empty.facts);
        let mut new = asked.paths.take();
        new.retain(|path| !read.files.contains_key(path));
        if new.is_empty() && !look {
            break;
        }
        for path in new {
            let found = stopped.file(&path);
            read.files.insert(path, found);
        }
        if look {
            read.stdin = Some(stopped.stdin());
        }
    }
    read
}

#[cfg(test)]
mod tests;
