//! The compiled maps decide as the rules do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;

use super::{Compiled, ConnectRule, MAX_RANGES, PortRange, Ports, Protocol, compile, decide};
use crate::parse::parse;
use crate::policy::Policy;
use crate::verdict::Verdict;
use crate::vocabulary::SCHEMA;

fn policy(text: &str) -> Policy {
    parse(&format!("version = 1\n{text}"), "p.toml", &SCHEMA).expect("right")
}

fn compiled(policy: &Policy) -> Compiled {
    compile(policy.connect(), policy.defaults().connect).expect("fits")
}

/// The verdict and the rule's id by the rules, after a check that the compiled form says the same.
#[track_caller]
fn decided(
    policy: &Policy,
    to: &str,
    port: u16,
    protocol: Protocol,
) -> (&'static str, Option<String>) {
    let to: IpAddr = to.parse().expect("an address");
    let outcome = decide(policy, to, port, protocol);
    let (verdict, rule) = compiled(policy).look_up(to, port, protocol);
    let rule = rule.map(|rule| policy.connect()[rule].id.clone());
    assert_eq!((outcome.verdict.name(), &outcome.rule), (verdict.name(), &rule));
    (verdict.name(), rule)
}

fn by(verdict: &'static str, rule: &str) -> (&'static str, Option<String>) {
    (verdict, Some(rule.to_owned()))
}

const NESTED: &str = r#"
[[connect]]
id = "wide"
to = "10.0.0.0/8"
verdict = "deny"
reason = "internal"
[[connect]]
id = "narrow"
to = ["10.1.0.0/16", "192.0.2.0/24"]
ports = [443]
protocol = "tcp"
verdict = "allow"
"#;

#[test]
fn a_longer_network_does_not_escape_a_stricter_rule() {
    let policy = policy(NESTED);
    assert_eq!(decided(&policy, "10.1.2.3", 443, Protocol::Tcp), by("deny", "wide"));
    assert_eq!(decided(&policy, "192.0.2.1", 443, Protocol::Tcp), by("allow", "narrow"));
    assert_eq!(decided(&policy, "192.0.2.1", 443, Protocol::Udp), ("allow", None));
}

#[test]
fn the_default_decides_where_no_rule_does() {
    let policy = policy(&format!("defaults.connect = \"deny\"\n{NESTED}"));
    assert_eq!(decided(&policy, "192.0.2.1", 80, Protocol::Tcp), ("deny", None));
    assert_eq!(decided(&policy, "2001:db8::1", 80, Protocol::Tcp), ("deny", None));
    let to = "192.0.2.1".parse().expect("an address");
    let outcome = decide(&policy, to, 80, Protocol::Tcp);
    assert_eq!(outcome.reason, "no rule covers this connection (`defaults.connect` is `deny`)");
    assert_eq!(outcome.because, ["connect = tcp 192.0.2.1:80"]);
}

#[test]
fn mapped_addresses_are_ipv4() {
    let policy = policy(&format!(
        "{NESTED}\n[[connect]]\nid = \"six\"\nto = \"::/0\"\nverdict = \"deny\"\nreason = \"no IPv6\""
    ));
    assert_eq!(decided(&policy, "::ffff:10.0.0.1", 1, Protocol::Tcp), by("deny", "wide"));
    assert_eq!(decided(&policy, "::ffff:192.0.2.1", 1, Protocol::Tcp), ("allow", None));
    assert_eq!(decided(&policy, "2001:db8::1", 1, Protocol::Tcp), by("deny", "six"));
}

#[test]
fn the_unspecified_address_is_the_loopback() {
    let loopback = |to: &str| {
        policy(&format!(
            "[[connect]]\nid = \"lo\"\nto = \"{to}\"\nverdict = \"deny\"\nreason = \"no\""
        ))
    };
    let four = loopback("127.0.0.0/8");
    assert_eq!(decided(&four, "0.0.0.0", 1, Protocol::Tcp), by("deny", "lo"));
    assert_eq!(decided(&four, "::", 1, Protocol::Tcp), by("deny", "lo"));
    assert_eq!(decided(&four, "::1", 1, Protocol::Tcp), ("allow", None));
    let six = loopback("::1");
    assert_eq!(decided(&six, "::", 1, Protocol::Udp), by("deny", "lo"));
    assert_eq!(decided(&six, "0.0.0.0", 1, Protocol::Udp), ("allow", None));
}

