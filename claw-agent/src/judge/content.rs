//! Judges an image by what it would read, at its exec stop, and has exactly that handed over.

mod hand_over;

use std::collections::{BTreeMap, BTreeSet};

use claw_classify::{File, Files, NoFiles, Stdin};
use claw_policy::{Policy, Verdict};

use super::call::Words;
use super::image::{self, ImageJudgement, Ruling, Runs};
use super::{Judge, Judgement, Opinion};
use crate::apply::stop::Change;
use crate::decode::{Found, Snapshot, Strings};

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

/// What the judgement of an image without any content leaves for its exec stop.
#[derive(Debug, Default)]
pub(crate) struct First {
    /// The files that its programs asked for.
    asked: BTreeSet<Vec<u8>>,
    /// Whether each program may run; nothing where a change of its call was not made yet.
    runs: Vec<Option<bool>>,
    /// Whether some program was denied, and standard input was looked at.
    may_need_stdin: bool,
    /// Whether what may run depends on the working directory.
    pub(crate) looked_at_cwd: bool,
}

impl First {
    /// That of these judgements, one for each program.
    pub(super) fn of(judgements: &[Judgement]) -> Self {
        let runs = |judged: &Judgement| {
            let unsettled = judged.rewritten.is_none() && !judged.decision.rewrites.is_empty();
            (!unsettled).then(|| judged.decision.verdict.runs())
        };
        Self {
            asked: asked(judgements),
            runs: judgements.iter().map(runs).collect(),
            may_need_stdin: judgements.iter().any(|judged| !judged.decision.verdict.runs())
                && judgements.iter().any(|judged| judged.looked_at_stdin),
            looked_at_cwd: judgements.iter().any(|judged| judged.looked_at_cwd),
        }
    }
}

fn asked(judgements: &[Judgement]) -> BTreeSet<Vec<u8>> {
    judgements.iter().flat_map(|judged| &judged.asked.while_judging).cloned().collect()
}

