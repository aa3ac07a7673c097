//! Connections: every family, protocol, system call and tool that could reach a closed address.

use crate::attempt::{Attempt, reach};
use crate::theme::Theme;

const PROGRAM: &[&str] = &["reach_by"];

const ATTEMPTS: &[Attempt] = &[
    reach("TCP", r#"reach_by tcp "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("TCP without waiting", r#"reach_by nonblocking "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("TCP from a thread", r#"reach_by thread "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("TCP from an orphan", r#"reach_by orphan "$TO" "$PORT" "$TOKEN"; sleep 0.3"#).with(PROGRAM),
    reach("TCP by IPv6", r#"reach_by tcp "$TO6" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("TCP by v4-mapped IPv6", r#"reach_by tcp "::ffff:$TO" "$PORT" "$TOKEN""#).with(PROGRAM).of_kernel(),
    reach("TCP by a link-local address", r#"reach_by tcp "$LINK6" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("multipath TCP", r#"reach_by mptcp "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("TCP fast open with MSG_FASTOPEN", r#"reach_by early "$TO" "$PORT" "$TOKEN""#).with(PROGRAM).of_kernel(),
    reach("TCP fast open with TCP_FASTOPEN_CONNECT", r#"reach_by late "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("fast open by v4-mapped IPv6", r#"reach_by early "::ffff:$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("UDP connect", r#"reach_by connect "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("UDP sendto", r#"reach_by sendto "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("UDP sendmsg", r#"reach_by sendmsg "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("UDP sendmmsg", r#"reach_by sendmmsg "$TO" "$PORT" "$TOKEN""#).with(PROGRAM).of_kernel(),
    reach("UDP connected elsewhere first", r#"reach_by again "$TO" "$PORT" "$TOKEN""#).with(PROGRAM).of_kernel(),
    reach("UDP sent past its connection", r#"reach_by other "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("UDP by IPv6", r#"reach_by sendto "$TO6" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("UDP by v4-mapped IPv6", r#"reach_by sendto "::ffff:$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("UDP by a link-local address", r#"reach_by sendmsg "$LINK6" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("connect by io_uring", r#"reach_by uring "$TO" "$PORT" "$TOKEN""#).with(PROGRAM).shut("io_uring is closed"),
    reach("a raw socket", r#"reach_by raw "$TO" "$PORT" "$TOKEN""#)
        .with(PROGRAM)
        .capable("net_raw").shut("the agent is given no capability"),
    reach("bash /dev/tcp", r#"bash -c 'exec 3<>"/dev/tcp/$TO/$PORT"; echo "$TOKEN" >&3; read -r _ <&3'"#),
    reach("bash /dev/udp", r#"bash -c 'echo "$TOKEN" >"/dev/udp/$TO/$PORT"'"#),
    reach("python", r#"python3 -c 'import os, socket; s = socket.create_connection((os.environ["TO"], 7700)); s.send(os.environ["TOKEN"].encode()); s.recv(9)'"#),
    reach("perl", r#"perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("$ENV{TO}:$ENV{PORT}") or die; $s->print($ENV{TOKEN}); $s->flush; <$s>'"#),
    reach("gawk /inet", r#"gawk 'BEGIN { s = "/inet4/tcp/0/" ENVIRON["TO"] "/" ENVIRON["PORT"]; print ENVIRON["TOKEN"] |& s; s |& getline }'"#).needs(&["gawk"]),
    reach("socat", r#"echo "$TOKEN" | socat -t1 - "TCP:$TO:$PORT""#).needs(&["socat"]),
    reach("busybox nc", r#"echo "$TOKEN" | busybox nc -w 1 "$TO" "$PORT""#).needs(&["busybox"]),
    reach("busybox wget", r#"busybox wget -q -O - "http://$TO:$PORT/$TOKEN""#).needs(&["busybox"]),
    reach("curl", r#"curl -s "http://$TO:$PORT/$TOKEN""#).needs(&["curl"]),
    reach("curl to a number", r#"curl -s "http://$(( (127 << 24) + ${TO##*.} )):$PORT/$TOKEN""#).needs(&["curl"]),
    reach("curl --connect-to", r#"curl -s --connect-to "::$TO:" "http://example.invalid:$PORT/$TOKEN""#).needs(&["curl"]),
    reach("curl through a proxy", r#"curl -s -x "http://$TO:$PORT" "http://example.invalid/$TOKEN""#).needs(&["curl"]),
    reach("openssl s_client", r#"openssl s_client -connect "$TO:$PORT" -servername "$TOKEN" </dev/null; true"#).needs(&["openssl"]),
    reach("node", r#"node -e 'const s = require("net").connect(+process.env.PORT, process.env.TO, () => s.write(process.env.TOKEN)); s.on("data", () => s.end())'"#).needs(&["node"]),
    reach("php", r#"php -r '$s = fsockopen(getenv("TO"), getenv("PORT")); fwrite($s, getenv("TOKEN")); fgets($s);'"#).needs(&["php"]),
    reach("ruby", r#"ruby -rsocket -e 's = TCPSocket.new(ENV["TO"], ENV["PORT"]); s.write ENV["TOKEN"]; s.readpartial 9'"#).needs(&["ruby"]),
    reach("in a user namespace", r#"cp /usr/bin/unshare u; ./u -r reach_by tcp "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("in a mount namespace", r#"cp /usr/bin/unshare u; ./u -rm reach_by tcp "$TO" "$PORT" "$TOKEN""#).with(PROGRAM).shut("mounts are closed"),
    reach("in a cgroup namespace", r#"cp /usr/bin/unshare u; ./u -rC reach_by tcp "$TO" "$PORT" "$TOKEN""#).with(PROGRAM).of_kernel(),
    reach("in a process namespace", r#"cp /usr/bin/unshare u; ./u -rpf reach_by tcp "$TO" "$PORT" "$TOKEN""#).with(PROGRAM),
    reach("a Unix socket", r#"reach_by tcp "$SOCKET" 0 "$TOKEN""#).with(PROGRAM).of_kernel(),
    reach("an abstract Unix socket", r#"reach_by tcp "@$ABSTRACT" 0 "$TOKEN""#).with(PROGRAM).of_kernel(),
    reach("Unix datagrams, connected", r#"reach_by connect "$DATAGRAMS" 0 "$TOKEN""#).with(PROGRAM),
    reach("Unix datagrams, sent", r#"reach_by sendto "$DATAGRAMS" 0 "$TOKEN""#).with(PROGRAM).of_kernel(),
    reach("curl --unix-socket", r#"curl -s --unix-socket "$SOCKET" "http://x/$TOKEN""#).needs(&["curl"]),
    reach("a Unix socket from a thread", r#"reach_by thread "$SOCKET" 0 "$TOKEN""#).with(PROGRAM),
    reach("a Unix socket from an orphan", r#"reach_by orphan "$SOCKET" 0 "$TOKEN"; sleep 0.3"#).with(PROGRAM),
    reach("a Unix socket by io_uring", r#"reach_by uring "$SOCKET" 0 "$TOKEN""#).with(PROGRAM).shut("io_uring is closed"),
    reach("Unix datagrams by sendmsg", r#"reach_by sendmsg "$DATAGRAMS" 0 "$TOKEN""#).with(PROGRAM),
    reach("Unix datagrams by sendmmsg", r#"reach_by sendmmsg "$DATAGRAMS" 0 "$TOKEN""#).with(PROGRAM),
    reach("a link to a Unix socket", r#"ln -s "$SOCKET" s; reach_by tcp s 0 "$TOKEN""#).with(PROGRAM),
    reach("a link to its folder", r#"ln -s "${SOCKET%/*}" d; reach_by tcp "d/${SOCKET##*/}" 0 "$TOKEN""#).with(PROGRAM),
    reach("a Unix socket from its own folder", r#"cd "${SOCKET%/*}"; reach_by tcp "${SOCKET##*/}" 0 "$TOKEN""#).with(PROGRAM),
    reach("a Unix socket by /proc/self/root", r#"reach_by tcp "/proc/self/root$SOCKET" 0 "$TOKEN""#).with(PROGRAM),
    reach("a Unix socket by another's root", r#"reach_by tcp "/proc/$$/root$SOCKET" 0 "$TOKEN""#).with(PROGRAM),
    reach("a Unix socket by a descriptor", r#"exec 9<"${SOCKET%/*}"; reach_by tcp "/proc/self/fd/9/${SOCKET##*/}" 0 "$TOKEN""#).with(PROGRAM),
    reach("a Unix socket, mounted elsewhere", r#"touch m; cp /usr/bin/unshare u; ./u -rm sh -c 'mount --bind "$SOCKET" m && reach_by tcp m 0 "$TOKEN"'"#)
        .with(PROGRAM).shut("mounts are closed"),
    reach("a socket that was passed on unconnected", r#"python3 -c 'import array, os, socket as s
a, b = s.socketpair()
if os.fork() == 0:
    made = s.socket(s.AF_UNIX)
    s.send_fds(a, [b"x"], [made.fileno()])
    os._exit(0)
fd = s.recv_fds(b, 1, 1)[1][0]
c = s.socket(fileno=fd)
c.connect(os.environ["SOCKET"]); c.send(os.environ["TOKEN"].encode()); c.recv(9)'"#),
    reach("socat to a Unix socket", r#"echo "$TOKEN" | socat -t1 - "UNIX-CONNECT:$SOCKET""#).needs(&["socat"]),
    reach("socat to an abstract one", r#"echo "$TOKEN" | socat -t1 - "ABSTRACT-CONNECT:$ABSTRACT""#).needs(&["socat"]),
];

#[test]
fn closed_addresses_are_not_reached() {
    Theme { number: 3, title: "Connections", at_a_time: 3, attempts: ATTEMPTS }.hold();
}
