//! Unix sockets: decided by what a name leads to, at both levels, and every decision a record.

mod identity;
mod names;
mod races;
mod stage;

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::postgres;
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

use stage::{LEVELS, Stage};

#[test]
fn every_call_that_names_a_socket_is_decided() {
    let stage = Stage::new();
    for level in LEVELS {
        let guard = level.guard(&stage.rules());
        for (form, kind) in [
            ("stream", "stream"),
            ("received", "stream"),
            ("stream", "@"),
            ("seqpacket", "packets"),
            ("connect", "datagrams"),
            ("again", "datagrams"),
            ("sendto", "datagrams"),
            ("sendmsg", "datagrams"),
            ("sendmmsg", "datagrams"),
        ] {
            for side in ["open", "closed"] {
                let scenario = Scenario::new(format!("{form} to {side} {kind}, {}", level.name()));
                let name = stage.name(side, kind);
                let word = stage.word();
                let bare = stage.reach(None, form, &name, &word);
                scenario.control("without claw it arrives");
                assert_eq!(bare.out(), "ok", "{}", bare.story());
                assert!(stage.heard(side, &word), "{}", bare.story());

                let word = stage.word();
                let ran = stage.reach(Some(&guard), form, &name, &word);
                let allowed = side == "open";
                scenario.then(format!("under claw it arrives: {allowed}"));
                assert_eq!(ran.out(), if allowed { "ok" } else { "EPERM" }, "{}", ran.story());
                assert_eq!(stage.heard(side, &word), allowed, "{}", ran.story());
                scenario.then("one record says so");
                let about = |record: &&&claw_tests::record::Record| record.to() == name;
                let connects: Vec<_> = stage::connects(&ran);
                let [record] = connects.iter().filter(about).collect::<Vec<_>>()[..] else {
                    panic!("{}", ran.story())
                };
                let expected = if allowed {
                    ("allow", "", "on-behalf")
                } else {
                    ("deny", "closed", "answered")
                };
                let got = (record.verdict(), record.rule(), record.proof());
                assert_eq!(got, expected, "{}", ran.story());
                assert_eq!(record.level(), level.name(), "{}", ran.story());
                assert_eq!(record.field("protocol"), "unix", "{}", ran.story());
            }
        }
    }
}

#[test]
fn programs_notice_nothing_where_the_kernel_side_decides_the_rest() {
    let stage = Stage::new();
    let guard = Guard::with_policy_file(stage.rules());
    // Relative and abstract names, a passed descriptor, a message that does not fit, who connected; SIGPIPE;
    // a signal that interrupts a connect that waits.
    for form in ["path", "abstract", "datagram", "broken", "alarm"] {
        let scenario = Scenario::new(format!("Unix sockets: {form}"));
        let forms = program("unix_forms", Linkage::Static).display().to_string();
        let call = Call::new([forms.as_str(), form]).cwd(stage.folder());
        scenario.control("without claw");
        assert_eq!(call.bare().exits(0).out(), "ok");
        scenario.then("under claw as well");
        let ran = call.guarded(&guard);
        assert_eq!(ran.out(), "ok", "{}", ran.story());
    }
}

#[test]
fn other_connections_are_decided_as_ever() {
    let stage = Stage::new();
    let guard = Guard::with_policy_file(stage.rules());
    let scenario = Scenario::new("TCP and UDP under a policy that speaks of Unix sockets as well");
    for (form, address, allowed) in [
        ("tcp", "127.0.9.1", false),
        ("tcp", "127.0.0.1", true),
        ("udp-sendmsg", "127.0.9.1", false),
        ("udp-sendmmsg", "127.0.0.1", true),
        ("udp-sendto", "127.0.9.1", false),
    ] {
        let listener = std::net::TcpListener::bind((address, 0)).expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let _datagrams = std::net::UdpSocket::bind((address, port)).expect("loopback");
        let forms = program("connect_forms", Linkage::Static).display().to_string();
        let call = Call::new([&forms, form, address, &port.to_string()]);
        scenario.control("without claw it arrives");
        assert_eq!(call.bare().exits(0).out(), "ok");
        let ran = call.guarded(&guard).exits(0);
        scenario.then(format!("{form} to {address} is allowed: {allowed}"));
        assert_eq!(ran.out(), if allowed { "ok" } else { "EPERM" }, "{}", ran.story());
        let to = std::net::SocketAddr::new(address.parse().expect("an address"), port);
        let [record] = ran.connects(to)[..] else { panic!("{}", ran.story()) };
        assert_eq!(record.verdict(), if allowed { "allow" } else { "deny" }, "{}", ran.story());
    }
}

