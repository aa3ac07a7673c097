//! How a call reaches the supervisor: held by seccomp, or seen by the kernel side.

mod doors;
mod filter;
mod listener;
mod reach;

pub(crate) use doors::drop_capabilities;
pub(crate) use filter::install;
pub(crate) use listener::{Area, Exec, Listener, Notification, Request, SocketCall, Verb};
pub(crate) use reach::{Reach, Sent, Target};
