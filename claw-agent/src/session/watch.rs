//! Turns the kernel side's events into records of the session that each is about: connections, kills, and
//! in observe mode execs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use claw_common::event::{Event, Lost, cause, kind};
use claw_common::net::NO_RULE;
use claw_policy::{Policy, Verdict};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::observe;
use crate::guard::{Host, Session};
use crate::kernel::Events;
use crate::record::{Connect, Entry, Level, Proof, What};
use crate::vital;

/// How long events that did not wake the reader may wait in the ring.
const EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// How often the reader asks which events found no room.
const LOSSES_EVERY: Duration = Duration::from_secs(1);

/// The reader of a host's ring.
pub(crate) struct Watch {
    host: Arc<Host>,
    events: Mutex<Events>,
}

impl Watch {
    /// Starts the thread that reads the kernel side's events; `None` without a kernel side.
    ///
    /// # Errors
    /// If the events were taken before, or no thread can be started.
    pub(crate) fn start(host: &Arc<Host>) -> Result<Option<Arc<Self>>> {
        let Some(kernel) = &host.kernel else { return Ok(None) };
        let events = kernel.take_events().context("the events are read already")?;
        let descriptor = events.descriptor().context("cannot wait for events")?;
        let watch = Arc::new(Self { host: Arc::clone(host), events: Mutex::new(events) });
        let reader = Arc::clone(&watch);
        vital::spawn("watch", move || {
            let mut told = Instant::now();
            loop {
                let mut fds = [PollFd::new(&descriptor, PollFlags::IN)];
                // An interrupted wait is as good as a finished one.
                let _ = poll(&mut fds, Some(&EVERY));
                reader.drain();
                if told.elapsed() > LOSSES_EVERY {
                    told = Instant::now();
                    let sessions = reader.host.sessions();
                    let with_room = sessions.iter().filter(|session| !session.audit.is_short());
                    with_room.for_each(|session| reader.tell_losses(session));
                }
            }
        })?;
        Ok(Some(watch))
    }

    /// Records everything that has been reported so far. While a session's audit has no room for more, the
    /// kernel side refuses all its connections.
    pub(crate) fn drain(&self) {
        for session in self.host.sessions() {
            if let Err(error) = session.shut_where_unrecorded() {
                tracing::error!(%error, "cannot tell the kernel side whether there is room in the audit");
            }
        }
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((event, payload)) = events.next() {
            let Some(session) = self.host.session(event.session) else {
                tracing::error!(
                    session = event.session,
                    "the kernel side reports an unknown session"
                );
                continue;
            };
            if let Some(record) = record(&session, &event, &payload) {
                session.audit.record(record);
            }
        }
    }

    /// Records how many events of a session found no room since the last time.
    pub(crate) fn tell_losses(&self, session: &Session) {
        let lost =
            self.events.lock().unwrap_or_else(PoisonError::into_inner).lost(session.number());
        match lost {
            Ok(lost) => losses(session, &lost).for_each(|record| session.audit.record(record)),
            Err(error) => tracing::error!(%error, "cannot ask what the kernel side lost"),
        }
    }
}

/// One record for each kind of event that found no room.
fn losses(session: &Session, lost: &Lost) -> impl Iterator<Item = Entry> {
    let level = session.level;
    let kinds = (0..).zip(*lost).filter(|(_, count)| *count > 0);
    kinds.map(move |(kind, count)| {
        let what = match kind {
            kind::CONNECT if level == Level::Observed => "connections, which went on",
            kind::CONNECT => "connections, none of which was made",
            kind::EXEC_OBSERVED => "programs, which ran",
            kind::EXEC_REFUSED => "programs, which were refused",
            _ => "processes, which the kernel side has ended",
        };
        let (verdict, proof) = match level {
            Level::Observed => (None, Proof::None),
            Level::Held | Level::Proven => (Some(Verdict::Deny), Proof::InKernel),
        };
        Entry {
            verdict,
            ..Entry::new(
                What::Lost { count },
                level,
                proof,
                format!("could not be recorded: {count} {what}"),
            )
        }
    })
}

