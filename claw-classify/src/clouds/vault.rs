//! HashiCorp Vault: the command, the path in Vault that it is about, and the server it asks.
//!
//! Input: the call. Output: one action of the domain `infra`.
//!
//! Sources: the command reference of Vault 1.18; mitchellh/cli for how a command is found, and Go's `flag` for how its
//! options are read: one dash or two, and none behind the first operand.
//!
//! Known gaps: the file that VAULT_CONFIG_PATH or `~/.vault` names is not read, nor are the token in `~/.vault-token`,
//! policies, and files behind `@`. Which paths an engine serves is not known, so `read` always counts as `secret`.

use claw_policy::{Action, Set};

use super::infra::{self, DOMAIN, Infra, PLAIN, Program};
use crate::call::text;
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Line, Options, Spelling, Table};
use crate::secret::marks::{Marks, Operand, marks};
use crate::tool::{Context, Family, Tool};

/// What holds a secret in its words. OpenBao's client reads them alike.
pub(crate) static SECRETS: &[Marks] = &[marks(&[TOOL.names, &["bao"]], &[]).operands(&[
    Operand::Behind { words: &["login"], skip: 0 },
    Operand::Behind { words: &["unseal"], skip: 0 },
    Operand::Behind { words: &["unwrap"], skip: 0 },
    Operand::Pairs(&["put"]),
    Operand::Pairs(&["patch"]),
    Operand::Pairs(&["write"]),
    Operand::Pairs(&["login"]),
])];

/// vault's row in the registry.
pub(crate) static TOOL: Tool = Tool::judged(
    Family::Clouds,
    &["vault"],
    "",
    "The command, its options, the path in Vault and the server are read. Values and their files are not, and the configuration that names a token helper is not.",
    &[&DOMAIN],
    classify,
);

static VAULT: Program = Program {
    table: Table {
        commands: Commands(include_str!("vault.tsv")),
        options: Options {
            switches: "-help,-h -version,-v -detailed -disable-redirects -force,-f -non-interactive -output-curl-string -output-policy -policy-override \
                -tls-skip-verify",
            values: "-address -agent-address -ca-cert -ca-path -client-cert -client-key -field -format -header -log-file -log-format -log-level \
                -mfa -namespace,-ns -tls-server-name -unlock-key -wrap-ttl",
        },
        of: OPTIONS,
        stops: STOPS,
        spelling: Spelling::Single,
        ..table::PLAIN
    },
    facts: &[
        ("address", Infra::SERVER),
        ("agent-address", Infra::SERVER),
        ("namespace", Infra::NAMESPACE),
    ],
    variables: &[("VAULT_ADDR", Infra::SERVER), ("VAULT_NAMESPACE", Infra::NAMESPACE)],
    programs: &["VAULT_CONFIG_PATH"],
    settings: &["vault_"],
    harmless: &["VAULT_ADDR", "VAULT_FORMAT", "VAULT_NAMESPACE", "VAULT_TOKEN"],
    ..PLAIN
};

/// Commands whose options end at the first operand: all of them.
const STOPS: &[&str] = &[
    "agent ",
    "audit ",
    "auth ",
    "debug",
    "delete",
    "events ",
    "hcp ",
    "kv ",
    "lease ",
    "list",
    "login",
    "monitor",
    "namespace ",
    "operator ",
    "patch",
    "path-help",
    "pki ",
    "plugin ",
    "policy ",
    "print ",
    "read",
    "secrets ",
    "ssh",
    "token ",
    "transform ",
    "transit ",
    "unwrap",
    "write",
];

