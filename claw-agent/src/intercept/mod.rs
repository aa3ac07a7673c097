//! How a call reaches the supervisor: held by seccomp, or seen by the kernel side.

mod filter;
mod listener;

pub(crate) use filter::install;
pub(crate) use listener::{Area, Asked, Exec, Listener, Notification, SocketCall, Verb};
