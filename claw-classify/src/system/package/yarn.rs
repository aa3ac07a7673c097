//! Yarn, of either line: 1 and 2 to 4.
//!
//! Sources: `yarn help` of 1.22 and the manual of 4. What stands behind a script's name belongs to the
//! script, and a word that is no command is a script.
//!
//! Known gaps: `.yarnrc`, `.yarnrc.yml` and `package.json` are not read; plug-ins of Yarn 4 add commands, which
//! are taken for scripts.

use super::manager::{Manager, Operands, PLAIN, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Other, Table};

pub(super) const YARN: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("yarn.tsv")),
        other: Other::Runs,
        bare: "install",
        prefixes: &[("workspace", 1), ("workspaces foreach", 0), ("workspaces run", 0)],
        options: Options {
            switches: "--help,-h --version,-v --all,-A --cached --caret,-C --check-cache --check-files --dev,-D --emoji --exact,-E \
                --fixed,-F --flat --focus --force --frozen-lockfile --har --ignore-engines --ignore-optional \
                --ignore-platform --ignore-scripts --immutable --immutable-cache --inline-builds --interactive,-i \
                --json --latest,-L --link-duplicates --no-bin-links --no-lockfile --non-interactive --offline --optional,-O \
                --parallel,-p --peer,-P --pnp --prefer-offline --prod --production --pure-lockfile --recursive,-R --refresh-lockfile \
                --silent,-s --skip-integrity-check --strict-semver --tilde,-T --tolerate-republish --topological,-t --topological-dev \
                --update-checksums --verbose --verify --quiet,-q --yes,-y --major --minor --patch --dry-run,-n --ignore-workspace-root-check,-W",
            values: "--access --audit-level --depth --cache-folder --cwd --environment --exclude --from --global-folder --groups \
                --include --jobs,-j --level --link-folder --message --modules-folder --mode --mutex --network-concurrency \
                --network-timeout --new-version --node-options --otp --package --pattern --preferred-cache-folder --proxy \
                --https-proxy --registry --scripts-prepend-node-path --since --tag --use-yarnrc",
        },
        of: &[
            ("dlx", Options { switches: "", values: "--package,-p" }),
            ("create", Options { switches: "", values: "--package,-p" }),
        ],
        stops: &["create", "dlx", "exec", "node", "run"],
        hands_on: &["test"],
        ..table::PLAIN
    },
    roles: &[
        ("registry", Role::Registry),
        ("package", Role::From),
        ("ignore-scripts", Role::Unscripted),
        ("dry-run", Role::DryRun),
    ],
    operands: &[
        ("create", Operands::PackageProgram),
        ("dlx", Operands::PackageProgram),
        ("exec", Operands::Program),
        ("info", Operands::First),
        ("npm info", Operands::First),
        ("npm tag ", Operands::First),
        ("owner ", Operands::Other),
        ("set ", Operands::Other),
        ("tag ", Operands::First),
        ("team ", Operands::Other),
        ("run", Operands::Script),
        ("test", Operands::Own),
    ],
    style: Style::Npm,
    quiet: &["npm tag ", "owner ", "patch", "tag ", "team ", "dedupe"],
    global: &["global "],
    registries: &[
        "YARN_REGISTRY",
        "YARN_NPM_REGISTRY_SERVER",
        "YARN_NPM_PUBLISH_REGISTRY",
        "npm_config_registry",
    ],
    settings: &["npm_config_", "yarn_"],
    harmless: &[
        "YARN_CACHE_FOLDER",
        "YARN_ENABLE_TELEMETRY",
        "YARN_ENABLE_PROGRESS_BARS",
        "YARN_ENABLE_IMMUTABLE_INSTALLS",
    ],
    ..PLAIN
};
