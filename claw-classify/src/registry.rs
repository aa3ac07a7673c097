//! Every tool that claw reads and every domain of facts; calls read by them, and changed.
//!
//! The only file that knows all tools. [`Tools`] is what callers use: claw's own tools and those that a
//! policy declares.

use std::sync::LazyLock;

use claw_policy::{Action, Change, Domain, Facts, Grammar, Rewrite, Schema};

use crate::call::Call;
use crate::call::files::{Files, NoFiles};
use crate::clouds::{aws, infra, providers, terraform, vault};
use crate::code::{gh, git};
use crate::containers::{container, helm, kubectl};
use crate::databases::{clickhouse, client, mongo, mysql, pg_tools, psql, redis, sqlite3};
use crate::language::sql;
use crate::network::{curl, http, httpie, remote, wget};
use crate::system::program::Start;
use crate::system::{door, file, loader, package, process, program};
use crate::tool::{CannotRewrite, Changed, Context, Governed, Inside, Meant, Rewritten, Tool};
use crate::{code, exec};

/// Every governed tool.
pub static TOOLS: &[&Tool] = &[
    &psql::TOOL,
    &git::TOOL,
    &gh::TOOL,
    &code::glab::TOOL,
    &code::hg::TOOL,
    &code::svn::TOOL,
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
    &vault::TOOL,
    &providers::GCLOUD,
    &providers::GSUTIL,
    &providers::BQ,
    &providers::AZ,
    &providers::DOCTL,
    &providers::EKSCTL,
    &infra::KUSTOMIZE,
    &infra::ARGOCD,
    &infra::FLUX,
    &infra::PULUMI,
    &infra::ANSIBLE,
    &infra::ANSIBLE_PLAYBOOK,
    &infra::ANSIBLE_VAULT,
    &infra::ANSIBLE_INVENTORY,
    &infra::ANSIBLE_DOC,
    &infra::ANSIBLE_CONFIG,
    &infra::ANSIBLE_CONSOLE,
    &infra::ANSIBLE_PULL,
    &curl::TOOL,
    &wget::TOOL,
    &httpie::TOOL,
    &remote::NC,
    &remote::SOCAT,
    &remote::TELNET,
    &remote::OPENSSL,
    &remote::RSYNC,
    &remote::FETCHERS,
    &remote::SSH,
    &remote::SCP,
    &remote::SFTP,
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

/// Every domain of facts.
static DOMAINS: &[&Domain] = &[
    &exec::DOMAIN,
    &sql::DOMAIN,
    &psql::DOMAIN,
    &kubectl::DOMAIN,
    &http::DOMAIN,
    &remote::DOMAIN,
    &door::DOMAIN,
    &client::DOMAIN,
    &git::DOMAIN,
    &gh::DOMAIN,
    &code::DOMAIN,
    &aws::DOMAIN,
    &container::DOMAIN,
    &helm::DOMAIN,
    &terraform::DOMAIN,
    &providers::DOMAIN,
    &infra::DOMAIN,
    &file::DOMAIN,
    &process::DOMAIN,
    &package::DOMAIN,
    &program::DOMAIN,
];

/// Everything a policy may speak of.
#[must_use]
pub fn schema() -> Schema {
    static NAMES: LazyLock<Vec<&str>> =
        LazyLock::new(|| TOOLS.iter().map(|tool| tool.name).collect());
    static PROGRAMS: LazyLock<Vec<&str>> =
        LazyLock::new(|| TOOLS.iter().flat_map(|tool| tool.names).copied().collect());
    Schema { domains: DOMAINS, tools: &NAMES, programs: &PROGRAMS }
}

/// The tool that goes by `name`. One look-up in a table sorted by name, because every exec of every
/// program comes by here.
fn by_name(name: &[u8]) -> Option<&'static Tool> {
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

/// The word that, put first, keeps a tool from reading a start-up file that it would look for by itself:
/// such a file has no place in the call where another could be named.
#[must_use]
pub fn skips_startup_file(tool: &str, path: &[u8]) -> Option<&'static [u8]> {
    (tool == psql::TOOL.name && path.ends_with(b"/.psqlrc")).then_some(b"-X")
}

/// The tools a call can be of: claw's own, and those that a policy declares.
#[derive(Debug, Clone, Copy)]
pub struct Tools<'p> {
    declared: &'p [&'static Grammar],
}

impl Tools<'static> {
    /// claw's own tools alone.
    pub const BUILT_IN: Self = Self { declared: &[] };
}

