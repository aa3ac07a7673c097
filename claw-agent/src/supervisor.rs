//! The walk of one held exec: intercept, decode, classify and decide, apply, record.
//!
//! Several threads run [`serve`] at once, and each decides what it receives there and then. Only a
//! change to a program takes a thread of its own, because it waits for the tracee.

mod at_stop;
pub(crate) mod mishap;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::apply::stop::{StopError, Stopped};
use crate::apply::{Proof, keep, on_behalf, ticket};
use crate::decode::{NoSnapshot, Snapshot};
use crate::intercept::{Asked, Exec, Listener, Notification};
use crate::judge::content::judge_by_content;
use crate::judge::environment_changes;
use crate::judge::image::{ImageJudgement, Response, Runs, judge_image};
use crate::reach;
use crate::record::{Kind, Place, Record};
use crate::session::{Guard, InFlight};
use crate::sys::ptrace::{Stop, Tracee};
use crate::sys::seccomp::Answer;
use at_stop::AtStop;
use claw_policy::{Action, Verdict};

/// Judges held calls until nobody is left to hold.
///
/// # Errors
/// If the listener fails; every further exec of the session then fails with ENOSYS.
pub(crate) fn serve(guard: &Arc<Guard>, listener: &Arc<Listener>) -> io::Result<()> {
    while let Some(notification) = listener.receive()? {
        let held = notification.clone();
        mishap::contain(guard, &held, || match notification.asked {
            Asked::Exec(exec) => hold_exec(guard, notification, &exec),
            Asked::Socket(call) => on_behalf::serve(guard, notification, call),
            Asked::Reach(reach) => reach::answer(guard, &notification, reach),
        });
    }
    Ok(())
}

/// The walk of one exec.
fn hold_exec(guard: &Arc<Guard>, notification: Notification, exec: &Exec) {
    let began = Instant::now();
    let in_flight = guard.in_flight();
    let snapshot = match guard.decoder.snapshot(&notification, exec) {
        Ok(snapshot) => snapshot,
        Err(NoSnapshot::Gone) => return,
        // Nothing would have run, so there is nothing to judge or to record, but what is claw's own doing.
        Err(NoSnapshot::Errno(errno)) => return mishap::fail(guard, &notification, errno),
    };
    if guard.audit.is_short() {
        return mishap::turn_away(guard, &notification);
    }
    let (judged, response) = judge_image(&guard.policy, &snapshot);
    let took = began.elapsed();
    let guard = Arc::clone(guard);
    let held = Held { guard, in_flight, notification, snapshot, judged, took, place: None };
    match response {
        Response::Fail(errno) => held.fail(errno, None),
        Response::Run if held.guard.kernel.is_some() && !held.is_to_be_sealed() => held.run(),
        response => held.stop_on_a_thread(response),
    }
}

/// A judged call that is still held.
struct Held {
    guard: Arc<Guard>,
    /// Until it is recorded, the session is not over.
    in_flight: InFlight,
    notification: Notification,
    snapshot: Snapshot,
    judged: ImageJudgement,
    /// From the notification to the verdict.
    took: Duration,
    /// Where its record stands, claimed before the process goes on.
    place: Option<Place>,
}

/// What came of an exec that was to be stopped.
enum Outcome {
    /// The new image is what was judged, and goes on as was decided.
    Ran,
    /// The exec failed by itself and the old program goes on, with the errno it got.
    Failed,
    /// The process ended first, with this wait status if it is known: the kernel proof, or somebody's
    /// SIGKILL.
    Gone(Option<i32>),
}

impl Held {
    /// Lets it run as it was judged.
    fn run(mut self) {
        self.claim_place();
        match self.let_run() {
            Ok(true) => self.record(Proof::Ticket, None),
            Ok(false) => self.record(Proof::Answered, Some("the caller was gone".into())),
            Err(why) => self.fail(libc::EAGAIN, Some(why)),
        }
    }

