//! Sockets that were made before the guard, or elsewhere: connected already, or yet to be connected.

use crate::attempt::{Attempt, reach};
use crate::gap;
use crate::theme::Theme;

/// Leaves a socket that is connected to the open address as descriptor 8, and one to the closed address as 9.
const CONNECTED: &str = r#"exec python3 -c '
import os, socket, sys
for number, to in (8, "127.0.0.1"), (9, "127.0.0.2"):
    s = socket.create_connection((to, 7700))
    os.dup2(s.fileno(), number)
os.execvp(sys.argv[1], sys.argv[1:])' "$@""#;

/// Leaves sockets that are connected to nobody as descriptors 8 (a stream) and 9 (datagrams).
const UNCONNECTED: &str = r#"exec python3 -c '
import os, socket, sys
for number, kind in (8, socket.SOCK_STREAM), (9, socket.SOCK_DGRAM):
    s = socket.socket(socket.AF_INET, kind)
    os.dup2(s.fileno(), number)
os.execvp(sys.argv[1], sys.argv[1:])' "$@""#;

/// Passes two sockets, connected to the open and to the closed address, to whoever asks at descriptor 7, twice.
const PASSED_CONNECTED: &str = r#"exec python3 -c '
import os, socket, sys
mine, theirs = socket.socketpair()
for _ in range(2):
    made = [socket.create_connection((to, 7700)) for to in ("127.0.0.1", "127.0.0.2")]
    socket.send_fds(mine, [b"x"], [one.fileno() for one in made])
os.dup2(theirs.fileno(), 7)
os.execvp(sys.argv[1], sys.argv[1:])' "$@""#;

/// Passes a socket that is connected to nobody to whoever asks at descriptor 7, twice.
const PASSED_UNCONNECTED: &str = r#"exec python3 -c '
import os, socket, sys
mine, theirs = socket.socketpair()
for _ in range(2):
    s = socket.socket()
    socket.send_fds(mine, [b"x"], [s.fileno()])
os.dup2(theirs.fileno(), 7)
os.execvp(sys.argv[1], sys.argv[1:])' "$@""#;

const ATTEMPTS: &[Attempt] = &[
    reach(
        "connected before the guard",
        r#"python3 -c '
import os, socket
s = socket.socket(fileno=8 if os.environ["TO"] == "127.0.0.1" else 9)
s.send(os.environ["TOKEN"].encode())'"#,
    )
    .after(CONNECTED)
    .open(gap::CONNECTED_SOCKETS),
    reach(
        "made before the guard, connected under it",
        r#"python3 -c '
import os, socket
s = socket.socket(fileno=8); s.connect((os.environ["TO"], 7700))
s.send(os.environ["TOKEN"].encode()); s.recv(9)'"#,
    )
    .after(UNCONNECTED),
    reach(
        "made before the guard, sent from under it",
        r#"python3 -c '
import os, socket
s = socket.socket(fileno=9)
s.sendto(os.environ["TOKEN"].encode(), (os.environ["TO"], 7700))'"#,
    )
    .after(UNCONNECTED),
    reach(
        "connected, and passed on",
        r#"python3 -c '
import os, socket
_, fds, _, _ = socket.recv_fds(socket.socket(fileno=7), 1, 2)
s = socket.socket(fileno=fds[0 if os.environ["TO"] == "127.0.0.1" else 1])
s.send(os.environ["TOKEN"].encode())'"#,
    )
    .after(PASSED_CONNECTED)
    .open(gap::CONNECTED_SOCKETS),
    reach(
        "passed on, and then connected",
        r#"python3 -c '
import os, socket
_, fds, _, _ = socket.recv_fds(socket.socket(fileno=7), 1, 2)
s = socket.socket(fileno=fds[0]); s.connect((os.environ["TO"], 7700))
s.send(os.environ["TOKEN"].encode()); s.recv(9)'"#,
    )
    .after(PASSED_UNCONNECTED),
    reach(
        "passed on between guarded processes",
        r#"python3 -c '
import os, socket
mine, theirs = socket.socketpair()
if os.fork() == 0:
    s = socket.socket()
    try: s.connect((os.environ["TO"], 7700))
    finally: socket.send_fds(mine, [b"x"], [s.fileno()]); os._exit(0)
_, fds, _, _ = socket.recv_fds(theirs, 1, 1)
s = socket.socket(fileno=fds[0]); s.send(os.environ["TOKEN"].encode()); s.recv(9)'"#,
    ),
    reach(
        "connected in another network namespace's process",
        r#"cp /usr/bin/unshare u; python3 -c '
import os, socket, subprocess
mine, theirs = socket.socketpair()
s = socket.socket()
socket.send_fds(mine, [b"x"], [s.fileno()])
subprocess.run(["./u", "-rn", "python3", "-c", """
import os, socket
_, fds, _, _ = socket.recv_fds(socket.socket(fileno=%d), 1, 1)
s = socket.socket(fileno=fds[0]); s.connect((os.environ["TO"], 7700))
s.send(os.environ["TOKEN"].encode()); s.recv(9)""" % theirs.fileno()], pass_fds=[theirs.fileno()])'"#,
    ),
];

#[test]
fn sockets_from_elsewhere_reach_nothing_closed() {
    Theme {
        number: 6,
        title: "Sockets from before and elsewhere",
        at_a_time: 3,
        attempts: ATTEMPTS,
    }
    .hold();
}
