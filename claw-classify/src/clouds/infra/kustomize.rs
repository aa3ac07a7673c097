//! kustomize.
//!
//! Source: the help of kustomize 5.
//!
//! Known gaps: a kustomization can name bases at addresses, which are fetched, and charts.

use super::{PLAIN, Program};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};

pub(super) const KUSTOMIZE: Program = Program {
    table: Table {
        commands: Commands(include_str!("kustomize.tsv")),
        options: Options {
            switches: "--help,-h --stack-trace --as-current-user --enable-alpha-plugins --enable-exec --enable-helm --enable-managedby-label \
                --enable-star --network --autodetect --recursive,-r --annotate --no-verify --short --disableNameSuffixHash --force,-f \
                --include-local --exclude-local --exclude-non-local --include-subpackages,-R --without-selector --no-prefix --truncate-output",
            values: "--env,-e --helm-api-versions --helm-command --helm-kube-version --load-restrictor --mount --network-name --output,-o \
                --reorder --format --mem-profile --namespace,-n --nameprefix --namesuffix --resources --labels --annotations \
                --image-name --patch --kind --name --group --version --path --from-literal --from-file --from-env-file --type --behavior \
                --exec-path --image --fn-path --results-dir --log-steps --target --options --scope",
        },
        ..table::PLAIN
    },
    turns: &[
        ("build", "enable-exec", "exec"),
        ("build", "enable-alpha-plugins", "exec"),
        ("build", "enable-helm", "exec"),
        ("build", "helm-command", "exec"),
        ("build", "output", "config"),
    ],
    programs: &["helm-command", "exec-path", "KUSTOMIZE_PLUGIN_HOME"],
    ..PLAIN
};