    /// Fails it with an errno; nothing runs.
    fn fail(mut self, errno: i32, why: Option<String>) {
        self.claim_place();
        self.notification.answer(Answer::Errno(errno));
        self.record(Proof::Answered, why);
    }

    /// Lets it run as far as its exec stop, where it is compared and changed.
    fn stop_on_a_thread(self, response: Response) {
        let crew = Arc::clone(&self.guard.crew);
        let given = crew.hand_over((self, response), |(held, response)| {
            let (guard, notification) = (Arc::clone(&held.guard), held.notification.clone());
            mishap::contain(&guard, &notification, || held.stop(response));
        });
        if let Err(((held, _), error)) = given {
            held.fail(libc::EAGAIN, Some(format!("no thread to prove it: {error}")));
        }
    }

    fn stop(mut self, response: Response) {
        let tracee = match Tracee::seize(self.snapshot.tid) {
            Ok(tracee) => tracee,
            Err(error) => {
                let why = format!("cannot attach to prove it, so it did not run: {error}");
                return self.fail(libc::EACCES, Some(why));
            }
        };
        match self.let_run() {
            Ok(true) => {}
            Ok(false) => return self.record(Proof::Answered, Some("the caller was gone".into())),
            Err(why) => {
                self.claim_place();
                self.notification.answer(Answer::Errno(libc::EAGAIN));
                // It is still on its way out of the call, not in a new image: let it go.
                tracee.release();
                return self.record(Proof::Answered, Some(why));
            }
        }
        let outcome = match self.at_the_stop(tracee, response) {
            Ok(Outcome::Ran) => None,
            Ok(Outcome::Failed) => {
                if let Some(tickets) = self.guard.tickets() {
                    tickets.withdraw(self.snapshot.tid);
                }
                Some("the exec failed by itself".into())
            }
            Ok(Outcome::Gone(status)) | Err(StopError::Gone(status)) => {
                if let Some(status) = status {
                    self.guard.saw_end_of(self.snapshot.process, status);
                }
                Some("it was killed before it ran".into())
            }
            Err(error) => {
                self.record_kill(&error);
                Some(format!("{error}; it was killed before it ran"))
            }
        };
        let proof = self.proof_at_the_stop();
        self.record(proof, outcome);
    }

    fn proof_at_the_stop(&self) -> Proof {
        if self.guard.kernel.is_some() { Proof::TicketAndStop } else { Proof::Stop }
    }

    /// Proof B, and what was decided; or the decision, where it waits for what the image would read.
    fn at_the_stop(
        &mut self,
        mut tracee: Tracee,
        response: Response,
    ) -> Result<Outcome, StopError> {
        let failed_with = match tracee.wait()? {
            Stop::Exec => None,
            Stop::Gone(status) => return Ok(Outcome::Gone(status)),
            Stop::Elsewhere(signal) => Some(signal),
            Stop::Trap | Stop::Call => Some(libc::SIGTRAP),
        };
        if let Some(signal) = failed_with {
            self.claim_place();
            tracee.detach(signal)?;
            return Ok(Outcome::Failed);
        }
        let Snapshot { image, env, .. } = &self.snapshot;
        // Where the kernel proof looks at the file, this need not.
        if self.guard.kernel.is_none() && !self.guard.decoder.runs(tracee.tid(), image.identity) {
            return Err(StopError::OtherFile);
        }
        let argv = ticket::argv(image);
        let seal = self.is_to_be_sealed();
        if let (Response::Run, false) = (&response, seal) {
            keep::compare(&tracee, argv, self.looked_at_env().then_some(env))?;
            self.claim_place();
            tracee.detach(0)?;
            return Ok(Outcome::Ran);
        }
        let mut stopped = Stopped::of(tracee, argv, env)?;
        // A call that is already denied only prints its message: there is nothing in its memory to protect.
        let may_run = matches!(response, Response::Look)
            || !self.judged.judgement.decision.verdict.is_denied();
        if let (true, Some(kernel)) = (seal && may_run, &self.guard.kernel) {
            stopped.seal()?;
            if !kernel.has_third_lock() {
                stopped.prove_untouched(argv, env, |tid, ours| {
                    kernel.holders.nobody_else(tid, ours)
                })?;
            }
        }
        let response = match response {
            Response::Look => self.look(&mut stopped)?,
            response => response,
        };
        stopped.change(&response.at_stop())?;
        self.claim_place();
        stopped.let_go()?;
        Ok(Outcome::Ran)
    }

