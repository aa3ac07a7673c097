//! Clients of production that claw knows by name alone: what they would do is opaque.
//!
//! Input: the names of a program, and its call. Output: one action of the domain `unread`. The table is
//! `unread/clients.tsv`: a family, the names, the tools that may start the program as their helper, the words that make
//! it such a client where a harmless program has the same name or the program does everyday work too, and what it is.
//! A name that begins or ends with `*` stands for all that end or begin so. Rows of the family `none` are programs that
//! a pattern or a package would take for a client, and that are none.
//!
//! The table was written by hand, from knowledge of these projects; it is long and not complete. Names that mean two
//! programs are governed where the other one is rare on a developer's machine; the table's last column says so.
//!
//! Known gaps: a client that is not in the table, and one that was renamed and is not installed where claw looks, are
//! unknown programs. What such programs may reach is decided where they connect.

pub(crate) mod launch;
pub(crate) mod version;

use std::sync::LazyLock;

use claw_policy::{Action, domain};

use crate::call::{Call, text};
use crate::grammar::subcommands::said;
use crate::loaders::Loads;
use crate::tool::{Abilities, Context, Denial, Family, Reader, Tool};

domain! {
    /// A call of a client of production that claw knows by name and does not read.
    pub(crate) static DOMAIN: Unread = "unread", governed: true, sealed: true;

    /// The name by which the program is known, without a version. Absent where the file is known by its package or its
    /// content alone.
    PROGRAM: String = "program";
    /// `inform` is a request for help or the version, and nothing else; `helper` a helper of a tool that this very tool
    /// started; any other call is opaque, which a rule that denies `act` covers.
    EFFECT: String = "effect" of &["act", "helper", "inform"];
}

macro_rules! rows {
    ($($id:ident $family:ident $name:literal $doc:literal;)*) => {
        $(
            /// The row of one family in the registry.
            pub(crate) static $id: Tool = Tool {
                name: $name,
                names: &[$name],
                doc: $doc,
                denial: Denial { prefix: "error: ", status: 1 },
                can: Abilities::of(Family::$family),
                domains: &[&DOMAIN],
                loads: Loads::NOTHING,
                reader: Reader::Judge(classify),
            };
        )*
        /// Every family's row.
        static FAMILIES: &[&Tool] = &[$(&$id),*];
    };
}

rows! {
    DATABASES Databases "unread-databases" "Clients of databases and directories, and tools that replicate, copy and restore them.";
    CLUSTERS Clusters "unread-clusters" "Clients, plugins and distributions of Kubernetes and of what runs in it.";
    CONTAINERS Containers "unread-containers" "Registries, runtimes and virtual machines.";
    CLOUDS Clouds "unread-clouds" "Clients of clouds, of platforms and of hosted services.";
    DEPLOYMENT Deployment "unread-deployment" "Infrastructure as code, configuration of machines, deployment and pipelines.";
    SECRETS Secrets "unread-secrets" "Stores of secrets.";
    QUEUES Queues "unread-queues" "Brokers, queues and mail.";
    STORAGE Storage "unread-storage" "Objects and files elsewhere, and backups.";
    MIGRATIONS Migrations "unread-migrations" "Migrations of schemas, and what frameworks do to their database.";
    REMOTE Remote "unread-remote" "Shells and files on other hosts, tunnels and shared terminals.";
    CODE Code "unread-code" "Version control, and the helpers of git, which only a git that was judged may start.";
    PACKAGES Packages "unread-packages" "Publishers of packages.";
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// The tool that stands for the family; none for a program that is no client.
    tool: Option<&'static Tool>,
    names: Vec<&'static str>,
    /// The tools that start it as their helper.
    helps: Vec<&'static str>,
    /// The words that make it a client; none if every call does.
    words: Vec<&'static str>,
}

/// The table, and its names in order.
struct Table {
    rows: Vec<Row>,
    /// Whole names, sorted, with the number of their row.
    names: Vec<(&'static [u8], usize)>,
    /// Names with a `*`, the longest first.
    patterns: Vec<(&'static str, usize)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let words = |column: &'static str| column.split(' ').filter(|word| *word != "-").collect();
    let mut rows = Vec::new();
    for line in include_str!("unread/clients.tsv").lines() {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or("-");
        let (family, names, helps, of_clients) = (next(), next(), next(), next());
        let stands = |tool: &&&Tool| tool.can.family.groups() == [family];
        rows.push(Row {
            tool: FAMILIES.iter().find(stands).copied(),
            names: words(names),
            helps: words(helps),
            words: words(of_clients),
        });
    }
    let all =
        rows.iter().enumerate().flat_map(|(at, row)| row.names.iter().map(move |name| (*name, at)));
    let (mut patterns, whole): (Vec<_>, Vec<_>) = all.partition(|(name, _)| name.contains('*'));
    patterns.sort_unstable_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut names: Vec<_> = whole.into_iter().map(|(name, at)| (name.as_bytes(), at)).collect();
    names.sort_unstable();
    Table { rows, names, patterns }
});

/// The row that has this whole name.
pub(crate) fn exactly(name: &[u8]) -> Option<&'static Row> {
    let at = TABLE.names.binary_search_by_key(&name, |(known, _)| known).ok()?;
    Some(&TABLE.rows[TABLE.names[at].1])
}

