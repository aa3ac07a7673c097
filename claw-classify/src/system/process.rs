//! `kill`, `pkill`, `killall` and `skill`: which signal goes to which processes.
//!
//! Input: the call. Output: one action of the domain `process`.
//!
//! Sources: kill(1) of procps-ng and util-linux, pkill(1), killall(1) of psmisc; Debian 12.
//!
//! Known gaps: which processes a name or a number means shows only when the call runs. The built-in
//! `kill` of shells starts no program and is not seen.

use std::collections::BTreeSet;

use claw_policy::{Action, Set, domain};

use crate::call::{Call, text};
use crate::grammar::subcommands::said;
use crate::loaders::Loads;
use crate::tool::{Abilities, Denial, Family, Reader, Tool};

domain! {
    /// A signal that a call sends, and the processes that get it.
    pub(crate) static DOMAIN: Process = "process", governed: false, sealed: false;

    /// `inform` lists signals or processes, `probe` asks whether they are there (signal 0), `signal` sends one.
    EFFECT: String = "effect" of &["inform", "probe", "signal"];
    /// The signal as it is called in signal(7), without `SIG`; a number where it has no name.
    SIGNAL: String = "signal";
    /// The process numbers that are named.
    PIDS: Set = "pids";
    /// The names or patterns that are given, with the users and terminals of options.
    NAMES: Set = "names";
    /// Whether it goes to every process there is: `kill -9 -1`, or a pattern that matches anything.
    EVERYONE: bool = "everyone";
}

macro_rules! rows {
    ($($id:ident $names:expr, $prefix:literal, $doc:literal, $classify:expr;)*) => {
        $(
            /// The program's row in the registry.
            pub(crate) static $id: Tool = Tool {
                name: $names[0],
                names: &$names,
                doc: $doc,
                denial: Denial { prefix: $prefix, status: 1 },
                can: Abilities::of(Family::Processes),
                domains: &[&DOMAIN],
                loads: Loads::NOTHING,
                reader: Reader::Judge(|context| vec![($classify)(context.call)]),
            };
        )*
    };
}

rows! {
    KILL ["kill"], "kill: ", "The signal and the numbers.", kill;
    PKILL ["pkill", "pgrep", "pidwait"], "pkill: ", "The signal, the pattern and the options that choose.", pkill;
    KILLALL ["killall", "skill"], "killall: ", "The signal, the names and the options that choose.", killall;
}

