//! RubyGems.
//!
//! Sources: `gem help` of 3.3 and of each command; Ruby's OptionParser, which takes unambiguous beginnings.
//!
//! Known gaps: `.gemrc` is not read.

use super::manager::{Manager, Operands, PLAIN, Reach, Role, Style};
use crate::grammar::subcommands::Commands;
use crate::grammar::table::{self, Options, Spelling, Table};

pub(super) const GEM: Manager = Manager {
    table: Table {
        commands: Commands(include_str!("gem.tsv")),
        short_commands: true,
        options: Options {
            switches: "--help,-h --version,-v --prerelease,--pre --no-document,-N --no-ri --no-rdoc --env-shebang,-E --force,-f --wrappers,-w --ignore-dependencies \
                --format-executable --user-install --development --development-all --conservative --minimal-deps \
                --post-install-message --default --explain --lock --suggestions --local,-l --remote,-r --both,-b --clear-sources \
                --verbose,-V --quiet,-q --silent --backtrace --debug --norc --vendor --all,-a --executables,-x --abort-on-dependent --dryrun \
                --installed,-i --details,-d --versions --exact,-e --strict --list --clear-all,-c --update,-u --undo --system --reverse-dependencies,-R --extensions --skip-extensions --only-executables --only-plugins --gemdir,-g --check-development --ruby",
            values: "--version,-v --platform --install-dir,-i --bindir,-n --document --build-root --trust-policy,-P --file,-g \
                --without --bulk-threshold,-B --source,-s --http-proxy,-p --config-file --key,-k --host --otp --add,-a --remove,-r \
                --target --output,-o --editor,-e --gem --skip --directory,-d --port",
        },
        of: &[
            ("", Options { switches: "--version,-v", values: "" }),
            ("install", INSTALL),
            ("update", INSTALL),
            ("pristine", INSTALL),
            (
                "uninstall",
                Options {
                    switches: "--all,-a --executables,-x --ignore-dependencies,-I --force,-f",
                    values: "--version,-v --install-dir,-i --bindir,-n",
                },
            ),
            ("list", LIST),
            ("search", LIST),
            ("fetch", Options { switches: "", values: "--version,-v" }),
            ("specification", Options { switches: "", values: "--version,-v" }),
            ("owner", Options { switches: "", values: "--add,-a --remove,-r" }),
            (
                "sources",
                Options {
                    switches: "--list,-l --clear-all,-c --update,-u --force,-f",
                    values: "--add,-a --remove,-r",
                },
            ),
            ("open", Options { switches: "", values: "--editor,-e --version,-v" }),
            ("exec", Options { switches: "--conservative", values: "--gem,-g --version,-v" }),
        ],
        spelling: Spelling::Abbreviated,
        stops: &["exec"],
        ..table::PLAIN
    },
    roles: &[
        ("source", Role::Registry),
        ("host", Role::Registry),
        ("file", Role::List),
        ("gem", Role::From),
        ("editor", Role::Program),
        ("explain", Role::DryRun),
        ("install-dir", Role::Local),
    ],
    turns: &[
        ("owner", "add", "publish"),
        ("owner", "remove", "publish"),
        ("sources", "add", "config"),
        ("sources", "remove", "config"),
        ("sources", "list", "local"),
    ],
    operands: &[
        ("exec", Operands::PackageProgram),
        ("open", Operands::First),
        ("owner", Operands::First),
        ("yank", Operands::First),
    ],
    style: Style::Colon,
    quiet: &["cleanup", "fetch", "mirror", "owner", "push", "uninstall", "unpack", "yank"],
    reach: Reach::Machine,
    registries: &["RUBYGEMS_HOST"],
    settings: &["gem_host", "gem_source", "gemrc", "rubygems_"],
    ..PLAIN
};

const INSTALL: Options = Options {
    switches: "",
    values: "--version,-v --install-dir,-i --bindir,-n --file,-g --source,-s",
};
const LIST: Options = Options {
    switches: "--remote,-r --installed,-i --all,-a --exact,-e --details,-d",
    values: "--version,-v",
};
