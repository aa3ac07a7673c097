//! Rules about connections, and their translation for the kernel.
//!
//! The kernel decides a connection by one look-up in a longest-prefix trie, which yields the entry
//! of the longest network that holds the address and nothing else. [`compile`] therefore puts into
//! each network's entry the verdict of *every* rule whose networks contain it, so that the strictest
//! matching rule wins there as it does in [`decide`].
//!
//! IPv4 rules hold for v4-mapped IPv6 addresses too: the kernel side takes the IPv4 address out
//! first, as [`canonical`] does. IPv6 rules never hold for IPv4. Linux takes a connection to the
//! unspecified address for one to the loopback address (tcp_v4_connect and tcp_v6_connect in
//! net/ipv4/tcp_ipv4.c and net/ipv6/tcp_ipv6.c), so rules about `127.0.0.1` hold for `0.0.0.0`, and
//! those about either and about `::1` hold for `::`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::decision::Outcome;
use crate::policy::Policy;
pub use crate::rule::{ConnectRule, Ports, Protocol};
use crate::verdict::{Strictness, Verdict};

/// How many port ranges one entry of the kernel's tries holds.
pub const MAX_RANGES: usize = 32;

/// How many networks each of the kernel's tries holds, and how many rules they may come from.
pub const MAX_NETWORKS: usize = 4096;

/// The address that rules see: a v4-mapped IPv6 address is the IPv4 address in it.
#[must_use]
pub fn canonical(to: IpAddr) -> IpAddr {
    to.to_canonical()
}

/// Every address that a connection to `to` may reach, `to` itself first.
fn reached(to: IpAddr) -> Vec<IpAddr> {
    match canonical(to) {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => {
            vec![Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into()]
        }
        // A socket that was bound to a v4-mapped address reaches the IPv4 loopback.
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => vec![
            Ipv6Addr::UNSPECIFIED.into(),
            Ipv6Addr::LOCALHOST.into(),
            Ipv4Addr::LOCALHOST.into(),
            Ipv4Addr::UNSPECIFIED.into(),
        ],
        to => vec![to],
    }
}

/// The index of the strictest rule that covers `port`; the first if several are equally strict.
fn strictest(rules: &[(usize, &ConnectRule)], port: u16, protocol: Protocol) -> Option<usize> {
    let mut strictest: Option<(usize, Strictness)> = None;
    for (place, rule) in rules {
        let own = rule.verdict.strictness();
        if rule.covers(port, protocol) && strictest.is_none_or(|(_, other)| own > other) {
            strictest = Some((*place, own));
        }
    }
    strictest.map(|(place, _)| place)
}

/// Decides one connection, straight from the rules; the kernel's maps are compiled from the same rules by
/// [`compile`].
#[must_use]
pub fn decide(policy: &Policy, to: IpAddr, port: u16, protocol: Protocol) -> Outcome {
    let reached = reached(to);
    let holds = |network: &IpNet| reached.iter().any(|to| network.contains(to));
    let rules = policy.connect().iter().enumerate();
    let rules: Vec<_> = rules.filter(|(_, rule)| rule.to.iter().any(holds)).collect();
    match strictest(&rules, port, protocol).map(|place| &policy.connect()[place]) {
        Some(rule) => Outcome {
            action: 0,
            verdict: rule.verdict,
            rule: Some(rule.id.clone()),
            at: Some(rule.at.clone()),
            reason: rule.reason.clone(),
            because: vec![format!("connect = {protocol} {}", Endpoint(canonical(to), port))],
            unread: None,
        },
        None => {
            let verdict = policy.defaults().connect;
            Outcome {
                action: 0,
                verdict,
                rule: None,
                at: None,
                reason: format!(
                    "no rule covers this connection (`defaults.connect` is `{verdict}`)"
                ),
                because: vec![format!("connect = {protocol} {}", Endpoint(canonical(to), port))],
                unread: None,
            }
        }
    }
}

/// An address and a port, `10.0.0.1:80` or `[::1]:80`.
struct Endpoint(IpAddr, u16);

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::net::SocketAddr::new(self.0, self.1).fmt(f)
    }
}

/// A run of ports of one protocol with one verdict.
#[derive(Debug, Clone, Copy)]
pub struct PortRange {
    /// The first port.
    pub lo: u16,
    /// The last port.
    pub hi: u16,
    /// The protocol.
    pub protocol: Protocol,
    /// The verdict.
    pub verdict: Verdict,
    /// The index in [`Policy::connect`] of the rule that gives it.
    pub rule: usize,
}

/// The content of the kernel's maps.
///
/// A connection is decided by the entry of the longest network that contains the address: by the range that
/// holds its port and protocol, or by `default` if none does.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The IPv4 networks, sorted; `0.0.0.0/0` is always among them. The ranges of each are disjoint,
    /// sorted by protocol and port, and at most [`MAX_RANGES`].
    pub v4: Vec<(Ipv4Net, Vec<PortRange>)>,
    /// The same for IPv6; `::/0` is always among them.
    pub v6: Vec<(Ipv6Net, Vec<PortRange>)>,
    /// The verdict if no range holds the port.
    pub default: Verdict,
}

