//! What every table must keep to, and how lines are read.

use super::*;

impl Table {
    /// Holds its rows to their order and to `effects`, and its options to one meaning each.
    pub(crate) fn check(&self, name: &str, effects: &[&str]) {
        let rows: Vec<Vec<&str>> = self
            .commands
            .0
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split('\t').collect())
            .collect();
        assert!(rows.is_sorted_by(|one, other| one[0].as_bytes() < other[0].as_bytes()), "{name}");
        for row in &rows {
            assert!(effects.contains(&row[1]), "{name}: {row:?}");
            if let Some(path) = row.get(2) {
                assert!(rows.iter().any(|row| row[0] == *path), "{name}: {row:?}");
            }
        }
        for options in self.of.iter().map(|(_, options)| options).chain([&self.options]) {
            for list in [options.switches, options.values] {
                let names = || list.split_ascii_whitespace().flat_map(|names| names.split(','));
                let twice = |name: &&str| names().filter(|other| other == name).count() > 1;
                let twice: Vec<&str> = names().filter(twice).collect();
                assert!(twice.is_empty(), "{name}: {twice:?}");
            }
        }
        for (of, _) in self.of {
            assert!(of.is_empty() || self.has_command(of), "{name}: {of}");
        }
        for of in self.stops.iter().chain(self.hands_on) {
            assert!(self.has_command(of), "{name}: {of}");
        }
    }

    /// Whether an entry means some command.
    pub(crate) fn has_command(&self, of: &str) -> bool {
        self.commands.look_up(of.trim_end()).is_known()
    }

    /// Whether some option is called `first`.
    pub(crate) fn has_option(&self, first: &str) -> bool {
        let first = |list: &'static str| {
            list.split_ascii_whitespace()
                .filter_map(|names| names.split(',').next())
                .any(|name| name.trim_start_matches('-') == first)
        };
        let mut all = self.of.iter().map(|(_, options)| options).chain([&self.options]);
        all.any(|options| first(options.switches) || first(options.values))
            || self.prefixes.iter().any(|(prefix, _)| first(prefix))
    }
}

static STRICT: Table = Table {
    commands: Commands(
        "add\tinstall\nconfig set\tconfig\ni\tinstall\tinstall\ninstall\tinstall\nrun\trun\ntest\trun\n",
    ),
    prefixes: &[("global", 0), ("workspace", 1)],
    stops: &["run"],
    hands_on: &["test"],
    options: Options { switches: "--help,-h --quiet,-q --yes,-y", values: "--file,-f --registry" },
    of: &[("add", Options { switches: "-f", values: "" })],
    ..PLAIN
};

static LENIENT: Table = Table { spelling: Spelling::Lenient, short_commands: true, ..STRICT };
static SINGLE: Table = Table {
    commands: Commands("build\tbuild\n"),
    options: Options { switches: "-v -race", values: "-o" },
    spelling: Spelling::Single,
    ..PLAIN
};
static RUNS: Table =
    Table { other: Other::Runs, version_mark: Some(b'+'), bare: "install", ..STRICT };

fn shown(table: &'static Table, words: &str) -> String {
    let argv: Vec<&[u8]> =
        std::iter::once("x").chain(words.split_whitespace()).map(str::as_bytes).collect();
    let line = match Line::read(&argv, table) {
        Ok(line) => line,
        Err(_) => return "error".to_owned(),
    };
    let options = line.given.iter().map(|(name, value)| {
        let value = value.map(|value| format!("={}", text(value)));
        format!(" {name}{}", value.unwrap_or_default())
    });
    let operands = line.operands.iter().map(|word| format!(" [{}]", text(word)));
    let unknown = line.unknown.as_ref().map_or("", |_| " ?");
    format!(
        "{} {}{}{}{unknown}",
        line.command,
        line.effect,
        options.collect::<String>(),
        operands.collect::<String>()
    )
}

#[test]
fn the_last_of_a_switch_counts() {
    for (words, expected) in [
        ("i", false),
        ("i --quiet", true),
        ("i --quiet --quiet=false", false),
        ("i --no-quiet -q", true),
    ] {
        let argv: Vec<&[u8]> =
            std::iter::once("x").chain(words.split(' ')).map(str::as_bytes).collect();
        assert_eq!(Line::read(&argv, &STRICT).unwrap().has("quiet"), expected, "{words}");
    }
}

#[test]
fn lines_are_read() {
    for (table, words, expected) in [
        (&STRICT, "i a b", "install install [a] [b]"),
        (&STRICT, "-q install -f x a", "install install quiet file=x [a]"),
        (&STRICT, "install -qyf x a", "install install quiet yes file=x [a]"),
        (&STRICT, "install -qyfx a", "install install quiet yes file=x [a]"),
        (&STRICT, "add -f x", "add install f [x]"),
        (&STRICT, "install --file=x -- -q", "install install file=x [-q]"),
        (&STRICT, "install --quiet=false a", "install install no-quiet [a]"),
        (&STRICT, "install --no-quiet a", "install install no-quiet [a]"),
        (&STRICT, "install --quiet --no-quiet a", "install install quiet no-quiet [a]"),
        (&RUNS, "+x add a", "add install [a]"),
        (&RUNS, "add +x", "add install [+x]"),
        (&STRICT, "install --frob a", "install install frob [a] ?"),
        (&STRICT, "install --frob --help", "install install frob help ?"),
        (&STRICT, "install --help", "install local help"),
        (&STRICT, "install --reg x", "install install reg [x] ?"),
        (&STRICT, "--frob install", "error"),
        (&STRICT, "install -f", "error"),
        (&STRICT, "frob", "error"),
        (&STRICT, "config", "config local"),
        (&STRICT, "config frob", "error"),
        (&STRICT, "config set a b", "config set config [a] [b]"),
        (&STRICT, "config -q set a", "config set config quiet [a]"),
        (&STRICT, "run a --frob -f", "run run [a] [--frob] [-f]"),
        (&STRICT, "-q test --frob a", "test run quiet [--frob] [a]"),
        (&STRICT, "workspace w add a", "add install workspace [a]"),
        (&STRICT, "", " local"),
        (&LENIENT, "inst a", "install install [a]"),
        (&LENIENT, "install --reg x a", "install install registry=x [a]"),
        (&LENIENT, "install --frob a", "install install frob [a]"),
        (&LENIENT, "install --yes false a", "install install no-yes [a]"),
        (&SINGLE, "build --race -o=x ./...", "build build race o=x [./...]"),
        (&SINGLE, "build -vo x", "build build vo [x] ?"),
        (&RUNS, "", "install install"),
        (&RUNS, "frob --frob -q", "frob run [frob]"),
    ] {
        assert_eq!(shown(table, words), expected, "{words}");
    }
}
