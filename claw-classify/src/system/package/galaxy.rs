//! ansible-galaxy: roles and collections of Ansible.
//!
//! Source: the help of ansible-core 2.18; Python's argparse, which takes unambiguous beginnings.
//!
//! Known gaps: `ansible.cfg` and files of requirements are not read.

use super::manager::{Manager, Operands, PLAIN, Reach, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Spelling, Table};

pub(super) const GALAXY: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("galaxy.tsv")),
        options: Options {
            switches: "--help,-h --version --verbose,-v --ignore-certs,-c --force,-f --force-with-deps --no-deps,-n --keep-scm-meta,-g --offline --pre \
                --upgrade,-U --ignore-errors,-i --disable-gpg-verify --no-cache --clear-response-cache --no-wait",
            values: "--server,-s --token,--api-key --timeout --api-version --roles-path,-p --role-file,-r --requirements-file \
                --collections-path --download-path --signature --keyring --required-valid-signature-count --ignore-signature-status-code \
                --init-path --role-skeleton --collection-skeleton --type --extra-vars,-e --output-path --author --galaxy-tags --platforms --branch --role-name --import-timeout",
        },
        of: &[
            ("collection install", Options { switches: "", values: "--requirements-file,-r" }),
            ("collection download", Options { switches: "", values: "--requirements-file,-r" }),
        ],
        spelling: Spelling::Abbreviated,
        ..table::PLAIN
    },
    roles: &[
        ("server", Role::Registry),
        ("role-file", Role::List),
        ("requirements-file", Role::List),
        ("roles-path", Role::Local),
        ("collections-path", Role::Local),
    ],
    operands: &[
        ("role delete", Operands::Other),
        ("role import", Operands::Other),
        ("setup", Operands::Other),
        ("role setup", Operands::Other),
    ],
    style: Style::Colon,
    quiet: &["collection ", "role ", "install", "remove", "delete", "import", "setup"],
    reach: Reach::Machine,
    registries: &["ANSIBLE_GALAXY_SERVER"],
    settings: &["ansible_galaxy", "ansible_config"],
    ..PLAIN
};
