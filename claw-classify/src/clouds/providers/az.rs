//! az: the command by its verb.
//!
//! Source: Azure CLI 2's reference: groups of words, then a verb, then options.
//!
//! Known gaps: the groups that come with the program are known, their commands are not: the verb
//! tells the effect. A command of an extension is opaque.

use claw_policy::{Action, Set};

use super::settings::Program;
use super::{Cloud, DOMAIN};
use crate::call::text;
use crate::grammar::subcommands::said;
use crate::tool::Context;

/// The first words of the commands that come with the program and that have verbs below them.
const GROUPS: &[&str] = &[
    "account",
    "acr",
    "ad",
    "advisor",
    "afd",
    "aks",
    "ams",
    "apim",
    "appconfig",
    "appservice",
    "backup",
    "batch",
    "bicep",
    "billing",
    "bot",
    "cache",
    "capacity",
    "cdn",
    "cloud",
    "cognitiveservices",
    "config",
    "consumption",
    "container",
    "containerapp",
    "cosmosdb",
    "data-boundary",
    "databoxedge",
    "deployment",
    "deployment-scripts",
    "disk",
    "disk-access",
    "disk-encryption-set",
    "dls",
    "dms",
    "eventgrid",
    "eventhubs",
    "extension",
    "feature",
    "functionapp",
    "group",
    "hdinsight",
    "identity",
    "image",
    "iot",
    "keyvault",
    "lab",
    "lock",
    "logicapp",
    "managed-cassandra",
    "managedapp",
    "managedservices",
    "maps",
    "mariadb",
    "monitor",
    "mysql",
    "netappfiles",
    "network",
    "policy",
    "postgres",
    "ppg",
    "private-link",
    "provider",
    "redis",
    "relay",
    "resource",
    "resourcemanagement",
    "restore-point",
    "role",
    "search",
    "security",
    "servicebus",
    "sf",
    "sig",
    "signalr",
    "snapshot",
    "sql",
    "sshkey",
    "stack",
    "staticwebapp",
    "storage",
    "synapse",
    "tag",
    "term",
    "ts",
    "vm",
    "vmss",
    "webapp",
];

/// Variables with settings that only change what is shown, or which resource it is about.
const HARMLESS: &[&str] = &[
    "CLIENT_ID",
    "CORE_COLLECT_TELEMETRY",
    "CORE_NO_COLOR",
    "CORE_ONLY_SHOW_ERRORS",
    "CORE_OUTPUT",
    "DEFAULTS_GROUP",
    "DEFAULTS_LOCATION",
    "SUBSCRIPTION_ID",
    "TENANT_ID",
];

const SETTINGS: Program = Program {
    prefix: "AZURE_",
    harmless: HARMLESS,
    own: &["CORE_FIRST_RUN", "CORE_LOGIN_EXPERIENCE_V2", "EXTENSION_USE_DYNAMIC_INSTALL_ASK"],
};

/// Names of things that are secrets when they are listed or shown.
const SECRETS: &[&str] = &[
    "admin-key",
    "appsettings",
    "authorization-rule keys",
    "connection-string",
    "credential",
    "key",
    "keys",
    "query-key",
    "secret",
    "secrets",
];

fn effect(words: &[&str]) -> Option<&'static str> {
    let (first, verb) = (*words.first()?, *words.last()?);
    let parent = words.len().checked_sub(2).map(|at| words[at]).unwrap_or_default();
    match words {
        ["version" | "help" | "find"] => return Some("local"),
        ["login" | "logout" | "configure" | "init" | "upgrade"] => return Some("config"),
        ["interactive" | "ssh", ..] => return Some("exec"),
        ["rest"] => return Some("write"),
        ["account", "list" | "show" | "list-locations"] => return Some("read"),
        ["account", "get-access-token"] => return Some("secret"),
        ["keyvault", "secret", "list" | "list-versions"]
        | ["keyvault", "key", "list" | "list-versions" | "show"]
        | ["ad", _, "credential", "list"] => return Some("read"),
        [
            "account" | "config" | "cloud" | "extension",
            ..,
            "set" | "clear" | "add" | "unset" | "remove",
        ]
        | ["acr", "login"]
        | ["aks", "get-credentials" | "install-cli"] => return Some("config"),
        ["aks", "command", "invoke"]
        | [.., "run-command", "invoke" | "create"]
        | [.., "exec" | "ssh" | "rdp" | "remote-connection" | "create-remote-connection"] => {
            return Some("exec");
        }
        [.., "tunnel" | "port-forward"] => return Some("tunnel"),
        _ => {}
    }
    if !GROUPS.contains(&first) || words.len() < 2 {
        return None;
    }
    let tells = [
        "key",
        "secret",
        "credential",
        "password",
        "token",
        "connection-string",
        "publishing",
        "sas",
    ];
    let begins = |names: &[&str]| names.iter().any(|name| verb.starts_with(name));
    let reads = begins(&["list", "show", "get", "exists", "check", "wait", "query"]);
    let keys = SECRETS.contains(&parent)
        || ["-credential", "-credentials", "-key", "-keys", "-password", "-secret"]
            .iter()
            .any(|ending| parent.ends_with(ending));
    Some(if reads && (keys || tells.iter().any(|word| verb.contains(word))) {
        "secret"
    } else if begins(&["generate-sas", "download", "backup", "export"]) {
        if begins(&["generate-sas"]) || first == "keyvault" { "secret" } else { "export" }
    } else if reads {
        "read"
    } else if begins(&["delete", "purge", "remove", "stop", "deallocate", "disable", "reset"]) {
        "destroy"
    } else {
        "write"
    })
}

pub(super) fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    let said = said(call.argv);
    let switches: &[&[u8]] = &[b"--debug", b"--only-show-errors", b"--verbose"];
    let rest = call.argv.get(1..).unwrap_or_default();
    let leading = rest.iter().take_while(|word| switches.contains(*word)).count();
    let rest = &rest[leading..];
    let length = rest.iter().take_while(|word| !word.starts_with(b"-")).count();
    let (path, options) = rest.split_at(length);
    let path: Vec<_> = path.iter().map(|word| text(word)).collect();
    let words: Vec<&str> = path.iter().map(|word| &**word).collect();
    let asks_for_help =
        matches!(options.first(), Some(&(b"--help" | b"-h" | b"--version" | b"-v")));
    let effect = match effect(&words) {
        _ if rest.is_empty() || (asks_for_help && options.len() == 1) => "local",
        Some(effect) => effect,
        None => {
            let reason =
                format!("what `az {}` does is not known, perhaps an extension", words.join(" "));
            return vec![Action::opaque(&DOMAIN, said, reason)];
        }
    };
    let mut action = Action::new(&DOMAIN, said);
    action.set(Cloud::COMMAND, words.join(" "));
    action.set(Cloud::EFFECT, effect);
    let names =
        options.iter().filter(|word| word.len() > 1 && word.starts_with(b"-")).map(|word| {
            let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
            text(name).trim_start_matches('-').to_owned()
        });
    action.set(Cloud::OPTIONS, names.collect::<Set>());
    SETTINGS.set(&mut action, call, SETTINGS.of_file(call, context.files, ".azure/config"));
    vec![action]
}
