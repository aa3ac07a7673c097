//! A held call on its walk: it waits until it is answered.
//!
//! The type of its state says how far it has come, so no step can be taken too early: an exec goes from
//! [`Received`] to read, and from there to judged. Each step consumes the call, and returns it in its next
//! state or answers it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Generation, InFlight, Refusal, Session};
use crate::intercept::Notification;
use crate::sys::seccomp::Answer;

/// A call that waits for its answer, with its session and the policy that decides it to its end.
pub(crate) struct Held<State> {
    /// The session.
    pub(crate) session: Arc<Session>,
    /// The policy in force when the call came.
    pub(crate) generation: Arc<Generation>,
    /// The call.
    pub(crate) notification: Notification,
    /// How far it has come.
    pub(crate) state: State,
    began: Instant,
    /// Until this is dropped, the session is not over.
    in_flight: InFlight,
}

/// State of a call that has just come: nothing of it was read.
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

    /// Separates the call from its state, at the end of its walk.
    pub(crate) fn split(self) -> (Held<()>, State) {
        let Self { session, generation, notification, state, began, in_flight } = self;
        (Held { session, generation, notification, state: (), began, in_flight }, state)
    }

    /// Refuses it.
    pub(crate) fn refuse(self, refusal: impl Into<Refusal>) {
        self.session.refuse(&self.notification, refusal.into());
    }

    /// Answers the call.
    pub(crate) fn answer(self, answer: Answer) {
        // The caller may be gone.
        self.notification.answer(answer);
    }
}

impl<State: Send + 'static> Held<State> {
    /// Continues on a worker thread, so that a slow call does not block a receiver. If no thread can be
    /// started, `otherwise` gets the call back.
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
