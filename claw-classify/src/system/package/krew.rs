//! krew: the plugins of kubectl. A call of `kubectl krew` starts it as `kubectl-krew`.
//!
//! Source: the manual of krew 0.4.
//!
//! Known gaps: what a plugin does is not known; it is judged when it starts.

use super::manager::{Manager, Operands, PLAIN, Reach, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};

pub(super) const KREW: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("krew.tsv")),
        options: Options {
            switches: "--help,-h --no-update-index",
            values: "--v,-v --manifest --manifest-url --archive",
        },
        ..table::PLAIN
    },
    roles: &[("manifest", Role::Path), ("manifest-url", Role::Url), ("archive", Role::Path)],
    operands: &[("index ", Operands::Other), ("update", Operands::Other)],
    style: Style::At,
    quiet: &["install", "uninstall", "upgrade"],
    reach: Reach::Machine,
    settings: &["krew_"],
    ..PLAIN
};
