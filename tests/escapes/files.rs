//! The tool as a file: links, copies, loaders, scripts, memory, and every system call that starts one.

use crate::attempt::{Attempt, database, run};
use crate::theme::Theme;

/// A library whose first act is to give the program other arguments.
const WITH_LIBRARY: &str = "a library's first act";

const ATTEMPTS: &[Attempt] = &[
    run("a symbolic link", r#"ln -s "$(command -v psql)" ls; ./ls -c "$SQL""#),
    run("a chain of links", r#"ln -s "$(command -v psql)" a; ln -s a b; ln -s b c; ./c -c "$SQL""#),
    run("a link to the directory", r#"ln -s "$(dirname "$(command -v psql)")" d; d/psql -c "$SQL""#),
    run("dots in the path", r#"/usr/../usr/lib/./postgresql/*/bin/../bin/psql -c "$SQL""#),
    run("/proc/self/root", r#"/proc/self/root"$(command -v psql)" -c "$SQL""#),
    run("/proc/self/cwd", r#"cd /; /proc/self/cwd"$(command -v psql)" -c "$SQL""#),
    run("/proc/self/fd/N", r#"bash -c 'exec 9<"$(command -v psql)"; /proc/self/fd/9 -c "$SQL"'"#),
    run("/dev/fd/N", r#"bash -c 'exec 9<"$(command -v psql)"; /dev/fd/9 -c "$SQL"'"#),
    run("a relative path", r#"cd "$(dirname "$(command -v psql)")"; ./psql -c "$SQL""#),
    run("a directory on PATH", r#"mkdir b; ln -s "$(command -v psql)" b/ls; PATH=$PWD/b:$PATH ls -c "$SQL""#),
    run("a copy of the same name", r#"cp "$(command -v psql)" psql; ./psql -c "$SQL""#),
    run("a copy of another name", r#"cp "$(command -v psql)" x; ./x -c "$SQL""#),
    run("a renamed copy", r#"cp "$(command -v psql)" psql; mv psql x; ./x -c "$SQL""#),
    run("a hard link to a copy", r#"cp "$(command -v psql)" psql; ln psql x; ./x -c "$SQL""#),
    run("a copy that calls itself psql", r#"cp "$(command -v psql)" x; bash -c 'exec -a psql ./x -c "$SQL"'"#),
    run("memfd", r#"spawn_forms memfd "$(command -v psql)" psql -c "$SQL""#)
        .with(&["spawn_forms"]).of_kernel(),
    run("ld.so", r#"/lib64/ld-linux-x86-64.so.2 "$(command -v psql)" -c "$SQL""#),
    run("ld.so --argv0", r#"/lib64/ld-linux-x86-64.so.2 --argv0 ls "$(command -v psql)" -c "$SQL""#),
    run("ld.so through a link", r#"ln -s /lib64/ld-linux-x86-64.so.2 ls; ./ls "$(command -v psql)" -c "$SQL""#),
    run("a copy of ld.so", r#"cp /lib64/ld-linux-x86-64.so.2 ls; ./ls "$(command -v psql)" -c "$SQL""#),
    run("ld.so with a copy", r#"cp "$(command -v psql)" x; /lib64/ld-linux-x86-64.so.2 ./x -c "$SQL""#),
    run("the wrapper by its interpreter", r#"perl /usr/bin/psql -c "$SQL""#),
    run("LD_PRELOAD", r#"echo '#include <stdlib.h>
        __attribute__((constructor)) static void f(int n, char **v) { if (n > 2) v[2] = getenv("SQL"); }' >x.c
        gcc -shared -fPIC -o x.so x.c; LD_PRELOAD=$PWD/x.so psql -c "SELECT 1""#)
        .shut(WITH_LIBRARY),
    run("ld.so --preload", r#"echo '#include <stdlib.h>
        __attribute__((constructor)) static void f(int n, char **v) { if (n > 2) v[2] = getenv("SQL"); }' >x.c
        gcc -shared -fPIC -o x.so x.c; /lib64/ld-linux-x86-64.so.2 --preload $PWD/x.so "$(command -v psql)" -c "SELECT 1""#)
        .shut(WITH_LIBRARY),
    run("PERL5OPT into the wrapper", r#"echo 'BEGIN { @ARGV = ("-c", $ENV{SQL}) } 1;' >X.pm; PERL5LIB=. PERL5OPT=-MX /usr/bin/psql -c "SELECT 1""#)
        .shut("a variable that loads code into the wrapper"),
    run("a script", r#"printf '#!/bin/sh\npsql -c "$SQL"\n' >f; chmod +x f; ./f"#),
    run("a chain of scripts", r#"printf '#!/bin/sh\npsql -c "$SQL"\n' >a; printf '#!%s/a\n' "$PWD" >b; chmod +x a b; ./b"#),
    run("a format of its own (binfmt_misc)", r#"cp /usr/bin/unshare u; mkdir b; echo 'psql -c "$SQL"' >f.pw; chmod +x f.pw
        ./u -rm sh -c 'mount -t binfmt_misc b b; echo ":pw:E::pw::/bin/sh:" >b/register; python3 -c "import os; os.execv(\"./f.pw\", [\"f\"])"'"#)
        .shut("mounts are closed"),
    run("env -S in a first line", r#"echo 'psql -c "$SQL"' >s; printf '#!/usr/bin/env -S sh ./s\n' >f; chmod +x f; ./f"#),
    run("fork", r#"spawn_forms fork "$(command -v psql)" psql -c "$SQL""#).with(&["spawn_forms"]),
    run("vfork", r#"spawn_forms vfork "$(command -v psql)" psql -c "$SQL""#).with(&["spawn_forms"]),
    run("posix_spawn", r#"spawn_forms posix_spawn "$(command -v psql)" psql -c "$SQL""#).with(&["spawn_forms"]),
    run("clone3", r#"spawn_forms clone3 "$(command -v psql)" psql -c "$SQL""#).with(&["spawn_forms"]),
    run("CLONE_VM and CLONE_VFORK", r#"spawn_forms go "$(command -v psql)" psql -c "$SQL""#).with(&["spawn_forms"]),
    run("a thread", r#"spawn_forms thread "$(command -v psql)" psql -c "$SQL""#).with(&["spawn_forms"]),
    run("execveat of a directory", r#"spawn_forms dirfd "$(command -v psql)" psql -c "$SQL""#).with(&["spawn_forms"]),
    run("execveat AT_EMPTY_PATH", r#"spawn_forms empty_path "$(command -v psql)" psql -c "$SQL""#).with(&["spawn_forms"]).of_kernel(),
    run("fexecve", r#"spawn_forms fexecve "$(command -v psql)" ls -c "$SQL""#).with(&["spawn_forms"]),
    run("another argv[0]", r#"spawn_forms execve "$(command -v psql)" ls -c "$SQL""#).with(&["spawn_forms"]),
    run("the 32-bit execve", r#"printf '#!/bin/sh\nPGHOST=%s PGUSER=claw PGDATABASE=postgres %s -c "%s"\n' "$PGHOST" "$(command -v psql)" "$SQL" >f; chmod +x f; side_door int80 ./f"#)
        .with(&["side_door"])
        .shut("calls of another architecture end the process").of_kernel(),
    database("the tool itself at a closed address", r#"psql -c "SELECT 1; $SQL""#),
    database("a copy at a closed address", r#"cp "$(command -v psql)" x; ./x -c "$SQL""#),
    database("a copy by IPv6", r#"cp "$(command -v psql)" x; PGHOST=$TO6 ./x -c "$SQL""#),
    database("a copy by v4-mapped IPv6", r#"cp "$(command -v psql)" x; PGHOST=::ffff:$TO ./x -c "$SQL""#),
    database("a copy of the loader at a closed address", r#"cp /lib64/ld-linux-x86-64.so.2 l; ./l "$(command -v psql)" -c "$SQL""#),
    database("memfd at a closed address", r#"spawn_forms memfd "$(command -v psql)" psql -c "$SQL""#).with(&["spawn_forms"]),
    database("a copy with two hosts", r#"cp "$(command -v psql)" x; PGHOST=127.0.0.9,$PGHOST PGCONNECT_TIMEOUT=2 ./x -c "$SQL""#),
    database("a copy with hostaddr", r#"cp "$(command -v psql)" x; ./x "host=x hostaddr=$PGHOST" -c "$SQL""#),
    database("a copy by the database's Unix socket", r#"cp "$(command -v psql)" x; PGHOST=$PGSOCKETS ./x -c "$SQL""#),
    database("a driver in Python's own words", r#"python3 -c '
import os, socket, struct
s = socket.create_connection((os.environ["PGHOST"], 5432))
p = struct.pack("!I", 196608) + b"user\0claw\0database\0postgres\0\0"
s.sendall(struct.pack("!I", len(p) + 4) + p); s.recv(4096)
q = os.environ["SQL"].encode() + b"\0"
s.sendall(b"Q" + struct.pack("!I", len(q) + 4) + q); s.recv(4096)'"#),
];

#[test]
fn a_tool_is_known_however_it_is_started() {
    Theme {
        number: 2,
        title: "Files, loaders, scripts and system calls",
        at_a_time: 3,
        attempts: ATTEMPTS,
    }
    .hold();
}