#[test]
fn neighbouring_ports_of_one_rule_are_one_range() {
    let policy = policy(
        "[[connect]]\nid = \"c\"\nto = \"192.0.2.1\"\nports = [80, 81, \"82-90\", 65535]\nprotocol = \"tcp\"\nverdict = \"allow\"",
    );
    let range =
        |lo, hi| PortRange { lo, hi, protocol: Protocol::Tcp, verdict: Verdict::Allow, rule: 0 };
    let compiled = compiled(&policy);
    let network: Ipv4Net = "192.0.2.1/32".parse().expect("a network");
    let (_, ranges) = compiled.v4.iter().find(|(own, _)| *own == network).expect("its entry");
    let expected = [range(80, 90), range(65535, 65535)];
    assert_eq!(format!("{ranges:?}"), format!("{expected:?}"));
}

#[test]
fn both_tries_have_an_entry_for_every_address() {
    let compiled = compile(&[], Verdict::Deny).expect("fits");
    let (v4, v6) = (Ipv4Net::default(), Ipv6Net::default());
    assert!(compiled.v4.iter().any(|(network, ranges)| *network == v4 && ranges.is_empty()));
    assert!(compiled.v6.iter().any(|(network, ranges)| *network == v6 && ranges.is_empty()));
}

/// Addresses that are near each other, so that networks nest.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u8..3, any::<u8>()).prop_map(|(high, low)| IpAddr::from([10, 0, high, low & 0x83])),
        (0u16..3, 0u16..3).prop_map(|(high, low)| {
            IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, high, low))
        }),
        Just(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Just(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        Just(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        Just(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        Just(IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0x0a00, 0x0001])),
    ]
}

fn network() -> impl Strategy<Value = IpNet> {
    (address().prop_map(super::canonical), 0u8..=128).prop_map(|(address, length)| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        IpNet::new(address, length.min(most)).expect("a length that fits").trunc()
    })
}

fn ports() -> impl Strategy<Value = Ports> {
    let edge = prop_oneof![0u16..8, Just(65534u16), Just(65535u16)];
    (edge.clone(), edge).prop_map(|(one, other)| Ports { lo: one.min(other), hi: one.max(other) })
}

prop_compose! {
    fn rule()(
        to in prop::collection::vec(network(), 1..3),
        ports in prop::collection::vec(ports(), 1..4),
        protocol in prop::option::of(prop::sample::select(Protocol::ALL.to_vec())),
        deny: bool,
    ) -> ConnectRule {
        ConnectRule {
            id: String::new(),
            line: 1,
            at: String::new(),
            to,
            ports,
            protocol,
            verdict: if deny { Verdict::Deny } else { Verdict::Allow },
            reason: String::new(),
        }
    }
}

fn with_rules(rules: Vec<ConnectRule>, default: Verdict) -> Policy {
    let mut policy = policy("");
    policy.connect = rules
        .into_iter()
        .enumerate()
        .map(|(place, rule)| ConnectRule { id: place.to_string(), ..rule })
        .collect();
    policy.defaults.connect = default;
    policy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_compiled_form_decides_as_the_rules_do(
        rules in prop::collection::vec(rule(), 0..8),
        deny: bool,
        probes in prop::collection::vec((address(), prop_oneof![0u16..10, 65533u16..=65535]), 1..20),
    ) {
        let policy = with_rules(rules, if deny { Verdict::Deny } else { Verdict::Allow });
        let compiled = compiled(&policy);
        for (_, ranges) in compiled.v4.iter().map(|(_, ranges)| ((), ranges)).chain(compiled.v6.iter().map(|(_, ranges)| ((), ranges))) {
            prop_assert!(ranges.len() <= MAX_RANGES);
            for pair in ranges.windows(2) {
                let key = |range: &PortRange| (range.protocol, range.lo);
                prop_assert!(key(&pair[0]) < key(&pair[1]));
                prop_assert!(pair[0].protocol != pair[1].protocol || pair[0].hi < pair[1].lo);
            }
        }
        for (to, port) in probes {
            for protocol in Protocol::ALL {
                let outcome = decide(&policy, to, port, protocol);
                let (verdict, rule) = compiled.look_up(to, port, protocol);
                prop_assert_eq!(outcome.verdict.name(), verdict.name());
                prop_assert_eq!(outcome.rule, rule.map(|rule| rule.to_string()));
            }
        }
    }

    #[test]
    fn a_deny_rule_never_permits_anything(
        rules in prop::collection::vec(rule(), 0..6),
        extra in rule(),
        to in address(),
        port in 0u16..10,
    ) {
        let before = with_rules(rules.clone(), Verdict::Allow);
        let extra = ConnectRule { verdict: Verdict::Deny, ..extra };
        let after = with_rules(rules.into_iter().chain([extra]).collect(), Verdict::Allow);
        for protocol in Protocol::ALL {
            let verdict = |policy: &Policy| decide(policy, to, port, protocol).verdict.strictness();
            prop_assert!(verdict(&after) >= verdict(&before));
        }
    }
}
