//! The level `held`: claw as an ordinary user, without any capability and without eBPF.
//!
//! Verdicts, rewrites and records are the same as under `proven`; what proves them is the exec stop, and
//! connections are made on behalf.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::postgres::{self, Database};
use claw_tests::scenario::Scenario;
use claw_tests::tracee::{Linkage, program};

fn ordinary(policy: &str) -> Guard {
    Guard::with_policy(policy).as_ordinary_user()
}

/// A compiled program where the guard's user finds it.
fn staged(guard: &Guard, name: &str) -> String {
    guard.staged(&program(name, Linkage::Static)).display().to_string()
}

#[test]
fn the_level_is_said_and_recorded() {
    let scenario = Scenario::new("claw run as an ordinary user");
    let guard = ordinary("judging");
    let ran = Call::new(["/usr/bin/id", "-u"]).guarded(&guard).exits(0);
    scenario.then("the command runs as that user, and claw says which level there is");
    assert_eq!(ran.out(), "65534");
    assert!(ran.err().contains("level `held`"), "{}", ran.story());
    scenario.then("every record says so too");
    assert!(ran.records.iter().all(|record| record.level() == "held"), "{}", ran.story());
    assert_eq!(ran.only("allow").proof(), "stop", "{}", ran.story());
}

#[test]
fn less_than_is_required_starts_nothing() {
    let scenario = Scenario::new("claw run --require");
    for (required, starts) in [("proven", false), ("held", true), ("observed", true)] {
        let guard = ordinary("judging").option("--require").option(required);
        let file = guard.folder().join("ran");
        let call = Call::new(["/usr/bin/touch".as_ref(), file.as_os_str()]);
        let ran = call.guarded(&guard);
        scenario.then(format!("`{required}` starts the command: {starts}"));
        assert_eq!(file.exists(), starts, "{}", ran.story());
        assert_eq!(ran.code(), Some(if starts { 0 } else { 2 }), "{}", ran.story());
        assert!(starts || ran.err().contains("--require held"), "{}", ran.story());
    }
    let guard = ordinary("judging").observing();
    let ran = Call::new(["/bin/true"]).guarded(&guard).exits(2);
    assert!(ran.err().contains("observed"), "{}", ran.story());
    scenario.then("root has the level `proven`, with every requirement");
    for required in ["proven", "held", "observed"] {
        let guard = Guard::with_policy("judging").option("--require").option(required);
        let ran = Call::new(["/bin/true"]).guarded(&guard).exits(0);
        assert_eq!((ran.only("allow").level(), &*ran.err()), ("proven", ""), "{}", ran.story());
    }
}

/// Runs the real `psql`, started by `form` of `spawn_forms.c`.
fn spawned(guard: Option<&Guard>, form: &str, statement: &str, database: &Database) -> Ran {
    let psql = postgres::real_psql().display().to_string();
    let forms = program("spawn_forms", Linkage::Static);
    let forms = guard.map_or_else(|| forms.clone(), |guard| guard.staged(&forms));
    let forms = forms.display().to_string();
    let argv = [&forms, form, &psql, "psql", "-X", "-A", "-t", "-c", statement];
    let call = Call::new(argv).envs(database.env());
    guard.map_or_else(|| call.bare(), |guard| call.guarded(guard))
}

#[test]
fn every_way_to_start_a_program_is_judged() {
    let guard = ordinary("judging");
    for form in ["execve", "fork", "vfork", "posix_spawn", "clone3", "go", "thread", "fexecve"] {
        let scenario = Scenario::new(format!("psql, by {form}"));
        let (control, guarded) = (postgres::database(), postgres::database());
        scenario.control("without claw the table is dropped");
        let bare = spawned(None, form, "DROP TABLE users", &control);
        assert!(!control.has_users(), "{}", bare.story());

        scenario.then("under claw it is not, and psql says why");
        let denied = spawned(Some(&guard), form, "DROP TABLE users", &guarded).exits(1);
        assert!(guarded.has_users(), "{}", denied.story());
        assert!(denied.err().contains("(claw rule sql-no-ddl: "), "{}", denied.story());
        assert_eq!(denied.only("deny").proof(), "stop", "{}", denied.story());

        scenario.then("a read gets its row limit");
        let limited = spawned(Some(&guard), form, "SELECT * FROM users", &guarded).exits(0);
        let rows = limited.out().lines().filter(|line| line.contains("|user ")).count();
        assert_eq!(rows, 1000, "{}", limited.story());
        assert_eq!(limited.only("rewrite").rule(), "sql-row-limit", "{}", limited.story());
    }
}

