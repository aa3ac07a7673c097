//! apt, apt-get, apt-cache and apt-mark.
//!
//! Sources: their help and manuals, of 2.6; apt-pkg's `contrib/cmndline.cc`, which takes bundles of letters.
//!
//! Known gaps: `apt.conf`, `sources.list` and what `-o` and `-c` set are not read; programs can be among that.

use super::manager::{Manager, Operands, PLAIN, Reach, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Table};

pub(super) const APT: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("apt.tsv")),
        options: Options {
            switches: "--help,-h --version,-v --yes,-y,--assume-yes --assume-no --quiet,-q --simulate,-s,--just-print,--dry-run,--recon,--no-act \
                --download-only,-d --fix-broken,-f --fix-missing,-m,--ignore-missing --no-install-recommends --install-recommends \
                --install-suggests --no-install-suggests --reinstall --purge --auto-remove,--autoremove --allow-downgrades \
                --allow-remove-essential --allow-change-held-packages --allow-unauthenticated --allow-insecure-repositories \
                --allow-releaseinfo-change --force-yes --only-upgrade --no-upgrade --upgrade --with-new-pkgs --print-uris --no-download \
                --verbose-versions,-V --show-upgraded,-u --no-remove --trivial-only --ignore-hold --compile,-b,--build --dsc-only --diff-only --tar-only \
                --arch-only --indep-only --installed --upgradable --manual-installed --all-versions,-a --names-only,-n --full \
                --important,-i --recurse --no-all-versions --generate --no-list-cleanup --list-cleanup --color --no-color --no-show-upgraded",
            values: "--option,-o --config-file,-c --target-release,-t,--default-release --host-architecture --build-profiles,-P \
                --with-source --solver --planner --snapshot,-S --src-cache --pkg-cache,-p --file",
        },
        of: &[("build-dep", Options { switches: "", values: "--host-architecture,-a" })],
        ..table::PLAIN
    },
    roles: &[("simulate", Role::DryRun), ("with-source", Role::Path)],
    operands: &[("update", Operands::Other)],
    style: Style::Apt,
    quiet: &["download", "source"],
    reach: Reach::Machine,
    settings: &["apt_config", "dpkg_"],
    ..PLAIN
};
