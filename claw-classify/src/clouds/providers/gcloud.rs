//! gcloud: the command by Google Cloud SDK's own tree of commands, and its effect by the verb.
//!
//! Sources: the static completion tree of the SDK 528 (`providers/gcloud.txt`) and its `calliope`,
//! which takes options anywhere and no abbreviations; `core/properties.py` for the variables
//! `CLOUDSDK_*`.
//!
//! Known gaps: a file of options (`--flags-file`) is only named. The settings of the installation itself
//! (`properties` beside the SDK) are the machine's.

use claw_policy::Action;

use super::settings::{self, Program};
use super::{DOMAIN, action, copies_out};
use crate::call::text;
use crate::grammar::subcommands::{self, Commands, Line, Opt, Place, said, switch, valued};
use crate::tool::Context;
use crate::writes;

const COMMANDS: Commands = Commands(include_str!("gcloud.txt"));

const OPTIONS: &[Opt] = &[
    valued(&["--access-token-file"]),
    valued(&["--account"]),
    valued(&["--billing-project"]),
    valued(&["--configuration"]),
    valued(&["--flags-file"]),
    valued(&["--flatten"]),
    valued(&["--format"]),
    valued(&["--filter"]),
    switch(&["--help", "-h"]),
    valued(&["--impersonate-service-account"]),
    switch(&["--log-http"]),
    switch(&["--no-log-http"]),
    switch(&["--no-user-output-enabled"]),
    valued(&["--project"]),
    switch(&["--quiet", "-q"]),
    valued(&["--trace-token"]),
    switch(&["--user-output-enabled"]),
    valued(&["--verbosity"]),
    switch(&["--version", "-v"]),
];

/// Variables with settings that choose what is shown, and of which project.
const HARMLESS: &[&str] = &[
    "ACTIVE_CONFIG_NAME",
    "COMPUTE_REGION",
    "COMPUTE_ZONE",
    "CORE_DISABLE_PROMPTS",
    "CORE_DISABLE_USAGE_REPORTING",
    "CORE_PROJECT",
    "CORE_VERBOSITY",
    "RUN_REGION",
];

const SETTINGS: Program = Program {
    prefix: "CLOUDSDK_",
    harmless: HARMLESS,
    own: &[
        "ACCESSIBILITY_SCREEN_READER",
        "ARTIFACTS_LOCATION",
        "ARTIFACTS_REPOSITORY",
        "BATCH_LOCATION",
        "BILLING_QUOTA_PROJECT",
        "BUILDS_REGION",
        "COMPONENT_MANAGER_DISABLE_UPDATE_CHECK",
        "CONTAINER_CLUSTER",
        "CORE_ACCOUNT",
        "CORE_DEFAULT_FORMAT",
        "CORE_DISABLE_COLOR",
        "CORE_SHOW_STRUCTURED_LOGS",
        "CORE_USER_OUTPUT_ENABLED",
        "DATAFLOW_REGION",
        "DATAPROC_REGION",
        "DEPLOY_REGION",
        "EVENTARC_LOCATION",
        "FUNCTIONS_REGION",
        "RUN_CLUSTER",
        "RUN_CLUSTER_LOCATION",
        "RUN_PLATFORM",
        "SURVEY_DISABLE_PROMPTS",
        "WORKFLOWS_LOCATION",
    ],
};

/// Commands whose last word does not tell what they do.
const BY_PATH: &[(&str, &str)] = &[
    ("artifacts print-settings apt", "secret"),
    ("artifacts print-settings gradle", "secret"),
    ("artifacts print-settings mvn", "secret"),
    ("artifacts print-settings npm", "secret"),
    ("artifacts print-settings python", "secret"),
    ("artifacts print-settings yum", "secret"),
    ("auth list", "local"),
    ("builds log", "read"),
    ("composer environments user-workloads-secrets describe", "secret"),
    ("compute config-ssh", "config"),
    ("compute connect-to-serial-port", "exec"),
    ("compute reset-windows-password", "secret"),
    ("compute sign-url", "secret"),
    ("compute start-iap-tunnel", "tunnel"),
    ("config configurations describe", "local"),
    ("config configurations list", "local"),
    ("config get", "local"),
    ("config get-value", "local"),
    ("config list", "local"),
    ("docker", "config"),
    ("help", "local"),
    ("iam service-accounts keys create", "secret"),
    ("iam service-accounts sign-blob", "secret"),
    ("iam service-accounts sign-jwt", "secret"),
    ("info", "local"),
    ("kms asymmetric-decrypt", "secret"),
    ("kms decrypt", "secret"),
    ("kms raw-decrypt", "secret"),
    ("secrets versions access", "secret"),
    ("sql generate-login-token", "secret"),
    ("storage cat", "export"),
    ("storage cp", "export"),
    ("storage du", "read"),
    ("storage hash", "read"),
    ("storage sign-url", "secret"),
    ("topic", "local"),
    ("version", "local"),
];

