//! Connections: decided in the kernel, by network, port and protocol, and every decision a record.
//!
//! Only loopback addresses are used; each test has ports of its own.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

const UDP: [&str; 4] = ["udp-connect", "udp-sendto", "udp-sendmsg", "udp-sendmmsg"];

/// Reaches for `address` and `port` by `form` of `connect_forms.c`.
fn reach(form: &str, address: &str, port: u16) -> Call {
    let program = program("connect_forms", Linkage::Static).display().to_string();
    Call::new([&program, form, address, &port.to_string()])
}

/// A listener at an address, for TCP or UDP.
enum Listener {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Listener {
    fn new(form: &str, address: &str, port: u16) -> Self {
        let at: SocketAddr = match address.strip_prefix("::ffff:") {
            Some(v4) => format!("{v4}:{port}").parse(),
            None if address.contains(':') => format!("[{address}]:{port}").parse(),
            None => format!("{address}:{port}").parse(),
        }
        .expect("an address");
        if form == "tcp" {
            let listener = TcpListener::bind(at).unwrap_or_else(|error| panic!("{at}: {error}"));
            listener.set_nonblocking(true).expect("a socket can be non-blocking");
            Self::Tcp(listener)
        } else {
            let socket = UdpSocket::bind(at).unwrap_or_else(|error| panic!("{at}: {error}"));
            socket.set_read_timeout(Some(Duration::from_millis(1))).expect("a time-out");
            Self::Udp(socket)
        }
    }