const OPTIONS: &[(&str, Options)] = &[
    ("agent", Options { switches: "-exit-after-auth", values: "-config" }),
    ("audit ", Options { switches: "-local", values: "-description -path" }),
    ("auth ", MOUNT),
    (
        "debug",
        Options {
            switches: "-compress",
            values: "-duration -interval -metrics-interval -output -target",
        },
    ),
    (
        "kv ",
        Options {
            switches: "-cas-required -remove-data",
            values: "-cas -custom-metadata -delete-version-after -max-versions -method -mount -version -versions",
        },
    ),
    ("lease revoke", Options { switches: "-prefix -sync", values: "" }),
    ("lease renew", Options { switches: "", values: "-increment" }),
    ("login", Options { switches: "-no-print -no-store -token-only", values: "-method -path" }),
    (
        "operator ",
        Options {
            switches: "-cancel -decode-only -dr-token -init -migrate -reset -rekey -status -verify \
            -backup -backup-delete -backup-retrieve -generate-otp -retry -non-voter -recovery-token",
            values: "-config -decode -end-time -key-shares,-n -key-threshold,-t -nonce -otp -pgp-key -pgp-keys -recovery-pgp-keys -recovery-shares \
            -recovery-threshold -root-token-pgp-key -start -start-time -stored-shares -target -leader-ca-cert -leader-client-cert \
            -leader-client-key -auto-join-port -auto-join-scheme -max-parallel",
        },
    ),
    ("proxy", Options { switches: "-exit-after-auth", values: "-config" }),
    ("secrets ", MOUNT),
    (
        "server",
        Options {
            switches: "-dev -dev-no-store-token -dev-tls -exit-on-core-shutdown -recovery",
            values: "-config -dev-listen-address -dev-root-token-id -dev-plugin-dir -dev-tls-cert-dir -experiment",
        },
    ),
    (
        "ssh",
        Options {
            switches: "-no-exec",
            values: "-host-key-hostnames -host-key-mount-point -mode -mount-point -private-key-path -public-key-path -role \
            -ssh-executable -strict-host-key-checking -user-known-hosts-file -valid-principals",
        },
    ),
    (
        "token ",
        Options {
            switches: "-accessor -no-default-policy -orphan -renewable -self",
            values: "-display-name -entity-alias -explicit-max-ttl -id -increment,-i -metadata -mode -period -policy -role -ttl -type -use-limit",
        },
    ),
];

/// What an engine or an authentication method is mounted with.
const MOUNT: Options = Options {
    switches: "-external-entropy-access -local -seal-wrap",
    values: "-allowed-managed-keys -allowed-response-headers -audit-non-hmac-request-keys -audit-non-hmac-response-keys -default-lease-ttl \
        -delegated-auth-accessors -description -identity-token-key -listing-visibility -max-lease-ttl -options -passthrough-request-headers -path \
        -plugin-name -plugin-version -token-type -trim-request-trailing-slashes -version",
};

/// Commands whose operands are tokens, keys or credentials.
const GIVEN_SECRETS: &[&str] = &[
    "login",
    "operator generate-root",
    "operator rekey",
    "operator unseal",
    "token lookup",
    "token renew",
    "token revoke",
    "unwrap",
];

fn classify(context: &Context<'_>) -> Vec<Action> {
    let mut action = infra::action(context.call, &VAULT);
    if let Ok(line) = Line::read(context.call.argv, &VAULT.table)
        && line.unknown.is_none()
    {
        // Behind the path stand the values that are written to it, and `-`, which has them read from standard input.
        let is_named = !GIVEN_SECRETS.contains(&line.command.as_str());
        let path = line.operands.first().filter(|_| is_named);
        action.set(Infra::TARGETS, path.into_iter().map(|word| text(word)).collect::<Set>());
    }
    vec![action]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;

    #[test]
    fn corpus() {
        corpus::check(include_str!("../../corpus/vault.toml"));
    }

    #[test]
    fn the_table_is_sorted_and_names_what_there_is() {
        VAULT.table.check("vault", DOMAIN.fact("effect").unwrap().values);
    }

    #[test]
    fn no_secret_that_is_written_or_given_is_a_target() {
        for words in [
            "vault kv put secret/app password=hunter2",
            "vault write auth/userpass/users/me password=hunter2",
            "vault login hunter2",
            "vault unwrap hunter2",
            "vault operator unseal hunter2",
            "vault token revoke hunter2",
        ] {
            let shown = corpus::shown(&corpus::actions(words));
            assert!(!shown.contains("hunter2"), "{words}: {shown}");
        }
    }
}
