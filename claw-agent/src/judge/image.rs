//! Judges an image: the called file and every interpreter up to the one that runs, each as a call of its own,
//! because a `#!` line starts its interpreter without another exec.

use claw_classify::{Call, Governed, NoFiles, Secrets, Stdin, Tools, secrets};
use claw_policy::{Denial, Errno, Outcome, Policy, Refusal, Verdict};

use super::call::Words;
use super::content::{self, First};
use super::written::is_active;
use super::{Judge, Judgement, Opinion};
use crate::apply::stop::Change;
use crate::decode::{Program, Snapshot, Strings};

/// The exit status of a denied ungoverned program: a shell's "cannot execute".
const CANNOT_EXECUTE: u8 = 126;
/// How much of an action's text a denial quotes, in characters.
const QUOTE: usize = 160;

/// The response to a held exec.
#[derive(Debug, Clone)]
pub(crate) enum Response {
    /// Run it as it is.
    Run,
    /// Fail it with this errno.
    Fail(i32),
    /// Continue it to its exec stop, and carry out this plan there.
    Stop(Plan),
}

/// What to do with a new image at its exec stop.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// Change it.
    Change(Change),
    /// Judge it by the content it would read: [`super::content`].
    Look,
}

/// What follows from a judgement, before the exec or at the stop.
pub(super) enum Ruling {
    /// It runs as it is.
    Run,
    /// It runs changed.
    Change(Change),
    /// It does not run.
    Deny(Refused),
}

/// A denial, as the policy wants it.
pub(super) enum Refused {
    /// A bare errno.
    Errno(i32),
    /// The tool's own words, and its exit status.
    Said {
        /// The message.
        message: Vec<u8>,
        /// The exit status.
        status: u8,
    },
}

impl Ruling {
    /// The response before the exec.
    fn before(self) -> Response {
        match self {
            Self::Run => Response::Run,
            Self::Deny(Refused::Errno(errno)) => Response::Fail(errno),
            Self::Change(_) | Self::Deny(Refused::Said { .. }) => {
                Response::Stop(Plan::Change(self.at_stop()))
            }
        }
    }

    /// The change of an image at its exec stop. An errno comes too late there; exiting without a message is
    /// nearest to it.
    pub(super) fn at_stop(self) -> Change {
        match self {
            Self::Run => Change::Keep,
            Self::Change(change) => change,
            Self::Deny(Refused::Said { message, status }) => Change::Exit { message, status },
            Self::Deny(Refused::Errno(_)) => {
                Change::Exit { message: Vec::new(), status: CANNOT_EXECUTE }
            }
        }
    }
}

/// The verdict on an image.
#[derive(Debug)]
pub(crate) struct ImageJudgement {
    /// The judgement that decided.
    pub(crate) judgement: Judgement,
    /// The index of the program that the judgement is about.
    pub(crate) program: usize,
    /// That program's arguments and environment, if they were changed.
    pub(crate) runs: Option<Runs>,
    /// The summary of the judgement without content, for the exec stop.
    pub(crate) first: First,
}

/// The arguments and environment of a changed program.
#[derive(Debug)]
pub(crate) struct Runs {
    /// Its arguments.
    pub(crate) argv: Strings,
    /// Its environment.
    pub(crate) env: Strings,
}

/// Judges the programs of a snapshot; the strictest judgement decides. Returns it with the response.
///
/// If the program will certainly be judged by content at its exec stop, changes are made only there.
pub(crate) fn judge_image(policy: &Policy, snapshot: &Snapshot) -> (ImageJudgement, Response) {
    let judge = Judge::of(policy);
    let words = words(snapshot);
    let opinions: Vec<Opinion<'_>> = blind(&judge, &words);
    match content::waits_for_the_stop(&opinions) {
        Some(program) => {
            let mut judgements: Vec<Judgement> =
                opinions.into_iter().map(Opinion::unsettled).collect();
            let first = First::of(&judgements);
            let judgement = judgements.swap_remove(program);
            (ImageJudgement { judgement, program, runs: None, first }, Response::Stop(Plan::Look))
        }
        None => settled(&judge, snapshot, &words, opinions),
    }
}

