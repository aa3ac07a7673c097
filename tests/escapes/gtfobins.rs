//! Programs that run commands on the side, most of them as GTFOBins lists them.

use crate::attempt::{Attempt, End, run};
use crate::theme::Theme;

const ATTEMPTS: &[Attempt] = &[
    run("find -exec", r#"find . -maxdepth 0 -exec psql -c "$SQL" \;"#),
    run("find -execdir +", r#"find . -maxdepth 0 -execdir sh -c 'psql -c "$SQL"' x {} +"#),
    run("find -ok", r#"echo y | find . -maxdepth 0 -ok psql -c "$SQL" \;"#),
    run("awk system", r#"awk 'BEGIN { system("psql -c \"$SQL\"") }'"#),
    run("awk pipe", r#"awk 'BEGIN { "psql -c \"$SQL\"" | getline }'"#),
    run("gawk", r#"gawk 'BEGIN { print | "psql -c \"$SQL\"" }'"#).needs(&["gawk"]),
    run("sed e", r#"echo x | sed 's/x/psql -c "$SQL"/e'"#),
    run("sed 1e", r#"echo x | sed '1e psql -c "$SQL"'"#),
    run("xargs", r#"echo "$SQL" | xargs -d '\n' psql -c"#),
    run("xargs sh", r#"echo psql | xargs -I% sh -c '% -c "$SQL"'"#),
    run("env", r#"env psql -c "$SQL""#),
    run("env -S", r#"env -S 'psql -c "${SQL}"'"#),
    run("env -i", r#"env -i PGHOST="$PGHOST" PGUSER=claw PGDATABASE=postgres "$(command -v psql)" -c "$SQL""#),
    run("nice", r#"nice psql -c "$SQL""#),
    run("ionice", r#"ionice -c3 psql -c "$SQL""#),
    run("timeout", r#"timeout 9 psql -c "$SQL""#),
    run("nohup", r#"nohup psql -c "$SQL""#),
    run("setsid", r#"setsid --wait psql -c "$SQL""#),
    run("stdbuf", r#"stdbuf -o0 env -u LD_PRELOAD psql -c "$SQL""#),
    run("taskset", r#"taskset -c 0 psql -c "$SQL""#),
    run("chrt", r#"chrt --other 0 psql -c "$SQL""#),
    run("setarch", r#"setarch -R psql -c "$SQL""#).shut("personality is closed"),
    run("prlimit", r#"prlimit --core=0 psql -c "$SQL""#),
    run("setpriv", r#"setpriv --no-new-privs psql -c "$SQL""#),
    run("flock", r#"flock lock psql -c "$SQL""#),
    run("flock -c", r#"flock lock -c 'psql -c "$SQL"'"#),
    run("script -c", r#"script -qec 'psql -c "$SQL"' /dev/null"#),
    run("watch", r#"TERM=dumb timeout 2 script -qec "watch -g -n 0.1 'psql -c \"\$SQL\"; date +%N'" /dev/null; true"#)
        .needs(&["watch"]),
    run("time of bash", r#"bash -c 'time psql -c "$SQL"'"#),
    run("run-parts", r#"mkdir d; printf '#!/bin/sh\npsql -c "$SQL"\n' >d/x; chmod +x d/x; run-parts d"#),
    // Without a pid file it starts nothing while anybody on the machine runs the same program.
    run("start-stop-daemon", r#"start-stop-daemon --start --pidfile "$PWD/none" --exec "$(command -v psql)" -- -c "$SQL""#),
    run("vim -c :!", r#"vim -u NONE -es -c '!psql -c "$SQL"' -c q"#).needs(&["vim"]),
    run("vim system()", r#"vim -u NONE -es -c 'call system("psql -c \"$SQL\"")' -c q"#).needs(&["vim"]),
    run("ex", r#"printf '!psql -c "$SQL"\nq\n' | vim -u NONE -e -s"#).needs(&["vim"]),
    run("ed", r#"printf '!psql -c "$SQL"\nq\n' | ed -s"#).needs(&["ed"]),
    run("less LESSOPEN", r#"echo x >f; LESSOPEN='|psql -c "$SQL" #%s' less f"#).needs(&["less"]),
    run("tar --checkpoint-action", r#"tar cf /dev/null --checkpoint=1 --checkpoint-action=exec='psql -c "$SQL"' ."#),
    run("tar --to-command", r#"echo x >f; tar cf a.tar f; tar xf a.tar --to-command='psql -c "$SQL"'"#),
    run("tar -I", r#"tar cf a.tar -I 'sh -c "psql -c \"$SQL\""' /dev/null"#),
    run("sort --compress-program", r#"printf '#!/bin/sh\npsql -c "$SQL" >&2; cat\n' >c; chmod +x c; seq 20 | sort -S 1b --compress-program ./c >/dev/null"#),
    run("split --filter", r#"echo x | split --filter='psql -c "$SQL"'"#),
    run("zip -TT", r#"echo x >f; zip -q z f -T -TT 'psql -c "$SQL" #'"#).needs(&["zip"]),
    run("git alias", r#"git -c alias.x='!psql -c "$SQL"' x"#).needs(&["git"]),
    run("git pager", r#"git init -q .; script -qec "git -c core.pager='psql -c \"\$SQL\" #' -p help -a" /dev/null"#)
        .needs(&["git"]),
    run("git hook", r#"git init -q .; printf '#!/bin/sh\npsql -c "$SQL"\n' >.git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"#)
        .needs(&["git"]),
    run("git external diff", r#"git init -q .; echo a >f; git add f; echo b >f; GIT_EXTERNAL_DIFF='psql -c "$SQL" #' git diff"#)
        .needs(&["git"]),
    run("git upload-pack", r#"git ls-remote --upload-pack='psql -c "$SQL" #' ."#).needs(&["git"]),
    run("GIT_SSH_COMMAND", r#"GIT_SSH_COMMAND='psql -c "$SQL" #' git ls-remote ssh://x/y"#).needs(&["git"]),
    run("ssh ProxyCommand", r#"ssh -o ProxyCommand='psql -c "$SQL"' -o BatchMode=yes x"#).needs(&["ssh"]),
    run("ssh LocalCommand by config", r#"printf 'Host x\nProxyCommand psql -c "$SQL"\n' >c; ssh -F c x"#).needs(&["ssh"]),
    run("scp -S", r#"printf '#!/bin/sh\npsql -c "$SQL"\n' >s; chmod +x s; scp -S ./s f x:y"#).needs(&["scp"]),
    run("rsync -e", r#"printf '#!/bin/sh\npsql -c "$SQL"\n' >s; chmod +x s; rsync -e ./s x:y ."#).needs(&["rsync"]),
    run("make", "printf 'x:\\n\\tpsql -c \"$$SQL\"\\n' >Makefile; make"),
    run("make $(shell)", r#"printf 'x := $(shell psql -c "$$SQL")\nall:\n' >Makefile; make"#),
    run("make --eval", r#"make -s --eval='x:;psql -c "$$SQL"' x"#),
    run("m4", r#"echo 'syscmd(`psql -c "$SQL"'"'"')' | m4"#).needs(&["m4"]),
    run("sqlite3 .shell", r#"echo 'psql -c "$SQL"' >s; echo .shell sh s | sqlite3"#).needs(&["sqlite3"]),
    run("gdb shell", r#"gdb -nx -batch -ex 'shell psql -c "$SQL"'"#).needs(&["gdb"]),
    run("expect", r#"expect -c 'spawn psql -c $env(SQL)' -c 'expect eof'"#).needs(&["expect"]),
    run("socat EXEC", r#"echo 'psql -c "$SQL"' >s; socat -u /dev/null EXEC:'sh s'; sleep 0.3"#).needs(&["socat"]),
    run("dc", r#"printf '!psql -c "$SQL"\n' | dc"#).needs(&["dc"]),
    run("busybox find", r#"busybox find . -maxdepth 0 -exec psql -c "$SQL" \;"#).needs(&["busybox"]),
    run("busybox awk", r#"busybox awk 'BEGIN { system("psql -c \"$SQL\"") }'"#).needs(&["busybox"]),
    run("busybox timeout", r#"busybox timeout 9 psql -c "$SQL""#).needs(&["busybox"]),
    run("tmux", r#"tmux -S ./s -f /dev/null new-session -d "psql -c \"$SQL\""; sleep 0.5; tmux -S ./s kill-server; true"#)
        .needs(&["tmux"]),
    run("gcc -wrapper", r#"printf '#!/bin/sh\npsql -c "$SQL"\n' >w; chmod +x w; echo >x.c; gcc -wrapper ./w -c x.c"#),
    run("kubectl credential plugin", r#"printf 'apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {server: "https://127.0.0.1:1"}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: psql, args: ["-c", "%s"]}}}]\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n' "$SQL" >k; timeout 5 kubectl --kubeconfig=k get pods; true"#),
    run("xargs without input", r#"xargs -t psql -c "$SQL" </dev/null"#),
    run("choom", r#"choom -n 0 -- psql -c "$SQL""#),
    run("logsave", r#"/sbin/logsave /dev/null psql -c "$SQL""#),
    run("debugfs !", r#"echo '!psql -c "$SQL"' | /sbin/debugfs"#),
    run("mawk", r#"mawk 'BEGIN { system("psql -c \"$SQL\"") }'"#),
    run("pic sh", r#"printf '.PS\nsh X psql -c "$SQL" X\n.PE\n' | pic -U"#).needs(&["pic"]),
    run("ssh-agent", r#"ssh-agent psql -c "$SQL""#)
        .needs(&["ssh-agent"])
        .but_held(End::Shut("a process that is not dumpable cannot be served")),
    run("sftp -D", r#"printf '#!/bin/sh\npsql -c "$SQL"\n' >s; chmod +x s; sftp -D ./s x"#).needs(&["sftp"]),
    run("git rebase -x", r#"git init -q .; git config user.name a; git config user.email a@b; git commit -q --allow-empty -m x; git commit -q --allow-empty -m y; git rebase -q -x 'psql -c "$SQL"' HEAD~1"#)
        .needs(&["git"]),
    run("git difftool -x", r#"git init -q .; echo a >f; git add f; echo b >f; git difftool -y -x 'psql -c "$SQL" #'"#).needs(&["git"]),
    run("git bisect run", r#"git init -q .; git config user.name a; git config user.email a@b; for i in 1 2 3; do git commit -q --allow-empty -m $i; done; git bisect start HEAD HEAD~2; git bisect run sh -c 'psql -c "$SQL"'"#)
        .needs(&["git"]),
    run("git core.editor", r#"git init -q .; printf '#!/bin/sh\npsql -c "$SQL"\n' >e; chmod +x e; git -c user.name=a -c user.email=a@b -c core.editor=./e commit --allow-empty; true"#)
        .needs(&["git"]),
    run("git fsmonitor", r#"git init -q .; printf '#!/bin/sh\npsql -c "$SQL"\n' >m; chmod +x m; git -c core.fsmonitor=./m status"#)
        .needs(&["git"]),
    run("git submodule foreach", r#"git init -q s; git -C s -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; git init -q .; git -c protocol.file.allow=always submodule add -q ./s t 2>/dev/null || git -c protocol.file.allow=always submodule add -q "$PWD/s" t; git submodule foreach 'psql -c "$SQL"'"#)
        .needs(&["git"]),
    run("tar -F", r#"printf '#!/bin/sh\npsql -c "$SQL"\n' >n; chmod +x n; head -c 60000 /dev/zero >f; tar cf a -L 20 -M -F ./n f; true"#),
    run("vim lua and expressions", r#"vim -u NONE -es -c 'let x = system(["psql", "-c", $SQL])' -c q; vim -u NONE -es -c 'exe "r !psql -c \"$SQL\""' -c q!"#)
        .needs(&["vim"]),
    run("gdb python", r#"gdb -nx -batch -ex 'python import os; os.system("psql -c \"$SQL\"")'"#).needs(&["gdb"]),
    run("gdb starting it", r#"gdb -nx -batch -ex 'run' --args "$(command -v psql)" -c "$SQL""#)
        .needs(&["gdb"])
        .shut("a guarded process may not trace another"),
    run("busybox xargs", r#"echo x | busybox xargs -I% psql -c "$SQL""#).needs(&["busybox"]),
    run("busybox env", r#"busybox env psql -c "$SQL""#).needs(&["busybox"]),
    run("openssl through a library", r#"printf '#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { system("psql -c \\"$SQL\\""); }\n' >e.c; gcc -shared -fPIC -o e.so e.c; openssl engine -t "$PWD/e.so"; true"#)
        .needs(&["openssl"]),
    run("sqlite3 .load", r#"printf '#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { system("psql -c \\"$SQL\\""); }\n' >e.c; gcc -shared -fPIC -o e.so e.c; echo ".load ./e.so" | sqlite3"#)
        .needs(&["sqlite3"]),
    run("man --pager", r#"echo .TH X 1 >x.1; script -qec "man -P 'sh -c \"psql -c \\\"\$SQL\\\"\"' -l x.1" /dev/null"#).needs(&["man"]),
    run("groff .sy", r#"printf '.sy psql -c "$SQL"\n' | groff -U"#).needs(&["groff"]),
];

#[test]
fn programs_that_run_commands_run_nothing_forbidden() {
    Theme { number: 1, title: "Programs that run commands", at_a_time: 3, attempts: ATTEMPTS }
        .hold();
}
