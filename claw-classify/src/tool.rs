//! The governed tools, one row each, and how names lead to them.

use std::sync::LazyLock;

use claw_policy::{Action, Domain, Grammar, Rewrite};

use crate::call::Call;
use crate::files::Files;
use crate::subcommands::rewrites_nothing;
use crate::{
    aws, clickhouse, client, cloud, code, container, curl, declared, door, file, gh, git, helm,
    httpie, infra, kubectl, loader, mongo, mysql, net, package, pg_tools, process, program, psql,
    redis, sqlite3, terraform, wget,
};

/// How a tool reports an error, so that a denial reads like the tool's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// What the tool writes before the message.
    pub prefix: &'static str,
    /// The exit status of the tool for an error of this kind.
    pub status: u8,
}

/// A tool that claw reads.
#[derive(Debug)]
pub struct Tool {
    /// The name policies use.
    pub name: &'static str,
    /// Every base name the tool's program file goes by.
    pub names: &'static [&'static str],
    /// What is read of it and what is not, for the documentation.
    pub doc: &'static str,
    /// How it reports an error.
    pub denial: Denial,
    /// The domains of its actions, the one that speaks for the tool first.
    pub domains: &'static [&'static Domain],
    /// Variables that load code into the interpreter the tool is written in.
    pub(crate) interpreter: &'static [&'static str],
    /// What a call would do, without the call-level action.
    pub(crate) classify: Classifier,
    /// The call after changes that are all the tool's own.
    pub(crate) rewrite: Rewriter,
}

impl Tool {
    /// A tool that no variables make load code, whose calls are judged and never changed, and which says no with
    /// status 1.
    pub(crate) const fn judged(
        names: &'static [&'static str],
        prefix: &'static str,
        doc: &'static str,
        domains: &'static [&'static Domain],
        classify: Classifier,
    ) -> Self {
        Self {
            name: names[0],
            names,
            doc,
            denial: Denial { prefix, status: 1 },
            domains,
            interpreter: &[],
            classify,
            rewrite: rewrites_nothing,
        }
    }
}

