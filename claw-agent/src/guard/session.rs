//! A session: one guarded tree, with the command it began with, its policy and its audit.

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
    /// Its number in the kernel side's maps.
    number: u32,
    policies: Policies,
    /// Its level of assurance.
    pub(crate) level: Level,
    /// Who decides the connections of its sockets.
    pub(crate) sockets: Sockets,
    /// Where its records go, with its labels.
    pub(crate) audit: Audit,
    /// Where its calls come from: the command that claw started.
    command: Command,
    /// The folder that it works in, without links; `None` if it has none.
    pub(crate) start: Option<Arc<[u8]>>,
    /// The shells that run one program for a tool.
    pub(crate) relays: Relays,
    /// How many calls are between their notification and their record.
    calls: Arc<AtomicUsize>,
}

/// What a session needs to begin.
pub(crate) struct Settings {
    /// The policy.
    pub(crate) policy: Policy,
    /// The level of assurance.
    pub(crate) level: Level,
    /// Who decides the connections of sockets, as its filter was built.
    pub(crate) sockets: Sockets,
    /// Where its records go.
    pub(crate) audit: Audit,
    /// Its first process, which has not run the command yet.
    pub(crate) command: Pid,
    /// The folder that it works in, without links; `None` if it has none.
    pub(crate) start: Option<Arc<[u8]>>,
}

/// The first process of a session.
struct Command {
    process: Pid,
    /// Its wait status, where a thread that traced it saw it end.
    ended: OnceLock<i32>,
}

/// Who decides the connections of guarded processes. In observe mode nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sockets {
    /// The kernel side. Unix sockets are free, because the policy has no rules for them.
    InKernel,
    /// The kernel side, which refuses every Unix address: the supervisor makes those calls.
    UnixOnBehalf,
    /// The supervisor, which makes every call that may name an address.
    OnBehalf,
}

impl Sockets {
    /// The choice for this policy and level, with or without a kernel side.
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
    /// Adds a session to the host, and puts its first process under guard.
    ///
    /// # Errors
    /// What the host lacks for it; nobody is guarded then.
    pub(crate) fn begin(host: &Arc<Host>, settings: Settings) -> Result<Arc<Self>> {
        let Settings { policy, level, sockets, audit, command, start } = settings;
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
                start,
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

    /// Puts another policy in force from the next call on. The kernel side's port tables change with it. The
    /// filter of a running session cannot change, so it must be right for the new policy too.
    ///
    /// # Errors
    /// [`Unguarded`]; the session keeps its policy then.
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

    /// The session's number in the kernel side's maps.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// The policy in force. A call takes it once and keeps it to its end.
    pub(crate) fn policy(&self) -> Arc<Generation> {
        self.policies.current()
    }

    /// The policy that an event of the kernel side names, if it is still remembered.
    pub(crate) fn policy_at(&self, generation: u32) -> Option<Arc<Generation>> {
        self.policies.at(generation)
    }

    /// Counts a call until what this returns is dropped.
    pub(crate) fn in_flight(&self) -> InFlight {
        self.calls.fetch_add(1, Ordering::Relaxed);
        InFlight { calls: Arc::clone(&self.calls) }
    }

    /// Whether any call is not recorded yet. Check first that no process is left: a call is counted before
    /// its process can end.
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

    /// Makes the kernel side refuse every connection while the audit has no room for another record.
    ///
    /// # Errors
    /// If the kernel side's map cannot be written.
    pub(crate) fn shut_where_unrecorded(&self) -> Result<(), MapError> {
        let short = self.audit.is_short();
        let kernel = self.host.kernel.as_ref();
        kernel.map_or(Ok(()), |kernel| kernel.refuse_connections(self.number, short))
    }

    /// The process that the session began with.
    pub(crate) fn command(&self) -> Pid {
        self.command.process
    }

    /// Notes how a traced process ended. If it is the command, wait(2) reports its end to the tracing thread
    /// alone.
    pub(crate) fn record_exit(&self, process: Pid, status: i32) {
        if process == self.command.process {
            // Only the first status counts; there is no second.
            let _ = self.command.ended.set(status);
        }
    }

    /// The wait status of the command, where a thread that traced it saw it end.
    pub(crate) fn command_ended(&self) -> Option<i32> {
        self.command.ended.get().copied()
    }
}

/// Prepares a policy: finds the tools it names, and loads its connect rules into the kernel.
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
