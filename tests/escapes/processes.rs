//! Processes and namespaces: leaving the guard, tampering with it, and changing a judged process after its
//! verdict.

use crate::attempt::{Attempt, End, run};
use crate::gap;
use crate::theme::Theme;

const ATTEMPTS: &[Attempt] = &[
    run("a daemon", r#"setsid sh -c 'psql -c "$SQL" &' ; sleep 0.3"#),
    run("a double fork", r#"( ( sleep 0.1; psql -c "$SQL" ) & ) ; sleep 0.5"#),
    run("an orphan in a new session", r#"perl -MPOSIX -e 'fork and exit; setsid; fork and exit; sleep 1; exec "psql", "-c", $ENV{SQL}'; sleep 1.5"#),
    run("ended supervisor", r#"for p in $(pgrep -x claw); do kill -9 "$p"; done; psql -c "$SQL""#).needs(&["pgrep"]),
    run("stopped supervisor", r#"for p in $(pgrep -x claw); do kill -STOP "$p"; done; psql -c "$SQL""#).needs(&["pgrep"]),
    run("starved supervisor", r#"for p in $(pgrep -x claw); do renice -n 19 -p "$p"; prlimit --nofile=1 -p "$p"; taskset -cp 0 "$p"; done; psql -c "$SQL""#).needs(&["pgrep"]),
    run("gdb on the supervisor", r#"p=$PPID; while [ "$p" -gt 1 ]; do [ "$(cat /proc/$p/comm)" = claw ] && gdb -nx -batch -p "$p" -ex kill; p=$(awk '/^PPid/ { print $2 }' /proc/$p/status); done; psql -c "$SQL""#).needs(&["gdb"]),
    run("memory of the supervisor", r#"for p in $(pgrep -x claw); do dd if=/dev/zero of="/proc/$p/mem" bs=1 count=1; done; psql -c "$SQL""#).needs(&["pgrep"]),
    run("another cgroup", r#"for g in /sys/fs/cgroup /sys/fs/cgroup/unified; do echo $$ >$g/cgroup.procs; done; psql -c "$SQL""#).of_kernel(),
    run("the policy written over", r#"f=$(tr '\0' '\n' </proc/$PPID/cmdline | grep toml); : >"${f:-x}"; psql -c "$SQL""#),
    run("personality", r#"setarch --uname-2.6 --addr-compat-layout psql -c "$SQL""#).shut("personality is closed"),
    run("READ_IMPLIES_EXEC", r#"setarch -X psql -c "$SQL""#).shut("personality is closed"),
    run("a user namespace", r#"cp /usr/bin/unshare u; ./u -r psql -c "$SQL""#),
    run("a mount namespace", r#"cp /usr/bin/unshare u; ./u -rm psql -c "$SQL""#).shut("mounts are closed"),
    run("a process namespace", r#"cp /usr/bin/unshare u; ./u -rpf psql -c "$SQL""#).of_kernel(),
    run("a process namespace with its procfs", r#"cp /usr/bin/unshare u; ./u -rpf --mount-proc psql -c "$SQL""#).shut("mounts are closed"),
    run("a cgroup namespace", r#"cp /usr/bin/unshare u; ./u -rC psql -c "$SQL""#),
    run("an IPC and a time namespace", r#"cp /usr/bin/unshare u; ./u -riT psql -c "$SQL""#),
    run("a bind mount under another name", r#"touch ls; cp /usr/bin/unshare u; ./u -rm sh -c 'mount --bind "$(command -v psql)" ls; ./ls -c "$SQL"'"#).shut("mounts are closed"),
    run("a bind mount over another tool", r#"cp /usr/bin/unshare u; ./u -rm sh -c 'mount --bind "$(command -v psql)" /usr/bin/diff; diff -c "$SQL"'"#).shut("mounts are closed"),
    run("a tmpfs over procfs", r#"cp /usr/bin/unshare u; ./u -rm sh -c 'mount -t tmpfs x /proc; psql -c "$SQL"'"#).shut("mounts are closed"),
    run("a network namespace", r#"cp /usr/bin/unshare u; ./u -rn psql -h "$PGSOCKETS" -c "$SQL""#),
    run("a host name of its own", r#"cp /usr/bin/unshare u; ./u -ru psql -c "$SQL""#),
    run("another root", r#"cp /usr/bin/unshare u; ./u -r chroot / psql -c "$SQL""#),
    run("pivot_root by bwrap", r#"bwrap --dev-bind / / psql -c "$SQL""#).needs(&["bwrap"]).shut("mounts are closed"),
    run("another root with the tool under another name", r#"mkdir r; cp /usr/bin/unshare u; ./u -rm sh -c 'mount --rbind / r; mount --bind "$(command -v psql)" r/usr/bin/diff; chroot r diff -c "$SQL"'"#).shut("mounts are closed"),
    run("/proc/PID/mem of a judged process", r#"python3 -c '
import os, subprocess, time
mark, sql = b"SELECT 4711" + b" " * 90, os.environ["SQL"].encode()
p = subprocess.Popen(["psql", "-c", "SELECT pg_sleep(2)", "-c", mark.decode()])
time.sleep(0.5)
with open(f"/proc/{p.pid}/mem", "r+b", 0) as memory:
    for line in open(f"/proc/{p.pid}/maps"):
        span, rights = line.split()[:2]
        start, end = (int(x, 16) for x in span.split("-"))
        if not rights.startswith("rw") or "[v" in line: continue
        memory.seek(start)
        content = memory.read(end - start)
        at = content.find(mark)
        while at >= 0:
            memory.seek(start + at); memory.write(sql.ljust(len(mark)))
            at = content.find(mark, at + 1)
p.wait()'"#)
    .shut("the memory of a judged process is out of reach")
    .but_held(End::Through(gap::HELD_MEMORY)).of_kernel(),
    run("process_vm_writev of a judged process", r#"python3 -c '
import ctypes, os, subprocess, time
mark, sql = b"SELECT 4711" + b" " * 90, os.environ["SQL"].encode()
class V(ctypes.Structure): _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_size_t)]
libc = ctypes.CDLL(None)
def move(call, pid, at, buffer, n):
    return call(pid, ctypes.byref(V(ctypes.cast(buffer, ctypes.c_void_p), n)), 1, ctypes.byref(V(at, n)), 1, 0)
p = subprocess.Popen(["psql", "-c", "SELECT pg_sleep(2)", "-c", mark.decode()])
time.sleep(0.5)
for line in open(f"/proc/{p.pid}/maps"):
    span, rights = line.split()[:2]
    start, end = (int(x, 16) for x in span.split("-"))
    if not rights.startswith("rw") or "[v" in line: continue
    b = ctypes.create_string_buffer(end - start)
    if move(libc.process_vm_readv, p.pid, start, b, end - start) <= 0: continue
    at = b.raw.find(mark)
    while at >= 0:
        new = sql.ljust(len(mark))
        move(libc.process_vm_writev, p.pid, start + at, ctypes.create_string_buffer(new), len(new))
        at = b.raw.find(mark, at + 1)
p.wait()'"#)
    .shut("a guarded process may not write another's memory"),
    // gdb 13 cannot write the extended state of an Intel processor with AMX, which `call` does. General registers and
    // memory are all that this needs.
    run("gdb on a judged process", r#"psql -c "SELECT pg_sleep(6)" -c 'SELECT 1' & until grep -q psql /proc/$!/comm; do sleep 0.1; done; sleep 0.5
gdb -nx -batch -p $! -ex 'set $rsp = (((long) $rsp - 4096) & ~15) - 8' -ex 'set {char [15]} ($rsp + 512) = "psql -c \"$SQL\""' -ex 'set $rdi = $rsp + 512' -ex 'set $rip = (long) &system' -ex detach
wait"#)
        .needs(&["gdb"])
        .shut("a guarded process may not trace another"),
    run("strace as a parent", r#"strace -o /dev/null psql -c "$SQL""#)
        .needs(&["strace"])
        .shut("a guarded process may not trace another"),
];

#[test]
fn nobody_leaves_the_guard_or_gets_at_it() {
    Theme {
        number: 4,
        title: "Processes, namespaces and the guard itself",
        at_a_time: 1,
        attempts: ATTEMPTS,
    }
    .hold();
}
