//! Shells: every way of one to start another program.

use crate::attempt::{Attempt, run};
use crate::theme::Theme;

const ATTEMPTS: &[Attempt] = &[
    run("a plain call", r#"psql -c "$SQL""#),
    run("an absolute path", r#""$(command -v psql)" -c "$SQL""#),
    run("Debian's wrapper", r#"/usr/bin/psql -c "$SQL""#),
    run("sh -c", r#"sh -c 'psql -c "$SQL"'"#),
    run("bash -c", r#"bash -c 'psql -c "$SQL"'"#),
    run("dash -c", r#"dash -c 'psql -c "$SQL"'"#),
    run("zsh -c", r#"zsh -c 'psql -c "$SQL"'"#).needs(&["zsh"]),
    run("busybox sh", r#"busybox sh -c 'psql -c "$SQL"'"#).needs(&["busybox"]),
    run("exec", r#"exec psql -c "$SQL""#),
    run("exec -a another name", r#"bash -c 'exec -a ls psql -c "$SQL"'"#),
    run("eval", r#"eval 'psql -c "$SQL"'"#),
    run("command substitution", r#": "$(psql -c "$SQL")""#),
    run("backquotes", r#": `psql -c "$SQL"`"#),
    run("a pipeline", r#"true | psql -c "$SQL" | cat"#),
    run(
        "fifty commands before it",
        r#"bash -c 'eval "$(printf "true && %.0s" {1..50})" "psql -c \"\$SQL\""'"#,
    ),
    run("a background job", r#"psql -c "$SQL" & wait"#),
    run("a function of the same name as an allowed tool", r#"ls() { psql -c "$SQL"; }; ls"#),
    run("an alias", "alias x='psql -c \"$SQL\"'\nx"),
    run("a name in pieces", r#"bash -c '"p"s\q"l" -c "$SQL"'"#),
    run("a name from base64", r#"$(echo cHNxbA== | base64 -d) -c "$SQL""#),
    run("a name from a glob", r#"/usr/lib/postgresql/*/bin/p?ql -c "$SQL""#),
    run("${var@P}", r#"bash -c 'x="\$(psql -c \"\$SQL\")"; : "${x@P}"'"#),
    run("process substitution", r#"bash -c 'cat <(psql -c "$SQL")'"#),
    run("a coprocess", r#"bash -c 'coproc psql -c "$SQL"; wait'"#),
    run("a trap", r#"bash -c 'trap "psql -c \"\$SQL\"" EXIT'"#),
    run("PROMPT_COMMAND", r#"echo | PROMPT_COMMAND='psql -c "$SQL"' bash --norc -i"#),
    run("BASH_ENV", r#"echo 'unset BASH_ENV; psql -c "$SQL"' >rc; BASH_ENV=./rc bash -c true"#),
    run("ENV", r#"echo 'unset ENV; psql -c "$SQL"' >rc; ENV=./rc sh -i -c true"#),
    run("an exported function", r#"bash -c 'ls() { psql -c "$SQL"; }; export -f ls; bash -c ls'"#),
    run("a script on stdin", r#"echo 'psql -c "$SQL"' | sh"#),
    run("a here-document", "sh <<'END'\npsql -c \"$SQL\"\nEND"),
    run("a sourced file", r#"echo 'psql -c "$SQL"' >f; . ./f"#),
    run("a script without a first line", r#"echo 'psql -c "$SQL"' >f; chmod +x f; ./f"#),
    run("an option in one word", r#"psql "-c$SQL""#),
    run("a long option", r#"psql --command="$SQL""#),
    run("an abbreviated option", r#"psql --comm "$SQL""#),
    run("a second statement", r#"psql -c "SELECT 1; $SQL""#),
    run("a second option", r#"psql -c "SELECT 1" -c "$SQL""#),
    run("a statement on stdin", r#"echo "$SQL" | psql"#),
    run("a statement on a pipe, late", r#"(sleep 0.5; echo "$SQL") | psql"#),
    run(
        "blanks that push it out of sight",
        r#"true                                                                                                    ; psql -c "$SQL""#,
    ),
    run(
        "a name after quotes that do not match",
        r#"bash -c 'echo "\""; psql -c "$SQL"; echo "\""'"#,
    ),
    run("a statement in a file", r#"echo "$SQL" >f; psql -f f"#),
    run("a statement in .psqlrc", r#"echo "$SQL;" >.psqlrc; psql -c 'SELECT 1'"#)
        .shut("psql is told not to read it, and denied for what it says"),
    run("a statement in PSQLRC", r#"echo "$SQL;" >rc; PSQLRC=./rc psql -c 'SELECT 1'"#),
    run(r"\gexec", r#"echo "SELECT '$SQL' \gexec" | psql"#)
        .shut("what a statement returns cannot be read before it runs"),
    run(r"\! of an allowed psql", r#"psql -c '\! psql -c "$SQL"'"#),
    run(
        "a pager of an allowed psql",
        r#"script -qec "PSQL_PAGER='psql -c \"$SQL\" #' psql -P pager=always -c 'SELECT 1'" /dev/null"#,
    ),
];

#[test]
fn shells_start_nothing_forbidden() {
    Theme { number: 0, title: "Shells and psql's own ways", at_a_time: 3, attempts: ATTEMPTS }
        .hold();
}