impl Compiled {
    /// Looks a connection up as the kernel does: its verdict and the index of the rule.
    #[must_use]
    pub fn look_up(&self, to: IpAddr, port: u16, protocol: Protocol) -> (Verdict, Option<usize>) {
        let ranges = match canonical(to) {
            IpAddr::V4(to) => {
                longest(&self.v4, |network| network.contains(&to), Ipv4Net::prefix_len)
            }
            IpAddr::V6(to) => {
                longest(&self.v6, |network| network.contains(&to), Ipv6Net::prefix_len)
            }
        };
        ranges
            .iter()
            .find(|range| range.protocol == protocol && (range.lo..=range.hi).contains(&port))
            .map_or((self.default, None), |range| (range.verdict, Some(range.rule)))
    }
}

fn longest<N>(
    entries: &[(N, Vec<PortRange>)],
    contains: impl Fn(&N) -> bool,
    length: impl Fn(&N) -> u8,
) -> &[PortRange] {
    entries
        .iter()
        .filter(|(network, _)| contains(network))
        .max_by_key(|(network, _)| length(network))
        .map_or(&[], |(_, ranges)| ranges)
}

/// A network whose rules split the ports into more ranges than the kernel side holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooManyRanges {
    /// The network.
    pub network: IpNet,
    /// How many ranges it would take.
    pub ranges: usize,
    /// The index in [`Policy::connect`] of the last rule that takes part.
    pub rule: usize,
}

/// Compiles `rules`, and the verdict for connections that none matches, into the content of the kernel's
/// maps.
///
/// # Errors
/// The first network of each rule that does not fit. The rules of a parsed [`Policy`] always fit.
pub fn compile(rules: &[ConnectRule], default: Verdict) -> Result<Compiled, Vec<TooManyRanges>> {
    let mut places: BTreeMap<IpNet, Vec<usize>> = [
        IpNet::V4(Ipv4Net::default()),
        IpNet::V6(Ipv6Net::default()),
        // Rules about other addresses hold for these two; see `reached`.
        IpNet::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        IpNet::from(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
    ]
    .map(|network| (network, Vec::new()))
    .into();
    for (place, rule) in rules.iter().enumerate() {
        for network in &rule.to {
            places.entry(*network).or_default().push(place);
        }
    }
    let mut compiled = Compiled { v4: Vec::new(), v6: Vec::new(), default };
    let mut too_many = Vec::new();
    for network in places.keys().copied() {
        let around = parts(network).into_iter().flat_map(containing);
        let own: BTreeSet<usize> =
            around.filter_map(|network| places.get(&network)).flatten().copied().collect();
        let rules: Vec<(usize, &ConnectRule)> =
            own.into_iter().map(|place| (place, &rules[place])).collect();
        let ranges = ranges(&rules);
        if let (true, Some((rule, _))) = (ranges.len() > MAX_RANGES, rules.last()) {
            too_many.push(TooManyRanges { network, ranges: ranges.len(), rule: *rule });
        }
        match network {
            IpNet::V4(network) => compiled.v4.push((network, ranges)),
            IpNet::V6(network) => compiled.v6.push((network, ranges)),
        }
    }
    if too_many.is_empty() { Ok(compiled) } else { Err(too_many) }
}

/// The networks whose rules apply to all of `network`: itself, and the loopback networks that it also
/// reaches.
fn parts(network: IpNet) -> Vec<IpNet> {
    if network.prefix_len() < network.max_prefix_len() {
        return vec![network];
    }
    reached(network.addr()).into_iter().map(IpNet::from).collect()
}

/// Every network that contains `network`, itself included.
fn containing(network: IpNet) -> impl Iterator<Item = IpNet> {
    (0..=network.prefix_len())
        .filter_map(move |length| IpNet::new(network.addr(), length).ok())
        .map(|network| network.trunc())
}

/// The port ranges that `rules` make, without the ports that no rule covers.
fn ranges(rules: &[(usize, &ConnectRule)]) -> Vec<PortRange> {
    // The first port of each range: all ports of a range get the same verdict.
    let mut starts: Vec<u16> = vec![0];
    for ports in rules.iter().flat_map(|(_, rule)| &rule.ports) {
        starts.push(ports.lo);
        starts.extend(ports.hi.checked_add(1));
    }
    starts.sort_unstable();
    starts.dedup();
    let mut ranges: Vec<PortRange> = Vec::new();
    for protocol in Protocol::ALL {
        for (index, lo) in starts.iter().copied().enumerate() {
            let hi = starts.get(index + 1).map_or(u16::MAX, |next| next - 1);
            let Some(place) = strictest(rules, lo, protocol) else { continue };
            let Some((_, rule)) = rules.iter().find(|(own, _)| *own == place) else { continue };
            match ranges.last_mut() {
                // The previous range ends right here with the same verdict: extend it.
                Some(last)
                    if last.protocol == protocol
                        && last.rule == place
                        && last.hi.checked_add(1) == Some(lo) =>
                {
                    last.hi = hi;
                }
                _ => {
                    ranges.push(PortRange { lo, hi, protocol, verdict: rule.verdict, rule: place });
                }
            }
        }
    }
    ranges
}

#[cfg(test)]
mod tests;
