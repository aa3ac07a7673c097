//! Tests of a tool by a table of command lines: `"COMMAND LINE" = "FACTS"` in a file of `corpus/`.
//!
//! A command line is split at spaces outside single quotes. Words before the tool's name that hold
//! a `=` are its environment, to which the home folder `/home/me` is added. The working directory
//! is `/home/me/app`. Facts are `name=value`. Sets are joined by commas and left out if they are
//! empty. Several actions are separated by `; `. What is opaque is `?`.

use claw_corpus::split;
use claw_policy::{Action, Facts, Reading, Value};

use crate::call::Call;
use crate::{NoFiles, Tools};

/// The actions of a command line, without the call-level one.
pub(crate) fn actions(words: &str) -> Vec<Action> {
    facts(&split(words)).actions.split_off(1)
}

/// The facts of the words of a command line.
fn facts(words: &[String]) -> Facts {
    let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
    let program = words.iter().position(|word| !word.contains(&b'=')).unwrap_or_default();
    let (env, argv) = words.split_at(program);
    let env: Vec<&[u8]> = env.iter().copied().chain([&b"HOME=/home/me"[..]]).collect();
    let cwd = Some(&b"/home/me/app"[..]);
    let names = [argv[0].rsplit(|byte| *byte == b'/').next().unwrap_or_default()];
    let call = Call { argv, env: &env, cwd, path: argv[0], names: &names, ..Call::default() };
    Tools::BUILT_IN.classify(&call, &NoFiles)
}

/// The facts of `actions` in a line.
pub(crate) fn shown(actions: &[Action]) -> String {
    let one = |action: &Action| {
        if action.opaque.is_some() {
            return "?".to_owned();
        }
        let facts = action.facts().filter_map(|(name, _)| match action.fact(name)? {
            Reading::Opaque(_) => Some(format!("{name}=?")),
            Reading::Known(Value::Bool(value)) => Some(format!("{name}={value}")),
            Reading::Known(Value::Int(value)) => Some(format!("{name}={value}")),
            Reading::Known(Value::Str(value)) => Some(format!("{name}={value}")),
            Reading::Known(Value::Set(values)) if values.is_empty() => None,
            Reading::Known(Value::Set(values)) => {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                Some(format!("{name}={}", values.join(",")))
            }
        });
        facts.collect::<Vec<_>>().join(" ")
    };
    actions.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Checks the facts of every command line of `corpus`.
pub(crate) fn check(corpus: &str) {
    let table: toml::Table = corpus.parse().unwrap();
    let mut wrong = String::new();
    for (words, expected) in &table {
        let found = shown(&actions(words));
        if Some(found.as_str()) != expected.as_str() {
            wrong += &format!("\"{words}\" = \"{found}\"\n");
        }
    }
    assert!(table.len() > 20, "the corpus is too small");
    assert!(wrong.is_empty(), "these facts are not those of the corpus:\n{wrong}");
}

/// The command lines of the corpora that are such tables, and of clients that read standard input.
pub(crate) fn lines() -> Vec<String> {
    const TABLES: &[&str] = &[
        include_str!("../corpus/aws.toml"),
        include_str!("../corpus/clickhouse.toml"),
        include_str!("../corpus/cloud.toml"),
        include_str!("../corpus/code.toml"),
        include_str!("../corpus/container.toml"),
        include_str!("../corpus/curl.toml"),
        include_str!("../corpus/door.toml"),
        include_str!("../corpus/file.toml"),
        include_str!("../corpus/gh.toml"),
        include_str!("../corpus/git.toml"),
        include_str!("../corpus/helm.toml"),
        include_str!("../corpus/httpie.toml"),
        include_str!("../corpus/infra.toml"),
        include_str!("../corpus/kubectl.toml"),
        include_str!("../corpus/net.toml"),
        include_str!("../corpus/package.toml"),
        include_str!("../corpus/process.toml"),
        include_str!("../corpus/program.toml"),
        include_str!("../corpus/terraform.toml"),
        include_str!("../corpus/unread.toml"),
        include_str!("../corpus/vault.toml"),
    ];
    const CLIENTS: &[&str] = &[
        "psql",
        "psql -c 'SELECT 1'",
        "psql -f -",
        "psql -f /dev/stdin",
        "mysql",
        "mysql -e 'SELECT 1'",
        "sqlite3 a.db",
        "sqlite3 a.db 'SELECT 1'",
        "redis-cli",
        "redis-cli GET a",
        "mongosh",
        "clickhouse-client",
        "docker exec -i db psql",
        "docker exec db psql",
        "kubectl exec -i pod -- psql",
        "ssh host psql",
        "ssh -n host psql",
    ];
    let tables = TABLES.iter().flat_map(|table| {
        let table: toml::Table = table.parse().unwrap();
        table.into_iter().filter(|(_, facts)| facts.is_str()).map(|(line, _)| line)
    });
    tables.chain(CLIENTS.iter().map(|line| (*line).to_owned())).collect()
}

/// Actions of SQL clients in one line: `sql:` and the effect of each statement, `client:` and the
/// class of each other thing; `?` if that is not known.
pub(crate) fn clients_line(actions: &[Action]) -> String {
    use claw_policy::{Reading, Value};
    let shown = actions.iter().map(|action| {
        let name = if action.domain.name() == "sql" { "effect" } else { "class" };
        match action.fact(name) {
            Some(Reading::Known(Value::Str(word))) => format!("{}:{word}", action.domain.name()),
            _ => format!("{}:?", action.domain.name()),
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

mod tests;
