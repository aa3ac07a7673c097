//! eksctl: the verb and what it does to clusters of EKS.
//!
//! Source: the help of eksctl 0.2; spf13/cobra and spf13/pflag for how it is read.
//!
//! Known gaps: what kind of thing a verb is about is an operand, and not checked; `--config-file` is not read. Some
//! commands only plan until `--approve` is given; they count as if it were.

use claw_policy::Action;

use super::by_table;
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};
use crate::tool::Context;

static TABLE: Table = Table {
    commands: Commands(include_str!("eksctl.tsv")),
    options: Options {
        switches: "--help,-h --dumpLogs,-d --approve --dry-run --force --wait,-w --all --all-regions,-A --disable-eviction --disable-nodegroup-eviction \
            --disable-pod-imds --full-ecr-access --fargate --managed --ssh-access --spot --with-oidc --without-nodegroup --set-kubeconfig-context \
            --auto-kubeconfig --write-kubeconfig --drain --undo --only-missing --include-deletion --install-nvidia-plugin --install-neuron-plugin \
            --asg-access --external-dns-access --alb-ingress-access --appmesh-access --node-private-networking,-P --enable-ssm --node-volume-encrypted --authenticator --invite --override-existing-serviceaccounts \
            --cfn-disable-rollback --update-auth-mode --delete-oidc-provider --auto-apply-pod-identity-associations --preserve --role-only",
        values: "--verbose,-v --color,-C --cluster,-c --name,-n --region,-r --profile,-p --config-file,-f --timeout --cfn-role-arn --output,-o --nodes,-N \
            --nodes-min,-m --nodes-max,-M --node-type,-t --node-volume-size --node-ami --node-ami-family --node-labels --node-zones --node-security-groups --nodegroup-name --nodegroup \
            --version --tags --zones --vpc-cidr --vpc-private-subnets --vpc-public-subnets --vpc-nat-mode --ssh-public-key --max-pods-per-node --instance-name --instance-prefix --instance-types \
            --kubernetes-version --kubeconfig --set-kubeconfig --include --exclude --namespace --role-arn,--arn --role-name --service-account --serviceaccount --attach-policy-arn --attach-policy-arns --group --username,--user --account \
            --service-name --noEscalate --addon --service-account-role-arn --access-entry --principal-arn --types --enable-types --disable-types --public-access-cidrs --private-access --public-access --fargate-profile --chunk-size --pod-eviction-wait-period --max-grace-period --parallel --launch-template-version --release-version --kms-key-arn --key-arn --target-authentication-mode --instance-selector-vcpus --instance-selector-memory --instance-selector-gpus --instance-selector-cpu-architecture --provider --labels,-l --identity-provider --authenticator-role-arn --cluster-name --permission-policy-arns --well-known-policies",
    },
    ..table::PLAIN
};

pub(super) fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    by_table(
        call,
        &TABLE,
        &[
            "aws_ca_bundle",
            "aws_config_file",
            "aws_endpoint_url",
            "aws_shared_credentials_file",
            "eksctl_",
        ],
    )
}
