//! doctl: the command and what it does at DigitalOcean.
//!
//! Source: the reference of doctl 1.120; spf13/cobra and spf13/pflag for how it is read.
//!
//! Known gaps: `config.yaml` is not read. Options of the commands are known by name only as far as they are listed
//! here; another one changes no fact but `options`.

use claw_policy::Action;

use super::by_table;
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};
use crate::tool::Context;

static TABLE: Table = Table {
    commands: Commands(include_str!("doctl.tsv")),
    options: Options {
        switches: "--help,-h --interactive --trace --verbose,-v --force,-f --no-header --wait --version",
        values: "--access-token,-t --api-url,-u --config,-c --context --http-retry-max --http-retry-wait-max --http-retry-wait-min --output,-o --format",
    },
    ..table::PLAIN
};

pub(super) fn classify(context: &Context<'_>) -> Vec<Action> {
    let call = context.call;
    by_table(call, &TABLE, &["digitalocean_api", "digitalocean_config", "digitalocean_context"])
}
