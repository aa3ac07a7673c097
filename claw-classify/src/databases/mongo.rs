//! MongoDB's shell and its other clients.
//!
//! Input: the call. Output: actions of the domain `client`: one for each JavaScript expression that
//! is recognised (`mongo/script.rs`) and one for each option with an effect of its own. Everything
//! else is opaque.
//!
//! Source: `packages/arg-parser` and `packages/cli-repl` of mongosh 2, `mongo --help` of 4.4.
//! Option names must be spelled out; an abbreviation and a value glued to a letter are opaque.
//!
//! Known gaps: `~/.mongoshrc.js` counts as a script if it exists, and as absent if nobody looked.
//! mongodump and similar programs are classified by their purpose, not by their options.

mod script;

use claw_policy::Action;

use crate::call::files::NotRead;
use crate::call::{Call, Stdin, excerpt, text};
use crate::databases::client::{DOMAIN, fact};
use crate::loaders::{Loads, Runtime};
use crate::secret::marks::{Marks, marks, secret};
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};

/// What holds a secret in their words.
pub(crate) static SECRETS: &[Marks] =
    &[marks(&[TOOL.names, EXPORT.names, IMPORT.names, WATCH.names], &[secret("-p --password")])];

/// The shell's row in the registry.
pub(crate) static TOOL: Tool = Tool {
    name: "mongosh",
    names: &["mongosh", "mongo"],
    doc: "Calls of the database with literal arguments are read, in `--eval`, files and standard input; any other JavaScript is not.",
    denial: Denial { prefix: "MongoServerError: ", status: 1 },
    can: Abilities::of(Family::Databases),
    domains: &[&DOMAIN],
    loads: Loads::of(&[Runtime::Node]),
    reader: Reader::Judge(shell),
};

/// The row of the programs that export data.
pub(crate) static EXPORT: Tool = Tool {
    name: "mongodump",
    names: &["mongodump", "mongoexport", "bsondump"],
    doc: "Its options are not read: it exports whole collections.",
    denial: Denial { prefix: "error: ", status: 1 },
    can: Abilities::of(Family::Databases),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(|context| whole(context.call, "export")),
};

/// The row of the programs that write into a database.
pub(crate) static IMPORT: Tool = Tool {
    name: "mongorestore",
    names: &["mongorestore", "mongoimport", "mongofiles"],
    doc: "Only requests for help are recognised; every other call changes the database.",
    denial: Denial { prefix: "error: ", status: 1 },
    can: Abilities::of(Family::Databases),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(|context| whole(context.call, "write")),
};

/// The row of the programs that watch a server.
pub(crate) static WATCH: Tool = Tool {
    name: "mongostat",
    names: &["mongostat", "mongotop"],
    doc: "It shows how busy a server is.",
    denial: Denial { prefix: "error: ", status: 1 },
    can: Abilities::of(Family::Databases),
    domains: &[&DOMAIN],
    loads: Loads::NOTHING,
    reader: Reader::Judge(|context| {
        let config = context.call.argv.iter().any(|word| word.starts_with(b"--c"));
        whole(context.call, if config { "script" } else { "inform" })
    }),
};

fn said(call: &Call<'_>) -> String {
    let words: Vec<_> = call.argv.iter().take(40).map(|word| text(word)).collect();
    excerpt(&words.join(" "))
}

fn whole(call: &Call<'_>, class: &'static str) -> Vec<Action> {
    let help = matches!(call.argv, [_, b"--help" | b"--version"]);
    vec![fact("call", if help { "inform" } else { class }, &said(call))]
}

/// Options without a value that say where to connect and how to show results.
const SWITCHES: &[&str] = &[
    "--ipv6",
    "--json",
    "--nodb",
    "--norc",
    "--quiet",
    "--retryWrites",
    "--ssl",
    "--tls",
    "--verbose",
];

/// The same, with a value.
const VALUES: &[&str] = &[
    "--apiVersion",
    "--authenticationDatabase",
    "--authenticationMechanism",
    "--host",
    "--password",
    "--port",
    "--tlsCAFile",
    "--tlsCertificateKeyFile",
    "--username",
    "-p",
    "-u",
];

