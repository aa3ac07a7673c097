//! The walk of one held exec: intercept, decode, classify and decide, apply, record.

mod stage;
mod stop;

use std::collections::BTreeMap;
use std::time::Duration;

use claw_policy::Action;

use crate::apply::stop::Change;
use crate::apply::ticket::{self, Extent};
use crate::decode::{NoSnapshot, Snapshot};
use crate::guard::{Held, Received, Refusal};
use crate::intercept::Exec;
use crate::judge::environment_changes;
use crate::judge::image::{ImageJudgement, Plan, Response, Runs, judge_image};
use crate::record::{self, Entry, Level, Place, Proof, What};
use crate::sys::seccomp::Answer;

/// The walk of one exec.
pub(super) fn walk(held: Held<Received>, exec: &Exec) {
    let decoder = &held.session.host.decoder;
    let mut snapshot = match decoder.snapshot(&held.notification, exec, &held.generation.tools) {
        Ok(snapshot) => snapshot,
        Err(NoSnapshot::Gone) => return,
        // The kernel would have refused this exec too, so there is nothing to judge. `refuse` records only a
        // failure of claw's own.
        Err(NoSnapshot::Errno(errno)) => return held.refuse(errno),
    };
    if held.session.audit.is_short() {
        return held.refuse(Refusal::Unrecorded);
    }
    held.session.relays.look_through(&mut snapshot, decoder);
    if held.session.tickets().is_none() {
        // Only the kernel side can prove that the new image has this directory and shares it with nobody.
        snapshot.unproven_directory = snapshot.working_directory.take().map(|folder| folder.path);
    }
    snapshot.start = held.session.start.clone();
    let (held, response) = held.step(|Received| Seen { snapshot }).judge();
    match response {
        Response::Fail(errno) => held.fail(errno, None),
        Response::Run if !held.stops_to_run() => held.run(),
        Response::Run => held.stop_on_a_thread(Plan::Change(Change::Keep)),
        Response::Stop(plan) => held.stop_on_a_thread(plan),
    }
}

/// State of a call that was copied out of its tracee.
struct Seen {
    snapshot: Snapshot,
}

/// State of a call that was judged.
struct Judged {
    snapshot: Snapshot,
    judged: ImageJudgement,
    /// How long it took from the notification to the verdict.
    took: Duration,
}

/// Why an allowed call did not continue.
enum Stays {
    /// The caller is gone.
    Gone,
    /// It cannot be proven that what runs is what was judged, for this reason.
    Unproven(String),
}

impl Held<Seen> {
    /// Judges what the call would run. Returns the judged call and what to do with it.
    fn judge(self) -> (Held<Judged>, Response) {
        let (judged, response) = judge_image(&self.generation.policy, &self.state.snapshot);
        let took = self.took();
        (self.step(|Seen { snapshot }| Judged { snapshot, judged, took }), response)
    }
}

impl Held<Judged> {
    /// Continues the call as it was judged, and records how that went.
    fn run(self) {
        let place = self.session.audit.place();
        match self.go_on(self.state.looked_at_cwd()) {
            Ok(()) => self.record(place, Proof::Ticket, None),
            Err(Stays::Gone) => self.record(place, Proof::Answered, Some(CALLER_GONE.into())),
            Err(Stays::Unproven(why)) => self.fail(libc::EAGAIN, Some(why)),
        }
    }

    /// Fails the call with an errno, so nothing runs. `why` is the recorded outcome.
    fn fail(self, errno: i32, why: Option<String>) {
        let level = self.session.level;
        let (held, judged) = self.split();
        let entry = Box::new(judged.entry(level, Proof::Answered, why));
        held.refuse(Refusal::Judged { errno, entry });
    }

    /// Writes the ticket, where there is a kernel side, and lets the call continue.
    fn go_on(&self, with_directory: bool) -> Result<(), Stays> {
        let Judged { snapshot, .. } = &self.state;
        let Some(tickets) = self.session.tickets() else {
            // TOCTOU: the kernel reads path and arguments again; the caller is seized, and at its exec
            // stop what the kernel built from them is compared with what was judged.
            let answered = self.notification.answer(Answer::Continue);
            return if answered { Ok(()) } else { Err(Stays::Gone) };
        };
        let extent = Extent {
            with_env: self.state.looked_at_env(),
            with_directory,
            sealed: self.is_to_be_sealed(),
        };
        let ticket = ticket::ticket(tickets.key, snapshot, extent);
        tickets
            .write(snapshot.tid, ticket)
            .map_err(|error| Stays::Unproven(format!("no ticket could be written: {error}")))?;
        // TOCTOU: the kernel reads path and arguments again; the kernel proof compares what it builds
        // from them with the ticket just written.
        if self.notification.answer(Answer::Continue) {
            return Ok(());
        }
        tickets.withdraw(snapshot.tid);
        Err(Stays::Gone)
    }

    /// Whether a call that runs unchanged has to be compared or sealed at its exec stop.
    fn stops_to_run(&self) -> bool {
        self.session.host.kernel.is_none() || self.is_to_be_sealed()
    }

    /// Whether to close the new image's memory to other processes of its user. claw does this for every
    /// governed tool, but only with a kernel side: without one, the supervisor itself needs that permission
    /// at the next exec.
    fn is_to_be_sealed(&self) -> bool {
        let facts = &self.state.judged.judgement.facts;
        // A tool that only starts other programs has no secrets in memory, and `unshare` must be able to
        // write its own id maps.
        let holds = |action: &Action| action.domain.sealed();
        self.session.host.kernel.is_some()
            && facts.tool.is_some()
            && facts.actions.iter().skip(1).any(holds)
    }

    /// Records the outcome, at the place that was claimed before the process continued.
    fn record(self, place: Place, proof: Proof, outcome: Option<String>) {
        // The session may end as soon as `held` is dropped, so keep it until the record is queued.
        let (held, judged) = self.split();
        let entry = judged.entry(held.session.level, proof, outcome);
        held.session.audit.record_at(place, entry);
    }
}

/// The recorded outcome when the caller ended before it was answered.
const CALLER_GONE: &str = "the caller was gone";

impl Judged {
    /// Whether the verdict may depend on the environment.
    fn looked_at_env(&self) -> bool {
        self.judged.judgement.facts.tool.is_some()
    }

    /// Whether the verdict depends on the working directory.
    fn looked_at_cwd(&self) -> bool {
        self.judged.first.looked_at_cwd
    }

    /// The audit entry for this call.
    fn entry(self, level: Level, proof: Proof, outcome: Option<String>) -> Entry {
        let Self { mut snapshot, judged, took } = self;
        let decision = judged.judgement.decision;
        let program = snapshot.image.programs.swap_remove(judged.program);
        let (argv, asked, env) = match judged.runs {
            Some(Runs { argv, env }) => {
                let changes = environment_changes(snapshot.env.iter(), env.iter());
                let asked = Some(program.argv).filter(|asked| *asked != argv);
                (argv, asked, changes)
            }
            None => (program.argv, None, BTreeMap::new()),
        };
        let exec = record::Exec {
            path: program.path,
            argv: Some(argv),
            asked,
            env,
            facts: Some(judged.judgement.facts),
            took_ns: u64::try_from(took.as_nanos()).ok(),
        };
        Entry {
            verdict: Some(decision.verdict),
            rule: decision.deciding.rule,
            at: decision.deciding.at,
            because: decision.deciding.because,
            pid: Some(snapshot.process.as_raw_nonzero().get()),
            uid: snapshot.uid,
            outcome,
            ..Entry::new(What::Exec(Box::new(exec)), level, proof, decision.deciding.reason)
        }
    }
}