/// Signals by number on Linux, from 1 (signal(7), x86 and ARM).
const SIGNALS: &[&str] = &[
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The signal that a word names, in one spelling.
fn signal(word: &[u8]) -> Option<String> {
    let word = text(word).to_ascii_uppercase();
    if let Ok(number) = word.parse::<usize>() {
        // A shell's status of a killed program is 128 and the signal; kill(1) accepts that too.
        let number = if number > 128 { number - 128 } else { number };
        return match number {
            0 => Some("0".to_owned()),
            number => Some(
                SIGNALS
                    .get(number - 1)
                    .map_or_else(|| number.to_string(), |name| (*name).to_owned()),
            ),
        };
    }
    let name = word.strip_prefix("SIG").unwrap_or(&word);
    let known = SIGNALS.contains(&name)
        || name.starts_with("RTM")
        || matches!(name, "POLL" | "CLD" | "IOT" | "EXIT");
    known.then(|| name.to_owned())
}

fn finish(
    call: &Call<'_>,
    signal: Option<String>,
    pids: BTreeSet<String>,
    names: BTreeSet<String>,
    everyone: bool,
) -> Action {
    let signal = signal.unwrap_or_else(|| "TERM".to_owned());
    Action::new(&DOMAIN, said(call.argv))
        .with(Process::EFFECT, if signal == "0" { "probe" } else { "signal" })
        .with(Process::SIGNAL, signal)
        .with(Process::PIDS, pids)
        .with(Process::NAMES, names)
        .with(Process::EVERYONE, everyone)
}

fn informs(call: &Call<'_>) -> Action {
    Action::new(&DOMAIN, said(call.argv)).with(Process::EFFECT, "inform")
}

fn unknown(call: &Call<'_>, word: &[u8]) -> Action {
    let said = said(call.argv);
    Action::opaque(&DOMAIN, said, format!("the option `{}` is not known", text(word)))
}

fn kill(call: &Call<'_>) -> Action {
    let (mut given, mut pids, mut names) = (None, BTreeSet::new(), BTreeSet::new());
    let mut everyone = false;
    let mut words = call.argv.iter().copied().skip(1).peekable();
    if words.peek().is_none() {
        return informs(call);
    }
    let (mut first, mut operands) = (true, false);
    while let Some(word) = words.next() {
        let option = word.strip_prefix(b"-").filter(|rest| !rest.is_empty() && !operands);
        match option {
            Some(b"-") => operands = true,
            Some(b"l" | b"L" | b"-list" | b"-table" | b"h" | b"-help" | b"V" | b"-version") => {
                return informs(call);
            }
            Some(b"s" | b"n" | b"-signal") => match words.next() {
                Some(word) => given = signal(word),
                None => return unknown(call, word),
            },
            Some(b"q" | b"-queue" | b"-timeout") => {
                words.next();
            }
            Some(b"a" | b"-all" | b"p" | b"-pid" | b"-verbose") => {}
            Some(name) if name.starts_with(b"-signal=") => given = signal(&name[8..]),
            Some(name) if name.starts_with(b"l") || name.starts_with(b"-list=") => {
                return informs(call);
            }
            // Only the first number after a dash can be a signal; a later one is a group.
            Some(name) if first || !name.iter().all(u8::is_ascii_digit) => match signal(name) {
                Some(signal) => given = Some(signal),
                None => return unknown(call, word),
            },
            _ if word == b"-1" => everyone = true,
            _ => {
                let is_number = word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
                let into = if is_number { &mut pids } else { &mut names };
                into.insert(text(word).into_owned());
            }
        }
        first = false;
    }
    finish(call, given, pids, names, everyone)
}

/// pkill's letters with a value (procps-ng 4).
const PKILL_VALUES: &[u8] = b"dFgGPrsStuUH";

fn pkill(call: &Call<'_>) -> Action {
    // pgrep and pidwait only look, whatever the options are.
    let looks = call.argv.first().is_some_and(|name| !name.ends_with(b"pkill"));
    let (mut given, mut names, mut everyone) = (None, BTreeSet::new(), false);
    let mut words = call.argv.iter().copied().skip(1);
    let mut first = true;
    while let Some(word) = words.next() {
        let Some(name) = word.strip_prefix(b"-").filter(|name| !name.is_empty()) else {
            everyone |= matches!(word, b"" | b"." | b".*" | b"^");
            names.insert(text(word).into_owned());
            continue;
        };
        match name {
            b"-help" | b"-version" | b"h" | b"V" => return informs(call),
            b"-signal" => given = words.next().and_then(signal),
            name if name.starts_with(b"-signal=") => given = signal(&name[8..]),
            name if name.starts_with(b"-") => {
                let glued = name.iter().position(|byte| *byte == b'=');
                let long = &name[1..glued.unwrap_or(name.len())];
                const CHOOSE: &[&[u8]] = &[
                    b"cgroup",
                    b"delimiter",
                    b"env",
                    b"euid",
                    b"group",
                    b"ns",
                    b"nslist",
                    b"older",
                    b"parent",
                    b"pgroup",
                    b"pidfile",
                    b"runstates",
                    b"session",
                    b"terminal",
                    b"uid",
                ];
                if CHOOSE.contains(&long) {
                    let value = glued.map(|at| &name[at + 1..]).or_else(|| words.next());
                    names.insert(format!("{}={}", text(long), text(value.unwrap_or_default())));
                }
            }
            name if first && signal(name).is_some() => given = signal(name),
            name => {
                for (at, letter) in name.iter().enumerate() {
                    if !PKILL_VALUES.contains(letter) {
                        continue;
                    }
                    let rest = &name[at + 1..];
                    let value = if rest.is_empty() { words.next() } else { Some(rest) };
                    if matches!(letter, b'g' | b'G' | b'P' | b's' | b't' | b'u' | b'U') {
                        let option = char::from(*letter);
                        names.insert(format!("{option}={}", text(value.unwrap_or_default())));
                    }
                    break;
                }
            }
        }
        first = false;
    }
    if looks {
        return informs(call).with(Process::NAMES, names);
    }
    finish(call, given, BTreeSet::new(), names, everyone)
}

fn killall(call: &Call<'_>) -> Action {
    let (mut given, mut names, mut everyone) = (None, BTreeSet::new(), false);
    let mut words = call.argv.iter().copied().skip(1);
    while let Some(word) = words.next() {
        let Some(name) = word.strip_prefix(b"-").filter(|name| !name.is_empty()) else {
            everyone |= word == b".*";
            names.insert(text(word).into_owned());
            continue;
        };
        match name {
            b"l" | b"-list" | b"V" | b"-version" | b"-help" => return informs(call),
            b"s" | b"-signal" => given = words.next().and_then(signal),
            b"u" | b"-user" | b"y" | b"-younger-than" | b"o" | b"-older-than" | b"Z"
            | b"-context" | b"n" | b"-ns" | b"t" => {
                let value = words.next().unwrap_or_default();
                names.insert(format!(
                    "{}={}",
                    text(name.strip_prefix(b"-").unwrap_or(name)),
                    text(value)
                ));
            }
            name => {
                if let Some(signal) = signal(name.strip_prefix(b"-signal=").unwrap_or(name)) {
                    given = Some(signal);
                }
            }
        }
    }
    finish(call, given, BTreeSet::new(), names, everyone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tools;
    use crate::call::files::NoFiles;
    use proptest::prelude::*;

    #[test]
    fn the_corpus_has_these_facts() {
        crate::corpus::check(include_str!("../../corpus/process.toml"));
    }

    proptest! {
        #[test]
        fn any_call_is_classified(argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..6)) {
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            let call = Call { argv: &argv, ..Call::default() };
            for tool in [&KILL, &PKILL, &KILLALL] {
                prop_assert_eq!(tool.read(&Tools::BUILT_IN.context(&call, &NoFiles)).actions.len(), 1);
            }
        }
    }
}