fn shell(context: &Context<'_>) -> Vec<Action> {
    let Context { call, files, .. } = *context;
    let opaque = |said: &str, reason: &str| Action::opaque(&DOMAIN, excerpt(said), reason);
    let mut actions = Vec::new();
    let (mut scripts, mut operands): (Vec<&[u8]>, Vec<&[u8]>) = (Vec::new(), Vec::new());
    let (mut asked, mut stays, mut norc) = (false, false, false);
    let mut words = call.argv.iter().skip(1).copied();
    while let Some(word) = words.next() {
        if matches!(word, b"--help" | b"--version" | b"-h") {
            return vec![fact("help", "inform", &said(call))];
        }
        if !word.starts_with(b"-") {
            operands.push(word);
            continue;
        }
        let equals = word.iter().position(|byte| *byte == b'=').filter(|_| word.starts_with(b"--"));
        let name = text(&word[..equals.unwrap_or(word.len())]);
        let mut value = || equals.map(|at| &word[at + 1..]).or_else(|| words.next());
        match &*name {
            "--eval" => {
                asked = true;
                match value() {
                    Some(value) => actions.extend(script::actions(&text(value))),
                    None => return vec![opaque(&name, "the option lacks its value")],
                }
            }
            "--file" | "-f" => match value() {
                Some(path) => scripts.push(path),
                None => return vec![opaque(&name, "the option lacks its value")],
            },
            "--shell" if equals.is_none() => stays = true,
            "--json" if equals.is_some() => {}
            known if SWITCHES.contains(&known) && equals.is_none() => norc |= known == "--norc",
            known if VALUES.contains(&known) => {
                if value().is_none() {
                    return vec![opaque(known, "the option lacks its value")];
                }
            }
            unknown => return vec![opaque(unknown, "the option is not known")],
        }
    }
    // The first operand says where to connect, unless it looks like a script.
    let script = |word: &[u8]| [&b".js"[..], b".mongodb"].iter().any(|end| word.ends_with(end));
    let from = usize::from(operands.first().is_some_and(|word| !script(word)));
    scripts.extend(&operands[from..]);
    for path in scripts {
        asked = true;
        match files.file(path).named() {
            Ok(Some(content)) => actions.extend(script::actions(&text(content))),
            Ok(None) => actions.push(fact("file", "inform", &text(path))),
            Err(NotRead) => actions.push(opaque(&text(path), "the script is not read")),
        }
    }
    if !asked || stays {
        match call.stdin() {
            Stdin::Null => {}
            Stdin::Content(content) => actions.extend(script::actions(&text(content))),
            Stdin::Terminal | Stdin::Unknown => {
                actions.push(opaque("standard input", "standard input is not read"));
            }
        }
    }
    let home = call.var("HOME").unwrap_or_default();
    let starts = |name: &[u8]| files.file(&[home, name].concat());
    if !norc
        && [&b"/.mongoshrc.js"[..], b"/.mongorc.js"]
            .iter()
            .any(|name| starts(name).sought() != Ok(None))
    {
        actions.push(fact("mongoshrc", "script", "the shell's start-up file"));
    }
    if actions.is_empty() {
        actions.push(fact("stdin", "inform", "no input"));
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tools;
    use crate::call::files::{Files, NoFiles, One};
    use crate::corpus::clients_line;
    use claw_corpus::split;
    use proptest::prelude::*;

    fn shown(argv: &[&str], stdin: Stdin<'_>, files: &dyn Files) -> String {
        let argv: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let names = [argv[0]];
        let env: &[&[u8]] = &[b"HOME=/home/me"];
        let call = Call { argv: &argv, names: &names, stdin, env, ..Call::default() };
        clients_line(&Tools::BUILT_IN.classify(&call, files).actions[1..])
    }

    #[test]
    fn corpus() {
        let table: toml::Table = include_str!("../../corpus/mongosh.toml").parse().unwrap();
        for (line, expected) in &table {
            let argv = split(line);
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            assert_eq!(
                shown(&argv, Stdin::Unknown, &NoFiles),
                expected.as_str().unwrap(),
                "{line}"
            );
        }
        assert!(table.len() > 60);
    }

    #[test]
    fn content() {
        let file = One(b"x.js", b"db.t.find()\ndb.t.drop()\n");
        let read_and_drop = "client:read client:admin";
        assert_eq!(shown(&["mongosh", "app", "x.js"], Stdin::Null, &file), read_and_drop);
        assert_eq!(shown(&["mongosh", "x.js"], Stdin::Null, &file), read_and_drop);
        assert_eq!(shown(&["mongosh", "-f", "x.js"], Stdin::Null, &file), read_and_drop);
        assert_eq!(shown(&["mongosh", "x.js"], Stdin::Null, &NoFiles), "client:?");
        let stdin = Stdin::Content(b"db.t.deleteMany({})\n");
        assert_eq!(shown(&["mongosh", "app"], stdin, &NoFiles), "client:write");
        assert_eq!(shown(&["mongosh", "--eval", "db.t.count()"], stdin, &NoFiles), "client:read");
        let argv = ["mongosh", "--shell", "--eval", "db.t.count()"];
        assert_eq!(shown(&argv, stdin, &NoFiles), "client:read client:write");
        let start = One(b"/home/me/.mongoshrc.js", b"");
        let argv = ["mongosh", "--eval", "db.t.count()", "--norc"];
        assert_eq!(shown(&argv[..3], Stdin::Null, &start), "client:read client:script");
        assert_eq!(shown(&argv, Stdin::Null, &start), "client:read");
    }

    proptest! {
        #[test]
        fn any_call_is_classified(
            argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
            code in "[ -~\n]{0,60}",
        ) {
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            let call = Call { argv: &argv, stdin: Stdin::Content(code.as_bytes()), ..Call::default() };
            prop_assert!(!shell(&Tools::BUILT_IN.context(&call, &NoFiles)).is_empty());
            prop_assert!(!script::actions(&code).is_empty());
        }
    }
}