fn record(session: &Session, event: &Event, payload: &[u8]) -> Option<Entry> {
    match event.kind {
        kind::EXEC_PROVEN => None,
        kind::EXEC_KILLED => {
            Some(prevented(event, What::Killed, "killed before its first instruction"))
        }
        kind::EXEC_REFUSED => {
            Some(prevented(event, What::Refused, "refused while its caller was still there"))
        }
        kind::EXEC_OBSERVED => Some(observe::record(session, event, payload)),
        kind::CONNECT => {
            // The rule belongs to the policy that decided, which may have been replaced since.
            let decided_by = session.policy_at(event.generation);
            let policy = decided_by.as_ref().map(|generation| &generation.policy);
            Some(connection(policy, session.level, event))
        }
        kind::LINEAGE_LOST => Some(Entry {
            verdict: Some(Verdict::Deny),
            pid: i32::try_from(event.tgid).ok(),
            uid: Some(event.uid),
            ..Entry::new(
                What::Killed,
                session.level,
                Proof::InKernel,
                "cannot guard the new process: pid out of range",
            )
        }),
        unknown => {
            tracing::error!(kind = unknown, "the kernel side reports an unknown event");
            None
        }
    }
}

/// The entry for a connection that the kernel side decided under `policy`; `policy` is `None` if it was
/// replaced too long ago.
fn connection(policy: Option<&Policy>, level: Level, event: &Event) -> Entry {
    let [a, b, c, d] = event.addr;
    let ip = if event.family == 4 {
        IpAddr::V4(Ipv4Addr::from(a.to_ne_bytes()))
    } else {
        let mut octets = [0; 16];
        for (bytes, word) in octets.chunks_exact_mut(4).zip([a, b, c, d]) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    let to = SocketAddr::new(ip.to_canonical(), u16::try_from(event.port).unwrap_or_default());
    let by_default = event.rule == u32::from(NO_RULE);
    let rules = policy.map(Policy::connect);
    let rule = rules.and_then(|rules| rules.get(event.rule as usize)).filter(|_| !by_default);
    let reason = match rule {
        Some(rule) => rule.reason.clone(),
        None if by_default => "no rule about connections matches: the policy's default".to_owned(),
        None => "a rule of a policy that was replaced meanwhile".to_owned(),
    };
    let proof = if level == Level::Observed { Proof::None } else { Proof::InKernel };
    let connect = Connect {
        to: Some(to.to_string()),
        protocol: Some(match event.protocol {
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            other => other.to_string(),
        }),
        took_ns: None,
    };
    Entry {
        verdict: Some(if event.allowed == 1 { Verdict::Allow } else { Verdict::Deny }),
        rule: rule.map(|rule| rule.id.clone()),
        at: rule.map(|rule| rule.at.clone()),
        pid: i32::try_from(event.tgid).ok(),
        uid: Some(event.uid),
        ..Entry::new(What::Connect(connect), level, proof, reason)
    }
}

/// The longest entry that each rule of this policy can give a connection.
pub(super) fn longest(policy: &Policy, level: Level) -> impl Iterator<Item = Entry> {
    let event = |(rule, allowed)| Event {
        tgid: i32::MAX.cast_unsigned(),
        uid: u32::MAX,
        addr: [u32::MAX; 4],
        family: 6,
        port: u16::MAX.into(),
        protocol: u32::MAX,
        rule,
        allowed,
        ..Event::default()
    };
    let rules = (0..policy.connect().len()).filter_map(|rule| u32::try_from(rule).ok());
    let rules = rules.chain([u32::from(NO_RULE)]).flat_map(|rule| [(rule, 0), (rule, 1)]);
    rules.map(move |decided| connection(Some(policy), level, &event(decided)))
}

/// The entry for a program that the kernel side prevented, and `how`.
fn prevented(event: &Event, what: What, how: &str) -> Entry {
    let reason = match event.cause {
        cause::NO_TICKET => "it has not been judged",
        cause::FILE => "another file runs than was judged",
        cause::LENGTH => "its arguments have another length than was judged",
        cause::HASH => "its arguments or its environment are not what was judged",
        cause::DIRECTORY => {
            "its working directory is not the one that was judged, or another process shares it"
        }
        _ => "its arguments could not be read in the kernel",
    };
    Entry {
        verdict: Some(Verdict::Deny),
        pid: i32::try_from(event.tgid).ok(),
        uid: Some(event.uid),
        ..Entry::new(what, Level::Proven, Proof::Ticket, format!("{how}: {reason}"))
    }
}

#[cfg(test)]
mod tests;
