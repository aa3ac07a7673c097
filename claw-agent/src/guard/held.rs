//! A held call on its walk: it waits until it is answered.
//!
//! What is known of it by then is its state's type, so no step can be taken before its turn: an exec goes
//! from [`Received`] to what was read of it, and from there to what was judged. Each step takes the call, and
//! gives it back in its next state or answers it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Generation, InFlight, Refusal, Session};
use crate::intercept::Notification;
use crate::sys::seccomp::Answer;

/// A call that waits for its answer, with the session it is of and the policy it goes by to its end.
pub(crate) struct Held<State> {
    /// The session.
    pub(crate) session: Arc<Session>,
    /// The policy, as it held when the call came.
    pub(crate) generation: Arc<Generation>,
    /// The call.
    pub(crate) notification: Notification,
    /// How far it has come.
    pub(crate) state: State,
    began: Instant,
    /// Until this is dropped, the session is not over.
    in_flight: InFlight,
}

/// The call has come, and nothing of it was read.
pub(crate) struct Received;

impl Held<Received> {
    /// A call that has just come.
    pub(crate) fn new(session: &Arc<Session>, notification: Notification) -> Self {
        Self {
            session: Arc::clone(session),
            generation: session.policy(),
            notification,
            state: Received,
            began: Instant::now(),
            in_flight: session.in_flight(),
        }
    }
}

impl<State> Held<State> {
    /// How long it has been held.
    pub(crate) fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// The same call, one step further.
    pub(crate) fn step<Next>(self, next: impl FnOnce(State) -> Next) -> Held<Next> {
        let Self { session, generation, notification, state, began, in_flight } = self;
        Held { session, generation, notification, state: next(state), began, in_flight }
    }

    /// The call by itself, and what is known of it: its walk ends here.
    pub(crate) fn split(self) -> (Held<()>, State) {
        let Self { session, generation, notification, state, began, in_flight } = self;
        (Held { session, generation, notification, state: (), began, in_flight }, state)
    }

    /// Refuses it.
    pub(crate) fn refuse(self, refusal: impl Into<Refusal>) {
        self.session.refuse(&self.notification, refusal.into());
    }

    /// Answers it with what came of it.
    pub(crate) fn answer(self, answer: Answer) {
        // The caller may be gone.
        self.notification.answer(answer);
    }
}

impl<State: Send + 'static> Held<State> {
    /// Goes on with it on a worker thread, so that a call that waits does not block a receiver; where none can
    /// be started, `otherwise` has it back.
    pub(crate) fn on_a_thread(
        self,
        work: impl FnOnce(Self) + Send + 'static,
        otherwise: impl FnOnce(Self, io::Error),
    ) {
        let crew = Arc::clone(&self.session.host.crew);
        let given = crew.hand_over(self, |held| {
            let (session, notification) = (Arc::clone(&held.session), held.notification.clone());
            session.contain(&notification, || work(held));
        });
        if let Err((held, error)) = given {
            otherwise(held, error);
        }
    }
}
