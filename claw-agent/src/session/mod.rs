//! One `claw run`: three processes.
//!
//! - the *front* is what the user started: it waits in the terminal's job, passes signals on and ends
//!   with the command's status ([`front`]);
//! - the *supervisor* is its child, in a session of its own: it holds, judges and records
//!   ([`supervise`]);
//! - the *command* is the supervisor's child and stays in the front's process group, so that the
//!   terminal treats it like any job ([`command`]).
//!
//! The supervisor is the command's ancestor and outlives the front for as long as anything guarded
//! runs. Should it die, the front ends the whole tree; while it lives, so do the programs in the
//! kernel.
//!
//! What is guarded with is the kernel side ([`crate::kernel`]), or at the level `held` nothing but what
//! an ancestor may do. Which it is was found by trying ([`assurance`]).

mod assurance;
mod cgroup;
mod command;
mod crew;
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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use claw_policy::{Mode, Policy};
use rustix::process::{DumpableBehavior, Pid, getpid, set_dumpable_behavior};

use crate::apply::on_behalf::Waits;
use crate::decode::Decoder;
use crate::kernel::{KernelSide, Tickets};
use crate::reach::Own;
use crate::record::{self, Audit, Level};
use crate::sys::process::{Fork, fork, trim_memory};
use assurance::Assurance;
use crew::Crew;
pub(crate) use user::User;
use wire::Channel;

/// What `claw run` was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    /// The policy.
    pub(crate) policy: Policy,
    /// Hold and deny nothing.
    pub(crate) observe: bool,
    /// The least level that will do.
    pub(crate) require: Level,
    /// The session's labels.
    pub(crate) labels: Vec<(String, String)>,
    /// The folder of the audit.
    pub(crate) audit: PathBuf,
    /// The size at which a part of the audit is closed, in bytes.
    pub(crate) part_bytes: u64,
    /// Whom the command runs as, where that is not the caller.
    pub(crate) user: Option<User>,
    /// The command and its arguments; not empty.
    pub(crate) command: Vec<OsString>,
}

/// Everything the supervisor's threads share.
pub(crate) struct Guard {
    /// The policy.
    pub(crate) policy: Policy,
    /// The programs in the kernel and their maps; nothing at the level `held`.
    pub(crate) kernel: Option<Arc<KernelSide>>,
    /// Threads for what has to wait.
    pub(crate) crew: Arc<Crew>,
    /// Connections on behalf that take their time.
    pub(crate) waits: Arc<Waits>,
    /// What decoding remembers.
    pub(crate) decoder: Decoder,
    /// Where records go.
    pub(crate) audit: Audit,
    /// The level of this session.
    pub(crate) level: Level,
    /// Who decides where sockets lead.
    pub(crate) sockets: Sockets,
    /// Whom nobody guarded may reach for.
    pub(crate) own: Own,
    /// How many calls are between their notification and their record.
    calls: Arc<AtomicUsize>,
    /// The command's process.
    command: Pid,
    /// The command's wait status, where a thread that traced it saw it end.
    ended: OnceLock<i32>,
}

/// Who decides where the sockets of guarded processes lead. In observe mode nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sockets {
    /// The kernel side, and nobody for Unix sockets, of which the policy does not speak.
    InKernel,
    /// The kernel side, which refuses what names a Unix socket: the supervisor makes those calls.
    UnixOnBehalf,
    /// The supervisor, which makes every call that may name an address.
    OnBehalf,
}

impl Sockets {
    /// For this policy, with this kernel side or none.
    fn of(policy: &Policy, kernel: Option<&KernelSide>) -> Self {
        match kernel {
            Some(_) if !policy.speaks_of_unix() => Self::InKernel,
            Some(kernel) if kernel.refuses_unix() => Self::UnixOnBehalf,
            _ => Self::OnBehalf,
        }
    }
}

/// A call between its notification and its record: one of those that [`Guard::is_busy`] counts.
pub(crate) struct InFlight {
    calls: Arc<AtomicUsize>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.calls.fetch_sub(1, Ordering::Release);
    }
}

impl Guard {
    /// Counts a call until what this returns is dropped.
    pub(crate) fn in_flight(&self) -> InFlight {
        self.calls.fetch_add(1, Ordering::Relaxed);
        InFlight { calls: Arc::clone(&self.calls) }
    }

    /// Whether any call is not recorded yet. A process that is gone has had its last call counted
    /// before it was answered, so look for processes first.
    fn is_busy(&self) -> bool {
        self.calls.load(Ordering::Acquire) > 0
    }

    /// What the kernel proof compares with, where there is one.
    pub(crate) fn tickets(&self) -> Option<&Tickets> {
        self.kernel.as_ref().map(|kernel| &kernel.tickets)
    }

    /// Notes how a process ended that a thread here traced: if it is the command, the kernel tells
    /// nobody else.
    pub(crate) fn saw_end_of(&self, process: Pid, status: i32) {
        if process == self.command {
            // The first one is the only one.
            let _ = self.ended.set(status);
        }
    }
}

/// Runs a command under guard and gives its exit status.
///
/// # Errors
/// What is missing, and what to do about it; nothing was started then.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let session = session_name().context("cannot read random numbers")?;
    let observe = options.observe || options.policy.mode() == Mode::Observe;
    let Assurance { level, kernel, tree, notice } =
        assurance::best(&options.policy, observe, options.require, &session)?;
    trim_memory();
    let own = getpid();
    let (front, supervisor) = Channel::pair().context("cannot make a socket pair")?;
    match fork().context("cannot fork the supervisor")? {
        // The front keeps the kernel side, so that it outlives a supervisor that dies.
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

/// Closes this process's memory, environment and descriptors to other processes of its user: at the
/// level `held` the guarded command runs as the same one. Children that were forked before stay as
/// they are.
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
