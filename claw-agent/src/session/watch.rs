//! Turns the kernel side's events into records: connections, kills, and in observe mode execs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use claw_common::event::{Event, Lost, cause, kind};
use claw_common::net::NO_RULE;
use claw_policy::{Policy, Verdict};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Guard, observe};
use crate::apply::Proof;
use crate::kernel::{Events, KernelSide};
use crate::record::{Kind, Level, Record};
use crate::vital;

/// How long events that woke nobody may lie in the ring.
const EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// How often is asked what found no room in it.
const LOSSES_EVERY: Duration = Duration::from_secs(1);

/// The reader of the ring.
pub(super) struct Watch {
    guard: Arc<Guard>,
    events: Mutex<Events>,
}

impl Watch {
    /// Starts the thread that reads what `kernel` reports.
    ///
    /// # Errors
    /// If the events were taken before, or there is no thread to be had.
    pub(super) fn start(guard: Arc<Guard>, kernel: &KernelSide) -> Result<Arc<Self>> {
        let events = kernel.take_events().context("the events are read already")?;
        let descriptor = events.descriptor().context("cannot wait for events")?;
        let watch = Arc::new(Self { guard, events: Mutex::new(events) });
        let reader = Arc::clone(&watch);
        vital::spawn("watch", move || {
            let mut told = Instant::now();
            loop {
                let mut fds = [PollFd::new(&descriptor, PollFlags::IN)];
                // An interrupted wait is as good as one that is over.
                let _ = poll(&mut fds, Some(&EVERY));
                reader.drain();
                if told.elapsed() > LOSSES_EVERY && !reader.guard.audit.is_short() {
                    told = Instant::now();
                    reader.tell_losses();
                }
            }
        })?;
        Ok(watch)
    }

    /// Records everything that has been reported so far. While there is no room for more, the kernel side lets
    /// no connection through.
    pub(super) fn drain(&self) {
        let short = self.guard.audit.is_short();
        if let Some(Err(error)) =
            self.guard.kernel.as_ref().map(|kernel| kernel.refuse_connections(short))
        {
            tracing::error!(%error, "cannot tell the kernel side whether there is room in the audit");
        }
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((event, payload)) = events.next() {
            if let Some(record) = self.record(&event, &payload) {
                self.guard.audit.record(record);
            }
        }
    }

    /// Records how much found no room since this was asked last.
    pub(super) fn tell_losses(&self) {
        let lost = self.events.lock().unwrap_or_else(PoisonError::into_inner).lost();
        match lost {
            Ok(lost) => self.losses(&lost).for_each(|record| self.guard.audit.record(record)),
            Err(error) => tracing::error!(%error, "cannot ask what the kernel side lost"),
        }
    }

    /// One record for each kind of event that found no room.
    fn losses(&self, lost: &Lost) -> impl Iterator<Item = Record> {
        let level = self.guard.level;
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
            Record {
                verdict,
                count: Some(count),
                ..Record::new(
                    Kind::Lost,
                    level,
                    proof,
                    format!("could not be recorded: {count} {what}"),
                )
            }
        })
    }

    fn record(&self, event: &Event, payload: &[u8]) -> Option<Record> {
        match event.kind {
            kind::EXEC_PROVEN => None,
            kind::EXEC_KILLED => {
                Some(prevented(event, Kind::Killed, "killed before its first instruction"))
            }
            kind::EXEC_REFUSED => {
                Some(prevented(event, Kind::Refused, "refused while its caller was still there"))
            }
            kind::EXEC_OBSERVED => Some(observe::record(&self.guard, event, payload)),
            kind::CONNECT => Some(connection(&self.guard.policy, self.guard.level, event)),
            kind::LINEAGE_LOST => Some(Record {
                verdict: Some(Verdict::Deny),
                pid: i32::try_from(event.tgid).ok(),
                uid: Some(event.uid),
                ..Record::new(
                    Kind::Killed,
                    self.guard.level,
                    Proof::InKernel,
                    "a new process could not be put under guard: its number is none that can be",
                )
            }),
            unknown => {
                tracing::error!(kind = unknown, "the kernel side reports an unknown event");
                None
            }
        }
    }
}

/// The record of a connection that the kernel side decided.
fn connection(policy: &Policy, level: Level, event: &Event) -> Record {
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
    let rules = policy.connect();
    let rule = rules.get(event.rule as usize).filter(|_| event.rule != u32::from(NO_RULE));
    let reason = match rule {
        Some(rule) => rule.reason.clone(),
        None => "no rule about connections matches: the policy's default".to_owned(),
    };
    let proof = if level == Level::Observed { Proof::None } else { Proof::InKernel };
    Record {
        verdict: Some(if event.allowed == 1 { Verdict::Allow } else { Verdict::Deny }),
        rule: rule.map(|rule| rule.id.clone()),
        at: rule.map(|rule| rule.at.clone()),
        pid: i32::try_from(event.tgid).ok(),
        uid: Some(event.uid),
        to: Some(to.to_string()),
        protocol: Some(match event.protocol {
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            other => other.to_string(),
        }),
        ..Record::new(Kind::Connect, level, proof, reason)
    }
}

/// The longest record that [`connection`] makes under this policy.
pub(super) fn longest(policy: &Policy, level: Level) -> Record {
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
    let records = rules.map(|rule| connection(policy, level, &event(rule)));
    let bytes = |record: &Record| serde_json::to_string(record).map_or(0, |text| text.len());
    records.max_by_key(bytes).unwrap_or_else(|| Record::new(Kind::Connect, level, Proof::None, ""))
}

/// What the kernel side kept from running, and `how`.
fn prevented(event: &Event, kind: Kind, how: &str) -> Record {
    let reason = match event.cause {
        cause::NO_TICKET => "it has not been judged",
        cause::FILE => "another file runs than was judged",
        cause::LENGTH => "its arguments have another length than was judged",
        cause::HASH => "its arguments or its environment are not what was judged",
        _ => "its arguments could not be read in the kernel",
    };
    Record {
        verdict: Some(Verdict::Deny),
        pid: i32::try_from(event.tgid).ok(),
        uid: Some(event.uid),
        ..Record::new(kind, Level::Proven, Proof::Ticket, format!("{how}: {reason}"))
    }
}
