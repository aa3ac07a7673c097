//! The kernel side as the user side sees it: loading the programs, their maps and their events. Each file
//! mirrors one of the same name in claw-ebpf, where there is one.

mod btf;
mod connect;
mod events;
mod holders;
mod lineage;
mod object;
mod programs;
mod tickets;
mod unix;

pub(crate) use events::Events;
pub(crate) use object::Refused;
pub(crate) use programs::{KernelSide, Settings};
pub(crate) use tickets::Tickets;
