//! The options of tools whose values are files or folders that the tool writes, in one table for all tools.
//!
//! Input: the words and the environment of a call whose command is known. A word is taken for such an option wherever
//! it stands before `--`, also where it is the value of another option: that finds more files than there are, and never
//! fewer.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::call::Call;
use crate::call::outputs::Output;

/// One row of the table.
pub(super) struct Row {
    command: &'static str,
    name: &'static str,
    is_folder: bool,
    /// Whether the tool takes the beginning of a name for the name.
    abbreviates: bool,
}

/// Tools that take the beginning of a long name for the name: by git's parse-options, getopt_long(3), argparse or Boost.
const ABBREVIATE: &[&str] = &[
    "az",
    "clickhouse",
    "git",
    "mysqldump",
    "pg_basebackup",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
];

/// Names that stand for themselves beside those that they begin.
const WHOLE: &[&[u8]] = &[b"file", b"out", b"output"];

/// The rows of each tool.
static ROWS: LazyLock<HashMap<&'static str, Vec<Row>>> = LazyLock::new(|| {
    let mut rows: HashMap<&'static str, Vec<Row>> = HashMap::new();
    let lines = include_str!("options.tsv").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let [tools, command, name, kind] = line.split('\t').collect::<Vec<_>>()[..] else {
            continue;
        };
        for tool in tools.split(',') {
            let (is_folder, abbreviates) = (kind == "folder", ABBREVIATE.contains(&tool));
            rows.entry(tool).or_default().push(Row { command, name, is_folder, abbreviates });
        }
    }
    rows
});

impl Row {
    fn is_of(&self, command: &str) -> bool {
        match self.command.strip_suffix('*') {
            Some(start) => command.starts_with(start.trim_end()),
            None => command == self.command,
        }
    }

    fn output(&self, value: &[u8]) -> Option<Output> {
        // Standard output, where a program knows it by this name.
        let shows = matches!(value, b"" | b"-") && !self.is_folder;
        let own = value.to_vec();
        (!shows).then_some(if self.is_folder { Output::In(own) } else { Output::At(own) })
    }

    /// The value that `word` gives this option, or that stands in the word behind it.
    fn value<'a>(&self, word: &'a [u8]) -> Option<Value<'a>> {
        let name = self.name.as_bytes();
        match name {
            [b'-', b'-', long @ ..] => named(long, word.strip_prefix(b"--")?, self.abbreviates),
            [b'-', letter] => {
                let bundle = word.strip_prefix(b"-").filter(|rest| !rest.starts_with(b"-"))?;
                let at = bundle.iter().position(|byte| byte == letter)?;
                // Everything before the letter could only be letters without a value.
                let letters = bundle[..at].iter().all(u8::is_ascii_alphabetic);
                let rest = &bundle[at + 1..];
                let rest = rest.strip_prefix(b"=").unwrap_or(rest);
                letters.then_some(if rest.is_empty() { Value::Next } else { Value::Own(rest) })
            }
            // Go's flag package takes one dash or two.
            [b'-', long @ ..] => {
                let word = word.strip_prefix(b"-")?;
                named(long, word.strip_prefix(b"-").unwrap_or(word), false)
            }
            _ => None,
        }
    }
}

/// Where the value of an option stands.
enum Value<'a> {
    Own(&'a [u8]),
    Next,
}

/// The value in the word `given` of the option `long`, which may begin or end with a `*`.
fn named<'a>(long: &[u8], given: &'a [u8], abbreviates: bool) -> Option<Value<'a>> {
    let (name, value) = match given.iter().position(|&byte| byte == b'=') {
        Some(at) => (&given[..at], Value::Own(&given[at + 1..])),
        None => (given, Value::Next),
    };
    let same = match (long.strip_prefix(b"*"), long.strip_suffix(b"*")) {
        (Some(end), _) => name.ends_with(end),
        (_, Some(start)) => name.starts_with(start),
        (None, None) if abbreviates && name.len() > 1 && !WHOLE.contains(&name) => {
            long.starts_with(name)
        }
        (None, None) => name == long,
    };
    same.then_some(value)
}

