//! Two sessions of one host: one set of programs in the kernel, and rules and events that do not mix.
//! Needs root and a kernel that takes the kernel side.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use claw_classify::schema;
use claw_common::event::RING;
use claw_common::hash::Key;
use claw_policy::Policy;
use rustix::process::{Pid, getpid};
use tempfile::TempDir;

use super::*;
use crate::guard::own::OwnProcesses;
use crate::guard::{Settings, Sockets};
use crate::kernel::{self, KernelSide};
use crate::record::{self, Audit, Kind};
use crate::session::cgroup::Cgroup;

/// Reads one address a line, connects to it from a forked process, and prints the result. It starts no
/// program.
const CONNECTS: &str = r#"while read -r to; do
    (if true 3<>"/dev/tcp/$to"; then echo ok; else echo refused; fi) 2>/dev/null
done"#;

/// A process that connects to the addresses it reads.
struct Caller {
    process: Child,
    to: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Caller {
    fn start() -> Self {
        let mut process = Command::new("bash")
            .args(["-c", CONNECTS])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let to = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut caller = Self { process, to, answers };
        // Its first answer shows that its last exec is over.
        assert_eq!(caller.connect(Peer::new().at), "ok");
        caller
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    fn connect(&mut self, at: SocketAddr) -> String {
        let to = self.to.as_mut().expect("it runs");
        writeln!(to, "{}/{}", at.ip(), at.port()).expect("it reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        answer.trim().to_owned()
    }

    fn end(&mut self) {
        drop(self.to.take());
        self.process.wait().expect("it ends");
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.end();
    }
}

/// A listening socket on loopback.
struct Peer {
    _listener: TcpListener,
    at: SocketAddr,
}

impl Peer {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        Self { _listener: listener, at }
    }
}

/// A policy that allows every connection except those to `peer`.
fn but_for(peer: &Peer, rule: &str) -> Policy {
    let port = peer.at.port();
    let text = format!(
        "version = 1\n[defaults]\nconnect = \"allow\"\n\
         [[connect]]\nid = \"{rule}\"\nverdict = \"deny\"\nreason = \"by {rule}\"\n\
         to = [\"127.0.0.0/8\"]\nports = [\"{port}\"]\n"
    );
    claw_policy::parse(&text, "p.toml", &schema()).expect("right")
}

/// A session with a caller, and the folder of its audit.
struct Guarded {
    session: Arc<Session>,
    caller: Caller,
    folder: TempDir,
}

impl Guarded {
    fn begin(host: &Arc<Host>, policy: Policy) -> Result<Self> {
        let (caller, folder) = (Caller::start(), tempfile::tempdir()?);
        let audit = Audit::start(record::Settings {
            folder: folder.path().into(),
            part_bytes: 1 << 20,
            session: "test".into(),
            labels: Vec::new(),
            for_connections: 0,
        })?;
        let settings = Settings {
            policy,
            level: Level::Proven,
            sockets: Sockets::InKernel,
            audit,
            command: caller.pid(),
            start: None,
        };
        Ok(Self { session: Session::begin(host, settings)?, caller, folder })
    }

    /// The verdicts, rules and peers of its connections so far.
    fn connections(&self, watch: &Watch) -> Vec<[String; 3]> {
        watch.drain();
        self.session.audit.flush().recv().expect("the writer answers");
        let records = record::read(self.folder.path()).expect("readable").into_iter();
        records
            .filter_map(|line| {
                let record = line.record.expect("a record");
                let Kind::Connect { to, .. } = record.kind else { return None };
                let verdict = record.verdict.map(|verdict| verdict.name().to_owned());
                Some([verdict, record.rule, to].map(Option::unwrap_or_default))
            })
            .collect()
    }
}

/// A host with room for two sessions, and what reads its events.
fn host(test: &str) -> (Arc<Host>, Arc<Watch>) {
    assert!(rustix::process::geteuid().is_root(), "run the tests as root");
    let cgroup = Cgroup::create(test).expect("a cgroup");
    let settings = kernel::Settings {
        key: Key([1, 2]),
        cgroup_root: cgroup.root.as_fd(),
        sessions: 2,
        ring: RING,
    };
    let kernel = KernelSide::load(&settings);
    cgroup.remove();
    let kernel = Arc::new(kernel.expect("the kernel takes the programs"));
    let own_processes = OwnProcesses::new(getpid()).expect("procfs");
    let host = Host::new(Some(kernel), own_processes).expect("a host");
    let watch = Watch::start(&host).expect("a thread").expect("there is a kernel side");
    (host, watch)
}

fn line(verdict: &str, rule: &str, to: &Peer) -> [String; 3] {
    [verdict.to_owned(), rule.to_owned(), to.at.to_string()]
}

#[test]
fn rules_and_events_of_two_sessions_do_not_mix() {
    let (host, watch) = host("test-of-two");
    let (here, there) = (Peer::new(), Peer::new());

    // Control: an unguarded process is not refused.
    let mut nobody = Caller::start();
    let mut one = Guarded::begin(&host, but_for(&here, "not-here")).expect("room for one");
    let mut other = Guarded::begin(&host, but_for(&there, "not-there")).expect("room for two");
    assert_eq!([&here, &there].map(|peer| nobody.connect(peer.at)), ["ok", "ok"]);

    // Each session goes by its own rules, and so do the processes that it forks.
    assert_eq!([&here, &there].map(|peer| one.caller.connect(peer.at)), ["refused", "ok"]);
    assert_eq!([&here, &there].map(|peer| other.caller.connect(peer.at)), ["ok", "refused"]);
    assert_eq!(
        one.connections(&watch),
        [line("deny", "not-here", &here), line("allow", "", &there)]
    );
    assert_eq!(
        other.connections(&watch),
        [line("allow", "", &here), line("deny", "not-there", &there)]
    );

    // Shutting one session does not affect the other.
    let kernel = host.kernel.as_ref().expect("there is a kernel side");
    kernel.refuse_connections(one.session.number(), true).expect("written");
    assert_eq!(one.caller.connect(there.at), "refused");
    assert_eq!(other.caller.connect(here.at), "ok");
    kernel.refuse_connections(one.session.number(), false).expect("written");

    // There is room for no third, until one has ended.
    assert!(matches!(
        Guarded::begin(&host, but_for(&here, "third")).map_err(|error| error.to_string()),
        Err(why) if why.contains("no room")
    ));
    other.caller.end();
    assert!(one.session.is_guarded() && !other.session.is_guarded());
    host.dismiss(&other.session);
    let mut third = Guarded::begin(&host, but_for(&here, "third")).expect("room again");
    assert_ne!(third.session.number(), other.session.number());
    assert_eq!([&here, &there].map(|peer| third.caller.connect(peer.at)), ["refused", "ok"]);
    assert_eq!(third.connections(&watch)[0], line("deny", "third", &here));
}

#[test]
fn a_connection_is_recorded_by_the_policy_that_decided_it() {
    let (host, watch) = host("test-of-change");
    let (here, there) = (Peer::new(), Peer::new());
    let mut one = Guarded::begin(&host, but_for(&here, "before")).expect("room for one");

    // Keep the events unread while the policy changes.
    let unread = watch.events.lock().expect("no panic");
    assert_eq!(one.caller.connect(here.at), "refused");
    let pinned = one.session.policy();
    one.session.adopt(but_for(&there, "after")).expect("it fits");
    assert_eq!([&here, &there].map(|peer| one.caller.connect(peer.at)), ["ok", "refused"]);
    drop(unread);

    assert_eq!(
        one.connections(&watch),
        [line("deny", "before", &here), line("allow", "", &here), line("deny", "after", &there)]
    );
    // A call that began earlier keeps the policy of that time.
    assert_eq!(pinned.policy.connect()[0].id, "before");
    assert_eq!(one.session.policy().policy.connect()[0].id, "after");

    // The filter of a running session cannot be changed, so the doors stay as they are.
    let doors = "version = 1\n[doors]\nio_uring = \"open\"\n";
    let doors = claw_policy::parse(doors, "p.toml", &schema()).expect("right");
    assert!(one.session.adopt(doors).is_err_and(|error| error.to_string().contains("other doors")));
    assert_eq!(one.session.policy().policy.connect()[0].id, "after");
}
