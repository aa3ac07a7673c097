//! Flux.
//!
//! Source: the reference of flux 2's command line; spf13/cobra and spf13/pflag for how it is read.
//!
//! Known gaps: the kinds that `get`, `create`, `delete` and similar commands take are operands, and
//! not checked.

use super::{Infra, PLAIN, Program};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};

pub(super) const FLUX: Program = Program {
    table: Table {
        commands: Commands(include_str!("flux.tsv")),
        options: Options {
            switches: "--help,-h --disable-compression --insecure-skip-tls-verify --verbose --all-namespaces,-A --all --no-header --watch,-w \
                --export --silent,-s --dry-run --keep-namespace --force --reset --with-source --wait --prune --strict-substitute --recursive \
                --private --personal --read-write-key --token-auth --network-policy --watch-all-namespaces --cluster-domain-default --follow,-f --pre --client --with-credentials --show-source --no-progress-bar --allow-http --enable-receiver --show-values --show-history --include-crds --ssh-hostname-scan --reconcile --strict --ignore-not-found --progress-bar --compact",
            values: "--as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context \
                --kube-api-burst --kube-api-qps --kubeconfig --namespace,-n --server --timeout --tls-server-name --token --user --label-selector,-l \
                --status-selector --path --source --interval --url --branch --tag --semver --secret-ref --health-check --depends-on --chart --chart-version --values \
                --values-from --target-namespace --release-name --service-account --sa-name --kustomization-file --output,-o --ignore-paths --components \
                --components-extra --registry --image-pull-secret --log-level --tolerations --toleration-keys --version,-v --owner --repository --hostname --ssh-hostname \
                --author-email --author-name --secret-name --username,-u --password,-p --private-key-file --kind --name --level --since --tail --flux-namespace --event --for --types --provider \
                --address --event-severity --event-source --provider-ref --channel --resource --revision --creds --annotations,-a --ca-file --cert-file --cluster-domain --team --reconcile-default --gpg-key-id --gpg-key-ring --gpg-passphrase --commit-message-appendix --manifests --decryption-provider --decryption-secret --label --image --image-ref --filter-regex --select-semver --git-repo-ref --git-repo-path --checkout-branch --push-branch --author --commit-template --source-secret-ref --kubeconfig-secret-ref --local-sources --ssh-key-algorithm --ssh-rsa-bits --ssh-ecdsa-curve --digest --filter-semver",
        },
        of: &[
            ("build", Options { switches: "--recursive", values: "--path,-p" }),
            ("logs", Options { switches: "--follow,-f", values: "" }),
        ],
        ..table::PLAIN
    },
    turns: &[
        ("create", "export", "local"),
        ("create", "dry-run", "read"),
        ("install", "export", "local"),
        ("install", "dry-run", "read"),
        ("uninstall", "dry-run", "read"),
        ("export", "with-credentials", "secret"),
        ("debug", "show-values", "secret"),
    ],
    facts: &[
        ("server", Infra::SERVER),
        ("context", Infra::CONTEXT),
        ("kubeconfig", Infra::KUBECONFIG),
        ("namespace", Infra::NAMESPACE),
    ],
    asks: &[("delete", &["silent"]), ("uninstall", &["silent"])],
    dry: &["dry-run"],
    settings: &["flux_"],
    ..PLAIN
};