/// `config config-helper` and the tokens of `auth` print credentials.
const SECRET: &[&str] = &[
    "config-helper",
    "fetch-read-token",
    "fetch-read-write-token",
    "print-access-token",
    "print-identity-token",
    "reset-admin-password",
    "reset-password",
    "reset-secret",
];

/// Words of a verb that shows a secret.
const SECRET_WORDS: &[&str] =
    &["auth-string", "key-string", "password", "private-key", "secret", "token"];

fn effect(path: &'static str) -> &'static str {
    if path.is_empty() || path.starts_with("topic") {
        return "local";
    }
    if let Some((_, effect)) = BY_PATH.iter().find(|(known, _)| *known == path) {
        return effect;
    }
    let verb = path.rsplit(' ').next().unwrap_or_default();
    if SECRET.contains(&verb) {
        return "secret";
    }
    let begins = |beginnings: &[&str]| beginnings.iter().any(|begin| verb.starts_with(begin));
    let shows = ["describe", "get", "list"].contains(&verb);
    if (shows && path.split(' ').any(|group| group == "credentials"))
        || (begins(&["fetch-", "get-", "print-"])
            && SECRET_WORDS.iter().any(|word| verb.contains(word)))
    {
        return "secret";
    }
    match verb {
        "get-credentials" => "config",
        "ssh" | "scp" | "sftp" | "interactive" => "exec",
        "read" | "ls" | "list" | "describe" | "get" | "search" | "lookup" | "tail" | "wait" => {
            "read"
        }
        _ if begins(&["get-", "list-", "describe-", "search-"]) => "read",
        _ if begins(&[
            "delete", "destroy", "remove", "purge", "rm", "stop", "disable", "reset",
        ]) =>
        {
            "destroy"
        }
        _ if path.starts_with("config ")
            || path.starts_with("auth ")
            || path.starts_with("components ") =>
        {
            "config"
        }
        _ => "write",
    }
}

pub(super) fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let said = said(call.argv);
    // A release track is where a command's first word would be.
    let track = call.argv.iter().position(|word| matches!(*word, b"alpha" | b"beta" | b"preview"));
    let mut argv = call.argv.to_vec();
    if let Some(at) = track.filter(|at| leads(&call.argv[1..*at])) {
        argv.remove(at);
    }
    match subcommands::read(&argv, COMMANDS, OPTIONS, Place::Anywhere, "") {
        Ok(line) => {
            let effect =
                if line.effect == "local" { "local" } else { copies_out(call, effect(line.path)) };
            if ["cp", "mv", "rsync"].contains(&line.path.rsplit(' ').next().unwrap_or_default()) {
                writes::note_destination(call, |word| word.starts_with(b"gs://"));
            }
            let mut action = action(&line, said, effect);
            let files = if effect == "local" { Ok(Vec::new()) } else { own(context, &line) };
            SETTINGS.set(&mut action, call, files);
            vec![action]
        }
        Err(reason) => vec![Action::opaque(&DOMAIN, said, reason)],
    }
}

/// The settings of the user's own file: that of the configuration in use.
fn own(context: &Context<'_>, line: &Line<'_>) -> Result<Vec<String>, settings::Unread> {
    let Context { call, files, .. } = *context;
    let said = line.value("configuration").or_else(|| call.var("CLOUDSDK_ACTIVE_CONFIG_NAME"));
    let name = match said.filter(|name| !name.is_empty()) {
        Some(name) => Some(text(name).into_owned()),
        None => settings::own(call, files, ".config/gcloud/active_config")?,
    };
    match name.as_deref().map_or("default", str::trim) {
        "NONE" => Ok(Vec::new()),
        "" => SETTINGS.of_file(call, files, &configuration("default")),
        name => SETTINGS.of_file(call, files, &configuration(name)),
    }
}

fn configuration(name: &str) -> String {
    format!(".config/gcloud/configurations/config_{name}")
}

/// Whether `words` are nothing but options of the program with their values.
fn leads(words: &[&[u8]]) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match subcommands::find(OPTIONS, word) {
            Some((opt, None)) if opt.takes == subcommands::Takes::Value => {
                if words.next().is_none() {
                    return false;
                }
            }
            Some(_) => {}
            None => return false,
        }
    }
    true
}
