//! A command line as kubectl reads it: cobra finds the command, pflag reads its options.
//!
//! Sources: `Find`, `stripFlags` and `argsMinusFirstX` in spf13/cobra's command.go, `parseArgs` in
//! spf13/pflag's flag.go, and `WordSepNormalizeFunc` in k8s.io/component-base, which makes `_` in an
//! option's name a `-`. There are no abbreviations.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::call::{excerpt, text};

/// Whether an option takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Always: `--option value` or `--option=value`.
    Value,
    /// A boolean: only `--option=value`, and a value that strconv.ParseBool reads.
    Switch,
    /// It has a value of its own where none is given: only `--option=value`.
    Own,
}

#[derive(Debug, Clone, Copy)]
struct Opt {
    long: &'static str,
    short: Option<u8>,
    takes: Takes,
}

#[derive(Debug, Default)]
struct Command {
    options: Vec<Opt>,
    /// Names of sub-commands, aliases included, to the canonical one.
    children: HashMap<&'static str, &'static str>,
}

/// Every command by its path, the empty path for kubectl itself.
static COMMANDS: LazyLock<HashMap<&'static str, Command>> = LazyLock::new(table);

/// The options of all commands.
static GLOBAL: LazyLock<Vec<Opt>> = LazyLock::new(|| {
    let help = Opt { long: "help", short: Some(b'h'), takes: Takes::Switch };
    let rows =
        rows().filter(|row| row[0] == "flag" && row[1] == "*").filter_map(|row| option(&row));
    std::iter::once(help).chain(rows).collect()
});

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    include_str!("options.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

fn option(row: &[&'static str]) -> Option<Opt> {
    let &[_, _, long, short, takes] = row else { return None };
    Some(Opt {
        long,
        short: short.bytes().next().filter(|&letter| letter != b'-'),
        takes: match takes {
            "value" => Takes::Value,
            "switch" => Takes::Switch,
            _ => Takes::Own,
        },
    })
}

fn table() -> HashMap<&'static str, Command> {
    let mut table: HashMap<&'static str, Command> = HashMap::new();
    for row in rows() {
        match row.as_slice() {
            ["command", path, aliases] => {
                let (parent, name) = path.rsplit_once(' ').unwrap_or(("", path));
                table.entry(path).or_default();
                let children = &mut table.entry(parent).or_default().children;
                children.insert(name, name);
                let aliases = aliases.split(',').filter(|alias| *alias != "-");
                children.extend(aliases.map(|alias| (alias, name)));
            }
            ["flag", path, ..] if *path != "*" => {
                table.entry(path).or_default().options.extend(option(&row));
            }
            _ => {}
        }
    }
    // cobra adds it to every program.
    table.entry("").or_default().children.insert("help", "help");
    table.entry("help").or_default();
    table
}

/// A command line that was read.
#[derive(Debug, Default)]
pub(super) struct CommandLine<'a> {
    /// The command and its sub-commands, without aliases.
    pub(super) path: String,
    /// The options given, in order, by their long names.
    pub(super) options: Vec<(&'static str, Option<&'a [u8]>)>,
    /// Everything else, in order.
    pub(super) words: Vec<&'a [u8]>,
    /// How many of `words` stand before `--`, where there is one.
    pub(super) dash: Option<usize>,
}

impl<'a> CommandLine<'a> {
    /// The value of an option: the last one given.
    pub(super) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let last = self.options.iter().rev().find(|(known, _)| *known == name)?;
        Some(last.1.unwrap_or(b"unchanged"))
    }

    /// Whether a boolean option is on, as strconv.ParseBool reads its value; what it cannot read is
    /// taken for on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        let last = self.options.iter().rev().find(|(known, _)| *known == name);
        last.is_some_and(|(_, value)| {
            !matches!(value, Some(b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False"))
        })
    }

    /// Whether kubectl only prints help: the command is `help`, or help is asked for.
    pub(super) fn asks_for_help(&self) -> bool {
        self.is_on("help")
    }

    /// What would run in a container.
    pub(super) fn command(&self) -> Option<&[&'a [u8]]> {
        let from = match self.path.as_str() {
            "exec" => self.dash.unwrap_or(1),
            "debug" | "run" => self.dash?,
            _ => return None,
        };
        self.words.get(from..).filter(|words| !words.is_empty())
    }
}

