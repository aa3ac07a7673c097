//! Programs that run the command that follows their own options.

use std::collections::BTreeSet;

use claw_policy::Action;

use super::{DOMAIN, Program, action, base};
use crate::call::{Call, text};
use crate::grammar::getopt::{self, Item, Opt, Takes};
use crate::grammar::subcommands::said;

/// A wrapped command: where it begins in the argument vector, and how its environment differs.
#[derive(Debug, Default)]
pub(super) struct Run<'a> {
    pub(super) at: usize,
    /// `NAME=VALUE` entries that are added.
    pub(super) added: Vec<&'a [u8]>,
    pub(super) removed: Vec<&'a [u8]>,
    pub(super) cleared: bool,
    pub(super) folder: Option<&'a [u8]>,
    /// Text for a shell instead of words.
    pub(super) text: Option<&'a [u8]>,
    /// Whether more words come from elsewhere.
    pub(super) more: bool,
}

const fn flag(long: &'static [&'static str], short: u8) -> Opt {
    Opt { long, short: Some(short), takes: Takes::Nothing }
}
const fn value(long: &'static [&'static str], short: u8) -> Opt {
    Opt { long, short: Some(short), takes: Takes::Argument }
}
const fn long(long: &'static [&'static str]) -> Opt {
    Opt { long, short: None, takes: Takes::Argument }
}
const fn perhaps(long: &'static [&'static str]) -> Opt {
    Opt { long, short: None, takes: Takes::Perhaps }
}

/// A wrapper's options, and how many operands come before the command.
type Row = (&'static str, &'static [Opt], usize);

const HELP: Opt = perhaps(&["help"]);
const VERSION: Opt = perhaps(&["version"]);

