//! The command's side of a start: the child that puts itself under its filter and becomes the command.

use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};
use claw_policy::Door;

use rustix::process::Pid;

use super::tree::Tree;
use super::wire::{Channel, Message};
use super::{Options, User, be_unreadable};
use crate::guard::Sockets;
use crate::intercept;
use crate::record::Level;
use crate::sys::process::close_on_exec;

/// Exit statuses as a shell gives them: the command was not found, and it cannot be executed.
const NOT_FOUND: i32 = 127;
const CANNOT_EXECUTE: i32 = 126;

/// Becomes the command, or ends with a shell's exit status for a command that cannot run.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the child after a failed exec: it owns nothing, and speaks for a shell"
)]
pub(super) fn exec_command(
    options: &Options,
    (level, sockets): (Level, Sockets),
    own: &[Pid],
    supervisor: &Channel,
    tree: &Tree,
) -> ! {
    if let Err(error) = enter(options, (level, sockets), own, supervisor, tree) {
        // The supervisor passes this on to the front. If the supervisor is gone, so is the session.
        let _ = supervisor.send(&Message::Failed(format!("{error:#}")), None);
        std::process::exit(CANNOT_EXECUTE);
    }
    let (name, arguments) =
        options.command.split_first().map_or((None, &[][..]), |(name, rest)| (Some(name), rest));
    let name = name.cloned().unwrap_or_default();
    let user = options.user.as_ref().map(User::environment);
    let error = Command::new(&name).args(arguments).envs(user.into_iter().flatten()).exec();
    eprintln!("claw: {}: {error}", name.display());
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    std::process::exit(if missing { NOT_FOUND } else { CANNOT_EXECUTE });
}

/// Puts this process under the filter, hands over the listener, and waits until the supervisor is ready.
fn enter(
    options: &Options,
    (level, sockets): (Level, Sockets),
    own: &[Pid],
    supervisor: &Channel,
    tree: &Tree,
) -> Result<()> {
    tree.join().context("cannot join the session's cgroup")?;
    drop_rights(options, level)?;
    // This has to follow the change of user, which clears the death signal.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .context("cannot ask for the supervisor's death signal")?;
    let closed = options.policy.closed_doors();
    let listener = match (level, sockets) {
        (Level::Observed, _) => {
            supervisor.send(&Message::Ready, None)?;
            None
        }
        (_, Sockets::InKernel) => {
            let listener = intercept::install(closed, false, own)?;
            supervisor.send(&Message::Ready, Some(listener.as_fd()))?;
            Some(listener)
        }
        (_, Sockets::UnixOnBehalf | Sockets::OnBehalf) => {
            // Without a kernel side, connections through io_uring would pass unseen, so that door stays
            // closed.
            let io_uring = (sockets == Sockets::OnBehalf).then_some(Door::IoUring);
            let others = closed.filter(|door| Some(*door) != io_uring);
            let listener = intercept::install(others.chain(io_uring), true, own)?;
            // From here on sendmsg(2) is held and nobody answers yet, so the supervisor fetches the
            // descriptor itself.
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

/// Drops the capabilities that closed doors need, then root itself if `--user` names another user.
fn drop_rights(options: &Options, level: Level) -> Result<()> {
    if level != Level::Observed {
        intercept::drop_capabilities(options.policy.closed_doors())?;
    }
    if let Some(user) = &options.user {
        // What root has open is root's: a policy, a log, a socket.
        close_on_exec(3, &options.keep_fds).with_context(|| {
            format!(
                "cannot close root's descriptors to the command, or keep {:?}",
                options.keep_fds
            )
        })?;
        user.assume()?;
    }
    // Until its exec this process has a copy of the supervisor's memory, including the key of the kernel
    // proof, and another process of its user could read it. At the level `held` there is no key, and the
    // supervisor itself may be such a process.
    if level != Level::Held {
        be_unreadable().context("cannot close this process's memory to others of its user")?;
    }
    Ok(())
}
