//! Cargo.
//!
//! Sources: the help of each command of Cargo 1.95; `src/bin/cargo/cli.rs`, by which its own commands win over
//! aliases, and aliases over plug-ins; the Cargo book on variables.
//!
//! Known gaps: `.cargo/config.toml` and `Cargo.toml` are not read, so a word that is no command of Cargo's own may
//! be a plug-in or an alias: of `publish`, for one. Both are effect `run`.

use super::manager::{Manager, Operands, PLAIN, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Other, Table};

pub(super) const CARGO: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("cargo.tsv")),
        other: Other::Runs,
        version_mark: Some(b'+'),
        options: Options {
            switches: "--help,-h --version,-V --list --verbose,-v --quiet,-q --frozen --locked --offline --all --all-features \
                --all-targets --allow-dirty --allow-staged --allow-no-vcs --aggressive --benches --bins --bootstrap --breaking --broken-code --build-plan --debug --dev --build --default-features \
                --doc --document-private-items --dry-run,-n --duplicates,-d --edition-idioms --edition --examples --exclude-lockfile --fail-fast --force,-f --future-incompat-report \
                --ignore-rust-version --ignore-private --keep-going --lib --no-default-features --no-dedupe --no-delete --no-deps --no-fail-fast \
                --no-fail --no-merge-sources --no-metadata --no-optional --no-run --no-track --no-verify --open --optional \
                --public --recursive --release,-r --respect-source-config --show-output --tests --timings --undo --unit-graph --versioned-dirs --workspace -x",
            values: "--color --config -Z -C --explain --artifact-dir --base --bench --bin --branch --charset --depth --edges,-e --example --exclude \
                --features,-F --filter-platform --format --format-version --git --index --invert,-i --jobs,-j --limit --lockfile-path \
                --manifest-path --message-format --name --vcs --package,-p,--pkgid --path --precise --prefix --profile --prune --registry --rename \
                --rev --root --sync,-s --tag --target --target-dir --test --token --add,-a --remove --version,--vers --crate-type --print --id",
        },
        of: &[
            ("", Options { switches: "--version,-V", values: "" }),
            ("build", Options { switches: "--release,-r", values: "" }),
            ("owner", Options { switches: "--list,-l", values: "--remove,-r" }),
            ("tree", Options { switches: "", values: "--format,-f" }),
        ],
        stops: &["run"],
        ..table::PLAIN
    },
    roles: &[
        ("registry", Role::Registry),
        ("index", Role::Registry),
        ("git", Role::Git),
        ("path", Role::Path),
        ("dry-run", Role::DryRun),
    ],
    turns: &[
        ("install", "list", "local"),
        ("owner", "add", "publish"),
        ("owner", "remove", "publish"),
    ],
    operands: &[
        ("info", Operands::First),
        ("metadata", Operands::Other),
        ("owner", Operands::First),
        ("publish", Operands::Other),
        ("run", Operands::Other),
        ("generate-lockfile", Operands::Other),
        ("fetch", Operands::Other),
        ("vendor", Operands::Other),
    ],
    style: Style::At,
    quiet: &["add", "fetch", "owner", "remove", "uninstall", "update", "vendor", "yank"],
    global: &["install", "uninstall"],
    registries: &["CARGO_REGISTRY_DEFAULT", "CARGO_REGISTRIES_CRATES_IO_INDEX"],
    settings: &["cargo_", "rustc", "rustdoc", "rustflags"],
    harmless: &[
        "CARGO_BUILD_JOBS",
        "CARGO_HOME",
        "CARGO_INCREMENTAL",
        "CARGO_MANIFEST_DIR",
        "CARGO_NET_OFFLINE",
        "CARGO_NET_RETRY",
        "CARGO_TARGET_DIR",
        "CARGO_TERM_COLOR",
    ],
    ..PLAIN
};
