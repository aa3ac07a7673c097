//! Side doors: closed by default, each opened by its own knob.

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

/// The attempts of tests/programs/door.c, each behind the door it begins with.
const ATTEMPTS: [&str; 31] = [
    "ptrace",
    "ptrace-read",
    "ptrace-write",
    "descriptors",
    "io_uring",
    "bpf",
    "perf",
    "userfaultfd",
    "modules",
    "kexec",
    "keyring",
    "mount",
    "handles",
    "personality",
    "terminal",
    "system",
    "network",
    "raw_sockets",
    "other_sockets",
    "other_sockets-wide",
    "other_sockets-x25",
    "other_sockets-key",
    "other_sockets-bluetooth",
    "other_sockets-sctp",
    "other_sockets-smc",
    "other_sockets-seqpacket",
    "other_sockets-dccp",
    "other_sockets-l2tp",
    "other_sockets-unknown",
    "ping",
    "ping-v6",
];

/// Options that lead packets elsewhere than to the address that was judged. No policy opens them.
const ROUTES: [&str; 4] = ["route", "route-v6", "route-v6-old", "route-v6-options"];

/// Attempts that rules can decide, which are not side doors.
const STAYS: [&str; 6] =
    ["stays-unix", "stays-tcp", "stays-mptcp", "stays-udp", "stays-udplite", "stays-netlink"];

#[test]
fn doors_are_closed_by_default_and_open_by_policy() {
    let door = program("door", Linkage::Static);
    for attempt in ATTEMPTS {
        let scenario = Scenario::new(format!("the door `{attempt}`"));
        let call = Call::new([door.as_os_str(), attempt.as_ref()]);
        let bare = call.bare().exits(0);
        scenario.control(format!("without claw: {}", bare.out()));
        // The kernel may lack the call or refuse this use of it, but with another errno than claw.
        assert_ne!(bare.out(), "EPERM", "{}", bare.story());
        scenario.then("under claw the call is refused");
        let closed = call.guarded(&Guard::with_policy("open")).exits(0);
        assert_eq!(closed.out(), "EPERM", "{}", closed.story());
        scenario.then("a policy that opens the door gives the kernel's own answer");
        let open = call.guarded(&Guard::with_policy("doors-open")).exits(0);
        assert_eq!(open.out(), bare.out(), "{}", open.story());
    }
}

#[test]
fn sockets_that_rules_can_speak_of_are_made_as_ever() {
    let door = program("door", Linkage::Static);
    for attempt in STAYS {
        let call = Call::new([door.as_os_str(), attempt.as_ref()]);
        let bare = call.bare().exits(0);
        let closed = call.guarded(&Guard::with_policy("open")).exits(0);
        assert_eq!(closed.out(), bare.out(), "{}", closed.story());
        assert_ne!(bare.out(), "EPERM", "{}", bare.story());
    }
}

#[test]
fn no_option_of_a_socket_leads_its_packets_elsewhere() {
    let door = program("door", Linkage::Static);
    for attempt in ROUTES {
        let scenario = Scenario::new(format!("the option `{attempt}`"));
        let call = Call::new([door.as_os_str(), attempt.as_ref()]);
        let bare = call.bare().exits(0);
        scenario.control(format!("without claw: {}", bare.out()));
        assert_eq!(bare.out(), "open", "{}", bare.story());
        for policy in ["open", "doors-open"] {
            scenario.then(format!("under the policy `{policy}` it is refused"));
            let closed = call.guarded(&Guard::with_policy(policy)).exits(0);
            assert_eq!(closed.out(), "EPERM", "{}", closed.story());
        }
    }
}
