//! The kernel side as the user side sees it: loading the programs, their maps and their events.

mod btf;
mod events;
mod holders;
mod object;
mod programs;
mod unix;

pub(crate) use events::Events;
pub(crate) use programs::{KernelSide, Settings, Tickets};