/// The program that decides, where the image will be judged by content whatever a change of its call comes to:
/// the one program that is to be changed asks for files, all others may run as they are, and none looks at
/// standard input.
pub(super) fn waits_for_the_stop(opinions: &[Opinion<'_>]) -> Option<usize> {
    let changes = |at: &usize| !opinions[*at].decision.rewrites.is_empty();
    let mut changed = (0..opinions.len()).filter(changes);
    let (program, None) = (changed.next()?, changed.next()) else { return None };
    let others = opinions.iter().enumerate().filter(|(at, _)| *at != program);
    let allowed = others.into_iter().all(|(_, other)| match other.decision.verdict {
        Verdict::Allow => true,
        Verdict::Rewrite | Verdict::Deny => false,
    });
    let reading = &opinions[program].reading;
    let asks = reading.facts.governed() && !reading.asked().is_empty();
    let looks = opinions.iter().any(|opinion| opinion.reading.looked_at_stdin());
    (allowed && asks && !looks).then_some(program)
}

/// Whether content could make a milder verdict of a program that was denied without any.
pub(super) fn matters(judge: &Judge<'_>, words: &Words<'_>, denied: &Judgement) -> bool {
    if denied.facts.tool.is_none() {
        return false;
    }
    let empty = || judge.read(&words.call(Stdin::Content(b"")), &NoFiles).reading.facts;
    !denied.asked.while_judging.is_empty() || (denied.looked_at_stdin && empty() != denied.facts)
}

/// Judges an image by what is there for it to read. `first` is what its judgement without content left.
pub(crate) fn judge_by_content(
    policy: &Policy,
    snapshot: &Snapshot,
    first: &First,
    stopped: &mut dyn Stopped,
) -> (ImageJudgement, Change) {
    let judge = Judge::of(policy);
    let words = image::words(snapshot);
    let (read, judgements) = read(&judge, &words, first, stopped);
    let (mut judged, ruling) = image::strictest(policy, snapshot, judgements);
    let program = &snapshot.image.programs[judged.program];
    if judged.judgement.decision.verdict.is_denied() {
        return (judged, ruling.at_stop());
    }
    let image = hand_over::Image { snapshot, words: &words, first, program: judged.program };
    match hand_over::hand_over(&judge, &image, &read, &judged.judgement, stopped) {
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

/// What was read for a call.
#[derive(Debug, Default)]
struct Read {
    files: BTreeMap<Vec<u8>, Found>,
    stdin: Option<Found>,
    /// Whether what is asked for and was not read yet will be.
    more: bool,
}

impl Files for Read {
    fn file(&self, path: &[u8]) -> File<'_> {
        match self.files.get(path) {
            Some(Found::Content { bytes, .. }) => File::content(bytes),
            Some(Found::Absent) => File::ABSENT,
            Some(Found::Folder(real)) => File::folder(real),
            Some(Found::Unreadable | Found::Terminal) => File::UNREADABLE,
            // It is read before the next round, if there is one.
            None if self.more => File::NOT_LOOKED_AT,
            None => File::UNREADABLE,
        }
    }
}

impl Read {
    fn stdin(&self) -> Stdin<'_> {
        match &self.stdin {
            Some(Found::Content { bytes, .. }) => Stdin::Content(bytes),
            Some(Found::Terminal) => Stdin::Terminal,
            Some(Found::Absent | Found::Unreadable | Found::Folder(_)) | None => Stdin::Unknown,
        }
    }

    fn judgements(&self, judge: &Judge<'_>, words: &[Words<'_>]) -> Vec<Judgement> {
        words.iter().map(|words| judge.judge(&words.call(self.stdin()), self)).collect()
    }

    /// Whether an empty standard input would give other facts than one that is not known. What is asked for on
    /// the way is added to `asked`.
    fn depends_on_stdin(
        &self,
        judge: &Judge<'_>,
        words: &[Words<'_>],
        judgements: &[Judgement],
        asked: &mut BTreeSet<Vec<u8>>,
    ) -> bool {
        let mut differs = false;
        for (words, judged) in words.iter().zip(judgements) {
            if judged.looked_at_stdin {
                let reading = judge.read(&words.call(Stdin::Content(b"")), self).reading;
                asked.extend(reading.asked());
                differs |= reading.facts != judged.facts;
            }
        }
        differs
    }

    fn read_files(&mut self, paths: impl IntoIterator<Item = Vec<u8>>, stopped: &mut dyn Stopped) {
        for path in paths {
            let found = stopped.file(&path);
            self.files.insert(path, found);
        }
    }
}

/// Reads what the tools ask for until they ask for nothing more, and judges by it; standard input is read only
/// where it would make a difference, because a pipe cannot be read twice.
fn read(
    judge: &Judge<'_>,
    words: &[Words<'_>],
    first: &First,
    stopped: &mut dyn Stopped,
) -> (Read, Vec<Judgement>) {
    let mut read = Read { more: true, ..Read::default() };
    // The first round was the judgement without content.
    if !first.may_need_stdin {
        read.read_files(first.asked.iter().cloned(), stopped);
    }
    for _ in 0..ROUNDS {
        let judgements = read.judgements(judge, words);
        let mut new = asked(&judgements);
        let look = read.stdin.is_none()
            && judgements.iter().any(|judged| !judged.decision.verdict.runs())
            && read.depends_on_stdin(judge, words, &judgements, &mut new);
        new.retain(|path| !read.files.contains_key(path));
        if new.is_empty() && !look {
            read.more = false;
            return (read, judgements);
        }
        read.read_files(new, stopped);
        if look {
            read.stdin = Some(stopped.stdin());
        }
    }
    read.more = false;
    let judgements = read.judgements(judge, words);
    (read, judgements)
}

#[cfg(test)]
mod tests;
