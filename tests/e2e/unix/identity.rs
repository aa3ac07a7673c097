//! What the supervisor does on behalf of a tracee has the result that the tracee would have had, and its peer sees the
//! same sender.

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::Scenario;

use crate::stage::Stage;

/// Tries calls on Unix sockets, and prints how each ended and whom the receiver was told of.
const TRIES: &str = r#"
import ctypes, errno, os, socket, struct, sys
if sys.argv[1] == "namespace":
    uid, gid = os.getuid(), os.getgid()
    assert ctypes.CDLL(None, use_errno=True).unshare(0x10000000) == 0, ctypes.get_errno()
    for name, text in ("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1"):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
address = "\0claw-identity-" + sys.argv[3]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind(address)
def told():
    for level, kind, data in receiver.recvmsg(64, 256)[1]:
        if kind == socket.SCM_CREDENTIALS:
            pid, uid, gid = struct.unpack("iII", data)
            return "self" if pid == os.getpid() else "another", uid, gid
def send(*credentials):
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    control = [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack("iII", *credentials))] if credentials else []
    sender.sendmsg([b"x"], control, 0, address)
    return told()
def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(path)
    return "connected"
own = os.getpid(), os.getuid(), os.getgid()
tries = [
    ("sendto", lambda: (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", address), told())[1]),
    ("sendmsg", send),
    ("own", lambda: send(*own)),
    ("init", lambda: send(1, *own[1:])),
    ("private", lambda: connect(sys.argv[2])),
]
if sys.argv[1] != "namespace":
    tries += [("root", lambda: send(own[0], 0, 0)), ("nobody", lambda: send(own[0], 65534, 65534))]
for name, attempt in tries:
    try:
        print(name, attempt())
    except OSError as error:
        print(name, errno.errorcode[error.errno])
"#;

/// Who makes the calls: a name, the words that become that user, and whether it makes a user namespace.
const WHO: [(&str, &[&str], &str); 5] = [
    ("root", &[], "plain"),
    ("a user", &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], "plain"),
    ("a user with groups", &["setpriv", "--reuid=65534", "--regid=65534", "--groups=7,8"], "plain"),
    (
        "a user in a user namespace",
        &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
        "namespace",
    ),
    (
        "root without capabilities",
        &["setpriv", "--bounding-set=-all", "--inh-caps=-all", "sh", "-c", "exec \"$@\"", "sh"],
        "plain",
    ),
];

#[test]
fn nobody_gets_more_than_without_claw_and_peers_see_who_sends() {
    let stage = Stage::new();
    let (private, rules) = (stage.private(), stage.rules());
    for (who, words, way) in WHO {
        let scenario = Scenario::new(format!("calls on behalf of {who}"));
        let call = |stage: &Stage| {
            let word = stage.word();
            let argv = ["/usr/bin/python3", "-c", TRIES, way, &private, &word].map(str::to_owned);
            Call::new(words.iter().map(|word| (*word).to_owned()).chain(argv))
        };
        let bare = call(&stage).bare().exits(0);
        scenario.control(format!("without claw: {}", bare.out().replace('\n', "; ")));
        let ran = call(&stage).guarded(&Guard::with_policy_file(&rules)).exits(0);
        scenario.then("under claw it is the same");
        let expected = match way {
            // Its numbers for users are not the supervisor's, which vouches for none of them.
            "namespace" => bare.out().replace("own ('self', 0, 0)", "own EPERM"),
            // Under claw root has no CAP_SYS_ADMIN, which this takes.
            _ => bare.out().replace("init ('another', 0, 0)", "init EPERM"),
        };
        assert_eq!(ran.out(), expected, "{}", ran.story());
        assert!(ran.records.iter().any(|record| record.proof() == "on-behalf"), "{}", ran.story());
    }
}
