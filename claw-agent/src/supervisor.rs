//! The walk of one held exec: intercept, decode, classify and decide, apply, record.
//!
//! Several threads run [`serve`] at once, and each decides what it receives there and then. Only a
//! change to a program takes a thread of its own, because it waits for the tracee.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::apply::{Proof, stop, ticket};
use crate::decode::{NoSnapshot, Snapshot};
use crate::intercept::{Listener, Notification};
use crate::judge::image::{ImageJudgement, Response, judge_image};
use crate::record::{Kind, Level, Record};
use crate::session::{Guard, InFlight};
use crate::sys::ptrace::Tracee;
use crate::sys::seccomp::Answer;

/// Judges held calls until nobody is left to hold.
///
/// # Errors
/// If the listener fails; every further exec of the session then fails with ENOSYS.
pub(crate) fn serve(guard: &Arc<Guard>, listener: &Arc<Listener>) -> io::Result<()> {
    while let Some(notification) = listener.receive()? {
        let began = Instant::now();
        let in_flight = guard.in_flight();
        let snapshot = match guard.decoder.snapshot(&notification) {
            Ok(snapshot) => snapshot,
            Err(NoSnapshot::Gone) => continue,
            // Nothing would have run: there is nothing to judge or to record.
            Err(NoSnapshot::Errno(errno)) => {
                notification.answer(Answer::Errno(errno.raw_os_error()));
                continue;
            }
        };
        let (judged, response) = judge_image(&guard.policy, &snapshot);
        let took = began.elapsed();
        let held =
            Held { guard: Arc::clone(guard), in_flight, notification, snapshot, judged, took };
        match response {
            Response::Run => held.run(),
            Response::Fail(errno) => held.fail(errno, None),
            Response::Change(change) => held.change_on_a_thread(change),
        }
    }
    Ok(())
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
}

impl Held {
    /// Lets it run as it was judged.
    fn run(self) {
        match self.let_run() {
            Ok(true) => self.record(Proof::Ticket, None),
            Ok(false) => self.record(Proof::Answered, Some("the caller was gone".into())),
            Err(why) => self.fail(libc::EPERM, Some(why)),
        }
    }

    /// Fails it with an errno; nothing runs.
    fn fail(self, errno: i32, why: Option<String>) {
        self.notification.answer(Answer::Errno(errno));
        self.record(Proof::Answered, why);
    }

    /// Lets it run as far as its exec stop, and changes it there.
    fn change_on_a_thread(self, change: stop::Change) {
        // If there is no thread to be had, the call must come back to be answered.
        let slot = Arc::new(Mutex::new(Some((self, change))));
        let take = |slot: &Mutex<Option<(Self, stop::Change)>>| {
            slot.lock().unwrap_or_else(PoisonError::into_inner).take()
        };
        let theirs = Arc::clone(&slot);
        let thread = std::thread::Builder::new().name("stop".into()).spawn(move || {
            if let Some((held, change)) = take(&theirs) {
                held.change(&change);
            }
        });
        if let Err(error) = thread
            && let Some((held, _)) = take(&slot)
        {
            held.fail(libc::EAGAIN, Some(format!("no thread to change it: {error}")));
        }
    }

    fn change(self, change: &stop::Change) {
        let tracee = match Tracee::seize(self.snapshot.tid) {
            Ok(tracee) => tracee,
            Err(error) => {
                let why = format!("cannot attach to change it, so it did not run: {error}");
                return self.fail(libc::EACCES, Some(why));
            }
        };
        match self.let_run() {
            Ok(true) => {}
            Ok(false) => return self.record(Proof::Answered, Some("the caller was gone".into())),
            Err(why) => {
                self.notification.answer(Answer::Errno(libc::EPERM));
                // It is still on its way out of the call, not in a new image: let it go.
                tracee.release();
                return self.record(Proof::Answered, Some(why));
            }
        }
        let judged = ticket::argv(&self.snapshot.image);
        let outcome = match stop::change(tracee, judged, &self.snapshot.env, change) {
            Ok(stop::Outcome::Changed) => None,
            Ok(stop::Outcome::Failed) => {
                self.guard.kernel.tickets.withdraw(self.snapshot.tid);
                Some("the exec failed by itself".into())
            }
            Ok(stop::Outcome::Gone(status)) => {
                self.guard.saw_end_of(self.snapshot.process, status);
                Some("it was killed before it ran".into())
            }
            Err(error) => Some(format!("{error}; it was killed before it ran")),
        };
        self.record(Proof::TicketAndStop, outcome);
    }

    /// Writes the ticket and lets the call continue. `false` if the caller is gone.
    fn let_run(&self) -> Result<bool, String> {
        let tickets = &self.guard.kernel.tickets;
        let with_env = self.guard.policy.speaks_of(&self.judged.judgement.facts);
        let ticket = ticket::ticket(tickets.key, &self.snapshot, with_env);
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

    fn record(self, proof: Proof, outcome: Option<String>) {
        let Self { guard, in_flight, mut snapshot, judged, took, .. } = self;
        let decision = judged.judgement.decision;
        let program = snapshot.image.programs.swap_remove(judged.program);
        let (argv, asked) = match judged.runs {
            Some(runs) => (runs, Some(program.argv)),
            None => (program.argv, None),
        };
        guard.audit.record(Record {
            verdict: Some(decision.verdict),
            rule: decision.deciding.rule,
            at: decision.deciding.at,
            because: decision.deciding.because,
            pid: Some(snapshot.process.as_raw_nonzero().get()),
            uid: snapshot.uid,
            path: program.path,
            argv: Some(argv),
            asked,
            outcome,
            facts: Some(judged.judgement.facts),
            took_ns: u64::try_from(took.as_nanos()).ok(),
            ..Record::new(Kind::Exec, Level::Proven, proof, decision.deciding.reason)
        });
        // The session may be over from here on.
        drop(in_flight);
    }
}
