//! The three walks of a held call, side by side: a program ([`exec`]), a peer ([`socket`]), another
//! process ([`reach`]). Each goes intercept, decode, judge, apply, record, and stands on one screen.
//!
//! Several threads run [`serve`] at once, and each decides on the spot the calls it receives. Only a call
//! that has to wait moves to a worker thread.

mod exec;
mod reach;
mod socket;

use std::io;
use std::sync::Arc;

use crate::guard::{Held, Session};
use crate::intercept::{Listener, Request};

/// Judges the held calls of a session until no process is left under its filter.
///
/// # Errors
/// If the listener fails; every further exec of the session then fails with ENOSYS.
pub(crate) fn serve(session: &Arc<Session>, listener: &Arc<Listener>) -> io::Result<()> {
    while let Some(notification) = listener.receive()? {
        let held = Held::new(session, notification.clone());
        session.contain(&notification, || match notification.request {
            Request::Exec(exec) => exec::walk(held, &exec),
            Request::Socket(call) => socket::walk(held, call),
            Request::Reach(reach) => reach::walk(held, reach),
        });
    }
    Ok(())
}