    /// Judges it by what it would read.
    fn look(&mut self, stopped: &mut Stopped) -> Result<Response, StopError> {
        let mut content = AtStop::of(stopped)?;
        let (judged, response) =
            judge_by_content(&self.guard.policy, &self.snapshot, &self.judged.first, &mut content);
        self.judged = judged;
        Ok(response)
    }

    /// Whether other processes of its user are kept from its memory: that of every governed tool, where
    /// the supervisor itself needs no permission to read it at its next exec.
    fn is_to_be_sealed(&self) -> bool {
        let facts = &self.judged.judgement.facts;
        // What only starts other programs holds nothing, and `unshare` must write its own maps.
        let holds = |action: &Action| action.domain.governed && action.domain.name != "door";
        self.guard.kernel.is_some()
            && facts.tool.is_some()
            && facts.actions.iter().skip(1).any(holds)
    }

    /// Whether the verdict may depend on the environment.
    fn looked_at_env(&self) -> bool {
        self.judged.judgement.facts.tool.is_some()
    }

    /// As the kernel side's report of a program that it kills.
    fn record_kill(&self, why: &StopError) {
        self.guard.audit.record(Record {
            verdict: Some(Verdict::Deny),
            pid: Some(self.snapshot.process.as_raw_nonzero().get()),
            uid: self.snapshot.uid,
            ..Record::new(
                Kind::Killed,
                self.guard.level,
                self.proof_at_the_stop(),
                format!("killed before its first instruction: {why}"),
            )
        });
    }

    /// Writes the ticket, where there is a kernel side, and lets the call continue. `false` if the caller
    /// is gone.
    fn let_run(&self) -> Result<bool, String> {
        let Some(tickets) = self.guard.tickets() else {
            // TOCTOU: the kernel reads path and arguments again; the caller is seized, and at its exec
            // stop what the kernel built from them is compared with what was judged.
            return Ok(self.notification.answer(Answer::Continue));
        };
        let (with_env, sealed) = (self.looked_at_env(), self.is_to_be_sealed());
        let ticket = ticket::ticket(tickets.key, &self.snapshot, with_env, sealed);
        tickets
            .write(self.snapshot.tid, ticket)
            .map_err(|error| format!("no ticket could be written: {error}"))?;
        // TOCTOU: the kernel reads path and arguments again; the kernel proof compares what it builds
        // from them with the ticket just written.
        let answered = self.notification.answer(Answer::Continue);
        if !answered {
            tickets.withdraw(self.snapshot.tid);
        }
        Ok(answered)
    }

    /// What the process does once it goes on is recorded behind this.
    fn claim_place(&mut self) {
        self.place = Some(self.guard.audit.place());
    }

    fn record(self, proof: Proof, outcome: Option<String>) {
        let Self { guard, in_flight, mut snapshot, judged, took, place, .. } = self;
        let place = place.unwrap_or_else(|| guard.audit.place());
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
        let record = Record {
            verdict: Some(decision.verdict),
            rule: decision.deciding.rule,
            at: decision.deciding.at,
            because: decision.deciding.because,
            pid: Some(snapshot.process.as_raw_nonzero().get()),
            uid: snapshot.uid,
            path: program.path,
            argv: Some(argv),
            asked,
            env,
            outcome,
            facts: Some(judged.judgement.facts),
            took_ns: u64::try_from(took.as_nanos()).ok(),
            ..Record::new(Kind::Exec, guard.level, proof, decision.deciding.reason)
        };
        guard.audit.record_at(place, record);
        // The session may be over from here on.
        drop(in_flight);
    }
}