/// Judges a call that was only observed, so its content stays unknown.
pub(crate) fn judge_observed(policy: &Policy, snapshot: &Snapshot) -> ImageJudgement {
    let judge = Judge::of(policy);
    let words = words(snapshot);
    settled(&judge, snapshot, &words, blind(&judge, &words)).0
}

/// The words of each program's call.
pub(super) fn words(snapshot: &Snapshot) -> Vec<Words<'_>> {
    snapshot.image.programs.iter().map(|program| Words::of(snapshot, program)).collect()
}

/// The decisions on calls whose content is unknown.
fn blind<'a>(judge: &'a Judge<'a>, words: &'a [Words<'a>]) -> Vec<Opinion<'a>> {
    words.iter().map(|words| judge.read(&words.call(Stdin::Unknown), &NoFiles)).collect()
}

/// Makes the changes that rules ask for, and says what follows.
fn settled(
    judge: &Judge<'_>,
    snapshot: &Snapshot,
    words: &[Words<'_>],
    opinions: Vec<Opinion<'_>>,
) -> (ImageJudgement, Response) {
    let mut judgements = Vec::with_capacity(opinions.len());
    let (mut asks, mut hopeless) = (false, false);
    for (words, opinion) in words.iter().zip(opinions) {
        let judgement = opinion.settle();
        asks |= !judgement.asked.while_judging.is_empty();
        hopeless |=
            judgement.decision.verdict.is_denied() && !content::matters(judge, words, &judgement);
        judgements.push(judgement);
    }
    let first = First::of(&judgements);
    let (mut judged, ruling) = strictest(judge.policy(), snapshot, judgements);
    judged.first = first;
    // Content may make a denial milder, or an allowed call stricter.
    let look = match judged.judgement.decision.verdict {
        Verdict::Deny => !hopeless,
        Verdict::Allow | Verdict::Rewrite => judged.judgement.facts.governed() && asks,
    };
    (judged, if look { Response::Stop(Plan::Look) } else { ruling.before() })
}

/// The judgement that decides, and what follows from it.
pub(super) fn strictest(
    policy: &Policy,
    snapshot: &Snapshot,
    mut judgements: Vec<Judgement>,
) -> (ImageJudgement, Ruling) {
    let programs = &snapshot.image.programs;
    // The image's arguments and environment after that program's change.
    let instead = |at: usize| {
        let to = judgements[at].rewritten.as_ref()?;
        let argv: Strings = to.argv.iter().map(Vec::as_slice).collect();
        Some((snapshot.image.argv_with(at, &argv), &to.env))
    };
    let mut changed = (0..judgements.len()).filter(|at| judgements[*at].rewritten.is_some());
    let first = changed.next().and_then(instead);
    let second = changed.find(|at| instead(*at) != first);
    if let Some(second) = second {
        deny(
            &mut judgements[second],
            "the script and its interpreter would both have to be changed",
        );
    }
    // Between equally strict judgements, prefer one with a change to make, then one of a governed tool, whose
    // reason says more.
    let decides = |judgement: &Judgement| {
        let changes = judgement.rewritten.is_some();
        (judgement.decision.verdict.strictness(), changes, judgement.facts.governed())
    };
    let program =
        (0..judgements.len()).rev().max_by_key(|at| decides(&judgements[*at])).unwrap_or_default();
    let judgement = judgements.swap_remove(program);
    let strings = |words: &[Vec<u8>]| words.iter().map(Vec::as_slice).collect::<Strings>();
    let rewritten = judgement.rewritten.as_ref();
    let runs = rewritten.map(|to| Runs { argv: strings(&to.argv), env: strings(&to.env) });
    let ruling = match judgement.decision.verdict {
        Verdict::Deny => Ruling::Deny(denial(policy, &judgement, &programs[program])),
        Verdict::Allow | Verdict::Rewrite => match &runs {
            Some(Runs { argv, env }) => Ruling::Change(Change::Run {
                argv: snapshot.image.argv_with(program, argv),
                env: env.clone(),
                stdin: None,
            }),
            None => Ruling::Run,
        },
    };
    (ImageJudgement { judgement, program, runs, first: First::default() }, ruling)
}

/// Turns a judgement into a denial.
pub(super) fn deny(judgement: &mut Judgement, reason: &str) {
    judgement.rewritten = None;
    let Outcome { action, rule, at, because, .. } = judgement.decision.deciding.clone();
    judgement.decision.refuse(Refusal { action, rule, at, reason: reason.to_owned(), because });
}

/// A denial as the policy wants it: the tool's own words, or a bare errno.
pub(super) fn denial(policy: &Policy, judgement: &Judgement, program: &Program) -> Refused {
    if let Denial::Errno(errno) = policy.denial() {
        return Refused::Errno(match errno {
            Errno::Eacces => libc::EACCES,
            Errno::Eperm => libc::EPERM,
            Errno::Enoent => libc::ENOENT,
        });
    }
    let deciding = &judgement.decision.deciding;
    let text = judgement.facts.actions.get(deciding.action).map_or("", |action| &action.text);
    let name = program.names.first().map(|name| String::from_utf8_lossy(name)).unwrap_or_default();
    let (prefix, status) = match governed(policy, judgement) {
        Some(Governed::Known(tool)) => (tool.denial.prefix.to_owned(), tool.denial.status),
        Some(Governed::Declared(grammar)) => (format!("{}: ", grammar.name), grammar.exit_status),
        None => (format!("claw: {}: ", quote(&name)), CANNOT_EXECUTE),
    };
    let argv: Vec<&[u8]> = program.argv.iter().collect();
    // Mask the program's own secrets: a terminal or a model's log may keep the message.
    let secrets = secrets(&Call { argv: &argv, ..Call::default() });
    let text = quote(&secrets.hide(text));
    let message = match (&deciding.unread, &deciding.rule) {
        // Nobody says that this is forbidden, and whoever spells it plainly may get through.
        (Some(why), Some(rule)) => {
            let what = match judgement.facts.actions.get(deciding.action) {
                Some(action) if action.domain.name() == "sql" => "SQL",
                _ => "call",
            };
            let why = why.strip_prefix("it does not parse: ").unwrap_or(why);
            let why = quote(&secrets.hide(why));
            format!("{prefix}claw cannot read this {what}: {why}; in: {text} (claw rule {rule})\n")
        }
        _ => {
            let because = because(deciding, &secrets);
            format!("{prefix}permission denied: {text} ({because})\n")
        }
    };
    Refused::Said { message: message.into_bytes(), status }
}

/// The tool that a judgement is about.
fn governed<'p>(policy: &'p Policy, judgement: &Judgement) -> Option<Governed<'p>> {
    Tools::with(policy.declared()).named(judgement.facts.tool.as_deref()?)
}

/// `claw rule ID: REASON`, or what default it was.
fn because(deciding: &Outcome, secrets: &Secrets) -> String {
    let reason = quote(&secrets.hide(&deciding.reason));
    match &deciding.rule {
        Some(rule) => format!("claw rule {rule}: {reason}"),
        None => format!("claw: {reason}"),
    }
}

/// Text for a terminal: one line, nothing that it would act on, not too long.
fn quote(text: &str) -> String {
    let mut quoted: String =
        text.chars().map(|char| if is_active(char) { ' ' } else { char }).take(QUOTE).collect();
    if text.chars().nth(QUOTE).is_some() {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_denial_quotes_cannot_steer_a_terminal() {
        assert_eq!(quote("a\u{1b}[2Jb\nc"), "a [2Jb c");
        assert_eq!(quote("a\u{9b}2Jb\u{202e}c\u{2066}d\u{200b}"), "a 2Jb c d ");
        assert_eq!(quote(&"x".repeat(QUOTE + 1)).chars().count(), QUOTE + 1);
        assert!(quote(&"x".repeat(QUOTE + 1)).ends_with('…'));
    }
}