static ROWS: &[Row] = &[
    (
        "env",
        &[
            flag(&["ignore-environment"], b'i'),
            flag(&["null"], b'0'),
            flag(&["debug"], b'v'),
            value(&["unset"], b'u'),
            value(&["chdir"], b'C'),
            value(&["split-string"], b'S'),
            perhaps(&["block-signal"]),
            perhaps(&["default-signal"]),
            perhaps(&["ignore-signal"]),
            perhaps(&["list-signal-handling"]),
            HELP,
            VERSION,
        ],
        0,
    ),
    (
        "nice",
        &[
            value(&["adjustment"], b'n'),
            flag(&[], b'0'),
            flag(&[], b'1'),
            flag(&[], b'2'),
            flag(&[], b'3'),
            flag(&[], b'4'),
            flag(&[], b'5'),
            flag(&[], b'6'),
            flag(&[], b'7'),
            flag(&[], b'8'),
            flag(&[], b'9'),
            HELP,
            VERSION,
        ],
        0,
    ),
    (
        "ionice",
        &[
            value(&["class"], b'c'),
            value(&["classdata"], b'n'),
            value(&["pid"], b'p'),
            value(&["pgid"], b'P'),
            value(&["uid"], b'u'),
            flag(&["ignore"], b't'),
            HELP,
            VERSION,
        ],
        0,
    ),
    (
        "timeout",
        &[
            value(&["kill-after"], b'k'),
            value(&["signal"], b's'),
            flag(&["verbose"], b'v'),
            flag(&["foreground"], b'f'),
            flag(&["preserve-status"], b'p'),
            HELP,
            VERSION,
        ],
        1,
    ),
    ("nohup", &[HELP, VERSION], 0),
    (
        "setsid",
        &[flag(&["ctty"], b'c'), flag(&["fork"], b'f'), flag(&["wait"], b'w'), HELP, VERSION],
        0,
    ),
    (
        "stdbuf",
        &[
            value(&["input"], b'i'),
            value(&["output"], b'o'),
            value(&["error"], b'e'),
            HELP,
            VERSION,
        ],
        0,
    ),
    (
        "time",
        &[
            value(&["format"], b'f'),
            value(&["output"], b'o'),
            flag(&["append"], b'a'),
            flag(&["portability"], b'p'),
            flag(&["verbose"], b'v'),
            flag(&["quiet"], b'q'),
            HELP,
            VERSION,
        ],
        0,
    ),
    (
        "xargs",
        &[
            flag(&["null"], b'0'),
            value(&["arg-file"], b'a'),
            value(&["delimiter"], b'd'),
            value(&[], b'E'),
            value(&[], b'I'),
            value(&["max-lines"], b'L'),
            value(&["max-args"], b'n'),
            value(&["max-procs"], b'P'),
            flag(&["interactive"], b'p'),
            flag(&["no-run-if-empty"], b'r'),
            value(&["max-chars"], b's'),
            flag(&["verbose"], b't'),
            flag(&["exit"], b'x'),
            flag(&["open-tty"], b'o'),
            perhaps(&["replace"]),
            perhaps(&["eof"]),
            perhaps(&["show-limits"]),
            perhaps(&["process-slot-var"]),
            HELP,
            VERSION,
        ],
        0,
    ),
    (
        "flock",
        &[
            flag(&["shared"], b's'),
            flag(&["exclusive"], b'x'),
            flag(&["exclusive"], b'e'),
            flag(&["unlock"], b'u'),
            flag(&["nonblock"], b'n'),
            value(&["timeout", "wait"], b'w'),
            value(&["conflict-exit-code"], b'E'),
            flag(&["close"], b'o'),
            flag(&["no-fork"], b'F'),
            perhaps(&["verbose"]),
            HELP,
            VERSION,
        ],
        1,
    ),
    (
        "chrt",
        &[
            flag(&["batch"], b'b'),
            flag(&["deadline"], b'd'),
            flag(&["fifo"], b'f'),
            flag(&["idle"], b'i'),
            flag(&["other"], b'o'),
            flag(&["rr"], b'r'),
            flag(&["max"], b'm'),
            flag(&["pid"], b'p'),
            HELP,
            VERSION,
        ],
        1,
    ),
    (
        "taskset",
        &[
            flag(&["all-tasks"], b'a'),
            flag(&["cpu-list"], b'c'),
            flag(&["pid"], b'p'),
            HELP,
            VERSION,
        ],
        1,
    ),
    ("busybox", &[flag(&["list"], b'l'), HELP], 0),
    (
        "watch",
        &[
            flag(&["beep"], b'b'),
            flag(&["color"], b'c'),
            flag(&["no-color"], b'C'),
            perhaps(&["differences"]),
            flag(&[], b'd'),
            flag(&["errexit"], b'e'),
            flag(&["chgexit"], b'g'),
            value(&["equexit"], b'q'),
            value(&["interval"], b'n'),
            flag(&["precise"], b'p'),
            flag(&["no-rerun"], b'r'),
            flag(&["no-title"], b't'),
            flag(&["no-wrap"], b'w'),
            flag(&["exec"], b'x'),
            HELP,
            flag(&["version"], b'v'),
        ],
        0,
    ),
    (
        "script",
        &[
            flag(&["append"], b'a'),
            value(&["command"], b'c'),
            value(&["echo"], b'E'),
            flag(&["return"], b'e'),
            flag(&["flush"], b'f'),
            perhaps(&["force"]),
            value(&["log-in"], b'I'),
            value(&["log-out"], b'O'),
            value(&["log-io"], b'B'),
            value(&["log-timing"], b'T'),
            value(&["logging-format"], b'm'),
            value(&["output-limit"], b'o'),
            flag(&["quiet"], b'q'),
            perhaps(&["timing"]),
            flag(&[], b't'),
            HELP,
            flag(&["version"], b'V'),
        ],
        1,
    ),
    (
        "parallel",
        &[
            value(&["arg-file"], b'a'),
            perhaps(&["bar"]),
            long(&["block"]),
            value(&["colsep"], b'C'),
            long(&["delay"]),
            value(&["delimiter"], b'd'),
            perhaps(&["dry-run", "dryrun"]),
            long(&["env"]),
            perhaps(&["eta"]),
            long(&["halt"]),
            value(&["jobs", "max-procs"], b'j'),
            long(&["joblog"]),
            flag(&["keep-order"], b'k'),
            perhaps(&["line-buffer", "lb"]),
            value(&["max-args"], b'n'),
            value(&["max-replace-args"], b'N'),
            value(&["max-lines"], b'L'),
            flag(&["null"], b'0'),
            flag(&["no-run-if-empty"], b'r'),
            perhaps(&["pipe"]),
            perhaps(&["progress"]),
            flag(&["quote"], b'q'),
            long(&["results"]),
            long(&["retries"]),
            perhaps(&["tag"]),
            long(&["timeout"]),
            flag(&["ungroup"], b'u'),
            flag(&["verbose"], b't'),
            perhaps(&["will-cite"]),
            long(&["workdir", "wd"]),
            value(&[], b'P'),
            value(&[], b'I'),
            flag(&[], b'm'),
            flag(&[], b'X'),
            HELP,
            VERSION,
        ],
        0,
    ),
    (
        "sudo",
        &[
            flag(&["askpass"], b'A'),
            flag(&["background"], b'b'),
            flag(&["preserve-env"], b'E'),
            flag(&["set-home"], b'H'),
            flag(&["non-interactive"], b'n'),
            flag(&["preserve-groups"], b'P'),
            flag(&["stdin"], b'S'),
            value(&["user"], b'u'),
            value(&["group"], b'g'),
            value(&["prompt"], b'p'),
            value(&["chdir"], b'D'),
            value(&["close-from"], b'C'),
            value(&["command-timeout"], b'T'),
            HELP,
        ],
        0,
    ),
    ("doas", &[value(&[], b'u'), value(&[], b'C'), flag(&[], b'n'), flag(&[], b's')], 0),
];

