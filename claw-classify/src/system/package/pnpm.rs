//! pnpm and pnpx.
//!
//! Sources: pnpm 10's manual and its `parse-cli-args`: what stands behind a script's name belongs to the
//! script, and a word that is no command is a script.
//!
//! Known gaps: `.npmrc`, `pnpm-workspace.yaml` and `package.json` are not read.

use super::manager::{Manager, Operands, PLAIN, Role, Style};
use super::npm::{HARMLESS, SETTINGS};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Other, Spelling, Table};

pub(super) const PNPM: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("pnpm.tsv")),
        other: Other::Runs,
        prefixes: &[("recursive", 0)],
        options: Options {
            switches: "--help,-h --version,-v --aggregate-output --allow-build --color --config --dangerously-allow-all-builds \
                --dev,-D --dry-run --fail-if-no-match --fix --fix-lockfile --force --frozen-lockfile --global,-g \
                --if-present --ignore-pnpmfile --ignore-scripts --ignore-workspace --include-workspace-root --interactive,-i \
                --json --latest,-L --lockfile-only --long --no-bail --no-optional --no-sort --offline --parallel --parseable \
                --prefer-frozen-lockfile --prefer-offline --prod,-P --production --recursive,-r --resume-from --reverse \
                --save-dev --save-exact,-E --save-optional,-O --save-peer --save-prod --shamefully-hoist --shell-mode,-c \
                --side-effects-cache --silent,-s --sort --stream --strict-peer-dependencies --use-stderr --workspace \
                --workspace-root,-w --yes,-y --git-checks --provenance",
            values: "--access --audit-level --cache-dir --changed-files-ignore-pattern --depth --dir,-C --filter,-F \
                --filter-prod --global-dir --hoist-pattern --lockfile-dir --loglevel --modules-dir --network-concurrency \
                --node-linker --otp --package --package-import-method --publish-branch --registry --report-summary \
                --reporter --store-dir --tag --test-pattern --userconfig --virtual-store-dir --workspace-concurrency",
        },
        spelling: Spelling::Strict,
        stops: &["create", "dlx", "exec", "run"],
        hands_on: &["restart", "start", "stop", "test"],
        ..table::PLAIN
    },
    roles: &[
        ("registry", Role::Registry),
        ("package", Role::From),
        ("global", Role::Global),
        ("ignore-scripts", Role::Unscripted),
        ("dry-run", Role::DryRun),
    ],
    operands: &[
        ("create", Operands::PackageProgram),
        ("dlx", Operands::PackageProgram),
        ("deploy", Operands::Other),
        ("dist-tag ", Operands::First),
        ("env ", Operands::Other),
        ("exec", Operands::Program),
        ("owner", Operands::Other),
        ("patch-commit", Operands::Other),
        ("restart", Operands::Own),
        ("start", Operands::Own),
        ("stop", Operands::Own),
        ("run", Operands::Script),
        ("test", Operands::Own),
        ("view", Operands::First),
    ],
    style: Style::Npm,
    quiet: &["deprecate", "dist-tag ", "fetch", "patch", "store add", "unpublish"],
    global: &["env ", "self-update"],
    registries: &["npm_config_registry", "NPM_CONFIG_REGISTRY"],
    settings: SETTINGS,
    harmless: HARMLESS,
    ..PLAIN
};

pub(super) const PNPX: Manager = Manager { table: Table { start: "dlx", ..PNPM.table }, ..PNPM };
