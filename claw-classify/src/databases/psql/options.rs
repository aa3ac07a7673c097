//! psql's option table: `long_options` and the short option string of `parse_psql_options` in
//! PostgreSQL's `src/bin/psql/startup.c`, releases 15 to 18, which agree.

use crate::grammar::getopt::{Opt, Takes};

const fn opt(long: &'static [&'static str], short: u8, takes: Takes) -> Opt {
    Opt { long, short: Some(short), takes }
}

use Takes::{Nothing, Switch, Value};

pub(super) static OPTIONS: &[Opt] = &[
    opt(&["echo-all"], b'a', Nothing),
    opt(&["no-align"], b'A', Nothing),
    opt(&["command"], b'c', Value),
    opt(&["dbname"], b'd', Value),
    opt(&["echo-queries"], b'e', Nothing),
    opt(&["echo-errors"], b'b', Nothing),
    opt(&["echo-hidden"], b'E', Nothing),
    opt(&["file"], b'f', Value),
    opt(&["field-separator"], b'F', Value),
    opt(&["field-separator-zero"], b'z', Nothing),
    opt(&["host"], b'h', Value),
    opt(&["html"], b'H', Nothing),
    opt(&["list"], b'l', Nothing),
    opt(&["log-file"], b'L', Value),
    opt(&["no-readline"], b'n', Nothing),
    opt(&["single-transaction"], b'1', Nothing),
    opt(&["output"], b'o', Value),
    opt(&["port"], b'p', Value),
    opt(&["pset"], b'P', Value),
    opt(&["quiet"], b'q', Nothing),
    opt(&["record-separator"], b'R', Value),
    opt(&["record-separator-zero"], b'0', Nothing),
    opt(&["single-step"], b's', Nothing),
    opt(&["single-line"], b'S', Nothing),
    opt(&["tuples-only"], b't', Nothing),
    opt(&["table-attr"], b'T', Value),
    opt(&["username"], b'U', Value),
    // `set` and `variable` are two rows there, so `--set` and `--variable` never clash.
    opt(&["set"], b'v', Value),
    Opt { long: &["variable"], short: None, takes: Value },
    opt(&["version"], b'V', Nothing),
    opt(&["no-password"], b'w', Nothing),
    opt(&["password"], b'W', Nothing),
    opt(&["expanded"], b'x', Nothing),
    opt(&["no-psqlrc"], b'X', Nothing),
    // `-?` alone is help. getopt also returns `?` for what it refuses, and psql tells them apart by
    // the word.
    opt(&["help"], b'?', Switch),
    Opt { long: &["csv"], short: None, takes: Nothing },
    // Not psql's own: Debian's wrapper takes it off before it runs the real psql, which is judged
    // in its turn (pg_wrapper(1)).
    Opt { long: &["cluster"], short: None, takes: Value },
];
