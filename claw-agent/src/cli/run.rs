//! `claw run`: guards a command and everything it starts.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::FAILED;
use super::log::default_folder;
use crate::decode::real_folder;
use crate::judge::policy_file;
use crate::record::Level;
use crate::session::{self, Options, User};

/// The size at which a part of the audit is closed, in MiB.
const PART_MIB: u64 = 64;

/// Run a command under guard
///
/// Every program that the command and its descendants start is held until the policy has judged it.
/// The command keeps its terminal, its working directory and its exit status (128 + n when signal n
/// ended it). Exit status 2: nothing was started, and why is on stderr.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// The policy; the machine's own at /etc/claw/policy.toml if not given, and without one the shipped starter policy
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Hold and deny nothing; record what the verdicts would have been
    #[arg(long)]
    observe: bool,

    /// Start nothing where this level of assurance is unavailable
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level::Observed, hide_default_value = true)]
    require: Level,

    /// A label that every record of this session carries
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,

    /// Run the command as this user, and leave claw to root: it cannot change the policy then, nor
    /// read or change the audit, nor signal claw. Needs root
    #[arg(long, value_name = "NAME|UID[:GID]")]
    user: Option<String>,

    /// Leave this open file descriptor of the caller's open to the command, which with `--user` has only its standard
    /// streams else. May be given several times
    #[arg(long = "keep-fd", value_name = "N", requires = "user", value_parser = clap::value_parser!(u32).range(3..))]
    keep_fds: Vec<u32>,

    /// The folder of the audit; /var/log/claw for root if not given, else `claw` in $XDG_STATE_HOME
    /// or ~/.local/state
    #[arg(long, value_name = "DIR", default_value_os_t = default_folder(), hide_default_value = true)]
    audit: PathBuf,

    /// Close a part of the audit and open the next at this size
    #[arg(long, value_name = "MIB", default_value_t = PART_MIB, value_parser = clap::value_parser!(u64).range(1..))]
    audit_part_mib: u64,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Run {
    /// Runs the command.
    ///
    /// # Errors
    /// What is missing; nothing was started. A mistake in the policy is reported here.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let (mut policy, is_starter) = match policy_file::load_or_starter(self.policy.as_deref()) {
            Ok(loaded) => loaded,
            Err(error) => {
                error.report()?;
                return Ok(FAILED.into());
            }
        };
        if is_starter {
            let machine = policy_file::DEFAULT;
            writeln!(
                std::io::stderr(),
                "claw: no policy is named and there is no `{machine}`: the built-in starter policy holds; `--policy FILE` names another"
            )?;
        }
        policy.resolve_unix_folders(real_folder);
        let audit = std::path::absolute(self.audit)?;
        let user = self.user.as_deref().map(User::named).transpose()?;
        if let Some(user) = &user {
            let machine = policy_file::DEFAULT.as_ref();
            let file = self.policy.as_deref().or((!is_starter).then_some(machine));
            user.must_not_change(file, &audit)?;
        }
        session::run(&Options {
            policy,
            observe: self.observe,
            require: self.require,
            labels: self.labels,
            audit,
            user,
            keep_fds: self.keep_fds,
            part_bytes: self.audit_part_mib << 20,
            command: self.command,
        })
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not a label; write `KEY=VALUE`")),
    }
}
