//! The exec stop of a judged call. The supervisor compares the new image with what was judged, then changes
//! it or judges it again by the content it would read. Waiting for the tracee takes a worker thread.

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

/// How an exec that had to reach its exec stop ended.
enum Ended {
    /// The new image is what was judged, and continues as decided.
    Ran(Place),
    /// The exec failed by itself. The old program continues with that errno.
    Failed(Place),
    /// The process ended first, with this wait status if it is known. The kernel proof or another process
    /// killed it.
    Gone(Option<i32>),
}

impl Held<Judged> {
    /// Continues the call on a worker thread, which waits for it at its exec stop.
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
        // The content it would read may name relative paths that its arguments do not.
        let with_directory = self.state.looked_at_cwd() || matches!(plan, Plan::Look);
        match self.go_on(with_directory) {
            Ok(()) => self.prove(tracee, plan),
            Err(Stays::Gone) => {
                let place = self.session.audit.place();
                self.record(place, Proof::Answered, Some(CALLER_GONE.into()));
            }
            Err(Stays::Unproven(why)) => {
                self.fail(libc::EAGAIN, Some(why));
                // The call was refused before any exec, so the tracee is still the old program: release it.
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

    /// Runs proof B, then carries out the plan, which may be to judge the content first.
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
        // With a kernel side, the kernel proof already compares the file.
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

    /// Judges the call again, now with the content it would read. This judgement replaces the first.
    fn look(&mut self, stopped: &mut Stopped) -> Result<Change, StopError> {
        let mut stage = Stage::of(stopped)?;
        let policy = &self.generation.policy;
        let (judged, change) =
            judge_by_content(policy, &self.state.snapshot, &self.state.judged.first, &mut stage);
        self.state.judged = judged;
        Ok(change)
    }

    /// Records a kill as the kernel side would have reported it.
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
