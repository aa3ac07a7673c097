//! Every tool that claw reads and every domain of facts; calls are read and changed through them.
//!
//! This is the only file that knows all tools. Callers use [`Tools`]: claw's own tools and those
//! that a policy declares.

use std::sync::{Arc, LazyLock};

use claw_policy::{Action, Change, Domain, Facts, Grammar, Rewrite, Schema, ToolDef};

use crate::call::Call;
use crate::call::files::{Files, NoFiles};
use crate::clouds::{aws, infra, providers, terraform, vault};
use crate::code::{gh, git};
use crate::containers::{container, helm, kubectl};
use crate::databases::{clickhouse, client, mongo, mysql, pg_tools, psql, redis, sqlite3};
use crate::language::sql;
use crate::network::{curl, http, httpie, remote, wget};
use crate::secret::marks::{Marks, Programs};
use crate::secret::{self, Secrets, Span};
use crate::system::{door, file, loader, package, process, program};
use crate::tool::{
    CannotRewrite, Changed, Context, Governed, Inside, Meant, Rewritten, Start, Tool,
};
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

/// What is marked as a secret in the words of the tools.
static SECRETS: &[&[Marks]] = &[
    psql::SECRETS,
    pg_tools::SECRETS,
    mysql::SECRETS,
    mongo::SECRETS,
    redis::SECRETS,
    curl::SECRETS,
    httpie::SECRETS,
    aws::SECRETS,
    providers::SECRETS,
    vault::SECRETS,
    infra::SECRETS,
    container::SECRETS,
    kubectl::SECRETS,
    helm::SECRETS,
    gh::SECRETS,
    code::glab::SECRETS,
    file::SECRETS,
    package::SECRETS,
];

fn marked() -> &'static Programs {
    static PROGRAMS: LazyLock<Programs> = LazyLock::new(|| Programs::with(SECRETS));
    &PROGRAMS
}

/// The secrets of a call, for whoever shows it or writes it down.
#[must_use]
pub fn secrets(call: &Call<'_>) -> Secrets {
    secret::of_call(marked(), call)
}

/// Where secrets stand in a text of which nothing else is known.
#[must_use]
pub fn in_text(text: &[u8]) -> Vec<Span> {
    secret::in_text(marked(), text)
}

/// Where secrets stand in the value of the variable `name`: all of it, where the name says so.
#[must_use]
pub fn in_variable(name: &[u8], value: &[u8]) -> Vec<Span> {
    secret::in_variable(marked(), name, value)
}

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
    static ROWS: LazyLock<Vec<ToolDef>> = LazyLock::new(|| {
        let row = |tool: &&Tool| ToolDef {
            name: tool.name,
            programs: tool.names,
            groups: tool.can.family.groups(),
            governed: tool.domains.iter().any(|domain| domain.governed),
            changes: tool.can.changes,
        };
        TOOLS.iter().map(row).collect()
    });
    Schema { domains: DOMAINS, tools: &ROWS }
}

/// The tool that goes by `name`. One look-up in a table sorted by name, because every exec of every
/// program comes through here.
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

/// The tools a call can be of: claw's own, and those that a policy declares.
#[derive(Debug, Clone, Copy)]
pub struct Tools<'p> {
    declared: &'p [Arc<Grammar>],
}

impl Tools<'static> {
    /// claw's own tools alone.
    pub const BUILT_IN: Self = Self { declared: &[] };
}

impl<'p> Tools<'p> {
    /// claw's own tools, and `declared`, those of a policy.
    #[must_use]
    pub const fn with(declared: &'p [Arc<Grammar>]) -> Self {
        Self { declared }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Governed<'p>> + 'p {
        let declared = self.declared.iter().map(|grammar| Governed::Declared(grammar));
        TOOLS.iter().copied().map(Governed::Known).chain(declared)
    }

    /// The tool that policies and facts call `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Governed<'p>> {
        self.all().find(|tool| tool.name() == name)
    }

    /// The tool that these base names mean. Allocates nothing.
    #[must_use]
    pub fn meant(&self, names: &[&[u8]]) -> Meant<'p> {
        let governed = |name: &[u8]| {
            let of_policy = || self.declared.iter().find(|grammar| grammar.goes_by(name));
            let of_policy = || of_policy().map(|grammar| Governed::Declared(grammar));
            by_name(name).map(Governed::Known).or_else(of_policy)
        };
        let mut found: Option<Governed<'p>> = None;
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
                    return run_by_interpreter(context, tool, rest);
                }
                let mut actions = vec![exec::action(context, Some(tool))];
                actions[0].set("trusted", !call.untrusted);
                actions.extend(tool.classify(context));
                Facts { tool: Some(tool.to_name()), disputed: None, actions }
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
                Facts { tool: Some(one.to_name()), disputed: Some(other.to_name()), actions }
            }
        }
    }

    /// The calls that `call` says will be made, as far as its words, and the content of its script
    /// or standard input, show them. Not for enforcement, which judges each call when it is made.
    #[must_use]
    pub fn starts(&self, call: &Call<'_>, files: &dyn Files) -> Vec<Start> {
        let Meant::Tool(Governed::Known(tool)) = self.meant(call.names) else {
            return Vec::new();
        };
        tool.can.starts.unwrap_or(program::start::behind_its_own_words)(&self.context(call, files))
    }

    /// Applies `rewrites`, which a decision on `facts` asked for, to the call that `facts` came
    /// from. `files` are those that the facts came from.
    ///
    /// Applying the same rewrites to the result changes nothing further.
    ///
    /// # Errors
    /// If a change cannot be made with certainty; the call must then be denied.
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
                Change::Switch(def) | Change::Limit(def, _) if def.of_call => {
                    of_the_start.push(rewrite.clone());
                }
                Change::Switch(_) | Change::Limit(..) => of_statements.push(rewrite.clone()),
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
    fn meant(&self, names: &[&[u8]]) -> Meant<'_> {
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

/// The facts of a call whose interpreter runs `tool` itself, with the tool's words from `rest` on.
/// The program that runs is still the interpreter.
fn run_by_interpreter(context: &Context<'_>, tool: &'static Tool, rest: usize) -> Facts {
    let call = context.call;
    let argv: Vec<&[u8]> =
        std::iter::once(tool.name.as_bytes()).chain(call.argv[rest..].iter().copied()).collect();
    let names = [tool.name.as_bytes()];
    let inner = Call { argv: &argv, names: &names, ..*call };
    let mut actions = vec![exec::action(context, Some(Governed::Known(tool)))];
    actions.extend((tool.classify)(&context.of(&inner)));
    Facts { tool: Some(tool.name.into()), disputed: None, actions }
}

/// The call after the tool's own changes.
fn by_the_tool(
    context: &Context<'_>,
    facts: &Facts,
    rewrites: &[Rewrite],
) -> Result<Changed, CannotRewrite> {
    if rewrites.is_empty() {
        return Ok(Changed::nothing(context.call));
    }
    match context.tools.meant(context.call.names) {
        Meant::Tool(Governed::Known(tool)) if facts.tool.as_deref() == Some(tool.name) => {
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
