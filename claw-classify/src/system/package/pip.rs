//! pip.
//!
//! Sources: `pip help` of 25 and the help of each command; Python's optparse, which takes bundles of letters
//! and unambiguous beginnings; pip's `configuration.py` for the variables `PIP_*`.
//!
//! Known gaps: `pip.conf` and files of requirements are not read.

use super::manager::{Manager, PLAIN, Reach, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Spelling, Table};

pub(super) const PIP: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("pip.tsv")),
        options: Options {
            switches: "--help,-h --version,-V --debug --isolated --require-virtualenv,--require-venv --verbose,-v --quiet,-q \
                --no-input --no-cache-dir --disable-pip-version-check --no-color --no-python-version-warning --no-deps,--no-dependencies \
                --pre --dry-run --user --upgrade,-U --force-reinstall --ignore-installed,-I --ignore-requires-python \
                --no-build-isolation --use-pep517 --no-use-pep517 --check-build-dependencies --break-system-packages --compile \
                --no-compile --no-warn-script-location --no-warn-conflicts --prefer-binary --require-hashes --no-require-hashes \
                --no-clean --no-index --yes,-y --outdated,-o --uptodate,-u --editable,-e --local,-l --not-required --files,-f --all \
                --exclude-editable --include-editable --global --site --no-verify",
            values: "--log,--log-file,--local-log --keyring-provider --proxy --retries --timeout,--default-timeout --exists-action \
                --trusted-host --cert --client-cert --cache-dir --use-feature --use-deprecated --python --requirement,-r \
                --constraint,-c --build-constraint --group --target,-t --platform --python-version --implementation --abi --root --prefix --src,--source \
                --upgrade-strategy --config-settings,--config-setting,-C --global-option --build-option --no-binary \
                --only-binary --progress-bar --root-user-action --report --index-url,-i,--pypi-url --extra-index-url \
                --find-links,-f --path --format --exclude --editor --algorithm,-a --dest,--destination-dir,--destination-directory,-d \
                --wheel-dir,-w --index",
        },
        of: &[
            ("install", EDITABLE),
            ("wheel", EDITABLE),
            ("download", Options { switches: "", values: "--editable,-e --find-links,-f" }),
            ("show", Options { switches: "--files,-f", values: "" }),
            ("search", Options { switches: "", values: "--index,-i" }),
        ],
        spelling: Spelling::Abbreviated,
        ..table::PLAIN
    },
    roles: &[
        ("index-url", Role::Registry),
        ("extra-index-url", Role::Registry),
        ("find-links", Role::Registry),
        ("index", Role::Registry),
        ("editable", Role::Path),
        ("requirement", Role::List),
        ("group", Role::List),
        ("user", Role::Global),
        ("break-system-packages", Role::Global),
        ("target", Role::Local),
        ("editor", Role::Program),
        ("dry-run", Role::DryRun),
    ],
    style: Style::Python,
    reach: Reach::Environment,
    registries: &["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"],
    settings: &["pip_"],
    harmless: &[
        "PIP_CACHE_DIR",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_DISABLE_PIP_VERSION_CHECK",
        "PIP_NO_CACHE_DIR",
        "PIP_NO_COLOR",
        "PIP_NO_INPUT",
        "PIP_PROGRESS_BAR",
        "PIP_QUIET",
        "PIP_ROOT_USER_ACTION",
        "PIP_VERBOSE",
    ],
    ..PLAIN
};

const EDITABLE: Options = Options { switches: "", values: "--editable,-e --find-links,-f" };
