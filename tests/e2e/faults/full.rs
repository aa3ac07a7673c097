//! The kernel side's own room: the ring that connections are reported through, and the tickets.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::prompt::Prompt;
use claw_tests::scenario::Scenario;
use rustix::process::Pid;
use tempfile::TempDir;

use crate::{callers, go_on, listener, stop, tool, verify};

/// More connections than the ring has room for.
const CONNECTIONS: usize = 20_000;

/// Waits for the file `$1`; then, over and over, takes up a connection to an open address, and says how often that
/// went and how often it did not; then tries two others.
const FLOOD: &str = r#"
import os, socket, sys, time
print('ready', flush=True)
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
made = refused = 0
for _ in range(int(sys.argv[2])):
    try:
        datagrams.connect(('127.0.10.7', 9))
        made += 1
    except PermissionError:
        refused += 1
print(made, refused, flush=True)
for to in ('127.0.10.7', '127.0.9.7'):
    try:
        socket.create_connection((to, 17841))
        print('ok')
    except OSError as error:
        print(error.errno)
"#;

#[test]
fn a_connection_that_finds_the_ring_full_is_not_made() {
    let scenario = Scenario::new("proven: nobody reads what the kernel side reports");
    let guard = Guard::with_policy("connect").option("--require").option("proven");
    let (denied, allowed) = (listener(17841), std::net::TcpListener::bind("127.0.10.7:17841"));
    let allowed = allowed.expect("loopback");
    allowed.set_nonblocking(true).expect("a socket can be non-blocking");
    let folder = TempDir::new().expect("a temporary directory");
    let (go, flood) = (folder.path().join("go"), folder.path().join("flood.py"));
    fs::write(&flood, FLOOD).expect("a new file");
    let line = format!("/usr/bin/python3 {} {} {CONNECTIONS}", flood.display(), go.display());

    scenario.control("without claw all of them are made");
    fs::write(&go, "").expect("a new file");
    let bare = Call::new(["/bin/sh", "-c", &line]).bare().exits(0);
    assert_eq!(bare.out(), format!("ready\n{CONNECTIONS} 0\nok\nok"));
    assert_eq!((callers(&allowed), callers(&denied)), (1, 1));
    fs::remove_file(&go).expect("the file");

    let mut shell = Prompt::start(&guard, &[]);
    let supervisor = shell.supervisor();
    shell.tell(&line);
    shell.wait_for("ready");
    stop(supervisor);
    fs::write(&go, "").expect("a new file");
    let (said, _) = shell.answer();
    go_on(supervisor);
    let words: Vec<&str> = said.split_whitespace().collect();
    let [_, made, refused, to_allowed, to_denied] = words[..] else { panic!("{said}") };
    let number = |word: &str| word.parse::<usize>().expect("a number");
    scenario.then(format!("{made} are made, and once there is no room none is: {refused}"));
    assert!(number(made) > 0 && number(refused) > 0, "{said}");
    let denial = rustix::io::Errno::PERM.raw_os_error().to_string();
    assert_eq!((to_allowed, to_denied), (denial.as_str(), denial.as_str()));
    assert_eq!((callers(&allowed), callers(&denied)), (0, 0));

    scenario.then("with the reader back all is as ever");
    let forms = tool("connect_forms").display().to_string();
    assert_eq!(shell.says(&format!("'{forms}' tcp 127.0.10.7 17841")).0, "ok");
    assert_eq!(callers(&allowed), 1);
    assert_ne!(shell.says(&format!("'{forms}' tcp 127.0.9.7 17841")).0, "ok");
    assert_eq!(callers(&denied), 0);
    let _ = shell.close();

    scenario.then("each that was made has its record, and the others are counted in one");
    let records = guard.records();
    let of_flood = |verdict: &str| {
        let to = |record: &&claw_tests::record::Record| record.to() == "127.0.10.7:9";
        records.iter().filter(to).filter(|record| record.verdict() == verdict).count()
    };
    assert_eq!((of_flood("allow"), of_flood("deny")), (number(made), 0));
    let lost: Vec<_> = records.iter().filter(|record| record.kind() == "lost").collect();
    assert!(lost.iter().all(|record| record.verdict() == "deny"), "{lost:#?}");
    let counted: usize =
        lost.iter().filter_map(|record| record.field("count").as_u64()).sum::<u64>() as usize;
    // The last two connections found no room either.
    assert_eq!(counted, number(refused) + 2, "{lost:#?}");
    verify(&guard);
}

/// `BPF_MAP_TYPE_HASH`, as fdinfo shows it.
const HASH_TABLE: &str = "1";

/// The number of the supervisor's map of tickets: the only hash table with such keys and values.
fn tickets(supervisor: Pid) -> String {
    let folder = format!("/proc/{}/fdinfo", supervisor.as_raw_nonzero());
    let infos = fs::read_dir(folder).expect("the supervisor lives").flatten();
    let texts = infos.map(|info| fs::read_to_string(info.path()).unwrap_or_default());
    let field = |text: &str, name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(":")?.trim().to_owned()))
    };
    let is_it = |text: &String| {
        field(text, "map_type").as_deref() == Some(HASH_TABLE)
            && field(text, "key_size").as_deref() == Some("4")
            && field(text, "value_size").as_deref() == Some("56")
    };
    texts.filter(is_it).find_map(|text| field(&text, "map_id")).expect("a map of tickets")
}

#[test]
fn a_program_for_which_there_is_no_ticket_does_not_run() {
    let scenario = Scenario::new("proven: no ticket can be written");
    let guard = Guard::with_policy("forms").option("--require").option("proven");
    let folder = crate::forms();
    let log = folder.path().join("log");
    let mut shell = Prompt::start(&guard, &[("WITNESS_LOG", log.display().to_string())]);
    let line = |name: &str| format!("'{}'", folder.path().join(name).display());
    scenario.control("with tickets it runs");
    assert_eq!(shell.says(&line("harmless")).1, 0);
    assert_eq!(crate::witnessed(&log).len(), 1);

    // Thread numbers that do not exist on this machine.
    let mut filler = Command::new(tool("fill_map"))
        .args([tickets(shell.supervisor()).as_str(), "4200000"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is compiled");
    let mut said = BufReader::new(filler.stdout.take().expect("stdout is piped")).lines();
    let mut next = || said.next().expect("a line").expect("UTF-8");
    assert_eq!(next(), "E2BIG");
    scenario.then("without any, neither what is allowed nor what is denied runs");
    for name in ["harmless", "forbidden"] {
        let (said, status) = shell.says(&line(name));
        assert_eq!(status, 126, "{said}");
    }
    assert_eq!(crate::witnessed(&log).len(), 1);
    let mut stdin = filler.stdin.take().expect("stdin is piped");
    stdin.write_all(b"\n").expect("it reads its stdin");
    assert_eq!(next(), "empty");
    assert!(filler.wait().expect("it is ours").success());
    scenario.then("with tickets again, it runs");
    assert_eq!(shell.says(&line("harmless")).1, 0);
    assert_eq!(crate::witnessed(&log).len(), 2);
    let _ = shell.close();
    scenario.then("each that did not run is recorded with the reason");
    let no_ticket = |record: &&claw_tests::record::Record| {
        record.field("outcome").as_str().is_some_and(|outcome| outcome.contains("no ticket"))
    };
    let records = guard.records();
    let failed: Vec<_> = records.iter().filter(no_ticket).collect();
    assert_eq!(failed.len(), 2, "{records:#?}");
    assert!(failed.iter().all(|record| record.proof() == "answered"), "{failed:#?}");
    verify(&guard);
}
