//! The state of each session, which the supervisor sets.

use aya_ebpf::{macros::map, maps::Array};
use claw_common::{
    lineage::Mark,
    session::{State, slot},
};

use crate::layout::ROOM;

/// The state of each session. The loader sets the true size.
#[map]
static SESSIONS: Array<State> = Array::with_max_entries(1, 0);

/// The state of a process's session. An unknown session is shut and has no rules.
#[inline(always)]
pub(crate) fn state(mark: Mark) -> State {
    SESSIONS.get(slot(mark.session(), ROOM.load())).copied().unwrap_or([1, 0])
}