/// The row with the longest pattern that covers this name.
pub(crate) fn by_pattern(name: &[u8]) -> Option<&'static Row> {
    let covers = |(pattern, _): &&(&str, usize)| covers(pattern, name);
    TABLE.patterns.iter().find(covers).map(|(_, at)| &TABLE.rows[*at])
}

/// Whether `name` is what `pattern` stands for; more than nothing stands in for the `*`.
fn covers(pattern: &str, name: &[u8]) -> bool {
    if name.len() < pattern.len() {
        return false;
    }
    match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(begins), _) => name.starts_with(begins.as_bytes()),
        (None, Some(ends)) => name.ends_with(ends.as_bytes()),
        (None, None) => name == pattern.as_bytes(),
    }
}

fn row(name: &[u8]) -> Option<&'static Row> {
    exactly(name).or_else(|| by_pattern(name))
}

impl Row {
    /// The tool that stands for its family; none for a program that is no client.
    pub(crate) fn tool(&self) -> Option<&'static Tool> {
        self.tool
    }

    /// The tools that start it as their helper.
    pub(crate) fn helps(&self) -> &[&'static str] {
        &self.helps
    }
}

/// Whether `tool` stands for clients that are not read.
pub(crate) fn is_one(tool: &Tool) -> bool {
    FAMILIES.iter().any(|known| std::ptr::eq(*known, tool))
}

/// The names that `tool` stands for, patterns among them.
pub(crate) fn names(tool: &Tool) -> Vec<&'static str> {
    let of_it = |row: &&Row| row.tool.is_some_and(|known| std::ptr::eq(known, tool));
    TABLE.rows.iter().filter(of_it).flat_map(|row| row.names.iter().copied()).collect()
}

/// Whether a call of one of `tool`'s names is everyday work: its words are not those of the client.
pub(crate) fn is_namesake(tool: &Tool, call: &Call<'_>) -> bool {
    if !is_one(tool) {
        return false;
    }
    let mut rows = call.names.iter().filter_map(|name| row(name)).peekable();
    let everyday = |row: &Row| !row.words.is_empty() && !reaches(row, call);
    rows.peek().is_some() && rows.all(everyday)
}

/// Whether a word of the call is one of the client's.
fn reaches(row: &Row, call: &Call<'_>) -> bool {
    call.argv.iter().skip(1).any(|word| {
        let word = word.to_ascii_lowercase();
        row.words.iter().any(|known| covers(known, &word))
    })
}

/// The call's action.
fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let mut action = Action::new(&DOMAIN, said(call.argv));
    let known = call.names.iter().find_map(|name| Some((name, row(name)?)));
    if let Some((name, _)) = known {
        action.set(Unread::PROGRAM, text(name).into_owned());
    }
    let helps =
        known.is_some_and(|(_, row)| call.caller.is_some_and(|caller| row.helps.contains(&caller)));
    let family = known.and_then(|(_, row)| row.tool).map(|tool| tool.can.family);
    if helps {
        action.set(Unread::EFFECT, "helper");
    } else if asks_for_help(call, family) {
        action.set(Unread::EFFECT, "inform");
    } else {
        action.set_opaque(Unread::EFFECT, "claw does not read this client's command line");
    }
    vec![action]
}

/// Whether all that the call asks for is help or the version. A bare word is a request only where such programs have
/// commands: a client of a database, of mail or of a host takes it for the name of one.
fn asks_for_help(call: &Call<'_>, family: Option<Family>) -> bool {
    let [_, word] = call.argv else { return false };
    let with_commands = || {
        matches!(
            family,
            Some(
                Family::Clusters
                    | Family::Containers
                    | Family::Clouds
                    | Family::Deployment
                    | Family::Secrets
                    | Family::Storage
            )
        )
    };
    match *word {
        b"--help" | b"--version" => true,
        b"help" | b"version" => with_commands(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