/// The rows of `tool`. Most tools have none.
pub(super) fn of(tool: &str) -> &'static [Row] {
    ROWS.get(tool).map(Vec::as_slice).unwrap_or_default()
}

/// What a call writes by these rows of its tool, if its command is `command`.
pub(super) fn outputs(call: &Call<'_>, rows: &[Row], command: &str) -> Vec<Output> {
    let mut outputs = Vec::new();
    for row in rows.iter().filter(|row| row.is_of(command)) {
        if let Some(variable) = row.name.strip_prefix('$') {
            outputs.extend(call.var(variable).and_then(|value| row.output(value)));
            continue;
        }
        if row.name == "operands" {
            let is_command = |word: &[u8]| command.split(' ').any(|part| part.as_bytes() == word);
            let words = call.argv.iter().skip(1);
            let words = words.filter(|word| !word.starts_with(b"-") && !is_command(word));
            outputs.extend(words.filter_map(|word| row.output(word)));
            continue;
        }
        let mut words = call.argv.iter().skip(1).take_while(|word| **word != b"--");
        while let Some(word) = words.next() {
            let value = match row.value(word) {
                Some(Value::Own(value)) => Some(value),
                Some(Value::Next) => words.clone().next().copied(),
                None => None,
            };
            outputs.extend(value.and_then(|value| row.output(value)));
        }
    }
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tool: &str, command: &str, line: &str) -> String {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let env: &[&[u8]] = &[b"KUBECACHEDIR=/c"];
        let outputs = outputs(&Call { argv: &argv, env, ..Call::default() }, of(tool), command);
        let shown = |output: &Output| match output {
            Output::At(path) => String::from_utf8_lossy(path).into_owned(),
            Output::In(path) => format!("{}/", String::from_utf8_lossy(path)),
            Output::Unknown(why) => format!("? {why}"),
        };
        outputs.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_are_found_in_every_spelling() {
        for (tool, command, line, expected) in [
            ("docker", "save", "docker save -o f i", "f"),
            ("docker", "save", "docker save -of i", "f"),
            ("docker", "save", "docker save -qo f i", "f"),
            ("docker", "save", "docker save --output=f i", "f"),
            ("docker", "save", "docker save --output f i", "f"),
            ("docker", "save", "docker save i -- -o f", ""),
            ("docker", "save", "docker save -o - i", ""),
            ("docker", "ps", "docker ps -o f", ""),
            ("terraform", "plan", "terraform plan -out=f", "f"),
            ("terraform", "plan", "terraform plan --out f", "f"),
            ("gcloud", "kms encrypt", "gcloud kms encrypt --x-output-file=f", "f"),
            ("kubectl", "get", "kubectl get pods --cache-dir d", "/c/ d/"),
            ("git", "archive", "git archive -o f HEAD", "f"),
            ("git", "bundle create", "git -C . bundle create --all f", ". f"),
            ("git", "log", "git log --output=f", "f"),
            ("git", "archive", "git archive --outp=f HEAD", "f"),
            ("pg_dump", "", "pg_dump --fi f app", "f"),
            ("mysqldump", "", "mysqldump --result=f app", "f"),
            ("az", "vm list", "az vm list --output table", ""),
            ("az", "storage blob download", "az storage blob download --fil f", "f"),
            ("helm", "list", "helm list --output json", ""),
        ] {
            assert_eq!(found(tool, command, line), expected, "{line}");
        }
    }

    #[test]
    fn every_row_is_read_and_is_of_a_tool() {
        let lines = include_str!("options.tsv").lines().filter(|line| !line.starts_with('#'));
        for line in lines.clone() {
            assert_eq!(line.split('\t').count(), 4, "{line}");
            assert!(line.ends_with("\tfile") || line.ends_with("\tfolder"), "{line}");
        }
        assert!(lines.clone().is_sorted(), "sorted by bytes");
        for tool in ROWS.keys() {
            assert!(crate::TOOLS.iter().any(|known| known.name == *tool), "{tool}");
        }
    }
}
