//! uv and uvx.
//!
//! Source: the reference of uv 0.8's command line. clap takes bundles of letters and no abbreviations.
//!
//! Known gaps: `uv.toml`, `pyproject.toml` and files of requirements are not read.

use super::manager::{Manager, Operands, PLAIN, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};

pub(super) const UV: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("uv.tsv")),
        options: Options {
            switches: "--help,-h --version,-V --active --all --all-extras --all-groups --all-packages --allow-existing --annotate \
                --bare --break-system-packages --check --clear,-c --compile-bytecode,--compile --dev --dry-run --editable --emit-index-url \
                --exact --force --force-pep517 --frozen --generate-hashes --gui-script --inexact --isolated --lib --locked \
                --managed-python --module,-m --native-tls --no-binary --no-build --no-build-isolation --no-cache,-n --no-config \
                --no-default-groups --no-deps --no-dev --no-editable --no-env-file --no-index --no-install-project \
                --no-install-workspace --no-managed-python --no-progress --no-project --no-python-downloads --no-sources \
                --no-sync --no-verify --no-workspace --offline --only-dev --only-installed --outdated --package-app --app --pre --quiet,-q \
                --refresh --reinstall,--force-reinstall --relocatable --require-hashes --script --seed --sdist --show-settings --show-urls --show-paths \
                --strict --system --system-site-packages --universal --upgrade,-U --user --verbose,-v --wheel --workspace --yes,-y --raw-sources \
                --no-dedupe --invert --depth-all --short --refresh-all --show-version-specifiers --show-with --show-extras",
            values: "--add-bounds --allow-insecure-host,--trusted-host --branch --build-backend --build-constraints,--build-constraint,-b --bounds --bump --cache-dir \
                --check-url --color --config-file --config-setting,--config-settings,-C --constraints,--constraint,-c \
                --default-index --depth --description --directory --env-file --exclude-newer --excludes --extra --extra-index-url \
                --find-links,-f --fork-strategy --format --from --group --index --index-strategy --index-url,-i --keyring-provider \
                --link-mode --marker,-m --max-splits --name --no-binary-package --no-build-package --no-build-isolation-package --no-extra --no-group --no-emit-package --no-install-package \
                --only-binary --only-group --optional --out-dir,-o --output-file --output-format --overrides,--override \
                --package --password --prefix --prerelease --preview-features --project --prompt --prune --publish-url --python,-p --python-platform \
                --python-preference --python-version --refresh-package --reinstall-package --requirements,--requirement,-r \
                --resolution --rev --tag --target,-t --token --torch-backend --trusted-publishing --upgrade-package,-P \
                --username,-u --with,-w --with-editable --with-executables-from --with-requirements",
        },
        of: &[
            ("run", Options { switches: "--module,-m --script,-s", values: "--python,-p" }),
            (
                "pip ",
                Options {
                    switches: "",
                    values: "--output-file,-o --constraints,--constraint,-c --editable,-e --python,-p",
                },
            ),
            (
                "add",
                Options {
                    switches: "--editable",
                    values: "--constraints,-c --marker,-m --python,-p --script",
                },
            ),
            ("remove", Options { switches: "", values: "--script --python,-p" }),
            ("publish", Options { switches: "", values: "--password,-p" }),
            ("venv", Options { switches: "--clear,-c", values: "--python,-p" }),
        ],
        stops: &["run", "tool run"],
        ..table::PLAIN
    },
    roles: &[
        ("index", Role::Registry),
        ("default-index", Role::Registry),
        ("index-url", Role::Registry),
        ("extra-index-url", Role::Registry),
        ("find-links", Role::Registry),
        ("publish-url", Role::Registry),
        ("check-url", Role::Registry),
        ("from", Role::From),
        ("with", Role::Package),
        ("with-editable", Role::Path),
        ("editable", Role::Path),
        ("requirements", Role::List),
        ("with-requirements", Role::List),
        ("group", Role::List),
        ("system", Role::Global),
        ("user", Role::Global),
        ("break-system-packages", Role::Global),
        ("target", Role::Local),
        ("dry-run", Role::DryRun),
    ],
    operands: &[
        ("tool run", Operands::PackageProgram),
        ("pip sync", Operands::Lists),
        ("pip compile", Operands::Lists),
        ("lock", Operands::Other),
        ("python install", Operands::Other),
        ("python uninstall", Operands::Other),
        ("python upgrade", Operands::Other),
        ("self update", Operands::Other),
        ("format", Operands::Other),
        ("publish", Operands::Other),
    ],
    style: Style::Python,
    quiet: &[
        "python install",
        "python uninstall",
        "python upgrade",
        "self update",
        "publish",
        "remove",
    ],
    global: &["python ", "self update", "tool "],
    registries: &[
        "UV_INDEX",
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_PUBLISH_URL",
    ],
    settings: &["uv_"],
    harmless: &[
        "UV_CACHE_DIR",
        "UV_COMPILE_BYTECODE",
        "UV_FROZEN",
        "UV_LINK_MODE",
        "UV_LOCKED",
        "UV_NO_PROGRESS",
        "UV_OFFLINE",
        "UV_CONCURRENT_DOWNLOADS",
    ],
    ..PLAIN
};

pub(super) const UVX: Manager = Manager { table: Table { start: "tool run", ..UV.table }, ..UV };
