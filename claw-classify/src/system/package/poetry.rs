//! Poetry.
//!
//! Source: the manual of Poetry 2.
//!
//! Known gaps: `pyproject.toml` and `poetry.toml` are not read.

use super::manager::{Manager, Operands, PLAIN, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};

pub(super) const POETRY: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("poetry.tsv")),
        options: Options {
            switches: "--help,-h --version,-V --quiet,-q --ansi --no-ansi --no-interaction,-n --verbose,-v,-vv,-vvv --no-plugins --no-cache \
                --all --all-extras --all-groups --allow-prereleases --build --clean --compile --dev,-D --dry-run --editable,-e --latest,-l --lock \
                --no-dev --no-directory --no-root --only-root --outdated,-o --regenerate --remove-untracked --skip-existing \
                --strict --sync --top-level,-T --tree,-t --unset --list --local --why --short,-s --next-phase --full-path --executable --with-credentials \
                --without-hashes --without-urls --migrate --flat --src",
            values: "--project,-P --directory,-C --extras,-E --group,-G --only --optional --python --platform --markers --source \
                --with --without --format,-f --output,-o --repository,-r --username,-u --password,-p --cert --client-cert \
                --dist-dir --build-directory --priority --name --author --description --dependency --dev-dependency --license,-l --readme --config-settings",
        },
        of: &[
            ("add", Options { switches: "--optional", values: "" }),
            ("build", Options { switches: "", values: "--output,-o" }),
            ("show", Options { switches: "--outdated,-o --latest,-l", values: "" }),
        ],
        stops: &["run"],
        ..table::PLAIN
    },
    roles: &[("source", Role::Registry), ("repository", Role::Registry), ("dry-run", Role::DryRun)],
    turns: &[("config", "list", "local")],
    operands: &[
        ("lock", Operands::Other),
        ("publish", Operands::Other),
        ("python ", Operands::Other),
        ("shell", Operands::Own),
    ],
    style: Style::Python,
    global: &["python ", "self "],
    settings: &["poetry_", "pip_"],
    harmless: &[
        "POETRY_CACHE_DIR",
        "POETRY_NO_INTERACTION",
        "POETRY_VIRTUALENVS_CREATE",
        "POETRY_VIRTUALENVS_IN_PROJECT",
    ],
    ..PLAIN
};