impl<'p> Tools<'p> {
    /// claw's own tools, and `declared`, those of a policy.
    #[must_use]
    pub const fn with(declared: &'p [&'static Grammar]) -> Self {
        Self { declared }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Governed> + 'p {
        let declared = self.declared.iter().copied().map(Governed::Declared);
        TOOLS.iter().copied().map(Governed::Known).chain(declared)
    }

    /// The tool that policies and facts call `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Governed> {
        self.all().find(|tool| tool.name() == name)
    }

    /// The tool that these base names mean. Allocates nothing.
    #[must_use]
    pub fn meant(&self, names: &[&[u8]]) -> Meant {
        let governed = |name: &[u8]| {
            let of_policy = || self.declared.iter().copied().find(|grammar| grammar.goes_by(name));
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

    /// What a tool is given to read of `call`.
    pub(crate) fn context<'a>(&'a self, call: &'a Call<'a>, files: &'a dyn Files) -> Context<'a> {
        Context { call, files, tools: self }
    }

    /// The facts of a call, judged by the content of the files it names where `files` knows it. The
    /// first action is always of the domain `exec`.
    #[must_use]
    pub fn classify(&self, call: &Call<'_>, files: &dyn Files) -> Facts {
        let context = &self.context(call, files);
        match self.meant(call.names) {
            Meant::Nothing => {
                Facts { tool: None, disputed: None, actions: vec![exec::action(context, None)] }
            }
            Meant::Tool(tool) => {
                if let Governed::Known(python) = tool
                    && let Some((tool, rest)) = program::stands_for(context, python)
                {
                    return of_its_own(context, tool, rest);
                }
                let mut actions = vec![exec::action(context, Some(tool))];
                actions[0].set("trusted", !call.untrusted);
                actions.extend(tool.classify(context));
                Facts { tool: Some(tool.name()), disputed: None, actions }
            }
            Meant::Disputed(one, other) => {
                let mut actions = vec![exec::action(context, Some(one))];
                actions[0].set("trusted", !call.untrusted);
                for tool in [one, other] {
                    let reason = format!(
                        "the program goes by names of `{}` and of `{}`: which of the two runs is not known",
                        one.name(),
                        other.name()
                    );
                    let text = actions[0].text.clone();
                    let opaque = |domain| Action::opaque(domain, &*text, &*reason);
                    actions.extend(tool.domains().into_iter().map(opaque));
                }
                Facts { tool: Some(one.name()), disputed: Some(other.name()), actions }
            }
        }
    }

    /// The calls that `call` says will be made, as far as its words, and the content of its script or
    /// standard input, show them. Not for enforcement, which judges each call when it is made.
    #[must_use]
    pub fn starts(&self, call: &Call<'_>, files: &dyn Files) -> Vec<Start> {
        program::starts(&self.context(call, files))
    }

    /// Applies `rewrites`, which a decision on `facts` asked for, to the call that `facts` came from.
    /// `files` are those that the facts came from.
    ///
    /// Applying the same rewrites to the result changes nothing further.
    ///
    /// # Errors
    /// When a change cannot be made with certainty; the call must then be denied.
    pub fn rewrite(
        &self,
        call: &Call<'_>,
        files: &dyn Files,
        facts: &Facts,
        rewrites: &[Rewrite],
    ) -> Result<Rewritten, CannotRewrite> {
        let mut env: Vec<Vec<u8>> = call.env.iter().map(|entry| entry.to_vec()).collect();
        let (mut of_statements, mut of_the_start) = (Vec::new(), Vec::new());
        for rewrite in rewrites {
            match &rewrite.change {
                Change::SetEnv(name, value) => set(&mut env, name, value),
                Change::UnsetEnv(name) => unset(&mut env, name),
                Change::LimitRows(_) => of_statements.push(rewrite.clone()),
                Change::NoPsqlrc | Change::OnErrorStop | Change::ReadOnly => {
                    of_the_start.push(rewrite.clone());
                }
            }
        }
        let context = self.context(call, files);
        let Changed { argv, stdin, files: contents, .. } =
            by_the_tool(&context, facts, &of_statements)?;
        let words: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
        let variables: Vec<&[u8]> = env.iter().map(Vec::as_slice).collect();
        let so_far = Call { argv: &words, env: &variables, ..*call };
        let Changed { argv, set_env, .. } =
            by_the_tool(&context.of(&so_far), facts, &of_the_start)?;
        for (name, value) in set_env {
            set(&mut env, name, &value);
        }
        Ok(Rewritten { argv, env, stdin, files: contents })
    }
}

impl Inside for Tools<'_> {
    fn meant(&self, names: &[&[u8]]) -> Meant {
        Tools::meant(self, names)
    }

    fn classify(&self, call: &Call<'_>) -> Facts {
        Tools::classify(self, call, &NoFiles)
    }

    fn rewrite(
        &self,
        call: &Call<'_>,
        facts: &Facts,
        rewrites: &[Rewrite],
    ) -> Result<Rewritten, CannotRewrite> {
        Tools::rewrite(self, call, &NoFiles, facts, rewrites)
    }
}

/// The facts of a call whose interpreter runs `tool` itself, whose words begin at `rest`. The program that
/// runs is still the interpreter.
fn of_its_own(context: &Context<'_>, tool: &'static Tool, rest: usize) -> Facts {
    let call = context.call;
    let argv: Vec<&[u8]> =
        std::iter::once(tool.name.as_bytes()).chain(call.argv[rest..].iter().copied()).collect();
    let names = [tool.name.as_bytes()];
    let inner = Call { argv: &argv, names: &names, ..*call };
    let mut actions = vec![exec::action(context, Some(Governed::Known(tool)))];
    actions.extend((tool.classify)(&context.of(&inner)));
    Facts { tool: Some(tool.name), disputed: None, actions }
}

/// The call after changes that are all the tool's own.
fn by_the_tool(
    context: &Context<'_>,
    facts: &Facts,
    rewrites: &[Rewrite],
) -> Result<Changed, CannotRewrite> {
    if rewrites.is_empty() {
        return Ok(Changed::nothing(context.call));
    }
    match context.tools.meant(context.call.names) {
        Meant::Tool(Governed::Known(tool)) if facts.tool == Some(tool.name) => {
            (tool.rewrite)(context, rewrites)
        }
        Meant::Nothing | Meant::Tool(_) | Meant::Disputed(..) => {
            Err(CannotRewrite::first_of(rewrites, "no tool is known that can make this change"))
        }
    }
}

fn set(env: &mut Vec<Vec<u8>>, name: &str, value: &str) {
    unset(env, name);
    env.push(format!("{name}={value}").into_bytes());
}

fn unset(env: &mut Vec<Vec<u8>>, name: &str) {
    env.retain(|entry| {
        entry.strip_prefix(name.as_bytes()).is_none_or(|rest| !rest.starts_with(b"="))
    });
}

#[cfg(test)]
mod tests;
