//! The variables and settings files that change where a call goes, as whom, and what runs on the
//! way.
//!
//! Sources: botocore's `configprovider.py` and `session.py`, awscli's `plugin.py` and `alias.py`. A
//! settings file is read line by line, whichever profile a line belongs to.

use super::command_line::CommandLine;
use super::runs_pager;
use crate::call::files::{File, Files, NotRead};
use crate::call::{Call, text};
use crate::language::url::host;

/// What the variables and files say.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Hosts that replace the services' own.
    pub(super) endpoints: Vec<String>,
    /// Settings and variables that run or load something, or bring other credentials.
    pub(super) settings: Vec<String>,
    /// Where it says that the program asks on the terminal for what it does.
    pub(super) prompts: Option<&'static str>,
    /// Why a settings file that the call names cannot be read.
    pub(super) unreadable: Option<String>,
}

/// Variables that load service models or take credentials from an address.
const VARIABLES: &[&str] =
    &["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_DATA_PATH", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];

/// Settings that run a program, load code, or take credentials from elsewhere.
const SETTINGS: &[&str] = &[
    "cli_legacy_plugin_path",
    "cli_pager",
    "credential_process",
    "data_path",
    "ec2_metadata_service_endpoint",
];

/// The variable and the setting that make version 2 ask for the words of the call on the terminal. The option
/// counts more, then the variable, then the setting. Source: `core.py` of awscli 2's `autoprompt`.
const PROMPT: (&str, &str) = ("AWS_CLI_AUTO_PROMPT", "cli_auto_prompt");

/// Whether a value of it does more than nothing. `on-partial` asks where the call is not complete.
fn prompts(value: &[u8]) -> bool {
    !value.is_empty() && !value.eq_ignore_ascii_case(b"off")
}

/// Reads the variables and the settings files of a call of `service`.
pub(super) fn found(
    call: &Call<'_>,
    files: &dyn Files,
    service: Option<&str>,
    line: &CommandLine<'_>,
) -> Found {
    let mut found = Found::default();
    let in_call = line.global("endpoint-url");
    let variables = call.env.iter().filter_map(|entry| {
        let rest = entry.strip_prefix(b"AWS_ENDPOINT_URL")?;
        let at = rest.iter().position(|&byte| byte == b'=')?;
        (at == 0 || rest[0] == b'_').then(|| &rest[at + 1..])
    });
    found.endpoints.extend(in_call.into_iter().chain(variables).map(host));
    let pagers = ["AWS_PAGER", "MANPAGER", "PAGER"];
    let pagers = pagers.into_iter().filter(|name| runs_pager(call, name));
    let others = VARIABLES.iter().copied().filter(|name| call.var(name).is_some());
    found.settings.extend(pagers.chain(others).map(str::to_owned));
    for (variable, default) in
        [("AWS_CONFIG_FILE", ".aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")]
    {
        match call.var(variable).filter(|path| !path.is_empty()) {
            Some(path) => match known(call, files, path).named() {
                Ok(content) => found.read(content.unwrap_or_default()),
                Err(NotRead) => {
                    found.unreadable =
                        Some(format!("the file that `{variable}` names cannot be read"));
                }
            },
            None => match at_home(call, files, default).sought() {
                Ok(content) => found.read(content.unwrap_or_default()),
                Err(NotRead) => {
                    found.unreadable = Some(format!("the file `~/{default}` cannot be read"));
                }
            },
        }
    }
    match at_home(call, files, ".aws/cli/alias").sought() {
        Ok(content) => found.aliases(content.unwrap_or_default(), service),
        Err(NotRead) => {
            found.unreadable = Some("the file `~/.aws/cli/alias` cannot be read".to_owned());
        }
    }
    if let Some(value) = call.var(PROMPT.0).filter(|value| !value.is_empty()) {
        found.prompts = prompts(value).then_some(PROMPT.0);
    }
    found
}

/// A profile or region if the call says one, or why nobody can tell.
type Aim = Result<Option<String>, String>;

/// The profile and the region, from the options or else from variables. Version 1 prefers
/// AWS_DEFAULT_PROFILE and ignores AWS_REGION. Version 2 prefers AWS_PROFILE and AWS_REGION.
pub(super) fn aim(call: &Call<'_>, line: &CommandLine<'_>) -> (Aim, Aim) {
    let variable = |name: &str| call.var(name).map(|value| text(value).into_owned());
    let option = |name: &str| line.global(name).map(|value| text(value).into_owned());
    let profile =
        match (option("profile"), variable("AWS_PROFILE"), variable("AWS_DEFAULT_PROFILE")) {
            (Some(said), ..) => Ok(Some(said)),
            (None, Some(one), Some(other)) if one != other => Err(
                "which of `AWS_PROFILE` and `AWS_DEFAULT_PROFILE` counts depends on the version"
                    .to_owned(),
            ),
            (None, one, other) => Ok(one.or(other)),
        };
    let region = match (option("region"), variable("AWS_REGION"), variable("AWS_DEFAULT_REGION")) {
        (Some(said), ..) => Ok(Some(said)),
        (None, Some(one), other) if other.as_ref() != Some(&one) => {
            Err("whether `AWS_REGION` counts depends on the version".to_owned())
        }
        (None, _, other) => Ok(other),
    };
    (profile, region)
}

impl Found {
    /// Takes what matters from a settings file.
    fn read(&mut self, content: &[u8]) {
        for line in content.split(|&byte| byte == b'\n') {
            let line = text(line.trim_ascii());
            if line == "[plugins]" {
                self.settings.push("plugins".to_owned());
            }
            let Some((name, value)) = line.split_once(['=', ':']) else { continue };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            if name == "endpoint_url" {
                self.endpoints.push(host(value.as_bytes()));
            } else if name == PROMPT.1 {
                if prompts(value.as_bytes()) {
                    self.prompts = Some(PROMPT.1);
                }
            } else if SETTINGS.contains(&name.as_str())
                && !(name == "cli_pager"
                    && crate::grammar::subcommands::plain_pager(value.as_bytes()))
            {
                self.settings.push(name);
            }
        }
    }

    /// An alias takes the place of a command of the same name, in any section but of no other
    /// service.
    fn aliases(&mut self, content: &[u8], service: Option<&str>) {
        for line in content.split(|&byte| byte == b'\n') {
            let line = text(line);
            let section = line.trim().strip_prefix("[command ").is_some();
            let name = line.split(['=', ':']).next().unwrap_or_default().trim();
            if section || Some(name) == service {
                self.settings.push("alias".to_owned());
            }
        }
    }
}

fn at_home<'a>(call: &Call<'_>, files: &'a dyn Files, path: &str) -> File<'a> {
    known(call, files, format!("~/{path}").as_bytes())
}

/// The file at `path`, where `~` is the home directory.
fn known<'a>(call: &Call<'_>, files: &'a dyn Files, path: &[u8]) -> File<'a> {
    let (Some(rest), Some(home)) = (path.strip_prefix(b"~"), call.var("HOME")) else {
        return files.file(path);
    };
    files.file(&[home, rest].concat()).or_if_not_looked_at(|| files.file(path))
}
