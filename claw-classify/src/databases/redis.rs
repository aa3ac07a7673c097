//! redis-cli: one command of Redis in the argument vector, or one a line on standard input.
//!
//! Input: the call. Output: one action of the domain `client` for each command and for each option
//! that has an effect of its own; its class is what the command does (`redis/commands.tsv`). A
//! command or an option that is not listed is opaque: a module of the server may define commands of
//! its own. So is `-X`, which puts standard input in the place of any word, even of the command's
//! name.
//!
//! Source: `parseOptions` and `repl` in Redis' `src/redis-cli.c`, release 7.4, and the command
//! reference. Options are compared whole, and the first word that is not one begins the command.
//!
//! Known gaps: what a script in the server (EVAL, FCALL) does is not read: it is of the class
//! `script`. `~/.redisclirc` only sets how things are shown.

use claw_policy::Action;

use crate::call::{Call, Stdin, excerpt, text};
use crate::databases::client::{DOMAIN, fact};
use crate::grammar::subcommands::Commands;
use crate::loaders::Loads;
use crate::secret::marks::{Marks, Operand, marks, secret};
use crate::tool::{Abilities, Denial, Family, Reader, Tool};

/// What holds a secret in its words.
pub(crate) static SECRETS: &[Marks] =
    &[marks(&[TOOL.names], &[secret("-a --pass")]).operands(&[Operand::Redis])];

/// redis-cli's row in the registry; Valkey's and KeyDB's clients take the same words.
pub(crate) static TOOL: Tool = Tool {
    name: "redis-cli",
    names: &["redis-cli", "keydb-cli", "valkey-cli"],
    doc: "The command in the arguments, or the commands of standard input where its content is known, each by what it does to the data; scripts in the server are not read.",
    denial: Denial { prefix: "Error: ", status: 1 },
    can: Abilities::of(Family::Databases),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(|context| classify(context.call)),
};

/// Options that only say where to connect and how to show results, each with the number of its
/// values.
const PLAIN: &[(&str, usize)] = &[
    ("--askpass", 0),
    ("--cacert", 1),
    ("--cacertdir", 1),
    ("--cert", 1),
    ("--count", 1),
    ("--csv", 0),
    ("--insecure", 0),
    ("--json", 0),
    ("--key", 1),
    ("--no-auth-warning", 0),
    ("--no-raw", 0),
    ("--pass", 1),
    ("--pattern", 1),
    ("--quoted-input", 0),
    ("--quoted-json", 0),
    ("--quoted-pattern", 1),
    ("--raw", 0),
    ("--show-pushes", 1),
    ("--sni", 1),
    ("--tls", 0),
    ("--tls-ciphers", 1),
    ("--tls-ciphersuites", 1),
    ("--user", 1),
    ("--verbose", 0),
    ("-2", 0),
    ("-3", 0),
    ("-4", 0),
    ("-6", 0),
    ("-D", 1),
    ("-a", 1),
    ("-c", 0),
    ("-d", 1),
    ("-e", 0),
    ("-h", 1),
    ("-i", 1),
    ("-n", 1),
    ("-p", 1),
    ("-r", 1),
    ("-s", 1),
    ("-t", 1),
    ("-u", 1),
    ("-x", 0),
];

/// Options that are a mode of their own, with the number of their values and what the mode does.
const MODES: &[(&str, usize, &str)] = &[
    ("--bigkeys", 0, "read"),
    ("--cluster", 0, "admin"),
    ("--eval", 1, "script"),
    ("--functions-rdb", 1, "export"),
    ("--hotkeys", 0, "read"),
    ("--intrinsic-latency", 1, "inform"),
    ("--latency", 0, "inform"),
    ("--latency-dist", 0, "inform"),
    ("--latency-history", 0, "inform"),
    ("--ldb", 0, "script"),
    ("--ldb-sync-mode", 0, "script"),
    ("--lru-test", 1, "write"),
    ("--memkeys", 0, "read"),
    ("--memkeys-samples", 1, "read"),
    ("--rdb", 1, "export"),
    ("--replica", 0, "export"),
    ("--scan", 0, "read"),
    ("--slave", 0, "export"),
    ("--stat", 0, "inform"),
];

/// Commands with their classes.
const COMMANDS: Commands = Commands(include_str!("redis/commands.tsv"));

/// Name and class of a command, by its first two words where the table has them so.
fn class(first: &str, second: Option<&str>) -> Option<(&'static str, &'static str)> {
    let row = |name: &str| {
        let row = COMMANDS.row(&name.to_ascii_uppercase())?;
        Some((row.path, row.effect))
    };
    second.and_then(|second| row(&format!("{first} {second}"))).or_else(|| row(first))
}

fn command(words: &[&str]) -> Action {
    let said = excerpt(&words.join(" "));
    let Some((first, rest)) = words.split_first() else {
        return fact("help", "inform", "no command");
    };
    match class(first, rest.first().copied()) {
        Some((name, class)) => fact(name, class, &said),
        None => {
            let reason = format!("the command `{}` is not known", excerpt(first));
            Action::opaque(&DOMAIN, said, reason)
        }
    }
}

