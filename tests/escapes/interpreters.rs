//! Interpreters: the ways in which a language starts programs.

use crate::attempt::{Attempt, run};
use crate::theme::Theme;

const ATTEMPTS: &[Attempt] = &[
    run("perl system", r#"perl -e 'system "psql", "-c", $ENV{SQL}'"#),
    run("perl open", r#"perl -e 'open F, "-|", "psql", "-c", $ENV{SQL}; print <F>'"#),
    run("perl -x exec", r#"perl -e 'exec {"psql"} "ls", "-c", $ENV{SQL}'"#),
    run(
        "prove -e",
        r#"echo >t; prove -e 'psql -c "DROP" -c' t; printf '#!/bin/sh\npsql -c "$SQL"\n' >p; chmod +x p; prove -e ./p t"#,
    ),
    run(
        "python subprocess",
        r#"python3 -c 'import os, subprocess; subprocess.run(["psql", "-c", os.environ["SQL"]])'"#,
    ),
    run("python os.system", r#"python3 -c 'import os; os.system("psql -c \"$SQL\"")'"#),
    run(
        "python pty",
        r#"python3 -c 'import os, pty; pty.spawn(["psql", "-c", os.environ["SQL"]])'"#,
    ),
    run(
        "python posix_spawn",
        r#"python3 -c 'import os; os.waitpid(os.posix_spawnp("psql", ["psql", "-c", os.environ["SQL"]], os.environ), 0)'"#,
    ),
    run(
        "python fchdir",
        r#"python3 -c 'import os, shutil; os.chdir(os.open(os.path.dirname(shutil.which("psql")), 0)); os.execv("./psql", ["psql", "-c", os.environ["SQL"]])'"#,
    ),
    run("ruby irb", r#"echo 'system("psql", "-c", ENV["SQL"])' | irb -f --noecho"#).needs(&["irb"]),
    run("ruby rake", r#"rake -e 'system("psql", "-c", ENV["SQL"])'"#).needs(&["rake"]),
    run("node", r#"node -e 'require("child_process").spawnSync("psql", ["-c", process.env.SQL])'"#)
        .needs(&["node"]),
    run("ruby", r#"ruby -e 'system("psql", "-c", ENV["SQL"])'"#).needs(&["ruby"]),
    run("lua", r#"lua5.4 -e 'os.execute("psql -c \"$SQL\"")'"#).needs(&["lua5.4"]),
    run("php", r#"php -r 'system("psql -c \"\$SQL\"");'"#).needs(&["php"]),
    run("tclsh", r#"echo 'exec psql -c $env(SQL)' | tclsh"#).needs(&["tclsh"]),
];

#[test]
fn interpreters_start_nothing_forbidden() {
    Theme { number: 5, title: "Interpreters", at_a_time: 3, attempts: ATTEMPTS }.hold();
}