/// Gives the call after the changes; actions are counted as in the facts of the call. Changes of statements come by
/// themselves, and so do those of the call as a whole, to the call that the former gave.
pub(crate) type Rewriter = fn(&Call<'_>, &dyn Files, &[Rewrite]) -> Result<Changed, CannotRewrite>;

/// What a tool's own changes give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The argument vector.
    pub(crate) argv: Vec<Vec<u8>>,
    /// Variables that get another value, name and value.
    pub(crate) set_env: Vec<(&'static str, String)>,
    /// What standard input must hold, where it is not as it was.
    pub(crate) stdin: Option<Vec<u8>>,
    /// Files that must hold something else, path and content.
    pub(crate) files: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Changed {
    /// The call as it is.
    pub(crate) fn nothing(call: &Call<'_>) -> Self {
        Self { argv: call.argv.iter().map(|arg| arg.to_vec()).collect(), ..Self::default() }
    }
}

/// Gives the actions of a call but for the call-level one.
pub(crate) type Classifier = fn(&Call<'_>, &dyn Files) -> Vec<Action>;

/// A change that a policy asks for and that cannot be made to this call. The call must not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot apply rule `{rule}`: {reason}")]
pub struct CannotRewrite {
    /// The rule that asked for the change.
    pub rule: String,
    /// What stands against it.
    pub reason: String,
}

/// Every governed tool.
pub static TOOLS: &[&Tool] = &[
    &psql::TOOL,
    &git::TOOL,
    &gh::TOOL,
    &code::GLAB,
    &code::HG,
    &code::SVN,
    &kubectl::TOOL,
    &pg_tools::CLUSTERDB,
    &pg_tools::CREATEDB,
    &pg_tools::CREATEUSER,
    &pg_tools::DROPDB,
    &pg_tools::DROPUSER,
    &pg_tools::REINDEXDB,
    &pg_tools::VACUUMDB,
    &pg_tools::PG_BASEBACKUP,
    &pg_tools::PG_DUMP,
    &pg_tools::PG_DUMPALL,
    &pg_tools::PG_ISREADY,
    &pg_tools::PG_RESTORE,
    &pg_tools::PGBENCH,
    &aws::TOOL,
    &container::DOCKER,
    &container::DOCKER_COMPOSE,
    &container::PODMAN,
    &container::NERDCTL,
    &container::CRICTL,
    &container::CTR,
    &helm::TOOL,
    &terraform::TOOL,
    &cloud::GCLOUD,
    &cloud::GSUTIL,
    &cloud::BQ,
    &cloud::AZ,
    &cloud::DOCTL,
    &cloud::EKSCTL,
    &infra::KUSTOMIZE,
    &infra::ARGOCD,
    &infra::FLUX,
    &infra::PULUMI,
    &infra::ANSIBLE,
    &infra::PLAYBOOK,
    &infra::VAULT,
    &infra::INVENTORY,
    &infra::DOC,
    &infra::CONFIG,
    &infra::CONSOLE,
    &infra::PULL,
    &curl::TOOL,
    &wget::TOOL,
    &httpie::TOOL,
    &net::NC,
    &net::SOCAT,
    &net::TELNET,
    &net::OPENSSL,
    &net::RSYNC,
    &net::FETCHERS,
    &net::SSH,
    &net::SCP,
    &net::SFTP,
    &door::SUDO,
    &door::SU,
    &door::DOAS,
    &door::PKEXEC,
    &door::SYSTEMD_RUN,
    &door::SERVICE,
    &door::SHUTDOWN,
    &door::SYSTEMCTL,
    &door::BUSCTL,
    &door::MACHINECTL,
    &door::LOGINCTL,
    &door::NSPAWN,
    &door::DBUS_SEND,
    &door::GDBUS,
    &door::AT,
    &door::CRONTAB,
    &door::TMUX,
    &door::SCREEN,
    &door::EMACSCLIENT,
    &door::XDOTOOL,
    &door::NSENTER,
    &door::UNSHARE,
    &door::CHROOT,
    &door::GDB,
    &door::STRACE,
    &loader::TOOL,
    &mysql::TOOL,
    &mysql::ADMIN,
    &mysql::SHOW,
    &mysql::DUMP,
    &mysql::CHANGE,
    &sqlite3::TOOL,
    &redis::TOOL,
    &clickhouse::TOOL,
    &mongo::TOOL,
    &mongo::EXPORT,
    &mongo::IMPORT,
    &mongo::WATCH,
    &client::UNREAD,
    &file::RM,
    &file::MV,
    &file::CP,
    &file::TEE,
    &file::TRUNCATE,
    &file::SHRED,
    &file::DD,
    &file::MKFS,
    &file::WIPEFS,
    &file::FDISK,
    &file::CHMOD,
    &file::CHOWN,
    &file::FIND,
    &file::TAR,
    &file::ZIP,
    &file::UNZIP,
    &process::KILL,
    &process::PKILL,
    &process::KILLALL,
    &package::NPM,
    &package::NPX,
    &package::YARN,
    &package::PNPM,
    &package::PNPX,
    &package::PIP,
    &package::UV,
    &package::UVX,
    &package::PIPX,
    &package::POETRY,
    &package::CARGO,
    &package::GEM,
    &package::BUNDLE,
    &package::APT,
    &package::DPKG,
    &package::GO,
    &package::COMPOSER,
    &package::GALAXY,
    &package::KREW,
    &program::SH,
    &program::PYTHON,
    &program::PERL,
    &program::RUBY,
    &program::NODE,
    &program::PHP,
    &program::LUA,
    &program::AWK,
    &program::DENO,
    &program::JQ,
    &program::ENV,
];

/// The names of [`TOOLS`], for policies.
pub(crate) fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> =
        LazyLock::new(|| TOOLS.iter().map(|tool| tool.name).collect());
    &NAMES
}

/// The names of all program files of [`TOOLS`].
pub(crate) fn programs() -> &'static [&'static str] {
    static PROGRAMS: LazyLock<Vec<&str>> =
        LazyLock::new(|| TOOLS.iter().flat_map(|tool| tool.names).copied().collect());
    &PROGRAMS
}

/// The tool that goes by `name`. One look-up in a table sorted by name, because every exec of every
/// program comes by here.
pub(crate) fn by_name(name: &[u8]) -> Option<&'static Tool> {
    static SORTED: LazyLock<Vec<(&[u8], &Tool)>> = LazyLock::new(|| {
        let named =
            |tool: &'static Tool| tool.names.iter().map(move |name| (name.as_bytes(), tool));
        let mut rows: Vec<_> = TOOLS.iter().copied().flat_map(named).collect();
        rows.sort_unstable_by_key(|(name, _)| *name);
        rows
    });
    let at = SORTED.binary_search_by_key(&name, |(known, _)| known).ok()?;
    Some(SORTED[at].1)
}

