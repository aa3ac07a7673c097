//! Pulumi.
//!
//! Source: the reference of pulumi 3's command line; spf13/cobra and spf13/pflag for how it is
//! read.
//!
//! Known gaps: the project's program runs for a preview too; what it starts or connects to is
//! judged there.

use super::{Infra, PLAIN, Program};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};

pub(super) const PULUMI: Program = Program {
    table: Table {
        commands: Commands(include_str!("pulumi.tsv")),
        options: Options {
            switches: "--help,-h --disable-integrity-checking --emoji,-e --fully-qualify-stack-names,-Q --logflow --logtostderr --non-interactive --debug,-d \
                --diff --expect-no-changes --preview-only --refresh,-r --run-program --show-config --show-full-output --show-reads --show-replacement-steps --show-sames \
                --show-secrets --show-urns,-u --show-ids,-i --show-name --skip-preview,-f --suppress-outputs --suppress-permalink --suppress-progress --yes,-y --target-dependents \
                --exclude-dependents --exclude-protected --remove --force --preserve-config --json,-j --all,-a --local,-l --cloud-url-default --secret --plaintext --path --generate-only,-g --generate-code --list-templates \
                --offline --remote-stack --reinstall --no-dependencies --no-plugins --use-language-version-tools --clear-pending-creates --continue-on-error --neo --follow --exact --remove-backups --include-parents --attach-debugger --strict --no-select --protect --shell --select --open --definition-files --remote --remote-skip-install-dependencies --remote-inherit-settings --delete-dependent --skip-pending-creates --import-pending --all-versions --bump --teams-default --template-mode --stack-all",
            values: "--color --cwd,-C --memprofilerate --profiling --tracing --verbose,-v --stack,-s --config,-c --config-file --config-path --client --exec-agent --exec-kind \
                --import-file --message,-m --parallel,-p --plan --policy-pack --policy-pack-config --replace --replace-with --target,-t --target-replace --exclude --save-plan --out,-o --output \
                --file --version --server --default-org --cloud-url --interactive-mode --description --dir --name,-n --secrets-provider --template-name --runtime-options --language --from --generator --page --page-size --since \
                --resource --resource-group --organization --project --tag --dest --source --teams --copy-config-from --format --format-type --import-pending-creates --parent --provider --properties --start-point --remote-env --remote-env-secret --remote-git-auth-access-token --remote-git-branch --remote-git-commit --remote-git-repo-dir --remote-executor-image --remote-agent-pool-id --remote-pre-run-command --remote-git-auth-password --remote-git-auth-ssh-private-key --remote-git-auth-ssh-private-key-path --remote-git-auth-username --remote-executor-image-password --remote-executor-image-username --oidc-expiration --oidc-org --oidc-team --oidc-token --oidc-user --checksum",
        },
        of: &[
            ("whoami", Options { switches: "--verbose,-v --json,-j", values: "" }),
            ("config", Options { switches: "--json,-j --show-secrets", values: "" }),
            ("config set", Options { switches: "--path --secret --plaintext", values: "--type" }),
            (
                "stack ls",
                Options {
                    switches: "--all,-a --json,-j",
                    values: "--organization,-o --project,-p --tag,-t",
                },
            ),
        ],
        ..table::PLAIN
    },
    turns: &[
        ("up", "preview-only", "read"),
        ("destroy", "preview-only", "read"),
        ("refresh", "preview-only", "read"),
        ("import", "preview-only", "read"),
        ("config", "show-secrets", "secret"),
        ("stack", "show-secrets", "secret"),
        ("stack export", "show-secrets", "secret"),
        ("stack output", "show-secrets", "secret"),
        ("preview", "show-secrets", "secret"),
        ("up", "show-secrets", "secret"),
        ("stack history", "show-secrets", "secret"),
    ],
    facts: &[("stack", Infra::CONTEXT), ("cloud-url", Infra::SERVER)],
    variables: &[
        ("PULUMI_BACKEND_URL", Infra::SERVER),
        ("PULUMI_STACK", Infra::CONTEXT),
        ("KUBECONFIG", Infra::KUBECONFIG),
    ],
    asks: &[
        ("up", YES),
        ("destroy", YES),
        ("refresh", YES),
        ("import", YES),
        ("cancel", YES),
        ("stack rm", YES),
        ("state delete", YES),
        ("state unprotect", YES),
        ("state rename", YES),
    ],
    dry: &["preview-only"],
    programs: &["exec-agent", "policy-pack", "remote-pre-run-command"],
    settings: &["pulumi_"],
    harmless: &[
        "PULUMI_BACKEND_URL",
        "PULUMI_STACK",
        "PULUMI_ACCESS_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
        "PULUMI_SKIP_UPDATE_CHECK",
    ],
    ..PLAIN
};

const YES: &[&str] = &["yes", "skip-preview"];