fn classify(call: &Call<'_>) -> Vec<Action> {
    let opaque = |said: &str, reason: &str| Action::opaque(&DOMAIN, excerpt(said), reason);
    let words: Vec<_> = call.argv.iter().skip(1).map(|word| text(word)).collect();
    let mut words: &[_] = &words;
    let mut modes = Vec::new();
    while let Some(option) = words.first().filter(|word| word.starts_with('-') && word.len() > 1) {
        if matches!(&**option, "--help" | "--version" | "-v") {
            return vec![fact("help", "inform", option)];
        }
        let plain =
            PLAIN.iter().find(|(name, _)| name == option).map(|(_, values)| (*values, None));
        let mode = || MODES.iter().find(|(name, ..)| name == option);
        let known =
            plain.or_else(|| mode().map(|(name, values, class)| (*values, Some((*name, *class)))));
        let Some((values, mode)) = known else {
            return vec![opaque(option, "the option is not known")];
        };
        if let Some((name, class)) = mode {
            modes.push(fact(name.trim_start_matches('-'), class, option));
        }
        match words.get(1 + values..) {
            Some(rest) => words = rest,
            None => return vec![opaque(option, "the option lacks its value")],
        }
    }
    if !modes.is_empty() {
        return modes;
    }
    if !words.is_empty() {
        let words: Vec<&str> = words.iter().map(|word| &**word).collect();
        return vec![command(&words)];
    }
    match call.stdin() {
        Stdin::Null => vec![fact("help", "inform", "no input")],
        Stdin::Terminal => vec![opaque("a terminal session", "anything may be typed")],
        Stdin::Unknown => vec![opaque("standard input", "standard input is not read")],
        Stdin::Content(content) => match str::from_utf8(content) {
            Ok(content) => lines(content),
            Err(_) => vec![opaque("standard input", "it is not UTF-8")],
        },
    }
}

/// The commands of standard input. A name in quotes is not read: escapes in it can spell any byte.
fn lines(content: &str) -> Vec<Action> {
    let actions: Vec<Action> = content
        .lines()
        .map(|line| {
            let mut words: Vec<&str> = line.split_ascii_whitespace().collect();
            // A leading number says how often the command runs.
            if words.len() > 1 && words[0].bytes().all(|byte| byte.is_ascii_digit()) {
                words.remove(0);
            }
            let name = words.iter().take(2).any(|word| word.contains(['"', '\'']));
            if name {
                return Action::opaque(&DOMAIN, excerpt(line), "the command stands in quotes");
            }
            command(&words)
        })
        .collect();
    if actions.is_empty() { vec![fact("help", "inform", "no input")] } else { actions }
}

#[cfg(test)]
mod tests {
    use claw_policy::{Reading, Value};
    use proptest::prelude::*;

    use super::*;

    fn classes(argv: &[&str], stdin: Stdin<'_>) -> Vec<String> {
        let argv: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let call = Call { argv: &argv, stdin, ..Call::default() };
        classify(&call)
            .iter()
            .map(|action| match action.fact("class") {
                Some(Reading::Known(Value::Str(class))) => class.clone(),
                _ => "?".to_owned(),
            })
            .collect()
    }

    #[test]
    fn command_lines() {
        for (line, expected) in [
            ("redis-cli GET x", "read"),
            ("redis-cli get FLUSHALL", "read"),
            ("redis-cli -h h -p 1 -n 2 --no-auth-warning -a secret flushdb", "admin"),
            ("redis-cli -h FLUSHALL GET x", "read"),
            ("redis-cli -x SET k", "write"),
            ("redis-cli -X GET GET", "?"),
            ("redis-cli -x CONFIG", "?"),
            ("redis-cli CONFIG SET dir /tmp", "admin"),
            ("redis-cli config rewrite", "admin"),
            ("redis-cli CONFIG FROB", "?"),
            ("redis-cli COMMAND", "inform"),
            ("redis-cli EVAL x 0", "script"),
            ("redis-cli --eval x.lua", "script"),
            ("redis-cli --rdb /tmp/x", "export"),
            ("redis-cli --scan --pattern x", "read"),
            ("redis-cli --memkeys-samples 1 FLUSHALL", "read"),
            ("redis-cli --pipe", "?"),
            ("redis-cli --frob GET x", "?"),
            ("redis-cli -h", "?"),
            ("redis-cli FROB", "?"),
            ("redis-cli --version", "inform"),
            ("redis-cli SORT x STORE y", "write"),
            ("redis-cli MODULE LOAD /tmp/x.so", "admin"),
        ] {
            let argv: Vec<&str> = line.split(' ').collect();
            assert_eq!(classes(&argv, Stdin::Unknown), [expected], "{line}");
        }
    }

    #[test]
    fn lines_of_standard_input() {
        for (content, expected) in [
            ("GET x\nDEL x\n", vec!["read", "write"]),
            ("5 INCR x", vec!["write"]),
            ("\"FLUSHALL\"", vec!["?"]),
            ("CONFIG 'set' dir /tmp", vec!["?"]),
            ("SET k \"a b\"", vec!["write"]),
            ("", vec!["inform"]),
        ] {
            let stdin = Stdin::Content(content.as_bytes());
            assert_eq!(classes(&["redis-cli"], stdin), expected, "{content}");
        }
        assert_eq!(classes(&["redis-cli"], Stdin::Terminal), ["?"]);
        assert_eq!(classes(&["redis-cli"], Stdin::Unknown), ["?"]);
    }

    #[test]
    fn the_table_is_sound() {
        let rows: Vec<(&str, &str)> = include_str!("redis/commands.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .collect();
        assert!(rows.len() > 250, "{}", rows.len());
        assert!(rows.is_sorted(), "the table is not sorted");
        let known = DOMAIN.facts.iter().find(|fact| fact.name == "class").unwrap().values;
        for (name, class) in rows {
            assert!(known.contains(&class), "{name}: {class}");
        }
    }

    proptest! {
        #[test]
        fn any_call_is_classified(
            argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..6),
            stdin in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            let call = Call { argv: &argv, stdin: Stdin::Content(&stdin), ..Call::default() };
            prop_assert!(!classify(&call).is_empty());
        }
    }
}
