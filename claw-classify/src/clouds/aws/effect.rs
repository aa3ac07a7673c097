//! What an operation does, by its name and the few parameters that decide it.
//!
//! Sources: IAM's access levels and botocore's service models (`aws/operations.tsv`), `aws/credentials.tsv`,
//! and awscli's own commands (`customizations/`), which have neither. An operation without an access level is
//! no read.

use super::command_line::{CommandLine, abbreviates};
use super::operations::Operation;
use crate::call::{excerpt, text};
use crate::grammar::subcommands::Commands;

/// Every effect there is.
pub(super) const EFFECTS: &[&str] =
    &["config", "destroy", "exec", "export", "local", "read", "secret", "write"];

/// Commands that are named like reads and return credentials.
const CREDENTIALS: Commands = Commands(include_str!("credentials.tsv"));

/// Commands whose name does not tell what they do.
const BY_PATH: &[(&str, &str)] = &[
    ("cloudfront sign", "secret"),
    ("cloudtrail validate-logs", "read"),
    ("codeartifact login", "config"),
    ("codecommit credential-helper", "secret"),
    ("configservice get-status", "read"),
    ("configure export-credentials", "secret"),
    ("configure list", "local"),
    ("configure list-profiles", "local"),
    ("datapipeline list-runs", "read"),
    ("ddb select", "read"),
    ("dsql generate-db-connect-admin-auth-token", "secret"),
    ("dsql generate-db-connect-auth-token", "secret"),
    ("ec2-instance-connect open-tunnel", "exec"),
    ("ec2-instance-connect send-serial-console-ssh-public-key", "exec"),
    ("ec2-instance-connect send-ssh-public-key", "exec"),
    ("ec2-instance-connect ssh", "exec"),
    ("ecs execute-command", "exec"),
    ("eks update-kubeconfig", "config"),
    ("emr get", "exec"),
    ("emr put", "exec"),
    ("emr socks", "exec"),
    ("emr ssh", "exec"),
    ("history list", "local"),
    ("history show", "secret"),
    ("iam create-access-key", "secret"),
    ("iam create-login-profile", "secret"),
    ("iam create-service-specific-credential", "secret"),
    ("ivs batch-get-stream-key", "secret"),
    ("kms decrypt", "secret"),
    ("kms generate-data-key", "secret"),
    ("kms generate-data-key-pair", "secret"),
    ("kms re-encrypt", "secret"),
    ("logs tail", "read"),
    ("rds generate-db-auth-token", "secret"),
    ("s3 ls", "read"),
    ("s3 mv", "destroy"),
    ("s3 presign", "secret"),
    ("s3 rb", "destroy"),
    ("s3 rm", "destroy"),
    ("s3api select-object-content", "export"),
    ("secretsmanager batch-get-secret-value", "secret"),
    // It hides the messages from everybody else for a while.
    ("sqs receive-message", "write"),
    ("ssm resume-session", "exec"),
    ("ssm send-command", "exec"),
    ("ssm start-session", "exec"),
    ("sso login", "config"),
    ("sso logout", "config"),
    ("sts assume-role", "secret"),
    ("sts assume-role-with-saml", "secret"),
    ("sts assume-role-with-web-identity", "secret"),
    ("sts assume-root", "secret"),
];

/// How names of operations that delete or remove begin.
const DESTROYS: &[&str] = &[
    "abort-",
    "batch-delete-",
    "cancel-",
    "delete-",
    "deregister-",
    "detach-",
    "disable-",
    "disassociate-",
    "purge-",
    "reboot-",
    "release-",
    "remove-",
    "reset-",
    "revoke-",
    "stop-",
    "terminate-",
];

/// Settings that `configure get` may show.
const PUBLIC: &[&str] = &["cli_pager", "output", "region", "retry_mode", "role_arn", "sso_region"];