/// A governed tool, by whoever reads it.
#[derive(Debug, Clone, Copy)]
pub enum Governed {
    /// One of [`TOOLS`].
    Known(&'static Tool),
    /// One that the policy declares.
    Declared(&'static Grammar),
}

impl Governed {
    /// The name policies use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Known(tool) => tool.name,
            Self::Declared(grammar) => grammar.name,
        }
    }

    /// Whether its program file may be called `name`.
    #[must_use]
    pub fn goes_by(self, name: &[u8]) -> bool {
        match self {
            Self::Known(tool) => tool.names.iter().any(|known| known.as_bytes() == name),
            Self::Declared(grammar) => grammar.goes_by(name),
        }
    }

    /// The domains of its actions.
    #[must_use]
    pub fn domains(self) -> Vec<&'static Domain> {
        match self {
            Self::Known(tool) => tool.domains.to_vec(),
            Self::Declared(grammar) => vec![grammar.domain],
        }
    }

    /// What a call of it would do, without the call-level action.
    pub(crate) fn classify(self, call: &Call<'_>, files: &dyn Files) -> Vec<Action> {
        match self {
            Self::Known(tool) => (tool.classify)(call, files),
            Self::Declared(grammar) => vec![declared::classify(call, grammar)],
        }
    }

    /// Variables that load code into the interpreter it is written in.
    pub(crate) fn interpreter(self) -> &'static [&'static str] {
        match self {
            Self::Known(tool) => tool.interpreter,
            Self::Declared(grammar) => &grammar.loads_env,
        }
    }
}

/// What a set of names means.
#[derive(Debug, Clone, Copy)]
pub enum Meant {
    /// A program that is not governed.
    Nothing,
    /// This tool.
    Tool(Governed),
    /// Two different tools: no reading of the arguments is safe.
    Disputed(Governed, Governed),
}

/// The tool that these base names mean, of [`TOOLS`] and of those a policy declares. Allocates nothing.
#[must_use]
pub fn tool(names: &[&[u8]], declared: &[&'static Grammar]) -> Meant {
    let governed = |name: &[u8]| {
        let of_policy = || declared.iter().copied().find(|grammar| grammar.goes_by(name));
        by_name(name).map(Governed::Known).or_else(|| of_policy().map(Governed::Declared))
    };
    let mut found: Option<Governed> = None;
    for name in names {
        let Some(tool) = governed(name) else { continue };
        match found {
            Some(first) if first.name() != tool.name() => return Meant::Disputed(first, tool),
            _ => found = Some(tool),
        }
    }
    found.map_or(Meant::Nothing, Meant::Tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_tools() {
        let meant = |names: &[&[u8]]| tool(names, &[]);
        assert!(matches!(meant(&[b"ls"]), Meant::Nothing));
        assert!(matches!(meant(&[]), Meant::Nothing));
        let names: &[&[u8]] = &[b"pg", b"psql", b"pg_wrapper"];
        assert!(matches!(meant(names), Meant::Tool(tool) if tool.name() == "psql"));
        assert!(matches!(meant(&[b"psql", b"kubectl"]), Meant::Disputed(..)));
    }

    #[test]
    fn every_tool_goes_by_its_name_and_no_two_share_one() {
        let mut seen = std::collections::BTreeSet::new();
        for tool in TOOLS {
            assert!(tool.names.contains(&tool.name), "{}", tool.name);
            for name in tool.names {
                assert!(seen.insert(*name), "`{name}` means two tools");
            }
        }
    }
}
