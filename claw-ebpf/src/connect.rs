//! Connections, decided on the kernel's own copy of the address.
//!
//! `connect4` and `connect6` see connect(2) of TCP and UDP sockets, `sendmsg4` and `sendmsg6` an address
//! given to sendto(2) or sendmsg(2) on an unconnected UDP socket. The programs sit at the root of the cgroup
//! tree and look at the caller's lineage, not at the cgroup of the caller or its socket.

use aya_ebpf::{
    macros::{cgroup_sock_addr, map},
    maps::lpm_trie::{Key, LpmTrie},
    programs::SockAddrContext,
};
use claw_common::{
    event::kind,
    net::{KEY4, KEY6, MAX_RANGES, NO_RULE, OWNER_BITS, PORT_TABLE_WORDS, PortRange},
    session::{GENERATION, SHUT},
};

use crate::{
    events::{self, NOW},
    lineage, sessions,
};

/// Room for the prefixes of all sessions of a host. Entries take memory only when they are filled.
const MAX_PREFIXES: u32 = 1 << 20;

/// A port table.
type Table = [u64; PORT_TABLE_WORDS];

/// Port tables by session, generation and IPv4 prefix.
#[map]
static NET4: LpmTrie<[u32; KEY4], Table> = LpmTrie::with_max_entries(MAX_PREFIXES, 0);

/// Port tables by session, generation and IPv6 prefix.
#[map]
static NET6: LpmTrie<[u32; KEY6], Table> = LpmTrie::with_max_entries(MAX_PREFIXES, 0);

const TCP: u32 = 6;
const UDP: u32 = 17;
const UDP_LITE: u32 = 136;

const ALLOW: i32 = 1;
const DENY: i32 = 0;

/// connect(2) on an IPv4 socket.
#[cgroup_sock_addr(connect4)]
fn connect4(ctx: SockAddrContext) -> i32 {
    decide4(&ctx)
}

/// sendmsg(2) with an address on an IPv4 UDP socket.
#[cgroup_sock_addr(sendmsg4)]
fn sendmsg4(ctx: SockAddrContext) -> i32 {
    decide4(&ctx)
}

/// connect(2) on an IPv6 socket.
#[cgroup_sock_addr(connect6)]
fn connect6(ctx: SockAddrContext) -> i32 {
    decide6(&ctx)
}

/// sendmsg(2) with an address on an IPv6 UDP socket.
#[cgroup_sock_addr(sendmsg6)]
fn sendmsg6(ctx: SockAddrContext) -> i32 {
    decide6(&ctx)
}

#[inline(always)]
fn decide4(ctx: &SockAddrContext) -> i32 {
    // SAFETY: the context is valid while the program runs, and the verifier checks the access.
    let addr = unsafe { (*ctx.sock_addr).user_ip4 };
    decide(ctx, 4, [addr, 0, 0, 0])
}

#[inline(always)]
fn decide6(ctx: &SockAddrContext) -> i32 {
    let at = ctx.sock_addr;
    // SAFETY: as in `decide4`. The verifier wants whole words read one by one.
    let addr = unsafe {
        [
            (&raw const (*at).user_ip6[0]).read_volatile(),
            (&raw const (*at).user_ip6[1]).read_volatile(),
            (&raw const (*at).user_ip6[2]).read_volatile(),
            (&raw const (*at).user_ip6[3]).read_volatile(),
        ]
    };
    decide(ctx, 6, addr)
}

#[inline(always)]
fn decide(ctx: &SockAddrContext, family: u32, addr: [u32; 4]) -> i32 {
    let Some(mark) = lineage::mark(events::caller()) else { return ALLOW };
    let mut event = events::event(kind::CONNECT, mark);
    let state = sessions::state(mark);
    let owner = [mark.session(), state[GENERATION]];
    // SAFETY: as in `decide4`.
    let (port, protocol) = unsafe { ((*ctx.sock_addr).user_port, (*ctx.sock_addr).protocol) };
    // `user_port` holds the 16-bit port in network order.
    let port = u16::from_be(port as u16);
    // Rules name two protocols. UDP-Lite counts as UDP, and every other protocol (MPTCP, SCTP, ICMP) as TCP,
    // so that no protocol escapes the rules.
    let ruled = if protocol == UDP || protocol == UDP_LITE { UDP } else { TCP } as u8;
    let verdict = if family == 4 {
        look_up4(owner, addr[0], port, ruled)
    } else if let [0, 0, MAPPED, v4] = addr {
        look_up4(owner, v4, port, ruled)
    } else {
        look_up6(owner, addr, port, ruled)
    };
    event.addr = addr;
    event.family = family;
    event.port = port.into();
    event.protocol = protocol;
    event.generation = state[GENERATION];
    event.rule = verdict.rule.into();
    event.allowed = verdict.allow.into();
    let when = if verdict.allow { events::when() } else { NOW };
    // A connection that cannot be recorded is refused.
    let shut = state[SHUT] != 0;
    let recorded = if shut { events::lose(&event) } else { events::report(&event, when) };
    if mark.is_observed() {
        return ALLOW;
    }
    if !(verdict.allow && recorded) {
        return DENY;
    }
    lead_to_this_host(ctx, family, addr);
    ALLOW
}

/// Makes the address `0.0.0.0` say where it leads: the kernel takes it for the address that the socket is bound to,
/// which no rule was asked about, and for 127.0.0.1 only if the socket is bound to none.
#[inline(always)]
fn lead_to_this_host(ctx: &SockAddrContext, family: u32, addr: [u32; 4]) {
    let at = ctx.sock_addr;
    // SAFETY: the context is valid while the program runs; the verifier checks these stores, which the hooks for
    // connect and sendmsg may make.
    unsafe {
        if family == 4 && addr[0] == 0 {
            (&raw mut (*at).user_ip4).write_volatile(LOOPBACK);
        } else if family == 6 && addr == [0, 0, MAPPED, 0] {
            (&raw mut (*at).user_ip6[3]).write_volatile(LOOPBACK);
        }
    }
}

/// 127.0.0.1, in network order.
const LOOPBACK: u32 = 0x7f00_0001_u32.to_be();

/// The third word of a v4-mapped address, `::ffff:0:0/96`, in network order.
const MAPPED: u32 = 0xffff_u32.to_be();

/// The verdict if the tables have no entry. They always have a `/0`, so this is reached only if the loader
/// failed.
const CLOSED: PortRange =
    PortRange { low: 0, high: u16::MAX, protocol: 0, allow: false, rule: NO_RULE };

#[inline(always)]
fn look_up4([session, generation]: [u32; 2], addr: u32, port: u16, protocol: u8) -> PortRange {
    match NET4.get(Key::new(OWNER_BITS + 32, [session, generation, addr])) {
        Some(table) => find(table, port, protocol),
        None => CLOSED,
    }
}

#[inline(always)]
fn look_up6(owner: [u32; 2], addr: [u32; 4], port: u16, protocol: u8) -> PortRange {
    let ([session, generation], [a, b, c, d]) = (owner, addr);
    match NET6.get(Key::new(OWNER_BITS + 128, [session, generation, a, b, c, d])) {
        Some(table) => find(table, port, protocol),
        None => CLOSED,
    }
}

#[inline(always)]
fn find(table: &Table, port: u16, protocol: u8) -> PortRange {
    let count = table[0];
    for at in 0..MAX_RANGES {
        if at as u64 >= count {
            break;
        }
        let range = PortRange::from_word(table[1 + at]);
        if range.covers(port, protocol) {
            return range;
        }
    }
    CLOSED
}