/// Somebody who waits at a loopback address, and how many have come.
enum Listener {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Listener {
    fn new(form: &str, at: SocketAddr) -> Self {
        if form.starts_with("tcp") {
            let listener = TcpListener::bind(at).expect("loopback");
            listener.set_nonblocking(true).expect("a socket can be non-blocking");
            Self::Tcp(listener)
        } else {
            let socket = UdpSocket::bind(at).expect("loopback");
            socket.set_read_timeout(Some(Duration::from_millis(1))).expect("a time-out");
            Self::Udp(socket)
        }
    }

    fn callers(&self) -> usize {
        let mut callers = 0;
        loop {
            let came = match self {
                Self::Tcp(listener) => listener.accept().map(drop),
                Self::Udp(socket) => socket.recv_from(&mut [0; 16]).map(drop),
            };
            match came {
                Ok(()) => callers += 1,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return callers,
                Err(error) => panic!("the listener fails: {error}"),
            }
        }
    }
}

#[test]
fn connections_are_decided_and_made_on_behalf() {
    let guard = ordinary("connect");
    let forms = ["tcp", "tcp-nonblocking", "tcp-fastopen"];
    let forms =
        forms.into_iter().chain(["udp-connect", "udp-sendto", "udp-sendmsg", "udp-sendmmsg"]);
    for (index, form) in forms.enumerate() {
        let port = 17800 + 20 * index as u16;
        for (address, port, rule) in [
            ("127.0.9.1", port, "no-network"),
            ("::ffff:127.0.9.1", port + 1, "no-network"),
            ("127.0.0.1", 7708, "no-port"),
            ("::1", 7708, "no-six"),
            ("127.0.0.1", port + 2, ""),
            ("::ffff:127.0.0.1", port + 3, ""),
            ("::1", port + 4, ""),
        ] {
            let scenario = Scenario::new(format!("{form} to {address} port {port}"));
            let to = SocketAddr::new(address.parse().expect("an address"), port);
            let there = SocketAddr::new(to.ip().to_canonical(), port);
            let listener = Listener::new(form, there);
            let call =
                Call::new([&staged(&guard, "connect_forms"), form, address, &port.to_string()]);
            scenario.control("without claw it arrives");
            assert_eq!(call.bare().exits(0).out(), "ok");
            assert_eq!(listener.callers(), 1);
            let allowed = rule.is_empty();
            scenario.then(format!("under claw it arrives: {allowed}"));
            let ran = call.guarded(&guard).exits(0);
            assert_eq!(ran.out(), if allowed { "ok" } else { "EPERM" }, "{}", ran.story());
            assert_eq!(listener.callers(), usize::from(allowed), "{}", ran.story());
            scenario.then("one record says so");
            let [record] = ran.connects(to)[..] else { panic!("{}", ran.story()) };
            let (verdict, proof) =
                if allowed { ("allow", "on-behalf") } else { ("deny", "answered") };
            assert_eq!((record.verdict(), record.proof()), (verdict, proof), "{}", ran.story());
            assert_eq!((record.rule(), record.level()), (rule, "held"), "{}", ran.story());
            assert_eq!(record.field("protocol"), &form[..3], "{}", ran.story());
        }
    }
}

#[test]
fn unix_sockets_work_as_ever() {
    let guard = ordinary("connect");
    // Relative and abstract names, a passed descriptor, a message that does not fit, who connected; SIGPIPE;
    // a signal that interrupts a connect that waits.
    for form in ["path", "abstract", "datagram", "broken", "alarm"] {
        let scenario = Scenario::new(format!("Unix sockets: {form}"));
        let call = Call::new([&staged(&guard, "unix_forms"), form]).cwd(guard.folder());
        scenario.control("without claw");
        assert_eq!(call.bare().exits(0).out(), "ok");
        scenario.then("under claw as well");
        let ran = call.guarded(&guard);
        assert_eq!(ran.out(), "ok", "{}", ran.story());
    }
}

#[test]
fn what_somebody_else_traces_does_not_run() {
    let scenario =
        Scenario::new("a program whose exec is traced already, where the policy lets it be");
    let guard = ordinary("doors-open");
    let call = Call::new([&staged(&guard, "unix_forms"), "tracer"]);
    scenario.control("without claw it runs");
    assert_eq!(call.bare().exits(0).out(), "ok");
    scenario.then("under claw its exec cannot be proven, and fails");
    let ran = call.guarded(&guard).exits(1);
    assert_eq!(ran.out(), "traced 51", "{}", ran.story());
    let unproven = ran.execs().into_iter().filter(|record| record.proof() == "answered").count();
    assert_eq!(unproven, 1, "{}", ran.story());
}

#[test]
fn a_swapped_address_is_never_connected_to() {
    const TRIES: usize = 10_000;
    let scenario = Scenario::new("a sibling thread swaps the address of a connect");
    let guard = ordinary("connect");
    let race = staged(&guard, "race_address");
    let count = |ran: &Ran, name: &str| -> usize {
        let out = ran.out();
        let mut words = out.split(' ').skip_while(|word| *word != name);
        words.nth(1).and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{out}"))
    };
    let naive = program("naive_supervisor", Linkage::Static).display().to_string();
    let tries = TRIES.to_string();
    let control = Call::new([&naive, &race, &tries]).bare().exits(0);
    scenario.control(format!("without a proof: {}", control.out()));
    assert!(count(&control, "evil") > 0, "{}", control.story());
    let ran = Call::new([&race, &tries]).guarded(&guard).exits(0);
    scenario.then(format!("under claw none wins: {}", ran.out()));
    assert_eq!(count(&ran, "evil"), 0, "{}", ran.out());
    assert!(count(&ran, "good") > 0, "{}", ran.out());
    let decided = ran.records.iter().filter(|record| record.kind() == "connect").count();
    assert_eq!(decided, TRIES, "each try has its record");
}

#[test]
fn nothing_outlives_a_supervisor_that_dies() {
    let scenario = Scenario::new("SIGKILL for the supervisor of a tree with a daemon");
    let guard = ordinary("judging");
    let script = "setsid sh -c 'sleep 1000 & sleep 1000' & echo ready; sleep 1000";
    let mut running = Call::new(["/bin/sh", "-c", script]).start_guarded(&guard);
    running.wait_for("ready");
    let front = running.pid();
    let children = std::fs::read_to_string(format!("/proc/{front}/task/{front}/children"));
    let supervisor = children.expect("the front lives").trim().parse().expect("one child");
    let supervisor = rustix::process::Pid::from_raw(supervisor).expect("a process");
    rustix::process::kill_process(supervisor, rustix::process::Signal::KILL).expect("root may");
    let ran = running.finish(Duration::from_secs(60)).exits(2);
    scenario.then("claw says so, and its output is closed: nobody is left who holds it");
    assert!(ran.err().contains("the supervisor died"), "{}", ran.story());
}

#[test]
fn the_supervisor_keeps_to_itself() {
    let scenario = Scenario::new("the command looks into its parent, which runs as the same user");
    let guard = ordinary("judging");
    let look = "cat /proc/$PPID/environ >/dev/null && echo read; : 3<>/proc/$PPID/mem && echo open";
    let whole = format!("/bin/sh -c '{look}'; true");
    let user = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh"];
    let control = Call::new(user.into_iter().chain(["-c", &whole])).bare();
    scenario.control("without claw a child reads its parent's environment");
    // Opening the memory is refused anyhow where Yama's scope is not 0.
    assert!(control.out().contains("read"), "{}", control.story());
    scenario.then("under claw the supervisor's cannot be had");
    let ran = Call::new(["/bin/sh", "-c", look]).guarded(&guard);
    assert_eq!(ran.out(), "", "{}", ran.story());
}

#[test]
fn a_daemon_stays_guarded_until_it_ends() {
    let scenario = Scenario::new("an orphan that execs after the command has ended");
    let guard = ordinary("judging");
    let database = postgres::database();
    let psql = postgres::real_psql().display().to_string();
    let script = format!("(sleep 1; '{psql}' -X -c 'DROP TABLE users'; echo over) & exit 0");
    let call = Call::new(["/bin/sh", "-c", &script]).envs(database.env());
    let ran = call.guarded(&guard).exits(0);
    scenario.then("it is denied like any other, and the session's end is recorded after it");
    assert!(ran.out().contains("over") && database.has_users(), "{}", ran.story());
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while guard.records().last().is_none_or(|record| record.kind() != "end") {
        assert!(std::time::Instant::now() < deadline, "{}", ran.story());
        std::thread::sleep(Duration::from_millis(20));
    }
    let denied = guard.records().iter().filter(|record| record.verdict() == "deny").count();
    assert_eq!(denied, 1, "{}", ran.story());
}