/// The option that a long name means in a command, with `_` read as `-`.
fn long(command: &Command, name: &[u8]) -> Option<Opt> {
    let name: Vec<u8> = name.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
    let mut known = command.options.iter().chain(GLOBAL.iter());
    known.find(|opt| opt.long.as_bytes() == name).copied()
}

fn short(command: &Command, letter: u8) -> Option<Opt> {
    command.options.iter().chain(GLOBAL.iter()).find(|opt| opt.short == Some(letter)).copied()
}

/// Whether cobra, looking for the command, takes the next word for this word's value. What it does not
/// know it takes for an option with a value.
fn swallows(command: &Command, word: &[u8]) -> bool {
    if word.contains(&b'=') {
        return false;
    }
    let opt = match word {
        [b'-', b'-', name @ ..] => long(command, name),
        [b'-', letter] => short(command, *letter),
        _ => return false,
    };
    opt.is_none_or(|opt| opt.takes == Takes::Value)
}

/// The place of the first word that is neither an option nor an option's value.
fn first_word(command: &Command, words: &[&[u8]]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if *word == b"--" {
            return None;
        }
        if swallows(command, word) {
            at += 2;
        } else if word.is_empty() || word.starts_with(b"-") {
            at += 1;
        } else {
            return Some(at);
        }
    }
    None
}

