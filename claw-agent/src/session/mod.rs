//! One `claw run`: three processes.
//!
//! - the *front* is what the user started: it waits in the terminal's job, passes signals on and ends
//!   with the command's status ([`front`]);
//! - the *supervisor* is its child, in a session of its own: it holds, judges and records
//!   ([`supervise`]);
//! - the *command* is the supervisor's child and stays in the front's process group, so that the
//!   terminal treats it like any job ([`command`]).
//!
//! The supervisor is the command's ancestor and outlives the front for as long as anything guarded runs. If
//! the supervisor dies, the front kills the whole tree. The front also keeps the kernel programs attached
//! until then.
//!
//! The means are the kernel side ([`crate::kernel`]), or at the level `held` only what an ancestor process
//! may do. [`assurance`] finds out by trying.

mod assurance;
mod cgroup;
mod command;
mod front;
mod journal;
mod observe;
mod supervise;
mod tree;
mod user;
mod watch;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use claw_policy::{Mode, Policy};
use rustix::process::{DumpableBehavior, getpid, set_dumpable_behavior};

use crate::record::{self, Level};
use crate::sys::process::{Fork, fork, trim_memory};
use assurance::Assurance;
pub(crate) use user::User;
use wire::Channel;

/// What `claw run` was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// The policy.
    pub(crate) policy: Policy,
    /// Hold nothing and deny nothing.
    pub(crate) observe: bool,
    /// The lowest level of assurance that is acceptable.
    pub(crate) require: Level,
    /// The session's labels.
    pub(crate) labels: Vec<(String, String)>,
    /// The folder of the audit.
    pub(crate) audit: PathBuf,
    /// The size at which a part of the audit is closed, in bytes.
    pub(crate) part_bytes: u64,
    /// The user to run the command as, if not the caller.
    pub(crate) user: Option<User>,
    /// The descriptors besides the standard streams that stay open in the command, where it runs as another user.
    pub(crate) keep_fds: Vec<u32>,
    /// The command and its arguments; not empty.
    pub(crate) command: Vec<OsString>,
}

/// Runs a command under guard and gives its exit status.
///
/// # Errors
/// What is missing, and how to provide it; nothing was started then.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let session = session_name().context("cannot read random numbers")?;
    let observe = options.observe || options.policy.mode() == Mode::Observe;
    let Assurance { level, kernel, tree, notice } =
        assurance::best(&options.policy, observe, options.require, &session)?;
    trim_memory();
    let own = getpid();
    let (front, supervisor) = Channel::pair().context("cannot make a socket pair")?;
    match fork().context("cannot fork the supervisor")? {
        // The front keeps a reference to the kernel side, which thereby outlives a supervisor that dies.
        Fork::Parent(child) => {
            drop(supervisor);
            front::wait(&front, child, &tree, kernel, notice.as_deref())
        }
        Fork::Child => {
            drop(front);
            let settings = record::Settings {
                folder: options.audit.clone(),
                part_bytes: options.part_bytes,
                session,
                labels: options.labels.clone(),
                for_connections: 0,
            };
            supervise::run(options, level, settings, (&supervisor, own), &tree, kernel)
        }
    }
}

/// Closes this process's memory, environment and descriptors to other processes of its user: at the level
/// `held` the guarded command runs as the same user. Children forked earlier are not affected.
fn be_unreadable() -> rustix::io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// Eight hexadecimal digits that name a session.
fn session_name() -> std::io::Result<String> {
    let mut random = [0u8; 4];
    fill_random(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn fill_random(buffer: &mut [u8]) -> std::io::Result<()> {
    use std::io::Read;
    std::fs::File::open("/dev/urandom")?.read_exact(buffer)
}
