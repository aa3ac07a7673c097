//! Every tool that claw reads and every domain of facts; calls are read and changed through them.
//!
//! This is the only file that knows all tools. Callers use [`Tools`]: claw's own tools and those
//! that a policy declares. [`reading`] is what they give of a call.

pub(crate) mod reading;
mod tools;

use std::sync::LazyLock;

use claw_policy::{Domain, Schema, ToolDef};

use crate::call::Call;
use crate::clouds::{aws, infra, providers, terraform, vault};
use crate::code::{gh, git};
use crate::containers::{container, helm, kubectl};
use crate::databases::{clickhouse, client, mongo, mysql, pg_tools, psql, redis, sqlite3};
use crate::language::sql;
use crate::network::{curl, http, httpie, remote, wget};
use crate::secret::marks::{Marks, Programs};
use crate::secret::{self, Secrets, Span};
use crate::system::{door, file, loader, package, process, program};
use crate::tool::Tool;
use crate::unread;
use crate::{code, exec};
pub use tools::Tools;

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
    &unread::DATABASES,
    &unread::CLUSTERS,
    &unread::CONTAINERS,
    &unread::CLOUDS,
    &unread::DEPLOYMENT,
    &unread::SECRETS,
    &unread::QUEUES,
    &unread::STORAGE,
    &unread::MIGRATIONS,
    &unread::REMOTE,
    &unread::CODE,
    &unread::PACKAGES,
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
    &unread::DOMAIN,
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

/// The names that a tool's program files have; a `*` stands for anything.
#[must_use]
pub fn programs(tool: &Tool) -> Vec<&'static str> {
    if unread::is_one(tool) { unread::names(tool) } else { tool.names.to_vec() }
}

#[cfg(test)]
mod tests;
