//! The exec stop of a judged call: its new image is compared with what was judged, and changed or judged by
//! what it would read. It waits for its tracee, so it takes a thread of its own.

use claw_policy::Verdict;

use super::stage::Stage;
use super::{CALLER_GONE, Judged, Stays};
use crate::apply::error::StopError;
use crate::apply::stop::{Change, Stopped};
use crate::apply::{keep, ticket};
use crate::decode::Snapshot;
use crate::guard::Held;
use crate::judge::content::judge_by_content;
use crate::judge::image::Plan;
use crate::record::{Entry, Place, Proof, What};
use crate::sys::ptrace::{Stop, Tracee};

/// What came of an exec that was to be stopped.
enum Ended {
    /// The new image is what was judged, and goes on as was decided.
    Ran(Place),
    /// The exec failed by itself and the old program goes on, with the errno it got.
    Failed(Place),
    /// The process ended first, with this wait status if it is known: the kernel proof, or somebody's
    /// SIGKILL.
    Gone(Option<i32>),
}

impl Held<Judged> {
    /// Lets it run as far as its exec stop, on a thread that waits for it there.
    pub(super) fn stop_on_a_thread(self, plan: Plan) {
        self.on_a_thread(
            |held| held.stop(plan),
            |held, error| {
                held.fail(libc::EAGAIN, Some(format!("no thread to prove it: {error}")));
            },
        );
    }

    fn stop(self, plan: Plan) {
        let tracee = match Tracee::seize(self.state.snapshot.tid) {
            Ok(tracee) => tracee,
            Err(error) => {
                let why = format!("cannot attach to prove it, so it did not run: {error}");
                return self.fail(libc::EACCES, Some(why));
            }
        };
        // What it would read may lead to paths that its own words do not name.
        let with_directory = self.state.looked_at_cwd() || matches!(plan, Plan::Look);
        match self.go_on(with_directory) {
            Ok(()) => self.prove(tracee, plan),
            Err(Stays::Gone) => {
                let place = self.session.audit.place();
                self.record(place, Proof::Answered, Some(CALLER_GONE.into()));
            }
            Err(Stays::Unproven(why)) => {
                self.fail(libc::EAGAIN, Some(why));
                // It is still on its way out of the call, not in a new image: let it go.
                tracee.release();
            }
        }
    }

    /// Waits for the exec stop, does there what was planned, and records what came of it.
    fn prove(mut self, tracee: Tracee, plan: Plan) {
        let ended = self.at_the_stop(tracee, plan);
        let place = || self.session.audit.place();
        let (place, outcome) = match ended {
            Ok(Ended::Ran(place)) => (place, None),
            Ok(Ended::Failed(place)) => {
                if let Some(tickets) = self.session.tickets() {
                    tickets.withdraw(self.state.snapshot.tid);
                }
                (place, Some("the exec failed by itself".to_owned()))
            }
            Ok(Ended::Gone(status)) | Err(StopError::Gone(status)) => {
                if let Some(status) = status {
                    self.session.record_exit(self.state.snapshot.process, status);
                }
                (place(), Some("it was killed before it ran".to_owned()))
            }
            Err(error) => {
                self.record_kill(&error);
                (place(), Some(format!("{error}; it was killed before it ran")))
            }
        };
        let proof = self.proof_at_the_stop();
        self.record(place, proof, outcome);
    }

    fn proof_at_the_stop(&self) -> Proof {
        if self.session.host.kernel.is_some() { Proof::TicketAndStop } else { Proof::Stop }
    }

    /// Proof B, and what was decided; or the decision, where it waits for what the image would read.
    fn at_the_stop(&mut self, mut tracee: Tracee, plan: Plan) -> Result<Ended, StopError> {
        let failed_with = match tracee.wait()? {
            Stop::Exec => None,
            Stop::Gone(status) => return Ok(Ended::Gone(status)),
            Stop::Elsewhere(signal) => Some(signal),
            Stop::Trap | Stop::Call => Some(libc::SIGTRAP),
        };
        if let Some(signal) = failed_with {
            let place = self.session.audit.place();
            tracee.detach(signal)?;
            return Ok(Ended::Failed(place));
        }
        let seal = self.is_to_be_sealed();
        let Snapshot { image, env, .. } = &self.state.snapshot;
        let host = &self.session.host;
        // Where the kernel proof looks at the file, this need not.
        if host.kernel.is_none() && !host.decoder.runs(tracee.tid(), image.identity) {
            return Err(StopError::OtherFile);
        }
        let argv = ticket::argv(image);
        if let (Plan::Change(Change::Keep), false) = (&plan, seal) {
            keep::compare(&tracee, argv, self.state.looked_at_env().then_some(env))?;
            let place = self.session.audit.place();
            tracee.detach(0)?;
            return Ok(Ended::Ran(place));
        }
        let mut stopped = Stopped::of(tracee, argv, env)?;
        // A call already denied only prints its message; there is nothing in its memory to protect.
        let may_run =
            matches!(plan, Plan::Look) || !self.state.judged.judgement.decision.verdict.is_denied();
        if let (true, Some(kernel)) = (seal && may_run, &host.kernel) {
            stopped.seal()?;
            if !kernel.has_third_lock() {
                stopped.prove_untouched(argv, env, |tid, ours| {
                    kernel.holders.nobody_else(tid, ours)
                })?;
            }
        }
        let change = match plan {
            Plan::Change(change) => change,
            Plan::Look => self.look(&mut stopped)?,
        };
        stopped.change(&change)?;
        let place = self.session.audit.place();
        stopped.let_go()?;
        Ok(Ended::Ran(place))
    }

    /// Judges it by what it would read: that judgement is the one that counts.
    fn look(&mut self, stopped: &mut Stopped) -> Result<Change, StopError> {
        let mut stage = Stage::of(stopped)?;
        let policy = &self.generation.policy;
        let (judged, change) =
            judge_by_content(policy, &self.state.snapshot, &self.state.judged.first, &mut stage);
        self.state.judged = judged;
        Ok(change)
    }

    /// As the kernel side's report of a program that it kills.
    fn record_kill(&self, why: &StopError) {
        let snapshot = &self.state.snapshot;
        self.session.audit.record(Entry {
            verdict: Some(Verdict::Deny),
            pid: Some(snapshot.process.as_raw_nonzero().get()),
            uid: snapshot.uid,
            ..Entry::new(
                What::Killed,
                self.session.level,
                self.proof_at_the_stop(),
                format!("killed before its first instruction: {why}"),
            )
        });
    }
}
