//! Observe mode: an exec that has happened, judged as if it had been held.

use claw_common::event::{Event, FILENAME, LARGE_PAYLOAD};
use claw_policy::Verdict;

use crate::decode::{Decoder, Identity, Image, Program, Snapshot, Strings, last_name};
use crate::guard::Session;
use crate::judge::image::judge_observed;
use crate::record::{Entry, Exec, Level, Proof, What};

/// The record of an exec that the kernel side reports.
///
/// Known gaps, all in observe mode only. A tool is recognised by its file name alone. A program that ends at
/// once may be known only by the name it was called by. The working directory is read late, and the program
/// may have changed it. Arguments and environment are seen up to 32 KiB; the record says so when there was
/// more.
pub(super) fn record(session: &Session, event: &Event, payload: &[u8]) -> Entry {
    let (filename, area) = payload.split_at_checked(FILENAME).unwrap_or((payload, &[]));
    let called = filename.split(|byte| *byte == 0).next().unwrap_or_default();
    let whole = event.arg_len as usize + event.env_len as usize;
    let seen = area.get(..whole.min(LARGE_PAYLOAD)).unwrap_or(area);
    let (argv, env) = seen.split_at_checked(event.arg_len as usize).unwrap_or((seen, &[]));
    let snapshot = snapshot(
        &session.host.decoder,
        event,
        called,
        Strings::from_area(argv),
        Strings::from_area(env),
    );
    let Some(mut snapshot) = snapshot else {
        let what = What::Exec(Box::default());
        return Entry::new(what, Level::Observed, Proof::None, "the event names no process");
    };
    snapshot.start = session.start.clone();
    let generation = session.policy_at(event.generation).unwrap_or_else(|| session.policy());
    let judged = judge_observed(&generation.policy, &snapshot);
    let program = &snapshot.image.programs[judged.program];
    let deciding = judged.judgement.decision.deciding;
    let cut = whole > LARGE_PAYLOAD || event.cause != 0;
    let exec = Exec {
        path: program.path.clone(),
        argv: Some(program.argv.clone()),
        facts: Some(judged.judgement.facts),
        ..Exec::default()
    };
    Entry {
        // A call that was not seen whole cannot be called harmless.
        verdict: Some(if cut { Verdict::Deny } else { judged.judgement.decision.verdict }),
        rule: deciding.rule.filter(|_| !cut),
        at: deciding.at.filter(|_| !cut),
        because: deciding.because,
        pid: i32::try_from(event.tgid).ok(),
        uid: Some(event.uid),
        outcome: Some("observed: it ran as it was called".into()),
        ..Entry::new(
            What::Exec(Box::new(exec)),
            Level::Observed,
            Proof::None,
            if cut {
                "its arguments are too long to be observed whole".into()
            } else {
                deciding.reason
            },
        )
    }
}

/// The snapshot that a held call would have had, as far as the new image shows it.
fn snapshot(
    decoder: &Decoder,
    event: &Event,
    called: &[u8],
    argv: Strings,
    env: Strings,
) -> Option<Snapshot> {
    let tid = rustix::process::Pid::from_raw(i32::try_from(event.tgid).ok()?)?;
    let identity = Identity { dev: event.dev, ino: event.ino };
    // By now the process may run another program or have ended. Then only the called name is known.
    let running = decoder.running_path(tid, identity);
    let names = |path: &[u8]| vec![last_name(path).to_vec()];
    let mut programs = Vec::new();
    // A script's path is one of its interpreter's arguments, followed by the script's own.
    let script = argv.iter().skip(1).position(|argument| argument == called).map(|at| at + 1);
    let own = running.as_ref().is_some_and(|path| last_name(path) == last_name(called));
    if let Some(at) = script.filter(|_| !own) {
        programs.push(Program {
            path: called.to_vec(),
            names: names(called),
            argv: argv.iter().skip(at).collect(),
            untrusted: false,
            interpreters: Vec::new(),
        });
        let path = running.or_else(|| argv.iter().next().map(<[u8]>::to_vec)).unwrap_or_default();
        programs.push(Program {
            names: names(&path),
            path,
            argv,
            untrusted: false,
            interpreters: Vec::new(),
        });
    } else {
        let path = running.unwrap_or_else(|| called.to_vec());
        let names = [names(called), names(&path)].concat();
        programs.push(Program { path, names, argv, untrusted: false, interpreters: Vec::new() });
    }
    Some(Snapshot {
        tid,
        process: tid,
        uid: Some(event.uid),
        image: Image::new(identity, programs),
        env,
        caller: None,
        working_directory: decoder.working_directory(tid),
        unproven_directory: None,
        start: None,
    })
}
