//! npm and npx.
//!
//! Sources: npm 11's `lib/utils/cmd-list.js`, `@npmcli/config`'s `definitions.js` and `shorthands.js`, and its
//! nopt, which takes unambiguous beginnings of options and takes what it does not know for a switch.
//!
//! Known gaps: `.npmrc` and `package.json` are not read; neither is what a script does.

use super::manager::{Manager, Operands, PLAIN, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, NO_OPTIONS, Options, Spelling, Table};

pub(super) const NPM: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("npm.tsv")),
        short_commands: true,
        options: Options { switches: SWITCHES, values: VALUES },
        of: &[("exec", EXEC)],
        spelling: Spelling::Lenient,
        ..table::PLAIN
    },
    roles: &[
        ("registry", Role::Registry),
        ("package", Role::From),
        ("call", Role::Program),
        ("editor", Role::Program),
        ("script-shell", Role::Program),
        ("global", Role::Global),
        ("location", Role::Where),
        ("ignore-scripts", Role::Unscripted),
        ("dry-run", Role::DryRun),
    ],
    operands: &[
        ("deprecate", Operands::First),
        ("dist-tag add", Operands::First),
        ("dist-tag rm", Operands::First),
        ("edit", Operands::First),
        ("exec", Operands::PackageProgram),
        ("explore", Operands::First),
        ("init", Operands::Script),
        ("owner ", Operands::Other),
        ("profile ", Operands::Other),
        ("restart", Operands::Own),
        ("run", Operands::Script),
        ("start", Operands::Own),
        ("stop", Operands::Own),
        ("team ", Operands::Other),
        ("test", Operands::Own),
        ("token ", Operands::Other),
        ("undeprecate", Operands::First),
        ("view", Operands::First),
    ],
    style: Style::Npm,
    quiet: &[
        "deprecate",
        "dist-tag ",
        "owner ",
        "team ",
        "access ",
        "org ",
        "profile ",
        "token ",
        "star",
        "unstar",
        "stage",
        "trust",
        "undeprecate",
        "unpublish",
        "cache add",
        "dedupe",
    ],
    registries: &["npm_config_registry", "NPM_CONFIG_REGISTRY"],
    settings: SETTINGS,
    harmless: HARMLESS,
    ..PLAIN
};

/// Everything behind the program is its own.
pub(super) const NPX: Manager =
    Manager { table: Table { start: "exec", stops: &["exec"], ..NPM.table }, ..NPM };

pub(super) const SETTINGS: &[&str] = &["npm_config_"];
pub(super) const HARMLESS: &[&str] = &[
    "npm_config_audit",
    "npm_config_cache",
    "npm_config_color",
    "npm_config_fund",
    "npm_config_loglevel",
    "npm_config_progress",
    "npm_config_update_notifier",
    "npm_config_yes",
];

/// Letters that npx reads otherwise.
const EXEC: Options = Options { switches: NO_OPTIONS.switches, values: "--package,-p --shell" };

const SWITCHES: &str = "--help,-h,-H,-?,--usage --version,-v,--versions --all,-a --allow-same-version --audit \
    --bin-links --color --commit-hooks --description --dev --diff-ignore-all-space --diff-name-only \
    --diff-no-prefix --diff-text --dry-run --engine-strict --expect-results --force,-f --foreground-scripts \
    --format-package-lock --fund --git-tag-version --global,-g --global-style --if-present --ignore-scripts \
    --include-staged --include-workspace-root,-iwr --init-private --install-links --json --legacy-bundling \
    --legacy-peer-deps --link --long,-l --offline --omit-lockfile-registry-resolved --optional --package-lock \
    --package-lock-only --parseable,-p --prefer-dedupe --prefer-offline --prefer-online --production --progress \
    --provenance --quiet,-q --read-only --rebuild-bundle --save,-S --save-bundle,-B --save-dev,-D --save-exact,-E \
    --save-optional,-O --save-peer --save-prod,-P --shrinkwrap --sign-git-commit --sign-git-tag --silent,-s \
    --strict-peer-deps --strict-ssl --timing --unicode --update-notifier --verbose,-d,-dd,-ddd --workspaces,-ws \
    --workspaces-update --yes,-y -n -N";

const VALUES: &str = "--_auth --access --also --audit-level --auth-type --before --browser --ca --cache \
    --cache-max --cache-min --cafile --call,-c --cert --cidr --cpu --depth --diff --diff-dst-prefix \
    --diff-src-prefix --diff-unified --editor --expect-result-count --fetch-retries --fetch-retry-factor \
    --fetch-retry-maxtimeout --fetch-retry-mintimeout --fetch-timeout --git --globalconfig --heading \
    --https-proxy --include --install-strategy --key --libc --local-address --location,-L --lockfile-version \
    --loglevel --logs-dir --logs-max --maxsockets --message,-m --node-gyp --node-options --noproxy --omit --only \
    --os --otp --pack-destination --package --prefix,-C --preid --provenance-file --proxy --registry,--reg \
    --replace-registry-host --save-prefix --sbom-format --sbom-type --scope --script-shell --searchexclude \
    --searchlimit --searchopts --searchstaleness --shell --tag --tag-version-prefix --umask --user-agent \
    --userconfig --viewer --which --workspace,-w";
