//! Argo CD.
//!
//! Source: the reference of argocd 2.14's command line; spf13/cobra and spf13/pflag for how it is read.
//!
//! Known gaps: applications and their manifests are not read.

use super::{Infra, PLAIN, Program};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};

pub(super) const ARGOCD: Program = Program {
    table: Table {
        commands: Commands(include_str!("argocd.tsv")),
        options: Options {
            switches: "--help,-h --core --grpc-web --insecure --plaintext --port-forward --prompts-enabled --yes,-y --all --async --apply-out-of-sync-only \
                --assumeYes --cascade --client --core-mode --dry-run --exit-code --follow,-f --force --hard-refresh --refresh --health --degraded --delete --suspended \
                --in-cluster --local-include --namespaced --orphan --prune --preview-changes --previous,-p --replace --retry-refresh --server-side --server-side-generate \
                --show-operation --show-params --sso --skip-test-tls --skip-reconcile --sync --operation --strict --timestamps --upsert --validate --wide \
                --self-heal --auto-prune --allow-empty --set-finalizer --directory-recurse --enable-lfs --enable-oci --insecure-ignore-host-key --insecure-skip-server-verification \
                --force-http-basic-auth --system-namespace --helm-pass-credentials --helm-skip-crds --use-azure-workload-identity --delete-cascade --ignore-normalizer-jq --no-headers --tls-skip --with-token --sso-launch-browser --append",
            values: "--argocd-context --auth-token --client-crt --client-crt-key --config --controller-name --grpc-web-root-path --header,-H --http-retry-max \
                --kube-context --logformat --loglevel --port-forward-namespace --redis-compress --redis-haproxy-name --redis-name --repo-server-name \
                --server --server-crt --server-name --account --app --app-namespace,-N --app-project,-p --appset-namespace --cluster --container,-c --current-password --diff-exit-code \
                --dest-name --dest-namespace --dest-server --directory-exclude --directory-include --env --expires-in,-e --file,-f --filter --grep --group --helm-chart --helm-set --helm-set-file \
                --helm-set-string --helm-version --id --ignore-http --info --insecure-type --kind --kustomize-image --label,-l --labels --local --local-repo-root --name --nameprefix --namesuffix \
                --namespace,-n --new-password --output,-o --parameter --password --patch --patch-type --path --project --propagation-policy --ref --release-name --repo,-r --resource --resource-name \
                --resource-namespace --retry-backoff-duration --retry-backoff-factor --retry-backoff-max-duration --retry-limit --revision --revisions --revision-history-limit --selector \
                --service-account --since-seconds --source --source-name --source-names --source-position --source-positions --source-namespace --ssh-private-key-path --sso-port --sync-option --sync-policy --sync-retry-limit \
                --sync-wave --strategy --tail --timeout --tls-client-cert-data --tls-client-cert-key-path --tls-client-cert-path --type --until-time --username --values --values-literal-file --annotation --annotations \
                --aws-cluster-name --aws-role-arn --exec-command --exec-command-args --exec-command-env --exec-command-api-version --github-app-id --github-app-installation-id --github-app-private-key-path --kubeconfig --shard --description --dest,-d --src,-s --upsert-project --from --cert-type --hostname-pattern --sort-by --role --address --port",
        },
        of: &[
            (
                "app list",
                Options {
                    switches: "",
                    values: "--project,-p --selector,-l --cluster,-c --output,-o --repo,-r",
                },
            ),
            (
                "app logs",
                Options { switches: "--follow,-f --previous,-p", values: "--container,-c" },
            ),
            ("app sync", Options { switches: "", values: "--selector,-l --project --label" }),
            (
                "app delete",
                Options {
                    switches: "--cascade --yes,-y",
                    values: "--propagation-policy,-p --selector,-l",
                },
            ),
            ("app create", Options { switches: "", values: "--file,-f --parameter,-p --label,-l" }),
            ("app set", Options { switches: "", values: "--parameter,-p" }),
            ("app unset", Options { switches: "", values: "--parameter,-p" }),
        ],
        ..table::PLAIN
    },
    turns: &[
        ("app sync", "dry-run", "read"),
        ("app sync", "prune", "destroy"),
        ("app sync", "replace", "destroy"),
        ("app sync", "force", "destroy"),
        ("app rollback", "prune", "destroy"),
        ("context", "delete", "config"),
    ],
    facts: &[
        ("server", Infra::SERVER),
        ("argocd-context", Infra::CONTEXT),
        ("kube-context", Infra::CONTEXT),
        ("kubeconfig", Infra::KUBECONFIG),
        ("app-namespace", Infra::NAMESPACE),
        ("namespace", Infra::NAMESPACE),
    ],
    variables: &[("ARGOCD_SERVER", Infra::SERVER), ("KUBECONFIG", Infra::KUBECONFIG)],
    asks: &[
        ("app delete", &["yes", "no-prompts-enabled"]),
        ("app delete-resource", &["yes", "no-prompts-enabled"]),
        ("appset delete", &["yes", "no-prompts-enabled"]),
        ("cluster rm", &["yes", "no-prompts-enabled"]),
    ],
    dry: &["dry-run"],
    programs: &["exec-command"],
    settings: &["argocd_"],
    harmless: &["ARGOCD_AUTH_TOKEN", "ARGOCD_SERVER"],
    ..PLAIN
};
