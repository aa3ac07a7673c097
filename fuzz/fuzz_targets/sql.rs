//! Any text as SQL in each dialect, by the first byte, and for PostgreSQL held against the server's own grammar.

#![no_main]

use claw_classify::Stdin;
use claw_fuzz::oracle;
use claw_policy::Action;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((dialect, text)) = data.split_first() else { return };
    // Words end at a NUL, and a text that begins with a backslash is a command of psql's.
    if text.contains(&0) || text.starts_with(b"\\") {
        return;
    }
    let argv: [&[u8]; 4] = match dialect % 4 {
        0 => [b"psql", b"-X", b"-c", text],
        1 => [b"mysql", b"app", b"-e", text],
        2 => [b"sqlite3", b"-batch", b"app.db", text],
        _ => [b"clickhouse-client", b"--host=db", b"-q", text],
    };
    let facts = claw_fuzz::look(&argv, Stdin::Null, &[]);
    if let (0, Ok(text)) = (dialect % 4, str::from_utf8(text)) {
        let actions: Vec<&Action> =
            facts.actions.iter().filter(|action| action.domain.name() == "sql").collect();
        oracle::holds(text, &actions);
    }
});
