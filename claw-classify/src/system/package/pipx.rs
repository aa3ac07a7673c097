//! pipx.
//!
//! Source: the help of pipx 1.7; Python's argparse, which takes unambiguous beginnings.
//!
//! Known gaps: `pip.conf` is not read.

use super::manager::{Manager, Operands, PLAIN, Reach, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Spelling, Table};

pub(super) const PIPX: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("pipx.tsv")),
        options: Options {
            switches: "--help,-h --version --quiet,-q --verbose,-v --global --force,-f --include-deps --include-injected \
                --include-apps --system-site-packages --editable,-e --no-cache --path --pypackages --short --json \
                --skip-maintenance --preinstall-all --fetch-missing-python --with-deps --upgrade-injected --leave-deps --pinned",
            values: "--index-url,-i --pip-args --python --suffix --preinstall --spec --value,-V --requirement,-r --skip --backend",
        },
        spelling: Spelling::Abbreviated,
        stops: &["run", "runpip"],
        ..table::PLAIN
    },
    roles: &[
        ("index-url", Role::Registry),
        ("spec", Role::From),
        ("preinstall", Role::Package),
        ("requirement", Role::List),
    ],
    operands: &[
        ("run", Operands::PackageProgram),
        ("runpip", Operands::Program),
        ("interpreter ", Operands::Other),
        ("install-all", Operands::Lists),
    ],
    style: Style::Python,
    reach: Reach::Machine,
    registries: &["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"],
    settings: &["pip_", "pipx_"],
    harmless: &["PIPX_BIN_DIR", "PIPX_HOME"],
    ..PLAIN
};