/// The command that a wrapper runs, none if it runs none.
///
/// # Errors
/// If an option is not known, so that nobody can tell where the command begins.
pub(super) fn find<'a>(call: &Call<'a>) -> Result<Option<Run<'a>>, String> {
    let name = call.names.iter().find_map(|name| ROWS.iter().find(|row| row.0.as_bytes() == *name));
    let own = call.argv.first().map(|path| base(path)).unwrap_or_default();
    let named = ROWS.iter().find(|row| row.0 == own).or(name);
    let Some((name, options, mut before)) = named.copied() else { return Ok(None) };
    let mut run = Run { more: matches!(name, "xargs" | "parallel"), ..Run::default() };
    // Without a command, `script` runs a shell.
    let mut shell = (name == "script").then_some(&b""[..]);
    // These join the words for a shell, unless told not to.
    let mut joins = matches!(name, "watch" | "parallel");
    // Every one of them stops at its first operand.
    for item in getopt::read(call.argv, options, true) {
        match item {
            Item::Option { opt, value } => match (opt.name(), opt.short, value) {
                ("help" | "version" | "list" | "pid" | "pgid" | "uid" | "max", ..) => {
                    return Ok(None);
                }
                ("command", _, Some(value)) => shell = Some(value.bytes),
                ("exec", ..) => joins = false,
                ("ignore-environment", ..) => run.cleared = true,
                ("unset", _, Some(value)) => run.removed.push(value.bytes),
                ("chdir", _, Some(value)) => run.folder = Some(value.bytes),
                ("split-string", ..) => return Err("`env -S` splits a text into words".to_owned()),
                _ => {}
            },
            Item::Operand(operand) => {
                let takes_variables = matches!(name, "env" | "sudo");
                if takes_variables && operand.bytes.contains(&b'=') {
                    run.added.push(operand.bytes);
                } else if name == "env" && operand.bytes == b"-" && run.added.is_empty() {
                    run.cleared = true;
                } else if before > 0 {
                    before -= 1;
                } else if name == "flock" && matches!(operand.bytes, b"-c" | b"--command") {
                    run.text = call.argv.get(operand.arg + 1).copied();
                    return Ok(run.text.map(|_| run));
                } else if name == "parallel" && operand.bytes.starts_with(b":::") {
                    return Err("what it runs are its arguments".to_owned());
                } else {
                    run.at = operand.arg;
                    run.text = Some(operand.bytes).filter(|text| joins && text.contains(&b' '));
                    return Ok(Some(run));
                }
            }
            Item::Refused { word, why } => return Err(format!("{why}: `{}`", text(word))),
        }
    }
    Ok(shell.map(|text| Run { text: Some(text), ..run }))
}

pub(super) fn classify(call: &Call<'_>) -> Action {
    match find(call) {
        Err(reason) => Action::opaque(&DOMAIN, said(call.argv), reason),
        Ok(None) => action(call, "wrapper", "inform"),
        Ok(Some(run)) => {
            let program = match run.text {
                Some(_) => "sh".to_owned(),
                None => base(call.argv[run.at]),
            };
            action(call, "wrapper", "command").with(Program::PROGRAMS, BTreeSet::from([program]))
        }
    }
}
