//! The kernel side as the user side sees it: loading the programs, their maps and their events.

mod btf;
mod programs;
mod unix;

pub(crate) use programs::{Events, KernelSide, Settings, Tickets};
