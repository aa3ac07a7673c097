//! Composer.
//!
//! Source: the manual of Composer 2.8; Symfony's console, which takes unambiguous beginnings of commands.
//!
//! Known gaps: `composer.json` and its scripts and plug-ins are not read.

use super::manager::{Manager, Operands, PLAIN, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Other, Table};

pub(super) const COMPOSER: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("composer.tsv")),
        short_commands: true,
        other: Other::Runs,
        prefixes: &[("global", 0)],
        options: Options {
            switches: "--help,-h --version,-V --quiet,-q --verbose,-v,-vv,-vvv --profile --ansi --no-ansi --no-interaction,-n --no-plugins --no-scripts --no-cache \
                --dev --no-dev --dry-run --download-only --prefer-install --prefer-source --prefer-dist --no-autoloader --no-progress --no-install --no-update --no-audit \
                --optimize-autoloader,-o --classmap-authoritative,-a --apcu-autoloader --ignore-platform-reqs --with-dependencies,-w --with-all-dependencies,-W \
                --update-no-dev --prefer-stable --prefer-lowest --minimal-changes,-m --fixed --sort-packages --lock --interactive,-i --root-reqs --bump-after-update --patch-only \
                --keep-vcs --remove-vcs --no-secure-http --add-repository --global,-g --list,-l --unset --auth --json-value --merge --append --source \
                --all --platform,-p --available --self,-s --name-only,-N --path,-P --tree,-t --latest --outdated,-O --direct,-D --strict --locked --installed \
                --only-name --only-vendor --abandoned-ignore --unused --editor,-e --rollback,-r --stable --preview --snapshot --clean-backups --check --recursive --no-check-all --no-check-publish",
            values: "--working-dir,-d --format,-f --stability,-s --repository --repository-url --type --timeout --apcu-autoloader-prefix --ignore-platform-req \
                --with --ignore --abandoned --file,-F --dir --description --author --homepage --require --require-dev --license --autoload --audit-format",
        },
        of: &[
            (
                "config",
                Options {
                    switches: "--global,-g --list,-l --auth,-a --editor,-e",
                    values: "--file,-f",
                },
            ),
            ("create-project", Options { switches: "", values: "--stability,-s" }),
        ],
        stops: &["exec"],
        ..table::PLAIN
    },
    roles: &[
        ("repository", Role::Registry),
        ("repository-url", Role::Registry),
        ("global", Role::Global),
        ("no-scripts", Role::Unscripted),
        ("dry-run", Role::DryRun),
    ],
    turns: &[("config", "list", "local")],
    operands: &[
        ("create-project", Operands::First),
        ("run-script", Operands::Script),
        ("self-update", Operands::Other),
        ("show", Operands::First),
    ],
    style: Style::Composer,
    global: &["self-update"],
    settings: &["composer"],
    harmless: &[
        "COMPOSER_ALLOW_SUPERUSER",
        "COMPOSER_CACHE_DIR",
        "COMPOSER_MEMORY_LIMIT",
        "COMPOSER_NO_INTERACTION",
        "COMPOSER_PROCESS_TIMEOUT",
    ],
    ..PLAIN
};
