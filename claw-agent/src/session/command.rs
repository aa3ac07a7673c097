//! The command's side of a start: the child that puts itself under guard and becomes the command.

use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};
use claw_policy::Door;

use rustix::process::Pid;

use super::Options;
use super::tree::Tree;
use super::wire::{Channel, Message};
use crate::intercept;
use crate::record::Level;

/// The exit status of a command that is not there, and of one that cannot be executed; as a shell's.
const NOT_FOUND: i32 = 127;
const CANNOT_EXECUTE: i32 = 126;

/// Becomes the command, or ends with a shell's exit status for a command that cannot run.
pub(super) fn become_it(
    options: &Options,
    level: Level,
    guard: &[Pid],
    supervisor: &Channel,
    tree: &Tree,
) -> ! {
    if let Err(error) = enter(options, level, guard, supervisor, tree) {
        // The supervisor tells the front; if it is gone, so is everything else.
        let _ = supervisor.send(&Message::Failed(format!("{error:#}")), None);
        std::process::exit(CANNOT_EXECUTE);
    }
    let (name, arguments) =
        options.command.split_first().map_or((None, &[][..]), |(name, rest)| (Some(name), rest));
    let name = name.cloned().unwrap_or_default();
    let error = Command::new(&name).args(arguments).exec();
    eprintln!("claw: {}: {error}", name.display());
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    std::process::exit(if missing { NOT_FOUND } else { CANNOT_EXECUTE });
}

/// Goes under guard, hands over the listener, and waits until the supervisor is ready.
fn enter(
    options: &Options,
    level: Level,
    guard: &[Pid],
    supervisor: &Channel,
    tree: &Tree,
) -> Result<()> {
    tree.join().context("cannot join the session's cgroup")?;
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .context("cannot ask for the supervisor's death signal")?;
    let closed = options.policy.closed_doors();
    let listener = match level {
        Level::Observed => {
            supervisor.send(&Message::Ready, None)?;
            None
        }
        Level::Proven => {
            intercept::drop_capabilities(options.policy.closed_doors())?;
            let listener = intercept::install(closed, false, guard)?;
            supervisor.send(&Message::Ready, Some(listener.as_fd()))?;
            Some(listener)
        }
        Level::Held => {
            intercept::drop_capabilities(options.policy.closed_doors())?;
            // Connections through io_uring would pass unseen: that door stays closed here.
            let others = closed.filter(|door| *door != Door::IoUring);
            let listener = intercept::install(others.chain([Door::IoUring]), true, guard)?;
            // From here on sendmsg(2) is held, and nobody answers yet: the supervisor fetches it.
            supervisor.send(&Message::ListenerAt(listener.as_raw_fd()), None)?;
            Some(listener)
        }
    };
    match supervisor.receive().context("the supervisor went away")? {
        (Message::Go, _) => {
            drop(listener);
            Ok(())
        }
        (other, _) => anyhow::bail!("the supervisor says {other:?} instead of go"),
    }
}
