//! The peer that a call on a socket would reach: the rules' verdict on it, and the address that the
//! supervisor uses.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use claw_policy::Outcome;
use claw_policy::connect::{self, Protocol};
use claw_policy::unix::{self, Names};
use rustix::io::Errno;
use rustix::net::AddressFamily;

use super::Taken;
use crate::apply::on_behalf::destination::{self, Destination};
use crate::decode;
use crate::guard::{Held, Refusal};
use crate::record::{Connect, Entry, Proof, What};

/// An address that was judged, in the form that the supervisor uses.
#[derive(Debug, Default)]
pub(super) struct Peer {
    name: Option<Vec<u8>>,
    /// Keeps the Unix socket open that the address names through /proc/self/fd.
    _file: Option<OwnedFd>,
}

impl Peer {
    /// The address; nothing where the socket is connected already.
    pub(super) fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }
}

impl Held<Taken> {
    /// Asks the rules, records what they allow, and turns the address into one that the supervisor can use.
    /// Everything read from the tracee so far counts only if the tracee is still held.
    pub(super) fn judge(&self, to: &Destination, name: Option<Vec<u8>>) -> Result<Peer, Refusal> {
        if !self.notification.is_valid() {
            return Err(Errno::SRCH.into());
        }
        match to {
            Destination::Connected => Ok(Peer::default()),
            Destination::Unruled => Ok(Peer { name, _file: None }),
            Destination::Inet(to, protocol) => {
                self.decide(*to, *protocol)?;
                let name = name.map(|name| destination::to_this_host(name, *to));
                Ok(Peer { name, _file: None })
            }
            Destination::Abstract(abstract_name) => {
                self.decide_unix(&decode::unix::abstract_names(abstract_name))?;
                Ok(Peer { name, _file: None })
            }
            Destination::Path(path) => {
                let (decoder, tid) = (&self.session.host.decoder, self.tid());
                let file = decoder.unix_socket(tid, path, || self.assume())?;
                let names = decoder.unix_names(tid, &file, &self.generation.policy)?;
                if !self.notification.is_valid() {
                    return Err(Errno::SRCH.into());
                }
                self.decide_unix(&names)?;
                let file = file.file;
                Ok(Peer { name: Some(through(file.as_fd())), _file: Some(file) })
            }
        }
    }

    fn decide(&self, to: SocketAddr, protocol: Protocol) -> Result<(), Refusal> {
        let outcome = connect::decide(&self.generation.policy, to.ip(), to.port(), protocol);
        let protocol = match self.state.kind.protocol {
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            other => other.to_string(),
        };
        self.conclude(outcome, to.to_string(), protocol)
    }

    fn decide_unix(&self, names: &Names) -> Result<(), Refusal> {
        let outcome = unix::decide(&self.generation.policy, names);
        let called = names.all.first().cloned().unwrap_or_default();
        self.conclude(outcome, called, "unix".to_owned())
    }

    /// Records a decision that allows the call. A decision that denies it is recorded with the refusal.
    fn conclude(&self, outcome: Outcome, to: String, protocol: String) -> Result<(), Refusal> {
        if self.session.audit.is_short() {
            return Err(Refusal::Unrecorded);
        }
        let allowed = outcome.verdict.runs();
        let proof = if allowed { Proof::OnBehalf } else { Proof::Answered };
        let connect = Connect {
            to: Some(to),
            protocol: Some(protocol),
            took_ns: u64::try_from(self.took().as_nanos()).ok(),
        };
        let entry = Entry {
            verdict: Some(outcome.verdict),
            rule: outcome.rule,
            at: outcome.at,
            because: outcome.because,
            pid: Some(decode::process(self.tid()).as_raw_nonzero().get()),
            uid: decode::uid(self.tid()),
            ..Entry::new(What::Connect(connect), self.session.level, proof, outcome.reason)
        };
        if !allowed {
            return Err(Refusal::Judged { errno: libc::EPERM, entry: Box::new(entry) });
        }
        self.session.audit.record(entry);
        Ok(())
    }
}

/// The address of an open Unix socket through /proc/self/fd: it leads to exactly that socket, even if the
/// path changes.
fn through(file: BorrowedFd<'_>) -> Vec<u8> {
    let mut name = AddressFamily::UNIX.as_raw().to_ne_bytes().to_vec();
    name.extend(format!("/proc/self/fd/{}\0", file.as_raw_fd()).bytes());
    name
}
