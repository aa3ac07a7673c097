//! `[[connect]]`.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::{IpNet, Ipv4Net};
use toml::de::{DeTable, DeValue};

use super::reader::{Node, Reader, describe};
use crate::pattern::Pattern;
use crate::rule::{ConnectRule, Ports, Protocol, UnixRule};
use crate::verdict::Verdict;

const KEYS: &[&str] = &["id", "to", "ports", "protocol", "unix", "verdict", "reason"];

/// The bits of an IPv6 address before the IPv4 address that a v4-mapped one holds (RFC 4291, 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// A connect rule, by the kind of its peers.
pub(super) enum PeerRule {
    /// Networks.
    Inet(ConnectRule),
    /// Unix sockets.
    Unix(UnixRule),
}

impl Reader<'_> {
    /// Reads one connect rule; its id has been checked.
    pub(super) fn connect_rule(
        &mut self,
        table: &DeTable<'_>,
        header: Range<usize>,
    ) -> Option<PeerRule> {
        let what = "a connect rule";
        self.keys(table, what, KEYS);
        if let Some(value) = table.get("unix") {
            return self.unix_rule(table, value, header).map(PeerRule::Unix);
        }
        if table.get("to").is_none() {
            self.error(header.clone(), "a connect rule needs `to` or `unix`", "no peer");
        }
        let to = table.get("to").map(|value| self.networks(value)).unwrap_or_default();
        let ports = table.get("ports").map(|value| self.ports(value));
        let protocols = Protocol::ALL.map(|protocol| match protocol {
            Protocol::Tcp => ("tcp", protocol),
            Protocol::Udp => ("udp", protocol),
        });
        let protocol =
            table.get("protocol").and_then(|value| self.word(value, "`protocol`", &protocols));
        let (verdict, reason) = self.verdict_and_reason(table, header.clone())?;
        let id = table.get("id")?.get_ref().as_str()?.to_owned();
        let line = self.line(&header);
        Some(PeerRule::Inet(ConnectRule {
            at: format!("{}:{line}", self.file),
            ports: ports.unwrap_or_else(|| vec![Ports::ALL]),
            id,
            line,
            to,
            protocol,
            verdict,
            reason,
        }))
    }

    fn verdict_and_reason(
        &mut self,
        table: &DeTable<'_>,
        header: Range<usize>,
    ) -> Option<(Verdict, String)> {
        let verdict = self.verdict(
            table,
            header.clone(),
            "a connect rule",
            &[("allow", Verdict::Allow), ("deny", Verdict::Deny)],
        );
        let reason = table.get("reason").map(|value| self.reason(value));
        let verdict = verdict?;
        if verdict.needs_reason() && reason.is_none() {
            self.error(header, "a deny rule says why", "no `reason`")
                .help("the reason goes into the record of each denied connection");
        }
        let reason = reason.flatten().unwrap_or_else(|| "allowed by this rule".to_owned());
        Some((verdict, reason))
    }

    /// Reads a connect rule about the Unix sockets that `value` names.
    fn unix_rule(
        &mut self,
        table: &DeTable<'_>,
        value: &Node<'_>,
        header: Range<usize>,
    ) -> Option<UnixRule> {
        for key in ["to", "ports", "protocol"] {
            if let Some(value) = table.get(key) {
                self.error(
                    value.span(),
                    format!("a rule about `unix` sockets has no `{key}`"),
                    "not beside `unix`",
                )
                .help("make it a rule of its own, or remove it");
            }
        }
        let names = self.list(value, "`unix`");
        let unix = names.into_iter().filter_map(|value| self.unix_name(value)).collect();
        let (verdict, reason) = self.verdict_and_reason(table, header.clone())?;
        let id = table.get("id")?.get_ref().as_str()?.to_owned();
        let line = self.line(&header);
        Some(UnixRule { at: format!("{}:{line}", self.file), id, line, unix, verdict, reason })
    }

    fn unix_name(&mut self, value: &Node<'_>) -> Option<Pattern> {
        let text = self.string(value, "a name in `unix`")?;
        if !text.starts_with(['/', '@', '*', '?']) {
            self.error(
                value.span(),
                format!("`{text}` is no name of a Unix socket"),
                "neither a path nor abstract",
            )
            .help("a path starts with `/` and an abstract name with `@`");
            return None;
        }
        let part = |part: &str| part.is_empty() || part == "." || part == "..";
        if text.strip_prefix('/').is_some_and(|rest| rest.split('/').any(part)) {
            self.error(value.span(), format!("no socket has the path `{text}`"), "never matches")
                .help("sockets are known by their real path, without `//`, `.` and `..`");
            return None;
        }
        Some(Pattern::new(&text))
    }

    fn networks(&mut self, value: &Node<'_>) -> Vec<IpNet> {
        let values = self.list(value, "`to`");
        values.into_iter().filter_map(|value| self.network(value)).collect()
    }

    fn network(&mut self, value: &Node<'_>) -> Option<IpNet> {
        let text = self.string(value, "an address in `to`")?;
        let parsed = match text.parse::<IpAddr>() {
            Ok(address) => Ok(IpNet::from(address)),
            Err(_) => text.parse::<IpNet>(),
        };
        let Ok(network) = parsed else {
            self.error(
                value.span(),
                format!("`{text}` is not an address or a network"),
                "not an address",
            )
            .help("write `10.1.2.3`, `10.0.0.0/8`, `::1` or `fd00::/8`; connections are decided by address, not by name");
            return None;
        };
        if network.trunc() != network {
            self.error(
                value.span(),
                format!("`{text}` is not a network: bits after its prefix are set"),
                "host bits set",
            )
            .help(format!(
                "did you mean `{}` or `{}`?",
                network.trunc(),
                network.addr()
            ));
            return None;
        }
        Some(unmapped(network))
    }

    fn ports(&mut self, value: &Node<'_>) -> Vec<Ports> {
        let values = self.list(value, "`ports`");
        values.into_iter().filter_map(|value| self.port_range(value)).collect()
    }

    fn port_range(&mut self, value: &Node<'_>) -> Option<Ports> {
        let text = match value.get_ref() {
            DeValue::Integer(_) => self.int(value, "a port")?.to_string(),
            DeValue::String(text) => text.to_string(),
            other => {
                let have = describe(other);
                let message =
                    format!("a port is a number or a range such as \"8000-8999\", not {have}");
                self.error(value.span(), message, "expected a port");
                return None;
            }
        };
        let (lo, hi) = text.split_once('-').unwrap_or((&text, &text));
        let (Ok(lo), Ok(hi)) = (lo.trim().parse::<u16>(), hi.trim().parse::<u16>()) else {
            self.error(
                value.span(),
                format!("`{text}` is not a port or a range of ports"),
                "not a port",
            )
            .help("ports go from 0 to 65535; a range is written `\"8000-8999\"`");
            return None;
        };
        if lo > hi {
            self.error(
                value.span(),
                format!("the range `{text}` is empty"),
                "ends before it starts",
            )
            .help(format!("did you mean `\"{hi}-{lo}\"`?"));
            return None;
        }
        Some(Ports { lo, hi })
    }
}

/// A network of v4-mapped addresses as the IPv4 network it stands for: connections to them are
/// decided as IPv4.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let mapped = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(MAPPED_PREFIX));
    let v4 = mapped.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    v4.map_or(network, IpNet::V4)
}