/// The effect of `service operation`.
///
/// # Errors
/// If parameters decide it and they are in a file or a document that is not read.
pub(super) fn effect(
    service: &str,
    operation: &str,
    known: Operation,
    line: &CommandLine<'_>,
) -> Result<&'static str, String> {
    let path = format!("{service} {operation}");
    if operation == "wait" {
        return Ok("read");
    }
    if let Some(row) = CREDENTIALS.row(&path) {
        return conditional(row.effect, line);
    }
    if let Some((_, effect)) = BY_PATH.iter().find(|(known, _)| *known == path) {
        return Ok(effect);
    }
    if service == "s3" && matches!(operation, "cp" | "sync") {
        return copy(operation, line);
    }
    if service == "configure" {
        let name = line.operands().next().unwrap_or_default();
        let last = name.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
        return Ok(match operation {
            "get" if PUBLIC.iter().any(|public| public.as_bytes() == last) => "local",
            "get" => "secret",
            _ => "config",
        });
    }
    Ok(if !known.reads() && DESTROYS.iter().any(|name| operation.starts_with(name)) {
        "destroy"
    } else if known.returns_secret() {
        "secret"
    } else if known.reads() && !known.takes_query() {
        "read"
    } else {
        "write"
    })
}

/// Whether a person said what the command does.
#[cfg(test)]
pub(super) fn is_by_hand(path: &str) -> bool {
    CREDENTIALS.row(path).is_some() || BY_PATH.iter().any(|(known, _)| *known == path)
}

/// The effect of a command that returns credentials under `condition`.
fn conditional(condition: &str, line: &CommandLine<'_>) -> Result<&'static str, String> {
    let mut words = condition.split(' ');
    let kind = words.next().unwrap_or_default();
    // A whole set of parameters can come as a document.
    let documents = ["--cli-input-json", "--cli-input-yaml"];
    if !kind.is_empty() && documents.iter().any(|option| line.may_have(option)) {
        return Err(
            "whether credentials are asked for is in a document that is not read".to_owned()
        );
    }
    let given = |option: &str| match option.split_once('=') {
        None => line.may_have(option),
        Some((option, value)) => line.options().any(|(name, values)| {
            abbreviates(name, option)
                && values.iter().any(|given| {
                    given.eq_ignore_ascii_case(value.as_bytes())
                        || given.windows(3).any(|at| at == b"://")
                })
        }),
    };
    Ok(match kind {
        "with" => {
            if words.any(given) {
                "secret"
            } else {
                "read"
            }
        }
        // An abbreviation does not prove that the option is given.
        "without" => {
            let exact = |option: &str| line.options().any(|(name, _)| name == option.as_bytes());
            if words.any(exact) { "read" } else { "secret" }
        }
        _ => "secret",
    })
}

/// Options of `s3 cp` and `s3 sync` without a value.
const SWITCHES: &[&str] = &[
    "--dryrun",
    "--exact-timestamps",
    "--follow-symlinks",
    "--force-glacier-transfer",
    "--ignore-glacier-warnings",
    "--no-follow-symlinks",
    "--no-guess-mime-type",
    "--no-progress",
    "--only-show-errors",
    "--quiet",
    "--recursive",
    "--size-only",
];

/// Options of these two with one value.
const VALUED: &[&str] = &[
    "--acl",
    "--cache-control",
    "--content-disposition",
    "--content-encoding",
    "--content-language",
    "--content-type",
    "--exclude",
    "--expected-size",
    "--expires",
    "--include",
    "--page-size",
    "--source-region",
    "--sse",
    "--sse-kms-key-id",
    "--storage-class",
];

/// `s3 cp` and `s3 sync`: a download from a bucket is an export, everything else a write.
///
/// # Errors
/// After an option of which nobody knows how many words are its values.
fn copy(operation: &str, line: &CommandLine<'_>) -> Result<&'static str, String> {
    if operation == "sync" && line.may_have("--delete") {
        return Ok("destroy");
    }
    let places = line.places(SWITCHES, VALUED).map_err(|name| {
        format!("what follows `{}` may be its values or places", excerpt(&text(name)))
    })?;
    Ok(match places[..] {
        [from, to] if from.starts_with(b"s3://") && !to.starts_with(b"s3://") => "export",
        _ => "write",
    })
}