/// Reads a command line. `argv[0]` is left out.
///
/// # Errors
/// When a command or an option is not known, or a value is missing.
pub(super) fn read<'a>(argv: &'a [&'a [u8]]) -> Result<CommandLine<'a>, String> {
    let mut words: Vec<&'a [u8]> = argv.iter().skip(1).copied().collect();
    let mut path = String::new();
    let none = Command::default();
    loop {
        let command = COMMANDS.get(path.as_str()).unwrap_or(&none);
        if command.children.is_empty() {
            break;
        }
        let Some(at) = first_word(command, &words) else { break };
        let child = str::from_utf8(words[at]).ok().and_then(|name| command.children.get(name));
        let Some(child) = child else {
            if path.is_empty() {
                let name = excerpt(&text(words[at]));
                return Err(format!(
                    "`kubectl {name}` is no command that is known, perhaps a plugin"
                ));
            }
            break;
        };
        words.remove(at);
        if !path.is_empty() {
            path.push(' ');
        }
        path.push_str(child);
    }
    let command = COMMANDS.get(path.as_str()).unwrap_or(&none);
    let mut line = CommandLine { path, ..CommandLine::default() };
    // A command with sub-commands that was given another word does what its own table row says, but
    // for `create`, which tries a plugin.
    if line.path == "create" && first_word(command, &words).is_some() {
        return Err("`kubectl create` is given a word that is no kind it knows, perhaps a plugin"
            .to_owned());
    }
    options(command, &words, &mut line)?;
    Ok(line)
}

fn options<'a>(
    command: &Command,
    words: &[&'a [u8]],
    line: &mut CommandLine<'a>,
) -> Result<(), String> {
    let unknown = |word: &[u8]| {
        format!("kubectl is given an option that is not known: `{}`", excerpt(&text(word)))
    };
    let missing = |word: &[u8]| format!("the option `{}` has no value", excerpt(&text(word)));
    let mut rest = words.iter().copied();
    while let Some(word) = rest.next() {
        if word == b"--" {
            line.dash = Some(line.words.len());
            line.words.extend(rest);
            return Ok(());
        }
        if let Some(name) = word.strip_prefix(b"--") {
            let equals = name.iter().position(|&byte| byte == b'=');
            let (name, glued) = match equals {
                Some(at) => (&name[..at], Some(&name[at + 1..])),
                None => (name, None),
            };
            let opt = long(command, name).ok_or_else(|| unknown(word))?;
            let value = match (opt.takes, glued) {
                (Takes::Switch, Some(glued)) => Some(boolean(word, glued)?),
                (_, Some(glued)) => Some(glued),
                (Takes::Value, None) => Some(rest.next().ok_or_else(|| missing(word))?),
                (Takes::Switch | Takes::Own, None) => None,
            };
            line.options.push((opt.long, value));
        } else if word.len() > 1 && word[0] == b'-' {
            let mut letters = &word[1..];
            while let [letter, after @ ..] = letters {
                let opt = short(command, *letter).ok_or_else(|| unknown(word))?;
                letters = after;
                let value = match (after, opt.takes) {
                    ([b'=', value @ ..], Takes::Switch) if !value.is_empty() => {
                        Some(boolean(word, value)?)
                    }
                    ([b'=', value @ ..], _) if !value.is_empty() => Some(value),
                    (_, Takes::Switch | Takes::Own) => {
                        line.options.push((opt.long, None));
                        continue;
                    }
                    ([], Takes::Value) => Some(rest.next().ok_or_else(|| missing(word))?),
                    (value, Takes::Value) => Some(value),
                };
                line.options.push((opt.long, value));
                break;
            }
        } else {
            line.words.push(word);
        }
    }
    Ok(())
}

/// The value of a boolean option, where strconv.ParseBool can read it.
fn boolean<'a>(word: &[u8], value: &'a [u8]) -> Result<&'a [u8], String> {
    match value {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" | b"0" | b"f" | b"F" | b"false"
        | b"FALSE" | b"False" => Ok(value),
        _ => Err(format!("the value of the option `{}` is no boolean", excerpt(&text(word)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &str) -> String {
        let argv: Vec<&[u8]> = std::iter::once(&b"kubectl"[..])
            .chain(words.split_whitespace().map(str::as_bytes))
            .collect();
        match read(&argv) {
            Err(_) => "error".to_owned(),
            Ok(line) => {
                let mut shown = line.path.clone();
                for (name, value) in &line.options {
                    shown += &format!(" --{name}");
                    if let Some(value) = value {
                        shown += &format!("={}", text(value));
                    }
                }
                for (at, word) in line.words.iter().enumerate() {
                    if line.dash == Some(at) {
                        shown += " --";
                    }
                    shown += &format!(" {}", text(word));
                }
                shown
            }
        }
    }

    #[test]
    fn reads_as_kubectl_does() {
        for (words, expected) in [
            ("get pods", "get pods"),
            ("--user get delete pod x --wait=false", "delete --user=get --wait=false pod x"),
            ("-v 6 delete ns prod", "delete --v=6 ns prod"),
            ("-nprod get po -oyaml", "get --namespace=prod --output=yaml po"),
            ("get po -A -owide -w", "get --all-namespaces --output=wide --watch po"),
            ("get po -Aowide", "get --all-namespaces --output=wide po"),
            ("get -l=app po", "get --selector=app po"),
            ("get --all_namespaces po", "get --all-namespaces po"),
            ("--context delete get pods", "get --context=delete pods"),
            ("-A get pods", "error"),
            ("rollout restart deploy/web", "rollout restart deploy/web"),
            ("rollout frob", "rollout frob"),
            ("top po -n x", "top pod --namespace=x"),
            (
                "create deploy web --image=x --dry-run server",
                "create deployment --image=x --dry-run web server",
            ),
            ("create frob", "error"),
            ("create -f x", "create --filename=x"),
            ("exec web -c app -- cat -n /x", "exec --container=app web -- cat -n /x"),
            ("frob pods", "error"),
            ("get --frob", "error"),
            ("get po --watch=maybe", "error"),
            ("get po -w=maybe", "error"),
            ("get po -w=0", "get --watch=0 po"),
            ("get -z", "error"),
            ("get pods -o", "error"),
            ("get --outp json", "error"),
            ("", ""),
            ("-- get pods", " -- get pods"),
            ("help get", "help get"),
            ("get --help", "get --help"),
            ("config use prod", "config use-context prod"),
        ] {
            assert_eq!(shown(words), expected, "{words}");
        }
    }
}