    /// How many callers have come since the last call. On loopback, data has arrived by the time its sender
    /// ends.
    fn callers(&self) -> usize {
        let once = || match self {
            Self::Tcp(listener) => listener.accept().map(drop),
            Self::Udp(socket) => socket.recv_from(&mut [0; 16]).map(drop),
        };
        let mut callers = 0;
        loop {
            match once() {
                Ok(()) => callers += 1,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return callers,
                Err(error) => panic!("the listener fails: {error}"),
            }
        }
    }
}

/// Without claw the call arrives. Under claw it arrives only if no rule denies it, and it is recorded either
/// way.
fn decide(guard: &Guard, form: &str, address: &str, port: u16, rule: &str, allowed: bool) -> Ran {
    let scenario = Scenario::new(format!("{form} to {address} port {port}"));
    let listener = Listener::new(form, address, port);
    let call = reach(form, address, port);
    scenario.control("without claw it arrives");
    assert_eq!(call.bare().exits(0).out(), "ok");
    assert_eq!(listener.callers(), 1);

    let ran = call.guarded(guard).exits(0);
    scenario.then(if allowed {
        "it arrives under claw"
    } else {
        "it fails under claw, and nothing arrives"
    });
    let out = ran.out();
    assert_eq!(out == "ok", allowed, "{}", ran.story());
    assert!(allowed || matches!(&*out, "EPERM" | "EACCES" | "ECONNREFUSED"), "{}", ran.story());
    assert_eq!(listener.callers(), usize::from(allowed), "{}", ran.story());

    scenario.then("a record says so, and which rule decided");
    let records = ran.connects(SocketAddr::new(address.parse().expect("an address"), port));
    // The kernel asks again for each datagram of a connected socket whose address is v4-mapped.
    let again = form == "udp-connect" && address.starts_with("::ffff:") && allowed;
    assert_eq!(records.len(), if again { 2 } else { 1 }, "{}", ran.story());
    let verdict = if allowed { "allow" } else { "deny" };
    let decisions = records.iter().map(|record| (record.verdict(), record.rule()));
    assert!(decisions.clone().all(|decision| decision == (verdict, rule)), "{}", ran.story());
    assert_eq!(
        (records[0].level(), records[0].proof()),
        ("proven", "in-kernel"),
        "{}",
        ran.story()
    );
    let protocol = if form == "tcp" { "tcp" } else { "udp" };
    assert_eq!(records[0].field("protocol"), protocol, "{}", ran.story());
    ran
}

#[test]
fn networks_and_ports_are_denied_for_tcp() {
    let guard = Guard::with_policy("connect");
    for (address, port, rule, allowed) in [
        ("127.0.9.1", 17721, "no-network", false),
        ("127.0.9.255", 17722, "no-network", false),
        ("::ffff:127.0.9.1", 17723, "no-network", false),
        ("127.0.10.1", 17724, "", true),
        ("127.0.0.1", 7699, "", true),
        ("127.0.0.1", 7700, "no-port", false),
        ("127.0.0.1", 7709, "no-port", false),
        ("127.0.0.1", 7710, "", true),
        ("::ffff:127.0.0.1", 7701, "no-port", false),
        ("::ffff:127.0.0.1", 17725, "", true),
        ("::1", 7702, "no-six", false),
        ("::1", 7711, "", true),
        ("127.0.8.1", 17726, "", true),
    ] {
        decide(&guard, "tcp", address, port, rule, allowed);
    }
}

#[test]
fn networks_and_ports_are_denied_for_every_way_to_send_a_datagram() {
    let guard = Guard::with_policy("connect");
    for form in UDP {
        for (address, port, rule, allowed) in [
            ("127.0.9.1", 17731, "no-network", false),
            ("::ffff:127.0.9.1", 17732, "no-network", false),
            ("127.0.0.1", 7703, "no-port", false),
            ("::ffff:127.0.0.1", 7704, "no-port", false),
            ("::1", 7705, "no-six", false),
            ("127.0.8.1", 17733, "no-udp", false),
            ("::ffff:127.0.8.1", 17734, "no-udp", false),
            ("127.0.0.1", 17735, "", true),
            ("::1", 17736, "", true),
            ("::ffff:127.0.0.1", 17737, "", true),
        ] {
            decide(&guard, form, address, port, rule, allowed);
        }
    }
}

#[test]
fn a_closed_default_lets_through_what_a_rule_names() {
    let guard = Guard::with_policy("connect-closed");
    for form in ["tcp", "udp-sendto", "udp-connect"] {
        decide(&guard, form, "127.0.7.1", 17741, "one-address", true);
        decide(&guard, form, "::ffff:127.0.7.1", 17742, "one-address", true);
        decide(&guard, form, "127.0.7.2", 17743, "", false);
        decide(&guard, form, "::1", 17744, "", false);
    }
}

#[test]
fn the_unspecified_address_is_loopback() {
    let scenario = Scenario::new("0.0.0.0 and ::, which Linux takes for loopback");
    let guard = Guard::with_policy("connect");
    for (address, listening, port) in [("0.0.0.0", "127.0.0.1", 7706), ("::", "::1", 7707)] {
        let listener = Listener::new("tcp", listening, port);
        let call = reach("tcp", address, port);
        scenario.control(format!("`{address}` reaches `{listening}` without claw"));
        assert_eq!(call.bare().exits(0).out(), "ok");
        assert_eq!(listener.callers(), 1);
        scenario.then("and is denied like it under claw");
        let ran = call.guarded(&guard).exits(0);
        assert_ne!(ran.out(), "ok", "{}", ran.story());
        assert_eq!(listener.callers(), 0);
        assert!(
            ran.records
                .iter()
                .any(|record| record.kind() == "connect" && record.verdict() == "deny"),
            "{}",
            ran.story()
        );
    }
}

/// Binds a socket to an address of a closed network, and reaches for the unspecified address with it: the kernel takes
/// that for the address that the socket is bound to.
const BOUND: &str = r#"
import socket, struct, sys
form, source, target, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
family = socket.AF_INET6 if ":" in target else socket.AF_INET
kind = socket.SOCK_STREAM if form == "tcp" else socket.SOCK_DGRAM
s = socket.socket(family, kind)
try:
    if form != "udp-pktinfo":
        s.bind((source, 0))
    if form == "tcp":
        s.connect((target, port))
    elif form == "udp-connect":
        s.connect((target, port))
        s.send(b"x")
    elif form == "udp-sendto":
        s.sendto(b"x", (target, port))
    else:
        info = struct.pack("i4s4s", 0, socket.inet_aton(source), b"\0" * 4)
        s.sendmsg([b"x"], [(socket.IPPROTO_IP, 8, info)], 0, (target, port))
except OSError as error:
    print(error.errno)
"#;

#[test]
fn the_unspecified_address_is_not_the_one_that_a_socket_is_bound_to() {
    let script = |form: &str, source: &str, target: &str, port: u16| {
        Call::new(["/usr/bin/python3", "-c", BOUND, form, source, target, &port.to_string()])
    };
    let forms = ["tcp", "udp-connect", "udp-sendto", "udp-pktinfo"]
        .map(|form| (form, "127.0.9.7", "0.0.0.0"));
    let mapped = ["tcp", "udp-connect", "udp-sendto"]
        .map(|form| (form, "::ffff:127.0.9.7", "::ffff:0.0.0.0"));
    for ((form, source, target), port) in forms.into_iter().chain(mapped).zip(17790..) {
        let scenario = Scenario::new(format!("{form} from {source} to {target}"));
        let listener = Listener::new(form, "127.0.9.7", port);
        let call = script(form, source, target, port);
        let bare = call.bare().exits(0);
        scenario.control("without claw it arrives where the socket is bound, in a closed network");
        assert_eq!(listener.callers(), 1, "{}", bare.story());
        let held = Guard::with_policy("connect").without_capabilities();
        for (level, guard) in [("proven", Guard::with_policy("connect")), ("held", held)] {
            let ran = call.guarded(&guard).exits(0);
            scenario.then(format!("{level}: nothing arrives there"));
            assert_eq!(ran.execs()[0].level(), level, "{}", ran.story());
            assert_eq!(listener.callers(), 0, "{}", ran.story());
        }
    }
}

#[test]
fn every_process_of_the_tree_is_guarded() {
    let scenario = Scenario::new("connections of grandchildren and daemons");
    let program = program("connect_forms", Linkage::Static).display().to_string();
    let listener = Listener::new("tcp", "127.0.9.3", 17751);
    let reach = format!("'{program}' tcp 127.0.9.3 17751");
    for script in [
        format!("sh -c \"sh -c \\\"{reach}\\\"\""),
        format!("({reach}) & wait"),
        format!("setsid sh -c \"{reach}\""),
        format!("nohup {reach} 2>&1"),
        format!("env -i {reach}"),
    ] {
        let call = Call::new(["/bin/sh", "-c", &script]);
        scenario.control(format!("`{script}` arrives without claw"));
        let _ = call.bare().exits(0);
        assert_eq!(listener.callers(), 1);
        scenario.then("and not under claw");
        let ran = call.guarded(&Guard::with_policy("connect"));
        assert_eq!(listener.callers(), 0, "{}", ran.story());
        assert_eq!(
            ran.connects(SocketAddr::from(([127, 0, 9, 3], 17751))).len(),
            1,
            "{}",
            ran.story()
        );
    }
}

#[test]
fn what_is_not_guarded_stays_free() {
    let scenario = Scenario::new("a connection from outside while claw runs");
    let listener = Listener::new("tcp", "127.0.9.4", 17761);
    let guard = Guard::with_policy("connect");
    let mut running = Call::new(["/bin/sh", "-c", "echo ready; read line"]).start_guarded(&guard);
    running.wait_for("ready");
    scenario.then("it arrives, and is no record");
    assert_eq!(reach("tcp", "127.0.9.4", 17761).bare().exits(0).out(), "ok");
    assert_eq!(listener.callers(), 1);
    running.feed(b"\n".to_vec());
    let ran = running.finish(Duration::from_secs(60)).exits(0);
    assert!(guard.records().iter().all(|record| record.kind() != "connect"), "{}", ran.story());
}

#[test]
fn in_another_process_namespace_nothing_is_called_proven_and_connections_are_decided() {
    let scenario = Scenario::new("claw in a process namespace of its own");
    let (address, port) = ("127.0.9.8", 17871);
    let listener = Listener::new("tcp", address, port);
    let call = reach("tcp", address, port);
    scenario.control("without claw it arrives");
    assert_eq!(call.bare().exits(0).out(), "ok");
    assert_eq!(listener.callers(), 1);
    let inside = |level: &str| {
        let unshare = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc"];
        let guard = Guard::with_policy("connect-closed").option("--require").option(level);
        guard.inside(unshare)
    };
    scenario.then("the kernel side, which knows other numbers, is not relied on");
    let ran = call.guarded(&inside("proven"));
    assert!(ran.err().contains("process namespace"), "{}", ran.story());
    assert_eq!(listener.callers(), 0);
    scenario.then("the supervisor decides the connection, and nothing arrives");
    let guard = inside("held");
    let ran = call.guarded(&guard).exits(0);
    assert_ne!(ran.out(), "ok", "{}", ran.story());
    assert_eq!(listener.callers(), 0);
    let records = guard.records();
    let denied = records.iter().find(|record| record.to() == format!("{address}:{port}"));
    assert_eq!(denied.map(|record| (record.verdict(), record.level())), Some(("deny", "held")));
}