#[test]
fn a_policy_that_does_not_speak_of_them_leaves_them_alone() {
    let stage = Stage::new();
    let scenario = Scenario::new("a Unix socket under a policy about networks, with a kernel side");
    let word = stage.word();
    let name = stage.name("closed", "stream");
    let ran = stage.reach(Some(&Guard::with_policy("connect")), "stream", &name, &word);
    scenario.then("it is reached, and nobody has looked");
    assert!(stage.heard("closed", &word), "{}", ran.story());
    assert_eq!(stage::connects(&ran).len(), 0, "{}", ran.story());
}

#[test]
fn a_governed_tool_reaches_the_socket_that_the_policy_lets_it() {
    let stage = Stage::new();
    let database = postgres::database();
    let folder = std::path::PathBuf::from(database.ask("SHOW unix_socket_directories"));
    let scenario = Scenario::new("psql by a local socket, which is a closed process by then");
    let call = |statement: &str| {
        let psql = postgres::real_psql().display().to_string();
        let host = folder.display().to_string();
        let argv = [psql.as_str(), "-X", "-A", "-t", "-h", &host, "-c", statement];
        Call::new(argv).envs(database.env())
    };
    scenario.control("without claw it answers");
    assert_eq!(call("SELECT 41 + 1").bare().exits(0).out(), "42");
    let socket = folder.join(format!(".s.PGSQL.{}", database.port()));
    let socket = socket.canonicalize().expect("it is there");
    for (rule, answers) in [(format!("{}", socket.display()), true), ("/none".to_owned(), false)] {
        let policy = stage.policy(&format!(
            "defaults.unix = \"deny\"\n[[connect]]\nid = \"server\"\nunix = \"{rule}\"\nverdict = \"allow\"\n{}",
            "[[rule]]\nid = \"reads\"\nverdict = \"allow\"\nmatch.sql.effect = \"read\""
        ));
        let ran = call("SELECT 41 + 1").guarded(&Guard::with_policy_file(policy));
        scenario.then(format!("with a rule for `{rule}` it answers: {answers}"));
        assert_eq!(ran.out(), if answers { "42" } else { "" }, "{}", ran.story());
        let connects = stage::connects(&ran);
        assert!(!connects.is_empty(), "{}", ran.story());
    }
}

#[test]
fn the_supervisor_s_rights_are_not_lent() {
    let stage = Stage::new();
    let scenario =
        Scenario::new("a socket that all may write, in a folder that only root may enter");
    let name = stage.private();
    let rules = stage.rules();
    let user = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    for (who, expected, arrives) in [(&user[..0], "ok", true), (&user[..], "EACCES", false)] {
        for guard in [None, Some(Guard::with_policy_file(&rules))] {
            let word = stage.word();
            let program = stage.program().display().to_string();
            let argv = [program.as_str(), "stream", &name, &word];
            let call = Call::new(who.iter().copied().chain(argv));
            let ran = guard.as_ref().map_or_else(|| call.bare(), |guard| call.guarded(guard));
            scenario.then(format!("{who:?} gets {expected}, under claw: {}", guard.is_some()));
            assert_eq!(ran.out(), expected, "{}", ran.story());
            assert_eq!(stage.heard("open", &word), arrives, "{}", ran.story());
        }
    }
}
