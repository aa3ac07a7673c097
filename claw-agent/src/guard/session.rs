//! A session: one guarded tree, with where its calls come from, the policy it goes by, and its audit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use aya::maps::MapError;
use claw_common::lineage::Mark;
use claw_policy::Policy;
use rustix::process::Pid;

use super::host::{Host, Unguarded};
use super::policies::{Generation, Policies};
use super::relays::Relays;
use crate::kernel::{KernelSide, Tickets};
use crate::record::{Audit, Level};

/// One guarded tree.
pub(crate) struct Session {
    /// The host that guards it.
    pub(crate) host: Arc<Host>,
    /// How the kernel side tells it from others.
    number: u32,
    policies: Policies,
    /// Its level of assurance.
    pub(crate) level: Level,
    /// Who decides where its sockets lead.
    pub(crate) sockets: Sockets,
    /// Where its records go, with its labels.
    pub(crate) audit: Audit,
    /// Where its calls come from: the command that claw started.
    command: Command,
    /// The shells that run one program for a tool.
    pub(crate) relays: Relays,
    /// How many calls are between their notification and their record.
    calls: Arc<AtomicUsize>,
}

/// What a session begins with.
pub(crate) struct Settings {
    /// The policy.
    pub(crate) policy: Policy,
    /// The level of assurance.
    pub(crate) level: Level,
    /// Who decides where sockets lead, as its filter was made.
    pub(crate) sockets: Sockets,
    /// Where its records go.
    pub(crate) audit: Audit,
    /// Its first process, which runs nothing of its own yet.
    pub(crate) command: Pid,
}

/// The first process of a session.
struct Command {
    process: Pid,
    /// Its wait status, where a thread that traced it saw it end.
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
    /// For this policy at this level, with this kernel side or none.
    pub(crate) fn of(policy: &Policy, level: Level, kernel: Option<&KernelSide>) -> Self {
        match (level, kernel) {
            (Level::Observed, _) => Self::InKernel,
            (Level::Held | Level::Proven, Some(_)) if !policy.speaks_of_unix() => Self::InKernel,
            (Level::Held | Level::Proven, Some(kernel)) if kernel.refuse_unix() => {
                Self::UnixOnBehalf
            }
            (Level::Held | Level::Proven, _) => Self::OnBehalf,
        }
    }
}

/// A call between its notification and its record: one of those that [`Session::is_busy`] counts.
pub(crate) struct InFlight {
    calls: Arc<AtomicUsize>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.calls.fetch_sub(1, Ordering::Release);
    }
}

impl Session {
    /// Takes a session in, and puts its first process under guard.
    ///
    /// # Errors
    /// What the host lacks for it; nobody is guarded then.
    pub(crate) fn begin(host: &Arc<Host>, settings: Settings) -> Result<Arc<Self>> {
        let Settings { policy, level, sockets, audit, command } = settings;
        let session = host.admit(|number| {
            let first = generation(host, number, 1, policy)?;
            Ok(Self {
                host: Arc::clone(host),
                number,
                policies: Policies::new(first),
                level,
                sockets,
                audit,
                command: Command { process: command, ended: OnceLock::new() },
                relays: Relays::default(),
                calls: Arc::default(),
            })
        })?;
        session.guard_command().inspect_err(|_| host.dismiss(&session))?;
        Ok(session)
    }

    fn guard_command(&self) -> Result<()> {
        let Some(kernel) = &self.host.kernel else { return Ok(()) };
        let names_no_unix = self.sockets == Sockets::UnixOnBehalf;
        let mark = Mark::new(self.number, self.level == Level::Observed, names_no_unix)
            .context("the session's number is none that the kernel side knows")?;
        kernel.enter(self.command.process, mark).context("cannot put the command under guard")
    }

    /// Goes by another policy from the next call on. The port tables of the kernel side change with it; the
    /// filter of a running session does not, and must do for the new policy.
    ///
    /// # Errors
    /// [`Unguarded`]; the session goes by the policy it had.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only tests replace the policy of a running session as yet")
    )]
    pub(crate) fn adopt(&self, policy: Policy) -> Result<(), Unguarded> {
        self.policies.replace(|number, before| {
            if !policy.closed_doors().eq(before.policy.closed_doors()) {
                return Err(Unguarded::Fixed("other doors"));
            }
            if policy.speaks_of_unix() && self.sockets == Sockets::InKernel {
                return Err(Unguarded::Fixed("rules about Unix sockets"));
            }
            generation(&self.host, self.number, number, policy)
        })
    }

    /// How the kernel side tells this session from others.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// The policy that holds now: a call takes it once, and goes by it to its end.
    pub(crate) fn policy(&self) -> Arc<Generation> {
        self.policies.current()
    }

    /// The policy that an event of the kernel side's names, if it is known still.
    pub(crate) fn policy_at(&self, generation: u32) -> Option<Arc<Generation>> {
        self.policies.at(generation)
    }

    /// Counts a call until what this returns is dropped.
    pub(crate) fn in_flight(&self) -> InFlight {
        self.calls.fetch_add(1, Ordering::Relaxed);
        InFlight { calls: Arc::clone(&self.calls) }
    }

    /// Whether any call is not recorded yet. A process that is gone has had its last call counted
    /// before it was answered, so look for processes first.
    pub(crate) fn is_busy(&self) -> bool {
        self.calls.load(Ordering::Acquire) > 0
    }

    /// Whether the kernel side still guards any of its processes.
    pub(crate) fn is_guarded(&self) -> bool {
        self.host.kernel.as_ref().is_some_and(|kernel| kernel.guards_any(self.number))
    }

    /// What the kernel proof compares with, where there is one.
    pub(crate) fn tickets(&self) -> Option<&Tickets> {
        self.host.kernel.as_ref().map(|kernel| &kernel.tickets)
    }

    /// While there is no room for another record, has the kernel side let no connection through.
    ///
    /// # Errors
    /// If the kernel side cannot be told.
    pub(crate) fn shut_where_unrecorded(&self) -> Result<(), MapError> {
        let short = self.audit.is_short();
        let kernel = self.host.kernel.as_ref();
        kernel.map_or(Ok(()), |kernel| kernel.refuse_connections(self.number, short))
    }

    /// The process that the session began with.
    pub(crate) fn command(&self) -> Pid {
        self.command.process
    }

    /// Notes how a process ended that a thread here traced: if it is the command, the kernel tells
    /// nobody else.
    pub(crate) fn record_exit(&self, process: Pid, status: i32) {
        if process == self.command.process {
            // The first one is the only one.
            let _ = self.command.ended.set(status);
        }
    }

    /// The wait status of the command, where a thread that traced it saw it end.
    pub(crate) fn command_ended(&self) -> Option<i32> {
        self.command.ended.get().copied()
    }
}

/// Makes a policy ready to go by: looks for the tools it speaks of, and has its connect rules hold in the
/// kernel.
fn generation(
    host: &Host,
    session: u32,
    number: u32,
    policy: Policy,
) -> Result<Generation, Unguarded> {
    let tools = host.decoder.tools(&policy).map_err(Unguarded::Tools)?;
    if let Some(kernel) = &host.kernel {
        kernel.adopt(session, number, &policy)?;
    }
    Ok(Generation { number, policy, tools })
}
