//! Bundler.
//!
//! Source: the manuals of Bundler 2.6; Thor, which takes unambiguous beginnings of commands.
//!
//! Known gaps: the Gemfile and `.bundle/config` are not read.

use super::manager::{Manager, Operands, PLAIN, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};

pub(super) const BUNDLE: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("bundle.tsv")),
        short_commands: true,
        bare: "install",
        options: Options {
            switches: "--help,-h --version,-v --all --bundler --clean --color,-c --conservative --deployment --dry-run --force,-f --frozen \
                --full-index --global --install --local --major --minor --no-cache --no-color --no-prune --only-explicit --optimistic --outdated \
                --parseable --patch --path-only --paths --pre --prefer-local --print --quiet --redownload --skip-install \
                --standalone --strict --system --verbose,-V --without-group --all-platforms --keep-file-descriptors --filter-strict",
            values: "--add-platform --branch --cache-path --gemfile --git --github --glob --group,-g --jobs,-j --path --ref --remove-platform --require \
                --retry,-r --ruby --shebang --source,-s --target-rbconfig --trust-policy,-P --version --with --without --binstubs --lockfile",
        },
        of: &[
            ("", Options { switches: "--version,-v", values: "" }),
            ("add", Options { switches: "", values: "--version,-v" }),
            ("plugin ", Options { switches: "", values: "--version" }),
        ],
        stops: &["exec"],
        ..table::PLAIN
    },
    roles: &[
        ("source", Role::Registry),
        ("git", Role::Git),
        ("github", Role::Git),
        ("system", Role::Global),
        ("dry-run", Role::DryRun),
    ],
    operands: &[
        ("clean", Operands::Other),
        ("console", Operands::Own),
        ("lock", Operands::Other),
        ("open", Operands::First),
        ("pristine", Operands::Packages),
    ],
    style: Style::Colon,
    quiet: &["cache", "clean", "remove"],
    settings: &["bundle_"],
    harmless: &["BUNDLE_GEMFILE", "BUNDLE_JOBS", "BUNDLE_RETRY"],
    ..PLAIN
};
